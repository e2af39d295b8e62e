/* SPDX-License-Identifier: BSD-2-Clause */
/* stream.h - a WebSocket: what a connection is after its 101 (et.ws/1).
 *
 *     stream_in.c    bytes -> frames -> messages -> the plugin's callbacks
 *     stream_out.c   what is sent -> frames -> the sink, or the queue
 *     stream.c       its life: open, deadlines, the end of it
 *     streams.c      all those of a worker
 *     stream_task.c  those whose step is a task that goes on, in place of the
 *                    plugin's callbacks
 *
 *     open ---> (closing) ---> over ---> freed
 *                  |             |          the connection has gone
 *                  |             close was called, what is queued goes out
 *                  a close frame has been sent, the client's is waited for
 *
 * While nothing is under way a stream is this struct and nothing else: what
 * reads (half a frame, half a message) and what compresses is attached when it
 * is wanted.  Plugins' code is called from the loop only: never from within a
 * call that they make.
 *
 * Which connection it is, a sink knows: so http never includes conn. */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/list.h"
#include "http/segment.h"

struct addr;
struct gen_worker;
struct host_worker;
struct instance;
struct payload;
struct req;
struct route;
struct stream;
struct streams;
struct stream_reading;
struct upgrade;
struct wait;
struct ws_zip;

#define STREAM_MAGIC 0x57ea3u
/* A close frame has been sent: how long the client's is waited for. */
#define STREAM_CLOSE_MS 5000u

/* What carries a stream; all of it [worker]. */
struct stream_sink {
    /* Room for n bytes in front of the stream's queue, which is empty, behind
     * all else that is to be sent; NULL: it has none.  commit: they are
     * written. */
    char *(*room)(struct stream *s, size_t n);
    void (*commit)(struct stream *s, size_t n);
    /* Bytes that are not with the kernel yet, but for those of the queue. */
    size_t (*unsent)(const struct stream *s);
    /* It is over: what is queued is the last that is sent. */
    void (*over)(struct stream *s);
    /* It is among those to be looked at (streams_add), and that is now: what
     * there is to send is to be sent, to be fed is to be fed.  From the loop.
     */
    void (*turn)(struct stream *s);
    /* The other end of the socket; 0 or -errno. */
    int (*peer)(const struct stream *s, struct addr *out);
};

/* Of whoever else of the host's sends on a stream (stream_bind); all of it
 * [worker], from the loop or within a callback of the plugin's. */
struct stream_bond {
    struct list link;
    /* It is over: the bond is no more. */
    void (*on_over)(struct stream_bond *b);
    /* A stream_out_share was ET_ELIMIT, and now all is sent. */
    void (*on_room)(struct stream_bond *b);
};

struct stream {
    et_ws pub; /* what plugins hold; of a free one its ctx.host is NULL */
    uint32_t magic;
    uint8_t is_open;        /* close will be called */
    uint8_t is_over;        /* nothing is called any more */
    uint8_t is_closing;     /* a close frame was sent */
    uint8_t is_full;        /* a send was refused: writable will be called */
    uint8_t is_short;       /* so was a share: on_room will be */
    uint8_t is_retired;     /* retiring was called */
    uint8_t is_mute;        /* not read meanwhile, so not heard either */
    uint8_t is_pinged;      /* and has not answered */
    uint8_t is_compressing; /* has zip, and compresses what it sends */
    uint8_t is_ours;        /* the host closes it: with code */
    uint8_t has_task;       /* its step goes on: self is a stream_task */
    uint8_t is_held;        /* and has not asked for a message that is there */
    uint16_t code;
    uint32_t max_message, queue_max, ping_ms; /* ping_ms 0: none */
    const struct stream_sink *sink;
    void *sink_ctx;
    struct streams *all;
    const et_ws_calls *calls;
    void *self;
    const struct instance *instance; /* whose step has accepted it */
    const struct route *route;       /* of gen */
    struct gen_worker *gen;          /* pinned; NULL: over */
    struct list bonds;
    struct list due;                /* among those to be looked at */
    struct segment_queue queue;     /* in blocks, or others' payloads */
    struct stream_reading *reading; /* or NULL */
    struct ws_zip *zip;             /* or NULL: not agreed on */
    struct wait *token;             /* or NULL: nobody has asked for it */
    uint64_t heard_ms; /* when something came; or the last ping went */
    uint64_t end_ms;   /* when it is closed: retired, or closing */
};

