/* SPDX-License-Identifier: BSD-2-Clause */
/* shelves.h - a shelf in memory that processes share, for tests.
 *
 *     struct shelves f = shelves_new(256, 64);   a shelf of 256 slots
 *     struct shelf_hand hand = shelves_hand(&f, 0);
 *     number_add(&f.shelf, &hand, ...);
 *     shelves_end(&f);
 *
 * Seat 0 is taken.  For unit tests that link libcore. */
#ifndef T_LIB_SHELVES_H
#define T_LIB_SHELVES_H

#include <stdint.h>
#include <sys/mman.h>

#include "base/shelf.h"
#include "t/lib/unit.h"

struct shelves {
    struct seats *seats; /* a page in front of the shelf */
    struct shelf shelf;
    size_t bytes;
};

static inline struct shelves
shelves_new(uint32_t n_slots, size_t room)
{
    struct shelves f = {.bytes = 4096 + shelf_bytes(n_slots, room)};

    f.seats = mmap(NULL, f.bytes, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(f.seats != MAP_FAILED);
    ck_assert_uint_ne(seats_give(f.seats, 0), SEATS_NONE);
    shelf_attach(&f.shelf, (char *)f.seats + 4096, n_slots, room, f.seats);
    return f;
}

static inline void
shelves_end(struct shelves *f)
{
    munmap(f->seats, f->bytes);
}

/* Of the process on that seat, at the time 1000. */
static inline struct shelf_hand
shelves_hand(const struct shelves *f, uint32_t seat)
{
    return (struct shelf_hand){.owner = seats_name(f->seats, seat),
                               .now_ms = 1000};
}

/* The name of a number. */
static inline struct shelf_name
shelves_name(uint64_t i)
{
    static const struct shelf_seeds seeds = {{7, 11}};

    return shelf_hash(&seeds, (et_str){(const char *)&i, sizeof i});
}

/* How many entries there are, by looking at all of it. */
static inline int64_t
shelves_count(const struct shelves *f)
{
    int64_t n = 0;

    for (uint32_t i = 0; i < f->shelf.n_homes; i++)
        n += __builtin_popcountll(f->shelf.homes[i].a);
    return n;
}

#endif
