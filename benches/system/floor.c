/* The least that reading an NFLOG group can cost a process: one recv(2) for each batch, one walk over its messages,
 * a look at each packet's first byte. No library, no records, no filter, no truth about what was lost.
 *
 * usage: floor GROUP BUFFER_BYTES
 *
 * Prints a line "ready", reads until SIGTERM, and prints one line of JSON. */
#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* Large batches and the shortest flush that still makes some: the best that is known for both ends. */
enum { BATCH_BYTES = 131072, BATCH_PACKETS = 10000, FLUSH_HUNDREDTHS = 1 };

static volatile sig_atomic_t stopped;
static int netlink;
static uint16_t group;
static _Alignas(8) char buffer[2 * BATCH_BYTES];

static void on_signal(int signal)
{
    (void)signal;
    stopped = 1;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint64_t cpu_ns(void)
{
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * UINT64_C(1000000000) +
           (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * UINT64_C(1000);
}

/* Sets one attribute of the group. */
static void configure(uint16_t type, const void *value, size_t length)
{
    struct {
        struct nlmsghdr header;
        struct nfgenmsg generic;
        struct nfattr attribute;
        char value[16];
    } request = {
        .header = { .nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
        .generic = { .res_id = htons(group) },
        .attribute = { .nfa_type = type, .nfa_len = sizeof(struct nfattr) + length },
    };
    memcpy(request.value, value, length);
    request.header.nlmsg_len = sizeof request - sizeof request.value + NLMSG_ALIGN(length);
    if (send(netlink, &request, request.header.nlmsg_len, 0) < 0)
        fail("floor: send");
    /* Packets of the group may come before the answer. */
    const struct nlmsghdr *answer = (const void *)buffer;
    do {
        if (recv(netlink, buffer, sizeof buffer, 0) < 0)
            fail("floor: recv");
    } while (answer->nlmsg_type != NLMSG_ERROR);
    int error = ((const struct nlmsgerr *)NLMSG_DATA(answer))->error;
    if (error) {
        fprintf(stderr, "floor: configuring group %u: %s\n", group, strerror(-error));
        exit(1);
    }
}

static void configure_number(uint16_t type, uint32_t value)
{
    value = htonl(value);
    configure(type, &value, sizeof value);
}

static unsigned first_byte(const struct nlmsghdr *message)
{
    const char *at = (const char *)NLMSG_DATA(message) + sizeof(struct nfgenmsg);
    const char *end = (const char *)message + message->nlmsg_len;
    while (end - at >= (ptrdiff_t)sizeof(struct nfattr)) {
        const struct nfattr *attribute = (const void *)at;
        if (attribute->nfa_len < sizeof *attribute || attribute->nfa_len > end - at)
            break;
        if (NFA_TYPE(attribute) == NFULA_PAYLOAD)
            return *(const unsigned char *)NFA_DATA(attribute);
        at += NFA_ALIGN(attribute->nfa_len);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    int buffer_size = atoi(argv[2]);
    group = atoi(argv[1]);
    alarm(120);

    netlink = socket(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
    if (netlink < 0)
        fail("floor: socket");
    if (setsockopt(netlink, SOL_SOCKET, SO_RCVBUFFORCE, &buffer_size, sizeof buffer_size) < 0)
        setsockopt(netlink, SOL_SOCKET, SO_RCVBUF, &buffer_size, sizeof buffer_size);
    struct nfulnl_msg_config_cmd bind = { .command = NFULNL_CFG_CMD_BIND };
    struct nfulnl_msg_config_mode whole = { .copy_range = htonl(0xffff), .copy_mode = NFULNL_COPY_PACKET };
    configure(NFULA_CFG_CMD, &bind, sizeof bind);
    configure_number(NFULA_CFG_NLBUFSIZ, BATCH_BYTES);
    configure_number(NFULA_CFG_QTHRESH, BATCH_PACKETS);
    configure_number(NFULA_CFG_TIMEOUT, FLUSH_HUNDREDTHS);
    configure(NFULA_CFG_MODE, &whole, sizeof whole);
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGTERM, &action, NULL);

    uint64_t packets = 0, sum = 0, before = cpu_ns();
    puts("ready");
    fflush(stdout);
    while (!stopped) {
        ssize_t length = recv(netlink, buffer, sizeof buffer, 0);
        const struct nlmsghdr *message = (const void *)buffer;
        for (; length > 0 && NLMSG_OK(message, length); message = NLMSG_NEXT(message, length)) {
            if (message->nlmsg_type == (NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_PACKET)) {
                packets++;
                sum += first_byte(message);
            }
        }
    }
    printf("{\"packets\": %ju, \"cpu_ns\": %ju}\n", (uintmax_t)packets, (uintmax_t)(cpu_ns() - before));
    return sum == 1; /* so that the packets are really looked at */
}
