/* SPDX-License-Identifier: BSD-2-Clause */
/* due.c - what is due first, against a plain search. */
/* tags: asan */
#include "base/due.h"

#include <stdlib.h>
#include <string.h>

#include "t/lib/unit.h"

#define N 200u

static struct due_item items[N];
static uint32_t places[N];
static uint64_t times[N]; /* the model; 0: never */

static void
expect_model(const struct due *d)
{
    uint64_t soonest = UINT64_MAX, at = 0;
    uint32_t n = 0, what = due_first(d, &at);

    for (uint32_t i = 0; i < N; i++) {
        if (times[i] == 0)
            continue;
        n++;
        if (times[i] < soonest)
            soonest = times[i];
    }
    ck_assert_uint_eq(d->n, n);
    if (n == 0) {
        ck_assert_uint_eq(what, DUE_NONE);
        return;
    }
    ck_assert_uint_lt(what, N);
    ck_assert_uint_eq(at, soonest);
    ck_assert_uint_eq(times[what], soonest);
}

START_TEST(the_first_is_the_one_a_search_finds)
{
    struct due d;

    srand(1);
    due_init(&d, items, places);
    expect_model(&d);
    for (int i = 0; i < 20000; i++) {
        uint32_t what = (uint32_t)rand() % N;
        if (rand() % 3 == 0) {
            due_drop(&d, what);
            times[what] = 0;
        } else {
            times[what] = 1 + (uint64_t)(rand() % 500);
            due_set(&d, what, times[what]);
        }
        expect_model(&d);
    }
}
END_TEST

START_TEST(they_come_in_order)
{
    struct due d;
    uint64_t last = 0, at;

    due_init(&d, items, places);
    for (uint32_t i = 0; i < N; i++)
        due_set(&d, i, (uint64_t)(i * 7919 % 101));
    for (uint32_t i = 0; i < N; i++) {
        uint32_t what = due_first(&d, &at);
        ck_assert_uint_ge(at, last);
        last = at;
        due_drop(&d, what);
        due_drop(&d, what);
    }
    ck_assert_uint_eq(due_first(&d, &at), DUE_NONE);
}
END_TEST

UNIT_MAIN(due, the_first_is_the_one_a_search_finds, they_come_in_order)
