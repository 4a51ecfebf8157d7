/* starving CALL MODE DATALINK [DEVICE]: makes a call again and again, in a process of its own each time, while its k-th
 * allocation fails (or from the k-th on, or the k-th mmap: see failing.c), until none is left to fail. Each must succeed, or
 * fail with its error and a text. Counts those that did, those that died, those that died in libpcap itself (its scanner
 * exits with 2 or crashes), and those that failed without a word. With another DEVICE it is libpcap alone. With MODE repeat all are made in one process, which has no memory at all, and then has some. */
#define _GNU_SOURCE
#include "numbered.h"
#include "../../include/pcap_nflog.h"
#include <dlfcn.h>
#include <execinfo.h>
#include <sys/wait.h>

static void (*arm)(long, int);
static long (*disarm)(void);
static const char *call, *linktype, *device = "nflog:5";
static char errbuf[PCAP_ERRBUF_SIZE];
static struct bpf_program program, plenty; /* plenty: compiled with memory */
static char filter[4096] = "udp dst port 9000 or host 10.0.0.1";
static int (*packet_info)(pcap_t *, struct pcap_nflog_info *);

static int is(const char *name) { return !strcmp(call, name); }

static void ask(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	struct pcap_nflog_info info = { .size = sizeof info };
	(void)user, (void)header, (void)data;
	CHECK(packet_info(p, &info) == 0 && info.group == 5, "%s", pcap_geterr(p));
	unique++;
}

static void count(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	(void)user, (void)header, (void)data;
	unique++;
}

static void create(int snaplen)
{
	p = pcap_create(device, errbuf);
	CHECK(p != NULL, "%s", errbuf);
	CHECK(pcap_set_timeout(p, 100) == 0 && pcap_set_snaplen(p, snaplen) == 0, "%s", pcap_geterr(p));
}

/* What must be there before the call. */
static void prepare(void)
{
	if (is("open_live") || is("create") || is("findalldevs"))
		return;
	create(is("cut") ? 40 : 2000);
	if (is("activate"))
		return;
	CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
	CHECK(pcap_set_datalink(p, pcap_datalink_name_to_val(linktype)) == 0, "%s", pcap_geterr(p));
	if (is("setfilter") || is("compile"))
		CHECK(pcap_compile(p, &plenty, filter, 1, PCAP_NETMASK_UNKNOWN) == 0, "%s", pcap_geterr(p));
	if (!is("read") && !is("cut") && !is("packet") && !is("close"))
		return;
	send_numbered(10);
	CHECK(poll(&(struct pollfd){ pcap_get_selectable_fd(p), POLLIN, 0 }, 1, LIMIT * 1000) == 1, "no packets come");
}

/* The call: below 0 when it fails, with a text in errbuf. */
static int make_the_call(void)
{
	struct pcap_stat stats;
	pcap_if_t *devices = NULL;
	int *links = NULL, result = 0;
	errbuf[0] = 0;
	if (is("create") || is("open_live")) {
		p = is("create") ? pcap_create(device, errbuf) : pcap_open_live(device, 2000, 0, 100, errbuf);
		return p == NULL ? PCAP_ERROR : 0;
	}
	if (is("findalldevs")) {
		result = pcap_findalldevs(&devices, errbuf);
		pcap_freealldevs(devices);
		return result;
	}
	if (is("activate"))
		result = pcap_activate(p);
	else if (is("compile"))
		result = pcap_compile(p, &program, filter, 1, PCAP_NETMASK_UNKNOWN);
	else if (is("setfilter"))
		result = pcap_setfilter(p, &plenty);
	else if (is("dump_open")) {
		pcap_dumper_t *dumper = pcap_dump_open(p, "/dev/null");
		result = dumper == NULL ? PCAP_ERROR : 0;
		if (dumper != NULL)
			pcap_dump_close(dumper);
	} else if (is("read") || is("cut") || is("packet")) {
		while (unique < 10 && result >= 0)
			result = pcap_dispatch(p, -1, is("packet") ? ask : count, NULL);
	} else if (is("set_datalink"))
		result = pcap_set_datalink(p, pcap_datalink(p) == DLT_RAW ? DLT_NFLOG : DLT_RAW);
	else if (is("stats"))
		result = pcap_stats(p, &stats);
	else if (is("list_datalinks")) {
		result = pcap_list_datalinks(p, &links);
		if (result > 0)
			pcap_free_datalinks(links);
	} else if (is("close")) {
		pcap_close(p);
		p = NULL;
	} else
		CHECK(0, "%s", call);
	if (result < 0 && p != NULL)
		snprintf(errbuf, sizeof errbuf, "%s", pcap_geterr(p));
	return result;
}

enum { SUCCEEDED = 10, FAILED, SILENT, DONE, CRASHED, SCANNER = 2 };

/* Whose code has crashed: that of the first frame that is not the C library's. The first two are this one and the signal's. */
static void on_crash(int number)
{
	void *frames[16];
	Dl_info module;
	(void)number;
	disarm();
	int count = backtrace(frames, 16);
	for (int i = 2; i < count; i++)
		if (dladdr(frames[i], &module) && !strstr(module.dli_fname, "/libc.so"))
			_exit(strstr(module.dli_fname, "/libpcap.so") ? SCANNER : CRASHED);
	_exit(CRASHED);
}

