/* SPDX-License-Identifier: BSD-2-Clause */
/* shelf.c - how entries come and go: by name, within their bounds, whatever a
 * process that was killed has left, and whatever else is in the memory. */
/* tags: asan tsan */
#include "base/shelf.h"

#include <string.h>

#include "base/err.h"
#include "base/number.h"
#include "base/piece.h"
#include "base/str.h"
#include "t/lib/shelves.h"

enum { FREE, CLAIMED, READY, LIVE }; /* as in shelf.c */

static int
make(const struct shelves *f, struct shelf_hand *hand, uint64_t name,
     uint64_t value, uint64_t ends_ms)
{
    const struct shelf_entry e = {
        .name = shelves_name(name), .value = value, .ends_ms = ends_ms};
    struct shelf_view v;

    return shelf_make(&f->shelf, hand, &e, &v);
}

static int
find(const struct shelves *f, uint64_t name, struct shelf_view *v)
{
    const struct shelf_name n = shelves_name(name);

    return shelf_find(&f->shelf, &n, v);
}

/* ---- names and ends ------------------------------------------------------*/

START_TEST(names_depend_on_seeds_that_differ_each_time)
{
    struct shelf_seeds a = shelf_seeds_new(), b = shelf_seeds_new();
    struct shelf_name x = shelf_hash(&a, str_lit("key"));
    struct shelf_name y = shelf_hash(&b, str_lit("key")), z;

    ck_assert_int_ne(memcmp(&x, &y, sizeof x), 0);
    for (uint32_t i = 0; i < 4096; i++) {
        y = shelf_name_nth(&x, i);
        z = shelf_name_nth(&x, i + 1);
        ck_assert_uint_ne(y.v[0], x.v[0]);
        ck_assert_uint_ne(y.v[0], z.v[0]);
    }
}
END_TEST

START_TEST(an_end_that_is_too_far_is_none)
{
    const struct shelf_view never = {.ends_ms = 0}, soon = {.ends_ms = 10};

    ck_assert_uint_eq(shelf_end(7, 3), 10);
    ck_assert_uint_eq(shelf_end(7, 0), 0);
    ck_assert_uint_eq(shelf_end(7, UINT64_MAX), 0);
    ck_assert_uint_eq(shelf_end(UINT64_MAX, 5), 0);
    ck_assert_uint_eq(shelf_end(1, (UINT64_C(1) << 38) - 2),
                      (UINT64_C(1) << 38) - 1);
    ck_assert(!shelf_is_over(&never, UINT64_MAX));
    ck_assert(!shelf_is_over(&soon, 9) && shelf_is_over(&soon, 10));
}
END_TEST

/* ---- coming and going ----------------------------------------------------*/

START_TEST(an_entry_is_found_by_its_name_until_it_is_removed)
{
    struct shelves f = shelves_new(256, 0);
    struct shelf_hand hand = shelves_hand(&f, 0);
    struct shelf_view v, old;

    ck_assert(!find(&f, 1, &v));
    ck_assert_int_eq(make(&f, &hand, 1, 5, 0), 1);
    ck_assert_int_eq(make(&f, &hand, 1, 6, 0), 0); /* it is there */
    ck_assert_int_eq(make(&f, &hand, 2, 7, 99), 1);
    ck_assert(find(&f, 1, &v));
    ck_assert_uint_eq(v.value, 5);
    ck_assert_uint_eq(v.ends_ms, 0);
    old = v;
    ck_assert(shelf_set(&f.shelf, &v, 8, 1234));
    ck_assert(!shelf_set(&f.shelf, &old, 9, 0));
    ck_assert(!shelf_remove(&f.shelf, &hand, &old));
    ck_assert(find(&f, 1, &v));
    ck_assert_uint_eq(v.value, 8);
    ck_assert_uint_eq(v.ends_ms, 1234);
    ck_assert(shelf_has(&f.shelf, shelf_id(&v)));
    ck_assert(shelf_remove(&f.shelf, &hand, &v));
    ck_assert(!shelf_has(&f.shelf, shelf_id(&v)));
    ck_assert(!find(&f, 1, &v));
    ck_assert(find(&f, 2, &v));
    ck_assert_int_eq(hand.n_entries, 1);
    ck_assert_int_eq(shelves_count(&f), 1);
    shelves_end(&f);
}
END_TEST

START_TEST(what_was_seen_of_another_changes_nothing)
{
    struct shelves f = shelves_new(64, 0); /* one home */
    struct shelf_hand hand = shelves_hand(&f, 0);
    struct shelf_view v, w;

    ck_assert_int_eq(make(&f, &hand, 0, 5, 0), 1);
    ck_assert(find(&f, 0, &v));
    ck_assert(shelf_remove(&f.shelf, &hand, &v));
    for (uint64_t i = 1;; i++) { /* the same slot and value */
        ck_assert_int_eq(make(&f, &hand, i, 5, 0), 1);
        ck_assert(find(&f, i, &w));
        if (w.at == v.at)
            break;
        ck_assert(shelf_remove(&f.shelf, &hand, &w));
    }
    ck_assert(!shelf_set(&f.shelf, &v, 6, 0));
    ck_assert(!shelf_remove(&f.shelf, &hand, &v));
    ck_assert(!shelf_is_same(&f.shelf, &v));
    shelves_end(&f);
}
END_TEST

