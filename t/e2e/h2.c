/* SPDX-License-Identifier: BSD-2-Clause */
/* h2.c - HTTP/2 on cleartext connections, by clients that are not ours: libcurl
 * and nghttp.  What HTTP/1 routes and plugins do they do here.
 * tags: epoll asan tsan plain */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/web.h"
#define UNIT_SECONDS 90
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static const char ini[] =
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nmax_body = 32m\nh2c = yes\n"
    "body_memory = 64k\ntemp_dir = $DIR\nmetrics = /metrics\nlog_level = "
    "debug\n"
    "[plugin hello]\n[plugin answers]\nfile = $DIR/file\n[plugin deny]\n"
    "[plugin echo]\n[plugin writer]\n[plugin task]\n[plugin channel]\n"
    "[route echo]\nmatch = * /echo\nhandler = echo\n"
    "[route guarded]\nmatch = * /guarded\nuse = deny\nhandler = echo\n";

static struct server s;

static void
begin(void)
{
    server_prepare(&s, ini);
    server_file(&s, "file", "what a file holds, ten bytes and a few more");
    server_serve(&s);
}

static void
end(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
}

/* What a metric says. */
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

START_TEST(gets)
{
    struct web w;

    begin();
    w = web_open(&s);
    for (int i = 0; i < 10; i++) {
        web_get(&w, 200, "/hello/curl");
        ck_assert_str_eq(w.body.p, "Hello, curl!\n");
    }
    ck_assert_ptr_nonnull(strstr(w.head.p, "\ndate: "));
    ck_assert_ptr_nonnull(strstr(w.head.p, "\nserver: Etude\r"));
    ck_assert_ptr_nonnull(strstr(w.head.p, "\ncontent-length: 13\r"));
    ck_assert_ptr_null(strstr(w.head.p, "connection"));
    web_get(&w, 200, "/ref/5000000");
    ck_assert_uint_eq(w.body.n, 5000000);
    web_get(&w, 200, "/mem/100000");
    ck_assert_uint_eq(w.body.n, 100000);
    web_get(&w, 200, "/file/10");
    ck_assert_str_eq(w.body.p, "what a fil");
    web_get(&w, 200, "/heads/900");
    web_get(&w, 404, "/nowhere");
    ck_assert_int_ge(metric("h2_connections_total"), 10);
    web_close(&w);
    end();
}
END_TEST

START_TEST(head_and_answers_without_a_body)
{
    struct web w;

    begin();
    w = web_open(&s);
    curl_easy_setopt(w.curl, CURLOPT_NOBODY, 1L);
    web_target(&w, "/ref/5000000");
    web_ask(&w, 200);
    ck_assert_ptr_nonnull(strstr(w.head.p, "\ncontent-length: 5000000\r"));
    ck_assert_uint_eq(w.body.n, 0);
    curl_easy_setopt(w.curl, CURLOPT_NOBODY, 0L);
    web_get(&w, 204, "/writer/status?s=204");
    web_get(&w, 304, "/writer/status?s=304");
    web_get(&w, 200, "/hello/you");
    web_close(&w);
    end();
}
END_TEST

START_TEST(posts_of_all_sizes)
{
    static const size_t sizes[] = {0, 1, 1000, 20000, 65536, 1 << 20, 20 << 20};
    struct web w;
    char *body = malloc(20 << 20);

    for (size_t i = 0; i < 20 << 20; i++)
        body[i] = (char)(i * 7);
    begin();
    w = web_open(&s);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        web_post(&w, 200, "/echo", body, sizes[i]);
        ck_assert_uint_eq(w.body.n, sizes[i]);
        ck_assert(sizes[i] == 0 || memcmp(w.body.p, body, w.body.n) == 0);
    }
    ck_assert_int_eq(metric("bodies_spilled_total"), 2);
    web_post(&w, 401, "/guarded", body, 20 << 20);
    web_get(&w, 200, "/hello/you");
    free(body);
    web_close(&w);
    end();
}
END_TEST

