/* SPDX-License-Identifier: BSD-2-Clause */
/* blocks.c - see blocks.h. */
#include "base/blocks.h"

#include <string.h>
#include <sys/mman.h>

#include "base/asan.h"

#define MIN_SHIFT 10
#define CARVED_BYTES (256u << 10) /* blocks in one mapping of a class */
#define LINK_BYTES 64u            /* before them; keeps their alignment */
#define RED_ZONE ASAN_RED_ZONE(64u)

/* The start of a carved mapping. */
struct map {
    struct map *next;
    size_t bytes;
};

/* 0 for up to 1 KiB, 1 for up to 2 KiB ...; n <= BLOCKS_MAX_BYTES. */
static unsigned
class_of(size_t n)
{
    unsigned bits;

    if (n <= BLOCKS_MIN_BYTES)
        return 0;
    bits = 64u - (unsigned)__builtin_clzll(n - 1);
    return bits - MIN_SHIFT;
}

static void *
map_bytes(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

void
blocks_init(struct blocks *b, size_t max_bytes)
{
    *b = (struct blocks){.max_bytes = max_bytes};
}

void
blocks_fini(struct blocks *b)
{
    struct map *map = b->maps;

    while (map) {
        struct map *next = map->next;

        ASAN_UNPOISON(map, map->bytes);
        munmap(map, map->bytes);
        map = next;
    }
    *b = (struct blocks){0};
}

/* A new mapping to carve blocks of size bytes from. */
static int
refill(struct blocks *b, struct blocks_class *c, size_t size)
{
    size_t n = LINK_BYTES + CARVED_BYTES / size * (size + RED_ZONE);
    struct map *map = map_bytes(n);

    if (!map)
        return 0;
    (void)madvise(map, n, MADV_NOHUGEPAGE); /* see slab_init */
    map->next = b->maps;
    map->bytes = n;
    b->maps = map;
    c->carve = (char *)map + LINK_BYTES;
    c->carve_end = (char *)map + n;
    ASAN_POISON(c->carve, n - LINK_BYTES);
    return 1;
}

static void *
take_carved(struct blocks *b, struct blocks_class *c, size_t size)
{
    char *p = c->free;

    if (LIKELY(p != NULL)) {
        ASAN_UNPOISON(p, size);
        memcpy(&c->free, p, sizeof c->free);
        return p;
    }
    if (c->carve == c->carve_end && !refill(b, c, size))
        return NULL;
    p = c->carve;
    c->carve += size + RED_ZONE;
    ASAN_UNPOISON(p, size);
    return p;
}

void *
blocks_take(struct blocks *b, size_t n, size_t *got)
{
    unsigned class;
    size_t size;
    void *p;

    if (UNLIKELY(n > BLOCKS_MAX_BYTES))
        return NULL;
    class = class_of(n);
    size = (size_t)BLOCKS_MIN_BYTES << class;
    if (UNLIKELY(size > b->max_bytes - b->out_bytes))
        return NULL;
    if (LIKELY(class < BLOCKS_CLASSES))
        p = take_carved(b, &b->classes[class], size);
    else
        p = map_bytes(size);
    if (UNLIKELY(!p))
        return NULL;
    b->out_bytes += size;
    *got = size;
    return p;
}

void
blocks_give(struct blocks *b, void *p, size_t got)
{
    unsigned class = class_of(got);

    CHECK(got <= b->out_bytes && got == (size_t)BLOCKS_MIN_BYTES << class);
    b->out_bytes -= got;
    if (LIKELY(class < BLOCKS_CLASSES)) {
        struct blocks_class *c = &b->classes[class];

        memcpy(p, &c->free, sizeof c->free);
        c->free = p;
        ASAN_POISON(p, got);
    } else {
        munmap(p, got);
    }
}
