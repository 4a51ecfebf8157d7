/* nolog: opens nflog:5 where the kernel has no netfilter netlink, which a seccomp filter plays. */
#define _GNU_SOURCE
#include "client.h"
#include <errno.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef SYS_socketcall /* The C library may go by it, and a filter does not see its arguments. */
int socket(int family, int type, int protocol)
{
	return (int)syscall(SYS_socket, family, type, protocol);
}
#endif

/* The low half of an argument, on little- and big-endian machines. */
#define ARGUMENT(n) (offsetof(struct seccomp_data, args[n]) + (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? 4 : 0))

int main(void)
{
	struct sock_filter instructions[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(0)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(2)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NETLINK_NETFILTER, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPROTONOSUPPORT),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof instructions / sizeof *instructions, instructions };
	CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no_new_privs");
	CHECK(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0, "seccomp");

	char errbuf[PCAP_ERRBUF_SIZE] = "";
	pcap_t *p = pcap_create("nflog:5", errbuf);
	CHECK(p != NULL, "%s", errbuf);
	int result = pcap_activate(p);
	printf("%d: %s\n", result, pcap_geterr(p));
	pcap_close(p);
	return 0;
}
