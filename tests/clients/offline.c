/* offline FILE COPY: prints all that libpcap tells of a savefile, and writes its packets to another. */
#include "client.h"

int main(int argc, char **argv)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	struct pcap_pkthdr *header;
	const u_char *data;
	struct bpf_program program;
	struct pcap_stat stats;
	int result, filter;
	CHECK(argc == 3, "usage");
	pcap_t *p = pcap_open_offline_with_tstamp_precision(argv[1], PCAP_TSTAMP_PRECISION_NANO, errbuf);
	if (p == NULL) {
		printf("open: %s\n", errbuf);
		return 0;
	}
	printf("datalink %d %s snapshot %d swapped %d version %d.%d precision %d\n", pcap_datalink(p),
	       pcap_datalink_val_to_name(pcap_datalink(p)), pcap_snapshot(p), pcap_is_swapped(p), pcap_major_version(p),
	       pcap_minor_version(p), pcap_get_tstamp_precision(p));
	printf("stats %d %s\n", pcap_stats(p, &stats), pcap_geterr(p));
	/* For NFLOG, compiling is not what it is without the library. */
	filter = pcap_datalink(p) == DLT_NFLOG ? -2 : pcap_compile(p, &program, "udp port 9000", 1, PCAP_NETMASK_UNKNOWN);
	printf("compile %d %s\n", filter, filter == -1 ? pcap_geterr(p) : "");
	pcap_dumper_t *copy = pcap_dump_open(p, argv[2]);
	if (copy == NULL)
		printf("dump: %s\n", pcap_geterr(p));
	while ((result = pcap_next_ex(p, &header, &data)) == 1) {
		printf("%ld.%09ld caplen %u len %u match %d:", (long)header->ts.tv_sec, (long)header->ts.tv_usec, header->caplen,
		       header->len, filter < 0 ? -1 : pcap_offline_filter(&program, header, data) != 0);
		for (unsigned i = 0; i < header->caplen; i++)
			printf(" %02x", data[i]);
		putchar('\n');
		if (copy)
			pcap_dump((u_char *)copy, header, data);
	}
	printf("end %d %s\n", result, result == PCAP_ERROR ? pcap_geterr(p) : "");
	if (filter >= 0)
		pcap_freecode(&program);
	if (copy)
		pcap_dump_close(copy);
	pcap_close(p);
	return 0;
}
