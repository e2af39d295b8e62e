/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* cond.c - conditions by themselves, where the clock is the test's; and, in the
 * mock server, conditions and parts. */
#include "plugins/static/t/serve.h"

#include "plugins/static/cond.h"
#include "t/lib/unit.h"

#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"

/* ---- If-Range ------------------------------------------------------------*/

/* May it be a part, if If-Range says so and Date is after_s behind the
 * change? */
static int
may_be_part(const char *if_range, int64_t after_s)
{
    const struct validators v = {et_s("\"tag\""), OLD};
    const struct ask a = {.has = ASK_RANGE | ASK_IF_RANGE,
                          .if_range = et_s(if_range)};

    return cond_may_be_part(&a, &v, OLD + after_s);
}

START_TEST(a_date_of_this_second_is_not_strong)
{
    ck_assert(!may_be_part(OLD_TEXT, 0));
    ck_assert(may_be_part(OLD_TEXT, 1));
    ck_assert(may_be_part(OLD_TEXT, 86400));
    ck_assert(!may_be_part(OLD_TEXT, -1)); /* the clock was put back */
}
END_TEST

START_TEST(only_that_very_date_will_do)
{
    ck_assert(may_be_part("Sun Nov  6 08:49:37 1994", 5));
    ck_assert(!may_be_part(EARLIER, 5));
    ck_assert(!may_be_part("Sun, 06 Nov 1994 08:49:38 GMT", 5));
    ck_assert(!may_be_part("", 5));
}
END_TEST

START_TEST(a_tag_is_strong_at_once)
{
    ck_assert(may_be_part("\"tag\"", 0));
    ck_assert(!may_be_part("W/\"tag\"", 5));
    ck_assert(!may_be_part("\"other\"", 5));
}
END_TEST

/* ---- lines ---------------------------------------------------------------*/

struct line {
    const char *name, *value; /* NULL: the file's tag */
};

/* With up to three lines: the status. */
static uint32_t
get_lines(const struct line lines[3])
{
    static char tag[128];

    et_test_request("GET", "/a.txt");
    ck_assert_uint_eq(et_test_run(), 200);
    snprintf(tag, sizeof tag, "%s", et_test_field("ETag", 0));
    et_test_request("GET", "/a.txt");
    for (int i = 0; i < 3 && lines[i].name; i++)
        et_test_header(lines[i].name, lines[i].value ? lines[i].value : tag);
    return et_test_run();
}

START_TEST(what_is_said_once_is_nothing_if_it_is_said_twice)
{
    static const struct line v[][3] = {
        {{"If-Modified-Since", OLD_TEXT}, {"if-modified-since", OLD_TEXT}},
        {{"If-Modified-Since", OLD_TEXT},
         {"If-Modified-Since", OLD_TEXT},
         {"If-Modified-Since", OLD_TEXT}},
        {{"If-Unmodified-Since", EARLIER}, {"If-Unmodified-Since", EARLIER}},
        {{"Range", "bytes=0-0"}, {"Range", "bytes=0-0"}},
        {{"Range", "bytes=0-0"}, {"If-Range", NULL}, {"If-Range", NULL}}};

    serve();
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        ck_assert_msg(get_lines(v[i]) == 200, "%zu", i);
        ck_assert_str_eq(et_test_text(), "0123456789");
    }
}
END_TEST

START_TEST(a_list_may_come_in_lines)
{
    static const struct {
        struct line lines[3];
        uint32_t status;
    } v[] = {{{{"If-Match", "\"x\""}, {"If-Match", "\"y\", \"z\""}}, 412},
             {{{"If-Match", "\"x\", \"y\""},
               {"If-Match", "\"z\""},
               {"If-Match", NULL}},
              200},
             {{{"If-None-Match", "\"x\""}, {"If-None-Match", "\"y\""}}, 200},
             {{{"If-None-Match", "\"x\""}, {"If-None-Match", NULL}}, 304},
             {{{"If-None-Match", NULL}, {"If-None-Match", "\"x\""}}, 304}};

    serve();
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
        ck_assert_msg(get_lines(v[i].lines) == v[i].status, "%zu", i);
}
END_TEST

/* ---- conditions ----------------------------------------------------------*/

static char etag[128];

/* It, between these. */
static const char *
tags(const char *before, const char *behind)
{
    static char text[512];

    snprintf(text, sizeof text, "%s%s%s", before, etag, behind);
    return text;
}

