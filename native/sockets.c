/*
 * Connections of this process: which descriptor is whose, and when what is written to it leaves; see sluice.h.
 */
#include "sluice.h"

#ifdef __linux__
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#define DESCRIPTORS_MAX 131072
/* System calls of one search. */
#define LOOKS_MAX 1024
/* A new connection got the lowest free descriptor: behind so many free ones in a row it is not to be found. */
#define GAP_MAX 64

/* Descriptors that are claimed, so that a search passes them by; changed by any thread, one byte at a time. */
static uint8_t claimed[DESCRIPTORS_MAX];

/* An address as IPv6 and a port; IPv4 as it is mapped into IPv6, in which form the kernel may tell it too. */
typedef struct {
    struct in6_addr ip;
    uint16_t port;
} endpoint_t;

static void map_v4(const struct in_addr *v4, struct in6_addr *ip) {
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    memcpy(ip->s6_addr, prefix, 12);
    memcpy(ip->s6_addr + 12, v4, 4);
}

static int read_endpoint(const struct sockaddr_storage *address, endpoint_t *endpoint) {
    if (address->ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
        map_v4(&v4->sin_addr, &endpoint->ip);
        endpoint->port = ntohs(v4->sin_port);
        return 1;
    }
    if (address->ss_family != AF_INET6) return 0;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
    endpoint->ip = v6->sin6_addr;
    endpoint->port = ntohs(v6->sin6_port);
    return 1;
}

static int is_connection(int fd, const endpoint_t *peer, uint32_t local_port) {
    struct sockaddr_storage address;
    endpoint_t found;
    socklen_t size = sizeof address;
    if (getpeername(fd, (struct sockaddr *)&address, &size) != 0 || !read_endpoint(&address, &found)) return 0;
    if (found.port != peer->port || memcmp(&found.ip, &peer->ip, sizeof found.ip) != 0) return 0;
    size = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &size) != 0 || !read_endpoint(&address, &found)) return 0;
    return found.port == local_port;
}

int32_t sluice_claim_connection(const char *peer_ip, uint32_t peer_port, uint32_t local_port) {
    endpoint_t peer = {.port = (uint16_t)peer_port};
    struct in_addr v4;
    if (inet_pton(AF_INET, peer_ip, &v4) == 1) map_v4(&v4, &peer.ip);
    else if (inet_pton(AF_INET6, peer_ip, &peer.ip) != 1) return -1;
    int looks = 0, gap = 0;
    for (int fd = 3; fd < DESCRIPTORS_MAX && looks < LOOKS_MAX && gap < GAP_MAX; fd++) {
        if (__atomic_load_n(&claimed[fd], __ATOMIC_RELAXED)) {
            gap = 0;
            continue;
        }
        looks++;
        errno = 0;
        if (is_connection(fd, &peer, local_port)) {
            __atomic_store_n(&claimed[fd], 1, __ATOMIC_RELAXED);
            return fd;
        }
        gap = errno == EBADF ? gap + 1 : 0;
    }
    return -1;
}

void sluice_release_connection(int32_t fd) {
    if (fd >= 0 && fd < DESCRIPTORS_MAX) __atomic_store_n(&claimed[fd], 0, __ATOMIC_RELAXED);
}

void sluice_cork_connection(int32_t fd, int32_t corked) {
    setsockopt(fd, IPPROTO_TCP, TCP_CORK, &corked, sizeof corked);
}
#else
int32_t sluice_claim_connection(const char *peer_ip, uint32_t peer_port, uint32_t local_port) {
    (void)peer_ip, (void)peer_port, (void)local_port;
    return -1;
}

void sluice_release_connection(int32_t fd) {
    (void)fd;
}

void sluice_cork_connection(int32_t fd, int32_t corked) {
    (void)fd, (void)corked;
}
#endif
