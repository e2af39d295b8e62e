/* SPDX-License-Identifier: BSD-2-Clause */
/* io_uring.c - the backend for Linux 6.0 and later.
 *
 * Receiving is one multishot operation into lent buffers (bufring.h), but the
 * first of a source is for one time only: most connections that last for one
 * request are then dropped with nothing to cancel.  Where several full buffers
 * of a source come at once, it is received by polls and plain reads, in pieces
 * eight times as large, until less comes: a large body, or many messages, are
 * then taken up and answered at once.  Sending is a system call
 * while few events are at hand, else a submission, so that the answers of a
 * busy turn leave in one entry to the kernel.
 *
 * state: bit op is set while the kernel holds that operation, from submission
 * to its terminal completion (the one without F_MORE); at most one of each.
 * What is wanted stands beside it, and the terminal completion starts again
 * what is still wanted: so start, stop and start in any order never overlap.
 * Nobody hears of a source without operations that is gone but on_released. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "io/backend.h"
#include "io/bufring.h"
#include "io/rings.h"

/* Up to so many events a turn, a send is a system call: one operation less to
 * complete (8-13 % of a request with one connection, measured). */
#define URING_FEW 4
#define URING_SCRATCH 16384u
#define URING_BULK 4u  /* full buffers in a row */
#define URING_READS 4u /* of scratch, before others have their turn */

/* clang-format off */
enum op {
    OP_RECV,   /* multishot receive */
    OP_PARK,   /* one poll in its place, while idle or in bulk */
    OP_SEND,
    OP_POLL,
    OP_ACCEPT, /* multishot */
    OP_NONE = 7, /* cancellation: concerns no source */
};
#define BIT(op) ((uint16_t)(1u << (op)))
enum {
    HELD      = (1 << (OP_ACCEPT + 1)) - 1, /* any operation */
    WANT      = 1 << 5, /* on_data is wanted */
    IDLE      = 1 << 6, /* by a poll, until bytes come */
    ACCEPTING = 1 << 7, /* on_accept is wanted */
    LASTS     = 1 << 8, /* bytes have come: it is worth a multishot receive */
    BULK      = 1 << 9, /* many come at once: by polls, and reads into scratch */
};
/* clang-format on */

struct uring {
    struct io io;
    struct rings rings;
    struct bufring buffers;
    unsigned batch; /* completions of the running dispatch, else 0 */
    unsigned head;  /* the first of them not looked at yet */
    unsigned end;   /* behind the last */
    int is_starved; /* a receive of this batch found no buffer */
    char scratch[];
};

static struct uring *
uring_of(struct io *io)
{
    return CONTAINER_OF(io, struct uring, io);
}

static int
uring_open(struct io **io, const struct io_options *o)
{
    struct uring *u = calloc(1, sizeof *u + URING_SCRATCH);
    int rc;

    if (!u)
        return -ENOMEM;
    rc = rings_open(&u->rings, o->entries);
    if (rc < 0)
        goto free_memory;
    rc =
        bufring_open(&u->buffers, &u->rings.lib, o->n_buffers, o->buffer_bytes);
    if (rc < 0)
        goto close_rings;
    u->io.backend = &io_uring_backend;
    u->io.scratch = u->scratch;
    u->io.scratch_bytes = URING_SCRATCH;
    *io = &u->io;
    return 0;

close_rings:
    rings_close(&u->rings);
free_memory:
    free(u);
    return rc;
}

static void
uring_close(struct io *io)
{
    struct uring *u = uring_of(io);

    rings_close(&u->rings);
    bufring_close(&u->buffers);
    free(u);
}

/* The submission queue is full: submit in the middle of the batch. */
static __attribute__((noinline)) void
make_room(struct uring *u)
{
    int rc;

    bufring_publish(&u->buffers);
    if (u->batch > 0)
        rings_seen(&u->rings, u->head);
    u->io.stats.enters++;
    rc = rings_enter(&u->rings, 0, 0);
    CHECK(rc == 0);
}

static inline struct io_uring_sqe *
sqe_take(struct uring *u)
{
    while (UNLIKELY(!rings_has_room(&u->rings)))
        make_room(u);
    return rings_sqe(&u->rings);
}

