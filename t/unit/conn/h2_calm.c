/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_calm.c - what a client may have us do for nothing has a bound, and what is
 * of use has none.
 * tags: asan */
#include "conn/h2_calm.h"

#include "t/lib/unit.h"

static struct h2_calm k;

/* How many can be taken at that time. */
static uint32_t
frames(uint64_t now_ms)
{
    uint32_t n = 0;

    while (h2_calm_frame(&k, now_ms) == 0)
        n++;
    return n;
}

static uint32_t
resets(uint64_t now_ms)
{
    uint32_t n = 0;

    while (h2_calm_reset(&k, now_ms) == 0)
        n++;
    return n;
}

START_TEST(each_has_a_purse_of_its_own)
{
    h2_calm_init(&k, 1000);
    ck_assert_uint_eq(frames(1000), H2_CALM_FRAMES);
    ck_assert_uint_eq(resets(1000), H2_CALM_RESETS);
    ck_assert_uint_eq(frames(1000), 0);
}
END_TEST

START_TEST(time_fills_them)
{
    h2_calm_init(&k, 1000);
    ck_assert_uint_eq(frames(1000), H2_CALM_FRAMES);
    ck_assert_uint_eq(resets(1000), H2_CALM_RESETS);
    ck_assert_uint_eq(resets(1000 + H2_CALM_REFILL_MS / 2), H2_CALM_RESETS / 2);
    ck_assert_uint_eq(frames(1000 + H2_CALM_REFILL_MS / 2), H2_CALM_FRAMES / 2);
    ck_assert_uint_eq(frames(1u << 30), H2_CALM_FRAMES);
    ck_assert_uint_eq(resets(1u << 30), H2_CALM_RESETS);
}
END_TEST

/* However often it is looked at. */
START_TEST(no_part_of_the_time_is_lost)
{
    uint32_t n = 0;

    h2_calm_init(&k, 0);
    ck_assert_uint_eq(resets(0), H2_CALM_RESETS);
    for (uint64_t t = 1; t <= H2_CALM_REFILL_MS; t++)
        n += resets(t);
    ck_assert_uint_eq(n, H2_CALM_RESETS);
}
END_TEST

START_TEST(so_does_what_is_useful)
{
    h2_calm_init(&k, 0);
    for (int i = 0; i < 100000; i++) {
        h2_calm_useful(&k);
        ck_assert_int_eq(h2_calm_reset(&k, 0), 0);
        ck_assert_int_eq(h2_calm_frame(&k, 0), 0);
        ck_assert_int_eq(h2_calm_frame(&k, 0), 0);
    }
    ck_assert_uint_le(frames(0), H2_CALM_FRAMES);
}
END_TEST

static uint32_t
updates(void)
{
    uint32_t n = 0;

    while (h2_calm_update(&k, 0) == 0)
        n++;
    return n;
}

/* They are nobody else's, and more of them are frames like others. */
START_TEST(a_message_pays_for_two_updates)
{
    h2_calm_init(&k, 0);
    ck_assert_uint_eq(frames(0), H2_CALM_FRAMES);
    h2_calm_message(&k, 1);
    ck_assert_uint_eq(frames(0), 0);
    ck_assert_uint_eq(updates(), 2);
    for (int i = 0; i < 100000; i++)
        h2_calm_message(&k, 1);
    ck_assert_uint_eq(updates(), H2_CALM_UPDATES);
    h2_calm_init(&k, 0);
    ck_assert_uint_eq(updates(), H2_CALM_FRAMES);
}
END_TEST

UNIT_MAIN(h2_calm, each_has_a_purse_of_its_own, time_fills_them,
          no_part_of_the_time_is_lost, so_does_what_is_useful,
          a_message_pays_for_two_updates)
