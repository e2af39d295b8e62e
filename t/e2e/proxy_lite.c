/* SPDX-License-Identifier: BSD-2-Clause */
/* proxy_lite.c - a plugin passes requests on to another server (fixtures/), and
 * its replies back: to Etude itself, and to one that the test plays.
 * tags: epoll asan */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#include "t/lib/upstream.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define HELLO "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static struct server s;
static struct upstream u;
static struct client c;

static void
set_up(uint16_t port)
{
    char ini[256];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nmax_body = 20m\n"
             "[plugin proxy_lite]\nto = http://127.0.0.1:%u\n"
             "timeout = 5s\n",
             port);
    server_start(&s, ini);
    c = client_open(&s);
}

static void
tear_down(void)
{
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(a_message_goes_both_ways)
{
    struct answer a;
    int fd;

    if (transport_here()->is_h2) /* names are in lower case */
        return;
    upstream_open(&u);
    set_up(u.port);
    client_puts(&c,
                "GET /proxy/a%2Fb/../c?d=e HTTP/1.1\r\nHost: own.example\r\n"
                "X-A: 1\r\nX-A: 2\r\nX-Hop: 3\r\nTE: trailers\r\n"
                "Connection: keep-alive, x-hop\r\n\r\n");
    fd = upstream_take(&u);
    ck_assert_str_eq(u.heard, "GET /a%2Fb/../c?d=e HTTP/1.1\r\n"
                              "Host: own.example\r\n"
                              "X-A: 1\r\nX-A: 2\r\n\r\n");
    upstream_say(fd,
                 "HTTP/1.1 404 Gone\r\nContent-Type: text/x\r\n"
                 "Set-Cookie: a=b\r\nSet-Cookie: c=d\r\nX-Hop: 1\r\n"
                 "Keep-Alive: timeout=5\r\nConnection: x-hop, keep-alive\r\n"
                 "Transfer-Encoding: chunked\r\n\r\n"
                 "4\r\ngone\r\n0\r\n\r\n");
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 404);
    ck_assert_str_eq(a.body, "gone");
    ck_assert_str_eq(answer_field(&a, "Content-Type", 0), "text/x");
    ck_assert_str_eq(answer_field(&a, "Set-Cookie", 0), "a=b");
    ck_assert_str_eq(answer_field(&a, "Set-Cookie", 1), "c=d");
    ck_assert_str_eq(answer_field(&a, "Transfer-Encoding", 0), "chunked");
    ck_assert_ptr_null(answer_field(&a, "X-Hop", 0));
    ck_assert_ptr_null(answer_field(&a, "Keep-Alive", 0));
    answer_free(&a);
    close(fd);
    tear_down();
    upstream_close(&u);
}
END_TEST

START_TEST(a_head_has_no_body)
{
    struct answer a;
    int fd;

    upstream_open(&u);
    set_up(u.port);
    client_puts(&c, "HEAD /proxy/ HTTP/1.1\r\nHost: x\r\n\r\n");
    fd = upstream_take(&u);
    upstream_say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n");
    a = client_answer(&c, 1);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(answer_field(&a, "Content-Length", 0), "500");
    answer_free(&a);
    client_puts(&c, "GET /proxy/ HTTP/1.1\r\nHost: x\r\n\r\n");
    close(fd); /* whether it is used again or not, one worker or the other */
    fd = upstream_take(&u);
    upstream_say(fd, HELLO);
    client_take(&c, 0, 200, "hello");
    close(fd);
    tear_down();
    upstream_close(&u);
}
END_TEST

START_TEST(what_goes_wrong_is_said)
{
    int fd;

    upstream_open(&u);
    set_up(u.port);
    client_puts(&c, "GET /proxy/ HTTP/1.1\r\nHost: x\r\n\r\n");
    fd = upstream_take(&u);
    upstream_say(fd, "nonsense\r\n\r\n");
    client_take(&c, 0, 502, NULL);
    close(fd);
    client_puts(&c, "GET /proxy/ HTTP/1.1\r\nHost: x\r\n\r\n");
    close(upstream_take(&u));
    client_take(&c, 0, 502, NULL);
    upstream_close(&u);
    client_expect(&c, "GET /proxy/ HTTP/1.1\r\nHost: x\r\n\r\n", 502, NULL);
    tear_down();
}
END_TEST

/* A body of some megabytes, in pieces of all sizes, there and back. */
START_TEST(a_large_body_goes_through_two_servers)
{
    static const char head[] = "POST /proxy/echo HTTP/1.1\r\nHost: "
                               "x\r\nContent-Length: 3000000\r\n\r\n";
    struct server echo;
    struct answer a;
    char *body = malloc(3000000);

    ck_assert_ptr_nonnull(body);
    for (int i = 0; i < 3000000; i++)
        body[i] = (char)(i * 31 >> 3);
    server_start(&echo, "[server]\nworkers = 1\nmax_body = 20m\n"
                        "[listen in_clear]\naddress = 127.0.0.1:0\nh2c = no\n"
                        "[plugin echo]\n"
                        "[route echo]\nmatch = * /echo\nhandler = echo\n");
    set_up(echo.port);
    client_puts(&c, head);
    for (int i = 0, n = 1; i < 3000000; i += n, n = n * 5 % 9973 + 1)
        client_send(&c, body + i, (size_t)(i + n < 3000000 ? n : 3000000 - i));
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, 3000000);
    ck_assert_int_eq(memcmp(a.body, body, 3000000), 0);
    answer_free(&a);
    if (!transport_here()->is_h2) { /* the plugin looks for this field */
        client_puts(&c, "POST /proxy/echo HTTP/1.1\r\nHost: x\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n");
        client_take(&c, 0, 200, "abcdef");
    }
    tear_down();
    ck_assert_int_eq(server_stop(&echo), 0);
    free(body);
}
END_TEST

UNIT_MAIN(proxy_lite, a_message_goes_both_ways, a_head_has_no_body,
          what_goes_wrong_is_said, a_large_body_goes_through_two_servers)
