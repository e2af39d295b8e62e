/* SPDX-License-Identifier: BSD-2-Clause */
/* io.h - completion-style I/O of one thread; io_uring or epoll behind it.
 *
 * A source is a file descriptor with at most one receive, one send and one
 * poll going on.  Its owner embeds it, starts operations, and is called back
 * from io_dispatch - never from inside the call that started the operation,
 * unless that call says so.  One thread opens, uses and closes an io [owner].
 *
 * Life of a source:
 *     io_add -> (operations) -> io_drop -> ... -> on_released -> memory is free
 * Between io_drop and on_released no other callback is made; on_released is
 * made exactly once, from io_dispatch, when the kernel holds nothing of the
 * source any more (buffers given to io_send included).  Anything may be
 * dropped inside any callback, its own source too.
 *
 * Connections are BLOCKING descriptors: every operation here says MSG_DONTWAIT
 * or leaves the waiting to the kernel.  Listeners may be non-blocking.
 *
 * Completions carry (pointer | op | generation) and one of another generation
 * is dropped and counted: a late one can never reach a reused source. */
#ifndef IO_IO_H
#define IO_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/check.h"

struct io;
struct io_send;
struct io_source;

/* What an owner wants to hear; one const table per kind of owner.  A callback
 * that can never come may be NULL. */
struct io_handler {
    /* Received bytes: n > 0, valid until this returns.  n == 0: end of input;
     * n < 0: -errno.  After n <= 0 nothing more is received. */
    void (*on_data)(struct io_source *s, const char *p, ssize_t n);
    /* What io_send answered IO_PENDING for: n > 0 bytes handed over (it may
     * be short: send the rest), or -errno. */
    void (*on_sent)(struct io_source *s, ssize_t n);
    /* Readiness asked for by io_poll (once) or io_watch (each time): POLLIN,
     * POLLOUT as asked, POLLERR, POLLHUP always. */
    void (*on_ready)(struct io_source *s, uint32_t events);
    /* A connection of io_accept_start: fd >= 0 (close-on-exec, blocking), or
     * -errno, after which accepting has stopped until it is started again. */
    void (*on_accept)(struct io_source *s, int fd);
    void (*on_released)(struct io_source *s);
};

struct io_source {
    const struct io_handler *on;
    int32_t fd;     /* -1: released */
    uint16_t gen;   /* survives reuse of the memory: never zero it (and lies
                       where a slab keeps a free item's bytes) */
    uint16_t state; /* the backend's */
    union {
        struct io_source *next; /* among those to be released */
        struct io_send *send;   /* waiting for room (epoll) */
    } link;
};

#define IO_IOV_MAX 8

/* One send: lives in the owner until io_send is over or on_sent came (or
 * on_released).  iov, n_iov and flags are the caller's, who may change them
 * again when the send is over; the rest is the backend's. */
struct io_send {
    struct iovec iov[IO_IOV_MAX];
    uint32_t n_iov;
    uint32_t flags;    /* IO_MORE, IO_LAST */
    void *reserved[8]; /* msghdr of the backend */
};
#define IO_MORE 1u /* more follows at once (MSG_MORE) */
/* Our end follows at once: the bytes may wait to leave with it, in one packet
 * (a third of what a connection for one request costs), and what has not come
 * by now need not be received.  Shut down before io_drop: closing with input
 * unread would reset the connection and drop them. */
#define IO_LAST 2u
#define IO_PENDING (-115) /* -EINPROGRESS */

/* Zero: the default. */
struct io_options {
    uint32_t entries;      /* submission queue, 1024; completions: 4 times it */
    uint32_t buffer_bytes; /* size of one receive buffer, 2048 */
    uint32_t n_buffers;    /* hot receive buffers, 64; grows to 16 times that
                              while they keep running out */
};

struct io_stats {
    uint64_t turns;      /* dispatches */
    uint64_t enters;     /* system calls that submit or wait */
    uint64_t events;     /* completions, or readiness events */
    uint64_t stale;      /* of these: for a source dropped meanwhile */
    uint64_t no_buffers; /* receives that ended for want of a buffer */
    uint64_t overflows;  /* turns in which the completion queue was too small */
    uint64_t rearms;     /* operations the kernel ended and that went on */
};

/* A backend.  Each file io_<name>.c ends in one. */
struct io_backend {
    const char *name; /* "io_uring" */
    int (*open)(struct io **io, const struct io_options *o);
    void (*close)(struct io *io);
    int (*wait)(struct io *io, int64_t timeout_ms);
    void (*dispatch)(struct io *io);
    void (*recv_start)(struct io *io, struct io_source *s, int now);
    void (*recv_stop)(struct io *io, struct io_source *s);
    void (*idle)(struct io *io, struct io_source *s);
    ssize_t (*send)(struct io *io, struct io_source *s, struct io_send *op);
    void (*poll)(struct io *io, struct io_source *s, uint32_t events, int many);
    void (*poll_stop)(struct io *io, struct io_source *s);
    void (*accept_start)(struct io *io, struct io_source *s);
    void (*accept_stop)(struct io *io, struct io_source *s);
    void (*drop)(struct io *io, struct io_source *s, int keep_fd);
};

