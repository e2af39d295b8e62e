/* SPDX-License-Identifier: BSD-2-Clause */
/* pool.h - the contexts of one worker: a coder and what one stream needs.
 *
 *     take -> one stream -> give -> idle[coder], spare of each coder -> take
 *
 * Never more than max of them, in use and idle.  Who has reserved one of those
 * finds it there when it is wanted, unless there is no memory. */
#ifndef COMPRESS_POOL_H
#define COMPRESS_POOL_H

#include <stdint.h>

#include "coder.h"
#include "memory.h"
#include "whole.h"

#define CONTEXT_OUT 32768u      /* what comes of a stream, at once */
#define CONTEXT_MAX (64u << 20) /* bytes a library may allocate */

struct context {
    struct context *next; /* of those that are idle */
    const struct coder *coder;
    void *z;
    struct memory memory;
    int nth;       /* coders[nth] */
    int is_broken; /* its library was left in the middle of something */
    size_t told;   /* bytes of it that are in the operator's figure */
    /* Of a stream that goes in pieces. */
    char *out; /* malloc'ed with the first */
    struct coder_io io;
    struct whole whole; /* of one that does not */
};

struct pool {
    struct context *idle[CODERS];
    size_t n_idle[CODERS], n, n_reserved, max, spare;
    int level[CODERS], bits;
};

/* One of coders[nth] for a stream of n bytes (below 0: nobody knows), begun;
 * NULL: all are in use, or there is no memory. */
struct context *pool_take(struct pool *p, int nth, int64_t n);
/* The same, of the coder that is best for who will have all n bytes at once:
 * one run, with CODER_END. */
struct context *pool_take_whole(struct pool *p, enum coding coding, size_t n);
/* One will be taken later: 0; below 0: as many are reserved as there may be. */
int32_t pool_reserve(struct pool *p);
/* It is not any more, taken and given or not. */
void pool_unreserve(struct pool *p);
/* Room for a stream in pieces: 0, or below 0: no memory. */
int32_t context_widen(struct context *c);
/* What it takes now. */
size_t context_bytes(const struct context *c);
/* It is done, wherever its stream was left. */
void pool_give(struct pool *p, struct context *c);
/* Free those that are idle. */
void pool_end(struct pool *p);

#endif
