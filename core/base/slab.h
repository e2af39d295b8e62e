/* SPDX-License-Identifier: BSD-2-Clause */
/* slab.h - a bounded pool of objects of one size, O(1) both ways.
 *
 *     |<-------------------- capacity * stride ------------------>|
 *     [ used ][ free ][ used ][ free ] ... [ never touched ...... ]
 *                 ^ LIFO list of freed items    ^ fresh
 *
 * Address space for all items is reserved at init and never moves or goes
 * away before fini; a page is touched only when an item on it is first taken.
 * Items are aligned to 64 bytes.
 *
 * What is left of a free item:
 *     bytes 0..7    the slab's link: undefined to others, not to be written
 *     bytes 8..15   untouched until it is taken again, and may be read: a
 *                   generation count kept there survives (SLAB_KEPT_AT)
 *     bytes 16..    untouched too, but poisoned under ASan: not to be read
 * An item taken for the first time is zero; later its bytes beyond the link
 * are what they were when it was given back.
 * Invariant: n_used <= fresh <= capacity. */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define SLAB_KEPT_AT 8   /* first byte of an item that survives being free */
#define SLAB_KEPT_END 16 /* end of what may be read while it is free */

struct slab {
    char *base;
    void *free; /* LIFO */
    uint32_t stride, capacity;
    uint32_t fresh; /* items ever taken: 0..fresh-1 */
    uint32_t n_used;
    uint32_t item_len; /* stride without padding */
};

/* Reserve capacity items of item_len bytes.  0, or ERR_NOMEM (no address
 * space, or a size beyond 4 GiB an item). [any] */
MUST_USE int slab_init(struct slab *s, size_t item_len, uint32_t capacity);
/* Unmap; items still taken die with it. [owner] */
void slab_fini(struct slab *s);
/* An item, its contents as said above, or NULL when all are taken. [owner] */
MUST_USE void *slab_take(struct slab *s);
/* Give an item back. [owner] */
void slab_give(struct slab *s, void *item);
/* Index of an item, 0..capacity-1, and back.  slab_at(s, i) of i < fresh is an
 * item that is or was taken. [owner] */
uint32_t slab_index(const struct slab *s, const void *item);
void *slab_at(const struct slab *s, uint32_t index);

#endif
