/* SPDX-License-Identifier: BSD-2-Clause */
/* later.c - steps that wait: who wakes them, who gives them up, and what their
 * connections and generations do meanwhile.
 * tags: epoll asan tsan */
#include <signal.h>
#include <stdio.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(more)                                                           \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmetrics = /metrics\n" more   \
    "\n[plugin later]\n"

static struct server s;

static int
count(const char *what)
{
    return tally(&s, GET("/later/count"), what);
}

static void
wait_count(const char *what, int n)
{
    tally_wait(&s, GET("/later/count"), what, n);
}

/* A connection on which that has been asked, and waits; the nth that does. */
static struct client
ask(const char *request, int nth)
{
    struct client c = client_open(&s);

    client_puts(&c, request);
    wait_count("held", nth);
    return c;
}

static void
take(struct client *c, int status, const char *body)
{
    client_take(c, 0, status, body);
}

/* ---- woken ---------------------------------------------------------------*/

START_TEST(it_goes_on_when_another_request_says_so)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask(GET("/later/hold/1"), 1);
    ck_assert(client_is_quiet(&c, 50));
    client_once(&s, GET("/later/wake/1?rc=7"), 200, "0");
    take(&c, 200, "woken with 7");
    client_once(&s, GET("/later/wake/1"), 200, "-2"); /* ET_ESTALE */
    client_expect(&c, GET("/later/none"), 500, NULL); /* it is kept alive */
    server_wait_log(&s, "returned 2, which waits for nothing");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(or_a_thread_of_the_plugin_s)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask(GET("/later/hold/2"), 1);
    client_once(&s, GET("/later/thread/2"), 200, "begun");
    take(&c, 200, "woken with 4711");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(it_may_be_woken_before_it_waits_and_wait_again)
{
    struct client c;

    server_start(&s, SERVER(""));
    client_once(&s, GET("/later/inline"), 200, "woken with 5");
    client_once(&s, GET("/later/inline?as=done"), 200, "it did not wait");
    ck_assert_int_eq(count("resumed"), 1);
    c = ask(GET("/later/again/3"), 1);
    client_once(&s, GET("/later/wake/3?rc=1"), 200, "0");
    wait_count("held", 2);
    client_once(&s, GET("/later/wake/3?rc=2"), 200, "0");
    take(&c, 200, "woken with 2");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_is_pipelined_behind_it_is_answered_in_its_turn)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask(GET("/later/inline") GET("/later/hold/4") GET("/later/inline?as=x"),
            1);
    take(&c, 200, "woken with 5");
    ck_assert(client_is_quiet(&c, 50));
    client_puts(&c, GET("/later/hold/5"));
    client_once(&s, GET("/later/wake/4?rc=4"), 200, "0");
    take(&c, 200, "woken with 4");
    take(&c, 200, "it did not wait");
    wait_count("held", 2);
    client_once(&s, GET("/later/wake/5?rc=5"), 200, "0");
    take(&c, 200, "woken with 5");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(no_more_wait_than_may)
{
    struct client c, d;

    server_start(&s, SERVER("max_waits = 2"));
    c = ask(GET("/later/hold/1"), 1);
    d = ask(GET("/later/hold/2"), 2);
    client_once(&s, GET("/later/hold/3"), 503, NULL);
    ck_assert_int_eq(tally_figure(&s, "waits_refused_total"), 1);
    client_once(&s, GET("/later/wake/1?rc=1"), 200, "0");
    take(&c, 200, "woken with 1");
    client_expect(&c, GET("/later/inline"), 200, "woken with 5");
    client_close(&c);
    client_close(&d);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- given up ------------------------------------------------------------*/

START_TEST(whose_time_is_over_gets_504)
{
    struct client c;

    server_start(&s, SERVER("wait_timeout = 20ms"));
    client_once(&s, GET("/later/hold/1?ms=30"), 504, NULL);
    client_once(&s, GET("/later/wake/1"), 200, "-2");
    client_once(&s, GET("/later/hold/1"), 504, NULL);
    ck_assert_int_eq(count("late"), 2);
    c = ask(GET("/later/hold/1?ms=60000"), 3); /* longer than the setting */
    ck_assert(client_is_quiet(&c, 100));
    client_once(&s, GET("/later/wake/1?rc=3"), 200, "0");
    take(&c, 200, "woken with 3");
    ck_assert_int_eq(count("resumed"), 1);
    ck_assert_int_eq(count("cancelled"), 0);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(whose_client_has_gone_is_cancelled_once)
{
    struct client c;

    if (transport_here()->is_h2) /* half of a connection does not go */
        return;
    server_start(&s, SERVER(""));
    c = ask(GET("/later/hold/1"), 1);
    client_close(&c);
    wait_count("cancelled", 1);
    client_once(&s, GET("/later/wake/1"), 200, "-2");
    c = ask(GET("/later/hold/2"), 2); /* half of it is gone: that, too */
    client_shut(&c);
    wait_count("cancelled", 2);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    c = ask("POST /later/hold/1 HTTP/1.1\r\nHost: x\r\nContent-Length: "
            "9\r\n\r\n" GET("/later/hold/3"),
            2 /* 405: not held */);
    client_close(&c);
    ck_assert_int_eq(count("resumed"), 0);
    ck_assert_int_eq(count("late"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- jobs ----------------------------------------------------------------*/

START_TEST(a_job_does_not_hold_the_worker)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask(GET("/later/job/1"), 1);
    wait_count("jobs", 1);
    client_once(&s, GET("/later/inline"), 200, "woken with 5");
    client_once(&s, GET("/later/go/1?rc=-9"), 200, "gone");
    take(&c, 200, "job -9");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_full_queue_is_told)
{
    struct client c[4];

    server_start(&s, SERVER("pool_threads = 1\npool_queue = 2"));
    c[0] = ask(GET("/later/job/0"), 1);
    wait_count("jobs", 1); /* it runs */
    c[1] = ask(GET("/later/job/1"), 2);
    c[2] = ask(GET("/later/job/2"), 3);
    client_once(&s, GET("/later/job/3"), 503, NULL); /* ET_ELIMIT */
    ck_assert_int_eq(tally_figure(&s, "jobs_refused_total"), 1);
    client_close(&c[1]); /* it is taken out of the queue */
    wait_count("cancelled", 1);
    c[3] = ask(GET("/later/job/3"), 4);
    for (int i = 0; i < 4; i++) {
        char go[64];
        snprintf(go, sizeof go,
                 "GET /later/go/%d?rc=%d HTTP/1.1\r\nHost: x\r\n\r\n", i, i);
        client_once(&s, go, 200, "gone");
    }
    take(&c[0], 200, "job 0");
    take(&c[2], 200, "job 2");
    take(&c[3], 200, "job 3");
    ck_assert_int_eq(count("jobs"), 3);
    client_close(&c[0]);
    client_close(&c[2]);
    client_close(&c[3]);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_job_that_runs_outlives_its_client)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask(GET("/later/job/1"), 1);
    wait_count("jobs", 1);
    client_close(&c);
    wait_count("cancelled", 1);
    client_once(&s, GET("/later/go/1?rc=1"), 200, "gone");
    ck_assert_int_eq(server_stop(&s), 0); /* and is waited for */
}
END_TEST

START_TEST(an_answer_waits_for_a_job_it_did_not_wait_for)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask(GET("/later/done/1"), 1);
    wait_count("jobs", 1);
    ck_assert(client_is_quiet(&c, 50));
    client_once(&s, GET("/later/go/1?rc=1"), 200, "gone");
    take(&c, 200, "answered at once");
    client_close(&c);
    c = ask(GET("/later/done/2"), 2);
    wait_count("jobs", 2);
    client_close(&c); /* nobody waits, nobody is cancelled */
    client_once(&s, GET("/later/go/2?rc=1"), 200, "gone");
    ck_assert_int_eq(count("resumed"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- around others -------------------------------------------------------*/

START_TEST(middleware_may_wait_on_both_ways)
{
    struct client c;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "[plugin later]\n[plugin both]\nmodule = later.so\n"
                     "request = 1\nresponse = 2\nmount = /none\n"
                     "[plugin answers]\nuse = both\n");
    c = ask(GET("/mem/5"), 1);
    ck_assert(client_is_quiet(&c, 50));
    client_once(&s, GET("/later/wake/1"), 200, "0");
    wait_count("held", 2);
    ck_assert(client_is_quiet(&c, 50));
    client_once(&s, GET("/later/wake/2"), 200, "0");
    take(&c, 200, NULL);
    ck_assert_int_eq(count("resumed"), 2);
    client_puts(&c, GET("/mem/5"));
    wait_count("held", 3);
    client_once(&s, GET("/later/wake/1?rc=403"), 200, "0");
    wait_count("held", 4); /* its own response step sees its answer */
    client_once(&s, GET("/later/wake/2"), 200, "0");
    take(&c, 403, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What a step has begun and thought better of is nobody else's: a task behind
 * it waits as ever, and another step may. */
START_TEST(what_one_step_has_left_another_does_not_find)
{
    struct client c;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "pool_threads = 1\n[plugin later]\n"
                     "[plugin left]\nmodule = later.so\nrequest = 1\n"
                     "response = 2\npasses = yes\nmount = /none\n"
                     "[plugin task]\nuse = left\n");
    c = ask(GET("/task/sleep/100"), 1); /* its response step waits */
    client_once(&s, GET("/later/go/1"), 200, "gone");
    client_once(&s, GET("/later/wake/2"), 200, "0");
    take(&c, 200, "slept");
    client_puts(&c, GET("/task/plain"));
    client_once(&s, GET("/later/go/1"), 200, "gone");
    wait_count("held", 2);
    client_once(&s, GET("/later/wake/2"), 200, "0");
    take(&c, 200, "-3");
    ck_assert_int_eq(count("late"), 0);
    ck_assert_int_eq(count("cancelled"), 0);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(it_stays_with_its_generation)
{
    struct client c, job;

    server_start(&s, SERVER(""));
    c = ask(GET("/later/hold/1"), 1);
    job = ask(GET("/later/job/2"), 2);
    wait_count("jobs", 1);
    client_close(&job);
    wait_count("cancelled", 1);
    server_write(&s, SERVER("") "[plugin answers]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/later/wake/1?rc=2"), 200, "0");
    take(&c, 200, "woken with 2");
    client_close(&c);
    client_once(&s, GET("/later/go/2"), 200, "gone");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_stop_waits_for_it_and_then_gives_it_up)
{
    struct client c, d;

    if (transport_here()->is_h2) /* no request behind GOAWAY */
        return;
    server_start(&s, SERVER("drain_timeout = 10s"));
    c = ask(GET("/later/hold/1"), 1);
    d = client_open(&s);
    client_expect(&d, GET("/later/inline"), 200, NULL);
    client_puts(&d, "GET /later/wa"); /* in the middle of a request */
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "stopping");
    client_puts(&d, "ke/1?rc=8 HTTP/1.1\r\nHost: x\r\n\r\n");
    take(&d, 200, "0");
    take(&c, 200, "woken with 8");
    client_close(&c);
    client_close(&d);
    ck_assert_int_eq(server_wait(&s), 0);

    server_start(&s, SERVER("drain_timeout = 200ms"));
    c = ask(GET("/later/hold/1"), 1);
    server_signal(&s, SIGTERM);
    take(&c, 503, NULL);
    client_close(&c);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

UNIT_MAIN(later, it_goes_on_when_another_request_says_so,
          or_a_thread_of_the_plugin_s,
          it_may_be_woken_before_it_waits_and_wait_again,
          what_is_pipelined_behind_it_is_answered_in_its_turn,
          no_more_wait_than_may, whose_time_is_over_gets_504,
          whose_client_has_gone_is_cancelled_once,
          a_job_does_not_hold_the_worker, a_full_queue_is_told,
          a_job_that_runs_outlives_its_client,
          an_answer_waits_for_a_job_it_did_not_wait_for,
          middleware_may_wait_on_both_ways,
          what_one_step_has_left_another_does_not_find,
          it_stays_with_its_generation,
          a_stop_waits_for_it_and_then_gives_it_up)
