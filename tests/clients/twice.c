/* twice SCENARIO: one process opens a group more than once. The test logs UDP to port 9000 to the groups 5 (all of it),
 * 6 (payloads of 6 bytes) and 7 (payloads of 7). What a scenario is about stands above its function. */
#include "client.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/capability.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DEADLINE 60

static int udp = -1;

static void log_packets(int count, size_t size)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9000), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	char payload[64] = "";
	if (udp < 0)
		udp = socket(AF_INET, SOCK_DGRAM, 0);
	for (int i = 0; i < count; i++)
		CHECK(sendto(udp, payload, size, 0, (struct sockaddr *)&to, sizeof to) == (ssize_t)size, "%s", strerror(errno));
}

/* Reads until that many packets have come; the time that a read waits ends none of it. */
static void takes(pcap_t *p, int count)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	time_t begun = time(NULL);
	while (count > 0) {
		int result = pcap_next_ex(p, &header, &data);
		CHECK(result == 0 || result == 1, "%d %s", result, pcap_geterr(p));
		CHECK(result == 1 || time(NULL) - begun < DEADLINE, "%d packets never came", count);
		count -= result;
	}
}

/* Nothing more comes in the time that a read waits. */
static void has_nothing(pcap_t *p)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	int result = pcap_next_ex(p, &header, &data);
	CHECK(result == 0, "%d %s", result, pcap_geterr(p));
}

static pid_t forked(void)
{
	fflush(NULL);
	pid_t child = fork();
	CHECK(child >= 0, "fork");
	return child;
}

static void succeeded(pid_t child)
{
	int status;
	CHECK(waitpid(child, &status, 0) == child && status == 0, "the child: %d", status);
}

static void ignore(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	(void)user, (void)header, (void)data;
}

/* Each way to read fails with that text, at once, and every time. */
static void is_refused(pcap_t *p, const char *text)
{
	struct pcap_pkthdr *header, own;
	const u_char *data;
	for (int i = 0; i < 3; i++) {
		int result = i == 0 ? pcap_next_ex(p, &header, &data)
		           : i == 1 ? pcap_dispatch(p, -1, ignore, NULL)
		                    : pcap_loop(p, 1, ignore, NULL);
		CHECK(result == PCAP_ERROR, "%d", result);
		CHECK(strstr(pcap_geterr(p), text), "%s", pcap_geterr(p));
	}
	CHECK(pcap_next(p, &own) == NULL, "a packet");
}

static void counted(pcap_t *p, unsigned received, unsigned dropped)
{
	struct pcap_stat stats;
	CHECK(pcap_stats(p, &stats) == 0, "%s", pcap_geterr(p));
	CHECK(stats.ps_recv == received && stats.ps_drop == dropped, "recv=%u drop=%u", stats.ps_recv, stats.ps_drop);
}

static const char HERE[] = "is read through another handle of this process";

/* The first is opened for the link type only, and stays open. What was logged before the second reads is nobody's. */
static void kept(void)
{
	pcap_t *first = open_device("nflog:5", 100);
	CHECK(pcap_datalink(first) == DLT_RAW, "%d", pcap_datalink(first));
	pcap_t *second = open_device("nflog:5", 100);
	log_packets(100, 20);
	has_nothing(second);
	log_packets(10, 20);
	takes(second, 10);
	has_nothing(second);
	counted(second, 10, 0);
	/* The first may not have it while the second is there; that costs the second nothing. */
	log_packets(5, 20);
	is_refused(first, HERE);
	log_packets(5, 20);
	takes(second, 10);
	counted(second, 20, 0);
	counted(first, 0, 0);
	pcap_close(second);
	has_nothing(first);
	log_packets(10, 20);
	takes(first, 10);
	has_nothing(first);
	counted(first, 10, 0);
	pcap_close(first);
}

