/* SPDX-License-Identifier: BSD-2-Clause */
/* later_crash.c - what waits, or a job, crashes, or takes long: others are
 * served.
 * tags: epoll */
#include <stdio.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static struct server s;

/* It waits, and the server's only worker is free again. */
static struct client
ask(const char *request)
{
    struct client c = client_open(&s);

    client_puts(&c, request);
    client_once(&s, GET("/later/inline"), 200, "woken with 5");
    return c;
}

static void
start(void)
{
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "crash_limit = 0\n[plugin later]\n");
}

START_TEST(a_step_that_crashes_when_it_is_woken)
{
    struct client c;

    start();
    c = ask(GET("/later/crash/1"));
    client_once(&s, GET("/later/wake/1"), 200, "0");
    client_take(&c, 0, 500, NULL);
    client_close(&c);
    server_wait_log(&s, "crash_woken");
    client_once(&s, GET("/later/inline"), 200, "woken with 5");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(or_when_it_is_given_up)
{
    struct client c;

    start();
    c = ask(GET("/later/crash/2"));
    client_close(&c);
    server_wait_log(&s, "crash_cancelled");
    c = ask(GET("/later/crash/2?ms=20"));
    client_take(&c, 0, 504, NULL);
    client_close(&c);
    client_once(&s, GET("/later/inline"), 200, "woken with 5");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_job_that_crashes)
{
    start();
    client_once(&s, GET("/later/die"), 200, "job -9"); /* ET_ECRASH */
    server_wait_log(&s, "callback  job of later");
    client_once(&s, GET("/later/inline"), 200, "woken with 5");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_timer_that_crashes)
{
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "crash_limit = 0\n[plugin ticker]\n");
    client_once(&s, GET("/ticker/crash"), 200, "soon");
    server_wait_log(&s, "callback  timer of ticker");
    client_once(&s, GET("/ticker/arm/1"), 200, "armed");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The second one is named when the first has taken twice as long, which is when
 * any other callback would be given up; the third behind that. */
START_TEST(a_job_that_takes_long_is_named_and_goes_on)
{
    static const char *const jobs[] = {GET("/later/job/1"), GET("/later/job/2"),
                                       GET("/later/job/3")};
    struct client c[3];

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "prepare_timeout = 300ms\nprobe_timeout = 0\n"
                     "[plugin later]\n");
    for (int i = 0; i < 3; i++) {
        c[i] = ask(jobs[i]);
        server_wait_log(&s, "slow: a job holds its thread for ");
        server_wait_log(&s, "callback  job of later");
    }
    for (int i = 0; i < 3; i++) {
        char go[64];

        snprintf(go, sizeof go, GET("/later/go/%d"), i + 1);
        client_once(&s, go, 200, "gone");
        client_take(&c[i], 0, 200, "job 0");
        client_close(&c[i]);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(later_crash, a_timer_that_crashes,
          a_step_that_crashes_when_it_is_woken, or_when_it_is_given_up,
          a_job_that_crashes, a_job_that_takes_long_is_named_and_goes_on)
