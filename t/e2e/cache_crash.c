/* SPDX-License-Identifier: BSD-2-Clause */
/* cache_crash.c - the handler that requests of a cache wait for crashes: the
 * next one asks, and what is stale is served.
 * tags: epoll */
#include <string.h>

#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path, more) "GET " path " HTTP/1.1\r\nHost: x\r\n" more "\r\n"

static struct server s;

static void
start(void)
{
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "crash_limit = 0\nmetrics = /metrics\n"
                     "[plugin origin]\n[plugin cache]\nwait = 60s\n"
                     "client = honour\n"
                     "[scope cached]\nmatch = /o/*\nuse = cache\n");
}

static void
take(struct client *c, int status, const char *outcome, const char *text)
{
    struct answer a = client_answer(c, 0);

    ck_assert_int_eq(a.status, status);
    ck_assert_str_eq(answer_field(&a, "X-Cache", 0), outcome);
    ck_assert(!text || strcmp(a.body, text) == 0);
    answer_free(&a);
}

START_TEST(another_one_asks)
{
    struct client c[3];

    start();
    for (int i = 0; i < 3; i++) {
        c[i] = client_open(&s);
        client_puts(&c[i], GET("/o/a", "X-CC: max-age=60\r\nX-Do: crash\r\n"));
        client_wait_active(&s, i + 1);
    }
    client_once(&s, GET("/gate/open", ""), 200, "open");
    take(&c[0], 500, "MISS", NULL);
    take(&c[1], 200, "MISS", "run 2");
    take(&c[2], 200, "HIT", "run 2");
    for (int i = 0; i < 3; i++)
        client_close(&c[i]);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_is_stale_is_served)
{
    struct client c;

    start();
    client_once(&s, GET("/gate/open", ""), 200, "open");
    c = client_open(&s);
    client_puts(&c, GET("/o/a", "X-CC: max-age=60\r\n"));
    take(&c, 200, "MISS", "run 1");
    client_puts(&c, GET("/o/a", "Cache-Control: no-cache\r\nX-Do: crash\r\n"));
    take(&c, 200, "STALE", "run 1");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(and_so_if_it_crashes_that_is_asked_anew)
{
    struct client c;

    start();
    client_once(&s, GET("/gate/open", ""), 200, "open");
    c = client_open(&s);
    client_puts(&c,
                GET("/o/a", "X-CC: max-age=0, stale-while-revalidate=60\r\n"));
    take(&c, 200, "MISS", "run 1");
    client_puts(&c, GET("/o/a", "X-Do: crash\r\n"));
    take(&c, 200, "STALE", "run 1");
    server_wait_log(&s, "recovered: this request alone");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(cache_crash, another_one_asks, what_is_stale_is_served,
          and_so_if_it_crashes_that_is_asked_anew)
