/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_head.c - fields of HTTP/2 become the head that all the rest knows.
 * tags: asan */
#include "conn/h2_head.h"

#include <stdio.h>
#include <string.h>

#include "base/blocks.h"
#include "base/err.h"
#include "base/str.h"
#include "proto/http1.h"
#include "t/lib/unit.h"

static const struct http1_limits limits = {
    .max_line = 1000, .max_header = 2000, .max_fields = 20};

static struct blocks blocks;
static struct http1 to;
static struct http1_field fields[20];
static struct h2_head h;

static void
setup(void)
{
    blocks_init(&blocks, 1u << 20);
    http1_init(&to, fields, &limits);
    h2_head_begin(&h, &blocks, &to);
}

static void
teardown(void)
{
    h2_head_fini(&h);
    ck_assert_uint_eq(blocks.out_bytes, 0);
    blocks_fini(&blocks);
}

static void
put(const char *name, const char *value)
{
    h2_head_field(&h, str_from_z(name), str_from_z(value));
}

static void
get(const char *path)
{
    put(":method", "GET");
    put(":scheme", "http");
    put(":authority", "Example.org:80");
    put(":path", path);
}

static void
is(et_str s, const char *text)
{
    ck_assert_msg(str_eq(s, str_from_z(text)), "%.*s, not %s", (int)s.n, s.p,
                  text);
}

static void
is_field(uint32_t i, const char *name, const char *value)
{
    is(http1_name(&fields[i], h.text), name);
    is(http1_value(&fields[i], h.text), value);
}

START_TEST(a_request)
{
    get("/a?b");
    put("accept", "*/*");
    put("x-empty", "");
    ck_assert_int_eq(h2_head_end(&h, 0), 0);
    ck_assert_uint_eq(to.version, 20);
    ck_assert_uint_eq(to.method, ET_M_GET);
    is(http1_method(&to, h.text), "GET");
    is(http1_target(&to, h.text), "/a?b");
    is(http1_host(&to, h.text), "Example.org");
    ck_assert(to.host_has_upper);
    ck_assert_uint_eq(to.n_fields, 3);
    is_field(0, "host", "Example.org:80");
    is_field(1, "accept", "*/*");
    ck_assert_uint_eq(fields[1].id, HTTP1_F_ACCEPT);
    is_field(2, "x-empty", "");
    ck_assert(!to.is_chunked);
    ck_assert_int_eq(to.content_length, -1);
}
END_TEST

START_TEST(crumbs_are_one_cookie)
{
    char large[301];

    memset(large, 'c', 300);
    large[300] = '\0';
    get("/");
    put("a", "1");
    put("cookie", "a=1");
    put("b", "2");
    put("cookie", large);
    put("cookie", "b=2");
    put("c", "3");
    ck_assert_int_eq(h2_head_end(&h, 0), 0);
    ck_assert_uint_eq(to.n_fields, 5);
    is_field(1, "a", "1");
    ck_assert_uint_eq(fields[2].value_len, 3 + 2 + 300 + 2 + 3);
    is((et_str){h.text + fields[2].value_off, 6}, "a=1; c");
    is((et_str){h.text + fields[2].value_off + 304, 6}, "c; b=2");
    is_field(3, "b", "2");
    is_field(4, "c", "3");
}
END_TEST

static void
again(void)
{
    h2_head_fini(&h);
    ck_assert_uint_eq(blocks.out_bytes, 0);
    http1_init(&to, fields, &limits);
    h2_head_begin(&h, &blocks, &to);
}

START_TEST(crumbs_are_one_cookie_to_the_limits)
{
    char text[1500];

    get("/"); /* host, cookie, and one less than there may be */
    for (int i = 0; i < 200; i++)
        put("cookie", "a=1");
    for (int i = 0; i < 17; i++)
        put("x", "");
    ck_assert_int_eq(h2_head_end(&h, 0), 0);
    ck_assert_uint_eq(to.n_fields, 19);
    ck_assert_uint_eq(fields[1].value_len, 200 * 3 + 199 * 2);
    is((et_str){h.text + fields[1].value_off + 990, 8}, "a=1; a=1");

    again(); /* "cookie: ", "; ; ", CRLF, and the blank line: as large as can */
    memset(text, 'c', sizeof text);
    text[limits.max_header - 2 - 10 - 4 - 900] = '\0';
    get("/");
    put("cookie", "");
    put("cookie", text);
    memset(text, 'd', sizeof text);
    text[900] = '\0';
    put("cookie", text);
    ck_assert_int_eq(h2_head_end(&h, 0), 0);
    is((et_str){h.text + fields[1].value_off, 3}, "; c");

    again(); /* and one byte more */
    get("/");
    put("cookie", "");
    put("cookie", text);
    memset(text, 'd', sizeof text);
    text[limits.max_header - 2 - 10 - 4 - 900 + 1] = '\0';
    put("cookie", text);
    ck_assert_int_eq(h2_head_end(&h, 0), ERR_FIELDS_LARGE);
}
END_TEST

START_TEST(a_cookie_is_in_its_place_whatever_its_first_crumb_is)
{
    get("/");
    put("cookie", "");
    put("cookie", "");
    put("a", "1");
    ck_assert_int_eq(h2_head_end(&h, 0), 0);
    ck_assert_uint_eq(to.n_fields, 3);
    is_field(1, "cookie", "; ");
    is_field(2, "a", "1");

    again();
    get("/");
    put("cookie", "");
    ck_assert_int_eq(h2_head_end(&h, 0), 0);
    is_field(1, "cookie", "");
}
END_TEST

