/* SPDX-License-Identifier: BSD-2-Clause */
/* tls_calm.c - new keys come now and then, and not for ever.
 * tags: asan */
#include "conn/tls_calm.h"

#include "t/lib/unit.h"

#define LATE                                                                   \
    ((uint64_t)UINT32_MAX - 5000) /* the low bits come to their end            \
                                   */

static struct tls_calm k;

/* How many come one by one at that time until it is too many. */
static uint32_t
many(uint64_t now_ms)
{
    uint32_t n = 0;

    while (n < 10000 && tls_calm_take(&k, 1, now_ms) == 0)
        n++;
    return n;
}

START_TEST(some_come_at_once)
{
    k = (struct tls_calm){0};
    ck_assert_uint_eq(many(LATE), TLS_CALM_UPDATES - 1);
    k = (struct tls_calm){0};
    ck_assert_int_eq(tls_calm_take(&k, TLS_CALM_UPDATES, LATE), -1);
}
END_TEST

START_TEST(time_forgets_them)
{
    k = (struct tls_calm){0};
    (void)many(LATE);
    ck_assert_uint_eq(many(LATE + TLS_CALM_REFILL_MS / 2),
                      TLS_CALM_UPDATES / 2);
    ck_assert_uint_eq(many(LATE + 10 * TLS_CALM_REFILL_MS),
                      TLS_CALM_UPDATES - 1);
}
END_TEST

/* However often it is looked at. */
START_TEST(no_part_of_the_time_is_lost)
{
    uint32_t n = 0;

    k = (struct tls_calm){0};
    (void)many(LATE);
    for (uint64_t t = 1; t <= TLS_CALM_REFILL_MS; t++)
        n += many(LATE + t);
    ck_assert_uint_eq(n, TLS_CALM_UPDATES);
}
END_TEST

START_TEST(who_has_a_use_for_them_goes_on)
{
    k = (struct tls_calm){0};
    for (uint64_t i = 0; i < 100000; i++)
        ck_assert_int_eq(tls_calm_take(&k, 1, LATE + i * TLS_CALM_STEP_MS), 0);
}
END_TEST

UNIT_MAIN(tls_calm, some_come_at_once, time_forgets_them,
          no_part_of_the_time_is_lost, who_has_a_use_for_them_goes_on)
