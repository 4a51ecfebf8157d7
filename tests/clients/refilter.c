/* refilter DEVICE: takes one packet without a filter, then sets a filter for port 9001, and takes what is left up to a
 * packet with the payload "the end"; then one for port 9000, and so on. Prints how many came, and how many of them
 * the filter in force accepts. */
#include "client.h"

static int ends(const struct pcap_pkthdr *header, const u_char *data)
{
	for (unsigned i = 0; i + 7 <= header->caplen; i++)
		if (!memcmp(data + i, "the end", 7))
			return 1;
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const filters[] = { "udp port 9001", "udp port 9000" };
	struct pcap_pkthdr *header;
	const u_char *data;
	int result;
	CHECK(argc == 2, "usage");
	pcap_t *p = open_device(argv[1], 1000);
	ready();
	while ((result = pcap_next_ex(p, &header, &data)) == 0)
		;
	CHECK(result == 1, "%s", pcap_geterr(p));
	for (int i = 0; i < 2; i++) {
		struct bpf_program program;
		int count = 0, right = 0, last = 0;
		CHECK(pcap_compile(p, &program, filters[i], 1, PCAP_NETMASK_UNKNOWN) == 0, "%s", pcap_geterr(p));
		CHECK(pcap_setfilter(p, &program) == 0, "%s", pcap_geterr(p));
		while (!last) {
			result = pcap_next_ex(p, &header, &data);
			CHECK(result >= 0, "%s", pcap_geterr(p));
			if (result == 0)
				continue;
			count++;
			right += pcap_offline_filter(&program, header, data) != 0;
			last = ends(header, data);
		}
		pcap_freecode(&program);
		printf("%s: %d %d\n", filters[i], count, right);
	}
	pcap_close(p);
	return 0;
}
