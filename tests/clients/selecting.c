/* selecting next_ex|dispatch|next blocking|nonblocking: selects on the selectable descriptor and takes one packet at
 * a time, until there were 100. The test sends exactly 100, all at once. */
#include "client.h"
#include <sys/select.h>

static int packets;

static void count(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	(void)user, (void)header, (void)data;
	packets++;
}

/* Whether the descriptor is readable within so many seconds. */
static int readable(int fd, int seconds)
{
	fd_set set;
	struct timeval timeout = { .tv_sec = seconds };
	FD_ZERO(&set);
	FD_SET(fd, &set);
	return select(fd + 1, &set, NULL, NULL, &timeout);
}

int main(int argc, char **argv)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	struct pcap_pkthdr *header, own;
	const u_char *data;
	CHECK(argc == 3, "usage");
	pcap_t *p = open_device("nflog:5", 1000);
	CHECK(pcap_setnonblock(p, !strcmp(argv[2], "nonblocking"), errbuf) == 0, "%s", errbuf);
	int fd = pcap_get_selectable_fd(p);
	CHECK(fd >= 0, "%d", fd);
	CHECK(pcap_get_required_select_timeout(p) == NULL, "a descriptor that tells the truth needs no timeout");
	CHECK(readable(fd, 0) == 0, "before any traffic");
	ready();
	while (packets < 100) {
		CHECK(readable(fd, 20) == 1, "stalled after %d packets", packets);
		if (!strcmp(argv[1], "dispatch")) {
			int result = pcap_dispatch(p, 1, count, NULL);
			CHECK(result >= 0, "%d %s", result, pcap_geterr(p));
		} else if (!strcmp(argv[1], "next_ex")) {
			int result = pcap_next_ex(p, &header, &data);
			CHECK(result >= 0, "%d %s", result, pcap_geterr(p));
			packets += result;
		} else {
			packets += pcap_next(p, &own) != NULL;
		}
	}
	CHECK(readable(fd, 0) == 0, "after the last packet");
	pcap_close(p);
	return 0;
}
