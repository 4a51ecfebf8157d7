/* apart: a parent and its child wait for packets on one handle, and each ends its own waits by pcap_breakloop in a thread. No
 * traffic may come. */
#include "client.h"
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static pcap_t *p;

static void *break_it(void *unused)
{
	usleep(2000);
	pcap_breakloop(p);
	return unused;
}

static void wait_and_break(const char *who)
{
	for (int i = 0; i < 200; i++) {
		pthread_t thread;
		struct pcap_pkthdr *header;
		const u_char *data;
		CHECK(pthread_create(&thread, NULL, break_it, NULL) == 0, "pthread_create");
		int result = pcap_next_ex(p, &header, &data);
		CHECK(result == PCAP_ERROR_BREAK, "%s, wait %d: %d %s", who, i, result, pcap_geterr(p));
		pthread_join(thread, NULL);
	}
}

int main(void)
{
	int status;
	p = open_device("nflog:5", 0);
	pid_t child = fork();
	CHECK(child >= 0, "fork");
	alarm(60);
	wait_and_break(child == 0 ? "child" : "parent");
	if (child != 0)
		CHECK(waitpid(child, &status, 0) == child && status == 0, "the child: %d", status);
	pcap_close(p);
	return 0;
}
