/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_life.c - WebSockets and what goes on around them: reloads, stops, another
 * process, other workers.
 * tags: epoll asan tsan */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/wsock.h"

#define UNIT_SECONDS 90
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(more)                                                           \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nlog_level = debug\n"         \
    "metrics = /metrics\n" more "\n"
#define TALK "[plugin talk]\n"
#define MANY 1000

static struct server s;
static struct client many[MANY];

static int
count(const char *what)
{
    return tally(&s, GET("/talk/count"), what);
}

static void
wait_count(const char *what, int n)
{
    tally_wait(&s, GET("/talk/count"), what, n);
}

static void
reload(const char *ini)
{
    server_write(&s, ini);
    ck_assert_int_eq(server_reload(&s), 1);
}

/* "SELF SAY SERIAL" of the state it has. */
static void
self_of(struct client *c, char text[128])
{
    struct wsock_got f;

    wsock_text(c, "self");
    do
        f = wsock_next(c);
    while (f.first == 0x89); /* it has been silent for long */
    snprintf(text, 128, "%s", f.p);
}

static void
check_echo(struct client *c)
{
    wsock_text(c, "are you there?");
    wsock_take_text(c, "are you there?");
}

static void
leave(struct client *c)
{
    wsock_close(c, 1000, "");
    wsock_ended(c, 1000);
}

/* ---- reloads -------------------------------------------------------------*/

