/* SPDX-License-Identifier: BSD-2-Clause */
/* io_epoll.c - the backend for kernels without io_uring: epoll, edge-triggered.
 *
 * A descriptor is registered when it first has to wait, for input only; output
 * is added when a send first found no room.  A short read means drained, so
 * the usual request costs wait, recv, send.  Whatever has to be looked at
 * again - a source stopped with input left, one that used up its turn - is
 * modified in place, which makes epoll report what is true now: the kernel's
 * ready list is ours. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "io/backend.h"

#define EPOLL_EVENTS 256
#define EPOLL_SCRATCH 16384u
/* What one source may take of a turn before the others get theirs. */
#define EPOLL_READS 16
#define EPOLL_ACCEPTS 64

/* clang-format off */
enum {
    WANT      = 1 << 0, /* on_data is wanted */
    READABLE  = 1 << 1, /* input was reported and not drained */
    ENDED     = 1 << 2, /* end or error was reported: a short read says nothing */
    SENDING   = 1 << 3, /* link.send waits for room */
    ACCEPTING = 1 << 4,
    KNOWN     = 1 << 5, /* registered, for input */
    KNOWN_OUT = 1 << 6, /* and for output */
    RECEIVES  = 1 << 7, /* has been received from: a connection */
};
/* clang-format on */

struct epoll {
    struct io io;
    int fd;
    int n;
    struct epoll_event events[EPOLL_EVENTS];
    char scratch[];
};

static struct epoll *
epoll_of(struct io *io)
{
    return CONTAINER_OF(io, struct epoll, io);
}

static int
epoll_open(struct io **io, const struct io_options *o)
{
    uint32_t n =
        o->buffer_bytes > EPOLL_SCRATCH ? o->buffer_bytes : EPOLL_SCRATCH;
    struct epoll *e = calloc(1, sizeof *e + n);

    if (!e)
        return -ENOMEM;
    e->fd = epoll_create1(EPOLL_CLOEXEC);
    if (e->fd < 0) {
        int rc = -errno;
        free(e);
        return rc;
    }
    e->io.backend = &io_epoll_backend;
    e->io.scratch = e->scratch;
    e->io.scratch_bytes = n;
    *io = &e->io;
    return 0;
}

static void
epoll_close(struct io *io)
{
    struct epoll *e = epoll_of(io);

    close(e->fd);
    free(e);
}

/* Have s reported for what it waits for, as soon as that is true: at once if
 * it is.  -errno if the kernel will not. */
static int
report(struct io *io, struct io_source *s)
{
    struct epoll_event ev;
    int op = s->state & KNOWN ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (s->state & (SENDING | IO_POLL_OUT))
        s->state |= KNOWN_OUT;
    ev.events = EPOLLIN | EPOLLRDHUP | EPOLLET;
    if (s->state & KNOWN_OUT)
        ev.events |= EPOLLOUT;
    ev.data.u64 = (uint64_t)s->gen << 48 | (uintptr_t)s;
    if (epoll_ctl(epoll_of(io)->fd, op, s->fd, &ev) < 0)
        return -errno;
    s->state |= KNOWN;
    return 0;
}

/* As report; a refusal is told to the owner at the end of the dispatch. */
static void
report_or_fail(struct io *io, struct io_source *s)
{
    if (report(io, s) < 0)
        io_later(io, s);
}

/* One receive.  Returns true when there may be more and s wants it. */
static int
receive_once(struct io *io, struct io_source *s)
{
    ssize_t n = raw_recv(s->fd, io->scratch, io->scratch_bytes);

    if (n == -EINTR)
        return 1;
    if (n == -EAGAIN ||
        (n > 0 && n < (ssize_t)io->scratch_bytes && !(s->state & ENDED)))
        s->state &= (uint16_t)~READABLE;
    if (n == -EAGAIN)
        return 0;
    if (n <= 0)
        s->state &= (uint16_t)~WANT;
    give_scratch(io, s, n);
    return (s->state & (WANT | READABLE)) == (WANT | READABLE) &&
           !(s->state & IO_GONE);
}

static void
receive(struct io *io, struct io_source *s)
{
    for (int i = 0; i < EPOLL_READS; i++)
        if (!receive_once(io, s))
            return;
    io->stats.rearms++;
    report_or_fail(io, s);
}

