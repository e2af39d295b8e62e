/* SPDX-License-Identifier: BSD-2-Clause */
/* ring.c - see ring.h. */
#include "base/ring.h"

#include <sys/mman.h>

#include "base/err.h"

struct header {
    uint32_t bytes; /* with this header; a multiple of 8 */
    uint32_t is_padding;
};

_Static_assert(sizeof(struct header) == RING_HEADER_BYTES, "as promised");

static struct header *
header_at(const struct ring *r, uint64_t position)
{
    return (struct header *)(void *)(r->data + (position & (r->len - 1)));
}

int
ring_init(struct ring *r, size_t len)
{
    CHECK(len >= RING_MIN_BYTES && len <= UINT32_MAX && !(len & (len - 1)));
    *r = (struct ring){.len = len};
    r->data = mmap(NULL, len, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (r->data == MAP_FAILED) {
        r->data = NULL;
        return ERR_NOMEM;
    }
    return 0;
}

void
ring_fini(struct ring *r)
{
    if (r->data)
        munmap(r->data, r->len);
    r->data = NULL;
}

void *
ring_reserve(struct ring *r, size_t n)
{
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    size_t to_end = r->len - (head & (r->len - 1)), bytes, padding;

    if (UNLIKELY(n > r->len / 2 - RING_HEADER_BYTES))
        return NULL;
    bytes = (n + RING_HEADER_BYTES + 7) & ~(size_t)7;
    padding = bytes <= to_end ? 0 : to_end;
    if (head + padding + bytes - r->tail_seen > r->len) {
        r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
        if (head + padding + bytes - r->tail_seen > r->len)
            return NULL;
    }
    if (padding)
        *header_at(r, head) = (struct header){(uint32_t)padding, 1};
    *header_at(r, head + padding) = (struct header){(uint32_t)bytes, 0};
    r->reserved = head + padding + bytes;
    return header_at(r, head + padding) + 1;
}

void
ring_publish(struct ring *r)
{
    atomic_store(&r->head, r->reserved);
}

int
ring_look(struct ring *r)
{
    r->head_seen = atomic_load(&r->head);
    return r->head_seen != atomic_load_explicit(&r->tail, memory_order_relaxed);
}

const void *
ring_peek(struct ring *r, size_t *n)
{
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    const struct header *h;

    if (tail == r->head_seen)
        return NULL;
    h = header_at(r, tail);
    if (h->is_padding) {
        tail += h->bytes;
        atomic_store_explicit(&r->tail, tail, memory_order_release);
        h = header_at(r, tail);
    }
    *n = h->bytes - RING_HEADER_BYTES;
    return h + 1;
}

void
ring_pop(struct ring *r)
{
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);

    CHECK(tail != r->head_seen);
    atomic_store_explicit(&r->tail, tail + header_at(r, tail)->bytes,
                          memory_order_release);
}
