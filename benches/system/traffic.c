/* Sends UDP datagrams to 127.0.0.1 and prints one line of JSON: how many, how long it took, and the CPU time of that.
 *
 * usage: traffic PORT COUNT BYTES PER_SECOND
 *
 * PER_SECOND 0 is as fast as it can; otherwise the datagrams are evenly spaced and each ends with its time of sending
 * (CLOCK_MONOTONIC in nanoseconds, host byte order). */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { AT_ONCE = 64, BYTES_MAX = 65507, SPIN_NS = 200000 };

static uint64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * UINT64_C(1000000000) + now.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

/* Sleeps while there is time, and spins for the rest: the next moment is met within a microsecond. */
static void wait_until(uint64_t moment)
{
    uint64_t now = clock_ns();
    if (moment > now + 2 * SPIN_NS) {
        uint64_t left = moment - now - SPIN_NS;
        struct timespec sleep = { left / 1000000000, left % 1000000000 };
        nanosleep(&sleep, NULL);
    }
    while (clock_ns() < moment) {
    }
}

int main(int argc, char **argv)
{
    static char payload[BYTES_MAX];
    if (argc != 5)
        return 2;
    long count = atol(argv[2]), sent = 0;
    size_t bytes = atol(argv[3]);
    double per_second = atof(argv[4]);
    if (bytes < 8 || bytes > BYTES_MAX)
        return 2;
    alarm(120);

    struct iovec part = { payload, bytes };
    struct mmsghdr messages[AT_ONCE];
    memset(messages, 0, sizeof messages);
    for (int i = 0; i < AT_ONCE; i++) {
        messages[i].msg_hdr.msg_iov = &part;
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int out = socket(AF_INET, SOCK_DGRAM, 0);
    if (out < 0 || connect(out, (struct sockaddr *)&to, sizeof to) < 0)
        fail("traffic: socket");

    uint64_t start = clock_ns();
    while (sent < count) {
        int done = 1;
        if (per_second > 0) {
            wait_until(start + (uint64_t)(sent * 1e9 / per_second));
            uint64_t now = clock_ns();
            memcpy(payload + bytes - sizeof now, &now, sizeof now);
            if (send(out, payload, bytes, 0) < 0)
                fail("traffic: send");
        } else {
            done = sendmmsg(out, messages, count - sent < AT_ONCE ? count - sent : AT_ONCE, 0);
            if (done < 0)
                fail("traffic: sendmmsg");
        }
        sent += done;
    }
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    uint64_t cpu = (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * UINT64_C(1000000000) +
                   (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * UINT64_C(1000);
    printf("{\"sent\": %ld, \"seconds\": %.6f, \"cpu_ns\": %ju}\n", sent, (clock_ns() - start) * 1e-9, (uintmax_t)cpu);
    return 0;
}
