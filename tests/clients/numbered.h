/* Datagrams with numbers, which the client sends itself over loopback to port 9000, and which of them it was given.
 * In C and in C++. */
#ifndef NUMBERED_H
#define NUMBERED_H

#include "client.h"
#include "resources.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#define NUMBERS (1L << 22)

/* No wait takes longer than so many seconds, but in a test that fails. */
#define LIMIT 30

static pcap_t *p;
static int selectable = -1, sending = -1, receiving = -1;
/* Of each number, how often it was given; how many were at all, and how many of them more than once. */
static unsigned char given[NUMBERS];
static long sent, unique, doubled;
static unsigned payload_at;

static inline long now_sent(void) { return __atomic_load_n(&sent, __ATOMIC_SEQ_CST); }
static inline long now_unique(void) { return __atomic_load_n(&unique, __ATOMIC_SEQ_CST); }

/* The port is open, so that no ICMP error comes back; what it receives is thrown away. */
static inline void open_sockets(void)
{
	struct sockaddr_in to;
	memset(&to, 0, sizeof to);
	to.sin_family = AF_INET;
	to.sin_port = htons(9000);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	receiving = socket(AF_INET, SOCK_DGRAM, 0);
	sending = socket(AF_INET, SOCK_DGRAM, 0);
	CHECK(bind(receiving, (struct sockaddr *)&to, sizeof to) == 0, "bind");
	CHECK(connect(sending, (struct sockaddr *)&to, sizeof to) == 0, "connect");
}

static inline void send_numbered(long count)
{
	unsigned char payload[100] = { 0 };
	for (long i = 0; i < count; i++) {
		uint32_t number = htonl((uint32_t)sent);
		CHECK(sent < NUMBERS, "%ld were sent", sent);
		memcpy(payload, &number, sizeof number);
		CHECK(send(sending, payload, sizeof payload, 0) == sizeof payload, "send");
		__atomic_add_fetch(&sent, 1, __ATOMIC_SEQ_CST);
	}
}

/* Notes a packet; returns its number. Has no cancellation point. */
static inline long note(const struct pcap_pkthdr *header, const u_char *data)
{
	uint32_t number;
	CHECK(header->caplen == payload_at + 100, "caplen %u", header->caplen);
	memcpy(&number, data + payload_at, sizeof number);
	number = ntohl(number);
	CHECK((long)number < now_sent() + 1, "%u was never sent", number);
	if (given[number]++ == 0)
		__atomic_add_fetch(&unique, 1, __ATOMIC_SEQ_CST);
	else
		doubled++;
	return number;
}

static inline int is_nflog(void) { return payload_at == 28; }

/* Opens a device for the numbered datagrams; to_ms below 0 is one of 100 ms in non-blocking mode. Without a timeout, other
 * devices than nflog have packets wait until a buffer is full: they are asked for at once. */
static inline void open_numbered(const char *device, int to_ms)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	struct bpf_program program;
	p = pcap_create(device, errbuf);
	CHECK(p != NULL, "%s", errbuf);
	CHECK(pcap_set_snaplen(p, 2000) == 0 && pcap_set_timeout(p, to_ms < 0 ? 100 : to_ms) == 0, "%s", pcap_geterr(p));
	CHECK(to_ms != 0 || !strncmp(device, "nflog", 5) || pcap_set_immediate_mode(p, 1) == 0, "%s", pcap_geterr(p));
	CHECK(pcap_set_buffer_size(p, 16 << 20) == 0, "%s", pcap_geterr(p));
	CHECK(pcap_activate(p) >= 0, "%s", pcap_geterr(p));
	CHECK(to_ms >= 0 || pcap_setnonblock(p, 1, errbuf) == 0, "%s", errbuf);
	CHECK(pcap_compile(p, &program, "udp dst port 9000", 1, PCAP_NETMASK_UNKNOWN) == 0, "%s", pcap_geterr(p));
	CHECK(pcap_setfilter(p, &program) == 0, "%s", pcap_geterr(p));
	pcap_freecode(&program);
	payload_at = pcap_datalink(p) == DLT_EN10MB ? 14 + 28 : 28;
	selectable = pcap_get_selectable_fd(p);
	CHECK(selectable >= 0, "%s", pcap_geterr(p));
}

/* Whether the selectable descriptor is readable, or becomes so within a time. */
static inline int readable(int milliseconds)
{
	struct pollfd polled = { selectable, POLLIN, 0 };
	return poll(&polled, 1, milliseconds) == 1;
}

/* Says what is missing, and dies, when a read waits for what does not come. */
static inline void in_vain(int number)
{
	char text[200];
	long first = 0;
	(void)number;
	while (first < now_sent() && given[first])
		first++;
	int length = snprintf(text, sizeof text, "after %d s: %ld of %ld packets were given, the first missing one is %ld\n",
	                      2 * LIMIT, now_unique(), now_sent(), first);
	_exit(write(2, text, (size_t)length) == length ? 3 : 4);
}

/* Ends the program with that when it takes too long. */
static inline void limit_time(void)
{
	signal(SIGALRM, in_vain);
	alarm(2 * LIMIT);
}

static inline void note_all(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	note(header, data);
	if (user != NULL && now_unique() == now_sent())
		pcap_breakloop(p);
}

/* Reads in one of the four ways until everything that was sent was given. */
static inline void read_the_rest(const char *by)
{
	static u_char stops;
	while (now_unique() < now_sent()) {
		struct pcap_pkthdr *header, own;
		const u_char *data = NULL;
		int result = 0;
		if (!strcmp(by, "loop")) {
			result = pcap_loop(p, -1, note_all, &stops);
			CHECK(result == PCAP_ERROR_BREAK, "%d %s", result, pcap_geterr(p));
		} else if (!strcmp(by, "dispatch")) {
			result = pcap_dispatch(p, -1, note_all, NULL);
			CHECK(result >= 0, "%d %s", result, pcap_geterr(p));
		} else if (!strcmp(by, "next_ex")) {
			result = pcap_next_ex(p, &header, &data);
			CHECK(result == 0 || result == 1, "%d %s", result, pcap_geterr(p));
			if (result == 1)
				note(header, data);
		} else if ((data = pcap_next(p, &own)) != NULL) {
			note(&own, data);
		}
	}
}

#endif
