/* SPDX-License-Identifier: BSD-2-Clause */
/* buddy.c - see buddy.h. */
#include "base/buddy.h"

#include "base/asan.h"

#define TOP (BUDDY_ORDERS - 1)

/* The first bytes of a free block: units + 1 of its neighbours in the list. */
struct link {
    uint32_t next, prev;
};

static unsigned
order_of(size_t n)
{
    CHECK(n <= BUDDY_MAX_BYTES);
    if (n <= BUDDY_UNIT)
        return 0;
    return 64u - (unsigned)__builtin_clzll((n - 1) / BUDDY_UNIT);
}

static struct link *
link_at(const struct buddy *b, uint32_t unit)
{
    return buddy_at(b, unit);
}

static void
add(struct buddy *b, uint32_t unit, unsigned order)
{
    struct link *l = link_at(b, unit);
    const uint32_t next = b->free[order];

    ASAN_UNPOISON(l, sizeof *l);
    *l = (struct link){next, 0};
    if (next)
        link_at(b, next - 1)->prev = unit + 1;
    b->free[order] = unit + 1;
    b->tags[unit] = (uint8_t)(order + 1);
    ASAN_POISON(l + 1, ((size_t)BUDDY_UNIT << order) - sizeof *l);
}

static void
cut_out(struct buddy *b, uint32_t unit, unsigned order)
{
    const struct link l = *link_at(b, unit);

    if (l.next)
        link_at(b, l.next - 1)->prev = l.prev;
    if (l.prev)
        link_at(b, l.prev - 1)->next = l.next;
    else
        b->free[order] = l.next;
    b->tags[unit] = 0;
}

void
buddy_init(struct buddy *b, void *base, size_t bytes, uint8_t *tags)
{
    const size_t n = bytes / BUDDY_MAX_BYTES << TOP;

    CHECK(n < BUDDY_NONE);
    *b = (struct buddy){.base = base, .tags = tags, .n_units = (uint32_t)n};
}

/* The smallest free block of at least that order, cut out; its order in *got.
 */
static uint32_t
take_any(struct buddy *b, unsigned order, unsigned *got)
{
    uint32_t unit = b->fresh;

    for (; order <= TOP; order++) {
        if (b->free[order] == 0)
            continue;
        *got = order;
        unit = b->free[order] - 1;
        cut_out(b, unit, order);
        return unit;
    }
    if (unit == b->n_units)
        return BUDDY_NONE;
    b->fresh += 1u << TOP;
    *got = TOP;
    return unit;
}

uint32_t
buddy_take(struct buddy *b, size_t n)
{
    const unsigned order = order_of(n);
    unsigned got;
    const uint32_t unit = take_any(b, order, &got);

    if (unit == BUDDY_NONE)
        return BUDDY_NONE;
    while (got > order) {
        got--;
        add(b, unit + (1u << got), got);
    }
    ASAN_UNPOISON(buddy_at(b, unit), (size_t)BUDDY_UNIT << order);
    return unit;
}

void
buddy_give(struct buddy *b, uint32_t block, size_t n)
{
    unsigned order = order_of(n);

    CHECK(block < b->fresh && b->tags[block] == 0);
    while (order < TOP) {
        const uint32_t buddy = block ^ 1u << order;
        if (b->tags[buddy] != order + 1)
            break;
        cut_out(b, buddy, order);
        block &= ~(1u << order);
        order++;
    }
    add(b, block, order);
}

size_t
buddy_bytes(size_t n)
{
    return (size_t)BUDDY_UNIT << order_of(n);
}

void *
buddy_at(const struct buddy *b, uint32_t block)
{
    return b->base + (size_t)block * BUDDY_UNIT;
}
