/* Reads a savefile some times through libpcap's interface, and prints one line of JSON: CPU ns per packet.
 *
 * usage: savefile FILE TIMES */
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static uint64_t packets, sum;

static uint64_t cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return used.tv_sec * UINT64_C(1000000000) + used.tv_nsec;
}

static void on_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
    (void)user;
    packets++;
    sum += header->caplen + data[0];
}

static uint64_t read_file(const char *path, int by_loop)
{
    char problem[PCAP_ERRBUF_SIZE];
    pcap_t *pcap = pcap_open_offline(path, problem);
    struct pcap_pkthdr *header;
    const u_char *data;
    if (!pcap) {
        fprintf(stderr, "savefile: %s\n", problem);
        exit(1);
    }
    uint64_t before = cpu_ns();
    int result;
    if (by_loop)
        result = pcap_loop(pcap, -1, on_packet, NULL);
    else
        while ((result = pcap_next_ex(pcap, &header, &data)) == 1)
            on_packet(NULL, header, data);
    uint64_t spent = cpu_ns() - before;
    if (result == PCAP_ERROR) {
        fprintf(stderr, "savefile: %s\n", pcap_geterr(pcap));
        exit(1);
    }
    pcap_close(pcap);
    return spent;
}

int main(int argc, char **argv)
{
    uint64_t spent[2] = { 0, 0 };
    if (argc != 3)
        return 2;
    int times = atoi(argv[2]);
    for (int i = 0; i < 2 * times; i++)
        spent[i % 2] += read_file(argv[1], i % 2);
    double each = packets / 2.0;
    printf("{\"packets\": %ju, \"next_ex_ns\": %.3f, \"loop_ns\": %.3f}\n", (uintmax_t)packets, spent[0] / each,
           spent[1] / each);
    return sum == 1; /* so that the packets are really looked at */
}
