/* nflog-who: prints for each packet that netfilter rules log who sent it: user, mark, rule prefix, interfaces.
 *
 * usage: nflog-who [DEVICE [COUNT]]      DEVICE is nflog:0 unless given, COUNT unlimited
 * build: cc nflog-who.c $(pkg-config --cflags --libs pcap_nflog) -o nflog-who
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <net/if.h>
#include <pcap_nflog.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const hooks[] = {
	"prerouting", "input", "forward", "output", "postrouting", "ingress", "egress",
};

/* Somebody else chose it: an interface's name or a rule's prefix may contain what a terminal obeys. */
static void print_chosen(const char *text)
{
	for (; *text; text++)
		putchar(isprint((unsigned char)*text) ? *text : '?');
}

static void print_interface(const char *label, unsigned int index)
{
	char name[IF_NAMESIZE];

	printf(" %s=", label);
	print_chosen(if_indextoname(index, name) ? name : "?");
}

static void print_packet(const unsigned char *bytes, unsigned int length)
{
	char from[INET6_ADDRSTRLEN], to[INET6_ADDRSTRLEN];

	if (length >= 20 && bytes[0] >> 4 == 4) {
		inet_ntop(AF_INET, bytes + 12, from, sizeof from);
		inet_ntop(AF_INET, bytes + 16, to, sizeof to);
	} else if (length >= 40 && bytes[0] >> 4 == 6) {
		inet_ntop(AF_INET6, bytes + 8, from, sizeof from);
		inet_ntop(AF_INET6, bytes + 24, to, sizeof to);
	} else {
		return;
	}
	printf(" %s > %s", from, to);
}

static void on_packet(unsigned char *user, const struct pcap_pkthdr *header, const unsigned char *bytes)
{
	pcap_t *capture = (pcap_t *)user;
	struct pcap_nflog_info info = { .size = sizeof info };

	if (pcap_nflog_packet(capture, &info) < 0) {
		fprintf(stderr, "nflog-who: %s\n", pcap_geterr(capture));
		pcap_breakloop(capture);
		return;
	}
	printf("%lld.%06ld%s group=%u", (long long)header->ts.tv_sec, (long)header->ts.tv_usec,
	       info.present & PCAP_NFLOG_HAS_STAMP ? "" : "~", info.group);
	if (info.present & PCAP_NFLOG_HAS_HOOK)
		printf(" hook=%s", hooks[info.hook]);
	if (info.present & PCAP_NFLOG_HAS_UID) {
		struct passwd *who = getpwuid(info.uid);
		if (who)
			printf(" user=%s", who->pw_name);
		else
			printf(" user=%u", info.uid);
	}
	if (info.mark)
		printf(" mark=0x%x", info.mark);
	if (info.present & PCAP_NFLOG_HAS_INDEV)
		print_interface("in", info.indev);
	if (info.present & PCAP_NFLOG_HAS_OUTDEV)
		print_interface("out", info.outdev);
	if (info.present & PCAP_NFLOG_HAS_PREFIX) {
		printf(" prefix=\"");
		print_chosen(info.prefix);
		putchar('"');
	}
	print_packet(bytes, header->caplen);
	printf(" length=%u\n", header->len);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char error[PCAP_ERRBUF_SIZE];
	const char *device = argc > 1 ? argv[1] : "nflog:0";
	pcap_t *capture = pcap_open_live(device, 128, 0, 100, error);

	if (!capture) {
		fprintf(stderr, "nflog-who: %s\n", error);
		return 1;
	}
	fprintf(stderr, "nflog-who: reading %s; ~ marks an estimated time\n", device);
	int result = pcap_loop(capture, argc > 2 ? atoi(argv[2]) : -1, on_packet, (unsigned char *)capture);
	if (result == PCAP_ERROR)
		fprintf(stderr, "nflog-who: %s\n", pcap_geterr(capture));
	pcap_close(capture);
	return result == PCAP_ERROR;
}