/* NFLOG messages: nfgenmsg (family, version, group), NFULA_PACKET_HDR (protocol, hook) and NFULA_PAYLOAD. */
#define HEADER(family, high, low) family, 0, 0, 5, 8, 0, 1, 0, high, low, 3, 0
#define LOOPBACK6 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1
#define UDP(port) 0x80, 0, 0x23, port, 0, 8, 0, 0
#define V4(port) HEADER(2, 8, 0), 32, 0, 9, 0, 0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1, UDP(port)
#define V6(port) HEADER(10, 0x86, 0xdd), 52, 0, 9, 0, 0x60, 0, 0, 0, 0, 8, 17, 64, LOOPBACK6, LOOPBACK6, UDP(port)
#define ARP HEADER(7, 8, 6), 32, 0, 9, 0, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2
#define OTHER HEADER(7, 0x88, 0xcc), 32, 0, 9, 0, 2, 7, 4, 1, 2, 3, 4, 5, 6, 4, 7, 3, 1, 2, 3, 4, 5, 6, 6, 2, 0, 120, 0, 0, 0, 0, 0, 0

/* Whether the program judges packets as the one does that was compiled with memory. */
static int agree(void)
{
	static const u_char messages[][80] = { { V4(0x28) }, { V4(0x29) }, { V6(0x28) }, { V6(0x29) }, { ARP }, { OTHER } };
	int same = 1;
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
		/* Of link type NFLOG, or the payload alone. */
		int at = pcap_datalink(p) == DLT_NFLOG ? 0 : 16, length = 12 + messages[i][12];
		struct pcap_pkthdr header = { .caplen = (unsigned)(length - at), .len = (unsigned)(length - at) };
		int ours = pcap_offline_filter(&program, &header, messages[i] + at) != 0;
		same &= ours == (pcap_offline_filter(&plenty, &header, messages[i] + at) != 0);
	}
	return same;
}

/* One process: how it went. A handle that saw a failure can still be closed. */
static int try(long k, int mode)
{
	void *warm[1];
	backtrace(warm, 1); /* it allocates, once */
	CHECK(signal(SIGSEGV, on_crash) != SIG_ERR, "signal");
	prepare();
	arm(k, mode);
	int result = make_the_call();
	long asked = disarm();
	int how = result >= 0 ? SUCCEEDED : errbuf[0] != 0 ? FAILED : SILENT;
	if (is("compile") && result >= 0 && !agree())
		return SILENT;
	if (asked < k)
		how = result >= 0 ? DONE : SILENT;
	if (getenv("STARVING_SHOWS"))
		fprintf(stderr, "%ld of %ld: %d %s\n", k, asked, result, errbuf);
	if (p != NULL)
		pcap_close(p);
	return how;
}

/* The same call again and again in one process that has no memory at all; then there is some. */
static void repeat(long times)
{
	long failed = 0;
	for (long i = 0; i <= times; i++) {
		if (i < times)
			arm(1, 2);
		int result = make_the_call();
		disarm();
		CHECK(result >= 0 || errbuf[0] != 0, "the call fails without a word");
		CHECK(i < times || result >= 0, "with memory: %s", errbuf);
		failed += result < 0;
		if (is("create") || is("open_live")) {
			if (p != NULL)
				pcap_close(p);
			p = NULL;
		}
	}
	printf("repeated=%ld failed=%ld\n", times, failed);
}

int main(int argc, char **argv)
{
	long succeeded = 0, failed = 0, silent = 0, died = 0, libpcaps = 0, k;
	CHECK(argc == 4 || argc == 5, "usage: starving CALL MODE DATALINK [DEVICE]");
	if (argc == 5)
		device = argv[4];
	static char name[32];
	snprintf(name, sizeof name, "%s", argv[1]);
	call = name, linktype = argv[3];
	if (!strcmp(call, "compile_link") || !strcmp(call, "compile_not")) {
		strcpy(filter, !strcmp(call, "compile_not") ? "not udp dst port 9000" : "ether[0] = 2 and greater 20 and not port 9000");
		*strchr(name, '_') = 0;
	}
	if (!strcmp(call, "compile_long") || !strcmp(call, "setfilter_long")) {
		strcpy(filter, "udp dst port 9000");
		for (int i = 0; i < 50; i++)
			sprintf(filter + strlen(filter), " or (host 10.0.0.%d and not tcp port %d)", i + 1, 2000 + i);
		*strchr(name, '_') = 0;
	}
	arm = (void (*)(long, int))dlsym(RTLD_DEFAULT, "failing_arm");
	disarm = (long (*)(void))dlsym(RTLD_DEFAULT, "failing_disarm");
	packet_info = (int (*)(pcap_t *, struct pcap_nflog_info *))dlsym(RTLD_DEFAULT, "pcap_nflog_packet");
	CHECK(arm && disarm, "failing.so is not preloaded");
	CHECK(packet_info || strcmp(device, "nflog:5"), "the library is not preloaded");
	open_sockets();
	if (!strcmp(argv[2], "repeat")) {
		prepare();
		repeat(2000);
		return 0;
	}
	for (k = 1; k < 100000; k += k < 150 ? 1 : k / 8) { /* of many, some */
		int status;
		fflush(NULL);
		pid_t child = fork();
		CHECK(child >= 0, "fork");
		if (child == 0) {
			alarm(LIMIT);
			_exit(try(k, atoi(argv[2])));
		}
		CHECK(waitpid(child, &status, 0) == child, "waitpid");
		int how = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
		if (how == DONE)
			break;
		succeeded += how == SUCCEEDED, failed += how == FAILED, silent += how == SILENT;
		libpcaps += how == SCANNER;
		died += how != SUCCEEDED && how != FAILED && how != SILENT && how != SCANNER;
	}
	printf("asked_at_most=%ld succeeded=%ld failed=%ld silent=%ld died=%ld libpcaps=%ld\n", k - 1, succeeded, failed, silent,
	       died, libpcaps);
	return 0;
}
