/* SPDX-License-Identifier: BSD-2-Clause */
/* golden.c - the plugin of contract 1.0, built with the headers of 1.0, in the
 * server of today: every interface, by every route it has (t/golden/1.0).
 * tags: epoll asan tsan tls h2 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/admin.h"
#include "t/lib/client.h"
#include "t/lib/module.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#include "t/lib/upstream.h"
#include "t/lib/wsock.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmetrics = /metrics\n"        \
    "runtime_dir = $DIR\nlog_level = debug\n"
#define GOLDEN                                                                 \
    "[plugin golden]\nword = Au\nsecret = quiet\nis-on = yes\nbytes = 1k\n"    \
    "ms = 2s\npath = there\nrate = 5/m\nchoice = three\nlist = a\nlist = b\n"  \
    "header = X-One: one\nheaders = X-A: 1\n"                                  \
    "[scope all]\nmatch = /*\nuse = golden\n"                                  \
    "[route show]\nmatch = * /show/*rest\nhandler = golden\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: X.example:80\r\n\r\n"
#define GET_WITH(path, more) "GET " path " HTTP/1.1\r\nHost: x\r\n" more "\r\n"
#define FIN 0x80u
#define TEXT (FIN | 1u)

static struct server s;
static struct client c;

static void
begin(void)
{
    const char *build = getenv("T_BUILD");
    char path[PATH_MAX];

    server_prepare(&s, SERVER GOLDEN);
    snprintf(path, sizeof path, "%s/t/golden/1.0/golden.so",
             build && *build ? build : "build");
    module_add(&s, path, "golden");
    server_serve(&s);
    c = client_open(&s);
}

static void
end(void)
{
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}

static struct answer
ask(const char *request, int status)
{
    struct answer a;

    client_puts(&c, request);
    a = client_answer(&c, strncmp(request, "HEAD", 4) == 0);
    ck_assert_msg(a.status == status, "%s%s%s", request, a.head, a.body);
    return a;
}

/* A field of the answer to request. */
static void
has_field(const char *request, int status, const char *name, int nth,
          const char *value)
{
    struct answer a = ask(request, status);
    const char *found = answer_field(&a, name, nth);

    ck_assert_msg(found && strcmp(found, value) == 0, "%s: %s", name, a.head);
    answer_free(&a);
}

/* Whether the answer to request has text in its body. */
static int
holds(const char *request, const char *text)
{
    struct answer a = ask(request, 200);
    int found = strstr(a.body, text) != NULL;

    answer_free(&a);
    return found;
}

static void
shows(const char *request, const char *text)
{
    struct answer a = ask(request, 200);

    unit_has(a.body, text);
    answer_free(&a);
}

/* Until it does. */
static void
wait_for(const char *request, const char *text)
{
    for (int i = 0; i < 1000; i++) {
        if (holds(request, text))
            return;
        usleep(5000);
    }
    ck_abort_msg("%s: no %s", request, text);
}

/* The same of a connection that is closed without an answer. */
static void
is_dropped(const char *request)
{
    client_puts(&c, request);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    c = client_open(&s);
}

/* ---- its life -------------------------------------------------------------*/

START_TEST(its_options_are_filled_in)
{
    char want[PATH_MAX];

    begin();
    snprintf(want, sizeof want,
             "Au 1 100 1 1024 2000 %s/there 5/60000 2 "
             ",a,b X-One=one 1\n",
             s.dir);
    client_expect(&c, GET("/g/options"), 200, want);
    ck_assert(!server_has_log(&s, "quiet"));
    end();
}
END_TEST

START_TEST(options_that_do_not_go_together_are_refused)
{
    char out[4096];
    const char *check[] = {"-t", NULL};

    begin();
    server_write(&s, SERVER "[plugin golden]\nword = x\nsecret = x\n");
    ck_assert_int_eq(server_run(&s, check, out, sizeof out), 78);
    unit_has(out, "secret: must not be the word");
    server_write(&s, SERVER "[plugin golden]\n");
    ck_assert_int_eq(server_run(&s, check, out, sizeof out), 78);
    unit_has(out, "word");
    end();
}
END_TEST

