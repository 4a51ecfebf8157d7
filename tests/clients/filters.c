/* filters FILE: filters for link type NFLOG, on the savefile FILE of that type and without any capture. Prints what each
 * way of compiling lets through. */
#include "client.h"
#include <arpa/inet.h>

/* pcap_compile_nopcap is deprecated, and must work. */
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

static int judged(const struct bpf_program *program, const char *file)
{
	char errbuf[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const u_char *data;
	int count = 0;
	pcap_t *p = pcap_open_offline(file, errbuf);
	CHECK(p != NULL, "%s", errbuf);
	while (pcap_next_ex(p, &header, &data) == 1) {
		unsigned verdict = pcap_offline_filter(program, header, data);
		CHECK(verdict == bpf_filter(program->bf_insns, data, header->len, header->caplen), "%u", verdict);
		count += verdict != 0;
	}
	pcap_close(p);
	return count;
}

static int delivered(const char *expression, const char *file)
{
	char errbuf[PCAP_ERRBUF_SIZE];
	struct bpf_program program;
	struct pcap_pkthdr *header;
	const u_char *data;
	int count = 0;
	pcap_t *p = pcap_open_offline(file, errbuf);
	CHECK(p != NULL, "%s", errbuf);
	CHECK(pcap_compile(p, &program, expression, 1, PCAP_NETMASK_UNKNOWN) == 0, "%s", pcap_geterr(p));
	CHECK(pcap_setfilter(p, &program) == 0, "%s", pcap_geterr(p));
	pcap_freecode(&program);
	while (pcap_next_ex(p, &header, &data) == 1)
		count++;
	pcap_close(p);
	return count;
}

int main(int argc, char **argv)
{
	static const char *const expressions[] = { "udp port 9000", "not udp port 9000", "ip6", "", "greater 200", "less 199" };
	CHECK(argc == 2, "usage");
	pcap_t *dead = pcap_open_dead(DLT_NFLOG, 1000);
	for (size_t i = 0; i < sizeof(expressions) / sizeof(expressions[0]); i++) {
		struct bpf_program program, plain, nopcap;
		CHECK(pcap_compile(dead, &program, expressions[i], 1, 0) == 0, "%s", pcap_geterr(dead));
		CHECK(pcap_compile(dead, &plain, expressions[i], 0, 0) == 0, "%s", pcap_geterr(dead));
		CHECK(pcap_compile_nopcap(1000, DLT_NFLOG, &nopcap, expressions[i], 1, 0) == 0, "%s", expressions[i]);
		CHECK(bpf_validate(program.bf_insns, program.bf_len) && bpf_validate(plain.bf_insns, plain.bf_len), "valid");
		CHECK(program.bf_len == nopcap.bf_len, "%u and %u", program.bf_len, nopcap.bf_len);
		CHECK(!memcmp(program.bf_insns, nopcap.bf_insns, program.bf_len * sizeof(struct bpf_insn)), "not the same");
		CHECK(plain.bf_len > program.bf_len || (i > 1 && plain.bf_len == program.bf_len), "%s: optimize makes no difference", expressions[i]);
		printf("'%s': %d %d %d\n", expressions[i], judged(&program, argv[1]), judged(&plain, argv[1]),
		       delivered(expressions[i], argv[1]));
		pcap_freecode(&program);
		pcap_freecode(&plain);
		pcap_freecode(&nopcap);
		CHECK(program.bf_insns == NULL && program.bf_len == 0, "freed");
	}
	/* The netmask makes an expression's meaning, or its failure. */
	struct bpf_program program;
	CHECK(pcap_compile(dead, &program, "ip broadcast", 1, PCAP_NETMASK_UNKNOWN) < 0, "no netmask");
	printf("netmask: %s\n", pcap_geterr(dead));
	CHECK(pcap_compile(dead, &program, "ip broadcast", 1, htonl(0xffffff00)) == 0, "%s", pcap_geterr(dead));
	pcap_freecode(&program);
	CHECK(pcap_compile(dead, &program, "udp prt 9000", 1, 0) < 0, "syntax");
	printf("syntax: %s\n", pcap_geterr(dead));
	CHECK(pcap_compile(dead, &program, "udp and ether host 1:2:3:4:5:6", 1, 0) < 0, "link");
	printf("link: %s\n", pcap_geterr(dead));
	CHECK(pcap_compile_nopcap(1000, DLT_NFLOG, &program, "udp prt 9000", 1, 0) == -1, "syntax");
	pcap_close(dead);
	return 0;
}
