/* exceptions DEVICE READ CASE TO_MS: what passes through a read of a C++ program. READ is loop or dispatch; CASE is
 *
 * throw      each callback throws; its caller catches, and reads on
 * caught     each callback throws, and catches itself: the read goes on
 * waiting    the thread is cancelled while it waits
 * exits      the thread ends itself in its callback
 *
 * Each object in the caller's frames and in the callback's is destroyed once. No packet may be lost; none may come twice,
 * but for the one in the callback on another device than nflog. */
#include "numbered.h"
#include <memory>
#include <pthread.h>
#include <stdexcept>
#include <string>

static std::string by, what;
static int made, destroyed, thrown, passed;

struct Counted {
	Counted() { __atomic_add_fetch(&made, 1, __ATOMIC_SEQ_CST); }
	~Counted() { __atomic_add_fetch(&destroyed, 1, __ATOMIC_SEQ_CST); }
	Counted(const Counted &) = delete;
};

struct Left : std::runtime_error {
	explicit Left(long number) : std::runtime_error("left"), number(number) {}
	long number;
	std::shared_ptr<std::string> more = std::make_shared<std::string>("an exception that owns something");
};

static void callback(u_char *, const struct pcap_pkthdr *header, const u_char *data)
{
	Counted here;
	long number = note(header, data);
	if (what == "throw") {
		throw Left(number);
	} else if (what == "caught") {
		try {
			throw Left(number);
		} catch (const Left &left) {
			thrown += left.number == number;
		}
		if (by == "loop" && now_unique() == now_sent())
			pcap_breakloop(p);
	} else if (what == "exits") {
		pthread_exit(&thrown);
	}
}

static int read_once()
{
	Counted here;
	return by == "loop" ? pcap_loop(p, -1, callback, NULL) : pcap_dispatch(p, -1, callback, NULL);
}

/* An exception for each packet, each through the read. */
static void throw_all()
{
	while (now_unique() < now_sent()) {
		try {
			Counted here;
			int result = read_once();
			CHECK(by == "dispatch" && result == 0, "%d %s", result, pcap_geterr(p));
		} catch (const Left &left) {
			thrown++;
			CHECK(*left.more == "an exception that owns something" && left.number < now_sent(), "%ld", left.number);
		}
		CHECK(now_unique() == now_sent() || readable(LIMIT * 1000), "%ld of %ld packets, and select says no more",
		      now_unique(), now_sent());
		/* The device of libpcap's gives the packet again that its callback did not return from. */
		if (!is_nflog() && thrown > 2)
			return;
	}
}

static void *reading(void *)
{
	Counted here;
	try {
		for (;;)
			read_once();
	} catch (const std::exception &) {
		CHECK(false, "an exception");
	} catch (...) {
		/* What ends a thread passes here, and must go on. */
		passed++;
		throw;
	}
	return NULL;
}

static void *end_of_thread(void)
{
	pthread_t thread;
	void *value = NULL;
	CHECK(pthread_create(&thread, NULL, reading, NULL) == 0, "pthread_create");
	if (what == "waiting") {
		for (int tries = 0; now_unique() < now_sent(); tries++, usleep(1000))
			CHECK(tries < LIMIT * 1000, "no packets come");
		usleep(30000);
		CHECK(pthread_cancel(thread) == 0, "pthread_cancel");
	}
	CHECK(pthread_join(thread, &value) == 0, "pthread_join");
	CHECK(passed == 1, "what ends the thread passed %d times", passed);
	return value;
}

int main(int argc, char **argv)
{
	CHECK(argc == 5, "usage: exceptions DEVICE READ CASE TO_MS");
	by = argv[2], what = argv[3];
	limit_time();
	open_sockets();
	int before = descriptors();
	open_numbered(argv[1], atoi(argv[4]));
	send_numbered(10);
	if (what == "throw") {
		throw_all();
		CHECK(thrown == (is_nflog() ? 10 : 3), "%d exceptions", thrown);
	} else if (what == "caught") {
		while (now_unique() < now_sent())
			CHECK(read_once() != PCAP_ERROR, "%s", pcap_geterr(p));
		CHECK(thrown == 10, "%d exceptions", thrown);
	} else if (what == "waiting") {
		CHECK(end_of_thread() == PTHREAD_CANCELED, "not cancelled");
	} else {
		CHECK(what == "exits", "%s", what.c_str());
		CHECK(end_of_thread() == &thrown, "the thread's value");
	}
	CHECK(made == destroyed, "%d objects were made, and %d destroyed", made, destroyed);

	read_the_rest(argv[2]);
	send_numbered(5);
	CHECK(readable(LIMIT * 1000), "select says no more");
	read_the_rest(argv[2]);
	CHECK(!is_nflog() || doubled == 0, "%ld packets came twice", doubled);
	struct pcap_stat stats;
	CHECK(pcap_stats(p, &stats) == 0, "%s", pcap_geterr(p));
	CHECK(stats.ps_drop == 0 && (!is_nflog() || (long)stats.ps_recv == now_sent()), "recv=%u drop=%u sent=%ld",
	      stats.ps_recv, stats.ps_drop, now_sent());
	pcap_close(p);
	int left = descriptors() - before;
	CHECK(left == 0, "%d descriptors are left", left);
	printf("thrown=%d made=%d\n", thrown, made);
	return 0;
}
