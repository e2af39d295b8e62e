/* SPDX-License-Identifier: BSD-2-Clause */
/* dial.c - see dial.h. */
#include "os/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t
fill(union address *a, const uint8_t ip[16], uint16_t port)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

    memset(a, 0, sizeof *a);
    if (memcmp(ip, mapped, sizeof mapped) == 0) {
        a->v4.sin_family = AF_INET;
        a->v4.sin_port = htons(port);
        memcpy(&a->v4.sin_addr, ip + sizeof mapped, 4);
        return sizeof a->v4;
    }
    a->v6.sin6_family = AF_INET6;
    a->v6.sin6_port = htons(port);
    memcpy(&a->v6.sin6_addr, ip, 16);
    return sizeof a->v6;
}

int
dial_open(const uint8_t ip[16], uint16_t port)
{
    const int one = 1;
    union address a;
    socklen_t len = fill(&a, ip, port);
    int fd =
        socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc;

    if (fd < 0)
        return -errno;
    /* What is small is not to wait for what is on its way; without it, it does.
     */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, &a.any, len) == 0 || errno == EINPROGRESS)
        return fd;
    rc = -errno;
    close(fd);
    return rc;
}

int
dial_result(int fd)
{
    int error = 0;
    socklen_t len = sizeof error;

    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
        return -errno;
    return -error;
}

int
dial_is_quiet(int fd)
{
    char byte;

    return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
           (errno == EAGAIN || errno == EWOULDBLOCK);
}
