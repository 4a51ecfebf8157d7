/* sharing fresh|held [select]: two processes read one handle after a fork, each breaks a loop of its own. The parent has
 * nine packets of ten in its hand when it forks, or has not read; with or without a descriptor to select on. What is in hand is
 * both's; every other packet must be given to one of them, and each process's count of lost packets be what went to the other,
 * up to the last packet that it was given itself. */
#include "numbered.h"
#include <sys/mman.h>
#include <sys/wait.h>

#define TOTAL 3000L

static struct shared {
	long unique, sent;
	unsigned char given[TOTAL];
} *shared;

static long own, last = -1, held;

static long now_given(void) { return __atomic_load_n(&shared->unique, __ATOMIC_SEQ_CST); }

static void share(const struct pcap_pkthdr *header, const u_char *data)
{
	sent = __atomic_load_n(&shared->sent, __ATOMIC_SEQ_CST); /* as the parent counts */
	long number = note(header, data);
	CHECK(number > last, "%ld after %ld", number, last);
	unsigned char before = __atomic_fetch_add(&shared->given[number], 1, __ATOMIC_SEQ_CST);
	CHECK(before == 0 || number < held, "%ld was given twice", number);
	last = number;
	own++;
	if (before == 0)
		__atomic_add_fetch(&shared->unique, 1, __ATOMIC_SEQ_CST);
}

static void stop(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	(void)user;
	share(header, data);
}

static void send_shared(long count)
{
	__atomic_add_fetch(&shared->sent, count, __ATOMIC_SEQ_CST);
	sent = shared->sent - count;
	send_numbered(count);
}

static void read_until(long total)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	while (now_given() < total) {
		int result = pcap_next_ex(p, &header, &data);
		CHECK(result >= 0, "%d %s", result, pcap_geterr(p));
		if (result == 1)
			share(header, data);
	}
}

static void read_all(const char *who)
{
	struct pcap_stat stats;
	read_until(TOTAL / 2);
	pcap_breakloop(p);
	int result = pcap_loop(p, -1, stop, NULL);
	CHECK(result == PCAP_ERROR_BREAK, "%d %s", result, pcap_geterr(p));
	read_until(TOTAL);
	CHECK(pcap_stats(p, &stats) == 0, "%s", pcap_geterr(p));
	CHECK((long)stats.ps_recv == own && (long)(stats.ps_recv + stats.ps_drop) == last + 1,
	      "%s: recv=%u drop=%u own=%ld last=%ld", who, stats.ps_recv, stats.ps_drop, own, last);
	printf("%s=%ld\n", who, own);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	int status;
	CHECK(argc == 2 || argc == 3, "usage: sharing fresh|held [select]");
	limit_time();
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED, "mmap");
	open_sockets();
	p = open_device("nflog:5", 20);
	payload_at = 28;
	if (argc == 3)
		CHECK((selectable = pcap_get_selectable_fd(p)) >= 0, "%s", pcap_geterr(p));
	if (!strcmp(argv[1], "held")) {
		send_shared(10);
		read_until(1);
		held = 10;
	}
	pid_t child = fork();
	CHECK(child >= 0, "fork");
	if (child == 0) {
		limit_time();
		read_all("child");
		pcap_close(p);
		return 0;
	}
	pid_t sender = fork();
	CHECK(sender >= 0, "fork");
	if (sender == 0) {
		while (shared->sent < TOTAL) {
			send_shared(10);
			usleep(1000);
		}
		_exit(0);
	}
	read_all("parent");
	CHECK(waitpid(sender, &status, 0) == sender && status == 0, "the sender: %d", status);
	CHECK(waitpid(child, &status, 0) == child && status == 0, "the child: %d", status);
	pcap_close(p);
	return 0;
}
