/* which: tells which libpcap answers.
 *
 * without arguments    the one that it, or its library, is linked with
 * chroot FOLDER        the same, asked when nothing else can be opened any more
 * plugin LIBRARY       the one that a library is linked with, which it opens
 * open LIBPCAP         the one that it opens by that name or path
 * open LIBPCAP DEVICE  and opens a device with it */
#include <dlfcn.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

extern void ask(void) __attribute__((weak));

#define LOAD(name) __typeof__(name) *load_##name = (__typeof__(name) *)dlsym(library, #name)

int main(int argc, char **argv)
{
	if (argc == 1) {
		ask();
		return 0;
	}
	if (argc < 3)
		return 2;
	if (!strcmp(argv[1], "chroot")) {
		if (chroot(argv[2]) != 0) {
			perror(argv[2]);
			return 1;
		}
		ask();
		return 0;
	}
	void *library = dlopen(argv[2], RTLD_NOW);
	if (library == NULL) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	if (!strcmp(argv[1], "plugin")) {
		((__typeof__(ask) *)dlsym(library, "ask"))();
		return 0;
	}
	LOAD(pcap_open_offline);
	LOAD(pcap_open_live);
	LOAD(pcap_lib_version);
	char file[PCAP_ERRBUF_SIZE] = "", live[PCAP_ERRBUF_SIZE] = "";
	load_pcap_open_offline("/nonexistent", file);
	load_pcap_open_live("nonexistent", 100, 0, 100, live);
	printf("savefile: %s\nlive: %s\nversion: %s\n", file, live, load_pcap_lib_version());
	if (argc > 3) {
		LOAD(pcap_datalink);
		LOAD(pcap_snapshot);
		LOAD(pcap_setnonblock);
		LOAD(pcap_next);
		LOAD(pcap_close);
		struct pcap_pkthdr header;
		pcap_t *p = load_pcap_open_live(argv[3], 1000, 0, 100, live);
		if (p == NULL) {
			fprintf(stderr, "%s\n", live);
			return 1;
		}
		printf("device: link type %d, snaplen %d\n", load_pcap_datalink(p), load_pcap_snapshot(p));
		if (load_pcap_setnonblock(p, 1, live) != 0) {
			fprintf(stderr, "%s\n", live);
			return 1;
		}
		load_pcap_next(p, &header);
		load_pcap_close(p);
	}
	return 0;
}
