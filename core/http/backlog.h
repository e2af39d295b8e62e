/* SPDX-License-Identifier: BSD-2-Clause */
/* backlog.h - messages that wait for one reader, oldest first.
 *
 *     first -> [ next | m m m m . . . ] -> [ next | m m . . . . . ] <- last
 *                        ^ begin                      ^ end
 *
 * A queue of references, in chunks of a cache line from the worker's slab: an
 * empty one takes nothing.  Invariant: first is NULL if and only if n is 0.
 *
 * Not here: how many may wait, and what happens then (subs.c). */
#ifndef HTTP_BACKLOG_H
#define HTTP_BACKLOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/slab.h"

struct message;

#define BACKLOG_CHUNK 7u

struct backlog_chunk {
    struct backlog_chunk *next;
    struct message *v[BACKLOG_CHUNK];
};

/* Zeroed memory is an empty one. */
struct backlog {
    struct backlog_chunk *first, *last;
    uint32_t n;
    uint8_t begin, end; /* in the first chunk, and in the last */
    size_t bytes;       /* of its messages */
};

/* Put m, with a reference of its own, behind all others; chunks is a slab of
 * struct backlog_chunk, always the same one.  0 or ERR_NOMEM. [worker] */
MUST_USE int backlog_push(struct backlog *b, struct slab *chunks,
                          struct message *m);
/* The oldest one, which stays; NULL: it is empty. [worker] */
static inline struct message *
backlog_first(const struct backlog *b)
{
    return b->n > 0 ? b->first->v[b->begin] : NULL;
}
/* The oldest one, whose reference is the caller's; NULL: it is empty.
 * [worker] */
MUST_USE struct message *backlog_pop(struct backlog *b, struct slab *chunks);
/* Let go of all of them. [worker] */
void backlog_clear(struct backlog *b, struct slab *chunks);

#endif
