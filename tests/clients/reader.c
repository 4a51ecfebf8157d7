/* reader DEVICE [name=value...]: captures, and prints what came.
 *
 * snaplen, buffer, to_ms, immediate, linktype, filter: as pcap has them
 * until=LEN   ends with the first packet of that length (which is counted), or with a null byte in the payload
 * count=N     ends after N packets
 * by=loop|dispatch|next|next_ex
 * print=1     a line for each packet: caplen, len and the first bytes
 * hold=1      when activation fails, waits for a line on standard input before it goes on
 *
 * The last line has the numbers. */
#include "client.h"

static pcap_t *p;
static long packets, limit;
static bpf_u_int32 until_len;
static unsigned long long caplen_sum, len_sum;
static unsigned caplen_max, len_max;
static int print, ended;
static unsigned long long last_number;

static void take(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
	(void)user;
	packets++;
	caplen_sum += header->caplen;
	len_sum += header->len;
	if (header->caplen > caplen_max)
		caplen_max = header->caplen;
	if (header->len > len_max)
		len_max = header->len;
	if (print) {
		printf("packet caplen=%u len=%u bytes=", header->caplen, header->len);
		for (unsigned i = 0; i < header->caplen && i < 64; i++)
			printf("%02x", data[i]);
		putchar('\n');
		fflush(stdout);
	}
	if (header->caplen >= 36) { /* a datagram's number, behind an IPv4 header and its own */
		last_number = 0;
		for (int i = 28; i < 36; i++)
			last_number = last_number << 8 | data[i];
	}
	if ((until_len && header->len == until_len) || packets == limit) {
		ended = 1;
		pcap_breakloop(p);
	}
}

static int read_packets(const char *by)
{
	struct pcap_pkthdr *header, own;
	const u_char *data;
	int result = 0;
	if (!strcmp(by, "loop"))
		return pcap_loop(p, -1, take, NULL);
	while (!ended) {
		if (!strcmp(by, "dispatch")) {
			result = pcap_dispatch(p, -1, take, NULL);
		} else if (!strcmp(by, "next")) {
			if ((data = pcap_next(p, &own)) != NULL)
				take(NULL, &own, data);
		} else {
			result = pcap_next_ex(p, &header, &data);
			if (result == 1)
				take(NULL, header, data);
		}
		if (result < 0)
			return result;
	}
	return result;
}

int main(int argc, char **argv)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	const char *filter = NULL, *linktype = NULL, *by = "loop";
	int hold = 0, result;
	CHECK(argc > 1, "usage: reader DEVICE [name=value...]");
	p = pcap_create(argv[1], errbuf);
	if (p == NULL) {
		printf("create: %s\n", errbuf);
		return 1;
	}
	result = pcap_set_timeout(p, 100);
	for (int i = 2; i < argc; i++) {
		char *value = strchr(argv[i], '=');
		CHECK(value != NULL, "%s", argv[i]);
		*value++ = 0;
		if (!strcmp(argv[i], "snaplen"))
			result |= pcap_set_snaplen(p, atoi(value));
		else if (!strcmp(argv[i], "buffer"))
			result |= pcap_set_buffer_size(p, atoi(value));
		else if (!strcmp(argv[i], "to_ms"))
			result |= pcap_set_timeout(p, atoi(value));
		else if (!strcmp(argv[i], "immediate"))
			result |= pcap_set_immediate_mode(p, atoi(value));
		else if (!strcmp(argv[i], "linktype"))
			linktype = value;
		else if (!strcmp(argv[i], "filter"))
			filter = value;
		else if (!strcmp(argv[i], "until"))
			until_len = strtoul(value, NULL, 10);
		else if (!strcmp(argv[i], "count"))
			limit = atol(value);
		else if (!strcmp(argv[i], "by"))
			by = value;
		else if (!strcmp(argv[i], "print"))
			print = atoi(value);
		else if (!strcmp(argv[i], "hold"))
			hold = atoi(value);
		else
			CHECK(0, "unknown option %s", argv[i]);
	}
	CHECK(result == 0, "%s", pcap_geterr(p));
	result = pcap_activate(p);
	if (result < 0) {
		printf("activate: %d: %s\n", result, pcap_geterr(p));
		fflush(stdout);
		if (hold) {
			ready();
			getchar();
		}
		return 1;
	}
	if (linktype && pcap_set_datalink(p, pcap_datalink_name_to_val(linktype)) < 0) {
		printf("set_datalink: %s\n", pcap_geterr(p));
		return 1;
	}
	if (filter) {
		struct bpf_program program;
		if (pcap_compile(p, &program, filter, 1, PCAP_NETMASK_UNKNOWN) < 0) {
			printf("compile: %s\n", pcap_geterr(p));
			return 1;
		}
		if (pcap_setfilter(p, &program) < 0) {
			printf("setfilter: %s\n", pcap_geterr(p));
			return 1;
		}
		pcap_freecode(&program);
	}
	ready();
	result = read_packets(by);
	struct pcap_stat stats = { 0 };
	CHECK(pcap_stats(p, &stats) == 0, "%s", pcap_geterr(p));
	printf("end=%d packets=%ld caplens=%llu lens=%llu caplen_max=%u len_max=%u recv=%u drop=%u ifdrop=%u number=%llu "
	       "datalink=%d snapshot=%d\n",
	       result, packets, caplen_sum, len_sum, caplen_max, len_max, stats.ps_recv, stats.ps_drop, stats.ps_ifdrop,
	       last_number, pcap_datalink(p), pcap_snapshot(p));
	if (result == PCAP_ERROR)
		printf("read: %s\n", pcap_geterr(p));
	pcap_close(p);
	return result == PCAP_ERROR;
}
