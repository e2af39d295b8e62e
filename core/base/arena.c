/* SPDX-License-Identifier: BSD-2-Clause */
/* arena.c - see arena.h.  The only malloc is that of generation arenas. */
#include "base/arena.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/blocks.h"

#define BLOCK_MIN_BYTES 4096u
#define BLOCK_MAX_BYTES (64u << 10) /* unless one piece needs more */

struct arena_block {
    struct arena_block *next;
    size_t bytes; /* with this header */
};

_Static_assert(sizeof(struct arena_block) % 16 == 0, "pieces are aligned");

/* The end of a block that begins at an aligned address and has n bytes. */
static char *
end_of(char *block, size_t n)
{
    return block + (n & ~(size_t)15u);
}

void
arena_init(struct arena *a, void *first, size_t first_len,
           struct blocks *blocks, size_t max_bytes)
{
    static _Alignas(16) char none[16]; /* an address, never written to */
    size_t skew = (0 - (uintptr_t)first) & 15u;

    *a = (struct arena){.blocks = blocks,
                        .max_bytes = max_bytes,
                        .first = none,
                        .first_end = none};
    if (first_len > skew) {
        a->first = (char *)first + skew;
        a->first_end = end_of(a->first, first_len - skew);
    }
    a->p = a->first;
    a->end = a->first_end;
}

static void
block_free(struct arena *a, struct arena_block *b)
{
    ASAN_UNPOISON(b, b->bytes);
    if (a->blocks)
        blocks_give(a->blocks, b, b->bytes);
    else
        free(b);
}

void
arena_shrink(struct arena *a)
{
    while (a->more) {
        struct arena_block *b = a->more;

        a->more = b->next;
        block_free(a, b);
    }
    a->bytes = 0;
}

static struct arena_block *
block_new(struct arena *a, size_t n)
{
    struct arena_block *b;
    size_t got = n;

    if (n > a->max_bytes - a->bytes)
        return NULL;
    b = a->blocks ? blocks_take(a->blocks, n, &got) : malloc(n);
    if (!b)
        return NULL;
    b->bytes = got;
    if (got > a->max_bytes - a->bytes) { /* rounded up beyond the bound */
        block_free(a, b);
        return NULL;
    }
    return b;
}

/* A further block with room for n bytes: as large as all before it together,
 * or if that cannot be had, as large as it must be. */
static struct arena_block *
grow(struct arena *a, size_t n)
{
    size_t least = n + sizeof(struct arena_block), want = a->bytes;
    struct arena_block *b = NULL;

    if (least < n)
        return NULL;
    if (want > BLOCK_MAX_BYTES)
        want = BLOCK_MAX_BYTES;
    if (want < BLOCK_MIN_BYTES)
        want = BLOCK_MIN_BYTES;
    if (want > a->max_bytes - a->bytes)
        want = a->max_bytes - a->bytes;
    if (want > least)
        b = block_new(a, want);
    if (!b)
        b = block_new(a, least);
    if (!b)
        return NULL;
    b->next = a->more;
    a->more = b;
    a->bytes += b->bytes;
    return b;
}

void *
arena_alloc_slow(struct arena *a, size_t n)
{
    size_t need = arena_need(n), left = (size_t)(a->end - a->p);
    struct arena_block *b = need < n ? NULL : grow(a, need);
    char *p;

    if (!b)
        return NULL;
    p = (char *)(b + 1);
    ASAN_POISON(p + n, need - n);
    /* Go on in whichever block has more left: one large piece must not waste
     * what the current block still has. */
    if (b->bytes - sizeof *b - need > left) {
        a->p = p + need;
        a->end = end_of((char *)b, b->bytes);
    }
    return p;
}

char *
arena_reserve(struct arena *a, size_t want, size_t *cap)
{
    want += !want;
    if (want > (size_t)(a->end - a->p)) {
        size_t need = arena_need(want);
        struct arena_block *b = need < want ? NULL : grow(a, need);

        if (!b)
            return NULL;
        a->p = (char *)(b + 1);
        a->end = end_of((char *)b, b->bytes);
    }
    *cap = (size_t)(a->end - a->p);
    return a->p;
}

void
arena_commit(struct arena *a, size_t n)
{
    size_t left = (size_t)(a->end - a->p), need = arena_need(n);

    CHECK(n <= left);
    if (need > left)
        need = left;
    ASAN_POISON(a->p + n, need - n);
    a->p += need;
}

et_str
arena_dup(struct arena *a, et_str s)
{
    char *p = s.n + 1 ? arena_alloc(a, s.n + 1) : NULL;

    if (!p)
        return (et_str){NULL, 0};
    if (s.n)
        memcpy(p, s.p, s.n);
    p[s.n] = '\0';
    return (et_str){p, s.n};
}

void *
arena_zalloc(struct arena *a, size_t n)
{
    void *p = arena_alloc(a, n);

    return p ? memset(p, 0, n) : NULL;
}

char *
arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    size_t left = (size_t)(a->end - a->p), cap;
    va_list again;
    char *p = a->p;
    int n;

    va_copy(again, ap);
    n = vsnprintf(p, left, fmt, ap);
    if (n >= 0 && (size_t)n >= left) {
        p = arena_reserve(a, (size_t)n + 1, &cap);
        if (p)
            vsnprintf(p, cap, fmt, again);
    }
    va_end(again);
    if (n < 0 || !p)
        return NULL;
    arena_commit(a, (size_t)n + 1);
    return p;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    char *p;

    va_start(ap, fmt);
    p = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return p;
}
