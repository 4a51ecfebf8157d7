/* alone [hidden]: captures three packets from nflog:5, and shows that what needs the system's libpcap says so. With
 * "hidden", libpcap must not be loadable by name either. */
#include "client.h"
#include <dlfcn.h>

static void nothing(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	(void)user, (void)header, (void)data;
}

static void says_so(const char *text)
{
	CHECK(strstr(text, "system libpcap not found") != NULL, "%s", text);
	puts(text);
}

int main(int argc, char **argv)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	struct bpf_program program;
	struct pcap_stat stats;
	CHECK(argc < 2 || strcmp(argv[1], "hidden") || dlopen("libpcap.so.0.8", RTLD_NOW) == NULL, "it is still there");
	pcap_t *p = open_device("nflog:5", 1000);
	ready();
	int result = pcap_loop(p, 3, nothing, NULL);
	CHECK(result == 0, "%d %s", result, pcap_geterr(p));
	CHECK(pcap_stats(p, &stats) == 0 && stats.ps_recv >= 3, "%s", pcap_geterr(p));
	CHECK(pcap_datalink(p) == 12 && !strcmp(pcap_datalink_val_to_name(12), "RAW"), "%d", pcap_datalink(p));
	CHECK(pcap_compile(p, &program, "udp", 1, PCAP_NETMASK_UNKNOWN) == PCAP_ERROR, "compiled");
	says_so(pcap_geterr(p));
	pcap_close(p);

	CHECK(pcap_open_offline("/dev/null", errbuf) == NULL, "opened");
	says_so(errbuf);
	CHECK(pcap_open_live("lo", 100, 0, 10, errbuf) == NULL, "opened");
	says_so(errbuf);
	return 0;
}
