/* elsewhere DEVICE EXPRESSION: compiles a filter without a capture, and puts it in force on one. */
#include "client.h"

int main(int argc, char **argv)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	struct bpf_program program;
	CHECK(argc == 3, "usage");
	pcap_t *p = pcap_create(argv[1], errbuf);
	CHECK(p != NULL, "%s", errbuf);
	CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
	pcap_t *dead = pcap_open_dead(pcap_datalink(p), 1000);
	CHECK(pcap_compile(dead, &program, argv[2], 1, 0) == 0, "%s", pcap_geterr(dead));
	pcap_close(dead);
	int result = pcap_setfilter(p, &program);
	printf("setfilter: %d: %s\n", result, pcap_geterr(p));
	pcap_freecode(&program);
	pcap_close(p);
	return 0;
}
