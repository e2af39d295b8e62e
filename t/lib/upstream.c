/* SPDX-License-Identifier: BSD-2-Clause */
/* upstream.c - see upstream.h. */
#include "t/lib/upstream.h"

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 20000

static void
await(int fd, short events)
{
    struct pollfd p = {.fd = fd, .events = events};

    ck_assert_msg(poll(&p, 1, PATIENCE_MS) == 1, "nothing comes");
}

static int
listen_on(struct upstream *u, const void *address, socklen_t len)
{
    const int one = 1;
    const struct sockaddr *a = address;

    memset(u, 0, sizeof *u);
    u->fd = socket(a->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (u->fd < 0)
        return 0;
    setsockopt(u->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (a->sa_family == AF_INET6)
        setsockopt(u->fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(u->fd, address, len) < 0 || listen(u->fd, 64) < 0) {
        close(u->fd);
        return 0;
    }
    return 1;
}

void
upstream_open(struct upstream *u)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;

    ck_assert(listen_on(u, &a, sizeof a));
    ck_assert_int_eq(getsockname(u->fd, (struct sockaddr *)&a, &len), 0);
    u->port = ntohs(a.sin_port);
}

int
upstream_open_v6(struct upstream *u, uint16_t port)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6,
                             .sin6_port = htons(port),
                             .sin6_addr = IN6ADDR_LOOPBACK_INIT};

    if (!listen_on(u, &a, sizeof a))
        return 0;
    u->port = port;
    return 1;
}

void
upstream_close(struct upstream *u)
{
    close(u->fd);
}

int
upstream_accept(struct upstream *u)
{
    const int one = 1;
    int fd;

    await(u->fd, POLLIN);
    fd = accept4(u->fd, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    u->n_more = 0;
    return fd;
}

struct upstream *
upstream_either(struct upstream *a, struct upstream *b)
{
    struct pollfd p[2] = {{.fd = a->fd, .events = POLLIN},
                          {.fd = b->fd, .events = POLLIN}};

    ck_assert_msg(poll(p, 2, PATIENCE_MS) > 0, "nothing comes");
    return p[0].revents ? a : b;
}

int
upstream_is_quiet(const struct upstream *u, int ms)
{
    struct pollfd p = {.fd = u->fd, .events = POLLIN};

    return poll(&p, 1, ms) == 0;
}

/* More of what comes, into more. */
static void
receive(struct upstream *u, int fd)
{
    ssize_t n;

    await(fd, POLLIN);
    n = recv(fd, u->more + u->n_more, sizeof u->more - 1 - u->n_more, 0);
    ck_assert_msg(n > 0, "it has closed: %zd %s", n, strerror(errno));
    u->n_more += (size_t)n;
    u->more[u->n_more] = '\0';
}

void
upstream_hear(struct upstream *u, int fd)
{
    const char *end;

    u->more[u->n_more] = '\0';
    while (!(end = strstr(u->more, "\r\n\r\n")))
        receive(u, fd);
    u->n = (size_t)(end - u->more) + 4;
    ck_assert_uint_lt(u->n, sizeof u->heard);
    memcpy(u->heard, u->more, u->n);
    u->heard[u->n] = '\0';
    u->n_more -= u->n;
    memmove(u->more, u->more + u->n, u->n_more + 1);
}

void
upstream_hear_body(struct upstream *u, int fd, size_t n)
{
    while (u->n_more < n)
        receive(u, fd);
}

int
upstream_take(struct upstream *u)
{
    int fd = upstream_accept(u);

    upstream_hear(u, fd);
    return fd;
}

void
upstream_send(int fd, const void *p, size_t n)
{
    const char *at = p;

    while (n > 0) {
        ssize_t k = send(fd, at, n, MSG_NOSIGNAL);
        ck_assert_msg(k > 0, "send: %s", strerror(errno));
        at += k;
        n -= (size_t)k;
    }
}

void
upstream_say(int fd, const char *text)
{
    upstream_send(fd, text, strlen(text));
}

void
upstream_wait_closed(int fd)
{
    char buf[4096];
    ssize_t n;

    do {
        await(fd, POLLIN);
        n = recv(fd, buf, sizeof buf, 0);
    } while (n > 0);
}

void
upstream_reset(int fd)
{
    const struct linger now = {.l_onoff = 1, .l_linger = 0};

    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}
