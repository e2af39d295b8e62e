/* SPDX-License-Identifier: BSD-2-Clause */
/* blocks.c - see blocks.h. */
#include "base/blocks.h"

#include <stdint.h>
#include <sys/mman.h>

#define CARVED_BYTES (256u << 10) /* blocks in one mapping of a class */
#define RED_ZONE ASAN_RED_ZONE(64u)

/* The end of a carved mapping: in front of its blocks it would have none of
 * them begin with a page. */
struct map {
    _Alignas(64) struct map *next;
    void *base;
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

        ASAN_UNPOISON(map->base, map->bytes);
        munmap(map->base, map->bytes);
        map = next;
    }
    *b = (struct blocks){0};
}

/* A new mapping to carve blocks of size bytes from. */
static int
refill(struct blocks *b, struct blocks_class *c, size_t size)
{
    size_t n = CARVED_BYTES / size * (size + RED_ZONE);
    char *base = map_bytes(n + sizeof(struct map));
    struct map *map;

    if (!base)
        return 0;
    (void)madvise(base, n + sizeof *map, MADV_NOHUGEPAGE); /* see slab_init */
    map = (struct map *)(void *)(base + n);
    *map =
        (struct map){.next = b->maps, .base = base, .bytes = n + sizeof *map};
    b->maps = map;
    c->carve = base;
    c->carve_end = base + n;
    ASAN_POISON(base, n);
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

/* A page, or several: those of a block are its own from here to its end. */
#define PAGE_BYTES 4096u

void
blocks_rest(struct blocks *b, void *p, size_t got)
{
    uintptr_t from =
        ((uintptr_t)p + PAGE_BYTES - 1) & ~(uintptr_t)(PAGE_BYTES - 1);
    uintptr_t to = ((uintptr_t)p + got) & ~(uintptr_t)(PAGE_BYTES - 1);

    b->rest_bytes += got;
    CHECK(b->rest_bytes <= b->out_bytes);
    if (from < to)
        (void)madvise((void *)from, to - from, MADV_DONTNEED);
}

void
blocks_wake(struct blocks *b, size_t got)
{
    CHECK(got <= b->rest_bytes);
    b->rest_bytes -= got;
}

void
blocks_unmap(void *p, size_t size)
{
    munmap(p, size);
}
