/* SPDX-License-Identifier: BSD-2-Clause */
/* asking.c - heads of requests to others: what is written, and refused.
 * tags: asan */
#include "http/asking.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "t/lib/unit.h"

static struct arena arena;
static struct asking a;

static et_str
str(const char *text)
{
    return (et_str){text, strlen(text)};
}

static et_fetch_ask
wish(const char *method, const char *url)
{
    return (et_fetch_ask){
        .size = sizeof(et_fetch_ask), .method = str(method), .url = str(url)};
}

static int32_t
make(const et_fetch_ask *ask)
{
    arena_init(&arena, NULL, 0, NULL, 1 << 20);
    return asking_make(&a, ask, &arena);
}

/* What is written of it. */
static void
expect(const et_fetch_ask *ask, const char *head)
{
    ck_assert_int_eq(make(ask), 0);
    ck_assert_msg(a.head.n == strlen(head) &&
                      memcmp(a.head.p, head, a.head.n) == 0,
                  "%.*s", (int)a.head.n, a.head.p);
    arena_reset(&arena);
}

static void
expect_url(const char *method, const char *url, const char *head)
{
    et_fetch_ask ask = wish(method, url);

    expect(&ask, head);
}

static void
refuse(const et_fetch_ask *ask, int32_t rc)
{
    ck_assert_int_eq(make(ask), rc);
    arena_reset(&arena);
}

START_TEST(urls_are_taken_apart)
{
    expect_url("GET", "http://A.example/",
               "GET / HTTP/1.1\r\nHost: A.example\r\n\r\n");
    ck_assert_uint_eq(a.end.port, 80);
    ck_assert_uint_eq(a.end.len, 9);
    ck_assert_mem_eq(a.end.host, "a.example", 9);
    expect_url("HEAD", "HTTP://a:8080?q=1",
               "HEAD /?q=1 HTTP/1.1\r\nHost: a:8080\r\n\r\n");
    ck_assert_uint_eq(a.end.port, 8080);
    ck_assert(a.is_head && a.is_safe);
    expect_url("GET", "http://[::1]:81/a%20b?",
               "GET /a%20b? HTTP/1.1\r\nHost: [::1]:81\r\n\r\n");
    ck_assert_uint_eq(a.end.len, 3);
    ck_assert_mem_eq(a.end.host, "::1", 3);
    expect_url("OPTIONS", "http://a", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n");
    expect_url("BREW", "http://a.", "BREW / HTTP/1.1\r\nHost: a.\r\n\r\n");
    ck_assert(!a.is_safe);
    ck_assert_uint_eq(a.end.len, 1);
}
END_TEST

START_TEST(bodies_say_how_long_they_are)
{
    et_fetch_ask ask = wish("POST", "http://a/");

    expect(&ask, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    ck_assert(!a.is_safe);
    ask.body = str("abc");
    expect(&ask, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    ck_assert_uint_eq(a.body.n, 3);
    ask.flags = ET_FETCH_STREAM;
    expect(&ask,
           "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    ck_assert(a.is_streamed && a.is_chunked && a.body.n == 0);
    ask.flags = ET_FETCH_STREAM | ET_FETCH_LENGTH;
    expect(&ask, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n");
    ck_assert(!a.is_chunked && a.left == 3 && a.body.n == 0);
    ask = wish("PUT", "http://a/");
    expect(&ask, "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    ck_assert(a.is_safe);
    ask = wish("GET", "http://a/");
    ask.body = str("q");
    expect(&ask, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
}
END_TEST

START_TEST(fields_are_checked)
{
    static const et_field bad[] = {
        {{"a b", 3}, {"c", 1}},
        {{"", 0}, {"c", 1}},
        {{"a", 1}, {"b\r\nc: d", 7}},
        {{"a", 1}, {"b\n", 2}},
        {{"a", 1}, {"b\0", 2}},
        {{"a:", 2}, {"b", 1}},
        {{"TE", 2}, {"trailers", 8}},
        {{"Trailer", 7}, {"a", 1}},
        {{"keep-alive", 10}, {"a", 1}},
        {{"CONNECTION", 10}, {"a", 1}},
        {{"Content-Length", 14}, {"1", 1}},
        {{"Transfer-Encoding", 17}, {"chunked", 7}},
        {{"Proxy-Connection", 16}, {"a", 1}},
        {{"Expect", 6}, {"100-continue", 12}},
        {{"Upgrade", 7}, {"h2c", 3}},
        {{"Host", 4}, {"a/b", 3}},
    };
    static const et_field good[] = {{{"A", 1}, {"b\tc\xff", 4}},
                                    {{"HOST", 4}, {"b:1", 3}},
                                    {{"C", 1}, {"", 0}}};
    et_field two[2] = {{{"Host", 4}, {"a", 1}}, {{"Host", 4}, {"a", 1}}};
    et_fetch_ask ask = wish("GET", "http://a/");

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ask.fields = &bad[i];
        ask.n_fields = 1;
        refuse(&ask, ET_EINVAL);
    }
    ask.fields = two;
    ask.n_fields = 2;
    refuse(&ask, ET_EINVAL);
    ask.fields = good;
    ask.n_fields = 3;
    expect(&ask, "GET / HTTP/1.1\r\nHost: b:1\r\nA: b\tc\xff\r\nC: \r\n\r\n");
    ck_assert_mem_eq(a.end.host, "a", 1); /* whom it goes to stays */
}
END_TEST

START_TEST(what_is_too_long_is_refused)
{
    char *text = malloc(ASKING_HEAD_MAX + 1);
    et_field f = {{"a", 1}, {text, ASKING_HEAD_MAX - 300}};
    et_fetch_ask ask = wish("GET", "http://a/");

    ck_assert_ptr_nonnull(text);
    memset(text, 'a', ASKING_HEAD_MAX + 1);
    ask.fields = &f;
    ask.n_fields = 1;
    ck_assert_int_eq(make(&ask), 0);
    arena_reset(&arena);
    f.value.n = ASKING_HEAD_MAX;
    refuse(&ask, ET_ELIMIT);
    ask.n_fields = 0;
    memcpy(text, "http://a/", 9);
    ask.url = (et_str){text, ASKING_HEAD_MAX};
    refuse(&ask, ET_ELIMIT);
    ask.url.n = 8 + 300; /* a host's name */
    memset(text + 7, 'a', 300);
    refuse(&ask, ET_EINVAL);
    free(text);
}
END_TEST

START_TEST(without_memory_it_says_so)
{
    et_fetch_ask ask = wish("GET", "http://a/");

    arena_init(&arena, NULL, 0, NULL, 0);
    ck_assert_int_eq(asking_make(&a, &ask, &arena), ET_ENOMEM);
}
END_TEST

UNIT_MAIN(asking, urls_are_taken_apart, bodies_say_how_long_they_are,
          fields_are_checked, what_is_too_long_is_refused,
          without_memory_it_says_so)