START_TEST(answers_are_written_piece_by_piece)
{
    struct web w;

    begin();
    w = web_open(&s);
    web_get(&w, 200, "/writer/pieces?n=3&size=5&ms=1");
    ck_assert_str_eq(w.body.p, "abcdefghijklmno");
    web_get(&w, 200, "/writer/pieces?n=3000&size=10000");
    ck_assert_uint_eq(w.body.n, 30000000);
    web_get(&w, 200, "/writer/pieces?n=2&size=5&len=10");
    ck_assert_ptr_nonnull(strstr(w.head.p, "\ncontent-length: 10\r"));
    web_get(&w, 200, "/writer/trailer");
    ck_assert_str_eq(w.body.p, "x");
    ck_assert_ptr_nonnull(strstr(w.head.p, "\nx-rc: "));
    ck_assert_ptr_nonnull(strstr(w.head.p, "\nx-empty:"));
    web_get(&w, 200, "/writer/parts");
    ck_assert_str_eq(w.body.p, "ab");
    web_close(&w);
    end();
}
END_TEST

/* The end that is missing shows, and costs the others on the connection
 * nothing. */
START_TEST(an_answer_that_breaks_off_resets_its_stream)
{
    static const char *const how[] = {"fail", "drop"};
    struct web w;
    char path[64];

    begin();
    w = web_open(&s);
    web_get(&w, 200, "/hello/you");
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "/writer/end?how=%s", how[i]);
        web_target(&w, path);
        ck_assert_int_eq(web_try(&w), CURLE_HTTP2_STREAM);
        web_get(&w, 200, "/hello/you");
    }
    web_target(&w, "/short/1000");
    ck_assert_int_eq(web_try(&w), CURLE_HTTP2_STREAM);
    web_get(&w, 200, "/hello/you");
    web_close(&w);
    end();
}
END_TEST

/* ---- many at once ---------------------------------------------------------*/

/* `nghttp ARGS URL` runs until nghttp_end. */
static FILE *
nghttp_start(const char *args, const char *path)
{
    char command[512];
    FILE *f;

    snprintf(command, sizeof command,
             "nghttp %s 'http://127.0.0.1:%u%s' 2>/dev/null", args, s.port,
             path);
    f = popen(command, "r");
    ck_assert_ptr_nonnull(f);
    return f;
}

/* What it prints; its exit code. */
static int
nghttp_end(FILE *f, char *out, size_t cap)
{
    size_t n = fread(out, 1, cap - 1, f);

    out[n] = '\0';
    return pclose(f);
}

static int
nghttp(const char *args, const char *path, char *out, size_t cap)
{
    return nghttp_end(nghttp_start(args, path), out, cap);
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

/* None is answered until all are there. */
START_TEST(a_hundred_streams_wait_together)
{
    static char out[100000];
    FILE *f;

    begin();
    f = nghttp_start("-ns -m 100", "/channel/take/1?c=go");
    tally_wait(&s, GET("/channel/count"), "subscribed", 100);
    client_once(&s, GET("/channel/publish?c=go&m=now"), 200, "0");
    ck_assert_int_eq(nghttp_end(f, out, sizeof out), 0);
    ck_assert_int_eq(count(out, " 200 "), 100);
    tally_wait_figure(&s, "requests_active", 1); /* who asks */
    end();
}
END_TEST

/* More than are let in at a time: nghttp has them wait. */
START_TEST(large_answers_share_a_connection)
{
    static char out[100000];

    begin();
    ck_assert_int_eq(nghttp("-ns -m 200", "/ref/300000", out, sizeof out), 0);
    ck_assert_int_eq(count(out, " 200 292K "), 200);
    ck_assert_int_eq(metric("h2_refused_total"), 0);
    end();
}
END_TEST

/* A file of n zeros beside the server's; nghttp's arguments to send it. */
static const char *
sends(const char *args, long n)
{
    static char all[256];
    char path[128];

    snprintf(path, sizeof path, "%s/big", s.dir);
    server_file(&s, "big", "");
    ck_assert_int_eq(truncate(path, n), 0);
    snprintf(all, sizeof all, "%s -d %s", args, path);
    return all;
}

/* Of no announced length: collected, and read piece by piece by a step that
 * answers meanwhile. */
START_TEST(uploads_that_end_when_they_end)
{
    static const char *const paths[] = {"/echo", "/writer/echo"};
    static char out[10000];

    begin();
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(nghttp(sends("-ns --no-content-length", 3000000),
                                paths[i], out, sizeof out),
                         0);
        ck_assert_int_eq(count(out, " 200   2M "), 1);
    }
    end();
}
END_TEST