static void
epoll_recv_start(struct io *io, struct io_source *s, int now)
{
    if (s->state & WANT)
        return;
    s->state |= WANT | RECEIVES;
    if (now && !io->is_scratch_busy) {
        s->state |= READABLE;
        receive_once(io, s);
        if (!(s->state & WANT) || s->state & IO_GONE)
            return;
    }
    if (!(s->state & KNOWN) || s->state & READABLE)
        report_or_fail(io, s);
}

static void
epoll_recv_stop(struct io *io, struct io_source *s)
{
    (void)io;
    s->state &= (uint16_t)~WANT;
}

/* A registration is all there is of a waiting source. */
static void
epoll_idle(struct io *io, struct io_source *s)
{
    (void)io;
    (void)s;
}

static ssize_t
epoll_send(struct io *io, struct io_source *s, struct io_send *op)
{
    ssize_t n;

    CHECK(!(s->state & SENDING));
    do
        n = raw_send(s->fd, op);
    while (n == -EINTR);
    if (n != -EAGAIN)
        return n;
    if (s->state & IO_LATER)
        return -ENOMEM; /* it could not be registered, link is in use */
    s->state |= SENDING;
    s->link.send = op;
    if (!(s->state & KNOWN_OUT)) {
        int rc = report(io, s);
        if (rc < 0) {
            s->state &= (uint16_t) ~(SENDING | KNOWN_OUT);
            return rc;
        }
    }
    return IO_PENDING;
}

static void
send_on(struct io_source *s)
{
    ssize_t n = raw_send(s->fd, s->link.send);

    if (n == -EAGAIN || n == -EINTR)
        return;
    s->state &= (uint16_t)~SENDING;
    s->on->on_sent(s, n);
}

static void
epoll_poll(struct io *io, struct io_source *s, uint32_t events, int many)
{
    s->state &= (uint16_t) ~(IO_POLL | IO_WATCH);
    s->state |= (uint16_t)(io_poll_bits(events) | (many ? IO_WATCH : 0));
    report_or_fail(io, s);
}

static void
epoll_poll_stop(struct io *io, struct io_source *s)
{
    (void)io;
    s->state &= (uint16_t) ~(IO_POLL | IO_WATCH);
}

/* Accepting has to stop at the first that would block. */
static void
epoll_accept_start(struct io *io, struct io_source *s)
{
    int flags = fcntl(s->fd, F_GETFL);

    if (flags >= 0 && !(flags & O_NONBLOCK))
        (void)fcntl(s->fd, F_SETFL, flags | O_NONBLOCK);
    s->state |= ACCEPTING;
    report_or_fail(io, s);
}

static void
epoll_accept_stop(struct io *io, struct io_source *s)
{
    (void)io;
    s->state &= (uint16_t)~ACCEPTING;
}

/* How many accepts to make: as many as there are connections, of sockets that
 * can tell.  Accepting until nothing is left costs one that fails, and that
 * makes a socket and a file before it looks (4 us; this 0.4).  What comes after
 * this is another edge. */