/* The one that reads is opened first: one handle receives, the other is for sending. */
static void receiving(void)
{
	pcap_t *receives = open_device("nflog:5", 100);
	pcap_t *sends = open_device("nflog:5", 100);
	log_packets(10, 20);
	takes(receives, 10);
	is_refused(sends, HERE);
	CHECK(pcap_inject(sends, "packet", 6) == PCAP_ERROR, "sent");
	pcap_close(sends);
	log_packets(10, 20);
	takes(receives, 10);
	has_nothing(receives);
	counted(receives, 20, 0);
	pcap_close(receives);
}

/* The other one is gone before the first read. */
static void closed(void)
{
	for (int read_first = 0; read_first < 2; read_first++) {
		pcap_t *first = open_device("nflog:5", 100);
		if (read_first)
			has_nothing(first);
		pcap_t *second = open_device("nflog:5", 100);
		pcap_close(first);
		has_nothing(second);
		log_packets(10, 20);
		takes(second, 10);
		has_nothing(second);
		counted(second, 10, 0);
		pcap_close(second);
	}
}

/* Of several groups, each goes by itself: what the other does not have stays, with all that was logged. */
static void groups(void)
{
	pcap_t *first = open_device("nflog:5,6", 100);
	pcap_t *second = open_device("nflog:6,7", 100);
	log_packets(10, 6);
	log_packets(10, 7);
	/* 6 comes to it now; of 7 it has had all. */
	takes(second, 10);
	has_nothing(second);
	log_packets(10, 6);
	takes(second, 10);
	counted(second, 20, 0);
	is_refused(first, "group 6 is read through another handle of this process");
	log_packets(10, 6);
	pcap_close(second);
	/* 5 has had all 40; 6 begins anew. */
	takes(first, 40);
	has_nothing(first);
	log_packets(10, 6);
	takes(first, 20);
	has_nothing(first);
	counted(first, 60, 0);
	pcap_close(first);
}

/* Where one group cannot be had, none is taken from another handle. */
static void all_or_none(void)
{
	pcap_t *unread = open_device("nflog:5", 100), *reads = open_device("nflog:6", 100);
	has_nothing(reads);
	pcap_t *both = open_device("nflog:5,6", 100);
	log_packets(10, 20);
	is_refused(both, "group 6 is read through another handle of this process");
	takes(unread, 10);
	is_refused(both, "group 5 is read through another handle of this process");
	counted(unread, 10, 0);
	pcap_close(unread);
	pcap_close(reads);
	log_packets(10, 6);
	has_nothing(both);
	log_packets(10, 6);
	takes(both, 20);
	has_nothing(both);
	counted(both, 20, 0);
	pcap_close(both);
}

/* One whose read was refused does not read: what it has, another handle may have. */
static void refused(void)
{
	pcap_t *reads = open_device("nflog:5", 100), *partly = open_device("nflog:5,7", 100);
	has_nothing(reads);
	is_refused(partly, "group 5 is read through another handle of this process");
	pcap_t *other = open_device("nflog:7", 100);
	has_nothing(other);
	log_packets(10, 7);
	takes(other, 10);
	takes(reads, 10);
	is_refused(partly, "is read through another handle of this process");
	pcap_close(reads);
	is_refused(partly, "group 7 is read through another handle of this process");
	pcap_close(other);
	has_nothing(partly);
	log_packets(10, 7);
	takes(partly, 20);
	has_nothing(partly);
	counted(partly, 20, 0);
	pcap_close(partly);
}

/* What a handle has keeps coming while its reads are refused: it is kept as far as the buffer goes, and the rest counts
 * as lost. */
