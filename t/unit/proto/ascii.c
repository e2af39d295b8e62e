/* SPDX-License-Identifier: BSD-2-Clause */
/* The byte classes against the RFCs' own lists, and the small numbers. */
#include <stdio.h>
#include <string.h>

#include "proto/ascii.h"
#include "t/lib/unit.h"

static int
in(int c, const char *set)
{
    return c != 0 && strchr(set, c) != NULL;
}

START_TEST(every_byte_has_its_classes)
{
    for (int c = 0; c < 256; c++) {
        int digit = c >= '0' && c <= '9', upper = c >= 'A' && c <= 'Z';
        int alpha = upper || (c >= 'a' && c <= 'z');
        int hex = digit || in(c, "abcdefABCDEF");
        char ch = (char)c;

        ck_assert_int_eq(ascii_is(ch, ASCII_DIGIT), digit);
        ck_assert_int_eq(ascii_is(ch, ASCII_UPPER), upper);
        ck_assert_int_eq(ascii_is(ch, ASCII_ALPHA), alpha);
        ck_assert_int_eq(ascii_is(ch, ASCII_HEX), hex);
        ck_assert_int_eq(ascii_is(ch, ASCII_TOKEN),
                         digit || alpha || in(c, "!#$%&'*+-.^_`|~"));
        ck_assert_int_eq(ascii_is(ch, ASCII_VCHAR), c > 0x20 && c < 0x7f);
        ck_assert_int_eq(ascii_is(ch, ASCII_VALUE),
                         c == '\t' || (c >= 0x20 && c != 0x7f));
        ck_assert_int_eq(ascii_is(ch, ASCII_REGNAME),
                         digit || alpha || in(c, "-._~!$&'()*+,;="));
        ck_assert_int_eq(ascii_lower(ch), upper ? ch + 32 : ch);
        ck_assert_uint_eq(ascii_hex_digit(ch),
                          digit ? (unsigned)c - '0'
                          : hex ? (unsigned)(c | 32) - 'a' + 10
                                : 255u);
    }
}
END_TEST

START_TEST(literals_compare_without_case)
{
    ck_assert(ascii_eq_lit((et_str){"ClOsE", 5}, "close"));
    ck_assert(ascii_eq_lit((et_str){"", 0}, ""));
    ck_assert(!ascii_eq_lit((et_str){"clos", 4}, "close"));
    ck_assert(!ascii_eq_lit((et_str){"closed", 6}, "close"));
    ck_assert(!ascii_eq_lit((et_str){"clo\x13"
                                     "e",
                                     5},
                            "close"));
    ck_assert(ascii_all((et_str){"abc", 3}, ASCII_ALPHA));
    ck_assert(!ascii_all((et_str){"ab1", 3}, ASCII_ALPHA));
    ck_assert(!ascii_all((et_str){"", 0}, ASCII_ALPHA));
}
END_TEST

START_TEST(numbers_are_read_up_to_their_maximum)
{
    static const struct {
        const char *text;
        uint64_t max, v;
        int rc;
    } rows[] = {
        {"0", 0, 0, 0},
        {"1", 0, 0, -1},
        {"007", 7, 7, 0},
        {"8", 7, 0, -1},
        {"18446744073709551615", UINT64_MAX, UINT64_MAX, 0},
        {"18446744073709551616", UINT64_MAX, 0, -1},
        {"99999999999999999999", UINT64_MAX, 0, -1},
        {"", 9, 0, -1},
        {"+1", 9, 0, -1},
        {"1 ", 9, 0, -1},
        {"1a", 999, 0, -1},
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t v = 4711;
        int rc = ascii_to_u64((et_str){rows[i].text, strlen(rows[i].text)},
                              rows[i].max, &v);

        ck_assert_int_eq(rc, rows[i].rc);
        ck_assert_uint_eq(v, rc == 0 ? rows[i].v : 4711);
    }
}
END_TEST

static void
prints(uint64_t n)
{
    char out[ASCII_U64_MAX + 1], wanted[32];
    size_t len = ascii_from_u64(out, n);

    out[len] = '\0';
    snprintf(wanted, sizeof(wanted), "%llu", (unsigned long long)n);
    ck_assert_str_eq(out, wanted);
}

START_TEST(numbers_are_written)
{
    for (uint64_t n = 0; n < 20000; n++)
        prints(n);
    for (uint64_t n = 1; n <= UINT64_MAX / 10; n *= 10) {
        prints(n);
        prints(n - 1);
        prints(n * 9);
    }
    prints(UINT64_MAX);
}
END_TEST

UNIT_MAIN(ascii, every_byte_has_its_classes, literals_compare_without_case,
          numbers_are_read_up_to_their_maximum, numbers_are_written)
