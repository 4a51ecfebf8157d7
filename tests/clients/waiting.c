/* waiting: reads with nothing to read, and non-blocking mode. Prints nothing but failures. No traffic may come. */
#include "client.h"
#include <time.h>

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec * 1e-9;
}

static void count(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	(void)header, (void)data;
	++*(int *)user;
}

static pcap_t *p;

/* Reads in each way that a timeout ends; each must find nothing. */
static void read_nothing(double at_least, double below)
{
	struct pcap_pkthdr *header, own;
	const u_char *data;
	int packets = 0, result;
	double start = seconds();
	result = pcap_next_ex(p, &header, &data);
	double took = seconds() - start;
	CHECK(result == 0, "pcap_next_ex: %d", result);
	CHECK(took >= at_least && took < below, "pcap_next_ex took %f s", took);

	start = seconds();
	result = pcap_dispatch(p, -1, count, (u_char *)&packets);
	took = seconds() - start;
	CHECK(result == 0 && packets == 0, "pcap_dispatch: %d, %d packets", result, packets);
	CHECK(took >= at_least && took < below, "pcap_dispatch took %f s", took);

	start = seconds();
	CHECK(pcap_next(p, &own) == NULL, "pcap_next");
	took = seconds() - start;
	CHECK(took >= at_least && took < below, "pcap_next took %f s", took);
}

int main(void)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";

	p = open_device("nflog:5", 100);
	CHECK(pcap_getnonblock(p, errbuf) == 0, "%s", errbuf);
	read_nothing(0.1, 20);

	/* After activation, and back. */
	CHECK(pcap_setnonblock(p, 1, errbuf) == 0, "%s", errbuf);
	CHECK(pcap_getnonblock(p, errbuf) == 1, "%s", errbuf);
	read_nothing(0, 20);
	CHECK(pcap_setnonblock(p, 0, errbuf) == 0, "%s", errbuf);
	CHECK(pcap_getnonblock(p, errbuf) == 0, "%s", errbuf);
	read_nothing(0.1, 20);
	pcap_close(p);

	/* A timeout that is too short for a receive to measure. */
	p = open_device("nflog:5", 10);
	read_nothing(0.01, 20);
	pcap_close(p);

	/* Before activation, with a timeout that would be noticed. */
	p = pcap_create("nflog:5", errbuf);
	CHECK(p != NULL, "%s", errbuf);
	CHECK(pcap_set_timeout(p, 3600 * 1000) == 0, "%s", pcap_geterr(p));
	CHECK(pcap_setnonblock(p, 1, errbuf) == 0, "%s", errbuf);
	CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
	CHECK(pcap_getnonblock(p, errbuf) == 1, "%s", errbuf);
	read_nothing(0, 20);
	pcap_close(p);
	return 0;
}
