/* A libpcap that finds fewer programs valid: none that copies X. All else is in the libpcap that this is linked with. */
#include <pcap/pcap.h>

int bpf_validate(const struct bpf_insn *program, int count)
{
	for (int i = 0; i < count; i++)
		if (program[i].code == (BPF_MISC | BPF_TXA))
			return 0;
	return count > 0;
}
