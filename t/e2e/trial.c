/* SPDX-License-Identifier: BSD-2-Clause */
/* trial.c - what goes wrong with a configuration has gone wrong in a process
 * that serves nothing, before anybody is to serve it.
 * tags: epoll asan */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
#define GET(path)                                                              \
    "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static struct server s;

/* A reload fails, says why, and the process that serves has not noticed. */
static void
refused(const char *ini, const char *why)
{
    pid_t server = server_pid(&s);
    size_t seen = s.log_seen;

    server_write(&s, ini);
    ck_assert_int_eq(server_reload(&s), 0);
    s.log_seen = seen;
    server_wait_log(&s, why);
    server_wait_log(&s, "generation 1 goes on");
    ck_assert_int_eq(server_pid(&s), server);
    client_once(&s, GET("/life"), 200, "one");
}

START_TEST(an_error_is_the_reload_s)
{
    server_start(&s, SERVER "metrics = /metrics\n[plugin life]\nsay = one\n");
    refused(SERVER "[plugin life]\nfail = open\n", "told to fail in open");
    ck_assert(server_has_log(&s, "etude.ini:"));
    refused(SERVER "[plugin life]\nfail = init\n",
            "plugin life on worker 0: told to fail in init");
    /* None of it came so far as to be open in the process that serves. */
    ck_assert_int_eq(server_count_log(&s, "life: open "), 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(one_that_takes_too_long_is_given_up)
{
    server_start(&s, SERVER "probe_timeout = 3s\n[plugin life]\nsay = one\n"
                            "[plugin keeper]\n");
    refused(SERVER "[plugin life]\nsay = one\n[plugin keeper]\ninit_ms = 50s\n",
            "the trial load took longer than 3000 ms (probe_timeout)");
    if (!server_is_sanitized()) /* no fault is taken there */
        ck_assert(server_has_log(&s, "(probe_timeout): worker init of keeper "
                                     "(plugin org.etude.test.keeper 1.0.0)"));
    ck_assert(!server_has_log(&s, "1.0.0): SIGABRT")); /* that is ours */
    ck_assert_int_eq(server_reload(&s), 0); /* and the next one is tried anew */
    server_write(&s, SERVER "[plugin life]\nsay = two\n");
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/life"), 200, "two");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What was tried is what is served, whatever stands there by then. */
START_TEST(the_very_bytes_are_served)
{
    char path[160];
    size_t seen;

    server_start(&s, SERVER "[plugin life]\nsay = one\n");
    server_write(&s, SERVER "[plugin life]\nsay = two\n"
                            "[plugin keeper]\ninit_ms = 500ms\n");
    seen = s.log_seen;
    server_signal(&s, SIGHUP);
    /* Its trial takes a while: these come after it has read. */
    server_wait_log(&s, "init takes its time");
    server_write(&s, "[server]\nnonsense = 1\n");
    snprintf(path, sizeof path, "%s/life.so", s.modules);
    ck_assert_int_eq(truncate(path, 100), 0);
    s.log_seen = seen;
    server_wait_log(&s, "reload: generation 2 serves");
    client_once(&s, GET("/life"), 200, "two");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_first_start_is_tried_too)
{
    server_prepare(&s, SERVER "probe_timeout = 300ms\n[plugin keeper]\n"
                              "init_ms = 50s\n");
    ck_assert_int_eq(server_launch(&s), 78);
    ck_assert(server_has_log(&s, "the trial load took longer than 300 ms"));
    server_write(&s, SERVER "[plugin life]\nfail = init\n");
    ck_assert_int_eq(server_launch(&s), 78);
    ck_assert(server_has_log(&s, "told to fail in init"));
    ck_assert_int_eq(server_count_log(&s, "life: open "), 0);
    server_clean(&s);
}
END_TEST

START_TEST(a_stop_ends_a_trial)
{
    server_start(&s, SERVER "[plugin life]\nsay = one\n");
    server_write(&s, SERVER "[plugin keeper]\ninit_ms = 50s\n");
    server_signal(&s, SIGHUP);
    usleep(100000); /* it has begun, or it has not: either will do */
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(without_one_it_is_tried_by_who_serves)
{
    server_start(&s, SERVER "probe_timeout = 0\n[plugin life]\nsay = one\n");
    server_write(&s, SERVER "probe_timeout = 0\n[plugin life]\nfail = init\n");
    ck_assert_int_eq(server_reload(&s), 0);
    ck_assert_int_gt(server_count_log(&s, "life: open "), 1);
    client_once(&s, GET("/life"), 200, "one");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(trial, an_error_is_the_reload_s, one_that_takes_too_long_is_given_up,
          the_very_bytes_are_served, a_first_start_is_tried_too,
          a_stop_ends_a_trial, without_one_it_is_tried_by_who_serves)
