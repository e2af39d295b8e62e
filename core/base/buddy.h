/* SPDX-License-Identifier: BSD-2-Clause */
/* buddy.h - power-of-two blocks cut from one region, and joined again.
 *
 *     unit   0               16              32
 *            [ 1 KiB used    | 512 free | 256 | 256 ]   1, 2 .. 1024 units
 *
 * A unit is 64 bytes, the largest block 64 KiB.  A block of 2^k units begins
 * at a multiple of them, so the only one it can be joined with, its buddy, is
 * known by its place; what is given back joins as far as it can, so that small
 * blocks do not use a region up for large ones.  Blocks are named by their
 * first unit: a name of 32 bits that stays true wherever the region lies.
 *
 * Nothing here allocates; a unit is touched when a block with it is first
 * taken.  A free block must not be read (poisoned under ASan).
 * Invariants: fresh is a multiple of the largest block; tags[u] != 0 exactly
 * where a free block begins. */
#ifndef BASE_BUDDY_H
#define BASE_BUDDY_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define BUDDY_UNIT 64u
#define BUDDY_ORDERS 11u
#define BUDDY_MAX_BYTES ((size_t)BUDDY_UNIT << (BUDDY_ORDERS - 1))
#define BUDDY_NONE UINT32_MAX

struct buddy {
    char *base;
    uint8_t *tags;               /* by unit: order + 1 of a free block */
    uint32_t n_units;            /* whole largest blocks */
    uint32_t fresh;              /* from here on nothing was ever taken */
    uint32_t free[BUDDY_ORDERS]; /* first unit + 1 of a list; 0: empty */
};

/* Cut blocks from the bytes at base, aligned to BUDDY_UNIT; what is left
 * behind the last whole largest block is not used.  tags: a zeroed byte for
 * each unit.  Both are the caller's and kept. [owner] */
void buddy_init(struct buddy *b, void *base, size_t bytes, uint8_t *tags);
/* A block of at least n <= BUDDY_MAX_BYTES bytes, not zeroed, or BUDDY_NONE.
 * [owner] */
MUST_USE uint32_t buddy_take(struct buddy *b, size_t n);
/* Give back what was taken for n bytes. [owner] */
void buddy_give(struct buddy *b, uint32_t block, size_t n);
/* The bytes a block for n bytes really has. [any] */
size_t buddy_bytes(size_t n);
/* Where a block is. [owner] */
void *buddy_at(const struct buddy *b, uint32_t block);

#endif
