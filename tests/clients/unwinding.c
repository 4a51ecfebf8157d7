/* unwinding DEVICE READ CASE TO_MS: a thread that reads is ended, or jumps out of its callback; another goes on with
 * the handle. READ is loop, dispatch, next_ex or next; a TO_MS below 0 is non-blocking mode. CASE is
 *
 * waiting    cancelled while it waits
 * busy       cancelled while packets come as fast as they can be sent, twenty times
 * disabled   cancelled while it forbids that: it goes on
 * pending    the cancellation is pending when packets are to be had: of a callback's thread, since its third packet
 * paused     cancelled in its callback, which sleeps
 * tested     cancelled in its callback, at a pthread_testcancel
 * exits      ends itself in its callback
 * jumps      longjmp out of its callback
 *
 * The last four are for loop and dispatch. No packet may be lost; none may come twice, but for the one in the callback
 * on another device than nflog. */
#define _GNU_SOURCE
#include "numbered.h"
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <sys/syscall.h>
#include <time.h>

#define ROUNDS 20
#define AT 3

static const char *by, *what;
static pid_t reader;
static sem_t entered;
static int outer, inner, within; /* how often cleanup handlers ran: the thread's, the reading frame's, the callback's */
static jmp_buf back;
static int stop_sending;

static int is(const char *name) { return !strcmp(what, name); }

static void count_up(void *counter)
{
	__atomic_add_fetch((int *)counter, 1, __ATOMIC_SEQ_CST);
}

static void callback(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	(void)user;
	if (note(header, data) != AT)
		return;
	if (is("jumps"))
		longjmp(back, 1);
	pthread_cleanup_push(count_up, &within);
	if (is("exits"))
		pthread_exit(&outer);
	if (is("pending") || is("tested"))
		pthread_cancel(pthread_self());
	if (is("tested"))
		pthread_testcancel();
	if (is("paused")) {
		sem_post(&entered);
		for (;;)
			pause();
	}
	pthread_cleanup_pop(0);
}

/* Reads once. */
static __attribute__((noinline)) void read_once(void)
{
	struct pcap_pkthdr *header, own;
	const u_char *data = NULL;
	int result = 0;
	if (!strcmp(by, "loop")) {
		result = pcap_loop(p, -1, callback, NULL);
		CHECK(0, "the loop has ended: %d %s", result, pcap_geterr(p));
	} else if (!strcmp(by, "dispatch")) {
		result = pcap_dispatch(p, -1, callback, NULL);
		CHECK(result >= 0, "%d %s", result, pcap_geterr(p));
	} else if (!strcmp(by, "next_ex")) {
		result = pcap_next_ex(p, &header, &data);
		CHECK(result >= 0, "%d %s", result, pcap_geterr(p));
		if (result == 1)
			note(header, data);
	} else if ((data = pcap_next(p, &own)) != NULL) {
		note(&own, data);
	}
}

static __attribute__((noinline)) void read_on(void)
{
	pthread_cleanup_push(count_up, &inner);
	for (;;)
		read_once();
	pthread_cleanup_pop(0);
}

static void *reading(void *unused)
{
	(void)unused;
	reader = syscall(SYS_gettid);
	pthread_cleanup_push(count_up, &outer);
	if (!is("paused"))
		sem_post(&entered);
	if (is("pending") && !strncmp(by, "next", 4)) {
		pthread_cancel(pthread_self());
		pthread_cleanup_push(count_up, &inner);
		read_once();
		pthread_testcancel();
		pthread_cleanup_pop(0);
	}
	read_on();
	pthread_cleanup_pop(0);
	return NULL;
}

/* Loops cannot be told to end by a count here: what ends this one is its callback. */
static void note_and_stop(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	(void)user;
	note(header, data);
	if (now_unique() == 10)
		pcap_breakloop(p);
}