START_TEST(what_is_over_gives_way_then_what_ends_first)
{
    struct shelves f = shelves_new(64, 0);
    struct shelf_hand hand = shelves_hand(&f, 0);
    struct shelf_view v;

    for (uint64_t i = 0; i < 64; i++)
        ck_assert_int_eq(make(&f, &hand, i, 1, i < 60 ? 2000 + i : 0), 1);
    ck_assert_int_eq(make(&f, &hand, 100, 1, 0), 1);
    ck_assert(!find(&f, 0, &v)); /* it ended first */
    ck_assert_uint_eq(hand.n_evicted, 1);
    hand.now_ms = 2002;
    ck_assert_int_eq(make(&f, &hand, 101, 1, 0), 1);
    ck_assert_int_eq(make(&f, &hand, 102, 1, 0), 1);
    ck_assert(!find(&f, 1, &v) && !find(&f, 2, &v) && find(&f, 3, &v));
    ck_assert_uint_eq(hand.n_evicted, 1);
    for (uint64_t i = 0; i < 57; i++)
        ck_assert_int_eq(make(&f, &hand, 200 + i, 1, 0), 1);
    ck_assert_int_eq(make(&f, &hand, 300, 1, 9000), ERR_LIMIT);
    ck_assert_int_eq(hand.n_entries, 64);
    ck_assert_int_eq(shelves_count(&f), 64);
    shelves_end(&f);
}
END_TEST

static int
is_odd(const void *of, uint64_t whose)
{
    (void)of;
    return whose % 2;
}

START_TEST(what_nobody_wants_any_more_gives_way)
{
    struct shelves f = shelves_new(64, 0);
    struct shelf_hand hand = shelves_hand(&f, 0);
    struct shelf_view v;

    f.shelf.is_dropped = is_odd;
    for (uint64_t i = 0; i < 64; i++) {
        const struct shelf_entry e = {.name = shelves_name(i), .whose = i};
        ck_assert_int_eq(shelf_make(&f.shelf, &hand, &e, &v), 1);
    }
    for (uint64_t i = 0; i < 32; i++)
        ck_assert_int_eq(make(&f, &hand, 100 + i, 1, 0), 1);
    for (uint64_t i = 0; i < 64; i++)
        ck_assert_int_eq(find(&f, i, &v), i % 2 == 0);
    ck_assert_int_eq(make(&f, &hand, 200, 1, 0), ERR_LIMIT);
    ck_assert_int_eq(hand.n_entries, 64);
    shelves_end(&f);
}
END_TEST

START_TEST(most_of_a_shelf_can_be_used)
{
    struct shelves f = shelves_new(4096, 0);
    struct shelf_hand hand = shelves_hand(&f, 0);
    struct shelf_view v;
    uint64_t n = 0;

    while (make(&f, &hand, n, n, 0) == 1)
        n++;
    ck_assert_uint_gt(n, 4096 * 7 / 10);
    for (uint64_t i = 0; i < n; i++)
        ck_assert(find(&f, i, &v) && v.value == i);
    ck_assert_int_eq(shelves_count(&f), (int64_t)n);
    shelves_end(&f);
}
END_TEST

/* ---- who was killed ------------------------------------------------------*/

/* The slot of an entry, as if its process had been killed in the middle. */
static void
leave(const struct shelves *f, const struct shelf_view *v, unsigned mode,
      uint32_t owner)
{
    const uint64_t version = v->state & (((UINT64_C(1) << 24) - 1) << 2);

    atomic_store(&shelf_slot(&f->shelf, v->at)->body.a,
                 mode | version | (uint64_t)owner << 26);
}

/* Fill the one home of a shelf, one entry claimed by a process on seat 1. */
static struct shelf_view
fill_around(const struct shelves *f, struct shelf_hand *hand, unsigned mode)
{
    struct shelf_view v;

    for (uint64_t i = 0; i < 64; i++)
        ck_assert_int_eq(make(f, hand, i, 1, 0), 1);
    ck_assert(find(f, 33, &v));
    seats_give(f->seats, 1);
    leave(f, &v, mode, seats_name(f->seats, 1));
    return v;
}

