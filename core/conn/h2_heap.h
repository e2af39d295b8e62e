/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_heap.h - what the library allocates for one session, out of the worker's
 * blocks.
 *
 *     chunk: [ next | size, piece | size, piece | ....... not carved ]
 *     block: [ size, one large piece ]
 *
 * Small pieces have size classes with a LIFO of free ones each, and are carved
 * from chunks, which go back when the session does; a large piece is a block of
 * its own.  So a session in its steady state takes nothing from anywhere. */
#ifndef CONN_H2_HEAP_H
#define CONN_H2_HEAP_H

#include <stddef.h>

#include <nghttp2/nghttp2.h>

struct blocks;

#define H2_HEAP_CLASSES 7 /* 32 .. 2048 bytes, with the size in front */

struct h2_heap {
    struct blocks *blocks;
    char *carve, *carve_end;
    void *chunks;
    void *free[H2_HEAP_CLASSES];
    nghttp2_mem mem; /* for the library */
};

/* Nothing is taken yet. [worker] */
void h2_heap_init(struct h2_heap *h, struct blocks *blocks);
/* The chunks go back; large pieces must have been freed. [worker] */
void h2_heap_fini(struct h2_heap *h);

#endif
