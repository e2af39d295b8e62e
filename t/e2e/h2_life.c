/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_life.c - HTTP/2 connections while the server reloads, stops, is replaced,
 * or has had enough of them; and requests on them that go wrong.
 * tags: epoll asan tsan plain */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/server.h"
#include "t/lib/web.h"
#define UNIT_SECONDS 90
#include "t/lib/unit.h"

#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nh2c = yes\n"                 \
    "metrics = /metrics\n"
#define PLUGINS "[plugin hello]\n[plugin task]\n[plugin writer]\n"

static struct server s;

static long
metric(const char *name)
{
    struct web w = web_open(&s);
    char line[64], *at;
    long n = -1;

    web_get(&w, 200, "/metrics");
    snprintf(line, sizeof line, "\netude_%s", name);
    at = strstr(w.body.p, line);
    if (at)
        n = atol(strchr(at + 1, ' '));
    web_close(&w);
    return n;
}

/* Begin a client: COMMAND URL of path. */
static FILE *
begin(const char *command, const char *path)
{
    char line[512];
    FILE *f;

    snprintf(line, sizeof line, "%s 'http://127.0.0.1:%u%s' 2>&1", command,
             s.port, path);
    f = popen(line, "r");
    ck_assert_ptr_nonnull(f);
    return f;
}

/* What it has printed, when it has come to its end. */
static const char *
finish(FILE *f)
{
    static char out[200000];
    size_t n = fread(out, 1, sizeof out - 1, f);

    out[n] = '\0';
    pclose(f);
    return out;
}

static int
count(const char *text, const char *what)
{
    int n = 0;

    while ((text = strstr(text, what)) != NULL) {
        text += strlen(what);
        n++;
    }
    return n;
}

static int
has(const char *text, const char *what)
{
    return count(text, what) > 0;
}

/* Until so many are being answered, and the request that asks. */
static void
wait_for_streams(long n)
{
    while (metric("requests_active") < n + 1)
        usleep(10000);
}

/* ---- reload ---------------------------------------------------------------*/

#define LOAD (server_is_sanitized() ? 20000 : 100000)

