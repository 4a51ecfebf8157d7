/* fork close|exit|breakloop: the child closes its copy of the handle, or only exits, or breaks its own loop first; the
 * parent then gets the ten packets that the test sends. */
#include "client.h"
#include <sys/wait.h>
#include <unistd.h>

static void nothing(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	(void)user, (void)header, (void)data;
}

int main(int argc, char **argv)
{
	int status;
	CHECK(argc == 2, "usage");
	pcap_t *p = open_device("nflog:5", 0);
	pid_t child = fork();
	CHECK(child >= 0, "fork");
	if (child == 0) {
		if (!strcmp(argv[1], "breakloop"))
			pcap_breakloop(p);
		if (strcmp(argv[1], "exit"))
			pcap_close(p);
		_exit(0);
	}
	CHECK(waitpid(child, &status, 0) == child && status == 0, "the child: %d", status);
	puts("the child has ended");
	fflush(stdout);
	ready();
	int result = pcap_loop(p, 10, nothing, NULL);
	CHECK(result == 0, "%d %s", result, pcap_geterr(p));
	pcap_close(p);
	return 0;
}
