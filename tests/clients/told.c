/* told [conntrack]: prints what the kernel said of each of three packets, one line each, and checks what the
 * functions of pcap-nflog refuse. */
#include <pcap_nflog.h>
#include <inttypes.h>
#include "client.h"

static void expect_refused(pcap_t *p, int result, const char *words)
{
	CHECK(result == PCAP_ERROR, "%d", result);
	CHECK(strstr(pcap_geterr(p), words) != NULL, "'%s' is not in '%s'", words, pcap_geterr(p));
}

static void on_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	pcap_t *p = (pcap_t *)user;
	struct pcap_nflog_info info = { .size = sizeof info };
	(void)data;
	CHECK(pcap_nflog_packet(p, &info) == 0, "%s", pcap_geterr(p));
	CHECK(!(info.present & PCAP_NFLOG_HAS_STAMP) || info.stamp_seconds == header->ts.tv_sec, "the stamp");
	printf("group=%u family=%u hook=%u protocol=%#x mark=%u", info.group, info.family, info.hook, info.protocol, info.mark);
	if (info.present & PCAP_NFLOG_HAS_STAMP)
		printf(" stamped");
	if (info.present & PCAP_NFLOG_HAS_INDEV)
		printf(" in=%u", info.indev);
	if (info.present & PCAP_NFLOG_HAS_OUTDEV)
		printf(" out=%u", info.outdev);
	if (info.present & PCAP_NFLOG_HAS_UID)
		printf(" uid=%u", info.uid);
	if (info.present & PCAP_NFLOG_HAS_GID)
		printf(" gid=%u", info.gid);
	if (info.present & PCAP_NFLOG_HAS_SEQUENCE)
		printf(" sequence=%u", info.sequence);
	if (info.present & PCAP_NFLOG_HAS_ADDRESS)
		printf(" address=%u", info.address_length);
	if (info.present & PCAP_NFLOG_HAS_PREFIX)
		printf(" prefix=%s", info.prefix);
	if (info.present & PCAP_NFLOG_HAS_CONNTRACK)
		printf(" ct_id=%s ct_mark=%u", info.conntrack_id ? "some" : "none", info.conntrack_mark);
	if (info.present & PCAP_NFLOG_HAS_CONNTRACK_INFO)
		printf(" ct_info=%u", info.conntrack_info);
	putchar('\n');

	struct pcap_nflog_info other = { .size = 0 };
	expect_refused(p, pcap_nflog_packet(p, &other), "its size is 0");
	other.size = sizeof other - 4;
	expect_refused(p, pcap_nflog_packet(p, &other), "less than");
	other.size = sizeof other + 4;
	expect_refused(p, pcap_nflog_packet(p, &other), "knows");
	expect_refused(p, pcap_nflog_packet(p, NULL), "null pointer");
}

int main(int argc, char **argv)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	struct pcap_nflog_info info = { .size = sizeof info };
	struct pcap_nflog_stat stat = { .size = sizeof stat };
	uint64_t lost = 1;
	pcap_t *p = pcap_create("nflog:5,7@LINUX_SLL2", errbuf);
	CHECK(p != NULL, "%s", errbuf);
	CHECK(pcap_nflog_packet(p, &info) == PCAP_ERROR_NOT_ACTIVATED, "before activation");
	CHECK(pcap_nflog_stats(p, &stat) == PCAP_ERROR_NOT_ACTIVATED, "before activation");
	expect_refused(p, pcap_nflog_set_batch(p, 0, 100), "4096 to 131072");
	expect_refused(p, pcap_nflog_set_flush_ms(p, -1), "negative");
	expect_refused(p, pcap_nflog_set_reader_thread(p, 9), "none of");
	CHECK(pcap_nflog_set_batch(p, 50, 65536) == 0, "%s", pcap_geterr(p));
	CHECK(pcap_nflog_set_flush_ms(p, 20) == 0, "%s", pcap_geterr(p));
	if (argc > 1 && !strcmp(argv[1], "conntrack"))
		CHECK(pcap_nflog_set_conntrack(p, 1) == 0, "%s", pcap_geterr(p));
	CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
	CHECK(pcap_nflog_set_batch(p, 50, 65536) == PCAP_ERROR_ACTIVATED, "after activation");
	expect_refused(p, pcap_nflog_packet(p, &info), "no packet is being delivered");
	ready();
	CHECK(pcap_loop(p, 3, on_packet, (u_char *)p) == 0, "%s", pcap_geterr(p));
	expect_refused(p, pcap_nflog_packet(p, &info), "no packet is being delivered");
	CHECK(pcap_nflog_stats(p, &stat) == 0, "%s", pcap_geterr(p));
	CHECK(stat.received >= 3 && stat.delivered == 3 && stat.lost == 0 && stat.batches >= 1, "the counts");
	stat.size = 1;
	expect_refused(p, pcap_nflog_stats(p, &stat), "less than");
	CHECK(pcap_nflog_lost(p, 7, &lost) == 0 && lost == 0, "%s", pcap_geterr(p));
	expect_refused(p, pcap_nflog_lost(p, 6, &lost), "does not read group 6");
	pcap_close(p);

	p = pcap_open_dead(DLT_RAW, 100);
	CHECK(p == NULL || pcap_nflog_packet(p, &info) == PCAP_ERROR, "a handle of libpcap's");
	return 0;
}
