/* SPDX-License-Identifier: BSD-2-Clause */
/* seats.c - see seats.h. */
#include "base/seats.h"

#include "base/check.h"

/* A name is a turn and a seat; turns come round after half a million. */
#define TURN_MASK ((UINT32_C(1) << (SEATS_NAME_BITS - 2)) - 1)

_Static_assert(SEATS_MAX == 4, "two bits of a name");

int
seats_is_taken(const struct seats *s, uint32_t seat)
{
    return atomic_load(&s->turns[seat]) % 2;
}

uint32_t
seats_give(struct seats *s, uint32_t seat)
{
    CHECK(seat < SEATS_MAX);
    if (seats_is_taken(s, seat))
        return SEATS_NONE;
    return atomic_fetch_add(&s->turns[seat], 1) + 1;
}

void
seats_free(struct seats *s, uint32_t seat)
{
    CHECK(seat < SEATS_MAX);
    if (seats_is_taken(s, seat))
        atomic_fetch_add(&s->turns[seat], 1);
}

void
seats_begin(struct seats *s, uint32_t seat)
{
    CHECK(seat < SEATS_MAX);
    atomic_store(&s->begun[seat], atomic_load(&s->turns[seat]));
}

int
seats_has_begun(const struct seats *s, uint32_t seat)
{
    return seats_is_taken(s, seat) &&
           atomic_load(&s->begun[seat]) == atomic_load(&s->turns[seat]);
}

uint32_t
seats_name(const struct seats *s, uint32_t seat)
{
    CHECK(seat < SEATS_MAX);
    return (atomic_load(&s->turns[seat]) & TURN_MASK) << 2 | seat;
}

int
seats_is_on(const struct seats *s, uint32_t name)
{
    return name >> 2 & 1 && seats_name(s, name % SEATS_MAX) == name;
}

void
seats_set_lanes(struct seats *s, uint32_t seat, uint32_t n)
{
    CHECK(seat < SEATS_MAX && n <= SEATS_LANES_MAX);
    if (atomic_load(&s->lanes[seat]) < n)
        atomic_store(&s->lanes[seat], n);
}

uint32_t
seats_lanes(const struct seats *s, uint32_t seat)
{
    uint32_t n = atomic_load_explicit(&s->lanes[seat], memory_order_relaxed);

    return n < SEATS_LANES_MAX ? n : SEATS_LANES_MAX;
}
