/* SPDX-License-Identifier: BSD-2-Clause */
/* quarantine.c - everything at once, with a plugin that is put in quarantine.
 */
#include "t/lib/soak.h"

#define UNIT_SECONDS 900
#include "t/lib/unit.h"

START_TEST(nothing_is_lost_while_all_goes_wrong)
{
    soak_run(3);
}
END_TEST

UNIT_MAIN(quarantine, nothing_is_lost_while_all_goes_wrong)
