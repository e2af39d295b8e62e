/* SPDX-License-Identifier: BSD-2-Clause */
/* task.c - steps on stacks of their own: they wait where they stand, and come
 * to their end whatever happens.
 * tags: epoll asan tsan tls h2 */
#include <signal.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(more)                                                           \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n" more "\n[plugin task]\n"

static struct server s;

static int
count(const char *what)
{
    return tally(&s, GET("/task/count"), what);
}

static void
wait_count(const char *what, int n)
{
    tally_wait(&s, GET("/task/count"), what, n);
}

static struct client
ask(const char *request, int nth)
{
    struct client c = client_open(&s);

    client_puts(&c, request);
    wait_count("waiting", nth);
    return c;
}

START_TEST(it_waits_and_others_are_served)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask(GET("/task/token/1"), 1);
    client_once(&s, GET("/task/sleep/1"), 200, "slept");
    client_once(&s, GET("/task/steps/5"), 200, "5");
    client_once(&s, GET("/task/wake/1?rc=9"), 200, "0");
    client_take(&c, 0, 200, "9");
    client_expect(&c, GET("/task/job/1"), 200, "7 1");
    client_expect(&c, GET("/task/pipe/20"), 200, "-8"); /* ET_ETIME */
    client_expect(&c, GET("/task/pipe/60000?write=1"), 200, "1");
    client_expect(&c, GET("/task/plain"), 200, "-3"); /* ET_EPHASE */
    client_expect(&c, GET("/task/deep/20"), 200, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(its_parts_run_beside_each_other)
{
    server_start(&s, SERVER(""));
    client_once(&s, GET("/task/join/0"), 200, "0");
    client_once(&s, GET("/task/join/1"), 200, "0");
    client_once(&s, GET("/task/join/40"), 200, "780");
    ck_assert_int_eq(count("deferred"), 41);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(its_time_may_be_over)
{
    server_start(&s, SERVER(""));
    client_once(&s, GET("/task/timeout/20"), 200, "-8 -8 0");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* In each kind of wait. */
START_TEST(a_client_that_goes_has_it_come_to_its_end)
{
    static const char *const requests[] = {
        GET("/task/sleep/60000"),
        GET("/task/token/2"),
        GET("/task/pipe/60000"),
        GET("/task/join/3"),
    };
    struct client c;

    server_start(&s, SERVER(""));
    for (int i = 0; i < 3; i++) {
        c = ask(requests[i], 1);
        client_close(&c);
        wait_count("waiting", 0);
        ck_assert_int_eq(count("cancelled"), i + 1);
    }
    client_once(&s, GET("/task/wake/2"), 200, "-2"); /* ET_ESTALE */
    ck_assert_int_eq(count("deferred"), 1);
    for (int i = 0; i < 20; i++) { /* wherever they are */
        c = client_open(&s);
        client_puts(&c, requests[3]);
        usleep((useconds_t)(i * 2000));
        client_close(&c);
    }
    wait_count("waiting", 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_job_that_uses_its_stack_is_waited_for)
{
    struct client c;

    server_start(&s, SERVER("pool_threads = 1"));
    c = ask(GET("/task/job/500"), 1);
    client_close(&c);
    wait_count("waiting", 0);
    ck_assert_int_eq(count("cancelled"), 1);
    ck_assert_int_eq(count("deferred"), 1);
    c = ask(GET("/task/job/1000"), 1);
    {
        struct client queued = ask(GET("/task/job/1"), 2);
        client_close(&queued); /* it has not begun: it is over at once */
    }
    wait_count("waiting", 1);
    client_take(&c, 0, 200, "7 1");
    client_close(&c);
    c = ask(GET("/task/job/300"), 1);
    ck_assert_int_eq(server_stop(&s), 0);
    client_take(&c, 0, 200, "7 1");
    client_close(&c);
}
END_TEST

START_TEST(there_are_so_many_stacks)
{
    struct client c, d;
    struct answer a;

    server_start(&s, SERVER("max_tasks = 2"));
    c = ask(GET("/task/token/1"), 1);
    d = ask(GET("/task/token/2"), 2);
    {
        struct client e = client_open(&s);
        client_puts(&e, GET("/task/sleep/1"));
        a = client_answer(&e, 0);
        ck_assert_int_eq(a.status, 503);
        ck_assert_str_eq(answer_field(&a, "Retry-After", 0), "1");
        answer_free(&a);
        client_close(&e);
    }
    client_once(&s, GET("/task/wake/1?rc=1"), 200, "0");
    client_take(&c, 0, 200, "1");
    client_expect(&c, GET("/task/join/2"), 200, "-10"); /* they had none */
    client_close(&c);
    client_close(&d);
    wait_count("waiting", 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_middleware_may_be_one)
{
    struct client c;
    struct answer a;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "[plugin answers]\nuse = task\n[plugin task]\n"
                     "request = 5\nmount = /t\n");
    c = client_open(&s);
    client_puts(&c, GET("/mem/5") GET("/mem/6"));
    for (int i = 0; i < 2; i++) {
        a = client_answer(&c, 0);
        ck_assert_int_eq(a.status, 200);
        ck_assert_str_eq(answer_field(&a, "x-task", 0), "passed");
        answer_free(&a);
    }
    client_close(&c);
    server_write(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "[plugin answers]\nuse = task\n[plugin task]\n"
                     "request = 5\nstop = yes\nmount = /t\n");
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/mem/5"), 418, NULL);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_reload_leaves_it_with_its_code)
{
    struct client c[3];

    server_start(&s, SERVER(""));
    c[0] = ask(GET("/task/token/1"), 1);
    c[1] = ask(GET("/task/pipe/60000"), 2);
    c[2] = ask(GET("/task/job/500"), 3);
    server_write(&s, SERVER("") "request = 1\n");
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/task/wake/1?rc=4"), 200, "0");
    client_take(&c[0], 0, 200, "4");
    client_take(&c[2], 0, 200, "7 1");
    client_close(&c[1]);
    wait_count("waiting", 0);
    client_close(&c[0]);
    client_close(&c[2]);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_stop_gives_it_up_at_last)
{
    struct client c;

    server_start(&s, SERVER("drain_timeout = 200ms"));
    c = ask(GET("/task/sleep/60000"), 1);
    server_signal(&s, SIGTERM);
    client_take(&c, 0, 500, NULL); /* it has nothing better to say */
    client_close(&c);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

UNIT_MAIN(task, it_waits_and_others_are_served, its_parts_run_beside_each_other,
          its_time_may_be_over, a_client_that_goes_has_it_come_to_its_end,
          a_job_that_uses_its_stack_is_waited_for, there_are_so_many_stacks,
          a_middleware_may_be_one, a_reload_leaves_it_with_its_code,
          a_stop_gives_it_up_at_last)