/* Common head of every backend's io.  scratch is what is received into at
 * once; is_scratch_busy while a callback looks at it. */
struct io {
    const struct io_backend *backend;
    struct io_source *later; /* what the end of a dispatch has to look at */
    char *scratch;
    uint32_t scratch_bytes;
    uint32_t is_scratch_busy;
    struct io_stats stats;
};

/* "auto", "io_uring" or "epoll".  auto tries io_uring and falls back; why
 * (cap bytes, always NUL-terminated) then says why it did, and if nothing
 * opens, why not; else it is empty.  All memory is taken here.  0 or -errno,
 * -EINVAL for an unknown name. [owner] */
MUST_USE int io_open(struct io **io, const char *name,
                     const struct io_options *o, char *why, size_t cap);
/* Nothing is called back.  Sources not released are forgotten, their
 * descriptors left open; the kernel holds no memory of theirs afterwards. */
void io_close(struct io *io);

/* Attach a source to a descriptor.  s->gen is kept and advanced; all else is
 * set.  The source may be new, or released before. [owner] */
static inline void
io_add(struct io *io, struct io_source *s, int fd, const struct io_handler *on)
{
    (void)io;
    s->on = on;
    s->link.next = NULL;
    s->fd = fd;
    s->gen++;
    s->state = 0;
}

/* One turn in two halves, so that the caller reads the clock in between:
 * submit what was started and wait for events, at most timeout_ms (-1: for
 * ever, 0: not at all), then make the callbacks.  0 or -errno (never EINTR,
 * ETIME). [owner] */
MUST_USE static inline int
io_wait(struct io *io, int64_t timeout_ms)
{
    return io->backend->wait(io, timeout_ms);
}

/* Make the callbacks of one batch of events. [owner] */
static inline void
io_dispatch(struct io *io)
{
    io->backend->dispatch(io);
}

/* Deliver bytes from now on.  Does nothing while that is the case already.
 * now: bytes are likely there, try at once - then on_data may be called from
 * inside this, once and with any result; it may do what on_data may do, drop s
 * too, and delivery goes on afterwards only if s still wants it. [owner] */
static inline void
io_recv_start(struct io *io, struct io_source *s, int now)
{
    io->backend->recv_start(io, s, now);
}

/* Stop delivering.  Bytes that were already taken off the socket may still
 * come to on_data; the owner keeps them.  End and errors are held back until
 * it is started again. [owner] */
static inline void
io_recv_stop(struct io *io, struct io_source *s)
{
    io->backend->recv_stop(io, s);
}

/* The source will be quiet for long: hold as little memory as possible for
 * it.  Delivery goes on as before; the next bytes end this. [owner] */
static inline void
io_idle(struct io *io, struct io_source *s)
{
    io->backend->idle(io, s);
}

/* Send op's bytes in order: n > 0 handed over at once (maybe short),
 * IO_PENDING: op and its bytes stay until on_sent or on_released; else -errno.
 * Only one at a time; never answers 0 or -EAGAIN. [owner] */
MUST_USE static inline ssize_t
io_send(struct io *io, struct io_source *s, struct io_send *op)
{
    return io->backend->send(io, s, op);
}

/* on_ready once / each time it becomes true (edge: read or write until it
 * would block), of POLLIN and POLLOUT; what is true now counts.  One poll or
 * watch per source: a new one replaces it.  io_poll_stop ends either. [owner]
 */
static inline void
io_poll(struct io *io, struct io_source *s, uint32_t events)
{
    io->backend->poll(io, s, events, 0);
}

static inline void
io_watch(struct io *io, struct io_source *s, uint32_t events)
{
    io->backend->poll(io, s, events, 1);
}

static inline void
io_poll_stop(struct io *io, struct io_source *s)
{
    io->backend->poll_stop(io, s);
}

/* Accept connections as they come.  After the stop those accepted meanwhile
 * still come to on_accept. [owner] */
static inline void
io_accept_start(struct io *io, struct io_source *s)
{
    io->backend->accept_start(io, s);
}

static inline void
io_accept_stop(struct io *io, struct io_source *s)
{
    io->backend->accept_stop(io, s);
}

/* Cancel all operations and close the descriptor (a connection's peer sees the
 * end at once, operations or not; a listener shared with other processes goes
 * on listening there). [owner] */
static inline void
io_drop(struct io *io, struct io_source *s)
{
    io->backend->drop(io, s, 0);
}

/* Cancel all operations but leave the descriptor open: it is the owner's again
 * in on_released (s->fd).  No send may be pending.  Until then on_data (n > 0)
 * and on_accept (fd >= 0) may still bring what the kernel had already handed
 * over, so nothing is lost; io_drop may still be called. [owner] */
static inline void
io_release(struct io *io, struct io_source *s)
{
    io->backend->drop(io, s, 1);
}

/* "io_uring" or "epoll". [any] */
static inline const char *
io_name(const struct io *io)
{
    return io->backend->name;
}

/* Counters since io_open. [owner] */
static inline const struct io_stats *
io_stats(const struct io *io)
{
    return &io->stats;
}

#endif
