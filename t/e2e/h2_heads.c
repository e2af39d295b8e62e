/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_heads.c - heads of requests over HTTP/2, and all that makes one malformed
 * (RFC 9113, 8.2 and 8.3).
 * tags: epoll asan tls */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/frames.h"
#include "t/lib/server.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static struct server s;

static void
begin(void)
{
    server_start(&s, FRAMES_INI);
}

static void
end(void)
{
    struct frames f = frames_open(&s);

    frames_serves(&f);
    frames_close(&f);
    ck_assert_int_eq(server_stop(&s), 0);
}

#define METHOD ":method: GET\n"
#define SCHEME ":scheme: http\n"
#define PATH ":path: /method\n"
#define AUTHORITY ":authority: x\n"
#define GET METHOD SCHEME PATH AUTHORITY

/* A request of these fields and no body is malformed. */
static void
malformed(const char *fields)
{
    struct frames f = frames_open(&s);

    frames_head(&f, 1, FRAMES_END_STREAM, fields);
    frames_malformed(&f, 1);
}

#define ALL_MALFORMED(...)                                                     \
    do {                                                                       \
        static const char *const all[] = {__VA_ARGS__};                        \
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)                \
            malformed(all[i]);                                                 \
    } while (0)

/* A request of these fields and no body is answered with that. */
static void
expect(const char *fields, int status, const char *body)
{
    struct frames f = frames_open(&s);

    frames_head(&f, 1, FRAMES_END_STREAM, fields);
    frames_take(&f, 1, status, body);
    frames_serves(&f);
    frames_close(&f);
}

/* ---- 8.3.1: pseudo-header fields -----------------------------------------*/

START_TEST(a_request_says_method_scheme_path_and_host)
{
    expect(GET, 200, "GET /method  x");
    expect(AUTHORITY PATH SCHEME METHOD, 200, "GET /method  x");
    expect(METHOD ":scheme: https\n:path: /method?a=b&c\n"
                  ":authority: example.org:8080\n",
           200, "GET /method a=b&c example.org");
    expect(":method: DELETE\n" SCHEME PATH AUTHORITY, 200, "DELETE /method  x");
    expect(":method: PROPFIND\n" SCHEME PATH AUTHORITY, 200,
           "PROPFIND /method  x");
}
END_TEST

START_TEST(one_that_is_missing_makes_it_malformed)
{
    ALL_MALFORMED(SCHEME PATH AUTHORITY, METHOD PATH AUTHORITY,
                  METHOD SCHEME AUTHORITY, AUTHORITY, "x: y\n");
}
END_TEST

START_TEST(no_field_at_all_makes_it_malformed)
{
    struct frames f = frames_open(&s);

    frames_send(&f, FRAMES_HEADERS, FRAMES_END_HEADERS | FRAMES_END_STREAM, 1,
                "", 0);
    frames_malformed(&f, 1);
}
END_TEST

START_TEST(one_that_is_there_twice_makes_it_malformed)
{
    ALL_MALFORMED(METHOD GET, SCHEME GET, PATH GET, AUTHORITY GET,
                  GET ":method: POST\n", GET ":path: /none\n",
                  GET ":scheme: https\n", GET ":authority: y\n");
}
END_TEST

START_TEST(one_behind_other_fields_makes_it_malformed)
{
    ALL_MALFORMED(METHOD SCHEME PATH "x: y\n" AUTHORITY,
                  METHOD SCHEME AUTHORITY "x: y\n" PATH,
                  SCHEME PATH AUTHORITY "x: y\n" METHOD);
}
END_TEST

START_TEST(one_that_is_not_of_requests_makes_it_malformed)
{
    ALL_MALFORMED(GET ":status: 200\n", ":status: 200\n" GET,
                  GET ":unknown: x\n", GET ":a: x\n", GET "::path: x\n",
                  GET ":Path: /\n", GET ":host: x\n",
                  GET ":protocol: websocket\n");
}
END_TEST

START_TEST(one_that_is_empty_makes_it_malformed)
{
    ALL_MALFORMED(":method: \n" SCHEME PATH AUTHORITY,
                  METHOD ":scheme: \n" PATH AUTHORITY,
                  METHOD SCHEME ":path: \n" AUTHORITY);
}
END_TEST

START_TEST(a_method_is_a_token)
{
    ALL_MALFORMED(":method: G T\n" SCHEME PATH AUTHORITY,
                  ":method: GET \n" SCHEME PATH AUTHORITY,
                  ":method:  GET\n" SCHEME PATH AUTHORITY,
                  ":method: G/T\n" SCHEME PATH AUTHORITY,
                  ":method: G\x80T\n" SCHEME PATH AUTHORITY);
}
END_TEST

