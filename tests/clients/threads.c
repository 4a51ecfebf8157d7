/* threads: two handles, of groups 5 and 6, each read by a thread until a datagram of 7 bytes. Prints how many packets
 * each got, and how many of them were the other's by their length. */
#include "client.h"
#include <pthread.h>

struct side {
	pcap_t *p;
	unsigned len;
	long packets, strangers;
};

static void count(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	struct side *side = (struct side *)user;
	(void)data;
	side->packets++;
	if (header->len == 35)
		pcap_breakloop(side->p);
	else if (header->len != side->len)
		side->strangers++;
}

static void *read_all(void *user)
{
	struct side *side = user;
	int result = pcap_loop(side->p, -1, count, user);
	CHECK(result == PCAP_ERROR_BREAK, "%d %s", result, pcap_geterr(side->p));
	return NULL;
}

int main(void)
{
	struct side first = { .p = open_device("nflog:5", 100), .len = 128 };
	struct side second = { .p = open_device("nflog:6", 100), .len = 228 };
	pthread_t thread;
	CHECK(pthread_create(&thread, NULL, read_all, &second) == 0, "no thread");
	ready();
	read_all(&first);
	pthread_join(thread, NULL);
	pcap_close(first.p);
	pcap_close(second.p);
	printf("first=%ld second=%ld strangers=%ld\n", first.packets, second.packets, first.strangers + second.strangers);
	return 0;
}
