/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* cond.c - conditions by themselves, where the clock is the test's. */
#include "plugins/static/cond.h"

#include "t/lib/unit.h"

#define CHANGED 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define CHANGED_TEXT "Sun, 06 Nov 1994 08:49:37 GMT"

/* May it be a part, if If-Range says so and Date is after_s behind the
 * change? */
static int
may_be_part(const char *if_range, int64_t after_s)
{
    const struct validators v = {et_s("\"tag\""), CHANGED};
    const struct ask a = {.has = ASK_RANGE | ASK_IF_RANGE,
                          .if_range = et_s(if_range)};

    return cond_may_be_part(&a, &v, CHANGED + after_s);
}

START_TEST(a_date_of_this_second_is_not_strong)
{
    ck_assert(!may_be_part(CHANGED_TEXT, 0));
    ck_assert(may_be_part(CHANGED_TEXT, 1));
    ck_assert(may_be_part(CHANGED_TEXT, 86400));
    ck_assert(!may_be_part(CHANGED_TEXT, -1)); /* the clock was put back */
}
END_TEST

START_TEST(only_that_very_date_will_do)
{
    ck_assert(may_be_part("Sun Nov  6 08:49:37 1994", 5));
    ck_assert(!may_be_part("Sun, 06 Nov 1994 08:49:36 GMT", 5));
    ck_assert(!may_be_part("Sun, 06 Nov 1994 08:49:38 GMT", 5));
    ck_assert(!may_be_part("", 5));
}
END_TEST

START_TEST(a_tag_is_strong_at_once)
{
    ck_assert(may_be_part("\"tag\"", 0));
    ck_assert(!may_be_part("W/\"tag\"", 5));
    ck_assert(!may_be_part("\"other\"", 5));
}
END_TEST

UNIT_MAIN(cond, a_date_of_this_second_is_not_strong,
          only_that_very_date_will_do, a_tag_is_strong_at_once)