static uint64_t
tag_of(const struct io_source *s, enum op op)
{
    return (uint64_t)s->gen << 48 | (uintptr_t)s | op;
}

/* sqe is filled but for the tag: the kernel holds op of s from now on. */
static void
start(struct io_source *s, struct io_uring_sqe *sqe, enum op op)
{
    sqe->user_data = tag_of(s, op);
    s->state |= BIT(op);
}

static void
cancel(struct uring *u, struct io_source *s, enum op op)
{
    struct io_uring_sqe *sqe = sqe_take(u);

    io_uring_prep_cancel64(sqe, tag_of(s, op), 0);
    sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = OP_NONE;
}

/* flags: IORING_RECVSEND_POLL_FIRST when the socket was just found empty. */
static void
start_recv(struct uring *u, struct io_source *s, unsigned flags)
{
    struct io_uring_sqe *sqe = sqe_take(u);

    if (s->state & (IDLE | BULK)) {
        io_uring_prep_poll_add(sqe, s->fd, POLLIN | POLLRDHUP);
        start(s, sqe, OP_PARK);
        return;
    }
    if (s->state & LASTS)
        io_uring_prep_recv_multishot(sqe, s->fd, NULL, 0, 0);
    else
        io_uring_prep_recv(sqe, s->fd, NULL, 0, 0);
    sqe->ioprio |= (uint16_t)flags;
    sqe->flags = IOSQE_BUFFER_SELECT;
    sqe->buf_group = BUFRING_GROUP;
    start(s, sqe, OP_RECV);
}

/* Whether s wants bytes and no operation brings them. */
static int
lacks_recv(const struct io_source *s)
{
    return (s->state & (WANT | IO_GONE | BIT(OP_RECV) | BIT(OP_PARK))) == WANT;
}

static void
uring_recv_start(struct io *io, struct io_source *s, int now)
{
    unsigned flags = 0;

    if (s->state & WANT)
        return;
    s->state |= WANT;
    if (now && !io->is_scratch_busy && lacks_recv(s)) {
        ssize_t n = raw_recv(s->fd, io->scratch, io->scratch_bytes);
        if (n < (ssize_t)io->scratch_bytes)
            flags = IORING_RECVSEND_POLL_FIRST;
        if (n != -EAGAIN && n != -EINTR) {
            if (n <= 0)
                s->state &= (uint16_t)~WANT;
            s->state |= LASTS;
            give_scratch(io, s, n);
        }
    }
    if (lacks_recv(s))
        start_recv(uring_of(io), s, flags);
}

/* Cancel what brings bytes. */
static void
cancel_recv(struct uring *u, struct io_source *s)
{
    if (s->state & BIT(OP_RECV))
        cancel(u, s, OP_RECV);
    if (s->state & BIT(OP_PARK))
        cancel(u, s, OP_PARK);
}

static void
uring_recv_stop(struct io *io, struct io_source *s)
{
    if (!(s->state & WANT))
        return;
    s->state &= (uint16_t) ~(WANT | IDLE);
    cancel_recv(uring_of(io), s);
}

static void
uring_idle(struct io *io, struct io_source *s)
{
    if ((s->state & (WANT | IDLE)) != WANT)
        return;
    s->state |= IDLE;
    cancel_recv(uring_of(io), s);
}

/* Whether the completion just taken, which filled its buffer, and those behind
 * it are of s and do so, too. */
static int
comes_in_bulk(const struct uring *u, const struct io_source *s)
{
    for (unsigned i = 0; i < URING_BULK - 1; i++) {
        const struct io_uring_cqe *c;
        if (u->head + i == u->end)
            return 0;
        c = rings_cqe(&u->rings, u->head + i);
        if (c->user_data != tag_of(s, OP_RECV) ||
            c->res != (int)u->buffers.bytes)
            return 0;
    }
    return 1;
}

/* What was received before the cancellation still comes first. */
static void
begin_bulk(struct uring *u, struct io_source *s)
{
    s->state |= BULK;
    cancel(u, s, OP_RECV);
}

