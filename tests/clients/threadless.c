/* threadless nproc|seccomp READ: the kernel grants less buffer than was asked for, and when a read then wants the reader
 * thread none can be made: the process may have no more, or clone(2) is forbidden. Reads must do without it, for good.
 * With PCAP_NFLOG_READER_THREAD=on they fail with a text. */
#define _GNU_SOURCE
#include "numbered.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>

static void install(struct sock_filter *filter, size_t count)
{
	struct sock_fprog program = { .len = (unsigned short)count, .filter = filter };
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp: %s", strerror(errno));
}

#define LOAD(what) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, what)
#define SKIP_UNLESS(value, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, count)
#define REFUSE BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM)
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
/* The lower half of an argument, where the lower half comes first. */
#define ARGUMENT(n) (offsetof(struct seccomp_data, args[n]) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0))

#ifdef SYS_socketcall /* The C library may go by it, and a filter does not see its arguments. */
int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}
#endif

/* As where the user is root of nothing but a container: no more than net.core.rmem_max. */
static void grant_little(void)
{
	struct sock_filter filter[] = {
		LOAD(offsetof(struct seccomp_data, nr)), SKIP_UNLESS(SYS_setsockopt, 3),
		LOAD(ARGUMENT(2)),                       SKIP_UNLESS(SO_RCVBUFFORCE, 1),
		REFUSE,                                  ALLOW,
	};
	install(filter, sizeof filter / sizeof *filter);
}

static void forbid_clone(void)
{
	struct sock_filter filter[] = {
		LOAD(offsetof(struct seccomp_data, nr)), SKIP_UNLESS(SYS_clone, 1), REFUSE,
		SKIP_UNLESS(SYS_clone3, 1),              REFUSE,                    ALLOW,
	};
	install(filter, sizeof filter / sizeof *filter);
}

/* For root there is no such limit: it becomes another user, as tcpdump does. */
static void allow_processes(rlim_t count)
{
	struct rlimit limit;
	CHECK(getrlimit(RLIMIT_NPROC, &limit) == 0, "getrlimit");
	limit.rlim_cur = count < limit.rlim_max ? count : limit.rlim_max;
	CHECK(setrlimit(RLIMIT_NPROC, &limit) == 0, "setrlimit");
}

static void *nothing(void *unused) { return unused; }

static int threads(void)
{
	int count = -2;
	DIR *folder = opendir("/proc/self/task");
	CHECK(folder != NULL, "/proc/self/task");
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static void on_timer(int number)
{
	(void)number;
	pcap_breakloop(p);
}

/* The timer may have asked once more than the read was there to end. */
static void drain_breaks(void)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	int result = pcap_next_ex(p, &header, &data);
	CHECK(result == 0 || result == PCAP_ERROR_BREAK, "%d %s", result, pcap_geterr(p));
}

static long drain(void)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	long before = now_unique();
	int result, idle = 0;
	while (idle < 3) {
		result = pcap_next_ex(p, &header, &data);
		CHECK(result >= 0, "%d %s", result, pcap_geterr(p));
		if (result == 1)
			note(header, data);
		idle = result == 0 ? idle + 1 : 0;
	}
	return now_unique() - before;
}

int main(int argc, char **argv)
{
	struct pcap_stat stats;
	pthread_t thread;
	CHECK(argc == 3, "usage: threadless nproc|seccomp READ");
	const char *by = argv[2], *mode = getenv("PCAP_NFLOG_READER_THREAD");
	limit_time();
	open_sockets();
	int before = descriptors();
	grant_little();
	open_numbered("nflog:5", 100);
	if (!strcmp(argv[1], "seccomp")) {
		forbid_clone();
	} else {
		/* Where only one user exists it is no real root. */
		if (setresuid(12345, 12345, 12345) != 0)
			CHECK(errno == EINVAL, "setresuid: %s", strerror(errno));
		allow_processes(0);
	}
	CHECK(pthread_create(&thread, NULL, nothing, NULL) != 0, "a thread can be made");

	if (mode != NULL && !strcmp(mode, "on")) {
		struct pcap_pkthdr *header;
		const u_char *data;
		for (int i = 0; i < 3; i++) {
			int result = pcap_next_ex(p, &header, &data);
			CHECK(result == PCAP_ERROR && strstr(pcap_geterr(p), "thread"), "%d '%s'", result, pcap_geterr(p));
		}
		pcap_close(p);
		CHECK(descriptors() == before, "descriptors are left");
		return 0;
	}

	CHECK(!readable(0), "select says there is something");
	for (int i = 0; i < 200; i++) {
		send_numbered(50);
		CHECK(readable(LIMIT * 1000), "select says there is nothing");
		read_the_rest(by);
	}
	CHECK(!readable(0), "select says more than there is");
	CHECK(threads() == 1, "%d threads", threads());
	CHECK(pcap_stats(p, &stats) == 0 && (long)stats.ps_recv == now_sent() && stats.ps_drop == 0,
	      "recv=%u drop=%u sent=%ld", stats.ps_recv, stats.ps_drop, now_sent());

	/* A wait, and its end. */
	CHECK(drain() == 0, "packets out of nothing");
	struct itimerval timer = { .it_value = { .tv_usec = 50000 }, .it_interval = { .tv_usec = 50000 } };
	struct sigaction action = { .sa_handler = on_timer, .sa_flags = SA_RESTART };
	CHECK(sigaction(SIGALRM, &action, NULL) == 0 && setitimer(ITIMER_REAL, &timer, NULL) == 0, "timer");
	int result = pcap_loop(p, -1, note_all, NULL);
	CHECK(result == PCAP_ERROR_BREAK, "%d %s", result, pcap_geterr(p));
	memset(&timer, 0, sizeof timer);
	CHECK(setitimer(ITIMER_REAL, &timer, NULL) == 0, "timer");
	limit_time();
	drain_breaks();

	/* Not even later, when a thread could be made. */
	if (!strcmp(argv[1], "nproc")) {
		allow_processes(RLIM_INFINITY);
		send_numbered(10);
		read_the_rest(by);
		CHECK(threads() == 1, "%d threads", threads());
	}

	/* More than the kernel holds. What was lost shows with the packets behind it. */
	send_numbered(200000);
	drain();
	send_numbered(10);
	drain();
	CHECK(pcap_stats(p, &stats) == 0, "%s", pcap_geterr(p));
	CHECK((long)stats.ps_recv == now_unique() && stats.ps_drop > 0 && (long)(stats.ps_recv + stats.ps_drop) == now_sent(),
	      "recv=%u drop=%u given=%ld sent=%ld", stats.ps_recv, stats.ps_drop, now_unique(), now_sent());
	CHECK(doubled == 0, "%ld packets came twice", doubled);
	pcap_close(p);
	CHECK(descriptors() == before, "descriptors are left");
	printf("sent=%ld lost=%u\n", now_sent(), stats.ps_drop);
	return 0;
}