START_TEST(its_loop_runs_and_its_state_is_handed_over)
{
    char out[4096];
    const char *tell[] = {"command", "golden", "tell", "said"};

    begin();
    wait_for(GET("/g/state"), "ticks=1 posted=1 watched=1");
    shows(GET("/g/state"), "loaded=0");
    admin_run(&s, 0, tell, out, sizeof out);
    unit_has(out, "said ticks=1 posted=1");
    ck_assert_int_eq(server_reload(&s), 1);
    shows(GET("/g/state"), "loaded=1");
    ck_assert(!holds(GET("/g/state"), "requests=1 "));
    ck_assert(!server_has_log(&s, "was cancelled, and is called"));
    end();
}
END_TEST

START_TEST(its_figures_and_lines_are_kept)
{
    begin();
    client_expect(&c, GET("/g/static"), 203, "static\n");
    wait_for(GET("/metrics"), "golden_body_bytes_bucket{");
    shows(GET("/metrics"), "golden_seen_total{");
    shows(GET("/metrics"), "golden_inside{");
    shows(GET("/metrics"), "golden_last_bytes{");
    server_wait_log(&s, "golden 203 /g/static");
    ck_assert(server_has_log(&s, "golden is open"));
    end();
}
END_TEST

/* ---- the chain ------------------------------------------------------------*/

START_TEST(its_steps_run_around_every_route)
{
    begin();
    client_expect(&c, GET_WITH("/show/x", "X-Refuse: 1\r\n"), 401, NULL);
    has_field(GET("/show/x"), 200, "X-Golden", 0, "Au");
    has_field(GET_WITH("/show/x", "X-Keep: k\r\n"), 200, "X-Golden", 1, "k");
    has_field(GET("/nowhere"), 404, "X-A", 0, "1");
    client_expect(&c, GET_WITH("/g/static", "X-Upper: 1\r\n"), 203, "STATIC\n");
    client_expect(&c,
                  "PURGE /show/a%20b?c HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: 4\r\n\r\n1234",
                  200,
                  "{\"method\":\"PURGE\",\"path\":\"/show/a b\","
                  "\"query\":\"c\",\"body\":4}\n");
    client_expect(&c, GET_WITH("/g/write", "X-Upper: 1\r\n"), 200,
                  "ONE TWO 3 FOUR\n");
    end();
}
END_TEST

/* ---- requests -------------------------------------------------------------*/

START_TEST(it_reads_requests)
{
    const struct transport *t = transport_here();
    char want[200];

    begin();
    client_expect(&c,
                  GET_WITH("/g/hello/a%20b?value=c%26", "Cookie: a=b; c=d\r\n"),
                  200, "Au a b c%26 d\n");
    client_expect(&c,
                  "POST /g/form HTTP/1.1\r\nHost: x\r\nContent-Type: "
                  "application/x-www-form-urlencoded\r\nContent-Length: 8"
                  "\r\n\r\na=40&b=2",
                  200, "42\n");
    has_field("PUT /g/body HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\n"
              "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
              "5\r\nhello\r\n0\r\nX-Sum: 532\r\n\r\n",
              200, "X-Sum", 0, "532");
    client_expect(&c,
                  "PATCH /g/body HTTP/1.1\r\nHost: x\r\nContent-Length: 5"
                  "\r\n\r\nhello",
                  200, "5\n");
    client_expect(&c, "DELETE /g/body HTTP/1.1\r\nHost: x\r\n\r\n", 204, "");
    snprintf(want, sizeof want, "PURGE %d\n", t->is_h2 ? 20 : 11);
    client_expect(&c, "PURGE /g/any HTTP/1.1\r\nHost: x\r\n\r\n", 200, want);
    snprintf(want, sizeof want, "GET %d\n", t->is_h2 ? 20 : 11);
    client_expect(&c, GET("/g/also"), 200, want);
    end();
}
END_TEST

START_TEST(it_knows_what_carries_a_request)
{
    const struct transport *t = transport_here();
    char want[500];

    begin();
    snprintf(want, sizeof want,
             "{\"proto\":%d,\"method\":1,\"scheme\":\"%s\","
             "\"host\":\"x.example\",\"target\":\"/g/facts/a/b?q\","
             "\"rest\":\"a/b\",\"peer\":\"127.0.0.1\","
             "\"socket\":\"127.0.0.1\",\"port\":1,\"route\":\"facts\","
             "\"instance\":\"golden\",\"fields\":\"%s\",",
             t->is_h2 ? 20 : 11, t->scheme, t->is_h2 ? "host " : "Host ");
    shows(GET("/g/facts/a/b?q"), want);
    client_expect(&c, GET("/g/client"), 200,
                  t->is_tls ? "TLSv1.3|||\n" : "|||\n");
    end();
}
END_TEST

