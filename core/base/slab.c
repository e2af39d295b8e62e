/* SPDX-License-Identifier: BSD-2-Clause */
/* slab.c - see slab.h. */
#include "base/slab.h"

#include <string.h>
#include <sys/mman.h>

#include "base/asan.h"
#include "base/err.h"

#define ALIGN 64u

static size_t
bytes_of(const struct slab *s)
{
    return (size_t)s->stride * s->capacity;
}

/* A fresh item is poisoned when the one before it is taken and not with all of
 * them: what shadows a slab is an eighth of it. */
static void
poison_fresh(const struct slab *s)
{
    if (s->fresh < s->capacity)
        ASAN_POISON(s->base + (size_t)s->fresh * s->stride, s->stride);
}

int
slab_init(struct slab *s, size_t item_len, uint32_t capacity)
{
    *s = (struct slab){0};
    if (item_len > UINT32_MAX - 2 * ALIGN)
        return ERR_NOMEM;
    s->capacity = capacity;
    if (item_len < SLAB_KEPT_END)
        item_len = SLAB_KEPT_END;
    s->item_len = (uint32_t)item_len;
    s->stride = (s->item_len + ASAN_RED_ZONE(16) + ALIGN - 1) & ~(ALIGN - 1);
    if (capacity == 0)
        return 0;
    s->base = mmap(NULL, bytes_of(s), PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s->base == MAP_FAILED) {
        *s = (struct slab){0};
        return ERR_NOMEM;
    }
    /* A huge page would touch two megabytes for one item.  A kernel without
     * huge pages refuses, which is as good. */
    (void)madvise(s->base, bytes_of(s), MADV_NOHUGEPAGE);
    poison_fresh(s);
    return 0;
}

void
slab_fini(struct slab *s)
{
    if (s->base) {
        size_t n = s->fresh < s->capacity ? s->fresh + 1 : s->capacity;
        ASAN_UNPOISON(s->base, n * s->stride);
        munmap(s->base, bytes_of(s));
    }
    *s = (struct slab){0};
}

void *
slab_take(struct slab *s)
{
    char *item = s->free;

    if (LIKELY(item != NULL)) {
        memcpy(&s->free, item, sizeof s->free);
    } else {
        if (UNLIKELY(s->fresh == s->capacity))
            return NULL;
        item = s->base + (size_t)s->fresh++ * s->stride;
        poison_fresh(s);
    }
    s->n_used++;
    ASAN_UNPOISON(item, s->item_len);
    return item;
}

void
slab_give(struct slab *s, void *item)
{
    CHECK(s->n_used > 0 &&
          (size_t)((char *)item - s->base) < (size_t)s->fresh * s->stride);
    memcpy(item, &s->free, sizeof s->free);
    s->free = item;
    s->n_used--;
    ASAN_POISON((char *)item + SLAB_KEPT_END, s->item_len - SLAB_KEPT_END);
}

uint32_t
slab_index(const struct slab *s, const void *item)
{
    return (uint32_t)((size_t)((const char *)item - s->base) / s->stride);
}

void *
slab_at(const struct slab *s, uint32_t index)
{
    CHECK(index < s->capacity);
    return s->base + (size_t)index * s->stride;
}
