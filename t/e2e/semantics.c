/* SPDX-License-Identifier: BSD-2-Clause */
/* semantics.c - methods, statuses, versions, limits, targets, fields: what
 * RFC 9110 and 9112 say an answer is.
 * tags: epoll asan tls h2 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "abi/etude_abi.h"
#include "proto/status.h"
#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static const char ini[] = "[server]\n"
                          "listen = 127.0.0.1:0\n"
                          "workers = 1\n"
                          "[plugin hello]\n"
                          "[plugin answers]\n"
                          "[plugin deny]\n"
                          "[plugin echo]\n"
                          "[route echo]\n"
                          "match = * /echo\n"
                          "handler = echo\n"
                          "[route request]\n"
                          "match = * /request\n"
                          "handler = echo\n"
                          "echo.show = request\n"
                          "[route dir]\n"
                          "match = GET /dir/\n"
                          "handler = answers:method\n"
                          "[route file]\n"
                          "match = GET /file\n"
                          "handler = answers:method\n"
                          "[route encoded]\n"
                          "match = GET /caf\xc3\xa9\n"
                          "handler = answers:method\n";

/* Send one request; the answer's field, or "-" if it has none. */
static void
expect_field(struct client *c, const char *request, int status,
             const char *name, const char *value)
{
    struct answer a;
    const char *got;

    client_puts(c, request);
    a = client_answer(c, strncmp(request, "HEAD", 4) == 0);
    ck_assert_msg(a.status == status, "%s\nanswered %d", request, a.status);
    got = answer_field(&a, name, 0);
    ck_assert_msg(strcmp(got ? got : "-", value) == 0, "%s\n%s: %s", request,
                  name, got);
    ck_assert_ptr_null(answer_field(&a, name, 1));
    answer_free(&a);
}