/* The poll says that there is something. */
static void
receive_bulk(struct uring *u, struct io_source *s)
{
    for (unsigned i = 0; i < URING_READS && lacks_recv(s); i++) {
        ssize_t n = raw_recv(s->fd, u->scratch, URING_SCRATCH);
        if (n == -EINTR)
            continue;
        if (n <= (ssize_t)u->buffers.bytes)
            s->state &= (uint16_t)~BULK;
        if (n == -EAGAIN)
            return;
        if (n <= 0)
            s->state &= (uint16_t)~WANT;
        give_scratch(&u->io, s, n);
        if (n < (ssize_t)URING_SCRATCH)
            return;
    }
}

static void
recv_event(struct uring *u, struct io_source *s, int res, unsigned flags)
{
    int is_first = !(s->state & LASTS);

    if (LIKELY(res > 0)) {
        unsigned bid = flags >> IORING_CQE_BUFFER_SHIFT;
        s->state &= (uint16_t)~IDLE;
        s->state |= LASTS;
        if (UNLIKELY(res == (int)u->buffers.bytes) &&
            (s->state & (BULK | BIT(OP_RECV))) == BIT(OP_RECV) &&
            comes_in_bulk(u, s))
            begin_bulk(u, s);
        s->on->on_data(s, bufring_at(&u->buffers, bid), res);
        bufring_give(&u->buffers, bid);
    }
    if (LIKELY(flags & IORING_CQE_F_MORE) || !lacks_recv(s))
        return;
    if (res == -ENOBUFS) {
        u->io.stats.no_buffers++;
        u->is_starved = 1;
    } else if (res <= 0 && res != -ECANCELED && res != -EINTR) {
        s->state &= (uint16_t)~WANT;
        s->on->on_data(s, NULL, res);
        return;
    }
    if (is_first && res > 0) {
        start_recv(u, s,
                   flags & IORING_CQE_F_SOCK_NONEMPTY
                       ? 0
                       : IORING_RECVSEND_POLL_FIRST);
        return;
    }
    u->io.stats.rearms++;
    start_recv(u, s, 0);
}

/* Readable, or stopped and started meanwhile: receive again. */
static void
park_event(struct uring *u, struct io_source *s)
{
    s->state &= (uint16_t)~IDLE;
    if (s->state & BULK)
        receive_bulk(u, s);
    if (lacks_recv(s))
        start_recv(u, s, 0);
}

static ssize_t
uring_send(struct io *io, struct io_source *s, struct io_send *op)
{
    struct uring *u = uring_of(io);
    struct io_uring_sqe *sqe;

    CHECK(!(s->state & BIT(OP_SEND)));
    if (u->batch <= URING_FEW) {
        ssize_t n = raw_send(s->fd, op);
        if (n != -EAGAIN && n != -EINTR)
            return n;
    }
    sqe = sqe_take(u);
    if (op->n_iov == 1)
        io_uring_prep_send(sqe, s->fd, op->iov[0].iov_base, op->iov[0].iov_len,
                           send_flags(op));
    else
        io_uring_prep_sendmsg(sqe, s->fd, send_msghdr(op),
                              (unsigned)send_flags(op));
    start(s, sqe, OP_SEND);
    if (op->flags & IO_LAST && lacks_recv(s))
        s->state &= (uint16_t)~WANT; /* nothing to cancel when it is dropped */
    return IO_PENDING;
}

static void
start_poll(struct uring *u, struct io_source *s)
{
    struct io_uring_sqe *sqe = sqe_take(u);

    io_uring_prep_poll_add(sqe, s->fd, io_poll_events(s));
    if (s->state & IO_WATCH)
        sqe->len = IORING_POLL_ADD_MULTI;
    start(s, sqe, OP_POLL);
}

static void
uring_poll_stop(struct io *io, struct io_source *s)
{
    s->state &= (uint16_t) ~(IO_POLL | IO_WATCH);
    if (s->state & BIT(OP_POLL))
        cancel(uring_of(io), s, OP_POLL);
}

/* One poll at a time: when another is on its way out, its end starts this. */
static void
uring_poll(struct io *io, struct io_source *s, uint32_t events, int many)
{
    uring_poll_stop(io, s);
    s->state |= (uint16_t)(io_poll_bits(events) | (many ? IO_WATCH : 0));
    if (!(s->state & BIT(OP_POLL)))
        start_poll(uring_of(io), s);
}

