/* SPDX-License-Identifier: BSD-2-Clause */
/* out.c - sending what a connection has to say; see out.h. */
#include "conn/out.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "conn/conn.h"
#include "conn/env.h"
#include "conn/transport.h"
#include "http/req.h"
#include "http/stream.h"
#include "io/io.h"

/* Bodies up to this are copied behind their head: cheaper than another iovec.
 * Files up to OUT_FILE_COPY are read there: one send instead of two calls. */
#define OUT_COPY 2048u
#define OUT_FILE_COPY 16384u
/* What one flush may send of one connection before others get their turn. */
#define OUT_BUDGET (4 * TRANSPORT_PACKET)

static struct out *
out_new(struct conn *c, size_t n)
{
    size_t want = sizeof(struct out) + n, got;
    struct out *o;

    if (LIKELY(want <= OUT_FIRST))
        o = blocks_take(&c->env->blocks, OUT_FIRST, &got);
    else
        o = blocks_take(&c->env->blocks, want, &got);
    if (!o)
        return NULL;
    o->block_bytes = (uint32_t)got;
    o->start = o->end = o->waits = 0;
    o->warm = (struct warm_state){0};
    o->cap = (uint32_t)(got - sizeof *o);
    c->out = o;
    return o;
}

static inline void
out_give(struct conn *c, struct out *o)
{
    if (LIKELY(o->block_bytes == OUT_FIRST))
        blocks_give(&c->env->blocks, o, OUT_FIRST);
    else
        blocks_give(&c->env->blocks, o, o->block_bytes);
}

/* From the first small block to one of write_buffer, with what is queued. */
static struct out *
out_grow(struct conn *c)
{
    struct out *old = c->out, *o;

    if (out_is_pending(c) || old->cap >= c->env->limits.write_buffer)
        return old;
    o = out_new(c, c->env->limits.write_buffer);
    if (!o)
        return old;
    o->warm = old->warm;
    o->end = old->end - old->start;
    memcpy(o->data, old->data + old->start, o->end);
    out_give(c, old);
    return o;
}

char *
out_room_slow(struct conn *c, size_t n)
{
    struct out *o = c->out ? out_grow(c) : out_new(c, n);

    return o && o->cap - o->end >= n ? o->data + o->end : NULL;
}

static inline __attribute__((always_inline)) void
give_block(struct conn *c)
{
    if (UNLIKELY(c->out->warm.job != NULL))
        warm_forget(&c->out->warm);
    out_give(c, c->out);
    c->out = NULL;
}

void
out_free(struct conn *c)
{
    if (c->out)
        give_block(c);
}

/* The body being pulled, or NULL. */
static inline __attribute__((always_inline)) struct segment_queue *
body_of(const struct conn *c)
{
    if (c->phase == CONN_SEND)
        return c->req->resp.body.first ? &c->req->resp.body : NULL;
    if (UNLIKELY(c->phase >= CONN_STREAM) && !c->req && !c->is_h2 && c->stream)
        return c->stream->queue.first ? &c->stream->queue : NULL;
    return NULL;
}

static void
consume(struct conn *c, struct segment_queue *q, uint64_t n)
{
    segment_consume(q, n);
    if (LIKELY(c->req != NULL))
        c->req->resp.sent_bytes += n;
}

/* n bytes of a file have gone; another that lies where s does is not known. */
static void
consume_file(struct conn *c, struct segment_queue *q, uint64_t n)
{
    if (n == segment_peek(q)->n)
        c->out->warm.of = NULL;
    consume(c, q, n);
}

