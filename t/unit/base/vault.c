/* SPDX-License-Identifier: BSD-2-Clause */
/* vault.c - stores that are opened, closed, left by the dead and dropped. */
/* tags: asan tsan */
#include "base/vault.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "t/lib/unit.h"

#define MEMORY (1u << 20)

static struct vault v;
static char dropped[256];

static void
begin(void)
{
    struct region *r = region_new(vault_kind(), MEMORY);

    ck_assert_ptr_nonnull(r);
    for (uint32_t i = 0; i < 2; i++)
        seats_give(&r->seats, i);
    vault_attach(&v, r, vault_kind()->bytes(MEMORY), 0);
    *dropped = '\0';
}

static void
end(void)
{
    region_unmap(v.region, v.bytes);
}

static void
note(et_str label)
{
    strncat(dropped, label.p, sizeof dropped - strlen(dropped) - 1);
    strncat(dropped, " ", sizeof dropped - strlen(dropped) - 1);
}

/* Of the process on that seat. */
static struct shelf_hand
hand(uint32_t seat, uint64_t now_ms)
{
    return (struct shelf_hand){.owner = seats_name(&v.region->seats, seat),
                               .now_ms = now_ms};
}

static uint64_t
open_at(uint32_t seat, const char *label)
{
    struct shelf_hand h = hand(seat, 1000);

    return vault_open(&v, &h, str_from_z(label));
}

static void
close_at(uint32_t seat, uint64_t id, uint64_t now_ms)
{
    struct shelf_hand h = hand(seat, now_ms);

    vault_close(&v, &h, id);
}

static int
sweep(uint64_t now_ms, uint64_t keep_ms)
{
    struct shelf_hand h = hand(0, now_ms);

    return vault_sweep(&v, &h, keep_ms, note);
}

START_TEST(a_store_is_found_by_its_label)
{
    uint64_t a = open_at(0, "a"), b = open_at(0, "b");

    ck_assert_uint_ne(a, 0);
    ck_assert_uint_ne(b, 0);
    ck_assert_uint_ne(a, b);
    ck_assert_uint_eq(open_at(1, "a"), a);
    close_at(0, a, 2000);
    close_at(1, a, 2000);
    ck_assert_uint_eq(open_at(1, "a"), a);
    ck_assert(shelf_has(&v.stores, a));
}
END_TEST

START_TEST(a_store_goes_when_nobody_has_it_open_for_long)
{
    uint64_t a;

    ck_assert_int_eq(sweep(1000, 500), -1); /* there is none */
    a = open_at(0, "a");
    ck_assert_uint_eq(open_at(1, "a"), a);
    ck_assert_int_gt(sweep(100000, 500), 0);
    close_at(0, a, 200000);
    ck_assert_int_gt(sweep(300000, 500), 0); /* the other has it */
    close_at(1, a, 300000);
    ck_assert_int_eq(sweep(300000, 500), 500);
    ck_assert_int_eq(sweep(300499, 500), 1);
    ck_assert_uint_eq(open_at(0, "a"), a); /* and it starts again */
    close_at(0, a, 400000);
    ck_assert_int_eq(sweep(400499, 500), 1);
    ck_assert_str_eq(dropped, "");
    ck_assert_int_eq(sweep(400500, 500), -1);
    ck_assert_str_eq(dropped, "a ");
    ck_assert(!shelf_has(&v.stores, a));
    ck_assert_uint_ne(open_at(0, "a"), a);
}
END_TEST

START_TEST(the_dead_have_nothing_open)
{
    uint64_t a = open_at(1, "a");

    seats_free(&v.region->seats, 1);
    ck_assert_int_eq(sweep(5000, 500), 500); /* from now on */
    ck_assert_int_eq(sweep(5499, 500), 1);
    seats_give(&v.region->seats, 1); /* who comes next does not have it */
    ck_assert_int_eq(sweep(5500, 500), -1);
    ck_assert_str_eq(dropped, "a ");
    ck_assert(!shelf_has(&v.stores, a));
}
END_TEST

START_TEST(what_a_dropped_store_held_is_room_for_others)
{
    const struct shelf_seeds seeds = {{1, 2}};
    struct shelf_hand h = hand(0, 1000);
    uint64_t n[2] = {0, 0};

    for (int round = 0; round < 2; round++) {
        const uint64_t id = open_at(0, "a");
        for (uint64_t i = 0; i < 100000; i++) {
            const uint64_t key = i + ((uint64_t)round << 32);
            struct shelf_name name =
                shelf_hash(&seeds, (et_str){(const char *)&key, sizeof key});
            int64_t value;
            n[round] +=
                number_add(&v.numbers, &h, &name, id, 1, 0, &value) == 0;
        }
        close_at(0, id, 1000);
        ck_assert_int_eq(sweep(9999999, 0), -1);
    }
    ck_assert_uint_gt(n[0], 5000);
    ck_assert_uint_gt(n[1], n[0] - 10);
}
END_TEST

START_TEST(there_is_a_bound_on_stores)
{
    char label[16] = "";
    uint64_t id, n = 0;

    do {
        snprintf(label, sizeof label, "%u", (unsigned)n);
        id = open_at(0, label);
        n += id != 0;
    } while (id != 0);
    ck_assert_uint_eq(n, VAULT_STORES_MAX);
    ck_assert_uint_ne(open_at(0, "17"), 0);
    seats_free(&v.region->seats, 0);
    seats_give(&v.region->seats, 0);
    ck_assert_int_eq(sweep(5000, 0), -1);
    ck_assert_uint_ne(open_at(0, "new"), 0);
}
END_TEST

static void *
open_and_close(void *arg)
{
    const uint32_t seat = *(uint32_t *)arg;

    for (int i = 0; i < 5000; i++) {
        uint64_t id = open_at(seat, "a");
        UNIT_HOLDS(id != 0);
        UNIT_HOLDS(shelf_has(&v.stores, id)); /* it cannot go while it is */
        close_at(seat, id, 1000);
    }
    return NULL;
}

static void
note_not(et_str label)
{
    (void)label;
}

START_TEST(no_store_is_dropped_while_it_is_open)
{
    uint32_t seats[2] = {0, 1};
    pthread_t threads[2];
    struct shelf_hand h;

    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, open_and_close, &seats[i]);
    for (int i = 0; i < 20000; i++) {
        h = hand(0, 1000);
        (void)vault_sweep(&v, &h, 0, note_not);
        i += 19;
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

UNIT_MAIN_IN(begin, end, vault, a_store_is_found_by_its_label,
             a_store_goes_when_nobody_has_it_open_for_long,
             the_dead_have_nothing_open,
             what_a_dropped_store_held_is_room_for_others,
             there_is_a_bound_on_stores, no_store_is_dropped_while_it_is_open)
