/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_channel.c - WebSockets that are sent what is published to a channel, on
 * all workers, whatever becomes of them meanwhile.
 * tags: epoll asan tsan */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/wsock.h"

#define UNIT_SECONDS 90
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(more)                                                           \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nmetrics = /metrics\n"        \
    "ws_ping = 0\n" more "\n[plugin hear]\n"
#define MANY 1000
#define LARGE 60000

static struct server s;
static struct client many[MANY];

static void
ask(struct client *c, const char *what, const char *answer)
{
    wsock_text(c, what);
    wsock_take_text(c, answer);
}

static struct client
hearing(const char *path, const char *what)
{
    struct client c = wsock_open(&s, path);

    ask(&c, what, "0");
    return c;
}

/* n messages of b bytes to channel x, numbered from from on. */
static void
tell(int from, int n, int b)
{
    char request[128];

    snprintf(request, sizeof request, GET("/hear/tell?c=x&from=%d&n=%d&b=%d"),
             from, n, b);
    client_once(&s, request, 200, "0");
}

/* The number of the next message, which is one of first and b bytes; -1: it is
 * a close, with that code in *code. */
static int
number_of(struct client *c, unsigned first, size_t b, unsigned *code)
{
    struct wsock_got got = wsock_next(c);

    if (got.first == 0x88 && code) {
        *code = (unsigned)(uint8_t)got.p[0] << 8 | (uint8_t)got.p[1];
        return -1;
    }
    ck_assert_uint_eq(got.first, first);
    if (b > 0)
        ck_assert_uint_eq(got.n, b);
    return atoi(got.p);
}

static void
take(struct client *c, int from, int n, size_t b)
{
    for (int i = from; i < from + n; i++)
        ck_assert_int_eq(number_of(c, 0x81, b, NULL), i);
}

static int
count(const char *what)
{
    return tally(&s, GET("/hear/count"), what);
}

static void
wait_count(const char *what, int n)
{
    tally_wait(&s, GET("/hear/count"), what, n);
}

/* ---- what is sent
 * ----------------------------------------------------------*/

