/* SPDX-License-Identifier: BSD-2-Clause */
/* json_read.c - tests of base/json_read.h, and of what json.h writes. */
/* tags: asan */
#include "base/json_read.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/str.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

/* What the bytes say, in one line; "bad" if they are none of ours. */
static const char *
dump_bytes(const char *p, size_t n)
{
    static char out[4096];
    struct json_read r;
    struct json_value v;
    et_str item;
    int rc, k = 0;

    out[0] = '\0';
    json_read_init(&r, guard_end(p, n), n);
    while ((rc = json_read_next(&r, &v)) > 0) {
        k += sprintf(out + k, "%.*s=", (int)v.name.n, v.name.p);
        switch (v.type) {
        case JSON_STRING:
            k += sprintf(out + k, "'%.*s'", (int)v.text.n, v.text.p);
            break;
        case JSON_NUMBER:
            k += sprintf(out + k, "%lld", (long long)v.number);
            break;
        case JSON_BOOL: k += sprintf(out + k, v.number ? "yes" : "no"); break;
        case JSON_NULL: k += sprintf(out + k, "null"); break;
        case JSON_OTHER: k += sprintf(out + k, "other"); break;
        case JSON_LIST:
            while ((rc = json_read_item(&r, &item)) > 0)
                k += sprintf(out + k, "<%.*s>", (int)item.n, item.p);
            break;
        }
        if (rc < 0)
            return "bad";
        k += sprintf(out + k, " ");
    }
    ck_assert(rc == 0 || rc == ERR_INVALID);
    return rc < 0 ? "bad" : out;
}

static const char *
dump(const char *text)
{
    return dump_bytes(text, strlen(text));
}

START_TEST(members_are_read_in_order)
{
    ck_assert_str_eq(dump("{}"), "");
    ck_assert_str_eq(dump(" { } \n"), "");
    ck_assert_str_eq(dump("{\"a\":\"b\"}"), "a='b' ");
    ck_assert_str_eq(
        dump("{ \"command\" : \"x\" ,\"n\":-12,\"t\":true,\t\"f\":false,"
             "\"z\":null,\"l\":[\"1\" , \"2\"],\"e\":[]}"),
        "command='x' n=-12 t=yes f=no z=null l=<1><2> e= ");
    ck_assert_str_eq(dump("{\"n\":9223372036854775807}"),
                     "n=9223372036854775807 ");
}
END_TEST

START_TEST(escapes_are_decoded_where_they_stand)
{
    ck_assert_str_eq(dump("{\"a\\\"b\":\"\\\\\\/\\b\\f\\n\\r\\t\"}"),
                     "a\"b='\\/\b\f\n\r\t' ");
    ck_assert_str_eq(dump("{\"a\":\"\\u0041\\u00e4\\u20AC\\ud83d\\ude00z\"}"),
                     "a='A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z' ");
    ck_assert_str_eq(dump("{\"a\":\"\xc3\xa4\\n\xe2\x82\xac\"}"),
                     "a='\xc3\xa4\n\xe2\x82\xac' ");
    ck_assert_str_eq(dump("{\"l\":[\"\\u0041\",\"\\\"\"]}"), "l=<A><\"> ");
}
END_TEST

START_TEST(what_is_of_no_use_is_skipped)
{
    ck_assert_str_eq(
        dump("{\"a\":{\"b\":[1,{\"c\":\"]}\"}]},\"d\":1.5,\"e\":1e9,"
             "\"f\":99999999999999999999,\"g\":\"h\"}"),
        "a=other d=other e=other f=other g='h' ");
}
END_TEST

START_TEST(a_list_need_not_be_read)
{
    char text[] = "{\"l\":[\"a\",1,[2,[]],{\"x\":[]},null],\"m\":[\"b\",\"c\"],"
                  "\"n\":[],\"o\":1}";
    struct json_read r;
    struct json_value v;
    et_str item;

    json_read_init(&r, text, strlen(text));
    ck_assert_int_eq(json_read_next(&r, &v), 1);
    ck_assert_int_eq(json_read_next(&r, &v), 1);
    ck_assert(str_eq(v.name, str_lit("m")));
    ck_assert_int_eq(json_read_item(&r, &item), 1);
    ck_assert(str_eq(item, str_lit("b")));
    ck_assert_int_eq(json_read_next(&r, &v), 1);
    ck_assert(str_eq(v.name, str_lit("n")));
    ck_assert_int_eq(json_read_next(&r, &v), 1);
    ck_assert(str_eq(v.name, str_lit("o")));
    ck_assert_int_eq(json_read_item(&r, &item), 0);
    ck_assert_int_eq(json_read_next(&r, &v), 0);
    ck_assert_int_eq(json_read_next(&r, &v), 0);
}
END_TEST

