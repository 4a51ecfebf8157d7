/* A libpcap that a program brings along. It says its name, OWN, wherever a text is asked for, and tells whether what it
 * calls itself is its own: those calls can be led elsewhere, as in every libpcap. */
#include <pcap/pcap.h>
#include <stdio.h>

static int handle;

const char *pcap_lib_version(void)
{
	return "libpcap version 1.10.0 (" OWN ")";
}

pcap_t *pcap_create(const char *device, char *errbuf)
{
	(void)device;
	snprintf(errbuf, PCAP_ERRBUF_SIZE, "%s", OWN);
	return (pcap_t *)&handle;
}

pcap_t *pcap_open_live(const char *device, int snaplen, int promisc, int to_ms, char *errbuf)
{
	(void)snaplen, (void)promisc, (void)to_ms;
	pcap_t *created = pcap_create(device, errbuf);
	snprintf(errbuf, PCAP_ERRBUF_SIZE, "%s, and %s it called pcap_create", OWN,
	         created == (pcap_t *)&handle ? "itself" : "another");
	return NULL;
}

pcap_t *pcap_open_offline(const char *file, char *errbuf)
{
	(void)file;
	snprintf(errbuf, PCAP_ERRBUF_SIZE, "%s", OWN);
	return NULL;
}
