/* SPDX-License-Identifier: BSD-2-Clause */
/* region.c - see region.h. */
#include "base/region.h"

#include <sys/mman.h>

_Static_assert(sizeof(struct region) <= REGION_HEAD_BYTES, "it is a page");

void
region_format(struct region *r, const struct region_kind *k, uint64_t measure)
{
    r->format = k->format;
    r->bytes = k->bytes(measure);
    r->measure = measure;
    r->seeds = shelf_seeds_new();
    atomic_store_explicit(&r->magic, k->magic, memory_order_release);
}

int
region_is(const struct region *r, size_t bytes, const struct region_kind *k)
{
    return bytes >= REGION_HEAD_BYTES &&
           atomic_load_explicit(&r->magic, memory_order_acquire) == k->magic &&
           r->format == k->format && r->bytes == bytes && r->measure <= bytes &&
           k->bytes(r->measure) == bytes;
}

struct region *
region_new(const struct region_kind *k, uint64_t measure)
{
    void *p = mmap(NULL, k->bytes(measure), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (p == MAP_FAILED)
        return NULL;
    (void)madvise(p, k->bytes(measure), MADV_NOHUGEPAGE); /* see slab_init */
    region_format(p, k, measure);
    return p;
}

void
region_unmap(struct region *r, size_t bytes)
{
    if (r)
        munmap(r, bytes);
}
