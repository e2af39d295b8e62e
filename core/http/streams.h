/* SPDX-License-Identifier: BSD-2-Clause */
/* streams.h - the WebSockets of a worker: their memory, who is to be looked at,
 * what a new generation means to them.
 *
 *     due    those of which something is to be sent or called; whoever carries
 *            them takes them out at the end of a turn (streams_next)
 *     renew  a generation has taken the place of another: a stream whose use of
 *            plugins is what it was goes over to it, all others are retired
 *
 * A stream's use of plugins: its route's name, the middleware of that, the
 * handler; and each of them the same instance, so that self is the same.  One
 * that has_task runs code of its generation, and never goes over. */
#ifndef HTTP_STREAMS_H
#define HTTP_STREAMS_H

#include <stdint.h>

#include "base/check.h"
#include "base/list.h"
#include "base/slab.h"

struct blocks;
struct gen_worker;
struct host_worker;
struct stream;

/* What [server] says about them; sizes in bytes, times in milliseconds. */
struct streams_limits {
    uint32_t max_message, queue, ping_ms; /* ping_ms 0: none */
    uint32_t drain_ms;
    uint32_t deflate; /* enum conf_ws_deflate */
    uint32_t deflate_min;
    uint64_t deflate_memory; /* of this worker */
};

/* What those that end before the client wants it are closed with: come again
 * (registered by RFC 6455 11.7). */
#define STREAMS_RESTART 1012u

enum streams_deflate { STREAMS_PLAIN, STREAMS_FRESH, STREAMS_TAKEOVER };

struct streams {
    struct slab slab;
    struct list due;
    struct blocks *blocks;
    struct host_worker *worker;
    const struct streams_limits *limits;
    uint64_t zip_bytes;      /* that those with compression may come to hold */
    uint64_t inflated_bytes; /* of blocks of messages that were compressed, and
                                are not whole, or which a task has */
    uint64_t due_ms;         /* of streams_retire */
    uint8_t is_ending;       /* the server ends: new ones are retired at once */
    /* A generation's last stream here is gone, and so is all else of it. */
    void (*on_unpinned)(struct streams *all, struct gen_worker *g);
};

/* None yet, at most max; what is pointed to is kept.  0 or ERR_NOMEM. [worker]
 */
MUST_USE int streams_init(struct streams *all, uint32_t max,
                          struct blocks *blocks, struct host_worker *worker,
                          const struct streams_limits *limits);
/* None is left, or they die with it. [worker] */
void streams_fini(struct streams *all);
/* s is to be looked at at the end of this turn. [worker] */
void streams_add(struct stream *s);
/* Whether one is. [worker] */
static inline int
streams_is_due(const struct streams *all)
{
    return !list_is_empty(&all->due);
}
/* The next one that is due, which is so no more; NULL: none is. [worker] */
struct stream *streams_next(struct streams *all);

/* now has taken the place of its predecessors.  From the loop. [worker] */
void streams_renew(struct streams *all, struct gen_worker *now);
/* The server ends, or leaves: all are retired, those that come, too, and closed
 * at due_ms, of the worker's mono_ms; UINT64_MAX: when their worker ends.  From
 * the loop. [worker] */
void streams_retire(struct streams *all, uint64_t due_ms);
/* Close all with code; those that are left then are closing.  From the loop.
 * [worker] */
void streams_shut(struct streams *all, unsigned code);

#endif