START_TEST(head_is_get_without_the_body)
{
    struct server s;
    struct client c;

    server_start(&s, ini);
    c = client_open(&s);
    for (int i = 0; i < 3; i++) {
        expect_field(&c, "HEAD /hello/you HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                     "Content-Length", "12");
        expect_field(&c, "HEAD /ref/100000 HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                     "Content-Length", "100000");
        expect_field(&c, "HEAD /nowhere HTTP/1.1\r\nHost: x\r\n\r\n", 404,
                     "Content-Length", "14");
        client_expect(&c, GET("/hello/you"), 200, "Hello, you!\n");
    }
    client_expect(&c, GET("/count/release"), 200, "3");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(another_method_is_405_and_says_which)
{
    struct server s;
    struct client c;

    server_start(&s, ini);
    c = client_open(&s);
    expect_field(&c, "DELETE /hello/you HTTP/1.1\r\nHost: x\r\n\r\n", 405,
                 "Allow", "GET, HEAD, OPTIONS");
    expect_field(&c,
                 "POST /hello/you HTTP/1.1\r\nHost: x\r\n"
                 "Content-Length: 5\r\n\r\nhello",
                 405, "Allow", "GET, HEAD, OPTIONS");
    expect_field(&c, "OPTIONS /hello/you HTTP/1.1\r\nHost: x\r\n\r\n", 204,
                 "Allow", "GET, HEAD, OPTIONS");
    expect_field(&c, "OPTIONS /hello/you HTTP/1.1\r\nHost: x\r\n\r\n", 204,
                 "Content-Length", "-");
    expect_field(&c, "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 204, "Allow",
                 "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS");
    client_expect(&c, "OPTIONS /method HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                  "OPTIONS /method  x"); /* the handler's own */
    client_expect(&c, "TRACE /hello/you HTTP/1.1\r\nHost: x\r\n\r\n", 405,
                  NULL);
    client_expect(&c, "BREW /hello/you HTTP/1.1\r\nHost: x\r\n\r\n", 501, NULL);
    client_expect(&c, "get /hello/you HTTP/1.1\r\nHost: x\r\n\r\n", 501, NULL);
    client_expect(&c, "CONNECT x:80 HTTP/1.1\r\nHost: x:80\r\n\r\n", 501, NULL);
    client_expect(&c, GET("/hello/you"), 200, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(absolute_form_is_routed_and_overrides_host)
{
    struct server s;
    struct client c;

    server_start(&s, ini);
    c = client_open(&s);
    client_expect(&c,
                  "GET http://Example.COM:81/method?q HTTP/1.1\r\n"
                  "Host: y\r\n\r\n",
                  200, "GET /method q example.com");
    client_expect(&c, "GET HTTP://x HTTP/1.1\r\nHost: x\r\n\r\n", 404, NULL);
    client_expect(&c, "GET http://[::1]/method HTTP/1.1\r\nHost: x\r\n\r\n",
                  200, NULL);
    client_expect(&c, "GET /method HTTP/1.1\r\nHost: EXAMPLE.com.:8080\r\n\r\n",
                  200, "GET /method  example.com");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(every_status_has_its_phrase)
{
    char *all = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&all, &n);
    struct server s;
    struct client c;

    fprintf(f, "[server]\nlisten = 127.0.0.1:0\n[plugin respond]\n");
    for (unsigned i = 200; i < 600; i++)
        fprintf(f,
                "[route s%u]\nmatch = GET /s%u\nhandler = respond\n"
                "respond.status = %u\n",
                i, i, i);
    fclose(f);
    server_start(&s, all);
    c = client_open(&s);
    for (unsigned i = 200; i < 600; i++) {
        char want[128];
        struct answer a;
        int has_body = i != 204 && i != 304;
        client_printf(&c, GET("/s%u"), i);
        a = client_answer(&c, 0);
        snprintf(want, sizeof want, "HTTP/1.1 %u %.*s\r\n", i,
                 (int)status_phrase(i).n, status_phrase(i).p);
        ck_assert_msg(strncmp(a.head, want, strlen(want)) == 0, "%s is not %s",
                      a.head, want);
        ck_assert_int_eq(answer_field(&a, "Content-Length", 0) != NULL,
                         has_body);
        answer_free(&a);
    }
    client_close(&c);
    free(all);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(the_well_known_phrases_are_iana_s)
{
    static const char *const v[] = {
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
        "418 ",
        "422 Unprocessable Content",
        "413 Content Too Large",
        "431 Request Header Fields Too Large",
        "451 Unavailable For Legal",
        "511 Network Authentication Required",
        "207 Multi-Status",
        "425 Too Early",
        "507 Insufficient Storage",
    };

    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        et_str p = status_phrase((unsigned)atoi(v[i]));
        ck_assert_msg(p.n >= strlen(v[i] + 4) && p.n > 0 &&
                          strncmp(p.p, v[i] + 4, strlen(v[i] + 4)) == 0,
                      "%s: %.*s", v[i], (int)p.n, p.p);
    }
}
END_TEST

START_TEST(a_step_cannot_inject_fields)
{
    struct server s;
    struct client c;
    struct answer a;

    server_start(&s, ini);
    c = client_open(&s);
    client_puts(&c, GET("/inject"));
    a = client_answer(&c, 0);
    ck_assert_str_eq(a.body, "slipped through:");
    /* blanks around it are none of it (RFC 9110 5.5) */
    ck_assert_str_eq(answer_field(&a, "X-Good", 0), "tab\there and \xc3\xa9");
    ck_assert_ptr_null(answer_field(&a, "X-In", 0));
    answer_free(&a);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_no_server_knows_is_ignored_in_calls)
{
    struct server s;

    server_start(&s, ini);
    client_once(&s, GET("/unknown"), 200, "ignored\n");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(steps_may_fail_in_every_way)
{
    struct server s;
    struct client c;

    server_start(&s, ini);
    c = client_open(&s);
    client_expect(&c, GET("/fail"), 500, NULL);
    server_wait_log(&s, "told to fail");
    client_expect(&c, GET("/mute"), 500, NULL);
    server_wait_log(&s, "decided no response");
    client_expect(&c, GET("/odd"), 500, NULL);
    server_wait_log(&s, "is no step result");
    client_expect(&c, GET("/odd/answered"), 500, "500 Internal Server Error\n");
    server_wait_log(&s, "is no step result");
    client_expect(&c, GET("/count/release"), 200, "1");
    client_expect(&c, GET("/greedy"), 500, NULL);
    client_expect(&c, GET("/greedy"), 500, NULL);
    client_expect(&c, GET("/none"), 200, "");
    client_puts(&c, GET("/drop") GET("/none"));
    ck_assert(client_is_closed(&c));
    client_close(&c);
    client_once(&s, GET("/none"), 200, "");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(steps_without_memory_are_told_of_once)
{
    struct server s;
    struct client c;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "[plugin answers]\n");
    c = client_open(&s);
    for (int i = 0; i < 10; i++)
        client_expect(&c, GET("/greedy"), 500, NULL);
    client_expect(&c, GET("/mem/100000"), 200, NULL);
    server_wait_log(&s, "requests have memory again");
    ck_assert_int_eq(server_count_log(&s, "ran out of the request's memory"),
                     1);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_reply_copies_may_be_overwritten)
{
    struct server s;
    struct client c;

    server_start(&s, ini);
    c = client_open(&s);
    expect_field(&c, GET("/typed"), 200, "Content-Type", "text/x-stack");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Send on a fresh connection; the answer's Connection field, and whether it
 * closed. */
static void
lives(struct server *s, const char *request, const char *connection, int closes)
{
    struct client c = client_open(s);

    expect_field(&c, request, 200, "Connection", connection);
    if (closes)
        ck_assert_msg(client_is_closed(&c), "%s\nstays open", request);
    else
        client_expect(&c, GET("/none"), 200, "");
    client_close(&c);
}

START_TEST(versions_and_connection_lists_decide_who_closes)
{
    struct server s;

    if (transport_here()->is_h2) /* it has neither */
        return;
    server_start(&s, ini);
#define R11 "GET /none HTTP/1.1\r\nHost: x\r\n"
#define R10 "GET /none HTTP/1.0\r\n"
    lives(&s, R11 "\r\n", "-", 0);
    lives(&s, R11 "Connection: keep-alive\r\n\r\n", "-", 0);
    lives(&s, R11 "Connection: close\r\n\r\n", "close", 1);
    lives(&s, R11 "Connection: CLOSE\r\n\r\n", "close", 1);
    lives(&s, R11 "Connection: foo, close , bar\r\n\r\n", "close", 1);
    lives(&s, R11 "Connection: foo\r\nConnection: close\r\n\r\n", "close", 1);
    lives(&s, R11 "Connection: keep-alive, close\r\n\r\n", "close", 1);
    lives(&s, R11 "Connection: closed\r\n\r\n", "-", 0);
    lives(&s, R11 "Connection: upgrade\r\nUpgrade: h2c\r\n\r\n", "-", 0);
    lives(&s, R10 "\r\n", "close", 1);
    lives(&s, R10 "Host: x\r\n\r\n", "close", 1);
    lives(&s, R10 "Connection: keep-alive\r\n\r\n", "keep-alive", 0);
    lives(&s, R10 "Connection: Keep-Alive, x\r\n\r\n", "keep-alive", 0);
    lives(&s, R10 "Connection: keep-alive, close\r\n\r\n", "close", 1);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What stands behind the last request of a connection is never answered. */
START_TEST(nothing_is_answered_behind_close)
{
    struct server s;
    struct client c;

    server_start(&s, ini);
    c = client_open(&s);
    client_puts(&c, R11 "Connection: close\r\n\r\n" GET("/method"));
    client_take(&c, 0, 200, "");
    ck_assert(client_is_closed(&c));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The answer leaves with our end.  Input that nobody has read by then resets
 * the connection, but not before the answer is there. */
START_TEST(an_answer_is_whole_whatever_came_behind_close)
{
    static char behind[256 << 10];
    struct server s;
    struct client c;

    server_start(&s, ini);
    memset(behind, 'x', sizeof behind);
    for (int i = 0; i < 20; i++) {
        c = client_open(&s);
        client_puts(&c, R11 "Connection: close\r\n\r\n");
        (void)client_try_send(&c, behind, sizeof behind);
        client_take(&c, 0, 200, "");
        client_close(&c);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A request of n fields x0..., each `each` bytes long in all. */
static void
fields(struct client *c, int n, int each)
{
    client_puts(c, "GET /none HTTP/1.1\r\nHost: x\r\n");
    for (int i = 1; i < n; i++)
        client_printf(c, "X-%03d: %0*d\r\n", i, each - 9, i);
    client_puts(c, "\r\n");
}

START_TEST(limits_of_a_head_have_their_statuses)
{
    struct server s;
    struct client c;

    if (transport_here()->is_h2) /* e2e/h2.c has its own */
        return;
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nmax_header = 8k\n"
                     "max_request_line = 4k\n[plugin answers]\n");
    c = client_open(&s);
    fields(&c, 32, 20);
    client_take(&c, 0, 200, NULL);
    fields(&c, 100, 20);
    client_take(&c, 0, 200, NULL);
    fields(&c, 2, 8 * 1024 - 40);
    client_take(&c, 0, 200, NULL);
    fields(&c, 101, 20);
    client_take(&c, 0, 431, NULL);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    c = client_open(&s);
    fields(&c, 2, 9 * 1024);
    client_take(&c, 0, 431, NULL);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    c = client_open(&s);
    client_printf(&c, "GET /none?%03900d HTTP/1.1\r\nHost: x\r\n\r\n", 1);
    client_take(&c, 0, 200, NULL);
    client_printf(&c, "GET /none?%04100d HTTP/1.1\r\nHost: x\r\n\r\n", 1);
    client_take(&c, 0, 414, NULL);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    c = client_open(&s);
    client_printf(&c, "%05000d", 1);
    client_take(&c, 0, 501, NULL);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Whatever is wrong with it (RFC 9110 9.3.2). */
START_TEST(a_head_that_is_refused_has_no_content_either)
{
    static const struct {
        const char *request;
        int status;
    } rows[] = {
        {"HEAD /none HTTP/1.1\r\n\r\n", 400},
        {"HEAD /none HTTP/1.1\r\nHost: x\r\nExpect: foo\r\n\r\n", 417},
        {"HEAD /none HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
         501},
        {"HEAD /none HTTP/9.1\r\nHost: x\r\n\r\n", 505},
        {"HEAD /none HTTP/1.1\r\nHost: x\r\nA: b\r\nC: d\r\nE: f\r\n\r\n", 431},
        {"HEAD /a/target/that/is/much/longer/than/what/is/allowed/for/it/here "
         "HTTP/1.1\r\nHost: x\r\n\r\n",
         414},
    };
    struct server s;

    if (transport_here()->is_h2) /* heads of HTTP/1 */
        return;
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nmax_headers = 3\n"
                     "max_request_line = 64\n[plugin answers]\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct client c = client_open(&s);
        client_puts(&c, rows[i].request);
        client_take(&c, 1, rows[i].status, NULL);
        ck_assert_msg(client_read_all(&c) == 0, "row %zu", i);
        client_close(&c);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_request_line_may_be_as_long_as_the_setting_says)
{
    struct server s;
    struct client c;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n"
                     "max_request_line = 64\n[plugin answers]\n");
    c = client_open(&s);
    /* "GET /none?" and " HTTP/1.1" are 19 of them. */
    client_printf(&c, "GET /none?%045d HTTP/1.1\r\nHost: x\r\n\r\n", 1);
    client_take(&c, 0, 200, NULL);
    client_printf(&c, "GET /none?%046d HTTP/1.1\r\nHost: x\r\n\r\n", 1);
    client_take(&c, 0, 414, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(paths_are_decoded_and_made_canonical)
{
    static const struct {
        const char *target;
        int status;
        const char *body;
    } v[] = {
        {"/p/a/b", 200, "[a] [b] /p/a/b"},
        {"/p/%61/%62", 200, "[a] [b] /p/a/b"},
        {"/%70/a/b", 200, "[a] [b] /p/a/b"},
        {"/p/a%2Fb/c", 200, "[a%2Fb] [c] /p/a%2Fb/c"},
        {"/p/a%2fb/c", 200, "[a%2Fb] [c] /p/a%2Fb/c"},
        {"/p/%25/%20", 200, "[%] [ ] /p/%/ "},
        {"/p/a+b/c", 200, "[a+b] [c] /p/a+b/c"},
        {"/p/%c3%a9/c", 200, "[\xc3\xa9] [c] /p/\xc3\xa9/c"},
        {"/caf%C3%A9", 200, "GET /caf\xc3\xa9  x"},
        {"/p/./a/b", 200, "[a] [b] /p/a/b"},
        {"/x/../p/a/b", 200, "[a] [b] /p/a/b"},
        {"/../../p/a/b", 200, "[a] [b] /p/a/b"},
        {"/x/%2e%2E/p/a/b", 200, "[a] [b] /p/a/b"},
        {"/p/a/b/..", 404, NULL},
        {"/p/a//b", 404, NULL},
        {"//p/a/b", 404, NULL},
        {"/P/a/b", 404, NULL},
        {"/p/a/b?x/../y", 200, "[a] [b] /p/a/b"},
        {"/method?a=%00&b", 200, "GET /method a=%00&b x"},
        {"/method?", 200, "GET /method  x"},
        {"/p/a%00/b", 400, NULL},
        /* beside the grammar: what browsers send raw */
        {"/p/[a]/b|^", 200, "[[a]] [b|^] /p/[a]/b|^"},
        {"/method?[{a}]|^`\\100%", 200, "GET /method [{a}]|^`\\100% x"},
        {"/p/%7ba%7d/%5c%60", 200, "[{a}] [\\`] /p/{a}/\\`"},
        {"/p/{a}/b", 400, NULL},
        {"/p/a\\b/c", 400, NULL},
        {"/p/`/c", 400, NULL},
        {"/p/a%/c", 400, NULL},
    };
    struct server s;

    server_start(&s, ini);
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        struct client c = client_open(&s);
        struct answer a;
        client_printf(&c, GET("%s"), v[i].target);
        a = client_answer(&c, 0);
        ck_assert_msg(a.status == v[i].status &&
                          (!v[i].body || strcmp(a.body, v[i].body) == 0),
                      "%s: %d %s", v[i].target, a.status, a.body);
        answer_free(&a);
        client_close(&c);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_final_slash_is_redirected)
{
    struct server s;
    struct client c;

    server_start(&s, ini);
    c = client_open(&s);
    client_expect(&c, GET("/dir/"), 200, NULL);
    expect_field(&c, GET("/dir"), 308, "Location", "/dir/");
    expect_field(&c, GET("/dir?a=b&c"), 308, "Location", "/dir/?a=b&c");
    expect_field(&c, GET("/file/"), 308, "Location", "/file");
    expect_field(&c, GET("/file/."), 308, "Location", "/file");
    expect_field(&c, GET("/file/x/%2e%2E?a"), 308, "Location", "/file?a");
    expect_field(&c, GET("/x/../dir"), 308, "Location", "/dir/");
    expect_field(&c, GET("/caf%C3%A9/"), 308, "Location", "/caf%C3%A9");
    expect_field(&c, GET("/file//"), 404, "Location", "-");
    expect_field(&c, GET("//file/"), 404, "Location", "-");
    expect_field(&c, GET("//example.org/%2e%2e/file/"), 404, "Location", "-");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nslash = strict\n"
                     "[plugin answers]\n");
    client_once(&s, GET("/none/"), 404, NULL);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(date_and_server_are_sent_once)
{
    struct server s;
    struct client c;
    struct answer a;

    server_start(&s, ini);
    c = client_open(&s);
    expect_field(&c, GET("/none"), 200, "Server", "Etude");
    client_puts(&c, GET("/none"));
    a = client_answer(&c, 0);
    ck_assert_uint_eq(strlen(answer_field(&a, "Date", 0)), 29);
    ck_assert_ptr_null(answer_field(&a, "Date", 1));
    answer_free(&a);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nserver_header = no\n"
                     "[plugin answers]\n[plugin headers]\n"
                     "[plugin respond]\n[route own]\nmatch = GET /own\n"
                     "use = headers\nheaders.set = Server: mine\n"
                     "handler = respond\n");
    c = client_open(&s);
    expect_field(&c, GET("/none"), 200, "Server", "-");
    expect_field(&c, GET("/own"), 200, "Server", "mine");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(errors_are_dressed_by_accept)
{
    struct server s;
    struct client c;

    server_start(&s, ini);
    c = client_open(&s);
    expect_field(&c, GET("/nowhere"), 404, "Content-Type",
                 "text/plain; charset=utf-8");
    expect_field(&c,
                 "GET /nowhere HTTP/1.1\r\nHost: x\r\n"
                 "Accept: application/json\r\n\r\n",
                 404, "Content-Type", "application/json");
    expect_field(&c,
                 "GET /nowhere HTTP/1.1\r\nHost: x\r\n"
                 "Accept: text/html,*/*;q=0.5\r\n\r\n",
                 404, "Content-Type", "text/html; charset=utf-8");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(the_request_is_seen_as_it_was_sent)
{
    struct server s;
    struct client c;

    if (transport_here()->is_h2) /* names are in lower case */
        return;
    server_start(&s, ini);
    c = client_open(&s);
    client_expect(&c,
                  "GET /request?a HTTP/1.1\r\nhost: x\r\nX-A:  1 \r\n"
                  "x-a: 2\r\nEmpty:\r\n\r\n",
                  200,
                  "GET /request?a HTTP/1.1\nhost: x\nX-A: 1\nx-a: 2\n"
                  "Empty: \n");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_step_may_ask_about_all_of_its_request)
{
    struct sockaddr_in us;
    socklen_t len = sizeof us;
    struct server s;
    struct client c;
    char want[128];

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n[plugin m]\n"
                     "module = misuse\n");
    c = client_dial(s.port);
    ck_assert_int_eq(getsockname(c.fd, (struct sockaddr *)&us, &len), 0);
    client_enter(&c);
    snprintf(want, sizeof want, "[2] [3] none body 5 port %d of m; none -1 %d",
             ntohs(us.sin_port), ET_EINVAL);
    client_expect(&c,
                  "POST /about HTTP/1.1\r\nHost: x\r\nCookie: a=1; b=2\r\n"
                  "Cookie: c=3\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
                  200, want);
    client_expect(&c, GET("/bytes"), 200, "0");
    client_expect(&c,
                  "GET /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                  "\r\n!",
                  200, "-1");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Refused and told; what came with them is given back. */
START_TEST(answers_that_cannot_be_are_a_500)
{
    static const char *const paths[] = {"status", "ref", "file"};
    struct server s;
    char request[64];

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n[plugin misuse]\n");
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        snprintf(request, sizeof request, GET("/bad/%s"), paths[i]);
        client_once(&s, request, 500, NULL);
        ck_assert_ptr_nonnull(strstr(
            server_wait_log(&s, "a malformed type"),
            i == 0 ? "misuse: answers with status 99 or" : "status 200 or"));
    }
    client_once(&s, GET("/bad/fd"), 500, NULL);
    client_once(&s, GET("/left"), 200, "0 closed");
    client_once(&s, GET("/again"), 200, "once");
    server_wait_log(&s, "misuse: answers a request that is answered already");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(semantics, head_is_get_without_the_body,
          another_method_is_405_and_says_which,
          absolute_form_is_routed_and_overrides_host,
          every_status_has_its_phrase, the_well_known_phrases_are_iana_s,
          a_step_cannot_inject_fields, what_no_server_knows_is_ignored_in_calls,
          steps_may_fail_in_every_way, steps_without_memory_are_told_of_once,
          what_reply_copies_may_be_overwritten,
          versions_and_connection_lists_decide_who_closes,
          nothing_is_answered_behind_close,
          an_answer_is_whole_whatever_came_behind_close,
          limits_of_a_head_have_their_statuses,
          a_head_that_is_refused_has_no_content_either,
          a_request_line_may_be_as_long_as_the_setting_says,
          paths_are_decoded_and_made_canonical, a_final_slash_is_redirected,
          date_and_server_are_sent_once, errors_are_dressed_by_accept,
          the_request_is_seen_as_it_was_sent,
          a_step_may_ask_about_all_of_its_request,
          answers_that_cannot_be_are_a_500)