START_TEST(a_reload_that_changes_something_else_closes_none)
{
    char before[128], after[128];

    server_start(&s, SERVER("") TALK "[plugin life]\n");
    for (int i = 0; i < MANY; i++)
        many[i] = wsock_open(&s, "/talk/act");
    self_of(&many[0], before);
    reload(SERVER("") TALK "[plugin life]\nsay = x\n");
    reload(SERVER("ws_ping = 20s") TALK
           "[plugin life]\n[route other]\nmatch = GET /other\n"
           "handler = talk:count\nmax_body = 1k\n");
    ck_assert_int_eq(count("closed"), 0);
    ck_assert_int_eq(count("retiring"), 0);
    self_of(&many[0], after);
    ck_assert_str_eq(before, after);
    reload(SERVER("") TALK);
    ck_assert_int_eq(tally(&s, GET("/metrics"), "\netude_generations_active"),
                     1); /* nothing holds those before */
    for (int i = 0; i < MANY; i++) {
        wsock_text(&many[i], "self");
        ck_assert_uint_eq(wsock_next(&many[i]).first, 0x81);
    }
    ck_assert_int_eq(count("closed"), 0);
    for (int i = 0; i < MANY; i++)
        client_close(&many[i]);
    wait_count("closed", MANY);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(one_that_changes_the_plugin_lets_them_end)
{
    struct client c, d;
    char text[128];

    server_start(&s, SERVER("drain_timeout = 300ms") TALK);
    c = wsock_open(&s, "/talk/act");
    reload(SERVER("drain_timeout = 300ms") TALK "say = new\n");
    ck_assert_int_eq(count("retiring"), 1);
    self_of(&c, text); /* it goes on meanwhile, as it was */
    ck_assert_ptr_null(strstr(text, "new"));
    d = wsock_open(&s, "/talk/act");
    self_of(&d, text);
    ck_assert_ptr_nonnull(strstr(text, "new"));
    (void)wsock_take_close(&c, 1012);
    wsock_close(&c, 1012, "");
    ck_assert(client_is_closed(&c));
    client_close(&c);
    wait_count("closed", 1);
    ck_assert_int_eq(count("code"), 1012);
    ck_assert_int_eq(count("retiring"), 1);
    wsock_text(&d, "self");
    ck_assert_uint_eq(wsock_next(&d).first, 0x81);
    leave(&d);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

#define USED(name, use)                                                        \
    "[route " name "]\nmatch = GET /" name "\nhandler = talk:echo\n" use

/* The route itself may be another one. */
START_TEST(what_stands_in_front_of_it_is_part_of_its_use)
{
    struct client a, b, c;
    const char *plugins = TALK "[plugin life]\n";
    char ini[1024];

    snprintf(ini, sizeof ini, "%s%s%s", SERVER(""), plugins,
             USED("a", "") USED("b", "") USED("c", ""));
    server_start(&s, ini);
    a = wsock_open(&s, "/a");
    b = wsock_open(&s, "/b");
    c = wsock_open(&s, "/c");
    snprintf(ini, sizeof ini, "%s%s%s", SERVER(""), plugins,
             USED("a", "max_body = 1k\n") USED("b", "use = life\n"));
    reload(ini);
    ck_assert_int_eq(count("retiring"), 2); /* b, c */
    reload(ini);
    ck_assert_int_eq(count("retiring"), 2);
    check_echo(&a);
    check_echo(&b);
    check_echo(&c);
    leave(&a);
    leave(&b);
    leave(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(who_is_told_may_say_goodbye)
{
    struct client c;

    server_start(&s, SERVER("") TALK "goodbye = yes\n");
    c = wsock_open(&s, "/talk/echo");
    reload(SERVER("") TALK);
    ck_assert_str_eq(wsock_take_close(&c, 1001), "see you");
    wsock_close(&c, 1001, "");
    ck_assert(client_is_closed(&c));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- the end -------------------------------------------------------------*/

START_TEST(a_stop_tells_them_to_come_again)
{
    struct client c[8];

    server_start(&s, SERVER("drain_timeout = 200ms") TALK);
    for (int i = 0; i < 8; i++)
        c[i] = wsock_open(&s, "/talk/echo");
    server_signal(&s, SIGTERM);
    for (int i = 0; i < 8; i++) {
        (void)wsock_take_close(&c[i], 1012);
        wsock_close(&c[i], 1012, "");
    }
    ck_assert_int_eq(server_wait(&s), 0); /* nothing is cut off */
    for (int i = 0; i < 8; i++)
        client_close(&c[i]);
}
END_TEST

START_TEST(whether_they_have_heard_it_or_not)
{
    struct client c[8];

    server_start(&s, SERVER("drain_timeout = 50ms") TALK);
    for (int i = 0; i < 8; i++)
        c[i] = wsock_open(&s, "/talk/echo");
    ck_assert_int_eq(server_stop(&s), 0);
    for (int i = 0; i < 8; i++)
        wsock_ended(&c[i], 1012);
}
END_TEST

START_TEST(it_ends_sooner_if_they_do)
{
    struct client c;

    server_start(&s, SERVER("drain_timeout = 1h") TALK "goodbye = yes\n");
    c = wsock_open(&s, "/talk/echo");
    server_signal(&s, SIGTERM);
    (void)wsock_take_close(&c, 1001);
    wsock_close(&c, 1001, "");
    ck_assert(client_is_closed(&c));
    client_close(&c);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

START_TEST(another_process_does_not_take_them)
{
    struct client c, d;

    server_start(&s, SERVER("drain_timeout = 500ms\nsupervise = yes") TALK);
    c = wsock_open(&s, "/talk/act");
    (void)server_upgrade(&s);
    wsock_text(&c, "self"); /* it goes on here meanwhile */
    ck_assert_uint_eq(wsock_next(&c).first, 0x81);
    (void)wsock_take_close(&c, 1012);
    wsock_close(&c, 1012, "");
    ck_assert(client_is_closed(&c));
    client_close(&c);
    server_wait_log(&s, "has left");
    d = wsock_open(&s, "/talk/act");
    wsock_text(&d, "self");
    ck_assert_uint_eq(wsock_next(&d).first, 0x81);
    client_close(&d);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- other workers -------------------------------------------------------*/

START_TEST(they_stay_where_they_are)
{
    struct client c;

    server_start(&s, SERVER("rebalance = yes") TALK);
    c = wsock_open(&s, "/talk/act");
    for (int i = 0; i < 100; i++) {
        wsock_text(&c, "self");
        ck_assert_uint_eq(wsock_next(&c).first, 0x81);
        client_once(&s, GET("/talk/count"), 200, NULL);
    }
    leave(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- proxies -------------------------------------------------------------*/

START_TEST(it_may_come_by_way_of_a_proxy)
{
    struct client c;
    struct answer a;
    char early[32];

    server_start(&s, "[server]\nworkers = 2\n[listen a]\n"
                     "address = 127.0.0.1:0\nproxy_protocol = v1\n" TALK);
    c = client_dial(s.port);
    client_puts(&c, "PROXY TCP4 192.0.2.7 192.0.2.1 4711 80\r\n");
    client_enter(&c);
    wsock_ask(&c, "/talk/echo", "");
    client_send(&c, early, wsock_frame(early, 0x81, "early", 5));
    a = wsock_welcome(&c);
    answer_free(&a);
    wsock_take_text(&c, "early");
    leave(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* As a connection does that comes by itself. */
/* As soon as it is let in: one that was closed counts until it has gone. */
static struct client
get_in(const char *path, const char *who)
{
    for (;;) {
        struct client c = client_open(&s);
        struct answer a;
        int status;
        wsock_ask(&c, path, who);
        a = client_answer(&c, 1);
        status = a.status;
        answer_free(&a);
        if (status == 101)
            return c;
        ck_assert_int_eq(status, 503);
        client_close(&c);
    }
}

START_TEST(behind_one_it_counts_as_its_client_s_while_it_lives)
{
    static const char who[] = "X-Forwarded-For: 192.0.2.7\r\n";
    struct client c, d;

    server_start(&s, SERVER("trusted_proxies = 127.0.0.0/8\n"
                            "max_connections_per_ip = 1") TALK);
    c = wsock_open_with(&s, "/talk/echo", who);
    d = client_open(&s);
    wsock_ask(&d, "/talk/echo", who);
    client_take(&d, 0, 503, NULL);
    leave(&c);
    wait_count("closed", 1);
    client_close(&d);
    c = get_in("/talk/echo", who);
    leave(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(ws_life, it_may_come_by_way_of_a_proxy,
          behind_one_it_counts_as_its_client_s_while_it_lives,
          a_reload_that_changes_something_else_closes_none,
          one_that_changes_the_plugin_lets_them_end,
          what_stands_in_front_of_it_is_part_of_its_use,
          who_is_told_may_say_goodbye, a_stop_tells_them_to_come_again,
          whether_they_have_heard_it_or_not, it_ends_sooner_if_they_do,
          another_process_does_not_take_them, they_stay_where_they_are)
