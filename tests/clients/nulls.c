/* nulls: null pointers where libpcap's manual does not allow them and a program may still pass them. Each is an error
 * with a text, or is ignored; none is followed. */
#include "client.h"

int main(void)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	pcap_t *p = pcap_create("nflog:5", errbuf);
	CHECK(p != NULL, "%s", errbuf);
	CHECK(pcap_activate(p) == 0, "%s", pcap_geterr(p));
	CHECK(pcap_loop(p, 1, NULL, NULL) == PCAP_ERROR, "loop without a callback");
	CHECK(*pcap_geterr(p) != 0, "no text");
	CHECK(pcap_dispatch(p, 1, NULL, NULL) == PCAP_ERROR, "dispatch without a callback");
	CHECK(*pcap_geterr(p) != 0, "no text");
	CHECK(pcap_setfilter(p, NULL) == PCAP_ERROR, "no filter");
	CHECK(*pcap_geterr(p) != 0, "no text");
	struct bpf_program empty = { 1, NULL };
	CHECK(pcap_setfilter(p, &empty) == PCAP_ERROR, "a filter without instructions");
	pcap_close(p);
	return 0;
}
