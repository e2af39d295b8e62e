/* SPDX-License-Identifier: BSD-2-Clause */
/* channel_crash.c - who crashes over a message loses what he is subscribed to,
 * and nobody else does.
 * tags: epoll */
#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static struct server s;

static void
start(void)
{
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "crash_limit = 0\nmax_subscriptions = 3\n"
                     "[plugin channel]\n");
}

/* On one connection: to the process that has crashed. */
START_TEST(a_task_that_crashes_is_subscribed_no_more)
{
    struct client c, before, crasher, behind;

    start();
    c = client_open(&s);
    before = client_open(&s);
    crasher = client_open(&s);
    behind = client_open(&s);
    client_puts(&before, GET("/channel/take/2?c=x"));
    client_puts(&crasher, GET("/channel/crash?c=x"));
    client_puts(&behind, GET("/channel/take/2?c=x"));
    while (tally_on(&c, GET("/channel/count"), "subscribed") < 3)
        ;
    client_expect(&c, GET("/channel/publish?c=x&m=1"), 200, "0");
    client_take(&crasher, 0, 500, NULL);
    client_expect(&c, GET("/channel/count"), 200,
                  "subscribed 2 cancelled 0 ended 1");
    client_expect(&c, GET("/channel/publish?c=x&m=2"), 200, "0");
    client_take(&before, 0, 200, "0 1 2 0");
    client_take(&behind, 0, 200, "0 1 2 0");
    client_close(&c);
    client_close(&before);
    client_close(&crasher);
    client_close(&behind);
    server_wait_log(&s, " crash+0x");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_state_that_crashes_is_skipped)
{
    struct client c;

    start();
    c = client_open(&s);
    client_expect(&c, GET("/channel/listen?c=x"), 200, "listens");
    client_expect(&c, GET("/channel/listen?c=x&crash=1"), 200, "listens");
    client_expect(&c, GET("/channel/listen?c=x"), 200, "listens");
    client_expect(&c, GET("/channel/publish?c=x&m=1"), 200, "0");
    while (tally_on(&c, GET("/channel/heard"), "heard") < 3)
        ;
    client_close(&c);
    server_wait_log(&s, "message of a channel");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(channel_crash, a_task_that_crashes_is_subscribed_no_more,
          a_state_that_crashes_is_skipped)
