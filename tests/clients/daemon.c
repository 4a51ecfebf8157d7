/* daemon: reads a packet, becomes a daemon by a fork, and reads ten more in the child after its parent has gone. */
#include "client.h"
#include <sys/types.h>
#include <unistd.h>

static void nothing(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	(void)user, (void)header, (void)data;
}

int main(void)
{
	pcap_t *p = open_device("nflog:5", 0);
	ready();
	CHECK(pcap_loop(p, 1, nothing, NULL) == 0, "%s", pcap_geterr(p));
	pid_t parent = getpid(), child = fork();
	CHECK(child >= 0, "fork");
	if (child > 0)
		_exit(0);
	while (getppid() == parent)
		usleep(1000);
	puts("the parent has gone");
	fflush(stdout);
	CHECK(pcap_loop(p, 10, nothing, NULL) == 0, "%s", pcap_geterr(p));
	puts("ten packets");
	pcap_close(p);
	return 0;
}
