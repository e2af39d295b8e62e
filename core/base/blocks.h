/* SPDX-License-Identifier: BSD-2-Clause */
/* blocks.h - memory of one worker in power-of-two blocks, without a heap.
 *
 * Size classes 1 KiB .. 16 MiB.  Up to 128 KiB each class has a LIFO of free
 * blocks and carves new ones from a mapping of its own:
 *
 *     [ block | block | ........ not carved, not touched | link ] <- map
 *
 * Such memory stays with the class until fini.  Blocks of a page or more begin
 * with one, and may rest: what is in them is lost, their pages go back to the
 * kernel, the block stays out.  A block of 256 KiB or more is
 * a mapping of its own and is unmapped when given back.  The sum of what is
 * out is bounded: a take beyond the bound fails, it never waits.  Everything
 * that grows on the request path (input tails, output, request arenas, bodies)
 * comes from here.  A free block must not be read (poisoned under ASan).
 * Invariant: rest_bytes <= out_bytes <= max_bytes. */
#ifndef BASE_BLOCKS_H
#define BASE_BLOCKS_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/asan.h"
#include "base/check.h"

#define BLOCKS_MIN_SHIFT 10
#define BLOCKS_MIN_BYTES (1u << BLOCKS_MIN_SHIFT)
#define BLOCKS_MAX_BYTES (16u << 20)
#define BLOCKS_CLASSES 8 /* 2^10 .. 2^17: those that are carved */

struct blocks_class {
    void *free; /* LIFO */
    char *carve, *carve_end;
};

struct blocks {
    struct blocks_class classes[BLOCKS_CLASSES];
    void *maps;        /* what is carved, for fini */
    size_t out_bytes;  /* taken and not given back */
    size_t rest_bytes; /* of those: in blocks that rest */
    size_t max_bytes;
};

/* Nothing is mapped yet.  max_bytes bounds out_bytes. [any] */
void blocks_init(struct blocks *b, size_t max_bytes);
/* Unmap what is carved; blocks of it still out die with it.  Larger ones must
 * have been given back. [owner] */
void blocks_fini(struct blocks *b);
/* 0 for up to 1 KiB, 1 for up to 2 KiB ...; n <= BLOCKS_MAX_BYTES. [any] */
static inline unsigned
blocks_class_of(size_t n)
{
    if (n <= BLOCKS_MIN_BYTES)
        return 0;
    return 64u - (unsigned)__builtin_clzll(n - 1) - BLOCKS_MIN_SHIFT;
}

/* blocks_take when no free block is at hand. [owner] */
MUST_USE void *blocks_take_slow(struct blocks *b, size_t n, size_t *got);

/* A block of at least n bytes, 64-byte aligned, not zeroed; *got its real
 * size, which give wants back.  NULL: n > BLOCKS_MAX_BYTES, the bound, or no
 * memory. [owner] */
MUST_USE static inline void *
blocks_take(struct blocks *b, size_t n, size_t *got)
{
    unsigned class = n <= BLOCKS_MAX_BYTES ? blocks_class_of(n) : UINT_MAX;
    size_t size;
    void *p;

    if (UNLIKELY(class >= BLOCKS_CLASSES || !b->classes[class].free))
        return blocks_take_slow(b, n, got);
    size = (size_t)BLOCKS_MIN_BYTES << class;
    if (UNLIKELY(size > b->max_bytes - b->out_bytes))
        return NULL;
    p = b->classes[class].free;
    ASAN_UNPOISON(p, size);
    memcpy(&b->classes[class].free, p, sizeof b->classes[class].free);
    b->out_bytes += size;
    *got = size;
    return p;
}

/* What take returned with that *got is not needed until it is written again,
 * after wake: until then nothing is known of what is in it.  It goes on
 * counting against the bound: waking cannot fail. [owner] */
void blocks_rest(struct blocks *b, void *p, size_t got);
void blocks_wake(struct blocks *b, size_t got);

/* Unmap a block that is a mapping of its own. [owner] */
void blocks_unmap(void *p, size_t size);

/* Give back what take returned with that *got. [owner] */
static inline void
blocks_give(struct blocks *b, void *p, size_t got)
{
    unsigned class = blocks_class_of(got);

    CHECK(got <= b->out_bytes && got == (size_t)BLOCKS_MIN_BYTES << class);
    b->out_bytes -= got;
    if (UNLIKELY(class >= BLOCKS_CLASSES)) {
        blocks_unmap(p, got);
        return;
    }
    memcpy(p, &b->classes[class].free, sizeof b->classes[class].free);
    b->classes[class].free = p;
    ASAN_POISON(p, got);
}

#endif
