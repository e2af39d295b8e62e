/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_own.h - what the parts of HTTP/2 have in common: a session, its streams.
 * For h2*.c only; conn/h2.h is for all others. */
#ifndef CONN_H2_OWN_H
#define CONN_H2_OWN_H

#include <stddef.h>
#include <stdint.h>

#include <nghttp2/nghttp2.h>

#include "base/list.h"
#include "conn/conn.h"
#include "conn/exchange.h"
#include "conn/h2_calm.h"
#include "conn/h2_head.h"
#include "conn/h2_heap.h"
#include "conn/h2_ids.h"
#include "conn/h2_pace.h"
#include "conn/warm.h"

/* How far the end of a session is. */
enum h2_leaving {
    H2_STAYS,
    H2_WARNED, /* GOAWAY that names no stream yet, and a PING behind it */
    H2_TOLD,   /* the client has seen them: what it asks for is under way */
    H2_LEAVES, /* GOAWAY: no stream behind the last one is begun */
    H2_BROKEN, /* the same, because of an error: streams are cut, too */
};

/* So many requests that are whole are run before the library reads on: what
 * they are made of is still in the cache then. */
#define H2_OWN_READY 16u

/* A session, in a block of its own. */
struct h2 {
    struct conn *conn;
    nghttp2_session *session; /* the library's: h2_own_session */
    uint32_t block_bytes;
    uint32_t kept_bytes; /* of kept */
    struct h2_heap heap;
    struct h2_calm calm;
    struct h2_ids ids;
    struct list streams, due;      /* all, and those with something to do */
    uint32_t n_streams, n_tunnels; /* of the former: WebSockets */
    uint32_t max_streams;
    uint32_t trailer_bytes;    /* of fields that are of no head as below */
    struct h2_stream *heading; /* whose head is being read, or NULL */
    struct h2_head head;       /* of heading */
    uint64_t head_ms;          /* when it began; 0: none */
    const uint8_t *rest;       /* the library's, not yet in the output block */
    size_t n_rest;
    char *kept; /* a block, where rest is when the library has returned */
    uint8_t preface[40]; /* the first frame */
    uint64_t leave_ms;   /* when leaving began */
    struct h2_pace pace; /* of all bodies */
    uint64_t look_ms;    /* when streams are looked at */
    uint64_t moved_ms;   /* when bytes last came or went */
    uint64_t n_turn;     /* bytes sent since h2_turn began */
    uint8_t leaving;     /* enum h2_leaving */
    uint8_t has_begun;   /* the first frame is on its way */
    uint8_t is_busy;     /* h2_turn is on the stack */
    uint8_t n_ready;     /* requests that are whole and not begun */
};

/* What a stream is told, and sees to when the library is not on the stack. */
#define H2_NEWS_START 1u /* its head is complete */
#define H2_NEWS_BODY 2u  /* bytes of its body, or their end, have come */
#define H2_NEWS_ROOM 4u  /* bytes it has written have gone */
#define H2_NEWS_SENT 8u  /* all of its answer has */
#define H2_NEWS_OVER 16u /* the library has closed it */

/* One of the slab env.h2_streams. */
struct h2_stream {
    struct exchange x; /* first */
    struct h2 *h2;
    struct list all, due;
    int32_t id;
    uint8_t news;        /* H2_NEWS_*, not seen to yet */
    uint8_t is_answered; /* all of its answer has gone */
    uint8_t has_head;    /* the head of its answer is the library's */
    uint8_t is_whole;    /* of an answer that is written: no more comes */
    uint8_t is_deferred; /* the library waits for more of its answer */
    uint8_t is_connect;  /* it asks for a WebSocket (RFC 8441) */
    uint8_t is_tunnel;   /* and is one: x has stream, but no req */
    uint8_t is_cut;      /* a reset is on its way */
    uint8_t may_end;     /* answered early, its end is waited for */
    int16_t head_rc;     /* of h2_head_end */
    int16_t trailer_rc;  /* what is behind its body is refused for that */
    uint32_t head_cap;
    char *head_text; /* of its head, until it starts: a block */
    /* Of the body, not yet used; of the answer, not yet sent: blocks. */
    char *in, *out;
    uint32_t in_start, in_end, in_cap;
    uint32_t out_start, out_end, out_cap;
    uint32_t trailers_cap;  /* at req->trailers */
    struct h2_pace pace;    /* of its answer */
    struct warm_state warm; /* of the file that goes next */
};
_Static_assert(sizeof(struct h2_stream) <= 192, "more than three lines");

/* Its memory is there from now on, if it has been folded (h2_rest). [worker] */
static inline nghttp2_session *
h2_own_session(struct h2 *h)
{
    if (UNLIKELY(h->heap.folded != NULL))
        h2_heap_unfold(&h->heap);
    return h->session;
}

/* Only send.  0: all of what the library has to say now is with the kernel; 1:
 * not; below 0: c is closed.  Not while the library is on the stack. [worker]
 */
MUST_USE int h2_push(struct conn *c);
/* No more streams: the client is told so with the next turn, at first that
 * there will be a last one. [worker] */
void h2_warn(struct h2 *h);
/* No stream is begun from now on: the client is told which was the last.
 * [worker] */
void h2_last(struct h2 *h);

static inline struct h2_stream *
h2_stream_of(struct exchange *x)
{
    return CONTAINER_OF(x, struct h2_stream, x);
}

/* t is told that. [worker] */
static inline void
h2_own_note(struct h2_stream *t, unsigned news)
{
    t->news |= (uint8_t)news;
    if (list_is_empty(&t->due))
        list_push_back(&t->h2->due, &t->due);
}

/* Streams are looked at then, if not before: h2_stream_look. [worker] */
static inline void
h2_own_look_by(struct h2 *h, uint64_t due_ms)
{
    if (due_ms < h->look_ms)
        h->look_ms = due_ms;
}

#endif
