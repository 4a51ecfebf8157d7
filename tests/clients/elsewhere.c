/* elsewhere DEVICE: puts a filter in force that was compiled for another capture, by its interface: it has a load of
 * Linux's own socket filters. */
#include "client.h"

/* linux/filter.h, which has BPF_STMT and others once more. */
#define SKF_AD_OFF (-0x1000)
#define SKF_AD_IFINDEX 8

int main(int argc, char **argv)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	struct bpf_insn instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_IFINDEX),
		BPF_STMT(BPF_RET | BPF_A, 0),
	};
	struct bpf_program program = { 2, instructions };
	CHECK(argc == 2, "usage");
	pcap_t *p = pcap_create(argv[1], errbuf);
	CHECK(p != NULL, "%s", errbuf);
	CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
	int result = pcap_setfilter(p, &program);
	printf("setfilter: %d: %s\n", result, pcap_geterr(p));
	pcap_close(p);
	return 0;
}