START_TEST(if_none_match)
{
    serve();
    learn_etag("/a.txt", etag);
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", etag), 304);
    ck_assert_uint_eq(et_test_length(), 0);
    ck_assert_str_eq(et_test_field("ETag", 0), etag);
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", tags("W/", "")), 304);
    ck_assert_uint_eq(
        get_with("/a.txt", "If-None-Match", tags("\"a,b\", ,", ", \"z\"")),
        304);
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", "*"), 304);
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", "\"other\""), 200);
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", "\"open"), 200);
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", ""), 200);
    ck_assert_uint_eq(ask("HEAD", "/a.txt", "If-None-Match", etag), 304);
    /* the second of two fields counts, and more than a date does */
    et_test_request("GET", "/a.txt");
    et_test_header("If-None-Match", "\"one\"");
    et_test_header("If-None-Match", etag);
    ck_assert_uint_eq(et_test_run(), 304);
    et_test_request("GET", "/a.txt");
    et_test_header("If-None-Match", "\"one\"");
    et_test_header("If-Modified-Since", OLD_TEXT);
    ck_assert_uint_eq(et_test_run(), 200);
}
END_TEST

START_TEST(if_modified_since)
{
    serve();
    ck_assert_uint_eq(get_with("/a.txt", "If-Modified-Since", OLD_TEXT), 304);
    ck_assert_uint_eq(
        get_with("/a.txt", "If-Modified-Since", "Sun Nov  6 08:49:38 1994"),
        304);
    ck_assert_uint_eq(get_with("/a.txt", "If-Modified-Since",
                               "Sun, 06 Nov 1994 08:49:36 GMT"),
                      200);
    ck_assert_uint_eq(get_with("/a.txt", "If-Modified-Since", "yesterday"),
                      200);
}
END_TEST

START_TEST(if_match_and_if_unmodified_since)
{
    serve();
    learn_etag("/a.txt", etag);
    ck_assert_uint_eq(get_with("/a.txt", "If-Match", etag), 200);
    ck_assert_uint_eq(get_with("/a.txt", "If-Match", "*"), 200);
    ck_assert_uint_eq(get_with("/a.txt", "If-Match", tags("W/", "")), 412);
    ck_assert_uint_eq(get_with("/a.txt", "If-Match", "\"other\""), 412);
    ck_assert_ptr_null(et_test_field("ETag", 0));
    ck_assert_uint_eq(get_with("/a.txt", "If-Unmodified-Since", OLD_TEXT), 200);
    ck_assert_uint_eq(get_with("/a.txt", "If-Unmodified-Since",
                               "Sun, 06 Nov 1994 08:49:36 GMT"),
                      412);
    ck_assert_uint_eq(get_with("/a.txt", "If-Unmodified-Since", "soon"), 200);
    /* If-Match counts, then If-None-Match */
    et_test_request("GET", "/a.txt");
    et_test_header("If-Match", etag);
    et_test_header("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:36 GMT");
    et_test_header("If-None-Match", etag);
    ck_assert_uint_eq(et_test_run(), 304);
    et_test_request("GET", "/a.txt");
    et_test_header("If-Match", "\"other\"");
    et_test_header("If-None-Match", etag);
    ck_assert_uint_eq(et_test_run(), 412);
}
END_TEST

START_TEST(without_an_etag_the_date_has_to_do)
{
    et_test_option("etag", "none");
    serve();
    ck_assert_uint_eq(get("/a.txt"), 200);
    ck_assert_ptr_null(et_test_field("ETag", 0));
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", "\"\""), 200);
    ck_assert_uint_eq(get_with("/a.txt", "If-Modified-Since", OLD_TEXT), 304);
}
END_TEST

START_TEST(an_etag_of_the_content_outlives_a_touch)
{
    char large[40000];

    memset(large, 'x', sizeof large);
    put_at("large", large, sizeof large, OLD);
    et_test_option("etag", "hash");
    et_test_option("revalidate", "0");
    serve();
    learn_etag("/a.txt", etag);
    put_at("a.txt", "0123456789", 10, OLD + 9);
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", etag), 304);
    put_at("a.txt", "0123456780", 10, OLD + 9);
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", etag), 200);
    learn_etag("/large", etag);
    put_at("large", large, sizeof large, OLD + 9);
    ck_assert_uint_eq(get_with("/large", "If-None-Match", etag), 304);
    large[39999] = 'y';
    put_at("large", large, sizeof large, OLD + 9);
    ck_assert_uint_eq(get_with("/large", "If-None-Match", etag), 200);
}
END_TEST