START_TEST(large_bodies_share_a_connection)
{
    static char out[100000];
    const char *args;

    begin();
    args = sends("-ns -m 50", 300000);
    ck_assert_int_eq(nghttp(args, "/echo", out, sizeof out), 0);
    ck_assert_int_eq(count(out, " 200 292K "), 50);
    ck_assert_int_eq(nghttp(args, "/writer/echo?n=4096", out, sizeof out), 0);
    ck_assert_int_eq(count(out, " 200 292K "), 50);
    end();
}
END_TEST

/* Windows of 1023 bytes, of the stream and of the connection. */
START_TEST(small_windows_only_make_it_slow)
{
    static char out[2000001];

    begin();
    ck_assert_int_eq(nghttp("-w 10 -W 10", "/ref/1000000", out, sizeof out), 0);
    ck_assert_uint_eq(strlen(out), 1000000);
    ck_assert_int_eq(
        nghttp("-w 10", "/writer/pieces?n=10&size=100000", out, sizeof out), 0);
    ck_assert_uint_eq(strlen(out), 1000000);
    ck_assert_int_eq(metric("h2_floods_total"), 0);
    end();
}
END_TEST

/* The slot of a request may be that of one that had some, and its memory. */
START_TEST(trailers_are_of_one_answer)
{
    struct web w;

    begin();
    for (int i = 0; i < 8; i++) {
        for (int k = 0; k < 3; k++)
            client_once(&s, "GET /writer/trailer HTTP/1.1\r\nHost: x\r\n\r\n",
                        200, NULL);
        w = web_open(&s);
        web_get(&w, 200, "/hello/you");
        ck_assert_str_eq(w.body.p, "Hello, you!\n");
        ck_assert_ptr_null(strstr(w.head.p, "x-"));
        ck_assert_ptr_null(strstr(w.head.p, "X-"));
        web_close(&w);
    }
    end();
}
END_TEST

START_TEST(trailers_of_a_request_are_read)
{
    char out[4096];

    begin();
    server_file(&s, "body", "what is sent");
    {
        char args[256];
        snprintf(args, sizeof args,
                 "-d %s/body --trailer 'x-one: 1' "
                 "--trailer 'x-two: 2'",
                 s.dir);
        ck_assert_int_eq(nghttp(args, "/writer/collected", out, sizeof out), 0);
        ck_assert_str_eq(out, "1|2|none");
        snprintf(args, sizeof args, "-v -d %s/body --trailer 'x-sum: 77'",
                 s.dir);
        ck_assert_int_eq(nghttp(args, "/writer/echo", out, sizeof out), 0);
        ck_assert_ptr_nonnull(strstr(out, "what is sent"));
        ck_assert_ptr_nonnull(strstr(out, "x-sum: 77"));
    }
    end();
}
END_TEST

/* ---- HTTP/1 beside it -----------------------------------------------------*/

START_TEST(http_1_goes_on_beside_it)
{
    struct client c;

    begin();
    c = client_open(&s);
    client_puts(&c, "P");
    client_puts(&c, "R");
    client_puts(&c, "OPFIND /echo HTTP/1.1\r\nHost: x\r\n\r\n");
    client_take(&c, 0, 200, NULL);
    client_close(&c);
    c = client_open(&s);
    client_expect(&c, "GET /hello/you HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                  "Hello, you!\n");
    client_expect(&c,
                  "GET /hello/you HTTP/1.1\r\nHost: x\r\n"
                  "Connection: upgrade, http2-settings\r\nUpgrade: h2c\r\n"
                  "HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
                  200, "Hello, you!\n");
    client_close(&c);
    ck_assert_int_eq(metric("h2_connections_total"), 1);
    end();
}
END_TEST

UNIT_MAIN(h2, gets, head_and_answers_without_a_body, posts_of_all_sizes,
          uploads_that_end_when_they_end, answers_are_written_piece_by_piece,
          an_answer_that_breaks_off_resets_its_stream,
          a_hundred_streams_wait_together, large_answers_share_a_connection,
          large_bodies_share_a_connection, small_windows_only_make_it_slow,
          trailers_are_of_one_answer, trailers_of_a_request_are_read,
          http_1_goes_on_beside_it)
