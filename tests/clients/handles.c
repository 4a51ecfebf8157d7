/* handles TIMES FROM BELOW: opens a device, reads a packet and closes it, so many times; then the devices of the groups from
 * one to below another, all at once. Each datagram to port 9000 must be logged to each of them. Prints the memory that is
 * left over from either, beyond what was there before. */
#include "numbered.h"

static pcap_t *open_group(int group)
{
	char name[32];
	snprintf(name, sizeof name, "nflog:%d", group);
	return open_device(name, 1000);
}

static void read_one(pcap_t *handle)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	int result;
	while ((result = pcap_next_ex(handle, &header, &data)) == 0)
		;
	CHECK(result == 1 && header->caplen == 128, "%d %s", result, pcap_geterr(handle));
}

static void one_after_another(int times, int group)
{
	for (int i = 0; i < times; i++) {
		pcap_t *handle = open_group(group);
		send_numbered(1);
		read_one(handle);
		pcap_close(handle);
	}
}

static void at_once(int from, int below)
{
	static pcap_t *handles[1000];
	CHECK(from <= below && below - from <= 1000, "%d to %d", from, below);
	for (int group = from; group < below; group++)
		handles[group - from] = open_group(group);
	send_numbered(1);
	for (int group = from; group < below; group++)
		read_one(handles[group - from]);
	for (int group = from; group < below; group++)
		pcap_close(handles[group - from]);
}

int main(int argc, char **argv)
{
	CHECK(argc == 4, "usage: handles TIMES FROM BELOW");
	int from = atoi(argv[2]), below = atoi(argv[3]);
	limit_time();
	open_sockets();
	one_after_another(5, from); /* what is allocated once */
	at_once(from, from + 2);
	int open = descriptors();
	long kib = memory(), bytes = allocated();
	one_after_another(atoi(argv[1]), from);
	printf("after_another_kib=%ld after_another_allocated=%ld\n", memory() - kib, allocated() - bytes);
	at_once(from, below);
	printf("at_once_kib=%ld at_once_allocated=%ld\n", memory() - kib, allocated() - bytes);
	kib = memory(), bytes = allocated();
	for (int i = 0; i < 3; i++)
		at_once(from, below);
	printf("again_kib=%ld again_allocated=%ld\n", memory() - kib, allocated() - bytes);
	printf("descriptors=%d\n", descriptors() - open);
	return 0;
}