/* ---- answers --------------------------------------------------------------*/

START_TEST(it_answers_in_every_way)
{
    begin();
    client_expect(&c, GET("/g/fields"), 200, "1 2 0\n");
    has_field(GET("/g/fields"), 200, "X-Two", 1, "2");
    has_field(GET("/g/fields"), 200, "X-One", 0, "one");
    has_field(GET("/g/fields"), 200, "X-Kept", 1, "two");
    client_expect(&c, GET("/g/html?q=%3C"), 200, "<p>&lt;</p>\n");
    client_expect(&c, GET("/g/json?q=%22"), 200, "[\"\\\"\",\"\\\"\"]\n");
    client_expect(&c, GET("/g/error"), 418, NULL);
    client_expect(&c, GET("/g/static"), 203, "static\n");
    client_expect(&c, GET("/g/copied"), 200, "copied\n");
    client_expect(&c, GET("/g/ref"), 200, "by reference\n");
    client_expect(&c, GET("/g/file"), 200, "23456");
    client_expect(&c, GET("/g/pieces"), 200, "three digits: 789, one: 0");
    has_field(GET("/g/redirect"), 303, "Location", 0, "/g/state");
    client_expect(&c, GET("/g/limits"), 500, NULL);
    client_expect(&c, GET("/g/fail"), 500, NULL);
    server_wait_log(&s, "as it was asked to");
    client_expect(&c, GET("/g/panic"), 500, NULL);
    server_wait_log(&s, "at 3");
    client_close(&c);
    c = client_open(&s);
    is_dropped(GET("/g/drop"));
    wait_for(GET("/g/state"), "released=2");
    end();
}
END_TEST

/* ---- waiting --------------------------------------------------------------*/

START_TEST(its_stores_outlive_it)
{
    begin();
    client_expect(&c, GET("/g/store/k"), 200, "1 2 0\n");
    ck_assert_int_eq(server_reload(&s), 1);
    client_expect(&c, GET("/g/store/k"), 200, "2 4 1\n");
    client_expect(&c, GET("/g/store/once"), 200, "1 0 0\n");
    client_expect(&c, GET("/g/store/once"), 200, "1 0 0\n");
    end();
}
END_TEST

START_TEST(its_steps_wait)
{
    begin();
    client_expect(&c, GET("/g/suspend"), 200, "resumed with 7\n");
    client_expect(&c, GET("/g/cancelled"), 504, NULL);
    client_expect(&c, GET("/g/job"), 200, "a job has returned 42\n");
    shows(GET("/g/state"), "cancelled=1");
    shows(GET("/g/state"), "jobs=1");
    end();
}
END_TEST

START_TEST(its_tasks_wait)
{
    begin();
    client_expect(&c, GET("/g/task"), 200, "7 42\n");
    shows(GET("/g/state"), "deferred=1");
    client_expect(&c, GET("/g/join"), 200, "2 4\n");
    client_expect(&c, GET("/g/fd"), 200, "4 1\n");
    client_expect(&c, GET("/g/exact"), 200, "four");
    client_expect(&c, GET("/g/events"), 200,
                  "retry: 500\nevent: tick\nid: 1\ndata: a\ndata: b\n\n:\n\n");
    client_puts(&c, GET("/g/write"));
    client_gather(&c, 1);
    while (!strstr(c.buf, "0\r\nX-Sum: 10\r\n\r\n") &&
           !strstr(c.buf, "0\r\nx-sum: 10\r\n\r\n"))
        client_gather(&c, c.n + 1);
    end();
}
END_TEST

/* A body that is as long as it likes comes back as it is read. */
START_TEST(its_tasks_read_and_write)
{
    enum { BYTES = 200000 };
    static char body[BYTES];
    struct answer a;

    begin();
    memset(body, 'a', sizeof body);
    client_printf(&c,
                  "POST /g/read HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: %d\r\n\r\n",
                  BYTES);
    client_send(&c, body, sizeof body);
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, BYTES);
    ck_assert_mem_eq(a.body, body, BYTES);
    answer_free(&a);
    end();
}
END_TEST

