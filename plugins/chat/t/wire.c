/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* wire.c - what clients may say, and how it is written. */
#include "plugins/chat/wire.h"

#include "t/lib/unit.h"

static struct wire_said said;

static int32_t
reads(const char *text)
{
    const size_t n = strlen(text);
    char *exact = malloc(n); /* no NUL: who reads on is caught */
    int32_t rc;

    memcpy(exact, text, n);
    rc = wire_read(exact, n, &said);
    free(exact);
    return rc;
}

static void
is(const char *text, enum wire_kind kind, const char *what)
{
    ck_assert_int_eq(reads(text), 0);
    ck_assert_int_eq(said.kind, kind);
    ck_assert_msg(et_eq(et_sn(said.p, said.n), et_s(what)), "%.*s", (int)said.n,
                  said.p);
}

START_TEST(a_message_is_one_string)
{
    is("{\"hello\":\"Ann\"}", WIRE_HELLO, "Ann");
    is(" \t\r\n{ \"text\" : \"a b\" } ", WIRE_TEXT, "a b");
    is("{\"text\":\"\"}", WIRE_TEXT, "");
    is("{\"text\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"}", WIRE_TEXT,
       "\"\\/\b\f\n\r\t");
    is("{\"text\":\"\\u0041\\u00e4\\u20AC\\ud83d\\uDE00\"}", WIRE_TEXT,
       "A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    is("{\"\\u0074ext\":\"a\"}", WIRE_TEXT, "a");
}
END_TEST

START_TEST(anything_else_is_none)
{
    static const char whole[] = "{\"text\":\"a\\u00e4\\ud83d\\ude00\\n\"}";
    static const char *const bad[] = {
        "{\"text\":\"a\"}x",       "{\"text\":\"a\",}",
        "{\"text\":null}",         "{\"hi\":\"a\"}",
        "{\"text\":\"\\ud83dx\"}", "{\"text\":\"\\ude00\"}",
        "{\"text\":\"\\u12g4\"}",  "{\"text\":\"\\q\"}",
        "{\"text\":\"\t\"}",       "{\"texttexttexttext\":\"a\"}",
        "{\"text\":'a'}",          "{text:\"a\"}"};
    char part[sizeof whole];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(reads(bad[i]) == ET_EINVAL, "%s", bad[i]);
    for (size_t n = 0; n < sizeof whole - 1; n++) {
        memcpy(part, whole, n);
        part[n] = '\0';
        ck_assert_msg(reads(part) == ET_EINVAL, "%s", part);
    }
    ck_assert_int_eq(wire_read("{\"text\":\"a\0\"}", 13, &said), ET_EINVAL);
}
END_TEST

START_TEST(it_is_bounded)
{
    static char text[WIRE_TEXT_MAX + 64];
    size_t n = (size_t)sprintf(text, "{\"text\":\"");

    memset(text + n, 'x', WIRE_TEXT_MAX);
    strcpy(text + n + WIRE_TEXT_MAX, "\"}");
    ck_assert_int_eq(reads(text), 0);
    ck_assert_uint_eq(said.n, WIRE_TEXT_MAX);
    strcpy(text + n + WIRE_TEXT_MAX, "x\"}");
    ck_assert_int_eq(reads(text), ET_ELIMIT);
    memcpy(text + n + WIRE_TEXT_MAX - 2, "\xe2\x82\xac\"}", 6);
    ck_assert_int_eq(reads(text), ET_ELIMIT);
}
END_TEST

START_TEST(what_cannot_be_seen_is_not_clean)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "   ",
                                      "\x1f",
                                      "a\n",
                                      "\x7f",
                                      "\xc2\x80",
                                      "x\xc2\x9f",
                                      "\xe2\x80\xa8",
                                      "\xe2\x80\xae",
                                      "\xe2\x81\xa6",
                                      "\xe2\x81\xa9"};
    static const char *const good[] = {"a",
                                       " a ",
                                       "\xc2\xa0",
                                       "\xe2\x80\xa7",
                                       "\xe2\x80\xaf",
                                       "\xe2\x81\xa5",
                                       "\xe2"};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_msg(!wire_is_clean(et_s(bad[i]), 40), "%zu", i);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        ck_assert_msg(wire_is_clean(et_s(good[i]), 40), "%zu", i);
    ck_assert(wire_is_clean(et_s("abc"), 3));
    ck_assert(!wire_is_clean(et_s("abcd"), 3));
    ck_assert(!wire_is_clean(et_s(NULL), 3));
}
END_TEST

START_TEST(it_is_written_as_json)
{
    static char out[WIRE_MAX], text[WIRE_TEXT_MAX], name[WIRE_NAME_MAX];
    size_t n = wire_write(out, WIRE_TEXT, 5, 6, et_s("A\"b"), et_s("</\\>"));

    ck_assert(et_eq(et_sn(out, n), et_s("{\"id\":5,\"time\":6,\"name\":"
                                        "\"A\\\"b\",\"text\":\"</\\\\>\"}")));
    n = wire_write(out, WIRE_LEAVE, 5, 6, et_s("b"), et_s(""));
    ck_assert(et_eq(et_sn(out, n), et_s("{\"id\":5,\"time\":6,\"name\":\"b\","
                                        "\"event\":\"leave\"}")));
    memset(text, '"', sizeof text);
    memset(name, '\\', sizeof name);
    n = wire_write(out, WIRE_TEXT, UINT64_MAX, INT64_MIN,
                   et_sn(name, sizeof name), et_sn(text, sizeof text));
    ck_assert_uint_le(n, WIRE_MAX);
    ck_assert_uint_gt(n, 2 * (sizeof text + sizeof name));
    ck_assert(memcmp(out + n - 3, "\"\"}", 3) == 0);
}
END_TEST

UNIT_MAIN(wire, a_message_is_one_string, anything_else_is_none, it_is_bounded,
          what_cannot_be_seen_is_not_clean, it_is_written_as_json)
