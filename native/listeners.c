/*
 * Steering of new connections between processes that listen on one port; see sluice.h.
 */
#include "sluice.h"

#ifdef __linux__
#include <linux/filter.h>
#include <netinet/in.h>
#include <sys/socket.h>

/* Descriptors that are looked at: a process that takes over has opened few. */
#define DESCRIPTORS_MAX 4096

/* A listening socket of this process on `port`, or -1. */
static int find_listener(uint32_t port) {
    for (int fd = 3; fd < DESCRIPTORS_MAX; fd++) {
        int listening = 0;
        socklen_t size = sizeof listening;
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || !listening) continue;
        struct sockaddr_storage address;
        size = sizeof address;
        if (getsockname(fd, (struct sockaddr *)&address, &size) != 0) continue;
        uint16_t its = 0;
        if (address.ss_family == AF_INET) its = ((struct sockaddr_in *)&address)->sin_port;
        if (address.ss_family == AF_INET6) its = ((struct sockaddr_in6 *)&address)->sin6_port;
        if (ntohs(its) == port) return fd;
    }
    return -1;
}

int32_t sluice_steer_listeners(uint32_t port, uint32_t first, uint32_t count) {
    int fd = find_listener(port);
    if (fd < 0) return 0;
    if (count == 0) {
        int none = 0;
        return setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &none, sizeof none) == 0;
    }
    /* Returns first + random % count: the place of a socket in the order in which they began to listen. */
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_RANDOM)),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, count),
        BPF_STMT(BPF_ALU | BPF_ADD | BPF_K, first),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct sock_fprog program = {sizeof code / sizeof code[0], code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0;
}
#else
int32_t sluice_steer_listeners(uint32_t port, uint32_t first, uint32_t count) {
    (void)port, (void)first, (void)count;
    return 0;
}
#endif
