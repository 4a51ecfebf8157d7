/* Asks the libpcap that it is linked with who it is: a part of `which`, or a library of its own. */
#include <pcap/pcap.h>
#include <stdio.h>

void ask(void);

void ask(void)
{
	char file[PCAP_ERRBUF_SIZE] = "", live[PCAP_ERRBUF_SIZE] = "";
	pcap_open_offline("/nonexistent", file);
	pcap_open_live("nonexistent", 100, 0, 100, live);
	printf("savefile: %s\nlive: %s\nversion: %s\n", file, live, pcap_lib_version());
}