static void
poll_event(struct uring *u, struct io_source *s, int res, unsigned flags)
{
    uint32_t ready = POLLERR;

    if (res >= 0)
        ready = (uint32_t)res & (io_poll_events(s) | POLLERR | POLLHUP);
    else if (res != -ECANCELED)
        s->state &= (uint16_t)~IO_WATCH; /* it cannot be watched */
    if (res != -ECANCELED && ready && s->state & IO_POLL)
        give_ready(s, ready);
    if (flags & IORING_CQE_F_MORE || !(s->state & IO_POLL) ||
        s->state & (IO_GONE | BIT(OP_POLL)))
        return;
    u->io.stats.rearms++;
    start_poll(u, s);
}

static void
start_accept(struct uring *u, struct io_source *s)
{
    struct io_uring_sqe *sqe = sqe_take(u);

    io_uring_prep_multishot_accept(sqe, s->fd, NULL, NULL, SOCK_CLOEXEC);
    start(s, sqe, OP_ACCEPT);
}

static void
uring_accept_start(struct io *io, struct io_source *s)
{
    s->state |= ACCEPTING;
    if (!(s->state & BIT(OP_ACCEPT)))
        start_accept(uring_of(io), s);
}

static void
uring_accept_stop(struct io *io, struct io_source *s)
{
    s->state &= (uint16_t)~ACCEPTING;
    if (s->state & BIT(OP_ACCEPT))
        cancel(uring_of(io), s, OP_ACCEPT);
}

static void
accept_event(struct uring *u, struct io_source *s, int res, unsigned flags)
{
    int goes_on = res >= 0 || res == -ECANCELED || is_accept_transient(-res);

    if (!goes_on && s->state & ACCEPTING) {
        s->state &= (uint16_t)~ACCEPTING;
        s->on->on_accept(s, res);
    } else if (res >= 0) {
        s->on->on_accept(s, res);
    }
    if (flags & IORING_CQE_F_MORE ||
        (s->state & (ACCEPTING | IO_GONE | BIT(OP_ACCEPT))) != ACCEPTING)
        return;
    u->io.stats.rearms++;
    start_accept(u, s);
}

/* An operation not submitted yet names a descriptor that may be another's by
 * the time it is: make a no-op of it.  True if op of s was one. */
static int
unsubmit(struct uring *u, struct io_source *s, enum op op)
{
    unsigned i = __atomic_load_n(u->rings.sq_head, __ATOMIC_ACQUIRE);

    for (; i != u->rings.tail; i++) {
        struct io_uring_sqe *sqe = &u->rings.sqes[i & u->rings.sq_mask];
        if (sqe->user_data != tag_of(s, op))
            continue;
        io_uring_prep_nop(sqe);
        sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
        sqe->user_data = OP_NONE;
        s->state &= (uint16_t)~BIT(op);
        return 1;
    }
    return 0;
}

/* An armed operation holds the file, so that close alone would leave the peer
 * waiting: shut the connection down, which also ends what waits for it.
 * Returns the operations that end by themselves.  (A listener is not shut
 * down: other processes may use it.) */
static uint16_t
close_fd(struct io_source *s)
{
    uint16_t waiting = s->state & (BIT(OP_RECV) | BIT(OP_PARK) | BIT(OP_SEND));

    if (waiting && shutdown(s->fd, SHUT_RDWR) < 0)
        waiting = 0;
    close(s->fd);
    s->fd = -1;
    return waiting;
}

static void
uring_drop(struct io *io, struct io_source *s, int keep_fd)
{
    uint16_t ends = 0;

    CHECK(!(s->state & IO_DROPPED));
    CHECK(!keep_fd || !(s->state & (BIT(OP_SEND) | IO_RELEASING)));
    s->state &= HELD | IO_LATER | IO_RELEASING;
    s->state |= keep_fd ? IO_RELEASING : IO_DROPPED;
    if (!keep_fd)
        ends = close_fd(s);
    for (enum op op = OP_RECV; op <= OP_ACCEPT; op++)
        if (s->state & BIT(op) && !unsubmit(uring_of(io), s, op) &&
            !(ends & BIT(op)))
            cancel(uring_of(io), s, op);
    if (!(s->state & HELD))
        io_later(io, s);
}

