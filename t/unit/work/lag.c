/* SPDX-License-Identifier: BSD-2-Clause */
/* lag.c - tests of work/lag.h. */
#include "work/lag.h"

#include "t/lib/unit.h"

#define MS UINT64_C(1000000)
#define WINDOW ((uint64_t)LAG_WINDOW_NS)

START_TEST(the_longest_turn_counts_and_short_ones_do_not)
{
    struct lag l = {0};

    ck_assert_uint_eq(lag_worst_ns(&l, 0), 0);
    lag_end_turn(&l, 50 * MS, 50 * MS + MS - 1);
    lag_end_turn(&l, 50 * MS, 46 * MS); /* the clock may be slow */
    ck_assert_uint_eq(lag_worst_ns(&l, 60 * MS), 0);
    lag_end_turn(&l, 60 * MS, 65 * MS);
    lag_end_turn(&l, 70 * MS, 78 * MS);
    lag_end_turn(&l, 80 * MS, 82 * MS);
    ck_assert_uint_eq(lag_worst_ns(&l, 90 * MS), 8 * MS);
}
END_TEST

START_TEST(it_is_forgotten_after_one_or_two_windows)
{
    struct lag l = {0};

    lag_end_turn(&l, WINDOW - 10 * MS, WINDOW - 1 * MS);
    ck_assert_uint_eq(lag_worst_ns(&l, 2 * WINDOW - 1), 9 * MS);
    ck_assert_uint_eq(lag_worst_ns(&l, 2 * WINDOW), 0);
    lag_end_turn(&l, WINDOW, WINDOW + 2 * MS);
    ck_assert_uint_eq(lag_worst_ns(&l, WINDOW + 3 * MS), 9 * MS);
    ck_assert_uint_eq(lag_worst_ns(&l, 2 * WINDOW), 2 * MS);
    lag_end_turn(&l, 2 * WINDOW, 2 * WINDOW + 1 * MS); /* the first's place */
    ck_assert_uint_eq(lag_worst_ns(&l, 3 * WINDOW), 1 * MS);
    ck_assert_uint_eq(lag_worst_ns(&l, 4 * WINDOW), 0);
}
END_TEST

START_TEST(a_turn_that_lasts_counts_with_its_age)
{
    struct lag l = {0};

    lag_begin_turn(&l, 50 * MS);
    ck_assert_uint_eq(lag_worst_ns(&l, 49 * MS), 0); /* read before it began */
    ck_assert_uint_eq(lag_worst_ns(&l, 51 * MS - 1), 0);
    ck_assert_uint_eq(lag_worst_ns(&l, 51 * MS), 1 * MS);
    ck_assert_uint_eq(lag_worst_ns(&l, 9 * WINDOW), 9 * WINDOW - 50 * MS);
    lag_end_turn(&l, 50 * MS, 50 * MS);
    ck_assert_uint_eq(lag_worst_ns(&l, 9 * WINDOW), 0); /* it waits */
}
END_TEST

UNIT_MAIN(lag, the_longest_turn_counts_and_short_ones_do_not,
          it_is_forgotten_after_one_or_two_windows,
          a_turn_that_lasts_counts_with_its_age)
