/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_task_crash.c - a fault in a task that is a WebSocket costs that one.
 * tags: epoll */
#include <stdio.h>

#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/wsock.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define INI                                                                    \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmetrics = /metrics\n"        \
    "supervise = no\n[plugin dialog]\n"

static struct server s;

static void
end(void)
{
    ck_assert_int_eq(tally_figure(&s, "ws_active"), 0);
    ck_assert_int_eq(tally_figure(&s, "tasks_active"), 0);
    ck_assert_int_eq(tally_figure(&s, "requests_active"), 1);
    ck_assert_int_eq(server_stop(&s), 0);
}

static void
crash_by(const char *what)
{
    struct client c, d;

    server_start(&s, INI);
    c = wsock_open(&s, "/dialog/act");
    d = wsock_open(&s, "/dialog/act");
    wsock_text(&c, what);
    wsock_text(&c, "retiring");
    wsock_ended(&c, 1011);
    server_wait_log(&s, "/dialog/act");
    tally_wait(&s, GET("/dialog/count"), "defers", 1);
    wsock_text(&d, "retiring"); /* others go on */
    wsock_take_text(&d, "0");
    wsock_close(&d, 1000, "");
    wsock_ended(&d, 1000);
    tally_wait(&s, GET("/dialog/count"), "defers", 2);
    ck_assert_int_eq(tally_figure(&s, "crashes_recovered_total"), 1);
    end();
}

START_TEST(through_null)
{
    crash_by("crash");
}
END_TEST

START_TEST(of_its_stack)
{
    crash_by("overflow");
}
END_TEST

/* Of the two parts the other one goes on. */
START_TEST(in_a_part)
{
    struct client c;

    server_start(&s, INI);
    c = wsock_open(&s, "/dialog/chat");
    wsock_take_text(&c, "in");
    wsock_text(&c, "crash");
    server_wait_log(&s, "/dialog/chat");
    client_once(&s, GET("/dialog/say"), 200, NULL);
    wsock_take_text(&c, "hello");
    client_close(&c);
    tally_wait(&s, GET("/dialog/count"), "defers", 1);
    end();
}
END_TEST

START_TEST(in_the_response_step)
{
    struct client c;

    server_start(&s, INI "response = crash\n");
    c = client_open(&s);
    wsock_ask(&c, "/dialog/echo", "");
    client_take(&c, 0, 500, NULL);
    client_expect(&c, GET("/dialog/count"), 200, NULL);
    client_close(&c);
    ck_assert_int_eq(tally(&s, GET("/dialog/count"), "opened"), 0);
    tally_wait(&s, GET("/dialog/count"), "defers", 1);
    end();
}
END_TEST

UNIT_MAIN(ws_task_crash, through_null, of_its_stack, in_a_part,
          in_the_response_step)
