/* SPDX-License-Identifier: BSD-2-Clause */
/* flow.h - the bytes of a session between the loop and OpenSSL: what has come
 * and not been read, what has been written and not been sent.
 *
 *     loop -> [ kept: own block ][ fed: the loop's own, borrowed ] -> SSL_read
 *     SSL_write -> block -> block -> ... (at most FLOW_BLOCKS) -> loop
 *
 * A BIO of its own kind over blocks of the worker (base/blocks.h): no memory
 * BIO, no heap.  Nothing is held while nothing is on its way.  Invariant: what
 * is kept was read from the socket before what is fed.
 *
 * Where the kernel makes the records (os/ktls.h) OpenSSL hands its keys over
 * while records of its own are still on their way, and writes plain records
 * from then on: what goes is bytes, then keys, then records, each of which the
 * loop has to hand to the kernel in a way of its own, in their order.
 *
 * While another thread is at the session (signing.h) OpenSSL has another flow,
 * of the heap and without input, and this one is the loop's alone. */
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

enum flow_kind {
    FLOW_BYTES,  /* as they are to go */
    FLOW_KEYS,   /* a struct of the kernel's: for what comes behind it */
    FLOW_RECORD, /* what the kernel is to make a record of */
};

/* What is not bytes and is to go next. */
struct flow_item {
    enum flow_kind kind;
    uint8_t type; /* of a record (RFC 8446 5.1) */
    const void *p;
    size_t n;
};

struct flow {
    struct blocks *blocks;
    const char *fed;
    size_t n_fed;
    char *kept;
    uint32_t kept_start, kept_end, kept_cap;
    uint32_t n_blocks;
    struct flow_block *first, *last;
    int32_t ktls_fd;     /* whose records the kernel may make; -1 */
    uint8_t is_attached; /* the kernel knows that it may make them */
    uint8_t is_plain;    /* OpenSSL has handed its keys over */
    uint8_t record;      /* the type of what it writes next; 0: text */
};

/* Nothing is on its way; memory is from blocks. [worker] */
void flow_init(struct flow *f, struct blocks *blocks);
/* All of it is forgotten. [worker] */
void flow_fini(struct flow *f);
/* A BIO that reads and writes here, whose life ends before f's; NULL: no
 * memory. [worker] */
MUST_USE struct bio_st *flow_bio(struct flow *f);
/* Whose that is. [any] */
struct flow *flow_of(struct bio_st *bio);

/* n bytes have come: they may be read until flow_keep. [worker] */
void flow_feed(struct flow *f, const char *p, size_t n);
/* All that has come is forgotten; nobody reads on. [worker] */
void flow_stop(struct flow *f);
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

/* What is the first of it, of which something waits. [worker] */
enum flow_kind flow_kind(const struct flow *f);
/* That, which is not bytes: for the kernel, then flow_sent. [worker] */
struct flow_item flow_item(const struct flow *f);
/* Bytes that wait to be sent, up to what is not bytes: the iovecs used.
 * [worker] */
uint32_t flow_output(const struct flow *f, struct iovec iov[FLOW_BLOCKS]);
/* n bytes of it are sent. [worker] */
void flow_sent(struct flow *f, size_t n);

/* bio, which is f's, is to's until flow_return: that may be used by another
 * thread, as if by f's, with nothing to read. [worker] */
void flow_lend(struct flow *f, struct bio_st *bio, struct flow *to);
/* What was written there is behind f's output, and bio is f's again. [worker]
 */
void flow_return(struct flow *f, struct bio_st *bio, struct flow *from);

#endif
