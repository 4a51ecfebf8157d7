/* Reads a device through libpcap's interface, as programs do, and says what that cost this process.
 *
 * usage: reader loop|lag|busy|busy_next_ex DEVICE SNAPLEN BUFFER_BYTES IMMEDIATE
 *
 * Prints a line "ready", reads until SIGTERM, and prints one line of JSON. BUFFER_BYTES 0 leaves the default.
 *   loop          takes packets with pcap_loop
 *   lag           each packet's payload ends with its time of sending: how old it was when it came
 *   busy          the first packet keeps the program busy (line "busy") until a byte comes on standard input; what
 *                 taking those behind it took from then on
 *   busy_next_ex  the same with pcap_next_ex */
#include <pcap/pcap.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { LAG_MAX = 100000, TIMEOUT_MS = 100 };

static pcap_t *pcap;
static int is_lag, is_busy;
static uint64_t packets, sum, released, released_cpu, last, last_cpu;
static uint32_t lag_us[LAG_MAX];

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

static uint64_t cpu_ns(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * UINT64_C(1000000000) +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * UINT64_C(1000);
}

static void fail(const char *what)
{
    fprintf(stderr, "reader: %s: %s\n", what, pcap_geterr(pcap));
    exit(1);
}

static void special(const struct pcap_pkthdr *header, const u_char *data)
{
    if (is_lag && packets <= LAG_MAX && header->caplen >= 8) {
        uint64_t sent;
        memcpy(&sent, data + header->caplen - sizeof sent, sizeof sent);
        lag_us[packets - 1] = (clock_ns() - sent) / 1000;
    }
    if (is_busy && packets == 1) {
        puts("busy");
        if (getchar() == EOF)
            exit(1);
        released = clock_ns();
        released_cpu = cpu_ns();
    }
    /* Looking at the clocks costs more than a packet does. */
    if (is_busy && packets % 1024 == 0) {
        last = clock_ns();
        last_cpu = cpu_ns();
    }
}

static void on_packet(u_char *user, const struct pcap_pkthdr *header, const u_char *data)
{
    (void)user;
    packets++;
    sum += data[0];
    if (is_lag | is_busy)
        special(header, data);
}

static void on_signal(int signal)
{
    (void)signal;
    pcap_breakloop(pcap);
}

int main(int argc, char **argv)
{
    char problem[PCAP_ERRBUF_SIZE];
    int result;
    if (argc != 6)
        return 2;
    is_lag = !strcmp(argv[1], "lag");
    is_busy = !strncmp(argv[1], "busy", 4);
    setvbuf(stdout, NULL, _IOLBF, 0);
    alarm(120);

    if (!(pcap = pcap_create(argv[2], problem))) {
        fprintf(stderr, "reader: %s\n", problem);
        return 1;
    }
    if (pcap_set_snaplen(pcap, atoi(argv[3])) || (atoi(argv[4]) && pcap_set_buffer_size(pcap, atoi(argv[4]))) ||
        pcap_set_timeout(pcap, TIMEOUT_MS) || pcap_set_immediate_mode(pcap, atoi(argv[5])))
        fail("options");
    if (pcap_activate(pcap) < 0)
        fail("activate");
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGTERM, &action, NULL);

    uint64_t before = cpu_ns();
    puts("ready");
    if (!strcmp(argv[1], "busy_next_ex")) {
        struct pcap_pkthdr *header;
        const u_char *data;
        while ((result = pcap_next_ex(pcap, &header, &data)) >= 0)
            if (result)
                on_packet(NULL, header, data);
    } else {
        result = pcap_loop(pcap, -1, on_packet, NULL);
    }
    uint64_t spent = cpu_ns() - before;
    if (result != PCAP_ERROR_BREAK)
        fail("read");

    struct pcap_stat statistics;
    if (pcap_stats(pcap, &statistics) < 0)
        fail("stats");
    printf("{\"packets\": %ju, \"drop\": %u, \"cpu_ns\": %ju, \"drained\": %ju, \"drain_ns\": %ju, "
           "\"drain_cpu_ns\": %ju, \"lag_us\": [",
           (uintmax_t)packets, statistics.ps_drop, (uintmax_t)spent, (uintmax_t)(packets & ~UINT64_C(1023)),
           (uintmax_t)(last - released), (uintmax_t)(last_cpu - released_cpu));
    for (uint64_t i = 0; is_lag && i < packets && i < LAG_MAX; i++)
        printf("%s%u", i ? ", " : "", lag_us[i]);
    printf("], \"version\": \"%s\"}\n", pcap_lib_version());
    pcap_close(pcap);
    return sum == 1; /* so that the packets are really looked at */
}