/* As pread, but -EAGAIN: it would have to wait for the disk. */
static ssize_t
read_now(struct conn *c, const struct segment *s, char *to, uint64_t n)
{
    struct iovec iov = {to, n};
    uint64_t there;
    ssize_t got;

    if (UNLIKELY(c->out && c->out->warm.job))
        return -EAGAIN;
    do
        got = preadv2(s->fd, &iov, 1, (off_t)s->off, RWF_NOWAIT);
    while (got < 0 && errno == EINTR);
    if (got >= 0 || (errno != EAGAIN && errno != EOPNOTSUPP))
        return got < 0 ? -errno : got;
    if (errno == EAGAIN)
        warm_doubt(&c->out->warm, c->env->clock.mono_ms);
    there = warm_bytes(&c->out->warm, c->env, s);
    if (there == 0)
        return -EAGAIN;
    do
        got = pread(s->fd, to, n < there ? n : there, (off_t)s->off);
    while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

/* Read a piece of a file into the block; 0, or -errno, -EIO when the file is
 * shorter than was promised, -EAGAIN as read_now. */
static int
read_file(struct conn *c, struct segment_queue *q, uint64_t n)
{
    const struct segment *s = segment_peek(q);
    char *to = out_room(c, n);
    ssize_t got;

    if (!to)
        return -ENOMEM;
    got = read_now(c, s, to, n);
    if (got <= 0)
        return got < 0 ? (int)got : -EIO;
    out_commit(c, (size_t)got);
    consume_file(c, q, (uint64_t)got);
    return 0;
}

void
out_gather(struct conn *c)
{
    struct segment_queue *q = body_of(c);
    const struct segment *s;

    while (q && (s = segment_peek(q)) != NULL) {
        char *to;
        if (s->kind == SEGMENT_FILE) {
            if (s->n > OUT_FILE_COPY || !out_room(c, s->n) ||
                read_file(c, q, s->n) < 0)
                return;
            continue;
        }
        to = s->n <= OUT_COPY ? out_room(c, s->n) : NULL;
        if (!to)
            return;
        memcpy(to, s->p, s->n);
        out_commit(c, s->n);
        consume(c, q, s->n);
    }
}

/* Fill the send's iovec: the block's bytes, then memory segments. */
static void
collect(struct out *o, const struct segment_queue *q)
{
    struct io_send *send = &o->send;
    const struct segment *s = q ? segment_peek(q) : NULL;

    send->n_iov = 0;
    send->flags = 0;
    if (o->end > o->start) {
        send->iov[0] =
            (struct iovec){o->data + o->start, (size_t)(o->end - o->start)};
        send->n_iov = 1;
    }
    for (; s && s->kind != SEGMENT_FILE && send->n_iov < IO_IOV_MAX;
         s = s->next)
        send->iov[send->n_iov++] =
            (struct iovec){(void *)(uintptr_t)s->p, (size_t)s->n};
    if (s)
        send->flags = IO_MORE;
}

void
out_sent(struct conn *c, size_t n)
{
    struct out *o = c->out;
    struct segment_queue *q = body_of(c);
    size_t mine = o->end - o->start;

    o->waits = OUT_WAITS_NOT;
    metrics_add(c->env->metrics, METRIC_bytes_out, n);
    if (mine > n)
        mine = n;
    o->start += (uint32_t)mine;
    if (o->start == o->end)
        o->start = o->end = 0;
    for (n -= mine; n > 0;) {
        const struct segment *s = q ? segment_peek(q) : NULL;
        uint64_t part;
        CHECK(s);
        part = s->n < n ? s->n : n;
        consume(c, q, part);
        n -= part;
    }
}

static int
wait_writable(struct conn *c)
{
    c->out->waits = OUT_WAITS_WRITABLE;
    io_poll(c->env->io, &c->io, POLLOUT);
    return OUT_PENDING;
}

int
out_yield(struct conn *c)
{
    if (!c->out && !out_new(c, 0))
        return -ENOMEM;
    return wait_writable(c);
}

void
out_writable(struct conn *c)
{
    if (c->out && c->out->waits == OUT_WAITS_WRITABLE)
        c->out->waits = OUT_WAITS_NOT;
}

static void
spend(uint64_t *budget, uint64_t n)
{
    *budget -= n < *budget ? n : *budget;
}

static int
send_memory(struct conn *c, struct segment_queue *q, uint64_t *budget)
{
    struct out *o = c->out;
    ssize_t n;

    if (*budget == 0) /* let others have their turn: the socket is ready */
        return wait_writable(c);
    collect(o, q);
    n = c->transport->send_vec(c, &o->send);
    if (n == IO_PENDING) {
        o->waits = OUT_WAITS_SENT;
        return OUT_PENDING;
    }
    if (n < 0)
        return (int)n;
    out_sent(c, (size_t)n);
    spend(budget, (uint64_t)n);
    return OUT_DONE;
}

/* As if the socket had room again. */
static void
on_warm(void *arg)
{
    struct conn *c = arg;

    if (c->phase != CONN_CLOSED)
        c->io.on->on_ready(&c->io, 0);
}

static int
wait_warm(struct conn *c, struct segment_queue *q)
{
    int rc = warm_start(&c->out->warm, c->env, q, on_warm, c);

    if (rc < 0)
        return rc;
    c->out->waits = OUT_WAITS_WRITABLE;
    return OUT_PENDING;
}

static int
copy_file(struct conn *c, struct segment_queue *q)
{
    const struct segment *s = segment_peek(q);
    uint64_t part = c->env->limits.write_buffer;
    int rc;

    if (part > OUT_FILE_COPY)
        part = OUT_FILE_COPY;
    rc = read_file(c, q, s->n < part ? s->n : part);
    return rc == -EAGAIN ? wait_warm(c, q) : rc;
}

static int
send_file(struct conn *c, struct segment_queue *q, uint64_t *budget)
{
    const struct segment *s = segment_peek(q);
    uint64_t part;
    ssize_t n;

    if (!c->transport->send_file || s->n <= OUT_FILE_COPY)
        return copy_file(c, q);
    if (*budget == 0)
        return wait_writable(c);
    part = warm_bytes(&c->out->warm, c->env, s);
    if (part == 0)
        return wait_warm(c, q);
    if (part > *budget)
        part = *budget;
    n = c->transport->send_file(c, s->fd, s->off, part);
    c->out->warm.is_lent = n == -EAGAIN && c->transport->keeps_file;
    if (n == -EAGAIN)
        return wait_writable(c);
    if (n <= 0)
        return n < 0 ? (int)n : -EIO;
    metrics_add(c->env->metrics, METRIC_bytes_out, (uint64_t)n);
    consume_file(c, q, (uint64_t)n);
    if ((uint64_t)n < part && c->transport->short_is_full)
        return wait_writable(c);
    spend(budget, (uint64_t)n);
    return OUT_DONE;
}

/* The usual case: a block and nothing else, all of which the kernel takes. */
static int
send_block(struct conn *c)
{
    struct out *o = c->out;
    size_t len = o->end - o->start;
    ssize_t n;

    o->send.iov[0] = (struct iovec){o->data + o->start, len};
    o->send.n_iov = 1;
    o->send.flags = c->phase == CONN_FLUSH ? IO_LAST : 0;
    n = c->transport->send_vec(c, &o->send);
    if (LIKELY(n == (ssize_t)len)) {
        metrics_add(c->env->metrics, METRIC_bytes_out, len);
        give_block(c);
        return OUT_DONE;
    }
    if (n == IO_PENDING) {
        o->waits = OUT_WAITS_SENT;
        return OUT_PENDING;
    }
    if (n > 0)
        out_sent(c, (size_t)n);
    return n < 0 ? (int)n : OUT_PENDING;
}

int
out_flush(struct conn *c)
{
    uint64_t budget = OUT_BUDGET;

    if (LIKELY(out_has_bytes(c) && !out_is_pending(c) && !body_of(c))) {
        int rc = send_block(c);
        if (LIKELY(rc != OUT_PENDING) || out_is_pending(c))
            return rc;
    }

    for (;;) {
        struct segment_queue *q = body_of(c);
        int has_bytes = out_has_bytes(c), rc;
        if (!has_bytes && !q) {
            if (!out_is_pending(c))
                out_free(c);
            return OUT_DONE;
        }
        if (out_is_pending(c))
            return OUT_PENDING;
        if (!c->out && !out_new(c, 0))
            return -ENOMEM;
        if (!has_bytes && segment_peek(q)->kind == SEGMENT_FILE)
            rc = send_file(c, q, &budget);
        else
            rc = send_memory(c, q, &budget);
        if (rc != OUT_DONE)
            return rc;
    }
}