START_TEST(a_path_begins_with_a_slash_and_has_no_blanks)
{
#define WITH(path) METHOD SCHEME ":path: " path "\n" AUTHORITY
    ALL_MALFORMED(WITH("method"), WITH("?a"), WITH("http://x/method"),
                  WITH("*"), WITH("/a b"), WITH(" /method"), WITH("/method "),
                  WITH("/a\tb"), WITH("/a\x7f"), WITH("/a\x01"), WITH("/a#b"),
                  WITH("/a%00b"), WITH("/a%0"), WITH("/a%zz"));
}
END_TEST

START_TEST(a_path_is_what_it_is_in_http_1)
{
    struct frames f = frames_open(&s);

    frames_get(&f, 1, "/mem/../method");
    frames_take(&f, 1, 200, "GET /method  x");
    frames_get(&f, 3, "/m%65thod?%65");
    frames_take(&f, 3, 200, "GET /method %65 x");
    frames_get(&f, 5, "/p/a%2fb/c");
    frames_take(&f, 5, 200, NULL);
    frames_get(&f, 7, "/nothing");
    frames_take(&f, 7, 404, NULL);
    frames_close(&f);
}
END_TEST

/* It has no path then, and no 4xx of a malformed request: 8.3.1. */
START_TEST(options_may_ask_about_the_server)
{
    struct frames f = frames_open(&s);
    struct answer a;

    frames_head(&f, 1, FRAMES_END_STREAM,
                ":method: OPTIONS\n" SCHEME ":path: *\n" AUTHORITY);
    a = frames_answer(&f, 1);
    ck_assert_msg(a.status < 300, "%d", a.status);
    answer_free(&a);
    frames_close(&f);
}
END_TEST

/* ---- hosts ---------------------------------------------------------------*/

START_TEST(a_host_may_be_a_field)
{
    expect(METHOD SCHEME PATH "host: y\n", 200, "GET /method  y");
}
END_TEST

/* Whoever routes by one and someone else by the other are of two minds: no
 * request that has both, and different, is answered by the wrong host. */
START_TEST(the_authority_comes_before_a_host)
{
    struct frames f = frames_open(&s);
    struct answer a;

    expect(GET "host: x\n", 200, "GET /method  x");
    frames_head(&f, 1, FRAMES_END_STREAM, GET "host: y\n");
    while (frames_stream(&f, 1)->reset < 0 && !frames_stream(&f, 1)->is_ended)
        ck_assert(frames_next(&f));
    if (frames_stream(&f, 1)->reset < 0) {
        a = frames_answer(&f, 1);
        ck_assert(a.status == 400 || !strcmp(a.body, "GET /method  x"));
        answer_free(&a);
    }
    frames_close(&f);
}
END_TEST

START_TEST(two_hosts_are_one_too_many)
{
    ALL_MALFORMED(METHOD SCHEME PATH "host: x\nhost: y\n",
                  METHOD SCHEME PATH "host: x\nhost: x\n");
}
END_TEST

START_TEST(a_host_is_one)
{
#define AT(host) METHOD SCHEME PATH ":authority: " host "\n"
    ALL_MALFORMED(AT("user@x"), AT("a b"), AT("a/b"), AT("a:x"), AT("x:99999"),
                  AT("a\x7f"), METHOD SCHEME PATH "host: user@x\n",
                  METHOD SCHEME PATH "host: a/b\n", METHOD SCHEME PATH);
}
END_TEST

/* ---- 8.2.1: fields -------------------------------------------------------*/

START_TEST(names_are_in_lower_case)
{
    ALL_MALFORMED(GET "X-Field: y\n", GET "x-fielD: y\n", GET "Cookie: a=b\n",
                  GET "TE: trailers\n");
}
END_TEST

START_TEST(names_are_tokens)
{
    ALL_MALFORMED(GET "a b: y\n", GET "a\x01: y\n", GET "a\x7f: y\n",
                  GET "a\x80: y\n", GET "a:b: y\n", GET "a(: y\n",
                  GET "a\t: y\n", GET "a\"b: y\n");
}
END_TEST

/* A literal with any bytes behind a request's own fields. */
static void
malformed_field(const char *name, size_t name_n, const char *value, size_t n)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    hpack_fields(&block, HPACK_PLAIN, GET);
    hpack_int(&block, HPACK_PLAIN, 4, 0);
    hpack_string(&block, 0, name, name_n);
    hpack_string(&block, 0, value, n);
    frames_block(&f, 1, FRAMES_END_STREAM, &block);
    bytes_free(&block);
    frames_malformed(&f, 1);
}

START_TEST(names_have_no_line_ends_and_are_not_empty)
{
    malformed_field("", 0, "y", 1);
    malformed_field("a\0b", 3, "y", 1);
    malformed_field("a\nb", 3, "y", 1);
    malformed_field("a\r\nb", 4, "y", 1);
    malformed_field("a: b\r\nc", 7, "y", 1);
}
END_TEST