static void *reading_without_cancellation(void *unused)
{
	(void)unused;
	int before;
	reader = syscall(SYS_gettid);
	CHECK(pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &before) == 0, "setcancelstate");
	pthread_cleanup_push(count_up, &outer);
	pthread_cleanup_push(count_up, &inner);
	sem_post(&entered);
	if (!strcmp(by, "loop")) {
		int result = pcap_loop(p, -1, note_and_stop, NULL);
		CHECK(result == PCAP_ERROR_BREAK, "%d %s", result, pcap_geterr(p));
	} else {
		while (now_unique() < 10)
			read_once();
	}
	CHECK(outer == 0 && inner == 0, "cancelled");
	pthread_setcancelstate(before, NULL);
	pthread_testcancel();
	CHECK(0, "not cancelled");
	pthread_cleanup_pop(0);
	pthread_cleanup_pop(0);
	return NULL;
}

static void await_entered(void)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LIMIT;
	while (sem_timedwait(&entered, &until) != 0)
		CHECK(errno == EINTR, "the reading thread has not come that far");
}

/* Waits until the reading thread sleeps. In non-blocking mode libpcap does not: then for a while. */
static void await_sleep(int to_ms)
{
	char file[64], line[256];
	snprintf(file, sizeof file, "/proc/self/task/%d/stat", (int)reader);
	for (int tries = 0; tries < LIMIT * 1000; tries++) {
		usleep(1000);
		FILE *stat = fopen(file, "r");
		CHECK(stat != NULL && fgets(line, sizeof line, stat) != NULL, "%s", file);
		fclose(stat);
		const char *state = strrchr(line, ')');
		if ((state != NULL && state[2] == 'S') || (to_ms < 0 && tries > 50))
			return;
	}
	CHECK(0, "the reading thread never sleeps");
}

static void start(pthread_t *thread, void *(*body)(void *))
{
	CHECK(pthread_create(thread, NULL, body, NULL) == 0, "pthread_create");
	await_entered();
}

static void join(pthread_t thread, void *expected)
{
	struct timespec until;
	void *value = NULL;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += LIMIT;
	int result = pthread_timedjoin_np(thread, &value, &until);
	CHECK(result == 0, "the thread does not end: %s", strerror(result));
	CHECK(value == expected, "the thread returned %p", value);
}

/* How many may be under way so that no buffer overflows: few where the kernel has granted little. */
static long window(void)
{
	int bytes = 0;
	socklen_t length = sizeof bytes;
	CHECK(getsockopt(pcap_fileno(p), SOL_SOCKET, SO_RCVBUF, &bytes, &length) == 0, "SO_RCVBUF");
	return is_nflog() && bytes < 8 << 20 ? 500 : 4000;
}

static void *sending_fast(void *unused)
{
	(void)unused;
	long most = window();
	while (!__atomic_load_n(&stop_sending, __ATOMIC_SEQ_CST))
		if (now_sent() - now_unique() < most && now_sent() < NUMBERS)
			send_numbered(1);
	return NULL;
}

/* Threads that are cancelled while they are busy, each goes on where the one before was. */
static void busy(void)
{
	pthread_t sender, thread;
	CHECK(pthread_create(&sender, NULL, sending_fast, NULL) == 0, "pthread_create");
	for (int round = 0; round < ROUNDS; round++) {
		long begun = now_unique();
		start(&thread, reading);
		/* A different moment of a batch each time. */
		for (int tries = 0; now_unique() < begun + 2000 + 77 * round; tries++) {
			CHECK(tries < LIMIT * 10000, "no packets come: %ld of %ld", now_unique(), now_sent());
			usleep(100);
		}
		CHECK(pthread_cancel(thread) == 0, "pthread_cancel");
		join(thread, PTHREAD_CANCELED);
		CHECK(outer == round + 1 && inner == round + 1, "cleanup ran %d and %d times", outer, inner);
	}
	__atomic_store_n(&stop_sending, 1, __ATOMIC_SEQ_CST);
	pthread_join(sender, NULL);
	outer = inner = 1;
}

static void jump(void)
{
	if (setjmp(back) == 0)
		for (;;)
			read_once();
}