START_TEST(what_is_no_object_is_refused)
{
    static const char *const bad[] = {
        "",
        " ",
        "[]",
        "\"a\"",
        "{",
        "{}x",
        "{}{}",
        "{,}",
        "{\"a\"}",
        "{\"a\":}",
        "{\"a\":1,}",
        "{\"a\":1 \"b\":2}",
        "{a:1}",
        "{\"a\":b}",
        "{\"a\":truth}",
        "{\"a\":'b'}",
        "{\"a\":01x}",
        "{\"a\":[\"b\",]}",
        "{\"a\":[,\"b\"]}",
        "{\"a\":[\"b\" \"c\"]}",
        "{\"a\":[1]}", /* read as a list of strings */
        "{\"a\":[}",
        "{\"a\":{]}}",
        "{\"a\":\"\x01\"}",
        "{\"a\":\"\xff\"}",
        "{\"a\":\"\xc3\"}",
        "{\"a\":\"\\x\"}",
        "{\"a\":\"\\u12\"}",
        "{\"a\":\"\\u0000\"}",
        "{\"a\":\"\\ud800\"}",
        "{\"a\":\"\\ud800\\u0041\"}",
        "{\"a\":\"\\ude00\"}",
        "{\"a\":[\"b\"},\"c\":1]}",
    };

    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_msg(strcmp(dump(bad[i]), "bad") == 0, "%s: %s", bad[i],
                      dump(bad[i]));
    ck_assert_str_eq(dump_bytes("{\"a\":1}\0", 8), "bad");
}
END_TEST

/* A line may be cut anywhere: no part of it is an object. */
START_TEST(cut_anywhere_it_is_no_object)
{
    static const char text[] =
        "{\"command\":\"c\\u20ac\\ud83d\\ude00\\n\",\"a\":[\"1\",\"\\\"\"],"
        "\"n\":-12,\"o\":{\"p\":[{}]},\"t\":true}";

    ck_assert_str_ne(dump(text), "bad");
    for (size_t n = 0; n + 1 < sizeof text; n++)
        ck_assert_msg(strcmp(dump_bytes(text, n), "bad") == 0, "%zu", n);
}
END_TEST

START_TEST(brackets_have_a_bound)
{
    char text[300];
    int depth[] = {64, 65};

    for (int i = 0; i < 2; i++) {
        int n = sprintf(text, "{\"a\":{\"b\":");
        for (int k = 1; k < depth[i]; k++)
            text[n++] = '[';
        for (int k = 1; k < depth[i]; k++)
            text[n++] = ']';
        sprintf(text + n, "}}");
        ck_assert_str_eq(dump(text), i ? "bad" : "a=other ");
    }
}
END_TEST

START_TEST(what_is_written_is_what_is_read)
{
    static char every[256], out[2048];
    struct json_read r;
    struct json_value v;
    FILE *f = fmemopen(out, sizeof out, "w");
    size_t n = 0;

    for (int c = 1; c < 0x80; c++)
        every[n++] = (char)c;
    memcpy(every + n, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", 10);
    ck_assert_ptr_nonnull(f);
    fputc('{', f);
    json_member(f, "all", every);
    json_last(f, "bad", "\xff-");
    fclose(f);
    ck_assert_ptr_null(strchr(out, '\n'));
    json_read_init(&r, out, strlen(out));
    ck_assert_int_eq(json_read_next(&r, &v), 1);
    ck_assert(str_eq(v.text, str_from_z(every)));
    ck_assert_int_eq(json_read_next(&r, &v), 1);
    ck_assert(str_eq(v.text, str_lit("\xef\xbf\xbd-")));
    ck_assert_int_eq(json_read_next(&r, &v), 0);
}
END_TEST

UNIT_MAIN(json_read, members_are_read_in_order,
          escapes_are_decoded_where_they_stand, what_is_of_no_use_is_skipped,
          a_list_need_not_be_read, what_is_no_object_is_refused,
          cut_anywhere_it_is_no_object, brackets_have_a_bound,
          what_is_written_is_what_is_read)
