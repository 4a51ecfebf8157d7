/* opened DEVICE: prints what is in errbuf, which had a text before, when the device was opened in one call. */
#include "client.h"

int main(int argc, char **argv)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "of an earlier call";
	CHECK(argc == 2, "usage");
	pcap_t *p = pcap_open_live(argv[1], 100, 0, 10, errbuf);
	CHECK(p != NULL, "%s", errbuf);
	printf("'%s'\n", errbuf);
	pcap_close(p);
	return 0;
}
