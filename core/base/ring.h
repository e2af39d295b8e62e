/* SPDX-License-Identifier: BSD-2-Clause */
/* ring.h - whole records from one thread to another, without locks.
 *
 *     [ record | record | ...... free ...... | record | padding ]
 *               ^ head                        ^ tail
 *
 * One thread produces, one consumes; neither ever waits.  A record lies in one
 * piece, aligned to 8: where it does not fit before the end, padding fills the
 * rest.  A page is touched only when a record first reaches it.
 * head and tail count bytes since init.
 * Invariant: tail <= head_seen <= head <= tail + len. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define RING_MIN_BYTES 1024u
#define RING_HEADER_BYTES 8u

struct ring {
    char *data;
    size_t len;
    _Alignas(64) _Atomic uint64_t head; /* stored by the producer */
    uint64_t tail_seen;                 /* the producer's last look at tail */
    uint64_t reserved;                  /* head once it is published */
    _Alignas(64) _Atomic uint64_t tail; /* stored by the consumer */
    uint64_t head_seen;                 /* the consumer's last look at head */
};

/* len bytes, a power of two >= RING_MIN_BYTES.  0 or ERR_NOMEM. [any] */
MUST_USE int ring_init(struct ring *r, size_t len);
/* Neither side uses it any more. [any] */
void ring_fini(struct ring *r);

/* Room for a record of n bytes, or NULL: the ring is full, or the record would
 * fill more than half of it.  Nobody sees it before ring_publish; reserving
 * again forgets it. [producer] */
MUST_USE void *ring_reserve(struct ring *r, size_t n);
/* The reserved record is the consumer's now.  The store is sequentially
 * consistent: a producer that then reads a flag "the consumer sleeps", and a
 * consumer that sets it and then looks, cannot miss each other. [producer] */
void ring_publish(struct ring *r);

/* See what has been published; 1 if there is anything. [consumer] */
int ring_look(struct ring *r);
/* The oldest record of those seen by the last look, *n its size rounded up to
 * a multiple of 8; NULL: no more of them. [consumer] */
MUST_USE const void *ring_peek(struct ring *r, size_t *n);
/* Give up the record that peek returned. [consumer] */
void ring_pop(struct ring *r);

#endif
