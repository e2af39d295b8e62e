/* SPDX-License-Identifier: BSD-2-Clause */
/* arena.h - bump allocation that is thrown away at once.
 *
 *     first block (the caller's, may be empty)      further blocks
 *     [ used ........ p | free ....... end ]  ->  [ header | used | free ]
 *
 * Two lives: a request arena takes its blocks from the worker's blocks; a
 * generation arena (blocks == NULL) takes them from malloc.  Either declares
 * its maximum at init.  Under ASan a red zone follows each piece.
 * Invariants: p <= end, both aligned to 16; bytes <= max_bytes. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

#include "abi/etude_abi.h"
#include "base/asan.h"
#include "base/check.h"

struct blocks;
struct arena_block;

struct arena {
    char *p, *end;
    char *first, *first_end;
    struct arena_block *more; /* newest first */
    struct blocks *blocks;    /* NULL: malloc */
    size_t bytes, max_bytes;  /* in further blocks */
};

/* first: first_len bytes of the caller's (or NULL, 0) used before any block;
 * the arena keeps it until it is used no more.  max_bytes bounds all further
 * blocks together. [any] */
void arena_init(struct arena *a, void *first, size_t first_len,
                struct blocks *blocks, size_t max_bytes);
/* Give back all blocks but the first. [owner] */
void arena_shrink(struct arena *a);
/* Forget everything, keep the first block, give the others back.  After it
 * the arena is as after init, and may as well be abandoned. [owner] */
static inline void
arena_reset(struct arena *a)
{
    if (a->more)
        arena_shrink(a);
    a->p = a->first;
    a->end = a->first_end;
    ASAN_UNPOISON(a->first, (size_t)(a->end - a->p));
}
/* arena_alloc when it does not fit what is left. [owner] */
void *arena_alloc_slow(struct arena *a, size_t n);
/* At least want free bytes at the arena's tail, *cap in all; NULL as alloc.
 * They are taken by arena_commit(a, used). [owner] */
char *arena_reserve(struct arena *a, size_t want, size_t *cap);
/* Take the first n bytes of what the last reserve returned; nothing may have
 * been allocated since. [owner] */
void arena_commit(struct arena *a, size_t n);
/* A copy of s, NUL-terminated one past its end; {NULL,0} on failure.  An
 * absent s becomes a present and empty one. [owner] */
et_str arena_dup(struct arena *a, et_str s);
/* n bytes as arena_alloc, zeroed. [owner] */
void *arena_zalloc(struct arena *a, size_t n);
/* Formatted text, NUL-terminated; NULL on failure. [owner] */
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF(2, 3);
char *arena_vprintf(struct arena *a, const char *fmt, va_list ap) PRINTF(2, 0);

/* What an allocation of n bytes takes: a multiple of 16. */
static inline size_t
arena_need(size_t n)
{
    return ((n + 15u) & ~(size_t)15u) + ASAN_RED_ZONE(16u);
}

/* n bytes aligned to 16, not zeroed; of none an address that is not NULL and
 * may be another's.  NULL at the bound or without memory. [owner] */
static inline void *
arena_alloc(struct arena *a, size_t n)
{
    size_t left = (size_t)(a->end - a->p); /* a multiple of 16 too */
    void *p = a->p;

    if (UNLIKELY(n > left || (ASAN_ON && arena_need(n) > left)))
        return arena_alloc_slow(a, n);
    a->p += arena_need(n);
    ASAN_POISON((char *)p + n, arena_need(n) - n);
    return p;
}

#endif
