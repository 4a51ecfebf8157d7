/* setback: reads packets while the clock is set back. The library's own calls of clock_gettime(2) come here: this program
 * cannot set the machine's clock.
 * usage: setback SECONDS COUNT: prints how far the stamp of each of COUNT packets is from the clock, in seconds; from the
 * middle on, the clock is SECONDS behind. */
#include "client.h"
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static time_t behind;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int result = syscall(SYS_clock_gettime, clock, now);
	if (result == 0 && clock == CLOCK_REALTIME)
		now->tv_sec -= behind;
	return result;
}

int main(int argc, char **argv)
{
	CHECK(argc == 3, "usage: setback SECONDS COUNT");
	int count = atoi(argv[2]);
	pcap_t *p = open_device("nflog:5", 10000);
	ready();
	for (int packets = 0; packets < count; packets++) {
		struct pcap_pkthdr *header;
		const u_char *data;
		struct timespec now;
		if (packets == count / 2)
			behind = atoi(argv[1]);
		int result = pcap_next_ex(p, &header, &data);
		CHECK(result == 1, "pcap_next_ex: %d %s", result, pcap_geterr(p));
		clock_gettime(CLOCK_REALTIME, &now);
		printf("packet %d: %ld\n", packets, (long)(header->ts.tv_sec - now.tv_sec));
		fflush(stdout);
	}
	pcap_close(p);
	return 0;
}