/* Two bytes are counted of each, and not many more are ever taken. */
START_TEST(empty_crumbs_do_not_come_for_ever)
{
    size_t most = 0;

    get("/");
    for (int i = 0; i < 100000; i++) {
        put("cookie", "");
        if (blocks.out_bytes > most)
            most = blocks.out_bytes;
    }
    ck_assert_uint_ge(h.list_bytes, 2 * 99999);
    ck_assert_int_eq(h2_head_end(&h, 0), ERR_FIELDS_LARGE);
    ck_assert_uint_le(most, 4 * (size_t)limits.max_header);
}
END_TEST

START_TEST(a_host_field_says_the_same_or_is_all_there_is)
{
    get("/");
    put("host", "example.org:80");
    ck_assert_int_eq(h2_head_end(&h, 0), 0);
    ck_assert_uint_eq(to.n_fields, 1);
    h2_head_fini(&h);

    http1_init(&to, fields, &limits);
    h2_head_begin(&h, &blocks, &to);
    put(":method", "GET");
    put(":path", "/");
    put("host", "x");
    ck_assert_int_eq(h2_head_end(&h, 0), 0);
    is(http1_host(&to, h.text), "x");
    h2_head_fini(&h);

    http1_init(&to, fields, &limits);
    h2_head_begin(&h, &blocks, &to);
    get("/");
    put("host", "another");
    ck_assert_int_eq(h2_head_end(&h, 0), H2_HEAD_MALFORMED);
    h2_head_fini(&h);

    http1_init(&to, fields, &limits);
    h2_head_begin(&h, &blocks, &to);
    put(":method", "GET");
    put(":path", "/");
    ck_assert_int_eq(h2_head_end(&h, 0), ERR_HOST);
}
END_TEST

START_TEST(how_long_a_body_is)
{
    get("/");
    put("content-length", "12");
    ck_assert_int_eq(h2_head_end(&h, 1), 0);
    ck_assert_int_eq(to.content_length, 12);
    ck_assert(!to.is_chunked);
    h2_head_fini(&h);

    http1_init(&to, fields, &limits); /* as long as it is */
    h2_head_begin(&h, &blocks, &to);
    get("/");
    ck_assert_int_eq(h2_head_end(&h, 1), 0);
    ck_assert(to.is_chunked);
    h2_head_fini(&h);

    http1_init(&to, fields, &limits); /* and it does not come */
    h2_head_begin(&h, &blocks, &to);
    get("/");
    put("content-length", "12");
    ck_assert_int_eq(h2_head_end(&h, 0), H2_HEAD_MALFORMED);
}
END_TEST

START_TEST(limits_are_those_of_http_1)
{
    char text[1100], name[20];

    memset(text, 'a', sizeof text);
    text[0] = '/';
    text[1000] = '\0';
    get(text);
    ck_assert_int_eq(h2_head_end(&h, 0), ERR_TARGET_LONG);
    h2_head_fini(&h);

    http1_init(&to, fields, &limits);
    h2_head_begin(&h, &blocks, &to);
    get("/");
    put("a", text);
    put("b", text);
    put("c", "d"); /* once it is too much, nothing more is kept */
    ck_assert_int_eq(h2_head_end(&h, 0), ERR_FIELDS_LARGE);
    ck_assert_uint_eq(to.method, ET_M_GET);
    h2_head_fini(&h);

    http1_init(&to, fields, &limits);
    h2_head_begin(&h, &blocks, &to);
    get("/");
    for (int i = 0; i < 25; i++) {
        snprintf(name, sizeof name, "x-%d", i);
        put(name, "");
    }
    ck_assert_int_eq(h2_head_end(&h, 0), ERR_FIELDS_MANY);
}
END_TEST

START_TEST(a_websocket_is_got)
{
    put(":method", "CONNECT");
    put(":protocol", "websocket");
    put(":scheme", "http");
    put(":authority", "x");
    put(":path", "/chat");
    ck_assert_int_eq(h2_head_end(&h, 1), 0);
    ck_assert(h.is_websocket && to.has_upgrade && !to.is_chunked);
    ck_assert_uint_eq(to.method, ET_M_GET);
    is(http1_method(&to, h.text), "GET");
    is(http1_target(&to, h.text), "/chat");
    h2_head_fini(&h);

    http1_init(&to, fields, &limits);
    h2_head_begin(&h, &blocks, &to);
    put(":method", "CONNECT");
    put(":authority", "x:443");
    ck_assert_int_eq(h2_head_end(&h, 1), 0);
    is(http1_target(&to, h.text), "x:443");
}
END_TEST

START_TEST(without_memory_it_is_refused)
{
    blocks.max_bytes = 0;
    get("/");
    put("a", "b");
    ck_assert_int_eq(h2_head_end(&h, 0), ERR_NOMEM);
}
END_TEST

UNIT_MAIN_IN(setup, teardown, h2_head, a_request, crumbs_are_one_cookie,
             crumbs_are_one_cookie_to_the_limits,
             a_cookie_is_in_its_place_whatever_its_first_crumb_is,
             empty_crumbs_do_not_come_for_ever,
             a_host_field_says_the_same_or_is_all_there_is, how_long_a_body_is,
             limits_are_those_of_http_1, a_websocket_is_got,
             without_memory_it_is_refused)
