/* breakloop: ends reads with pcap_breakloop.
 *
 * breakloop signal READ MS [dropped]   from the handler of SIGUSR1
 * breakloop thread READ MS [dropped]   from a thread, when a line comes on standard input
 * breakloop callback        from the callback: ten packets must come, the test sends them
 * breakloop dispatch        the same with pcap_dispatch
 *
 * READ is loop, dispatch, next_ex or next, and waits for MS milliseconds, 0 for ever; dropped reads without any
 * capability. */
#include "client.h"
#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static pcap_t *p;
static int packets, break_at;

static void on_signal(int number)
{
	(void)number;
	pcap_breakloop(p);
}

static void *on_line(void *unused)
{
	(void)unused;
	getchar();
	pcap_breakloop(p);
	return NULL;
}

static void count(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	(void)user, (void)header, (void)data;
	if (++packets == break_at)
		pcap_breakloop(p);
}

/* As a program does that needs its privileges no more. */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };
	CHECK(syscall(SYS_capset, &header, none) == 0, "capset");
}

/* Each read waits for longer than the test does: only pcap_breakloop can end it. */
static int read_nothing(const char *by)
{
	struct pcap_pkthdr *header, own;
	const u_char *data;
	if (!strcmp(by, "loop"))
		return pcap_loop(p, -1, count, NULL);
	if (!strcmp(by, "dispatch"))
		return pcap_dispatch(p, -1, count, NULL);
	if (!strcmp(by, "next_ex"))
		return pcap_next_ex(p, &header, &data);
	CHECK(!strcmp(by, "next"), "%s", by);
	return pcap_next(p, &own) == NULL ? PCAP_ERROR_BREAK : 1;
}

int main(int argc, char **argv)
{
	CHECK(argc > 1, "how?");
	p = open_device("nflog:5", argc > 3 ? atoi(argv[3]) : 0);
	if (argc > 4)
		drop_capabilities();
	if (!strcmp(argv[1], "signal")) {
		/* With SA_RESTART: the end of the wait must not depend on EINTR. */
		struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_RESTART };
		CHECK(argc > 2 && sigaction(SIGUSR1, &action, NULL) == 0, "usage");
		ready();
		int result = read_nothing(argv[2]);
		CHECK(result == PCAP_ERROR_BREAK, "%d", result);
	} else if (!strcmp(argv[1], "thread")) {
		pthread_t thread;
		CHECK(argc > 2 && pthread_create(&thread, NULL, on_line, NULL) == 0, "usage");
		ready();
		int result = read_nothing(argv[2]);
		CHECK(result == PCAP_ERROR_BREAK, "%d", result);
		pthread_join(thread, NULL);
	} else {
		int by_loop = !strcmp(argv[1], "callback");
		break_at = 3;
		ready();
		if (by_loop) {
			int result = pcap_loop(p, -1, count, NULL);
			CHECK(result == PCAP_ERROR_BREAK, "%d", result);
		} else {
			int before, result;
			do {
				before = packets;
				result = pcap_dispatch(p, -1, count, NULL);
				CHECK(result == packets - before, "it tells first what was delivered: %d", result);
			} while (packets < break_at);
			CHECK(packets == 3, "%d", packets);
			result = pcap_dispatch(p, -1, count, NULL);
			CHECK(result == PCAP_ERROR_BREAK, "%d", result);
		}
		CHECK(packets == 3, "%d", packets);
		/* The rest is not lost, and the break is over. */
		int result = pcap_loop(p, 7, count, NULL);
		CHECK(result == 0 && packets == 10, "%d, %d packets", result, packets);
	}
	pcap_close(p);
	puts("done");
	return 0;
}
