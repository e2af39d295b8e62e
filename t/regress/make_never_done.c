/* SPDX-License-Identifier: BSD-2-Clause */
/* make_never_done.c - `make -q` found something to do right after `make`: the
 * list of core's files was a target that is always remade.
 *
 * Runs make in the source tree, where all is built before a test runs.
 * tags: plain */
#include <stdio.h>

#include "t/lib/fixture.h"
#include "t/lib/unit.h"

START_TEST(after_make_there_is_nothing_to_do)
{
    char command[PATH_MAX + 100];

    snprintf(command, sizeof command,
             "env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS make -qs -C %s/.. all",
             fixture_sources());
    ck_assert_int_eq(fixture_run(command), 0);
}
END_TEST

UNIT_MAIN(make_never_done, after_make_there_is_nothing_to_do)
