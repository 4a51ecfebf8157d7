/* openclose TIMES: opens and closes devices, and fails to, so many times; neither memory nor descriptors may grow. */
#include "client.h"
#include "resources.h"
#include <unistd.h>

static void once(int fail_too)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	struct pcap_pkthdr *header;
	const u_char *data;
	struct bpf_insn all = { 6, 0, 0, 262144 };
	struct bpf_program program = { 1, &all };
	int *links;

	pcap_t *p = pcap_create("nflog:5,6", errbuf);
	CHECK(p != NULL, "%s", errbuf);
	CHECK(pcap_setnonblock(p, 1, errbuf) == 0, "%s", errbuf);
	CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
	CHECK(pcap_setfilter(p, &program) == 0, "%s", pcap_geterr(p));
	CHECK(pcap_get_selectable_fd(p) >= 0, "no descriptor");
	CHECK(pcap_list_datalinks(p, &links) > 0, "%s", pcap_geterr(p));
	pcap_free_datalinks(links);
	CHECK(pcap_next_ex(p, &header, &data) == 0, "%s", pcap_geterr(p));

	if (fail_too) { /* The group is read by the first handle. */
		pcap_t *second = pcap_create("nflog:7,5", errbuf);
		CHECK(second != NULL && pcap_activate(second) == 0, "%s", errbuf);
		CHECK(pcap_next_ex(second, &header, &data) == PCAP_ERROR, "%s", pcap_geterr(second));
		pcap_close(second);
	}
	pcap_close(p);

	/* Never activated, and never created. */
	p = pcap_create("nflog:5", errbuf);
	CHECK(p != NULL, "%s", errbuf);
	pcap_close(p);
	CHECK(pcap_create("nflog:x", errbuf) == NULL, "created");
}

int main(int argc, char **argv)
{
	CHECK(argc == 2, "usage");
	for (int i = 0; i < 50; i++) /* what is allocated once */
		once(i % 20 == 0);
	int descriptors_before = descriptors();
	long memory_before = memory(), allocated_before = allocated();
	for (int i = 0; i < atoi(argv[1]); i++)
		once(i % 20 == 0);
	int more = descriptors() - descriptors_before;
	printf("descriptors=%d kib=%ld allocated=%ld\n", more, memory() - memory_before, allocated() - allocated_before);
	return 0;
}
