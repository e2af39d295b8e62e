/* SPDX-License-Identifier: BSD-2-Clause */
/* timeouts.c - whoever stalls or drips is gone by a deadline, each with its own
 * setting; whoever goes on is not.
 * tags: epoll asan */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#define UNIT_SECONDS 40
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path, n)                                                          \
    "POST " path " HTTP/1.1\r\nHost: x\r\nContent-Length: " n "\r\n\r\n"
#define ROUTES                                                                 \
    "[plugin answers]\nfile = $DIR/data\n[plugin echo]\n"                      \
    "[route echo]\nmatch = * /echo\nhandler = echo\n"

static void
start(struct server *s, const char *settings, const char *routes)
{
    char ini[1024];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\n%s\n" ROUTES "%s", settings,
             routes);
    server_start(s, ini);
}

/* Bytes one at a time until the server has enough of it. */
static void
drip_until_answered(struct client *c, char byte)
{
    struct pollfd p = {.fd = c->fd, .events = POLLIN};

    for (int i = 0; i < 1000 && poll(&p, 1, 20) == 0; i++)
        if (!client_try_send(c, &byte, 1))
            return;
}

START_TEST(a_head_that_stalls_or_drips_is_408)
{
    struct server s;
    struct client c;

    if (transport_here()->is_h2) /* e2e/h2_limits.c has half a head */
        return;
    start(&s, "header_timeout = 200ms", "");
    c = client_open(&s);
    client_puts(&c, "GET /none HTTP/1.1\r\nHo");
    client_take(&c, 0, 408, NULL);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    c = client_open(&s);
    client_puts(&c, "GET /none HTTP/1.1\r\nHost: ");
    drip_until_answered(&c, 'x');
    client_take(&c, 0, 408, NULL);
    client_close(&c);
    c = client_open(&s); /* the second request of a connection too */
    client_expect(&c, GET("/none"), 200, "");
    client_puts(&c, "G");
    client_take(&c, 0, 408, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_body_that_stalls_is_408)
{
    struct server s;
    struct client c;

    start(&s, "body_timeout = 200ms", "");
    c = client_open(&s);
    client_puts(&c, POST("/echo", "5") "hel");
    client_take(&c, 0, 408, NULL);
    ck_assert(transport_here()->is_h2 || /* the stream ends, and no more */
              client_is_closed(&c));
    client_close(&c);
    c = client_open(&s);
    client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n5\r\nhel");
    client_take(&c, 0, 408, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_body_below_the_minimum_rate_is_408)
{
    struct server s;
    struct client c;

    start(&s, "body_timeout = 300ms\nbody_min_rate = 1m", "");
    c = client_open(&s);
    client_puts(&c, POST("/echo", "100000"));
    drip_until_answered(&c, 'x');
    client_take(&c, 0, 408, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* It drips until another one, which began later, has stalled for too long. */
START_TEST(a_body_that_goes_on_is_not_cut)
{
    enum { N = 1000 };
    static char body[N + 1];
    struct server s;
    struct client c, stalled;
    struct pollfd end = {.events = POLLIN};
    size_t n = 0;

    memset(body, 'x', N);
    start(&s, "body_timeout = 2s\nbody_min_rate = 0\n", "");
    c = client_open(&s);
    client_puts(&c, POST("/echo", "1000"));
    stalled = client_open(&s);
    client_puts(&stalled, POST("/echo", "5") "hel");
    end.fd = stalled.fd;
    while (poll(&end, 1, 30) == 0 && n < N - 1)
        client_send(&c, body + n++, 1);
    client_take(&stalled, 0, 408, NULL);
    client_send(&c, body + n, N - n);
    client_take(&c, 0, 200, body);
    client_close(&stalled);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_route_may_have_a_body_timeout_of_its_own)
{
    struct server s;
    struct client c;

    start(&s, "body_timeout = 1h\nbody_min_rate = 0",
          "[route quick]\nmatch = * /quick\nhandler = echo\n"
          "body_timeout = 100ms\n");
    c = client_open(&s);
    client_puts(&c, POST("/quick", "5") "hel");
    client_take(&c, 0, 408, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(an_idle_connection_ends_without_a_word)
{
    struct server s;
    struct client c, new;

    start(&s, "keepalive_timeout = 1s", "");
    c = client_open(&s);
    new = client_open(&s);
    client_expect(&c, GET("/none"), 200, "");
    ck_assert(client_is_closed(&c));
    ck_assert(client_is_closed(&new));
    client_close(&c);
    client_close(&new);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Busy at an interval far below the limit: it outlives one that is idle. */
START_TEST(a_busy_connection_lives)
{
    struct server s;
    struct client c, idle;
    struct pollfd end = {.events = POLLIN};

    start(&s, "keepalive_timeout = 2s\nidle_demote = 10ms", "");
    c = client_open(&s);
    client_expect(&c, GET("/none"), 200, "");
    idle = client_open(&s);
    client_expect(&idle, GET("/none"), 200, "");
    end.fd = idle.fd;
    while (poll(&end, 1, 50) == 0)
        client_expect(&c, GET("/none"), 200, "");
    ck_assert(client_is_closed(&idle));
    client_expect(&c, GET("/none"), 200, "");
    client_close(&idle);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(without_keepalive_each_answer_closes)
{
    struct server s;
    struct client c;
    struct answer a;

    start(&s, "keepalive_timeout = 0", "");
    c = client_open(&s);
    client_puts(&c, GET("/none"));
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(answer_field(&a, "Connection", 0), "close");
    answer_free(&a);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Until the server has let go of the body. */
static void
wait_release(struct server *s)
{
    struct client c = client_open(s);

    for (int i = 0; i < 1000; i++) {
        struct answer a;
        int is_released;
        client_puts(&c, GET("/count/release"));
        a = client_answer(&c, 0);
        is_released = strcmp(a.body, "1") == 0;
        answer_free(&a);
        if (is_released) {
            client_close(&c);
            return;
        }
        usleep(10000);
    }
    ck_abort_msg("the answer is still on its way");
}

/* Reads nothing for longer than write_timeout: then what comes is cut. */
static void
stall(const char *request, const char *settings, const char *routes)
{
    struct server s;
    struct client c;
    size_t n;

    start(&s, settings, routes);
    c = client_open(&s);
    client_puts(&c, request);
    wait_release(&s);
    n = client_read_all(&c);
    ck_assert_uint_lt(n, 64u << 20);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(a_reader_that_stalls_is_cut)
{
    stall(GET("/ref/67108864"), "write_timeout = 300ms", "");
}
END_TEST

START_TEST(a_route_may_have_a_write_timeout_of_its_own)
{
    stall(GET("/own/67108864"), "write_timeout = 1h",
          "[route own]\nmatch = GET /own/:n\nhandler = answers:ref\n"
          "write_timeout = 300ms\n");
}
END_TEST

/* Takes a little again and again, for longer than write_timeout: too little for
 * the kernel to want more from the server in that time. */
START_TEST(a_slow_reader_that_goes_on_is_not_cut)
{
    static char drop[256 << 10];
    struct server s;
    struct client c;
    size_t n = 0;

    if (!transport_here()->is_plain) /* the thread between takes much at once */
        return;
    start(&s, "write_timeout = 1500ms", "");
    c = client_open(&s);
    client_puts(&c, "GET /ref/16777216 HTTP/1.1\r\nHost: x\r\n"
                    "Connection: close\r\n\r\n");
    for (int i = 0;; i++) {
        ssize_t k = read(c.fd, drop, i < 100 ? 8192 : sizeof drop);
        ck_assert_int_ge(k, 0);
        if (k == 0)
            break;
        n += (size_t)k;
        if (i < 100)
            usleep(40000);
    }
    ck_assert_uint_gt(n, 16777216);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(timeouts, a_head_that_stalls_or_drips_is_408,
          a_body_that_stalls_is_408, a_body_below_the_minimum_rate_is_408,
          a_body_that_goes_on_is_not_cut,
          a_route_may_have_a_body_timeout_of_its_own,
          an_idle_connection_ends_without_a_word, a_busy_connection_lives,
          without_keepalive_each_answer_closes, a_reader_that_stalls_is_cut,
          a_route_may_have_a_write_timeout_of_its_own,
          a_slow_reader_that_goes_on_is_not_cut)
