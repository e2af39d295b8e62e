/* SPDX-License-Identifier: BSD-2-Clause */
/* log_text.c - lines in both formats, whatever a record holds. */
#include "base/log_text.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

#define TIME "2026-11-21T02:21:00.123Z"

static char out[LOG_TEXT_ROOM + 1];

static const char *
line(enum log_format format, const char *thread, const char *where, et_str text)
{
    struct log_text t = {.wall_s = 1795227660,
                         .wall_ns = 123456789,
                         .level = LOG_WARN,
                         .thread = str_from_z(thread),
                         .where = str_from_z(where),
                         .text = text};
    size_t n = log_text_format(out, format, &t);

    out[n] = '\0';
    return out;
}

START_TEST(text_lines)
{
    et_str hi = str_lit("hi");

    ck_assert_str_eq(line(LOG_TEXT, NULL, NULL, hi), TIME " warn  hi\n");
    ck_assert_str_eq(line(LOG_TEXT, "worker 1", NULL, hi),
                     TIME " warn  worker=1: hi\n");
    ck_assert_str_eq(line(LOG_TEXT, NULL, "route=a", hi),
                     TIME " warn  route=a: hi\n");
    ck_assert_str_eq(line(LOG_TEXT, "worker 1", "plugin=limit@users", hi),
                     TIME " warn  worker=1 plugin=limit@users: hi\n");
    ck_assert_str_eq(line(LOG_TEXT, "acceptor", NULL, hi),
                     TIME " warn  acceptor: hi\n");
}
END_TEST

START_TEST(json_lines)
{
    et_str hi = str_lit("hi");

    ck_assert_str_eq(line(LOG_JSON, NULL, NULL, hi),
                     "{\"time\":\"" TIME
                     "\",\"level\":\"warn\",\"text\":\"hi\"}\n");
    ck_assert_str_eq(line(LOG_JSON, "worker 1", "plugin=x", hi),
                     "{\"time\":\"" TIME
                     "\",\"level\":\"warn\",\"thread\":\"worker 1\","
                     "\"where\":\"plugin=x\",\"text\":\"hi\"}\n");
}
END_TEST

START_TEST(each_level_has_its_name_and_prefix)
{
    static const struct {
        enum log_level level;
        const char *text, *prefix;
    } rows[] = {{LOG_ERROR, TIME " error x\n", "<3>"},
                {LOG_WARN, TIME " warn  x\n", "<4>"},
                {LOG_INFO, TIME " info  x\n", "<6>"},
                {LOG_DEBUG, TIME " debug x\n", "<7>"}};

    for (size_t i = 0; i < 4; i++) {
        struct log_text t = {.wall_s = 1795227660,
                             .wall_ns = 123000000,
                             .level = rows[i].level,
                             .text = str_lit("x")};

        out[log_text_format(out, LOG_TEXT, &t)] = '\0';
        ck_assert_str_eq(out, rows[i].text);
        ck_assert_str_eq(log_text_prefix(rows[i].level), rows[i].prefix);
        ck_assert_uint_eq(strlen(rows[i].prefix), LOG_TEXT_PREFIX_LEN);
    }
}
END_TEST