/* A stream of r's connection, whose step has accepted u; open is not called
 * yet, the generation is pinned.  NULL: as many as there may be.  sink is kept.
 * [worker] */
MUST_USE struct stream *stream_new(struct streams *all, const struct req *r,
                                   const struct upgrade *u,
                                   const struct stream_sink *sink,
                                   void *sink_ctx);
/* The 101 is on its way: from now on it is called. [worker] */
void stream_open(struct stream *s);
/* Its connection has gone: close is called if it has not been (1006), and s is
 * free.  From the loop. [worker] */
void stream_free(struct stream *s);
/* The same of one that has_task, which is not told of it; s stays until
 * stream_free, sink_ctx is NULL. [worker] */
void stream_gone(struct stream *s);

/* Use n bytes at p, which are changed; how many.  Fewer: it is over, or does
 * not read before more of what it sends is gone.  From the loop. [worker] */
MUST_USE size_t stream_in_feed(struct stream *s, char *p, size_t n);
/* Give back what reads. [worker] */
void stream_in_drop(struct stream *s);

/* When stream_look has something to do; UINT64_MAX: never. [worker] */
uint64_t stream_due_ms(const struct stream *s);
/* It may be that time: ping, or close.  Below 0: the connection is to be closed
 * at once, nobody is there.  From the loop. [worker] */
MUST_USE int stream_look(struct stream *s);
/* Whether bytes that come have to wait. [worker] */
int stream_in_is_blocked(const struct stream *s);
/* Whether somebody is to be told when all is sent. [worker] */
int stream_wants_room(const struct stream *s);
/* Some of what it sends is gone: writable is called, if that is due.  From the
 * loop. [worker] */
void stream_sent(struct stream *s);

/* The host closes it with code. [worker] */
void stream_shut(struct stream *s, unsigned code);
/* The same; its task, if it has one, comes to its end before.  From the loop.
 * [worker] */
void stream_dismiss(struct stream *s, unsigned code);
/* The host closes it at once: what the client answers is not of interest.  From
 * the loop. [worker] */
void stream_fail(struct stream *s, unsigned code);
/* The client has closed it. From the loop. [worker] */
void stream_closed(struct stream *s, unsigned code, et_str reason);
/* It is the past: retiring is called, once, and at due_ms it is closed with
 * 1012.  From the loop. [worker] */
void stream_retire(struct stream *s, uint64_t due_ms);

/* Have fn(arg), which calls s's plugin, run under guard; 0, or below 0: it has
 * crashed, and s is over.  From the loop. [worker] */
MUST_USE int stream_call(struct stream *s, int (*fn)(void *arg), void *arg);

/* As et_ws_api has them. [worker], stream_post [any] */
int32_t stream_out_send(et_ws *s, uint32_t type, const void *p, size_t n);
int32_t stream_close(et_ws *s, uint32_t code, et_str reason);
et_token stream_token(et_ws *s);
int32_t stream_post(et_token t, void (*fn)(et_ws *s, void *arg), void *arg);

/* From now on b, which is the caller's, is told; of a stream that is not over.
 * Undone by list_remove(&b->link). [worker] */
void stream_bind(struct stream *s, struct stream_bond *b);

/* Send a message as one frame, never compressed; a text is UTF-8.  A reference
 * is taken while it is queued, for one that is large: a small one is copied.
 * 0; ET_ELIMIT: its queue is full, and bonds will hear on_room; ET_ECANCEL: it
 * is closing; ET_EINVAL: more than et_ws_api.send takes; ET_ENOMEM. [worker] */
MUST_USE int32_t stream_out_share(struct stream *s, uint32_t type,
                                  struct payload *p);
/* A control frame, whatever waits.  0 or ERR_NOMEM. [worker] */
MUST_USE int stream_out_control(struct stream *s, unsigned opcode, et_str data);
/* Bytes that are not with the kernel yet. [worker] */
size_t stream_out_waiting(const struct stream *s);

/* Name of the instance whose stream this is (ET_K_WS), for logs. [worker] */
const char *stream_section(const et_ctx *c);

static inline struct stream *
stream_of(et_ws *pub)
{
    struct stream *s = CONTAINER_OF(pub, struct stream, pub);

    CHECK(s->magic == STREAM_MAGIC);
    return s;
}

#endif
