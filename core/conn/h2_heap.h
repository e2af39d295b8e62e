/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_heap.h - what the library allocates for one session, out of the worker's
 * blocks.
 *
 *     chunk:  [ next | size, piece | size, piece | ....... not carved ]
 *     block:  [ size, one large piece ]
 *     shared: [ the frame that is being sent ], of all sessions of the worker
 *
 * Small pieces have size classes with a LIFO of free ones each, and are carved
 * from chunks, which go back when the session does; a large piece is a block of
 * its own.  So a session in its steady state takes nothing from anywhere.
 *
 * The library has each frame in a buffer of 16 KiB, of which nothing is needed
 * once its bytes have been taken: that is the first piece of that size.
 *
 * Nine tenths of what is in the chunks are zeros (tables, mostly): while
 * nothing happens they are folded (base/fold.h) into a block, and rest. */
#ifndef CONN_H2_HEAP_H
#define CONN_H2_HEAP_H

#include <stddef.h>
#include <stdint.h>

#include <nghttp2/nghttp2.h>

struct blocks;

/* Sixteen to each doubling, up to the largest table of a fresh session, with
 * the size in front. */
#define H2_HEAP_CLASSES 81
/* The library's buffer for a frame. */
#define H2_HEAP_SHARED_BYTES 16640u

struct h2_heap {
    struct blocks *blocks;
    void *shared; /* the caller's, or NULL */
    uint8_t has_shared;
    uint32_t folded_bytes;
    void *folded; /* a block: what was in the chunks; NULL: they are there */
    char *carve, *carve_end;
    void *chunks;
    void *free[H2_HEAP_CLASSES];
};

/* Nothing is taken yet.  shared: H2_HEAP_SHARED_BYTES, which outlive h and are
 * any session's as soon as the library has returned; or NULL. [worker] */
void h2_heap_init(struct h2_heap *h, struct blocks *blocks, void *shared);
/* The chunks go back, folded or not; large pieces must have been freed.
 * [worker] */
void h2_heap_fini(struct h2_heap *h);
/* h for the library, which copies that. [worker] */
nghttp2_mem h2_heap_mem(struct h2_heap *h);
/* Fold the chunks, if there is memory to do it and that is worth it: until they
 * are unfolded nothing of h may be touched.  Nothing if they are.  [worker] */
void h2_heap_fold(struct h2_heap *h);
/* They are as they were; they have been folded. [worker] */
void h2_heap_unfold(struct h2_heap *h);

#endif
