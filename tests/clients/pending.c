/* pending DEVICE CALL: a thread makes a call while a cancellation of it is pending. It ends in the call or behind it, and
 * another goes on. */
#define _GNU_SOURCE
#include "numbered.h"
#include <pthread.h>

static const char *call;
static pcap_t *opened;
static pcap_if_t *devices;
static pcap_dumper_t *dumper;
static struct bpf_program compiled;
static int cleanups, returned, result;
static char errbuf[PCAP_ERRBUF_SIZE];

static int is(const char *name) { return !strcmp(call, name); }

static void count_up(void *counter)
{
	++*(int *)counter;
}

static void make_the_call(const char *device)
{
	struct bpf_insn all = { 6, 0, 0, 262144 };
	struct bpf_program everything = { 1, &all };
	struct pcap_stat stats;
	int *links;
	if (is("create"))
		result = (opened = pcap_create(device, errbuf)) == NULL;
	else if (is("open_live"))
		result = (opened = pcap_open_live(device, 65535, 0, 100, errbuf)) == NULL;
	else if (is("activate"))
		result = pcap_activate(p);
	else if (is("close"))
		pcap_close(p);
	else if (is("stats"))
		result = pcap_stats(p, &stats);
	else if (is("compile"))
		result = pcap_compile(p, &compiled, "udp dst port 9000 and not icmp", 1, PCAP_NETMASK_UNKNOWN);
	else if (is("setfilter"))
		result = pcap_setfilter(p, &everything);
	else if (is("setnonblock"))
		result = pcap_setnonblock(p, 1, errbuf) || pcap_setnonblock(p, 0, errbuf);
	else if (is("setdirection"))
		result = pcap_setdirection(p, PCAP_D_INOUT);
	else if (is("selectable"))
		result = pcap_get_selectable_fd(p) < 0;
	else if (is("breakloop"))
		pcap_breakloop(p);
	else if (is("list_datalinks")) {
		if ((result = pcap_list_datalinks(p, &links)) > 0) {
			pcap_free_datalinks(links);
			result = 0;
		}
	} else if (is("set_datalink"))
		result = pcap_set_datalink(p, pcap_datalink(p));
	else if (is("findalldevs"))
		result = pcap_findalldevs(&devices, errbuf);
	else if (is("dump_open"))
		result = (dumper = pcap_dump_open(p, "/dev/null")) == NULL;
	else if (is("sendpacket"))
		result = pcap_sendpacket(p, (const u_char *)"", 0) == 0;
	else
		CHECK(0, "%s", call);
}

static void *calling(void *device)
{
	pthread_cleanup_push(count_up, &cleanups);
	pthread_cancel(pthread_self());
	make_the_call(device);
	returned = 1;
	pthread_testcancel();
	pthread_cleanup_pop(0);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	void *value = NULL;
	CHECK(argc == 3, "usage: pending DEVICE CALL");
	const char *device = argv[1];
	call = argv[2];
	int nflog = !strncmp(device, "nflog", 5), opens = is("create") || is("open_live");
	limit_time();
	open_sockets();
	int before = descriptors();
	if (is("activate")) {
		p = pcap_create(device, errbuf);
		CHECK(p != NULL && pcap_set_timeout(p, 100) == 0, "%s", errbuf);
	} else if (!opens) {
		open_numbered(device, 100);
		send_numbered(5);
		CHECK(readable(LIMIT * 1000), "no packets come");
	}
	CHECK(pthread_create(&thread, NULL, calling, argv[1]) == 0, "pthread_create");
	CHECK(pthread_join(thread, &value) == 0 && value == PTHREAD_CANCELED, "%p", value);
	CHECK(cleanups == 1, "cleanup ran %d times", cleanups);
	CHECK(!returned || result >= 0, "%d %s%s", result, errbuf, p != NULL ? pcap_geterr(p) : "");
	CHECK(!returned || result == 0 || is("activate"), "%d %s", result, errbuf);

	if (opens) {
		if (opened != NULL)
			pcap_close(opened);
	} else if (is("activate")) {
		if (nflog) {
			result = pcap_activate(p);
			CHECK(result == 0 || result == PCAP_ERROR_ACTIVATED, "%d %s", result, pcap_geterr(p));
			CHECK(pcap_stats(p, &(struct pcap_stat){ 0 }) == 0, "%s", pcap_geterr(p));
		}
		pcap_close(p);
	} else if (!is("close")) {
		if (is("breakloop")) {
			result = pcap_dispatch(p, -1, note_all, NULL);
			CHECK(result == PCAP_ERROR_BREAK, "%d %s", result, pcap_geterr(p));
		}
		send_numbered(5);
		read_the_rest("dispatch");
		pcap_close(p);
		if (compiled.bf_insns != NULL)
			pcap_freecode(&compiled);
		if (dumper != NULL)
			pcap_dump_close(dumper);
		if (devices != NULL)
			pcap_freealldevs(devices);
	}
	/* A group is bound while a descriptor is open: no one could free it any more. Others' devices leave theirs. */
	int left = descriptors() - before;
	CHECK(left == 0 || !nflog || is("findalldevs"), "%d descriptors are left", left);
	printf("%s left=%d\n", returned ? "returned" : "ended", left);
	return 0;
}