static void *looping(void *result)
{
	sem_post(&entered);
	*(int *)result = pcap_loop(p, -1, note_all, NULL);
	return NULL;
}

static void breakloop_works(void)
{
	pthread_t thread;
	int result = 0;
	CHECK(pthread_create(&thread, NULL, looping, &result) == 0, "pthread_create");
	await_entered();
	usleep(10000);
	pcap_breakloop(p);
	join(thread, NULL);
	CHECK(result == PCAP_ERROR_BREAK, "%d %s", result, pcap_geterr(p));
}

int main(int argc, char **argv)
{
	CHECK(argc == 5, "usage: unwinding DEVICE READ CASE TO_MS");
	by = argv[2], what = argv[3];
	int to_ms = atoi(argv[4]), in_callback = is("paused") || is("tested") || is("exits");
	pthread_t thread;
	limit_time();
	sem_init(&entered, 0, 0);
	open_sockets();
	int before = descriptors();
	open_numbered(argv[1], to_ms);

	if (is("waiting")) {
		send_numbered(5);
		start(&thread, reading);
		for (int tries = 0; now_unique() < 5; tries++, usleep(1000))
			CHECK(tries < LIMIT * 1000, "no packets come");
		await_sleep(to_ms);
		CHECK(pthread_cancel(thread) == 0, "pthread_cancel");
		join(thread, PTHREAD_CANCELED);
	} else if (is("disabled")) {
		start(&thread, reading_without_cancellation);
		await_sleep(to_ms);
		CHECK(pthread_cancel(thread) == 0, "pthread_cancel");
		send_numbered(5);
		for (int tries = 0; now_unique() < 5; tries++, usleep(1000))
			CHECK(tries < LIMIT * 1000, "no packets come");
		send_numbered(5);
		join(thread, PTHREAD_CANCELED);
		CHECK(now_unique() == 10, "%ld packets", now_unique());
	} else if (is("busy")) {
		busy();
	} else if (is("jumps")) {
		send_numbered(10);
		jump();
	} else {
		CHECK(in_callback || is("pending"), "%s", what);
		send_numbered(10);
		CHECK(readable(LIMIT * 1000), "no packets come");
		start(&thread, reading);
		if (is("paused"))
			CHECK(pthread_cancel(thread) == 0, "pthread_cancel");
		join(thread, is("exits") ? (void *)&outer : PTHREAD_CANCELED);
	}
	int jumped = is("jumps");
	CHECK(outer == !jumped && inner == !jumped && within == in_callback, "cleanup ran %d, %d and %d times", outer, inner,
	      within);

	/* What was received and not given is still there, and the descriptor says so. */
	CHECK(now_unique() == now_sent() || readable(LIMIT * 1000), "%ld of %ld packets were given, and select says no more",
	      now_unique(), now_sent());
	read_the_rest(by);
	CHECK(!is_nflog() || doubled == 0, "%ld packets came twice", doubled);
	CHECK(doubled <= 1, "%ld packets came twice", doubled);
	send_numbered(5);
	read_the_rest(by);
	breakloop_works();
	send_numbered(5);
	CHECK(readable(LIMIT * 1000), "select says no more");
	read_the_rest(by);
	CHECK(!is_nflog() || !readable(0), "select says more than there is");

	struct pcap_stat stats;
	CHECK(pcap_stats(p, &stats) == 0, "%s", pcap_geterr(p));
	CHECK(stats.ps_drop == 0 && (long)stats.ps_recv >= now_sent(), "recv=%u drop=%u sent=%ld", stats.ps_recv,
	      stats.ps_drop, now_sent());
	CHECK(!is_nflog() || (long)stats.ps_recv == now_sent(), "recv=%u sent=%ld", stats.ps_recv, now_sent());
	pcap_close(p);
	int left = descriptors() - before;
	CHECK(left == 0, "%d descriptors are left", left);
	printf("sent=%ld unique=%ld doubled=%ld\n", now_sent(), now_unique(), doubled);
	return 0;
}
