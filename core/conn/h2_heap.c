/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_heap.c - see h2_heap.h. */
#include "conn/h2_heap.h"

#include <stdint.h>
#include <string.h>

#include "base/blocks.h"

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
    size_t bytes;
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
    *k = (struct chunk){.next = h->chunks, .bytes = got};
    h->chunks = k;
    h->carve = (char *)(k + 1);
    h->carve_end = (char *)k + got;
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
        .mem = {.mem_user_data = h,
                .malloc = heap_malloc,
                .free = heap_free,
                .calloc = heap_calloc,
                .realloc = heap_realloc},
    };
}

void
h2_heap_fini(struct h2_heap *h)
{
    struct chunk *k = h->chunks, *next;

    for (; k; k = next) {
        next = k->next;
        blocks_give(h->blocks, k, k->bytes);
    }
    h->chunks = NULL;
}