START_TEST(values_have_no_line_ends)
{
    malformed_field("x", 1, "a\0b", 3);
    malformed_field("x", 1, "a\nb", 3);
    malformed_field("x", 1, "a\rb", 3);
    malformed_field("x", 1, "a\r\nx-injected: 1", 16);
    malformed_field("x", 1, "\n", 1);
    malformed_field("x", 1, "\0", 1);
}
END_TEST

START_TEST(values_neither_begin_nor_end_with_blanks)
{
    ALL_MALFORMED(GET "x:  a\n", GET "x: a \n", GET "x: \ta\n", GET "x: a\t\n",
                  GET "x:  \n");
}
END_TEST

/* And the name of the request's own line does not come from anywhere. */
START_TEST(values_may_have_any_other_byte)
{
    expect(GET "x: \n", 200, "GET /method  x");
    expect(GET "x: a b\tc\n", 200, "GET /method  x");
    expect(GET "x: \xe9\xff\x80\n", 200, "GET /method  x");
    expect(GET "x: :path: /none\n", 200, "GET /method  x");
    expect(GET "a!#$%&'*+-.^_`|~09: y\n", 200, "GET /method  x");
}
END_TEST

/* ---- 8.2.2: fields of connections ----------------------------------------*/

START_TEST(fields_of_connections_make_it_malformed)
{
    ALL_MALFORMED(GET "connection: close\n", GET "connection: x-a\nx-a: 1\n",
                  GET "connection: keep-alive\n", GET "keep-alive: 1\n",
                  GET "proxy-connection: close\n", GET "upgrade: h2c\n",
                  GET "transfer-encoding: chunked\n",
                  GET "transfer-encoding: gzip\n");
}
END_TEST

START_TEST(te_says_trailers_or_is_not_there)
{
    expect(GET "te: trailers\n", 200, "GET /method  x");
    ALL_MALFORMED(GET "te: gzip\n", GET "te: trailers, gzip\n",
                  GET "te: trailers;q=0.5\n");
}
END_TEST

/* ---- 8.2.3: cookies ------------------------------------------------------*/

static void
has_line(const char *fields, const char *line)
{
    struct frames f = frames_open(&s);
    struct answer a;

    frames_head(&f, 1, FRAMES_END_STREAM, fields);
    a = frames_answer(&f, 1);
    ck_assert_int_eq(a.status, 200);
    unit_has(a.body, line);
    answer_free(&a);
    frames_close(&f);
}

#define REQUEST METHOD SCHEME ":path: /request\n" AUTHORITY

START_TEST(crumbs_of_cookies_are_one_field)
{
    has_line(REQUEST "cookie: a=b\ncookie: c=d\nx: y\ncookie: e=f\n",
             "ookie: a=b; c=d; e=f\n");
    has_line(REQUEST "cookie: a=b; c=d\n", "ookie: a=b; c=d\n");
}
END_TEST

/* Browsers send each of their cookies as one (100 fields may come). */
START_TEST(crumbs_are_as_many_as_they_like)
{
    char fields[8192], *p = fields;

    p += sprintf(p, "%s", REQUEST);
    for (int i = 0; i < 400; i++)
        p += sprintf(p, "cookie: c%d=v%d\n", i, i);
    sprintf(p, "x: y\n");
    has_line(fields, "; c398=v398; c399=v399\n");
}
END_TEST

START_TEST(other_fields_stay_as_many_as_they_are)
{
    has_line(REQUEST "x-a: 1\nx-a: 2\n", "x-a: 1\n");
    has_line(REQUEST "x-a: 1\nx-a: 2\n", "x-a: 2\n");
}
END_TEST

UNIT_MAIN_IN(begin, end, h2_heads, a_request_says_method_scheme_path_and_host,
             one_that_is_missing_makes_it_malformed,
             no_field_at_all_makes_it_malformed,
             one_that_is_there_twice_makes_it_malformed,
             one_behind_other_fields_makes_it_malformed,
             one_that_is_not_of_requests_makes_it_malformed,
             one_that_is_empty_makes_it_malformed, a_method_is_a_token,
             a_path_begins_with_a_slash_and_has_no_blanks,
             a_path_is_what_it_is_in_http_1, options_may_ask_about_the_server,
             a_host_may_be_a_field, the_authority_comes_before_a_host,
             two_hosts_are_one_too_many, a_host_is_one, names_are_in_lower_case,
             names_are_tokens, names_have_no_line_ends_and_are_not_empty,
             values_have_no_line_ends, values_neither_begin_nor_end_with_blanks,
             values_may_have_any_other_byte,
             fields_of_connections_make_it_malformed,
             te_says_trailers_or_is_not_there, crumbs_of_cookies_are_one_field,
             crumbs_are_as_many_as_they_like,
             other_fields_stay_as_many_as_they_are)
