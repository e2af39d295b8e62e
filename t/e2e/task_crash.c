/* SPDX-License-Identifier: BSD-2-Clause */
/* task_crash.c - a fault on a task's stack costs that request, and what it has
 * deferred runs all the same.
 * tags: epoll */
#include <string.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static struct server s;

static void
start(void)
{
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "crash_limit = 0\n[plugin task]\n[plugin hello]\n"
                     "[plugin writer]\n[scope w]\nmatch = /writer/*\n"
                     "use = writer\n");
}

/* Another process takes over soon: what does not go along with its socket may
 * have been told to come again. */
static void
take_count(struct client *c, const char *count)
{
    struct answer a = client_answer(c, 0);

    if (a.status == 0 && !transport_here()->is_plain) {
        ck_assert(transport_was_told(c->fd));
    } else {
        ck_assert_int_eq(a.status, 200);
        ck_assert_str_eq(a.body, count);
    }
    answer_free(&a);
}

/* The answers come on one connection, from the process that has crashed. */
static void
crashes(const char *request, int status, const char *body, const char *count,
        const char *function)
{
    struct client c;

    start();
    c = client_open(&s);
    client_puts(&c, request);
    client_puts(&c, GET("/task/count"));
    client_take(&c, 0, status, body);
    take_count(&c, count);
    client_close(&c);
    server_wait_log(&s, function);
    client_once(&s, GET("/task/sleep/1"), 200, "slept");
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(the_step_is_answered_with_500)
{
    crashes(GET("/task/crash"), 500, NULL, "waiting 0 cancelled 0 deferred 1",
            " crash+0x");
}
END_TEST

START_TEST(a_part_does_not_cost_the_others)
{
    crashes(GET("/task/partcrash"), 200, "-9 5", /* ET_ECRASH */
            "waiting 0 cancelled 0 deferred 2", " part_crash+0x");
}
END_TEST

START_TEST(what_is_deferred_may_crash_too)
{
    crashes(GET("/task/crashdefer"), 500, NULL,
            "waiting 0 cancelled 0 deferred 1", " defer_crash+0x");
}
END_TEST

START_TEST(a_stack_has_an_end)
{
    crashes(GET("/task/deep/200"), 500, NULL,
            "waiting 0 cancelled 0 deferred 0",
            "SIGSEGV (the end of a task's stack)");
    crashes(GET("/task/frame"), 500, NULL, "waiting 0 cancelled 0 deferred 0",
            " frame+0x");
}
END_TEST

START_TEST(an_answer_that_has_begun_is_cut_off)
{
    struct client c, d;

    start();
    d = client_open(&s);
    client_expect(&d, GET("/writer/count"), 200, NULL);
    c = client_open(&s);
    client_puts(&c, GET("/writer/end?how=crash"));
    client_read_all(&c);
    ck_assert(transport_here()->is_h2 || strstr(c.buf, "0003\r\nabc\r\n"));
    ck_assert_ptr_null(strstr(c.buf, "\r\n0\r\n"));
    client_close(&c);
    client_expect(&d, GET("/writer/count"), 200,
                  "active 0 ended 1 cancelled 0 nobody 0");
    client_close(&d);
    ck_assert(server_has_log(&s, "the answer, which had begun, alone"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_response_step_gives_it_up)
{
    struct client c;

    start();
    c = client_open(&s);
    client_puts(&c, GET("/writer/pieces?n=2&size=4&seen=crash"));
    client_puts(&c, GET("/writer/count"));
    client_take(&c, 0, 500, NULL);
    client_take(&c, 0, 200, "active 0 ended 1 cancelled 1 nobody 0");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_body_step_cuts_the_answer_off)
{
    struct client c;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "crash_limit = 0\n[plugin hello]\nuse = filter\n"
                     "[plugin filter]\nact = crash\n");
    c = client_open(&s);
    client_puts(&c, GET("/hello/x"));
    client_read_all(&c);
    ck_assert(transport_here()->is_h2 || strstr(c.buf, "chunked\r\n"));
    ck_assert_ptr_null(strstr(c.buf, "\r\n0\r\n"));
    client_close(&c);
    server_wait_log(&s, " pass+0x");
    client_once(&s, GET("/nothing"), 404, NULL);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(task_crash, a_body_step_cuts_the_answer_off,
          the_step_is_answered_with_500, an_answer_that_has_begun_is_cut_off,
          a_response_step_gives_it_up, a_part_does_not_cost_the_others,
          what_is_deferred_may_crash_too, a_stack_has_an_end)
