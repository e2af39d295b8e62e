/* SPDX-License-Identifier: BSD-2-Clause */
/* debug_line_lost.c - what reading the configuration has to say at level debug
 * was lost at the start, since log_level was not yet known. */
#include <stdlib.h>

#include "t/lib/server.h"
#include "t/lib/unit.h"

START_TEST(an_ignored_variable_is_told_at_the_start)
{
    struct server s;

    setenv("ETUDE_PORT", "tcp://192.0.2.1:80", 1);
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nlog_level = debug\n");
    server_wait_log(&s, "debug ETUDE_PORT names no key of [server]: ignored");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(but_not_by_a_check_nor_at_another_level)
{
    const char *const check[] = {"-t", NULL};
    struct server s;
    char out[4096];

    setenv("ETUDE_PORT", "tcp://192.0.2.1:80", 1);
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n");
    ck_assert_int_eq(server_run(&s, check, out, sizeof out), 0);
    ck_assert_ptr_null(strstr(out, "ETUDE_PORT"));
    server_reload(&s);
    ck_assert(!server_has_log(&s, "ETUDE_PORT"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(debug_line_lost, an_ignored_variable_is_told_at_the_start,
          but_not_by_a_check_nor_at_another_level)
