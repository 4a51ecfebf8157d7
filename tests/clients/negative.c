/* negative DEVICE open_live|set_timeout MS: reads with a negative timeout. A line for each read and what it did: with
 * nothing there, none may wait; of what is there, none may be missed; pcap_loop goes on until it is told to stop. */
#include "numbered.h"
#include <pthread.h>
#include <time.h>

static long delivered;

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

static void callback(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	(void)user;
	note(header, data);
	delivered++;
}

/* Reads once; what it returned, with pcap_next's packet as 1. */
static int read_once(const char *by)
{
	struct pcap_pkthdr *header, own;
	const u_char *data;
	int result;
	if (!strcmp(by, "dispatch"))
		return pcap_dispatch(p, -1, callback, NULL);
	if (!strcmp(by, "next_ex")) {
		if ((result = pcap_next_ex(p, &header, &data)) == 1)
			callback(NULL, header, data);
		return result;
	}
	if ((data = pcap_next(p, &own)) == NULL)
		return 0;
	callback(NULL, &own, data);
	return 1;
}

static void *looping(void *result)
{
	*(int *)result = pcap_loop(p, -1, callback, NULL);
	return NULL;
}

int main(int argc, char **argv)
{
	static const char *const READS[] = { "next_ex", "dispatch", "next" };
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	pthread_t thread;
	int result = 0;
	CHECK(argc == 4, "usage: negative DEVICE open_live|set_timeout MS");
	setvbuf(stdout, NULL, _IOLBF, 0);
	limit_time();
	open_sockets();
	if (!strcmp(argv[2], "open_live")) {
		p = pcap_open_live(argv[1], 2000, 0, atoi(argv[3]), errbuf);
		CHECK(p != NULL, "%s", errbuf);
	} else {
		p = pcap_create(argv[1], errbuf);
		CHECK(p != NULL, "%s", errbuf);
		printf("pcap_set_timeout: %d\n", pcap_set_timeout(p, atoi(argv[3])));
		CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
	}
	payload_at = pcap_datalink(p) == DLT_EN10MB ? 14 + 28 : 28;
	selectable = pcap_get_selectable_fd(p);
	printf("pcap_getnonblock: %d\n", pcap_getnonblock(p, errbuf));

	for (int i = 0; i < 3; i++) {
		double begun = seconds();
		result = read_once(READS[i]);
		double took = seconds() - begun;
		printf("%s of nothing: %d, at once: %d\n", READS[i], result, took < 5);
	}
	for (int i = 0; i < 3; i++) {
		double begun = seconds();
		delivered = 0;
		send_numbered(10);
		while (delivered < 10 && seconds() - begun < LIMIT) {
			CHECK(readable(LIMIT * 1000), "%s: %ld of ten packets, and select says no more", READS[i], delivered);
			result = read_once(READS[i]);
			CHECK(result >= 0, "%s: %d %s", READS[i], result, pcap_geterr(p));
		}
		printf("%s of ten packets: %ld\n", READS[i], delivered);
	}

	CHECK(pthread_create(&thread, NULL, looping, &result) == 0, "pthread_create");
	usleep(100000);
	send_numbered(10);
	for (int tries = 0; now_unique() < now_sent(); tries++, usleep(1000))
		CHECK(tries < LIMIT * 1000, "loop: %ld of %ld packets", now_unique(), now_sent());
	usleep(20000); /* the loop has nothing again, and goes on */
	pcap_breakloop(p);
	pthread_join(thread, NULL);
	printf("loop: %d, doubled: %ld\n", result, doubled);
	for (int on = 0; on < 2; on++) {
		result = pcap_setnonblock(p, on, errbuf);
		printf("pcap_setnonblock %d: %d, then pcap_getnonblock: %d\n", on, result, pcap_getnonblock(p, errbuf));
	}
	pcap_close(p);
	return 0;
}
