/* dynamic SOURCE LAST: loads libpcap by its name, as language bindings do, and reads a device (or a savefile, if the
 * name has a slash) until a packet has the length LAST. */
#include "client.h"
#include <dlfcn.h>

#define LOAD(name) \
	__typeof__(name) *load_##name = (__typeof__(name) *)dlsym(library, #name); \
	CHECK(load_##name != NULL, "%s", dlerror())

int main(int argc, char **argv)
{
	char errbuf[PCAP_ERRBUF_SIZE] = "";
	struct pcap_pkthdr *header;
	const u_char *data;
	long packets = 0, lens = 0;
	int result;
	CHECK(argc == 3, "usage");
	void *library = dlopen("libpcap.so.0.8", RTLD_NOW);
	CHECK(library != NULL, "%s", dlerror());
	LOAD(pcap_open_live);
	LOAD(pcap_open_offline);
	LOAD(pcap_next_ex);
	LOAD(pcap_datalink);
	LOAD(pcap_close);
	pcap_t *p = strchr(argv[1], '/') ? load_pcap_open_offline(argv[1], errbuf)
	                                 : load_pcap_open_live(argv[1], 65535, 0, 100, errbuf);
	CHECK(p != NULL, "%s", errbuf);
	ready();
	while ((result = load_pcap_next_ex(p, &header, &data)) >= 0) {
		packets += result;
		lens += result == 1 ? header->len : 0;
		if (result == 1 && header->len == (unsigned)atoi(argv[2]))
			break;
	}
	printf("end=%d packets=%ld lens=%ld datalink=%d\n", result, packets, lens, load_pcap_datalink(p));
	load_pcap_close(p);
	return 0;
}
