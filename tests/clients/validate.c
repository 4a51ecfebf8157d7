/* validate: whether a program that copies X is valid, and whether it can be a filter. */
#include "client.h"

int main(void)
{
	struct bpf_insn instructions[] = { BPF_STMT(BPF_MISC | BPF_TXA, 0), BPF_STMT(BPF_RET | BPF_A, 0) };
	struct bpf_program program = { 2, instructions };
	pcap_t *p = open_device("nflog:5", 10);
	printf("valid: %d\n", bpf_validate(instructions, 2));
	printf("setfilter: %d\n", pcap_setfilter(p, &program));
	printf("text: %s\n", pcap_geterr(p));
	instructions[0].code = BPF_LD | BPF_IMM;
	CHECK(pcap_setfilter(p, &program) == 0, "%s", pcap_geterr(p));
	pcap_close(p);
	return 0;
}
