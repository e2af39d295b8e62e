/* SPDX-License-Identifier: BSD-2-Clause */
/* dial.c - connections that come, and that do not. */
/* ldflags: -Wl,--wrap=socket,--wrap=connect */
#include "os/dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/lib/unit.h"

static int socket_fails, connect_fails, last_family;

int __real_socket(int family, int type, int protocol);
int __wrap_socket(int family, int type, int protocol);
int __real_connect(int fd, const struct sockaddr *a, socklen_t len);
int __wrap_connect(int fd, const struct sockaddr *a, socklen_t len);

int
__wrap_socket(int family, int type, int protocol)
{
    if (socket_fails) {
        errno = socket_fails;
        return -1;
    }
    last_family = family;
    return __real_socket(family, type, protocol);
}

int
__wrap_connect(int fd, const struct sockaddr *a, socklen_t len)
{
    if (connect_fails) {
        errno = connect_fails;
        return -1;
    }
    return __real_connect(fd, a, len);
}

static const uint8_t v4[16] = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1};
static const uint8_t v6[16] = {[15] = 1};

static int
listen_at(uint16_t *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = __real_socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    ck_assert_int_eq(listen(fd, 4), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

static void
await(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    ck_assert_int_eq(poll(&p, 1, 10000), 1);
}

START_TEST(it_is_there_or_refused)
{
    uint16_t port;
    int listener = listen_at(&port), fd = dial_open(v4, port), peer;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(last_family, AF_INET);
    await(fd);
    ck_assert_int_eq(dial_result(fd), 0);
    ck_assert(dial_is_quiet(fd));
    peer = accept(listener, NULL, NULL);
    ck_assert_int_eq(send(peer, "x", 1, 0), 1);
    ck_assert(!dial_is_quiet(fd));
    close(fd);
    fd = dial_open(v4, port);
    await(fd);
    close(accept(listener, NULL, NULL));
    ck_assert(!dial_is_quiet(fd));
    close(fd);
    close(peer);
    close(listener);
    fd = dial_open(v4, port);
    if (fd >= 0) { /* else it was refused at once */
        await(fd);
        ck_assert_int_eq(dial_result(fd), -ECONNREFUSED);
        close(fd);
    }
}
END_TEST

START_TEST(what_fails_at_once_says_why)
{
    connect_fails = ENETUNREACH;
    ck_assert_int_eq(dial_open(v6, 1), -ENETUNREACH);
    socket_fails = EMFILE;
    ck_assert_int_eq(dial_open(v6, 1), -EMFILE);
    ck_assert_int_eq(dial_result(-1), -EBADF);
    ck_assert(!dial_is_quiet(-1));
}
END_TEST

UNIT_MAIN(dial, it_is_there_or_refused, what_fails_at_once_says_why)
