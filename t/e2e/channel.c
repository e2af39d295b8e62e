/* SPDX-License-Identifier: BSD-2-Clause */
/* channel.c - what is published anywhere is told on every worker, in order; who
 * is slow loses what its policy says; whatever ends a task ends what it is
 * subscribed to.
 * tags: epoll asan tsan */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"

#define UNIT_SECONDS 90
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(workers, more)                                                  \
    "[server]\nlisten = 127.0.0.1:0\nworkers = " workers "\n" more             \
    "\n[plugin channel]\n"

static struct server s;

static void
wait_count(const char *what, int n)
{
    tally_wait(&s, GET("/channel/count"), what, n);
}

/* A client whose request is the nth that is subscribed. */
static struct client
ask(const char *request, int nth)
{
    struct client c = client_open(&s);

    client_puts(&c, request);
    wait_count("subscribed", nth);
    return c;
}

static void
published(const char *request)
{
    client_once(&s, request, 200, "0");
}

/* Connections go round: each worker has some. */
START_TEST(every_worker_is_told)
{
    struct client c[8];

    server_start(&s, SERVER("3", ""));
    for (int i = 0; i < 8; i++)
        c[i] = ask(GET("/channel/take/3?c=news"), i + 1);
    published(GET("/channel/publish?c=other&m=no"));
    published(GET("/channel/publish?c=news&m=from-a-request"));
    published(GET("/channel/job?c=news&m=from-a-thread"));
    client_once(&s, GET("/channel/timer/1?c=news&m=from-a-timer"), 200,
                "armed");
    for (int i = 0; i < 8; i++) {
        struct answer a = client_answer(&c[i], 0);
        ck_assert_int_eq(a.status, 200);
        ck_assert_ptr_nonnull(strstr(a.body, " from-a-request"));
        ck_assert_ptr_nonnull(strstr(a.body, " from-a-thread"));
        ck_assert_ptr_nonnull(strstr(a.body, " from-a-timer"));
        answer_free(&a);
        client_close(&c[i]);
    }
    wait_count("subscribed", 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(they_come_in_order)
{
    struct client c[4];
    char expected[8192] = "0";

    for (int i = 0; i < 300; i++)
        sprintf(expected + strlen(expected), " m%d", i);
    strcat(expected, " 0");
    server_start(&s, SERVER("2", ""));
    for (int i = 0; i < 4; i++)
        c[i] = ask(GET("/channel/take/300?c=x&queue=1000"), i + 1);
    published(GET("/channel/publish?c=x&m=m&n=300"));
    for (int i = 0; i < 4; i++) {
        client_take(&c[i], 0, 200, expected);
        client_close(&c[i]);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(it_is_told_of_itself_later)
{
    struct client c;

    server_start(&s, SERVER("1", ""));
    c = client_open(&s);
    client_expect(&c, GET("/channel/take/1?c=x&ms=0"), 200, "-8 0");
    client_expect(&c, GET("/channel/take/1?c=x&ms=20"), 200, "-8 0");
    client_expect(&c, GET("/channel/plain"), 200, "0");
    client_expect(&c, GET("/channel/bad"), 200, "20");
    client_expect(&c, GET("/channel/parts"), 200, "0 -2 -2 -4");
    client_expect(&c, GET("/channel/churn/1000"), 200, "0");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Who does not read meanwhile. */
START_TEST(a_full_queue_loses_what_its_policy_says)
{
    struct client c[3];

    server_start(&s, SERVER("1", "metrics = /metrics"));
    c[0] = ask(GET("/channel/hold?c=x&queue=3"), 1);
    c[1] = ask(GET("/channel/hold?c=x&queue=3&policy=1"), 2);
    c[2] = ask(GET("/channel/hold?c=x&queue=30&policy=1"), 3);
    published(GET("/channel/publish?c=x&n=5"));
    published(GET("/channel/publish?c=go&m=go"));
    client_take(&c[0], 0, 200, "-8 2 3 4 2");
    client_take(&c[1], 0, 200, "-5 4"); /* it is told of none behind those */
    client_take(&c[2], 0, 200, "-8 0 1 2 3 4 0");
    ck_assert_int_eq(
        tally(&s, GET("/metrics"), "\netude_channel_published_total"), 6);
    ck_assert_int_eq(
        tally(&s, GET("/metrics"), "\netude_channel_delivered_total"), 17);
    ck_assert_int_eq(
        tally(&s, GET("/metrics"), "\netude_channel_dropped_total"), 6);
    for (int i = 0; i < 3; i++)
        client_close(&c[i]);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(there_is_room_for_so_much)
{
    struct client c, d;
    char large[4097];
    int n = 0;

    memset(large, 'x', sizeof large);
    large[4096] = '\0';
    server_start(&s, SERVER("1", "max_subscriptions = 2\nmetrics = /metrics\n"
                                 "channel_max_message = 4k\n"
                                 "channel_memory = 64k"));
    c = ask(GET("/channel/hold?c=x&queue=1000"), 1);
    client_once(&s, GET("/channel/take/1?c=x"), 503, NULL);
    d = client_open(&s);
    client_printf(&d,
                  "POST /channel/publish?c=x HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: 4097\r\n\r\n%sx",
                  large);
    client_take(&d, 0, 200, "-4"); /* ET_EINVAL */
    /* One queue keeps a sixteenth of it: a single one of these. */
    for (n = 0; n < 40; n++) {
        client_printf(&d,
                      "POST /channel/publish?c=x HTTP/1.1\r\nHost: x\r\n"
                      "Content-Length: 4096\r\n\r\n%s",
                      large);
        client_take(&d, 0, 200, "0");
    }
    published(GET("/channel/publish?c=x&m=little")); /* and no large one */
    published(GET("/channel/publish?c=go&m=go"));
    client_take(&c, 0, 200, "-8 little 40");
    /* They are all published before one of them is read. */
    client_close(&c);
    c = ask(GET("/channel/hold?c=x&queue=1"), 1);
    client_expect(&d, GET("/channel/publish?c=x&m=y&n=5000"), 200, "-5");
    ck_assert_int_gt(
        tally(&s, GET("/metrics"), "\netude_channel_refused_total"), 0);
    client_expect(&d, GET("/channel/publish?c=x&m=y"), 200, "0");
    client_close(&c);
    wait_count("subscribed", 0);
    client_close(&d);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(names_may_be_anything)
{
    struct client c[3];

    server_start(&s, SERVER("2", ""));
    c[0] = ask(GET("/channel/take/1?c=%00%ff%0d%0a"), 1);
    c[1] = ask(GET("/channel/take/1?c=%00%ff"), 2);
    c[2] = ask(GET("/channel/take/1?c=%20"), 3);
    published(GET("/channel/publish?c=%00%ff%0d&m=0"));
    published(GET("/channel/publish?c=%00%ff%0d%0a&m=1"));
    published(GET("/channel/publish?c=%00%ff&m=2"));
    published(GET("/channel/publish?c=+&m=3"));
    client_once(&s, GET("/channel/publish?c=&m=4"), 200, "-4");
    client_once(&s, GET("/channel/take/1?c="), 503, NULL);
    client_take(&c[0], 0, 200, "0 1 0");
    client_take(&c[1], 0, 200, "0 2 0");
    client_take(&c[2], 0, 200, "0 3 0");
    for (int i = 0; i < 3; i++)
        client_close(&c[i]);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_client_that_goes_ends_it)
{
    struct client c;

    server_start(&s, SERVER("1", "max_subscriptions = 2"));
    for (int i = 0; i < 5; i++) {
        c = ask(GET("/channel/take/1?c=x"), 1);
        client_close(&c);
        wait_count("cancelled", i + 1);
        published(GET("/channel/publish?c=x&m=nobody"));
    }
    c = client_open(&s); /* whenever it goes */
    for (int i = 0; i < 20; i++) {
        struct client d = client_open(&s);
        client_puts(&d, GET("/channel/take/9?c=x"));
        client_puts(&c, GET("/channel/publish?c=x&m=m&n=9"));
        client_close(&d);
        client_take(&c, 0, 200, "0");
    }
    client_close(&c);
    wait_count("subscribed", 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_reload_leaves_it_where_it_is)
{
    struct client old, new;

    server_start(&s, SERVER("1", ""));
    old = ask(GET("/channel/take/2?c=x"), 1);
    published(GET("/channel/publish?c=x&m=before"));
    server_write(&s, SERVER("1", "channel_max_message = 5"));
    ck_assert_int_eq(server_reload(&s), 1);
    new = ask(GET("/channel/take/1?c=x"), 2);
    client_once(&s, GET("/channel/publish?c=x&m=behind"), 200, "-4");
    published(GET("/channel/publish?c=x&m=after"));
    client_take(&old, 0, 200, "0 before after 0");
    client_take(&new, 0, 200, "0 after 0");
    client_close(&old);
    client_close(&new);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What the state of that connection's worker has heard. */
static void
wait_heard(struct client *c, int n)
{
    for (int i = 0; i < 4000; i++) {
        if (tally_on(c, GET("/channel/heard"), "heard") == n)
            return;
        usleep(2000);
    }
    ck_abort_msg("it has not heard %d", n);
}

START_TEST(a_state_listens_until_it_ends)
{
    struct client c[2], d;

    server_start(&s, SERVER("2", ""));
    for (int i = 0; i < 2; i++) {
        c[i] = client_open(&s);
        client_expect(&c[i], GET("/channel/listen?c=x"), 200, "listens");
        client_expect(&c[i], GET("/channel/listen?c=y&once=1"), 200, "listens");
        client_expect(&c[i], GET("/channel/listen?c="), 503, NULL);
    }
    published(GET("/channel/publish?c=x&m=abc"));
    for (int i = 0; i < 2; i++)
        wait_heard(&c[i], 1); /* which has cancelled the other */
    client_expect(&c[0], GET("/channel/heard"), 200, "heard 1 bytes 4");
    published(GET("/channel/publish?c=y&m=abc"));
    published(GET("/channel/publish?c=x&m=abcd"));
    for (int i = 0; i < 2; i++)
        wait_heard(&c[i], 2);
    client_expect(&c[1], GET("/channel/heard"), 200, "heard 2 bytes 9");
    server_write(&s, SERVER("2", "") "[plugin ticker]\n");
    ck_assert_int_eq(server_reload(&s), 1); /* the same state */
    published(GET("/channel/publish?c=x&m=abc"));
    wait_heard(&c[0], 3);
    server_write(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
                     "[plugin channel]\nmount = /again\n");
    ck_assert_int_eq(server_reload(&s), 1);
    d = client_open(&s);
    client_expect(&d, GET("/again/channel/heard"), 200, NULL);
    client_expect(&d, GET("/again/channel/publish?c=x&m=abc"), 200, "0");
    client_close(&d);
    client_close(&c[0]);
    client_close(&c[1]);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* In the trial of the configuration, too, whose worker hears nothing. */
START_TEST(it_may_listen_from_its_init)
{
    struct client c;

    server_start(&s, SERVER("1", "") "hears = x\n");
    c = client_open(&s);
    wait_heard(&c, 1); /* of itself */
    client_expect(&c, GET("/channel/publish?c=x&m=abc"), 200, "0");
    wait_heard(&c, 2);
    server_write(&s, SERVER("1", "") "hears = y\n");
    ck_assert_int_eq(server_reload(&s), 1);
    client_expect(&c, GET("/channel/publish?c=x&m=abc"), 200, "0");
    client_expect(&c, GET("/channel/publish?c=y&m=abc"), 200, "0");
    wait_heard(&c, 2);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_stop_ends_it)
{
    struct client c, d;

    server_start(&s, SERVER("2", "drain_timeout = 200ms"));
    c = ask(GET("/channel/take/1?c=x"), 1);
    d = ask(GET("/channel/hold?c=x"), 2);
    published(GET("/channel/publish?c=z&m=nobody"));
    server_signal(&s, SIGTERM);
    client_take(&c, 0, 200, "-10 0"); /* ET_ERETIRE */
    client_take(&d, 0, 500, NULL);
    client_close(&c);
    client_close(&d);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

UNIT_MAIN(channel, every_worker_is_told, they_come_in_order,
          it_is_told_of_itself_later, a_full_queue_loses_what_its_policy_says,
          there_is_room_for_so_much, names_may_be_anything,
          a_client_that_goes_ends_it, a_reload_leaves_it_where_it_is,
          a_state_listens_until_it_ends, it_may_listen_from_its_init,
          a_stop_ends_it)
