/* SPDX-License-Identifier: BSD-2-Clause */
/* segment.h - a response body as a queue of segments that the protocol pulls.
 *
 *     put ->  [ MEM p,n ][ REF p,n,release ][ FILE fd,off,n ]  -> peek, consume
 *
 * Steps put segments in; the protocol side asks for the front one (peek),
 * sends as much of it as it can and says how much that was (consume).  It may
 * take one byte at a time.  What a segment owns (a release to call, a fd to
 * close) is given up exactly once: when its last byte is consumed, or by
 * segment_clear. */
#ifndef HTTP_SEGMENT_H
#define HTTP_SEGMENT_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

enum segment_kind {
    SEGMENT_MEM,  /* lives at least until the request is over */
    SEGMENT_REF,  /* as MEM, then release(arg) */
    SEGMENT_OWN,  /* as REF, by code of the host's */
    SEGMENT_FILE, /* n bytes of fd from off on; the fd is ours, or lent */
};

struct segment {
    struct segment *next;
    enum segment_kind kind;
    int32_t fd;
    uint32_t is_lent; /* of FILE: not closed, but release(arg) is called */
    const char *p;
    uint64_t off, n;
    void (*release)(void *arg);
    void *arg;
};

struct segment_queue {
    struct segment *first, **last;
    uint64_t bytes; /* not yet consumed */
};

/* An empty queue. [worker] */
static inline void
segment_init(struct segment_queue *q)
{
    q->first = NULL;
    q->last = &q->first;
    q->bytes = 0;
}
/* Append s, which the caller has filled and keeps alive (request arena).  An
 * empty one is released at once. [worker] */
void segment_put(struct segment_queue *q, struct segment *s);
/* Put s in front of all others; not empty. [worker] */
void segment_put_front(struct segment_queue *q, struct segment *s);
/* All of from are to's, which has none. */
static inline void
segment_move(struct segment_queue *to, struct segment_queue *from)
{
    *to = *from;
    if (!to->first)
        to->last = &to->first;
    segment_init(from);
}
/* The front segment - never empty - or NULL: the body is at its end. */
static inline const struct segment *
segment_peek(const struct segment_queue *q)
{
    return q->first;
}
/* n bytes of the front segment are dealt with; n <= its n. [worker] */
void segment_consume(struct segment_queue *q, uint64_t n);
/* Release all that is left, of which there usually is none. [worker] */
void segment_clear_all(struct segment_queue *q);
static inline void
segment_clear(struct segment_queue *q)
{
    if (UNLIKELY(q->first != NULL))
        segment_clear_all(q);
}

#endif
