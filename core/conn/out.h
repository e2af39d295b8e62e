/* SPDX-License-Identifier: BSD-2-Clause */
/* out.h - what a connection has to say and has not said yet.
 *
 *     block: [ sent | start ...... end | room ....... cap ]   then, pulled:
 *     the body segments of the request whose head is in the block
 *
 * Heads and small bodies are copied into the block, so that pipelined answers
 * leave in one send; larger memory goes out from where it lies, files by
 * sendfile, when they are in memory (warm.h).  At most one send is in flight,
 * and while one is nothing before end moves.  The block exists only while there
 * is something to send. */
#ifndef CONN_OUT_H
#define CONN_OUT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/check.h"
#include "conn/conn.h"
#include "conn/env.h"
#include "conn/warm.h"
#include "io/io.h"

/* Results of out_flush besides a negative -errno. */
#define OUT_DONE 0    /* all is handed to the kernel */
#define OUT_PENDING 1 /* goes on with on_sent or on_ready */

/* The first block of a connection: small, because a batch of connections has
 * one each in flight, and they are to stay in the cache. */
#define OUT_FIRST 1024u

/* What the kernel still owes us. */
enum out_wait {
    OUT_WAITS_NOT,
    OUT_WAITS_SENT,     /* a send is in flight */
    OUT_WAITS_WRITABLE, /* the socket was full, or a file is not in memory */
};

struct out {
    struct io_send send;
    struct warm_state warm;
    uint32_t block_bytes; /* of the block this is the head of */
    uint32_t start, end, cap;
    uint32_t waits; /* enum out_wait */
    char data[];
};

/* out_room when there is no block, or not enough room in it. [worker] */
char *out_room_slow(struct conn *c, size_t n);

/* Room for at least n bytes behind what is queued, or NULL (none left in the
 * block: flush, or keep the bytes elsewhere).  [worker] */
static inline char *
out_room(struct conn *c, size_t n)
{
    struct out *o = c->out;

    if (o && o->cap - o->end >= n)
        return o->data + o->end;
    return out_room_slow(c, n);
}

/* n bytes were written at out_room. [worker] */
static inline void
out_commit(struct conn *c, size_t n)
{
    c->out->end += (uint32_t)n;
}

/* True while a send is with the kernel. [worker] */
static inline int
out_is_pending(const struct conn *c)
{
    return c->out && c->out->waits;
}

/* True if bytes are queued in the block. [worker] */
static inline int
out_has_bytes(const struct conn *c)
{
    return c->out && c->out->end > c->out->start;
}

/* True if another answer is likely not to fit behind what is queued. [worker]
 */
static inline int
out_is_full(const struct conn *c)
{
    return c->out && c->out->end + OUT_FIRST > c->env->limits.write_buffer;
}

/* Copy what is small of the current response's body into the block, so that
 * it shares a send. [worker] */
void out_gather(struct conn *c);
/* Send as much as there is. [worker] */
MUST_USE int out_flush(struct conn *c);
/* Others get their turn: as if the socket were full, OUT_PENDING; or -ENOMEM.
 * Nothing is pending. [worker] */
MUST_USE int out_yield(struct conn *c);
/* A pending send handed n bytes over. [worker] */
void out_sent(struct conn *c, size_t n);
/* The socket is writable again. [worker] */
void out_writable(struct conn *c);
/* Give the block back (nothing is pending any more). [worker] */
void out_free(struct conn *c);

#endif
