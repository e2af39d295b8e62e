/* SPDX-License-Identifier: BSD-2-Clause */
/* blocks.c - see blocks.h. */
#include "base/blocks.h"

#include <sys/mman.h>

#define CARVED_BYTES (256u << 10) /* blocks in one mapping of a class */
#define LINK_BYTES 64u            /* before them; keeps their alignment */
#define RED_ZONE ASAN_RED_ZONE(64u)

/* The start of a carved mapping. */
struct map {
    struct map *next;
    size_t bytes;
};

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
carve(struct blocks *b, struct blocks_class *c, size_t size)
{
    char *p;

    if (c->carve == c->carve_end && !refill(b, c, size))
        return NULL;
    p = c->carve;
    c->carve += size + RED_ZONE;
    ASAN_UNPOISON(p, size);
    return p;
}

void *
blocks_take_slow(struct blocks *b, size_t n, size_t *got)
{
    unsigned class;
    size_t size;
    void *p;

    if (n > BLOCKS_MAX_BYTES)
        return NULL;
    class = blocks_class_of(n);
    size = (size_t)BLOCKS_MIN_BYTES << class;
    if (size > b->max_bytes - b->out_bytes)
        return NULL;
    if (class < BLOCKS_CLASSES)
        p = carve(b, &b->classes[class], size);
    else
        p = map_bytes(size);
    if (!p)
        return NULL;
    b->out_bytes += size;
    *got = size;
    return p;
}

void
blocks_unmap(void *p, size_t size)
{
    munmap(p, size);
}