START_TEST(all_of_both_workers_are_sent_it)
{
    server_start(&s, SERVER(""));
    for (int i = 0; i < MANY; i++)
        many[i] = hearing("/hear", "hear x");
    tell(0, 5, 0);
    for (int i = 0; i < MANY; i++)
        take(&many[i], 0, 5, 0);
    tell(5, 3, LARGE); /* of which there is one copy each */
    for (int i = 0; i < MANY; i++)
        take(&many[i], 5, 3, LARGE);
    ask(&many[0], "tell x 8", "0"); /* from a stream, which is told later */
    for (int i = 0; i < MANY; i++)
        take(&many[i], 8, 1, 0);
    ck_assert_int_eq(tally_figure(&s, "channel_dropped_total"), 0);
    for (int i = 0; i < MANY; i++)
        client_close(&many[i]);
    wait_count("closed", MANY);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(each_in_the_type_it_has_asked_for)
{
    struct client text, binary, other;

    server_start(&s, SERVER(""));
    text = hearing("/hear", "hear x 1 0 0");
    binary = hearing("/hear", "hear x 2 0 0");
    other = hearing("/hear", "hear y 1 0 0");
    ask(&other, "hear x 3 0 0", "-4");
    ask(&other, "hear x 1 0 2", "-4");
    tell(1, 1, 0);
    client_once(&s, GET("/hear/bad?c=x"), 200, "0");
    tell(2, 1, LARGE);
    take(&text, 1, 2, 0);
    ck_assert_int_eq(number_of(&binary, 0x82, 1, NULL), 1);
    wsock_take(&binary, 0x82, "\xff", 1);
    ck_assert_int_eq(number_of(&binary, 0x82, LARGE, NULL), 2);
    ck_assert_int_eq(tally_figure(&s, "channel_no_text_total"), 1);
    ask(&other, "deaf y", "deaf"); /* and nothing came before */
    client_close(&text);
    client_close(&binary);
    client_close(&other);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(until_it_wants_it_no_more)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = hearing("/hear", "hear x");
    ask(&c, "hear x", "0"); /* again: told once */
    tell(1, 1, 0);
    take(&c, 1, 1, 0);
    ask(&c, "deaf x", "deaf");
    ask(&c, "deaf x", "deaf");
    tell(2, 1, 0);
    ask(&c, "hear y", "0");
    ask(&c, "hear x", "0");
    tell(3, 1, 0);
    take(&c, 3, 1, 0);
    wsock_text(&c, "last"); /* it closes: and is told nothing more */
    (void)wsock_take_close(&c, 1000);
    tell(4, 1, 0);
    wsock_close(&c, 1000, "");
    ck_assert(client_is_closed(&c));
    client_close(&c);
    wait_count("closed", 1);
    ck_assert_int_eq(count("late"), -7); /* ET_ECANCEL */
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(there_is_a_bound)
{
    struct client c;
    char what[32];

    server_start(&s, SERVER("max_subscriptions = 5"));
    c = wsock_open(&s, "/hear");
    for (int i = 0; i < 6; i++) {
        snprintf(what, sizeof what, "hear c%d", i);
        ask(&c, what, i < 5 ? "0" : "-5");
    }
    ask(&c, "deaf c3", "deaf");
    ask(&c, "hear c6", "0");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- who is slow
 * -----------------------------------------------------------*/

#define BATCH 50
#define ROUNDS 20 /* 60 MB: more than sockets hold */

/* ROUNDS batches, each of which fast has read. */
static void
flood(struct client *fast)
{
    for (int i = 0; i < ROUNDS; i++) {
        tell(i * BATCH, BATCH, LARGE);
        take(fast, i * BATCH, BATCH, LARGE);
    }
}

START_TEST(who_is_slow_loses_the_oldest)
{
    struct client fast, slow;
    int n = 0, at = -1;

    server_start(&s, SERVER(""));
    fast = hearing("/hear", "hear x 1 1000 1");
    slow = hearing("/hear/small", "hear x 1 10 0");
    flood(&fast);
    while (at != ROUNDS * BATCH - 1) {
        int next = number_of(&slow, 0x81, LARGE, NULL);
        ck_assert_int_gt(next, at);
        at = next; /* the last one of all is among those that have waited */
        n++;
    }
    ck_assert_int_lt(n, ROUNDS * BATCH);
    ck_assert_int_eq(tally_figure(&s, "channel_dropped_total"),
                     ROUNDS * BATCH - n);
    client_close(&fast);
    client_close(&slow);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(or_is_closed)
{
    struct client fast, slow;
    unsigned code = 0;
    int at = 0, next;

    server_start(&s, SERVER(""));
    fast = hearing("/hear", "hear x 1 1000 1");
    slow = hearing("/hear/small", "hear x 1 10 1");
    flood(&fast);
    while ((next = number_of(&slow, 0x81, LARGE, &code)) >= 0)
        ck_assert_int_eq(next, at++);
    ck_assert_uint_eq(code, 1008);
    ck_assert_int_gt(at, 0);
    client_close(&slow);
    wait_count("closed", 1);
    ck_assert_int_eq(count("code"), 1008);
    tell(0, 1, 0);
    take(&fast, 0, 1, 0);
    client_close(&fast);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What waited for them is given back: else there were no room soon. */
START_TEST(who_leaves_keeps_nothing)
{
    struct client fast, slow;

    server_start(&s, SERVER("channel_memory = 8m"));
    fast = hearing("/hear", "hear x 1 1000 1");
    for (int i = 0; i < 18; i++) { /* each may keep a sixteenth waiting */
        slow = hearing("/hear/small", "hear x 1 1000 0");
        for (int k = 0; k < 30; k++) {
            tell(0, 8, LARGE);
            take(&fast, 0, 8, LARGE);
        }
        client_close(&slow);
        wait_count("closed", i + 1);
    }
    client_close(&fast);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- reloads
 * ---------------------------------------------------------------*/

START_TEST(a_reload_loses_nothing)
{
    server_start(&s, SERVER(""));
    for (int i = 0; i < 100; i++)
        many[i] = hearing("/hear", "hear x");
    for (int i = 0; i < 5; i++) {
        server_write(&s, i % 2 ? SERVER("") : SERVER("") "[plugin hello]\n");
        tell(i * 30, 10, 1000);
        server_signal(&s, SIGHUP);
        tell(i * 30 + 10, 10, 1000);
        (void)server_wait_log(&s, "serves");
        tell(i * 30 + 20, 10, 1000);
    }
    for (int i = 0; i < 100; i++) {
        take(&many[i], 0, 150, 1000);
        client_close(&many[i]);
    }
    ck_assert_int_eq(tally_figure(&s, "channel_dropped_total"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(whose_plugin_is_replaced_is_sent_it_to_its_end)
{
    struct client c;

    server_start(&s, SERVER("drain_timeout = 300ms"));
    c = hearing("/hear", "hear x");
    server_write(&s, SERVER("drain_timeout = 300ms") "say = new\n");
    ck_assert_int_eq(server_reload(&s), 1);
    tell(1, 1, 0);
    (void)number_of(&c, 0x81, 0, &(unsigned){0});
    client_close(&c);
    wait_count("closed", 1);
    tell(2, 1, 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(ws_channel, all_of_both_workers_are_sent_it,
          each_in_the_type_it_has_asked_for, until_it_wants_it_no_more,
          there_is_a_bound, who_is_slow_loses_the_oldest, or_is_closed,
          who_leaves_keeps_nothing, a_reload_loses_nothing,
          whose_plugin_is_replaced_is_sent_it_to_its_end)