static uint32_t
n_acceptable(int listen_fd)
{
    struct tcp_info info;
    socklen_t len = offsetof(struct tcp_info, tcpi_unacked) +
                    (socklen_t)sizeof info.tcpi_unacked;

    if (getsockopt(listen_fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ||
        info.tcpi_state != TCP_LISTEN)
        return UINT32_MAX;
    return info.tcpi_unacked;
}

static int
accept_one(int listen_fd)
{
    int fd;

    do
        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static void
accept_all(struct io *io, struct io_source *s)
{
    uint32_t n = n_acceptable(s->fd);

    for (uint32_t i = 0; i < EPOLL_ACCEPTS; i++) {
        int fd;
        if (i == n)
            return;
        fd = accept_one(s->fd);
        if (fd < 0 && errno == EAGAIN)
            return;
        if (fd < 0 && is_accept_transient(errno))
            continue;
        if (fd < 0) {
            fd = -errno;
            s->state &= (uint16_t)~ACCEPTING;
        }
        s->on->on_accept(s, fd);
        if (!(s->state & ACCEPTING) || s->state & IO_GONE)
            return;
    }
    io->stats.rearms++;
    report_or_fail(io, s);
}

/* One event.  Every step looks whether the one before let s go. */
static void
event(struct io *io, struct io_source *s, uint32_t ev)
{
    if (ev & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        s->state |= ENDED;
    if (ev & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        s->state |= READABLE;
        if (s->state & WANT)
            receive(io, s);
        if (s->state & ACCEPTING && !(s->state & IO_GONE))
            accept_all(io, s);
    }
    if (s->state & SENDING && ev & (EPOLLOUT | EPOLLHUP | EPOLLERR) &&
        !(s->state & IO_GONE))
        send_on(s);
    ev &= io_poll_events(s) | POLLERR | POLLHUP;
    if (s->state & IO_POLL && ev && !(s->state & IO_GONE))
        give_ready(s, ev);
}

static void
epoll_drop(struct io *io, struct io_source *s, int keep_fd)
{
    CHECK(!(s->state & IO_DROPPED));
    CHECK(!keep_fd || !(s->state & (SENDING | IO_RELEASING)));
    /* Another process may hold the same listener or pipe; a connection's
     * registration goes with its only descriptor. */
    if (s->state & KNOWN && (keep_fd || !(s->state & RECEIVES)))
        (void)epoll_ctl(epoll_of(io)->fd, EPOLL_CTL_DEL, s->fd, NULL);
    s->state &= IO_LATER | IO_RELEASING;
    if (keep_fd) {
        s->state |= IO_RELEASING;
    } else {
        s->state |= IO_DROPPED;
        close(s->fd);
        s->fd = -1;
    }
    io_later(io, s);
}

/* What can be said of one that the kernel would not report: a file is ready at
 * any time, and for all else it is an error. */
static uint32_t
ready_anyway(const struct io_source *s)
{
    const uint32_t events = io_poll_events(s);
    struct pollfd p = {.fd = s->fd, .events = (short)events};

    if (poll(&p, 1, 0) == 1 && (uint32_t)p.revents & events)
        return (uint32_t)p.revents & (events | POLLERR | POLLHUP);
    return POLLERR;
}

/* The kernel would not report s: every operation of it has failed. */
static void
fail(struct io_source *s)
{
    uint16_t was = s->state;
    uint32_t ready = was & IO_POLL ? ready_anyway(s) : 0;

    s->state &= (uint16_t) ~(WANT | ACCEPTING | IO_POLL | IO_WATCH);
    if (was & WANT)
        s->on->on_data(s, NULL, -ENOMEM);
    if (was & ACCEPTING && !(s->state & IO_GONE))
        s->on->on_accept(s, -ENOMEM);
    if (was & IO_POLL && !(s->state & IO_GONE))
        s->on->on_ready(s, ready);
}

/* Sources that are gone, or failed.  What these callbacks add waits for the
 * next dispatch, which comes at once. */
static void
run_later(struct io *io)
{
    struct io_source *s = io->later, *next;

    io->later = NULL;
    for (; s; s = next) {
        next = s->link.next;
        s->state &= (uint16_t)~IO_LATER;
        if (s->state & IO_GONE)
            s->on->on_released(s);
        else
            fail(s);
    }
}

static int
epoll_wait_events(struct io *io, int64_t timeout_ms)
{
    struct epoll *e = epoll_of(io);
    int ms = timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms;
    ssize_t n;

    if (io->later)
        ms = 0;
    io->stats.enters++;
    n = raw_result(
        syscall(SYS_epoll_pwait, e->fd, e->events, EPOLL_EVENTS, ms, NULL, 8));
    e->n = n > 0 ? (int)n : 0;
    return n < 0 && n != -EINTR ? (int)n : 0;
}

static void
epoll_dispatch(struct io *io)
{
    struct epoll *e = epoll_of(io);

    io->stats.turns++;
    io->stats.events += (uint64_t)e->n;
    for (int i = 0; i < e->n; i++) {
        uint64_t tag = e->events[i].data.u64;
        struct io_source *s =
            (struct io_source *)(uintptr_t)(tag & ((1ull << 48) - 1));
        if (UNLIKELY(s->gen != tag >> 48 || s->state & IO_GONE))
            io->stats.stale++;
        else
            event(io, s, e->events[i].events);
    }
    e->n = 0;
    if (io->later)
        run_later(io);
}

const struct io_backend io_epoll_backend = {
    .name = "epoll",
    .open = epoll_open,
    .close = epoll_close,
    .wait = epoll_wait_events,
    .dispatch = epoll_dispatch,
    .recv_start = epoll_recv_start,
    .recv_stop = epoll_recv_stop,
    .idle = epoll_idle,
    .send = epoll_send,
    .poll = epoll_poll,
    .poll_stop = epoll_poll_stop,
    .accept_start = epoll_accept_start,
    .accept_stop = epoll_accept_stop,
    .drop = epoll_drop,
};