/* ---- ranges --------------------------------------------------------------*/

START_TEST(a_part_is_sent)
{
    serve();
    learn_etag("/a.txt", etag);
    ck_assert_uint_eq(get_with("/a.txt", "Range", "bytes=2-4"), 206);
    ck_assert_str_eq(et_test_text(), "234");
    ck_assert_str_eq(et_test_field("Content-Range", 0), "bytes 2-4/10");
    ck_assert_str_eq(et_test_field("ETag", 0), etag);
    ck_assert_uint_eq(get_with("/a.txt", "Range", "bytes=-1"), 206);
    ck_assert_str_eq(et_test_text(), "9");
    ck_assert_uint_eq(get_with("/a.txt", "Range", "bytes=10-"), 416);
    ck_assert_str_eq(et_test_field("Content-Range", 0), "bytes */10");
    ck_assert_uint_eq(get_with("/a.txt", "Range", "lines=1-2"), 200);
    ck_assert_str_eq(et_test_text(), "0123456789");
    ck_assert_uint_eq(ask("HEAD", "/a.txt", "Range", "bytes=2-4"), 200);
}
END_TEST

/* Of a text of 1000 digits. */
static void
parts(const char *name)
{
    const char *text, *mark;
    char expected[1024];

    ck_assert_uint_eq(get_with(name, "Range", "bytes=990-,0-4"), 206);
    ck_assert_int_eq(
        strncmp(et_test_type(), "multipart/byteranges; boundary=", 31), 0);
    ck_assert_ptr_null(et_test_field("Content-Range", 0));
    mark = et_test_type() + 31;
    text = et_test_text();
    snprintf(expected, sizeof expected,
             "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "Content-Range: bytes 990-999/1000\r\n\r\n0123456789\r\n"
             "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "Content-Range: bytes 0-4/1000\r\n\r\n01234\r\n--%s--\r\n",
             mark, mark, mark);
    ck_assert_str_eq(text, expected);
}

START_TEST(several_parts_are_sent)
{
    char digits[1001];

    for (int i = 0; i < 1000; i++)
        digits[i] = (char)('0' + i % 10);
    digits[1000] = 0;
    put("digits.txt", digits);
    serve();
    parts("/digits.txt");
    et_test_end();
    et_test_option("root", root);
    et_test_option("cache_file", "0"); /* from its descriptor */
    serve();
    parts("/digits.txt");
    ck_assert_uint_eq(get_with("/digits.txt", "Range", "bytes=5-6"), 206);
    ck_assert_str_eq(et_test_text(), "56");
}
END_TEST

START_TEST(if_range)
{
    static const struct {
        const char *value; /* NULL: the right one */
        uint32_t status;
    } v[] = {{NULL, 206},
             {"\"other\"", 200},
             {OLD_TEXT, 206},
             {"Sun, 06 Nov 1994 08:49:38 GMT", 200},
             {"nonsense", 200}};

    serve();
    learn_etag("/a.txt", etag);
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        et_test_request("GET", "/a.txt");
        et_test_header("Range", "bytes=0-0");
        et_test_header("If-Range", v[i].value ? v[i].value : etag);
        ck_assert_msg(et_test_run() == v[i].status, "%zu", i);
    }
    et_test_request("GET", "/a.txt");
    et_test_header("Range", "bytes=0-0");
    et_test_header("If-Range", tags("W/", ""));
    ck_assert_uint_eq(et_test_run(), 200);
    /* a condition comes first */
    et_test_request("GET", "/a.txt");
    et_test_header("Range", "bytes=50-");
    et_test_header("If-None-Match", etag);
    ck_assert_uint_eq(et_test_run(), 304);
}
END_TEST

UNIT_MAIN_IN(begin_site, end_site, cond, a_date_of_this_second_is_not_strong,
             only_that_very_date_will_do, a_tag_is_strong_at_once,
             what_is_said_once_is_nothing_if_it_is_said_twice,
             a_list_may_come_in_lines, if_none_match, if_modified_since,
             if_match_and_if_unmodified_since,
             without_an_etag_the_date_has_to_do,
             an_etag_of_the_content_outlives_a_touch, a_part_is_sent,
             several_parts_are_sent, if_range)
