/* SPDX-License-Identifier: BSD-2-Clause */
/* held.c - response steps that wait, while a task is held that is about to
 * write the answer.
 * tags: epoll asan tsan */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/transport.h"
#include "t/lib/wsock.h"

#define UNIT_SECONDS 90
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(more)                                                           \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n" more "\n[plugin held]\n"

static struct server s;

static int
count(const char *what)
{
    return tally(&s, GET("/held/count"), what);
}

static void
wait_count(const char *what, int n)
{
    tally_wait(&s, GET("/held/count"), what, n);
}

/* A client whose answer is held. */
static struct client
ask(const char *request)
{
    struct client c = client_open(&s);

    client_puts(&c, request);
    wait_count("holds", 1);
    return c;
}

static void
go(const char *request, const char *was_taken)
{
    client_once(&s, request, 200, was_taken);
}

static void
take(struct client *c, const char *held, const char *body)
{
    struct answer a = client_answer(c, 0);

    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.body, body);
    ck_assert_str_eq(answer_field(&a, "X-Held", 0), held);
    answer_free(&a);
}

/* All is over, and the connection of c is good for more. */
static void
end(struct client *c)
{
    wait_count("active", 0);
    ck_assert_int_eq(count("ended"), 1);
    ck_assert_int_eq(count("holds"), 0);
    client_expect(c, GET("/held/write"), 200, "abc");
    client_close(c);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(the_answer_goes_when_they_have_seen_it)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask(GET("/held/write?held=token"));
    go(GET("/held/go?rc=7"), "1");
    take(&c, "7", "abc");
    end(&c);
}
END_TEST

START_TEST(they_may_wait_again)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask(GET("/held/write?held=twice"));
    go(GET("/held/go?rc=1"), "1");
    wait_count("resumed", 1);
    wait_count("holds", 1);
    go(GET("/held/go?rc=2"), "1");
    take(&c, "2", "abc");
    end(&c);
}
END_TEST

START_TEST(for_a_job_as_well)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask(GET("/held/write?held=job"));
    go(GET("/held/go"), "0");
    take(&c, "5", "abc");
    end(&c);
}
END_TEST

START_TEST(other_parts_go_on_behind_it)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask("POST /held/parts?held=token HTTP/1.1\r\nHost: x\r\n"
            "Content-Length: 3\r\n\r\nx");
    client_puts(&c, "yz"); /* there is who reads it */
    usleep(20000);
    ck_assert_int_eq(count("holds"), 1);
    go(GET("/held/go?rc=7"), "1");
    take(&c, "7", "abcxyz");
    end(&c);
}
END_TEST

START_TEST(they_may_answer_instead)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask(GET("/held/write?held=deny"));
    go(GET("/held/go"), "1");
    client_take(&c, 0, 403, "no");
    end(&c);
}
END_TEST

START_TEST(their_time_is_over)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = client_open(&s);
    client_puts(&c, GET("/held/write?held=late"));
    client_take(&c, 0, 504, NULL);
    ck_assert_int_eq(count("cancelled"), 1);
    end(&c);
}
END_TEST

START_TEST(the_task_hears_of_its_own_when_it_writes)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask(GET("/held/write?held=token&due=10"));
    usleep(50000);
    ck_assert_int_eq(count("active"), 1);
    go(GET("/held/go?rc=7"), "1");
    client_read_all(&c);
    if (!transport_here()->is_h2) { /* where the reset may take it along */
        ck_assert_ptr_nonnull(strstr(c.buf, "200 OK"));
        ck_assert_ptr_nonnull(strstr(c.buf, "X-Held: 7\r\n"));
    }
    ck_assert_ptr_null(strstr(c.buf, "\r\n0\r\n"));
    client_close(&c);
    c = client_open(&s);
    end(&c);
}
END_TEST

START_TEST(whose_client_goes_is_over)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask(GET("/held/write?held=token"));
    client_close(&c);
    wait_count("cancelled", 1);
    c = client_open(&s);
    end(&c);
}
END_TEST

START_TEST(but_for_its_job)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask(GET("/held/write?held=job"));
    wait_count("jobs", 1);
    client_close(&c);
    wait_count("cancelled", 1);
    usleep(20000);
    ck_assert_int_eq(count("ended"), 0);
    go(GET("/held/go"), "0");
    wait_count("ended", 1);
    c = client_open(&s);
    end(&c);
}
END_TEST

START_TEST(a_reload_leaves_it)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = ask(GET("/held/write?held=token"));
    server_write(&s, SERVER("max_body = 1m"));
    ck_assert_int_eq(server_reload(&s), 1);
    go(GET("/held/go?rc=7"), "1");
    take(&c, "7", "abc");
    end(&c);
}
END_TEST

START_TEST(the_server_s_end_is_503)
{
    struct client c;

    server_start(&s, SERVER("drain_timeout = 1200ms"));
    c = ask(GET("/held/write?held=token"));
    server_signal(&s, SIGTERM);
    client_take(&c, 0, 503, NULL);
    client_close(&c);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

START_TEST(a_websocket_waits_for_them_too)
{
    struct client c;
    struct answer a;

    server_start(&s, SERVER(""));
    c = client_open(&s);
    wsock_ask(&c, "/held/ws?held=token", "");
    wait_count("holds", 1);
    go(GET("/held/go?rc=7"), "1");
    a = wsock_welcome(&c);
    ck_assert_str_eq(answer_field(&a, "X-Held", 0), "7");
    answer_free(&a);
    wsock_text(&c, "hello");
    wsock_take_text(&c, "hello");
    client_close(&c);
    wait_count("active", 0);
    c = client_open(&s);
    wsock_ask(&c, "/held/ws?held=token", "");
    wait_count("holds", 1);
    client_close(&c);
    wait_count("active", 0);
    ck_assert_int_eq(count("cancelled"), 1);
    ck_assert_int_eq(count("ended"), 2);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_RUN((struct unit){.name = "held"}, the_answer_goes_when_they_have_seen_it,
         they_may_wait_again, for_a_job_as_well, other_parts_go_on_behind_it,
         they_may_answer_instead, their_time_is_over,
         the_task_hears_of_its_own_when_it_writes, whose_client_goes_is_over,
         but_for_its_job, a_reload_leaves_it, the_server_s_end_is_503,
         a_websocket_waits_for_them_too)
