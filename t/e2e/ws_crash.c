/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_crash.c - a fault in a callback of a WebSocket costs that one.
 * tags: epoll */
#include <stdio.h>
#include <string.h>

#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/wsock.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define INI                                                                    \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmetrics = /metrics\n"        \
    "crash_limit = 0\n[plugin talk]\n"

static struct server s;

static void
check_end(struct client *c, unsigned code)
{
    (void)wsock_take_close(c, code);
    ck_assert(client_is_closed(c));
    client_close(c);
    if (!server_has_log(&s, "callback  WebSocket callback of talk"))
        server_wait_log(&s, "callback  WebSocket callback of talk");
}

START_TEST(a_crash_costs_one_of_them)
{
    struct client c, d;

    server_start(&s, INI);
    c = wsock_open(&s, "/talk/act");
    d = wsock_open(&s, "/talk/act");
    wsock_text(&c, "crash");
    check_end(&c, 1011);
    wsock_text(&d, "closed");
    wsock_take_text(&d, "0"); /* it takes no further part */
    wsock_close(&d, 1000, "");
    wsock_ended(&d, 1000);
    ck_assert_int_eq(tally(&s, GET("/metrics"), "\netude_ws_active"), 0);
    ck_assert_int_eq(tally(&s, GET("/metrics"), "\netude_ws_closed_total"), 2);
    ck_assert_int_eq(
        tally(&s, GET("/metrics"), "\netude_crashes_recovered_total"), 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static void
crash_in(const char *name, unsigned code)
{
    struct client c;
    char ini[512];

    snprintf(ini, sizeof ini, "%scrashes = %s\n", INI, name);
    server_start(&s, ini);
    c = wsock_open(&s, "/talk/echo");
    if (strcmp(name, "message") == 0)
        wsock_text(&c, "x");
    if (strcmp(name, "retiring") == 0) {
        server_write(&s, INI);
        ck_assert_int_eq(server_reload(&s), 1);
    }
    if (strcmp(name, "close") == 0)
        wsock_close(&c, 1000, "");
    check_end(&c, code);
    ck_assert_int_eq(tally(&s, GET("/metrics"), "\netude_ws_active"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(in_open)
{
    crash_in("open", 1011);
}
END_TEST

START_TEST(in_message)
{
    crash_in("message", 1011);
}
END_TEST

START_TEST(in_retiring)
{
    crash_in("retiring", 1011);
}
END_TEST

START_TEST(in_close)
{
    crash_in("close", 1000);
}
END_TEST

UNIT_MAIN(ws_crash, a_crash_costs_one_of_them, in_open, in_message, in_retiring,
          in_close)
