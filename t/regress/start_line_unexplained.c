/* SPDX-License-Identifier: BSD-2-Clause */
/* start_line_unexplained.c - the line that says what was chosen did not say why
 * slab_capacity and body_memory_total are what they are, nor named the event
 * backend; room for a handful of connections was no warning. */
/* tags: epoll */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "t/lib/deny.h"
#include "t/lib/server.h"
#include "t/lib/unit.h"

static struct server s;
static char out[1024];

/* It serves, but each worker holds only some connections. */
START_TEST(few_descriptors_are_a_warning_with_the_number)
{
    struct rlimit few = {300, 300};

    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n");
    server_wait_log(&s, "warn  slab_capacity = 22: each of 2 workers holds no "
                        "more connections than that, since RLIMIT_NOFILE is "
                        "300 ");
    server_wait_log(&s, "slab_capacity = 22 (RLIMIT_NOFILE is 300)");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(the_start_line_says_why)
{
    char event[64];

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
                     "slab_capacity = 99\nbody_memory_total = 1m\n"
                     "pin = no\n");
    snprintf(event, sizeof event, "event = %s (configured)", server_event());
    strcpy(out, server_wait_log(&s, "workers = 2 (configured)"));
    ck_assert_msg(strstr(out, event), "%s", out);
    ck_assert(strstr(out, "pin = no (configured)"));
    ck_assert(strstr(out, "slab_capacity = 99 (configured)"));
    ck_assert(strstr(out, "body_memory_total = 1048576 (configured)"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(and_what_auto_fell_back_from)
{
    ck_assert_int_eq(deny_call(SYS_io_uring_setup, EPERM), 0);
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nevent = auto\n");
    strcpy(out, server_wait_log(&s, "workers = "));
    ck_assert_msg(
        strstr(out, "event = epoll (auto: io_uring: Operation not permitted"),
        "%s", out);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(start_line_unexplained, few_descriptors_are_a_warning_with_the_number,
          the_start_line_says_why, and_what_auto_fell_back_from)