/* ---- others ---------------------------------------------------------------*/

static struct upstream u;

static void
reply(int fd)
{
    upstream_say(fd, "HTTP/1.1 203 OK\r\nContent-Type: a/b\r\n"
                     "Content-Length: 5\r\n\r\nhello");
}

START_TEST(it_asks_other_servers)
{
    int fd;

    begin();
    upstream_open(&u);
    client_printf(&c,
                  "GET /g/fetch?url=http://127.0.0.1:%u/there HTTP/1.1\r\n"
                  "Host: x\r\n\r\n",
                  u.port);
    fd = upstream_take(&u);
    unit_has(u.heard, "GET /there HTTP/1.1\r\n");
    unit_has(u.heard, "\r\nX-From: golden\r\n");
    reply(fd);
    upstream_hear(&u, fd); /* once more, over the same connection */
    reply(fd);
    client_take(&c, 0, 200, "203 a/b 5 hello");
    client_printf(&c,
                  "GET /g/fetch-then?url=http://127.0.0.1:%u/ HTTP/1.1\r\n"
                  "Host: x\r\n\r\n",
                  u.port);
    upstream_hear(&u, fd);
    reply(fd);
    client_take(&c, 0, 200, "203 hello");
    client_printf(&c,
                  "POST /g/fetch-send?url=http://127.0.0.1:%u/ HTTP/1.1\r\n"
                  "Host: x\r\nContent-Length: 4\r\n\r\nbody",
                  u.port);
    fd = upstream_take(&u);
    upstream_hear_body(&u, fd, strlen("4\r\nbody\r\n0\r\n\r\n"));
    reply(fd);
    client_take(&c, 0, 200, "203 5\n");
    upstream_close(&u);
    end();
}
END_TEST

START_TEST(its_channels_are_heard)
{
    begin();
    client_expect(&c, GET("/g/subscribe"), 200, "10 1\n");
    client_expect(&c,
                  "POST /g/publish HTTP/1.1\r\nHost: x\r\nContent-Length: 4"
                  "\r\n\r\nnews",
                  202, "0\n");
    wait_for(GET("/g/state"), "heard=1");
    end();
}
END_TEST

/* ---- WebSockets -----------------------------------------------------------*/

START_TEST(its_streams_talk)
{
    struct client w;

    begin();
    w = wsock_open_with(&s, "/g/ws", "Sec-WebSocket-Protocol: golden\r\n");
    wsock_take_text(&w, "welcome of golden");
    wsock_text(&w, "echo");
    wsock_take_text(&w, "echo");
    wsock_text(&w, "listen");
    wsock_take_text(&w, "0");
    client_expect(&c,
                  "POST /g/publish HTTP/1.1\r\nHost: x\r\nContent-Length: 4"
                  "\r\n\r\nnews",
                  202, "0\n");
    wsock_take_text(&w, "news");
    wsock_text(&w, "leave");
    wsock_text(&w, "post");
    wsock_take_text(&w, "posted");
    wsock_text(&w, "close");
    ck_assert_str_eq(wsock_take_close(&w, 1000), "as you like");
    wsock_close(&w, 1000, "");
    client_close(&w);
    wait_for(GET("/g/state"), "opened=1 closed=1");
    w = wsock_open_with(&s, "/g/ws", "");
    wsock_take_text(&w, "welcome of ");
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert_str_eq(wsock_take_close(&w, 1001), "moving on");
    client_close(&w);
    w = wsock_open_with(&s, "/g/ws-task", "");
    wsock_text(&w, "echo");
    wsock_take_text(&w, "echo");
    wsock_close(&w, 1000, "");
    (void)wsock_take_close(&w, 1000);
    client_close(&w);
    end();
}
END_TEST

UNIT_MAIN(golden, its_options_are_filled_in,
          options_that_do_not_go_together_are_refused,
          its_loop_runs_and_its_state_is_handed_over,
          its_figures_and_lines_are_kept, its_steps_run_around_every_route,
          it_reads_requests, it_knows_what_carries_a_request,
          it_answers_in_every_way, its_stores_outlive_it, its_steps_wait,
          its_tasks_wait, its_tasks_read_and_write, it_asks_other_servers,
          its_channels_are_heard, its_streams_talk)
