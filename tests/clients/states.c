/* states DEVICE: what each call returns before and after activation, a line for each. Calls that must have a text have
 * it checked. With the system's libpcap and an interface the lines are the reference. */
#include "client.h"

static pcap_t *p;
static char errbuf[PCAP_ERRBUF_SIZE];

static void nothing(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	(void)user, (void)header, (void)data;
}

/* Prints a call's result; a failure must have left a new text. */
#define SHOW(call, text) \
	do { \
		strcpy(text, ""); \
		int result = (call); \
		CHECK(result >= 0 || *(text) != 0, "failed with %d and no text", result); \
		printf("%s %s: %d\n", when, #call, result); \
	} while (0)

/* Prints a call's result: positive values as 1, since they differ from device to device. */
#define SHOW_SIGN(call) \
	do { \
		int result = (call); \
		printf("%s %s: %d\n", when, #call, result > 0 ? 1 : result); \
	} while (0)

static void settings(const char *when)
{
	SHOW(pcap_set_snaplen(p, 1000), pcap_geterr(p));
	SHOW(pcap_set_promisc(p, 1), pcap_geterr(p));
	SHOW(pcap_set_timeout(p, 10), pcap_geterr(p));
	SHOW(pcap_set_immediate_mode(p, 0), pcap_geterr(p));
	SHOW(pcap_set_buffer_size(p, 1 << 20), pcap_geterr(p));
	SHOW(pcap_set_protocol_linux(p, 0), pcap_geterr(p));
	SHOW(pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_NANO), pcap_geterr(p));
	SHOW(pcap_set_tstamp_precision(p, PCAP_TSTAMP_PRECISION_MICRO), pcap_geterr(p));
	SHOW(pcap_set_tstamp_type(p, PCAP_TSTAMP_HOST), pcap_geterr(p));
	SHOW(pcap_set_rfmon(p, 0), pcap_geterr(p));
	SHOW(pcap_get_tstamp_precision(p), pcap_geterr(p));
}

static void reads(const char *when)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	SHOW(pcap_next_ex(p, &header, &data), pcap_geterr(p));
	SHOW(pcap_dispatch(p, 1, nothing, NULL), pcap_geterr(p));
}

static void queries(const char *when)
{
	struct pcap_stat stats;
	struct bpf_insn all = { 6, 0, 0, 262144 };
	struct bpf_program program = { 1, &all };
	int *list = NULL;
	SHOW(pcap_stats(p, &stats), pcap_geterr(p));
	SHOW(pcap_setfilter(p, &program), pcap_geterr(p));
	SHOW(pcap_setdirection(p, PCAP_D_INOUT), pcap_geterr(p));
	SHOW_SIGN(pcap_datalink(p));
	SHOW_SIGN(pcap_list_datalinks(p, &list));
	if (list)
		pcap_free_datalinks(list);
	SHOW(pcap_set_datalink(p, 147), pcap_geterr(p));
	SHOW_SIGN(pcap_snapshot(p));
	SHOW_SIGN(pcap_is_swapped(p));
	SHOW_SIGN(pcap_major_version(p));
	SHOW_SIGN(pcap_minor_version(p));
	SHOW_SIGN(pcap_fileno(p));
	SHOW_SIGN(pcap_get_selectable_fd(p));
	SHOW_SIGN(pcap_file(p) != NULL);
	SHOW(pcap_can_set_rfmon(p), pcap_geterr(p));
}

int main(int argc, char **argv)
{
	const char *when = "created";
	CHECK(argc == 2, "usage");
	p = pcap_create(argv[1], errbuf);
	CHECK(p != NULL, "%s", errbuf);
	settings(when);
	reads(when);
	SHOW(pcap_loop(p, 1, nothing, NULL), pcap_geterr(p));
	queries(when);
	SHOW(pcap_activate(p), errbuf);

	when = "active";
	settings(when);
	SHOW(pcap_activate(p), pcap_geterr(p));
	SHOW(pcap_setnonblock(p, 1, errbuf), errbuf);
	SHOW(pcap_getnonblock(p, errbuf), errbuf);
	reads(when);
	queries(when);
	pcap_close(p);
	return 0;
}
