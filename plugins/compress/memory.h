/* SPDX-License-Identifier: BSD-2-Clause */
/* memory.h - what a library allocates for one stream, kept for the next.
 *
 *     take -> [ size | bytes ... ] -> give -> idle, until one fits again
 *
 * A library that compresses asks for the same few blocks for each stream: from
 * the second on nothing of it is malloc's.  Never more than max bytes in all,
 * idle ones included.  Not for two threads at once. */
#ifndef COMPRESS_MEMORY_H
#define COMPRESS_MEMORY_H

#include <stddef.h>

struct memory_block;

struct memory {
    struct memory_block *blocks;
    size_t bytes, max; /* malloc'ed now; bound, some KiB at least */
};

/* n bytes, aligned for anything, or NULL. */
void *memory_take(struct memory *m, size_t n);
/* p, of memory_take, is idle; NULL is fine. */
void memory_give(void *p);
/* Free all of it, idle or not. */
void memory_end(struct memory *m);

#endif
