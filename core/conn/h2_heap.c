/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_heap.c - see h2_heap.h. */
#include "conn/h2_heap.h"

#include <stdint.h>
#include <string.h>

#include "base/blocks.h"
#include "base/fold.h"

/* What a session begins with, and an idle one's streams had; pages of it are
 * touched as they are carved. */
#define CHUNK_BYTES 16384u
#define SMALL_MAX 4352u
#define MIN_BYTES 32u /* a free one has a link behind its size */
/* Up to here a class is 16 bytes; from there on a sixteenth of a doubling. */
#define FINE_SHIFT 8
#define FINE_CLASSES 16u
/* More than fits a frame's payload: only a frame with its head is that long. */
#define FRAME_PAYLOAD 16384u

/* In front of each piece; its size keeps the piece aligned. */
struct head {
    _Alignas(16) size_t bytes; /* with this; a block's above SMALL_MAX */
};

struct chunk {
    _Alignas(16) struct chunk *next;
};

static unsigned
class_of(size_t n)
{
    unsigned shift;

    if (n <= 1u << FINE_SHIFT)
        return n ? (unsigned)(n - 1) / 16 : 0;
    shift = 63u - (unsigned)__builtin_clzll(n - 1);
    return FINE_CLASSES * (shift - FINE_SHIFT + 1) +
           (unsigned)((n - 1) >> (shift - 4) & 15);
}

static size_t
class_bytes(unsigned class)
{
    unsigned shift;

    if (class < FINE_CLASSES)
        return 16 * ((size_t) class + 1);
    shift = FINE_SHIFT + class / FINE_CLASSES - 1;
    return (size_t)(class % FINE_CLASSES + FINE_CLASSES + 1) << (shift - 4);
}

static int
add_chunk(struct h2_heap *h)
{
    size_t got;
    struct chunk *k = blocks_take(h->blocks, CHUNK_BYTES, &got);

    if (!k)
        return -1;
    CHECK(got == CHUNK_BYTES);
    k->next = h->chunks;
    h->chunks = k;
    h->carve = (char *)(k + 1);
    h->carve_end = (char *)k + CHUNK_BYTES;
    return 0;
}

/* A piece of the class, or NULL.  What is left of a chunk that is too small
 * for it is not used any more. */
static struct head *
take_small(struct h2_heap *h, unsigned class)
{
    size_t bytes = class_bytes(class);
    struct head *p = h->free[class];

    if (p) {
        memcpy(&h->free[class], p + 1, sizeof h->free[class]);
        return p;
    }
    if ((size_t)(h->carve_end - h->carve) < bytes && add_chunk(h) < 0)
        return NULL;
    p = (struct head *)(void *)h->carve;
    h->carve += bytes;
    p->bytes = bytes;
    return p;
}

static struct head *
take_large(struct h2_heap *h, size_t bytes)
{
    size_t got;
    struct head *p = blocks_take(h->blocks, bytes, &got);

    if (p)
        p->bytes = got;
    return p;
}

static void *
heap_malloc(size_t n, void *arg)
{
    struct h2_heap *h = arg;
    size_t bytes = n + sizeof(struct head);
    struct head *p;

    if (bytes < n)
        return NULL;
    if (n > FRAME_PAYLOAD && n <= H2_HEAP_SHARED_BYTES && h->shared &&
        !h->has_shared) {
        h->has_shared = 1; /* the first is the frame's, and no other */
        return h->shared;
    }
    if (bytes < MIN_BYTES)
        bytes = MIN_BYTES;
    p = bytes <= SMALL_MAX ? take_small(h, class_of(bytes))
                           : take_large(h, bytes);
    return p ? p + 1 : NULL;
}

static void
heap_free(void *piece, void *arg)
{
    struct h2_heap *h = arg;
    struct head *p;
    unsigned class;

    if (!piece || piece == h->shared)
        return;
    p = (struct head *)piece - 1;
    if (p->bytes > SMALL_MAX) {
        blocks_give(h->blocks, p, p->bytes);
        return;
    }
    class = class_of(p->bytes);
    memcpy(p + 1, &h->free[class], sizeof h->free[class]);
    h->free[class] = p;
}

