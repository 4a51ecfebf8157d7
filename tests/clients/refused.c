/* refused NAME...: tries to open each device in both ways. Both must fail and leave a text, which is printed. */
#include "client.h"

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char errbuf[PCAP_ERRBUF_SIZE + 1];
		memset(errbuf, '#', sizeof errbuf);
		CHECK(pcap_create(argv[i], errbuf) == NULL, "pcap_create opens %s", argv[i]);
		CHECK(memchr(errbuf, 0, PCAP_ERRBUF_SIZE) != NULL && errbuf[PCAP_ERRBUF_SIZE] == '#', "%s", argv[i]);
		printf("%s\n", errbuf);
		memset(errbuf, '#', sizeof errbuf);
		CHECK(pcap_open_live(argv[i], 100, 0, 10, errbuf) == NULL, "pcap_open_live opens %s", argv[i]);
		CHECK(memchr(errbuf, 0, PCAP_ERRBUF_SIZE) != NULL && errbuf[PCAP_ERRBUF_SIZE] == '#', "%s", argv[i]);
		printf("%s\n", errbuf);
	}
	return 0;
}
