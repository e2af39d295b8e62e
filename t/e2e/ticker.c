/* SPDX-License-Identifier: BSD-2-Clause */
/* ticker.c - what states of plugins have called: timers, descriptors, posts.
 * tags: epoll asan tsan */
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(workers)                                                        \
    "[server]\nlisten = 127.0.0.1:0\nworkers = " workers "\n"

static struct server s;

/* What the worker of that connection says of one kind. */
static int
count(struct client *c, const char *what)
{
    return tally_on(c, GET("/ticker"), what);
}

static void
wait_count(struct client *c, const char *what, int n)
{
    for (int i = 0; i < 4000 && count(c, what) < n; i++)
        usleep(2000);
    ck_assert_int_ge(count(c, what), n);
}

START_TEST(timers_and_descriptors_are_called_once)
{
    struct client c;

    server_start(&s, SERVER("1") "[plugin ticker]\n");
    c = client_open(&s);
    ck_assert_int_eq(count(&c, "ticks"), 0);
    client_expect(&c, GET("/ticker/arm/1"), 200, "armed");
    client_expect(&c, GET("/ticker/arm/0"), 200, "armed");
    client_expect(&c, GET("/ticker/arm/60000"), 200, "armed");
    wait_count(&c, "ticks", 2);
    client_expect(&c, GET("/ticker/cancel"), 200, "-2 0 -2 0 -2");
    client_expect(&c, GET("/ticker/write"), 200, "written");
    wait_count(&c, "pipes", 1);
    client_expect(&c, GET("/ticker/write"), 200, "written");
    wait_count(&c, "pipes", 2);
    ck_assert_int_eq(count(&c, "ticks"), 2);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(posts_reach_every_worker)
{
    struct client c[2];

    server_start(&s, SERVER("2") "[plugin ticker]\n");
    c[0] = client_open(&s);
    c[1] = client_open(&s);
    for (int i = 1; i <= 3; i++) {
        client_expect(&c[0], GET("/ticker/post"), 200, "2");
        wait_count(&c[0], "posts", i);
        wait_count(&c[1], "posts", i);
    }
    client_close(&c[0]);
    client_close(&c[1]);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A state that has ended is not called any more, nor found. */
START_TEST(they_end_with_their_state)
{
    struct client c;

    server_start(&s, SERVER("1") "[plugin ticker]\nevery = 1\n");
    c = client_open(&s);
    wait_count(&c, "ticks", 5);
    for (int i = 0; i < 10; i++) {
        client_expect(&c, GET("/ticker/arm/1"), 200, "armed");
        client_expect(&c, GET("/ticker/write"), 200, "written");
        server_write(&s, i % 2 ? SERVER("1") "[plugin ticker]\nevery = 1\n"
                               : SERVER("1") "[plugin ticker]\nevery = 1\n"
                                             "say = other\n");
        ck_assert_int_eq(server_reload(&s), 1);
        client_expect(&c, GET("/ticker/old"), 200, "-2");
        client_expect(&c, GET("/ticker/post"), 200, "1");
        wait_count(&c, "posts", 1);
        wait_count(&c, "ticks", 3);
    }
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(there_is_room_for_so_many)
{
    struct client c;

    server_start(&s, SERVER("1") "max_waits = 5\n[plugin ticker]\n");
    c = client_open(&s);
    client_expect(&c, GET("/ticker/arm/60000"), 200, "armed");
    client_expect(&c, GET("/ticker/arm/60000"), 200, "armed");
    client_expect(&c, GET("/ticker/arm/60000"), 503, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(ticker, timers_and_descriptors_are_called_once,
          posts_reach_every_worker, they_end_with_their_state,
          there_is_room_for_so_many)
