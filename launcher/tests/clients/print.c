/* Prints the payloads of three UDP datagrams over IPv4, with libpcap's interface alone. C and C++. */
#include <stdio.h>
#include PCAP_HEADER

int main(int argc, char **argv)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	struct bpf_program program;
	struct pcap_pkthdr *header;
	const unsigned char *data;
	pcap_t *p = argc == 3 ? pcap_open_live(argv[1], 65535, 0, 100, errbuf) : NULL;

	if (p == NULL) {
		fprintf(stderr, "%s\n", errbuf);
		return 1;
	}
	if (pcap_compile(p, &program, argv[2], 1, PCAP_NETMASK_UNKNOWN) != 0 || pcap_setfilter(p, &program) != 0) {
		pcap_perror(p, argv[0]);
		return 1;
	}
	pcap_freecode(&program);
	fprintf(stderr, "ready\n");
	for (int packets = 0; packets < 3;) {
		int got = pcap_next_ex(p, &header, &data);
		if (got < 0) {
			pcap_perror(p, argv[0]);
			return 1;
		}
		if (got == 1) {
			printf("%.*s\n", (int)header->caplen - 28, (const char *)data + 28);
			packets++;
		}
	}
	pcap_close(p);
	return 0;
}