START_TEST(reloads_under_load_lose_no_request)
{
    char command[128];
    const char *out;
    FILE *f;

    server_start(&s, SERVER PLUGINS);
    snprintf(command, sizeof command, "h2load -n %d -c 8 -m 32", LOAD);
    f = begin(command, "/hello/you");
    for (int i = 0; i < 5; i++) {
        server_write(&s, i % 2 ? SERVER PLUGINS
                               : SERVER PLUGINS "[plugin echo]\n[route e]\n"
                                                "match = * /e\n"
                                                "handler = echo\n");
        ck_assert_int_eq(server_reload(&s), 1);
    }
    out = finish(f);
    snprintf(command, sizeof command,
             "%d succeeded, 0 failed, 0 errored, 0 timeout", LOAD);
    ck_assert_msg(has(out, command), "%s", out);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A stream ends on the generation it began on, the next one is of the new. */
START_TEST(streams_pin_their_generation)
{
    const char *out;
    FILE *f;

    server_start(&s, SERVER PLUGINS);
    f = begin("nghttp -ns -m 20", "/task/sleep/4000");
    wait_for_streams(20);
    server_write(&s, SERVER "[plugin hello]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert_int_eq(metric("requests_active"), 21);
    out = finish(f);
    ck_assert_int_eq(count(out, " 200 "), 20);
    f = begin("nghttp -ns", "/task/sleep/10");
    ck_assert_int_eq(count(finish(f), " 404 "), 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- the end --------------------------------------------------------------*/

START_TEST(a_stop_lets_streams_end)
{
    const char *out;
    FILE *f;

    server_start(&s, SERVER PLUGINS);
    f = begin("nghttp -nvs -m 20", "/task/sleep/4000");
    wait_for_streams(20);
    server_signal(&s, SIGTERM);
    out = finish(f);
    ck_assert_int_eq(count(out, " 200 "), 20);
    /* First no stream is named, then the last one (RFC 9113 6.8). */
    ck_assert_int_eq(count(out, "recv GOAWAY"), 2);
    ck_assert(has(out, "(last_stream_id=2147483647, error_code=NO_ERROR"));
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

START_TEST(an_idle_connection_is_told_and_closed)
{
    const char *out;
    FILE *f;

    server_start(&s, SERVER "keepalive_timeout = 300ms\n" PLUGINS);
    f = begin("h2load -n 1 -c 1 -D 3", "/hello/you");
    (void)finish(f);
    /* nghttp leaves by itself: it waits for an answer that takes longer than
     * an idle connection may last, and is not taken for one. */
    f = begin("nghttp -nvs", "/task/sleep/900");
    out = finish(f);
    ck_assert_int_eq(count(out, " 200 "), 1);
    ck_assert_int_eq(metric("timeouts_total"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_connection_has_so_many_requests)
{
    const char *out;
    FILE *f;

    server_start(&s, SERVER "max_requests_per_connection = 5\n" PLUGINS);
    f = begin("nghttp -nvs -m 5", "/hello/you");
    out = finish(f);
    ck_assert_int_ge(count(out, "recv GOAWAY"), 1);
    ck_assert_int_eq(count(out, " 200 "), 5);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(an_upgrade_lets_streams_end)
{
    const char *out;
    FILE *f;

    server_start(&s, SERVER PLUGINS);
    f = begin("nghttp -nvs -m 20", "/task/sleep/4000");
    wait_for_streams(20);
    server_upgrade(&s);
    out = finish(f);
    ck_assert_int_eq(count(out, " 200 "), 20);
    ck_assert_int_ge(count(out, "recv GOAWAY"), 1);
    f = begin("nghttp -ns", "/hello/you");
    ck_assert_int_eq(count(finish(f), " 200 "), 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- what goes wrong ------------------------------------------------------*/

/* A sanitizer reports crashes itself. */
START_TEST(a_crash_costs_its_stream)
{
    char command[256];
    const char *out;
    FILE *f;

    if (server_is_sanitized())
        return;
    server_start(&s, SERVER PLUGINS "[plugin faulty]\n");
    snprintf(command, sizeof command,
             "nghttp -ns http://127.0.0.1:%u/task/sleep/700 "
             "http://127.0.0.1:%u/hello/you",
             s.port, s.port);
    f = begin(command, "/faulty/null");
    out = finish(f);
    ck_assert_msg(count(out, " 500 ") == 1 && count(out, " 200 ") == 2, "%s",
                  out);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_client_that_goes_cancels_its_streams)
{
    FILE *f;
    long n;

    server_start(&s, SERVER PLUGINS);
    f = begin("timeout -s KILL 0.7 nghttp -n -m 20", "/task/hold/20");
    (void)finish(f);
    n = metric("requests_active");
    for (int i = 0; i < 100 && n > 1; i++) {
        usleep(50000);
        n = metric("requests_active");
    }
    ck_assert_int_eq(n, 1); /* who asks */
    ck_assert_int_eq(metric("tasks_active"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Of a download that nobody takes. */
START_TEST(a_shut_window_is_waited_for_so_long)
{
    struct web w;
    FILE *f;

    server_start(&s, SERVER "write_timeout = 500ms\n" PLUGINS);
    f = begin("timeout 5 nghttp -n -w 1", "/writer/flood");
    usleep(1500000);
    (void)f;
    w = web_open(&s);
    web_get(&w, 200, "/writer/count");
    web_close(&w);
    pclose(f);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(h2_life, reloads_under_load_lose_no_request,
          streams_pin_their_generation, a_stop_lets_streams_end,
          an_idle_connection_is_told_and_closed,
          a_connection_has_so_many_requests, an_upgrade_lets_streams_end,
          a_crash_costs_its_stream, a_client_that_goes_cancels_its_streams,
          a_shut_window_is_waited_for_so_long)
