/* What the clients have in common. */
#ifndef CLIENT_H
#define CLIENT_H

#ifdef WITH_PCAP_NFLOG_H
#include <pcap_nflog.h>
#else
#include <pcap/pcap.h>
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Ends the program with a text unless the condition holds. */
#define CHECK(condition, ...) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, #condition); \
			fprintf(stderr, __VA_ARGS__); \
			fputc('\n', stderr); \
			exit(1); \
		} \
	} while (0)

/* Tells the test that traffic may begin. */
static inline void ready(void)
{
	fputs("ready\n", stderr);
	fflush(stderr);
}

/* Opens a device whose reads wait for to_ms milliseconds. */
static inline pcap_t *open_device(const char *device, int to_ms)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	pcap_t *p = pcap_open_live(device, 65535, 0, to_ms, errbuf);
	CHECK(p != NULL, "%s", errbuf);
	return p;
}

#endif