static void bounded(void)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	enum { ROUNDS = 200, PACKETS = 100, BUFFER = 1 << 18 };
	struct pcap_stat stats;
	pcap_t *idle = open_device("nflog:5", 100), *partly = pcap_create("nflog:5,6", errbuf);
	CHECK(partly != NULL && pcap_set_buffer_size(partly, BUFFER) == 0 && pcap_set_timeout(partly, 100) == 0, "%s", errbuf);
	CHECK(pcap_activate(partly) >= 0, "%s", pcap_geterr(partly));
	int reading[2];
	char byte = 0;
	CHECK(pipe(reading) == 0, "pipe");
	pid_t child = forked();
	if (child == 0) {
		/* Another process, so that every read of the parent asks the kernel. */
		has_nothing(idle);
		CHECK(write(reading[1], &byte, 1) == 1, "write");
		pause();
	}
	CHECK(read(reading[0], &byte, 1) == 1, "read");
	is_refused(partly, "group 5 is already read by");
	struct pcap_pkthdr *header;
	const u_char *data;
	for (int i = 0; i < ROUNDS; i++) {
		log_packets(PACKETS, 6);
		CHECK(pcap_next_ex(partly, &header, &data) == PCAP_ERROR, "%s", pcap_geterr(partly));
	}
	CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child, "%s", strerror(errno));
	pcap_close(idle);
	int result;
	while ((result = pcap_next_ex(partly, &header, &data)) == 1) /* to its end */
		;
	CHECK(result == 0, "%d %s", result, pcap_geterr(partly));
	log_packets(1, 6);
	takes(partly, 2); /* of 5 and 6 */
	CHECK(pcap_stats(partly, &stats) == 0, "%s", pcap_geterr(partly));
	CHECK(stats.ps_recv + stats.ps_drop == ROUNDS * PACKETS + 2, "recv=%u drop=%u", stats.ps_recv, stats.ps_drop);
	/* A message of such a packet is larger than 64 bytes, and the socket's buffer is full besides. */
	CHECK(stats.ps_recv > 0 && stats.ps_recv < 2 * BUFFER / 64, "recv=%u", stats.ps_recv);
	pcap_close(partly);
}

/* Back and forth, before either has read: the one that reads has it. */
static void three(void)
{
	pcap_t *p[3];
	for (int i = 0; i < 3; i++)
		p[i] = open_device("nflog:5", 100);
	for (int i = 2; i >= 0; i--) {
		has_nothing(p[i]);
		log_packets(10, 20);
		for (int j = 0; j < i; j++)
			is_refused(p[j], HERE);
		takes(p[i], 10);
		has_nothing(p[i]);
		counted(p[i], 10, 0);
		pcap_close(p[i]);
	}
}

static int readable(int fd)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	return poll(&polled, 1, 200);
}

/* A program that selects before it reads waits for packets, or reads the error, but never in vain. */
static void selecting(void)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	pcap_t *first = open_device("nflog:5", 0), *second = open_device("nflog:5", 0);
	struct pcap_pkthdr *header;
	const u_char *data;
	CHECK(pcap_setnonblock(second, 1, errbuf) == 0, "%s", errbuf);
	CHECK(pcap_setnonblock(first, 1, errbuf) == 0, "%s", errbuf);
	int fd = pcap_get_selectable_fd(second), other;
	CHECK(fd >= 0 && readable(fd) == 0, "readable without a packet");
	log_packets(1, 20);
	CHECK(readable(fd) == 1, "a packet, and not readable");
	CHECK(pcap_next_ex(second, &header, &data) == 1, "%s", pcap_geterr(second));
	CHECK(readable(fd) == 0, "readable without a packet");
	other = pcap_get_selectable_fd(first);
	CHECK(other >= 0 && readable(other) == 1, "there is an error to read");
	is_refused(first, HERE);
	CHECK(readable(other) == 1, "there still is");
	pcap_close(second);
	has_nothing(first);
	CHECK(readable(other) == 0, "readable without a packet");
	log_packets(1, 20);
	CHECK(readable(other) == 1, "a packet, and not readable");
	CHECK(pcap_next_ex(first, &header, &data) == 1, "%s", pcap_geterr(first));
	pcap_close(first);
}