/* Nobody wants this result: keep the buffer or the connection from leaking. */
static void
discard(struct uring *u, enum op op, int res, unsigned flags)
{
    if (res != -ECANCELED)
        u->io.stats.stale++;
    if (op == OP_RECV && flags & IORING_CQE_F_BUFFER)
        bufring_give(&u->buffers, flags >> IORING_CQE_BUFFER_SHIFT);
    if (op == OP_ACCEPT && res >= 0)
        close(res);
}

/* A result for a source that is gone.  While it is only being released, what
 * the kernel had taken for it still is its owner's. */
static void
late_event(struct uring *u, struct io_source *s, enum op op, int res,
           unsigned flags)
{
    int is_kept = !(s->state & IO_DROPPED);

    if (is_kept && op == OP_ACCEPT && res >= 0) {
        s->on->on_accept(s, res);
    } else if (is_kept && op == OP_RECV && res > 0) {
        unsigned bid = flags >> IORING_CQE_BUFFER_SHIFT;
        s->on->on_data(s, bufring_at(&u->buffers, bid), res);
        bufring_give(&u->buffers, bid);
    } else {
        discard(u, op, res, flags);
    }
    if (!(s->state & HELD))
        io_later(&u->io, s);
}

/* The one place where completions meet sources. */
static void
event(struct uring *u, uint64_t tag, int res, unsigned flags)
{
    enum op op = tag & 7;
    struct io_source *s =
        (struct io_source *)(uintptr_t)(tag & ((1ull << 48) - 8));

    if (UNLIKELY(op == OP_NONE))
        return;
    if (UNLIKELY(s->gen != tag >> 48)) {
        discard(u, op, res, flags);
        return;
    }
    if (!(flags & IORING_CQE_F_MORE))
        s->state &= (uint16_t)~BIT(op);
    if (UNLIKELY(s->state & IO_GONE)) {
        late_event(u, s, op, res, flags);
        return;
    }
    switch (op) {
    case OP_RECV: recv_event(u, s, res, flags); break;
    case OP_PARK: park_event(u, s); break;
    case OP_SEND: s->on->on_sent(s, res); break;
    case OP_POLL: poll_event(u, s, res, flags); break;
    case OP_ACCEPT: accept_event(u, s, res, flags); break;
    case OP_NONE: break;
    }
}

static void
run_later(struct io *io)
{
    struct io_source *s = io->later, *next;

    io->later = NULL;
    for (; s; s = next) {
        next = s->link.next;
        s->state &= (uint16_t)~IO_LATER;
        s->on->on_released(s);
    }
}

static int
uring_wait(struct io *io, int64_t timeout_ms)
{
    io->stats.enters++;
    if (io->later)
        timeout_ms = 0;
    return rings_enter(&uring_of(io)->rings, timeout_ms != 0, timeout_ms);
}

static void
uring_dispatch(struct io *io)
{
    struct uring *u = uring_of(io);
    unsigned n = rings_ready(&u->rings, &u->head);

    io->stats.turns++;
    io->stats.events += n;
    io->stats.overflows += (unsigned)rings_is_overflown(&u->rings);
    u->end = u->head + n;
    for (u->batch = n; n > 0; n--) {
        const struct io_uring_cqe *c = rings_cqe(&u->rings, u->head++);
        event(u, c->user_data, c->res, c->flags);
    }
    rings_seen(&u->rings, u->head);
    if (UNLIKELY(u->is_starved)) {
        u->is_starved = 0;
        bufring_starve(&u->buffers, io->stats.turns);
    }
    if (UNLIKELY(io->stats.turns % BUFRING_REST_TURNS == 0))
        bufring_rest(&u->buffers, io->stats.turns);
    bufring_publish(&u->buffers);
    u->batch = 0;
    if (io->later)
        run_later(io);
}

const struct io_backend io_uring_backend = {
    .name = "io_uring",
    .open = uring_open,
    .close = uring_close,
    .wait = uring_wait,
    .dispatch = uring_dispatch,
    .recv_start = uring_recv_start,
    .recv_stop = uring_recv_stop,
    .idle = uring_idle,
    .send = uring_send,
    .poll = uring_poll,
    .poll_stop = uring_poll_stop,
    .accept_start = uring_accept_start,
    .accept_stop = uring_accept_stop,
    .drop = uring_drop,
};