static void *
heap_calloc(size_t count, size_t each, void *arg)
{
    size_t n;
    void *p;

    if (__builtin_mul_overflow(count, each, &n))
        return NULL;
    p = heap_malloc(n, arg);
    if (p)
        memset(p, 0, n);
    return p;
}

static void *
heap_realloc(void *piece, size_t n, void *arg)
{
    struct h2_heap *h = arg;
    size_t has = 0;
    void *to;

    if (piece)
        has = piece == h->shared
                  ? H2_HEAP_SHARED_BYTES
                  : ((struct head *)piece - 1)->bytes - sizeof(struct head);
    if (piece && n <= has)
        return piece;
    to = heap_malloc(n, arg);
    if (to && piece) {
        memcpy(to, piece, has);
        heap_free(piece, arg);
    }
    return to;
}

void
h2_heap_init(struct h2_heap *h, struct blocks *blocks, void *shared)
{
    *h = (struct h2_heap){
        .blocks = blocks,
        .shared = shared,
    };
}

nghttp2_mem
h2_heap_mem(struct h2_heap *h)
{
    return (nghttp2_mem){.mem_user_data = h,
                         .malloc = heap_malloc,
                         .free = heap_free,
                         .calloc = heap_calloc,
                         .realloc = heap_realloc};
}

void
h2_heap_fini(struct h2_heap *h)
{
    struct chunk *k, *next;

    if (h->folded)
        h2_heap_unfold(h);
    for (k = h->chunks; k; k = next) {
        next = k->next;
        blocks_give(h->blocks, k, CHUNK_BYTES);
    }
    h->chunks = NULL;
}

/* ---- folded
 * ----------------------------------------------------------------*/

/* What was in a piece that is free is nothing. */
static void
clear_free(struct h2_heap *h)
{
    for (unsigned class = 0; class < H2_HEAP_CLASSES; class ++) {
        void *piece = h->free[class];
        while (piece) {
            struct head *p = piece;
            memcpy(&piece, p + 1, sizeof piece);
            memset((char *)(p + 1) + sizeof piece, 0,
                   p->bytes - sizeof *p - sizeof piece);
        }
    }
}

/* What of k is in use: all but what is not carved of the newest. */
static size_t
bytes_of(const struct h2_heap *h, const struct chunk *k)
{
    size_t n =
        k == h->chunks ? (size_t)(h->carve - (const char *)k) : CHUNK_BYTES;

    return (n + FOLD_BYTES - 1) / FOLD_BYTES * FOLD_BYTES;
}

/* Whether it takes at most half of what it was: *n. */
static int
is_worth_it(const struct h2_heap *h, size_t *n)
{
    size_t all = 0;

    *n = 0;
    for (const struct chunk *k = h->chunks; k; k = k->next) {
        all += bytes_of(h, k);
        *n += fold_size(k, bytes_of(h, k));
    }
    return *n <= all / 2;
}

void
h2_heap_fold(struct h2_heap *h)
{
    size_t n, got;
    struct chunk *k, *next;
    void *to;

    if (h->folded)
        return;
    clear_free(h);
    to = is_worth_it(h, &n) ? blocks_take(h->blocks, n, &got) : NULL;
    if (!to)
        return;
    h->folded = to;
    h->folded_bytes = (uint32_t)got;
    for (k = h->chunks; k; k = next) {
        to = fold_pack(to, k, bytes_of(h, k));
        next = k->next;
        blocks_rest(h->blocks, k, CHUNK_BYTES);
    }
}

void
h2_heap_unfold(struct h2_heap *h)
{
    const void *from = h->folded;

    for (struct chunk *k = h->chunks; k; k = k->next) {
        blocks_wake(h->blocks, CHUNK_BYTES);
        from = fold_unpack(from, k, bytes_of(h, k));
    }
    blocks_give(h->blocks, h->folded, h->folded_bytes);
    h->folded = NULL;
}
