/* SPDX-License-Identifier: BSD-2-Clause */
/* trouble.c - tests of base/trouble.h. */
#include "base/trouble.h"
#include "t/lib/unit.h"

START_TEST(it_is_said_once_and_that_it_is_over_once)
{
    struct trouble t = {0};

    ck_assert(!trouble_end(&t));
    ck_assert(trouble_begin(&t, 1000));
    ck_assert(!trouble_begin(&t, 1001));
    ck_assert(!trouble_begin(&t, 1001 + 2 * TROUBLE_QUIET_MS));
    ck_assert(trouble_end(&t));
    ck_assert(!trouble_end(&t));
}
END_TEST

START_TEST(what_comes_and_goes_is_said_now_and_then)
{
    struct trouble t = {0};

    ck_assert(trouble_begin(&t, 1000));
    ck_assert(trouble_end(&t));
    ck_assert(!trouble_begin(&t, 1000 + TROUBLE_QUIET_MS - 1));
    ck_assert(!trouble_end(&t));
    ck_assert(trouble_begin(&t, 1000 + TROUBLE_QUIET_MS));
    ck_assert(trouble_end(&t));
}
END_TEST

UNIT_MAIN(trouble, it_is_said_once_and_that_it_is_over_once,
          what_comes_and_goes_is_said_now_and_then)
