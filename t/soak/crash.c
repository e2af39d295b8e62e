/* SPDX-License-Identifier: BSD-2-Clause */
/* crash.c - everything at once, with a plugin that may crash for ever. */
#include "t/lib/soak.h"

#define UNIT_SECONDS 900
#include "t/lib/unit.h"

START_TEST(nothing_is_lost_while_all_goes_wrong)
{
    soak_run(0);
}
END_TEST

UNIT_MAIN(crash, nothing_is_lost_while_all_goes_wrong)