/* The socket's own descriptor is one to wait on, too. */
static void fileno_first(void)
{
	pcap_t *first = open_device("nflog:5", 100), *second = open_device("nflog:5", 100);
	int fd = pcap_fileno(second);
	log_packets(1, 20);
	CHECK(fd >= 0 && readable(fd) == 1, "a packet, and not readable");
	takes(second, 1);
	pcap_close(second);
	pcap_close(first);
}

static pthread_barrier_t barrier;

struct racer {
	pcap_t *p;
	int read;
};

static void *race(void *user)
{
	struct racer *racer = user;
	struct pcap_pkthdr *header;
	const u_char *data;
	pthread_barrier_wait(&barrier);
	int result = pcap_next_ex(racer->p, &header, &data);
	CHECK(result == 0 || (result == PCAP_ERROR && strstr(pcap_geterr(racer->p), HERE)), "%d %s", result,
	      pcap_geterr(racer->p));
	racer->read = result == 0;
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	if (racer->read) {
		takes(racer->p, 10);
		has_nothing(racer->p);
		counted(racer->p, 10, 0);
	}
	return NULL;
}

/* Two threads read for the first time at the same moment: one of them has the group, and all of its packets. */
static void threads(void)
{
	pthread_barrier_init(&barrier, NULL, 3);
	for (int i = 0; i < 200; i++) {
		struct racer racers[2] = { { open_device("nflog:5", 2), 0 }, { open_device("nflog:5", 2), 0 } };
		pthread_t thread[2];
		for (int j = 0; j < 2; j++)
			CHECK(pthread_create(&thread[j], NULL, race, &racers[j]) == 0, "no thread");
		pthread_barrier_wait(&barrier);
		pthread_barrier_wait(&barrier);
		CHECK(racers[0].read + racers[1].read == 1, "%d and %d", racers[0].read, racers[1].read);
		log_packets(10, 20);
		pthread_barrier_wait(&barrier);
		for (int j = 0; j < 2; j++)
			CHECK(pthread_join(thread[j], NULL) == 0, "no end");
		pcap_close(racers[i % 2].p);
		pcap_close(racers[1 - i % 2].p);
	}
}

static void *opens(void *user)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	(void)user;
	for (int i = 0; i < 1000; i++) {
		pcap_t *p = open_device("nflog:5", 1);
		int result = i % 2 ? 0 : pcap_next_ex(p, &header, &data);
		CHECK(result == 0 || (result == PCAP_ERROR && strstr(pcap_geterr(p), HERE)), "%d %s", result, pcap_geterr(p));
		pcap_close(p);
	}
	return NULL;
}

/* Threads that open, read and close one group at the same time: none is told that it is in its own way, but for reads. */
static void opening(void)
{
	pthread_t thread[4];
	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&thread[i], NULL, opens, NULL) == 0, "no thread");
	for (int i = 0; i < 4; i++)
		CHECK(pthread_join(thread[i], NULL) == 0, "no end");
}

/* Lets go of CAP_NET_ADMIN. */
static void drop_privilege(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];
	CHECK(syscall(SYS_capget, &header, data) == 0, "capget: %s", strerror(errno));
	data[0].effective &= ~(1u << CAP_NET_ADMIN);
	data[0].permitted &= ~(1u << CAP_NET_ADMIN);
	CHECK(syscall(SYS_capset, &header, data) == 0, "capset: %s", strerror(errno));
}

/* The privilege is gone by the first read: the one that has the group reads, the other says what it needs. */
static void dropped(void)
{
	pcap_t *first = open_device("nflog:5", 100), *second = open_device("nflog:5", 100);
	drop_privilege();
	is_refused(second, "CAP_NET_ADMIN");
	log_packets(10, 20);
	takes(first, 10);
	has_nothing(first);
	counted(first, 10, 0);
	is_refused(second, "CAP_NET_ADMIN");
	pcap_close(first);
	pcap_close(second);
}

