/* SPDX-License-Identifier: BSD-2-Clause */
/* harness.h - what the tests of core/io have in common.
 *
 * Every test case runs once on each backend: _i is its index.  An `end` is a
 * source with an owner that writes down all it is told; hooks let a test act
 * from inside the callbacks. */
#ifndef T_UNIT_IO_HARNESS_H
#define T_UNIT_IO_HARNESS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "io/io.h"
#include "t/lib/unit.h"

static const char *const backend_names[] = {"io_uring", "epoll"};

struct end {
    struct io_source s;
    struct io *io;
    struct io_send op;
    char *got; /* everything received */
    size_t n_got;
    size_t n_sent;
    int n_data, n_ends, n_sends, n_ready, n_accepts, n_released;
    int error;      /* the last negative result */
    uint32_t ready; /* the last events */
    int fds[64];    /* accepted */
    void (*on_data)(struct end *e, const char *p, ssize_t n);
    void (*on_sent)(struct end *e, ssize_t n);
    void (*on_ready)(struct end *e);
    void (*on_accept)(struct end *e, int fd);
    void (*on_released)(struct end *e);
    struct end *other; /* for the hooks */
};

static inline struct end *
end_of(struct io_source *s)
{
    return CONTAINER_OF(s, struct end, s);
}

static inline void
end_on_data(struct io_source *s, const char *p, ssize_t n)
{
    struct end *e = end_of(s);

    ck_assert_int_eq(e->n_released, 0);
    e->n_data++;
    if (n > 0) {
        e->got = realloc(e->got, e->n_got + (size_t)n);
        memcpy(e->got + e->n_got, p, (size_t)n);
        e->n_got += (size_t)n;
    } else {
        ck_assert_int_eq(e->n_ends, 0);
        e->n_ends++;
        e->error = (int)n;
    }
    if (e->on_data)
        e->on_data(e, p, n);
}

static inline void
end_on_sent(struct io_source *s, ssize_t n)
{
    struct end *e = end_of(s);

    ck_assert_int_eq(e->n_released, 0);
    e->n_sends++;
    if (n > 0)
        e->n_sent += (size_t)n;
    else
        e->error = (int)n;
    if (e->on_sent)
        e->on_sent(e, n);
}

static inline void
end_on_ready(struct io_source *s, uint32_t events)
{
    struct end *e = end_of(s);

    ck_assert_int_eq(e->n_released, 0);
    e->n_ready++;
    e->ready = events;
    if (e->on_ready)
        e->on_ready(e);
}

static inline void
end_on_accept(struct io_source *s, int fd)
{
    struct end *e = end_of(s);

    ck_assert_int_eq(e->n_released, 0);
    if (fd >= 0)
        e->fds[e->n_accepts++ % 64] = fd;
    else
        e->error = fd;
    if (e->on_accept)
        e->on_accept(e, fd);
}

static inline void
end_on_released(struct io_source *s)
{
    struct end *e = end_of(s);

    ck_assert_int_eq(e->n_released, 0);
    e->n_released++;
    if (e->on_released)
        e->on_released(e);
}

static const struct io_handler end_handler = {
    .on_data = end_on_data,
    .on_sent = end_on_sent,
    .on_ready = end_on_ready,
    .on_accept = end_on_accept,
    .on_released = end_on_released,
};

/* The backend under test, or NULL with a message when the kernel refuses it:
 * the test then has nothing to say. */
static inline struct io *
open_io(int i, struct io_options o)
{
    struct io *io = NULL;
    char why[200];
    int rc = io_open(&io, backend_names[i], &o, why, sizeof why);

    if (rc < 0 && i == 0) {
        fprintf(stderr, "skipped: %s\n", why);
        return NULL;
    }
    ck_assert_msg(rc == 0, "%s", why);
    ck_assert_str_eq(io_name(io), backend_names[i]);
    return io;
}

#define OPEN_IO(io, ...)                                                       \
    struct io *io = open_io(_i, (struct io_options){__VA_ARGS__});             \
    if (!io)                                                                   \
    return

static inline void
end_add(struct end *e, struct io *io, int fd)
{
    uint16_t gen = e->s.gen;

    memset(e, 0, sizeof *e);
    e->s.gen = gen;
    e->io = io;
    io_add(io, &e->s, fd, &end_handler);
}

static inline void
end_free(struct end *e)
{
    free(e->got);
    e->got = NULL;
}

static inline void
turn(struct io *io, int timeout_ms)
{
    int rc = io_wait(io, timeout_ms);

    ck_assert_int_eq(rc, 0);
    io_dispatch(io);
}

/* Turns until cond is true; the test fails if it does not become so. */
#define UNTIL(io, cond)                                                        \
    do {                                                                       \
        for (int turns_ = 0; !(cond) && turns_ < 2000; turns_++)               \
            turn(io, 5);                                                       \
        ck_assert_msg(cond, "never: %s", #cond);                               \
    } while (0)

/* Let everything come that comes by itself. */
static inline void
settle(struct io *io)
{
    for (int i = 0; i < 5; i++)
        turn(io, 2);
}

static inline void
end_drop(struct end *e)
{
    io_drop(e->io, &e->s);
    UNTIL(e->io, e->n_released == 1);
    end_free(e);
}

static inline void
unix_pair(int fd[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
}

/* A listener on an ephemeral loopback port. */
static inline int
tcp_listener(struct sockaddr_in *a)
{
    socklen_t len = sizeof *a;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memset(a, 0, sizeof *a);
    a->sin_family = AF_INET;
    a->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)a, len), 0);
    ck_assert_int_eq(listen(fd, 1024), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)a, &len), 0);
    return fd;
}

static inline int
tcp_connect(const struct sockaddr_in *a)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)a, sizeof *a), 0);
    return fd;
}

/* fd[0] accepted, fd[1] connected. */
static inline void
tcp_pair(int fd[2])
{
    struct sockaddr_in a;
    int listener = tcp_listener(&a);

    fd[1] = tcp_connect(&a);
    fd[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(fd[0], 0);
    close(listener);
}

/* Send n bytes at p from the end; the result of io_send. */
static inline ssize_t
end_send_flags(struct end *e, const char *p, size_t n, uint32_t flags)
{
    e->op.iov[0] = (struct iovec){(void *)(uintptr_t)p, n};
    e->op.n_iov = 1;
    e->op.flags = flags;
    return io_send(e->io, &e->s, &e->op);
}

static inline ssize_t
end_send(struct end *e, const char *p, size_t n)
{
    return end_send_flags(e, p, n, 0);
}

static inline void
put(int fd, const char *p, size_t n)
{
    ck_assert_int_eq(send(fd, p, n, MSG_NOSIGNAL), (ssize_t)n);
}

/* True if fd has input (or its end) within ms. */
static inline int
has_input(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, ms) == 1;
}

/* A byte of the test pattern. */
static inline char
pattern(size_t i)
{
    return (char)(i * 31 + i / 251);
}

#define IO_MAIN(what, n_backends, ...)                                         \
    UNIT_RUN(((struct unit){.name = #what, .times = n_backends}), __VA_ARGS__)

#endif
