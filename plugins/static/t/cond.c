/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* cond.c - conditions by themselves, where the clock is the test's; and in the
 * mock server, what comes in more than one line. */
#define _GNU_SOURCE
#include "plugins/static/cond.h"

#include <etude_test.h>

#include "plugins/static/t/folder.h"
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

static void
begin(void)
{
    make_folder();
    put("a.txt", "0123456789");
    et_test_option("root", root);
    ck_assert_msg(et_test_open() == 0, "%s", et_test_why());
}

static void
end(void)
{
    et_test_end();
    remove_folder();
}

/* With up to three lines: the status. */
static uint32_t
get(const struct line lines[3])
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

    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        ck_assert_msg(get(v[i]) == 200, "%zu", i);
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

    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
        ck_assert_msg(get(v[i].lines) == v[i].status, "%zu", i);
}
END_TEST

UNIT_MAIN_IN(begin, end, cond, a_date_of_this_second_is_not_strong,
             only_that_very_date_will_do, a_tag_is_strong_at_once,
             what_is_said_once_is_nothing_if_it_is_said_twice,
             a_list_may_come_in_lines)
