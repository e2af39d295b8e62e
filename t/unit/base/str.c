/* SPDX-License-Identifier: BSD-2-Clause */
/* str.c - slices: compared at every length, and never read past their ends. */
#include "base/str.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/err.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

static const et_str absent;

START_TEST(slices_of_literals_and_strings)
{
    const char *none = NULL;

    ck_assert_uint_eq(str_lit("abc").n, 3);
    ck_assert_uint_eq(str_lit("").n, 0);
    ck_assert_ptr_nonnull(str_lit("").p);
    ck_assert_uint_eq(str_lit("a\0b").n, 3);
    ck_assert_uint_eq(str_from_z("abcd").n, 4);
    ck_assert_ptr_null(str_from_z(none).p);
    ck_assert_uint_eq(str_from_z(none).n, 0);
}
END_TEST

START_TEST(equal_means_the_same_bytes)
{
    ck_assert(str_eq(str_lit("abc"), str_lit("abc")));
    ck_assert(!str_eq(str_lit("abc"), str_lit("abd")));
    ck_assert(!str_eq(str_lit("abc"), str_lit("ab")));
    ck_assert(!str_eq(str_lit("abc"), str_lit("Abc")));
    ck_assert(str_eq(absent, str_lit("")));
    ck_assert(str_eq_nocase(absent, str_lit("")));
    ck_assert(str_eq_nocase(absent, absent));
}
END_TEST

START_TEST(prefixes)
{
    ck_assert(str_prefix(str_lit("abc"), str_lit("ab")));
    ck_assert(str_prefix(str_lit("abc"), str_lit("abc")));
    ck_assert(str_prefix(str_lit("abc"), str_lit("")));
    ck_assert(str_prefix(absent, absent));
    ck_assert(!str_prefix(str_lit("ab"), str_lit("abc")));
    ck_assert(!str_prefix(str_lit("abc"), str_lit("b")));
    ck_assert(!str_prefix(absent, str_lit("b")));
}
END_TEST

static uint8_t
lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

/* Each pair of bytes in each place of each length, against the definition. */
START_TEST(without_case_means_ascii_letters_only)
{
    static const uint8_t odd[] = {0,    '@',  'A', 'Z',  '[',  '`',
                                  'a',  'z',  '{', 0x7f, 0x80, 0xc1,
                                  0xe1, 0xff, 'M', 'm',  ' ',  '-'};
    uint8_t a[40], b[40];

    for (size_t n = 1; n <= 33; n++) {
        for (size_t at = 0; at < n; at++) {
            for (size_t i = 0; i < sizeof odd * sizeof odd; i++) {
                memset(a, 'k', n);
                memset(b, 'K', n);
                a[at] = odd[i / sizeof odd];
                b[at] = odd[i % sizeof odd];
                ck_assert_int_eq(str_eq_nocase((et_str){guard_end(a, n), n},
                                               (et_str){(char *)b, n}),
                                 lower(a[at]) == lower(b[at]));
            }
        }
    }
}
END_TEST

START_TEST(without_case_for_every_pair_of_bytes)
{
    for (unsigned i = 0; i < 65536; i++) {
        char a[9], b[9];

        memset(a, (int)(i >> 8), sizeof a);
        memset(b, (int)(i & 255), sizeof b);
        ck_assert_int_eq(str_bytes_eq_nocase(a, b, 9),
                         lower((uint8_t)(i >> 8)) == lower((uint8_t)i));
        ck_assert_int_eq(str_bytes_eq_nocase(a, b, 3),
                         lower((uint8_t)(i >> 8)) == lower((uint8_t)i));
    }
}
END_TEST

START_TEST(comparing_reads_nothing_outside)
{
    char text[64];

    memset(text, 'x', sizeof text);
    for (size_t n = 0; n <= sizeof text; n++) {
        et_str a = {guard_end(text, n), n}, b = {text, n};

        ck_assert(str_eq_nocase(a, b));
        ck_assert(str_eq(a, b));
        a.p = guard_begin(text, n);
        ck_assert(str_eq_nocase(a, b));
    }
}
END_TEST