/* A daemon: opened by the parent, which is gone, and read by the child. */
static void daemonized(void)
{
	pcap_t *first = open_device("nflog:5", 100), *second = open_device("nflog:5", 100);
	pid_t child = forked();
	if (child == 0) {
		has_nothing(second);
		log_packets(10, 20);
		takes(second, 10);
		has_nothing(second);
		counted(second, 10, 0);
		is_refused(first, HERE);
		_exit(0);
	}
	succeeded(child);
	/* The parent still has the socket that the child read. */
	is_refused(first, "group 5 is already read by");
	pcap_close(second);
	has_nothing(first);
	log_packets(10, 20);
	takes(first, 10);
	counted(first, 10, 0);
	pcap_close(first);
}

/* What the parent reads is not the child's to take. Another handle of the child's is an error where it is activated. */
static void child_of_a_reader(void)
{
	for (int read_before = 0; read_before < 2; read_before++) {
		int go[2];
		char errbuf[PCAP_ERRBUF_SIZE] = "", byte = 0;
		pcap_t *first = open_device("nflog:5", 100), *second = open_device("nflog:5", 100);
		CHECK(pipe(go) == 0, "pipe");
		if (read_before)
			has_nothing(first);
		pid_t child = forked();
		if (child == 0) {
			CHECK(read(go[0], &byte, 1) == 1, "the parent is gone");
			is_refused(second, "group 5 is already read by");
			pcap_t *third = pcap_create("nflog:5", errbuf);
			CHECK(third != NULL && pcap_activate(third) == PCAP_ERROR, "%s", errbuf);
			CHECK(strstr(pcap_geterr(third), "nflog:5: group 5 is already read by"), "%s", pcap_geterr(third));
			_exit(0);
		}
		has_nothing(first);
		CHECK(write(go[1], &byte, 1) == 1, "write");
		log_packets(10, 20);
		succeeded(child);
		takes(first, 10);
		has_nothing(first);
		counted(first, 10, 0);
		pcap_close(first);
		pcap_close(second);
	}
}

static volatile int over;

static void *opens_for_ever(void *user)
{
	char errbuf[PCAP_ERRBUF_SIZE];
	(void)user;
	while (!over) {
		pcap_t *p = pcap_open_live("nflog:5", 65535, 0, 1, errbuf);
		if (p != NULL)
			pcap_close(p);
		else /* A child still has the socket that was closed here. */
			CHECK(strstr(errbuf, "already read by"), "%s", errbuf);
	}
	return NULL;
}

/* A fork at any moment of another thread's opening and closing leaves the child able to do the same. */
static void forking(void)
{
	pthread_t thread[2];
	for (int i = 0; i < 2; i++)
		CHECK(pthread_create(&thread[i], NULL, opens_for_ever, NULL) == 0, "no thread");
	for (int i = 0; i < 300; i++) {
		pid_t child = forked();
		if (child == 0) {
			alarm(DEADLINE);
			pcap_t *p = open_device("nflog:6", 1);
			has_nothing(p);
			pcap_close(p);
			_exit(0);
		}
		succeeded(child);
	}
	over = 1;
	for (int i = 0; i < 2; i++)
		CHECK(pthread_join(thread[i], NULL) == 0, "no end");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} scenarios[] = {
		{ "kept", kept }, { "receiving", receiving }, { "closed", closed }, { "groups", groups },
		{ "all_or_none", all_or_none }, { "three", three }, { "selecting", selecting },
		{ "fileno", fileno_first }, { "threads", threads }, { "opening", opening }, { "dropped", dropped },
		{ "daemonized", daemonized }, { "refused", refused }, { "bounded", bounded }, { "forking", forking }, { "child_of_a_reader", child_of_a_reader },
	};
	CHECK(argc == 2, "usage: twice SCENARIO");
	for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
		if (!strcmp(argv[1], scenarios[i].name)) {
			scenarios[i].run();
			puts("done");
			return 0;
		}
	CHECK(0, "no scenario %s", argv[1]);
}
