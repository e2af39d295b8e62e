/* SPDX-License-Identifier: BSD-2-Clause */
/* backend.h - what the backends of io.h share; for files of this folder only.
 *
 * The calls here go around glibc's wrappers: in a threaded program those are
 * cancellation points and cost two atomics each (measured 2.9 % of a worker's
 * samples).  They return what the kernel does: n >= 0 or -errno. */
#ifndef IO_BACKEND_H
#define IO_BACKEND_H

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "io/io.h"

extern const struct io_backend io_uring_backend;
extern const struct io_backend io_epoll_backend;

/* Bits of io_source.state that mean the same in every backend; the low ten are
 * each backend's own. */
/* clang-format off */
enum {
    IO_POLL_IN   = 1 << 10, /* on_ready for POLLIN is wanted */
    IO_POLL_OUT  = 1 << 11, /* on_ready for POLLOUT is wanted */
    IO_WATCH     = 1 << 12, /* again and again */
    IO_LATER     = 1 << 13, /* is in io->later */
    IO_RELEASING = 1 << 14, /* on the way to on_released, fd kept */
    IO_DROPPED   = 1 << 15, /* on the way to on_released, or there */
    IO_POLL      = IO_POLL_IN | IO_POLL_OUT,
    IO_GONE      = IO_RELEASING | IO_DROPPED,
};
/* clang-format on */

/* Put s in io->later once. */
static inline void
io_later(struct io *io, struct io_source *s)
{
    if (s->state & IO_LATER)
        return;
    s->state |= IO_LATER;
    s->link.next = io->later;
    io->later = s;
}

/* The state bits of POLLIN and POLLOUT in events. */
static inline uint16_t
io_poll_bits(uint32_t events)
{
    return (uint16_t)(((events & POLLIN) ? IO_POLL_IN : 0) |
                      ((events & POLLOUT) ? IO_POLL_OUT : 0));
}

/* The reverse: POLLIN and POLLOUT as wanted by s. */
static inline uint32_t
io_poll_events(const struct io_source *s)
{
    return (s->state & IO_POLL_IN ? (uint32_t)POLLIN : 0) |
           (s->state & IO_POLL_OUT ? (uint32_t)POLLOUT : 0);
}

/* Errors of the connection that was accepted, not of accepting: accept(2) says
 * to go on. */
static inline int
is_accept_transient(int err)
{
    return err == EINTR || err == ECONNABORTED || err == EPROTO ||
           err == ENETDOWN || err == EHOSTDOWN || err == ENONET ||
           err == EHOSTUNREACH || err == ENETUNREACH || err == ENOPROTOOPT;
}

/* Received into the scratch, n bytes or a result: tell the owner. */
static inline void
give_scratch(struct io *io, struct io_source *s, ssize_t n)
{
    io->is_scratch_busy = 1;
    s->on->on_data(s, n > 0 ? io->scratch : NULL, n);
    io->is_scratch_busy = 0;
}

/* Readiness came; a poll is over with it, a watch goes on. */
static inline void
give_ready(struct io_source *s, uint32_t events)
{
    if (!(s->state & IO_WATCH))
        s->state &= (uint16_t)~IO_POLL;
    s->on->on_ready(s, events);
}

static inline ssize_t
raw_result(long rc)
{
    return UNLIKELY(rc < 0) ? -errno : (ssize_t)rc;
}

static inline ssize_t
raw_recv(int fd, char *p, size_t n)
{
    return raw_result(
        syscall(SYS_recvfrom, fd, p, n, MSG_DONTWAIT, NULL, NULL));
}

/* The flags of every send of op. */
static inline int
send_flags(const struct io_send *op)
{
    return MSG_NOSIGNAL | (op->flags & (IO_MORE | IO_LAST) ? MSG_MORE : 0);
}

/* op as the kernel wants it when it has several pieces. */
static inline struct msghdr *
send_msghdr(struct io_send *op)
{
    struct msghdr *m = (struct msghdr *)(void *)op->reserved;

    _Static_assert(sizeof *m <= sizeof op->reserved, "msghdr fits");
    memset(m, 0, sizeof *m);
    m->msg_iov = op->iov;
    m->msg_iovlen = op->n_iov;
    return m;
}

static inline ssize_t
raw_send(int fd, struct io_send *op)
{
    int flags = send_flags(op) | MSG_DONTWAIT;

    if (LIKELY(op->n_iov == 1))
        return raw_result(syscall(SYS_sendto, fd, op->iov[0].iov_base,
                                  op->iov[0].iov_len, flags, NULL, 0));
    return raw_result(syscall(SYS_sendmsg, fd, send_msghdr(op), flags));
}

#endif