START_TEST(trim_takes_blanks_and_tabs_and_nothing_else)
{
    ck_assert(str_eq(str_trim(str_lit(" \t a b \t ")), str_lit("a b")));
    ck_assert(str_eq(str_trim(str_lit("ab")), str_lit("ab")));
    ck_assert(str_eq(str_trim(str_lit("\nab\r")), str_lit("\nab\r")));
    ck_assert_uint_eq(str_trim(str_lit(" \t ")).n, 0);
    ck_assert_uint_eq(str_trim(str_lit("")).n, 0);
    ck_assert_ptr_null(str_trim(absent).p);
    ck_assert_uint_eq(str_trim((et_str){guard_end("   ", 3), 3}).n, 0);
}
END_TEST

START_TEST(numbers_to_the_last_one)
{
    char text[32];
    uint64_t v;

    for (int shift = 0; shift < 64; shift++) {
        uint64_t want = (UINT64_C(1) << shift) - (shift & 1);
        int n = snprintf(text, sizeof text, "%" PRIu64, want);

        ck_assert_int_eq(
            str_to_u64((et_str){guard_end(text, (size_t)n), (size_t)n}, &v), 0);
        ck_assert_uint_eq(v, want);
    }
    ck_assert_int_eq(str_to_u64(str_lit("18446744073709551615"), &v), 0);
    ck_assert_uint_eq(v, UINT64_MAX);
    ck_assert_int_eq(str_to_u64(str_lit("0000000000000000000000007"), &v), 0);
    ck_assert_uint_eq(v, 7);
}
END_TEST

START_TEST(what_is_no_number_leaves_the_result_alone)
{
    static const char *const bad[] = {"",
                                      "-1",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1a",
                                      "0x1",
                                      "1.0",
                                      "1e3",
                                      "\xb1",
                                      "/",
                                      ":",
                                      "18446744073709551616",
                                      "18446744073709551620",
                                      "99999999999999999999",
                                      "184467440737095516150"};
    uint64_t v = 77;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ck_assert_int_eq(str_to_u64(str_from_z(bad[i]), &v), ERR_INVALID);
        ck_assert_uint_eq(v, 77);
    }
    ck_assert_int_eq(str_to_u64(absent, &v), ERR_INVALID);
    ck_assert_int_eq(str_to_u64(str_lit("1\0"), &v), ERR_INVALID);
}
END_TEST

START_TEST(characters_of_utf_8_and_nothing_else)
{
    static const struct {
        const char *text;
        size_t n, len;
    } rows[] = {
        {"a", 1, 1},
        {"\x7f", 1, 1},
        {"\x80", 1, 0},
        {"\xc2\x80", 2, 2},
        {"\xc1\xbf", 2, 0}, /* overlong */
        {"\xc3", 1, 0},     /* cut off */
        {"\xc3(", 2, 0},
        {"\xe2\x82\xac", 3, 3},
        {"\xe2\x82", 2, 0},
        {"\xe0\x9f\xbf", 3, 0}, /* overlong */
        {"\xed\xa0\x80", 3, 0}, /* a surrogate */
        {"\xf0\x9f\x98\x80!", 5, 4},
        {"\xf0\x8f\xbf\xbf", 4, 0}, /* overlong */
        {"\xf4\x90\x80\x80", 4, 0}, /* above U+10FFFF */
        {"\xff", 1, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(str_utf8_len(rows[i].text, rows[i].n) == rows[i].len,
                      "row %zu", i);
}
END_TEST

UNIT_MAIN(str, slices_of_literals_and_strings, equal_means_the_same_bytes,
          prefixes, without_case_means_ascii_letters_only,
          without_case_for_every_pair_of_bytes, comparing_reads_nothing_outside,
          trim_takes_blanks_and_tabs_and_nothing_else, numbers_to_the_last_one,
          what_is_no_number_leaves_the_result_alone,
          characters_of_utf_8_and_nothing_else)