START_TEST(what_the_dead_have_claimed_is_for_taking)
{
    struct shelves f = shelves_new(64, 0);
    struct shelf_hand hand = shelves_hand(&f, 0);
    struct shelf_view v = fill_around(&f, &hand, CLAIMED), w;

    ck_assert(!find(&f, 33, &w)); /* whatever the home says */
    ck_assert_int_eq(make(&f, &hand, 100, 7, 0), ERR_LIMIT); /* it lives */
    seats_free(f.seats, 1);
    ck_assert_int_eq(make(&f, &hand, 100, 7, 0), 1);
    ck_assert(find(&f, 100, &w));
    ck_assert_uint_eq(w.at, v.at);
    ck_assert_int_eq(hand.n_entries, 64);
    ck_assert_int_eq(shelves_count(&f), 64);
    shelves_end(&f);
}
END_TEST

START_TEST(what_the_dead_have_finished_is_an_entry)
{
    struct shelves f = shelves_new(64, 0);
    struct shelf_hand hand = shelves_hand(&f, 0);
    struct shelf_view v;

    fill_around(&f, &hand, READY);
    seats_free(f.seats, 1);
    ck_assert(find(&f, 33, &v));
    ck_assert_int_eq(make(&f, &hand, 100, 7, 0), ERR_LIMIT);
    ck_assert(shelf_set(&f.shelf, &v, 9, 0));
    ck_assert(find(&f, 33, &v));
    ck_assert_uint_eq(v.value, 9);
    shelves_end(&f);
}
END_TEST

START_TEST(what_no_home_knows_is_for_taking)
{
    struct shelves f = shelves_new(64, 0);
    struct shelf_hand hand = shelves_hand(&f, 0);
    struct shelf_view v = fill_around(&f, &hand, READY), w;

    atomic_fetch_and(&f.shelf.homes[0].a, ~(UINT64_C(1) << v.at));
    ck_assert(!find(&f, 33, &w));
    ck_assert_int_eq(make(&f, &hand, 33, 7, 0), ERR_LIMIT); /* it is at it */
    seats_free(f.seats, 1);
    ck_assert_int_eq(make(&f, &hand, 33, 7, 0), 1);
    ck_assert(find(&f, 33, &w));
    ck_assert_uint_eq(w.value, 7);
    atomic_fetch_and(&f.shelf.homes[0].a, ~(UINT64_C(1) << v.at));
    ck_assert_int_eq(make(&f, &hand, 34, 7, 0), 0);
    ck_assert_int_eq(make(&f, &hand, 100, 8, 0), 1); /* LIVE and not known */
    ck_assert_int_eq(shelves_count(&f), 64);
    shelves_end(&f);
}
END_TEST

/* ---- nonsense ------------------------------------------------------------*/

static uint32_t
random32(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

static void
use_all(const struct shelves *f, uint32_t *state)
{
    struct shelf_hand hand = shelves_hand(f, 0);
    char out[64];

    for (int i = 0; i < 200; i++) {
        const struct shelf_name name = shelves_name(random32(state) % 300);
        int64_t value = random32(state) % 2;
        hand.now_ms += 3;
        switch (random32(state) % 6) {
        case 0:
            (void)!number_add(&f->shelf, &hand, &name, 1, 2, 50, &value);
            break;
        case 1:
            (void)!number_swap(&f->shelf, &hand, &name, 1, &value, 1, 50);
            break;
        case 2: (void)number_get(&f->shelf, &name, hand.now_ms); break;
        case 3:
            (void)!piece_put(&f->shelf, &hand, &name, 1, str_lit("0123456789"),
                             70);
            break;
        case 4:
            ck_assert_int_le(piece_get(&f->shelf, &name, hand.now_ms, out),
                             (int)sizeof out);
            break;
        default: piece_drop(&f->shelf, &hand, &name); break;
        }
    }
}

/* Whatever a wild pointer has done to it, every call comes to its end and stays
 * within the memory; a page that must not be touched follows. */
START_TEST(whatever_is_in_the_memory_every_call_ends)
{
    uint32_t state = 1;

    for (int round = 0; round < 300; round++) {
        struct shelves f = shelves_new(256, 64);
        const size_t bytes = shelf_bytes(256, 64);
        uint8_t *p = (uint8_t *)f.shelf.homes;

        use_all(&f, &state);
        for (uint32_t i = random32(&state) % 2000; i > 0; i--)
            p[random32(&state) % bytes] ^= (uint8_t)random32(&state);
        if (round % 10 == 0)
            memset(p, round % 20 ? 0xff : (int)random32(&state), bytes);
        use_all(&f, &state);
        shelves_end(&f);
    }
}
END_TEST

UNIT_MAIN(shelf, names_depend_on_seeds_that_differ_each_time,
          an_end_that_is_too_far_is_none,
          an_entry_is_found_by_its_name_until_it_is_removed,
          what_was_seen_of_another_changes_nothing,
          what_is_over_gives_way_then_what_ends_first,
          what_nobody_wants_any_more_gives_way, most_of_a_shelf_can_be_used,
          what_the_dead_have_claimed_is_for_taking,
          what_the_dead_have_finished_is_an_entry,
          what_no_home_knows_is_for_taking,
          whatever_is_in_the_memory_every_call_ends)