/* in, as text, as JSON */
static const struct {
    const char *in, *text, *json;
} escapes[] = {
    {"a\nb\rc\td", "a\\nb\\rc\\td", "a\\nb\\rc\\td"},
    {"\x01\x1b[31m\x7f", "\\x01\\x1b[31m\\x7f", "\\u0001\\u001b[31m\\u007f"},
    {"say \"x\"", "say \"x\"", "say \\\"x\\\""},
    {"a\\n", "a\\\\n", "a\\\\n"},
    {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8e\xb9",
     "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8e\xb9",
     "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x8e\xb9"},
    {"\xc2\x85\xc2\x9b\xc2\xa0", "\\u0085\\u009b\xc2\xa0",
     "\\u0085\\u009b\xc2\xa0"},
    {"\x80", "\\x80", "\\ufffd"},
    {"\xff\xfe", "\\xff\\xfe", "\\ufffd\\ufffd"},
    {"\xc3", "\\xc3", "\\ufffd"},
    {"\xc3(", "\\xc3(", "\\ufffd("},
    {"\xe2\x82", "\\xe2\\x82", "\\ufffd\\ufffd"},
    {"\xc0\xaf", "\\xc0\\xaf", "\\ufffd\\ufffd"},
    {"\xe0\x80\xaf", "\\xe0\\x80\\xaf", "\\ufffd\\ufffd\\ufffd"},
    {"\xed\xa0\x80", "\\xed\\xa0\\x80", "\\ufffd\\ufffd\\ufffd"},
    {"\xf0\x80\x80\x80", "\\xf0\\x80\\x80\\x80",
     "\\ufffd\\ufffd\\ufffd\\ufffd"},
    {"\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80",
     "\\ufffd\\ufffd\\ufffd\\ufffd"},
    {"\xf0\x9f\x8e", "\\xf0\\x9f\\x8e", "\\ufffd\\ufffd\\ufffd"},
    {"\xf0\x9f\x8ex", "\\xf0\\x9f\\x8ex", "\\ufffd\\ufffd\\ufffdx"},
    {"\xed\x9f\xbf\xf4\x8f\xbf\xbf", "\xed\x9f\xbf\xf4\x8f\xbf\xbf",
     "\xed\x9f\xbf\xf4\x8f\xbf\xbf"},
};

START_TEST(what_could_break_a_line_is_escaped)
{
    char want[200];

    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        size_t n = strlen(escapes[i].in);
        et_str in = {guard_end(escapes[i].in, n), n};

        snprintf(want, sizeof want, TIME " warn  %s\n", escapes[i].text);
        ck_assert_str_eq(line(LOG_TEXT, NULL, NULL, in), want);
        snprintf(want, sizeof want,
                 "{\"time\":\"" TIME "\",\"level\":\"warn\",\"text\":\"%s\"}\n",
                 escapes[i].json);
        ck_assert_str_eq(line(LOG_JSON, NULL, NULL, in), want);
    }
}
END_TEST

START_TEST(a_nul_is_escaped)
{
    ck_assert_str_eq(line(LOG_TEXT, NULL, NULL, str_lit("a\0b")),
                     TIME " warn  a\\x00b\n");
}
END_TEST

START_TEST(contexts_are_escaped_too)
{
    ck_assert_str_eq(line(LOG_TEXT, "a\nb", "c\nd", str_lit("x")),
                     TIME " warn  a\\nb c\\nd: x\n");
    ck_assert_ptr_nonnull(strstr(line(LOG_JSON, "a\"b", "c\"d", str_lit("x")),
                                 "\"thread\":\"a\\\"b\",\"where\":\"c\\\"d\""));
}
END_TEST

/* Whatever bytes come, in both formats: it fits, and is one line. */
START_TEST(the_worst_record_fits_its_room)
{
    static char text[LOG_TEXT_MAX], where[LOG_WHERE_MAX + 1],
        thread[LOG_NAME_MAX + 1];

    for (int c = 1; c < 256; c++) {
        memset(text, c, sizeof text);
        memset(where, c, LOG_WHERE_MAX);
        memset(thread, c, LOG_NAME_MAX);
        for (int format = LOG_TEXT; format <= LOG_JSON; format++) {
            const char *l = line((enum log_format)format, thread, where,
                                 (et_str){text, sizeof text});

            ck_assert_ptr_eq(strchr(l, '\n'), l + strlen(l) - 1);
        }
    }
}
END_TEST

START_TEST(a_cut_tears_no_character)
{
    static const char text[] = "a\xc3\xbc\xe2\x82\xac\xf0\x9f\x8e\xb9"
                               "b";
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 11, 11};

    for (size_t max = 0; max < sizeof want / sizeof *want; max++)
        ck_assert_uint_eq(log_text_cut(str_from_z(text), max).n, want[max]);
    ck_assert_uint_eq(log_text_cut(str_lit("\x80\x80\x80\x80\x80\x80"), 5).n,
                      2);
}
END_TEST

UNIT_MAIN(log_text, text_lines, json_lines, each_level_has_its_name_and_prefix,
          what_could_break_a_line_is_escaped, a_nul_is_escaped,
          contexts_are_escaped_too, the_worst_record_fits_its_room,
          a_cut_tears_no_character)
