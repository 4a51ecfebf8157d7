/* version: prints libpcap's version as programs parse it, and the variables that libpcap exports. */
#include "client.h"

/* No header declares them. */
extern char pcap_version[];
extern struct { const char *name; unsigned short value; } eproto_db[];

int main(void)
{
	int major, minor, micro;
	printf("variable %s\n", pcap_version);
	for (int i = 0; eproto_db[i].name != NULL; i++)
		printf("%s %#x\n", eproto_db[i].name, eproto_db[i].value);
	CHECK(sscanf(pcap_lib_version(), "libpcap version %d.%d.%d", &major, &minor, &micro) == 3, "%s", pcap_lib_version());
	printf("parsed %d.%d.%d\n", major, minor, micro);
	printf("whole %s\n", pcap_lib_version());
	printf("variable afterwards %s\n", pcap_version);
	return 0;
}
