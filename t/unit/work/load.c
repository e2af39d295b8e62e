/* SPDX-License-Identifier: BSD-2-Clause */
/* load.c - tests of work/load.h; the test owns the clock. */
#include "work/load.h"

#include "t/lib/unit.h"

#define MS UINT64_C(1000000)

static struct load l;
static uint64_t now = 1000 * MS;
static int n_windows;

/* A turn that works for work_ms and then waits. */
static void
turn(uint64_t work_ms, uint64_t wait_ms)
{
    load_begin(&l, now);
    now += work_ms * MS;
    n_windows += load_end(&l, now);
    now += wait_ms * MS;
}

START_TEST(share_is_the_part_that_was_work)
{
    turn(0, 0); /* the first one only begins the first window */
    for (int i = 0; i < 12; i++)
        turn(3, 7);
    ck_assert_int_eq(n_windows, 1);
    ck_assert_uint_gt(l.share, 250);
    ck_assert_uint_lt(l.share, 350);
    ck_assert_uint_eq(load_seen(&l, now), l.share);
    for (int i = 0; i < 25; i++)
        turn(10, 0);
    ck_assert_uint_eq(l.share, LOAD_ALL);
}
END_TEST

START_TEST(a_turn_longer_than_windows_is_all_busy)
{
    turn(0, 0);
    turn(1000, 0);
    ck_assert_int_eq(n_windows, 1);
    ck_assert_uint_eq(l.share, LOAD_ALL);
}
END_TEST

START_TEST(who_sleeps_is_seen_idle_and_who_is_stuck_busy)
{
    turn(0, 0);
    for (int i = 0; i < 12; i++)
        turn(9, 1);
    ck_assert_uint_gt(load_seen(&l, now), 800);
    ck_assert_uint_eq(load_seen(&l, now + 1000 * MS), 0);
    now += 5000 * MS;
    load_begin(&l, now);
    ck_assert_uint_eq(load_seen(&l, now + 50 * MS), 0);
    ck_assert_uint_eq(load_seen(&l, now + 200 * MS), LOAD_ALL);
}
END_TEST

START_TEST(lag_is_what_a_turn_took)
{
    turn(0, 0);
    turn(80, 0);
    load_begin(&l, now);
    ck_assert_uint_eq(l.lag_ns, 80 * MS);
}
END_TEST

START_TEST(lag_falls_slowly_under_short_turns)
{
    turn(0, 0);
    turn(80, 0);
    turn(1, 0);
    ck_assert_uint_eq(l.lag_ns, 60 * MS);
    turn(1, 0);
    ck_assert_uint_eq(l.lag_ns, 45 * MS);
}
END_TEST

START_TEST(and_at_once_when_there_is_nothing_to_do)
{
    turn(0, 0);
    turn(80, 79);
    load_begin(&l, now);
    ck_assert_uint_eq(l.lag_ns, 1 * MS);
    (void)load_end(&l, now);
    now += 10 * MS;
    load_begin(&l, now);
    ck_assert_uint_eq(l.lag_ns, 0);
}
END_TEST

UNIT_MAIN(load, share_is_the_part_that_was_work,
          a_turn_longer_than_windows_is_all_busy,
          who_sleeps_is_seen_idle_and_who_is_stuck_busy,
          lag_is_what_a_turn_took, lag_falls_slowly_under_short_turns,
          and_at_once_when_there_is_nothing_to_do)
