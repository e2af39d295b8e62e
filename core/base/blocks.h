/* SPDX-License-Identifier: BSD-2-Clause */
/* blocks.h - memory of one worker in power-of-two blocks, without a heap.
 *
 * Size classes 1 KiB .. 16 MiB.  Up to 128 KiB each class has a LIFO of free
 * blocks and carves new ones from a mapping of its own:
 *
 *     map -> [ link | block | block | ........ not carved, not touched ]
 *
 * Such memory stays with the class until fini.  A block of 256 KiB or more is
 * a mapping of its own and is unmapped when given back.  The sum of what is
 * out is bounded: a take beyond the bound fails, it never waits.  Everything
 * that grows on the request path (input tails, output, request arenas, bodies)
 * comes from here.  A free block must not be read (poisoned under ASan).
 * Invariant: out_bytes <= max_bytes. */
#ifndef BASE_BLOCKS_H
#define BASE_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define BLOCKS_MIN_BYTES 1024u
#define BLOCKS_MAX_BYTES (16u << 20)
#define BLOCKS_CLASSES 8 /* 2^10 .. 2^17: those that are carved */

struct blocks_class {
    void *free; /* LIFO */
    char *carve, *carve_end;
};

struct blocks {
    struct blocks_class classes[BLOCKS_CLASSES];
    void *maps;       /* what is carved, for fini */
    size_t out_bytes; /* taken and not given back */
    size_t max_bytes;
};

/* Nothing is mapped yet.  max_bytes bounds out_bytes. [any] */
void blocks_init(struct blocks *b, size_t max_bytes);
/* Unmap what is carved; blocks of it still out die with it.  Larger ones must
 * have been given back. [owner] */
void blocks_fini(struct blocks *b);
/* A block of at least n bytes, 64-byte aligned, not zeroed; *got its real
 * size, which give wants back.  NULL: n > BLOCKS_MAX_BYTES, the bound, or no
 * memory. [owner] */
MUST_USE void *blocks_take(struct blocks *b, size_t n, size_t *got);
/* Give back what take returned with that *got. [owner] */
void blocks_give(struct blocks *b, void *p, size_t got);

#endif
