/* SPDX-License-Identifier: BSD-2-Clause */
/* flow.h - the bytes of a session between the loop and OpenSSL: what has come
 * and not been read, what has been written and not been sent.
 *
 *     loop -> [ kept: own block ][ fed: the loop's own, borrowed ] -> SSL_read
 *     SSL_write -> block -> block -> ... (at most FLOW_BLOCKS) -> loop
 *
 * A BIO of its own kind over blocks of the worker (base/blocks.h): no memory
 * BIO, no heap.  Nothing is held while nothing is on its way.  Invariant: what
 * is kept was read from the socket before what is fed. */
#ifndef TLS_FLOW_H
#define TLS_FLOW_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/blocks.h"
#include "base/check.h"

#define FLOW_BLOCKS 8            /* iovecs of one send */
#define FLOW_BLOCK_BYTES 32768u  /* but for the first, which fits */
#define FLOW_KEPT_MAX (1u << 20) /* bytes that nobody reads yet */

struct bio_st;
struct flow_block;

struct flow {
    struct blocks *blocks;
    const char *fed;
    size_t n_fed;
    char *kept;
    uint32_t kept_start, kept_end, kept_cap;
    uint32_t n_blocks;
    struct flow_block *first, *last;
};

/* Nothing is on its way; memory is from blocks. [worker] */
void flow_init(struct flow *f, struct blocks *blocks);
/* All of it is forgotten. [worker] */
void flow_fini(struct flow *f);
/* A BIO that reads and writes here, whose life ends before f's; NULL: no
 * memory. [worker] */
MUST_USE struct bio_st *flow_bio(struct flow *f);

/* n bytes have come: they may be read until flow_keep. [worker] */
void flow_feed(struct flow *f, const char *p, size_t n);
/* What of them has not been read is copied: 0, ERR_NOMEM, or ERR_LIMIT beyond
 * FLOW_KEPT_MAX.  [worker] */
MUST_USE int flow_keep(struct flow *f);
/* Bytes that may be read. [worker] */
static inline size_t
flow_unread(const struct flow *f)
{
    return f->kept_end - f->kept_start + f->n_fed;
}

/* Something waits to be sent. [worker] */
static inline int
flow_has_output(const struct flow *f)
{
    return f->first != NULL;
}

/* What waits to be sent: the iovecs used. [worker] */
uint32_t flow_output(const struct flow *f, struct iovec iov[FLOW_BLOCKS]);
/* n bytes of it are sent. [worker] */
void flow_sent(struct flow *f, size_t n);

#endif
