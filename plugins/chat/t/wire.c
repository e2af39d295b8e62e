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

/* Controls, or no UTF-8: wherever they stand. */
START_TEST(what_is_hidden_is_not_clean)
{
    static const char *const bad[] = {"\x01",
                                      "\x1f",
                                      "\n",
                                      "\x7f",
                                      "\xc2\x80",
                                      "\xc2\x9f",
                                      "\xe2\x80\xa8",
                                      "\xe2\x80\xae",
                                      "\xe2\x81\xa6",
                                      "\xe2\x81\xa9",
                                      "\xff",
                                      "\x80",
                                      "\xc1\xbf",
                                      "\xe2\x80",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf5\x80\x80\x80"};
    char text[16];

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_msg(!wire_is_clean(et_s(bad[i]), 40), "%zu", i);
        snprintf(text, sizeof text, "a%s", bad[i]);
        ck_assert_msg(!wire_is_clean(et_s(text), 40), "%zu", i);
        snprintf(text, sizeof text, "%sa", bad[i]);
        ck_assert_msg(!wire_is_clean(et_s(text), 40), "%zu", i);
    }
    ck_assert(!wire_is_clean(et_sn("a\0b", 3), 40));
}
END_TEST

/* Blanks and the like: they may stand beside what is seen. */
START_TEST(something_is_to_be_seen)
{
    static const char *const unseen[] = {
        " ",
        "   ",
        "\xc2\xa0",         /* U+00A0 */
        "\xc2\xad",         /* U+00AD */
        "\xd8\x9c",         /* U+061C */
        "\xe1\x85\x9f",     /* U+115F */
        "\xe2\x80\x8b",     /* U+200B */
        "\xe2\x80\x8d",     /* U+200D */
        "\xe2\x80\xaf",     /* U+202F */
        "\xe2\x81\xa5",     /* U+2065 */
        "\xe2\xa0\x80",     /* U+2800 */
        "\xe3\x80\x80",     /* U+3000 */
        "\xef\xb8\x8f",     /* U+FE0F */
        "\xef\xbb\xbf",     /* U+FEFF */
        "\xf3\xa0\x80\x81", /* U+E0001 */
    };
    static const char *const seen[] = {"a",
                                       " a ",
                                       "\xe2\x80\xa7",     /* U+2027 */
                                       "\xe2\xa0\x81",     /* U+2801 */
                                       "\xe6\xbc\xa2",     /* U+6F22 */
                                       "\xf0\x9f\x98\x80", /* U+1F600 */
                                       "\xf4\x8f\xbf\xbf"};
    char text[16];

    ck_assert(!wire_is_clean(et_s(""), 40));
    ck_assert(!wire_is_clean(et_s(NULL), 40));
    for (size_t i = 0; i < sizeof unseen / sizeof *unseen; i++) {
        ck_assert_msg(!wire_is_clean(et_s(unseen[i]), 40), "%zu", i);
        snprintf(text, sizeof text, "%s%s", unseen[i], unseen[i]);
        ck_assert_msg(!wire_is_clean(et_s(text), 40), "%zu", i);
        snprintf(text, sizeof text, "a%s", unseen[i]);
        ck_assert_msg(wire_is_clean(et_s(text), 40), "%zu", i);
    }
    for (size_t i = 0; i < sizeof seen / sizeof *seen; i++)
        ck_assert_msg(wire_is_clean(et_s(seen[i]), 40), "%zu", i);
    ck_assert(wire_is_clean(et_s("abc"), 3));
    ck_assert(!wire_is_clean(et_s("abcd"), 3));
}
END_TEST

START_TEST(a_room_has_one_name)
{
    char name[WIRE_ROOM_MAX + 1];

    memset(name, 'x', sizeof name);
    ck_assert(wire_is_room(et_sn(name, WIRE_ROOM_MAX)));
    ck_assert(!wire_is_room(et_sn(name, WIRE_ROOM_MAX + 1)));
    ck_assert(wire_is_room(et_s("100%")));
    ck_assert(wire_is_room(et_s("%ff")));
    ck_assert(wire_is_room(et_s("a%2fb"))); /* that is of %252f */
    ck_assert(!wire_is_room(et_s("a%2Fb")));
    ck_assert(!wire_is_room(et_s("a/b")));
    ck_assert(!wire_is_room(et_s("\xff")));
    ck_assert(!wire_is_room(et_s("")));
    ck_assert(!wire_is_room(et_s(NULL)));
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
          what_is_hidden_is_not_clean, something_is_to_be_seen,
          a_room_has_one_name, it_is_written_as_json)
