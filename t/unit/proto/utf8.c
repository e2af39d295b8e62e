/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-8 in pieces: each byte of it against a naive decoder, at every cut, and
 * refused at the first byte that nothing can follow. */
/* tags: asan */
#include "proto/utf8.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

#define CUT (-1) /* ends within a character */
#define GOOD (-2)

/* ---- the naive decoder ---------------------------------------------------*/

static size_t
encode(uint32_t c, uint8_t out[4])
{
    size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)(n == 1 ? c : (0xf00u >> n & 0xff) | c);
    return n;
}

/* The character that n bytes are, whatever its form; or -1. */
static int64_t
decode(const uint8_t *p, size_t n)
{
    static const struct {
        uint8_t bits, lead, len;
    } forms[] = {
        {0x80, 0x00, 1}, {0xe0, 0xc0, 2}, {0xf0, 0xe0, 3}, {0xf8, 0xf0, 4}};

    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        int64_t c = p[0] & ~forms[i].bits;

        if ((p[0] & forms[i].bits) != forms[i].lead || n != forms[i].len)
            continue;
        for (size_t k = 1; k < n; k++) {
            if ((p[k] & 0xc0) != 0x80)
                return -1;
            c = c << 6 | (p[k] & 0x3f);
        }
        return c;
    }
    return -1;
}

static int
is_character(const uint8_t *p, size_t n)
{
    int64_t c = decode(p, n);
    uint8_t shortest[4];

    return c >= 0 && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff) &&
           encode((uint32_t)c, shortest) == n;
}

/* n is small: some first character of it, and the rest. */
static int
is_text(const uint8_t *p, size_t n)
{
    if (n == 0)
        return 1;
    for (size_t len = 1; len <= n && len <= 4; len++)
        if (is_character(p, len) && is_text(p + len, n - len))
            return 1;
    return 0;
}

/* Some bytes behind it make it a text. */
static int
can_go_on(const uint8_t *p, size_t n, size_t more)
{
    static const uint8_t nexts[] = {0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf};
    uint8_t longer[8];

    if (is_text(p, n))
        return 1;
    memcpy(longer, p, n);
    for (size_t i = 0; more > 0 && i < ARRAY_LEN(nexts); i++) {
        longer[n] = nexts[i];
        if (can_go_on(longer, n + 1, more - 1))
            return 1;
    }
    return 0;
}

/* ---- what is tested ------------------------------------------------------*/

/* Where the text goes wrong, or CUT, or GOOD. */
static int
drip(const char *p, size_t n)
{
    struct utf8 u;

    utf8_init(&u);
    for (size_t i = 0; i < n; i++) {
        if (utf8_feed(&u, guard_end(p + i, 1), 1) < 0)
            return (int)i;
    }
    return utf8_is_whole(&u) ? GOOD : CUT;
}

/* The same, as far as a cut tells. */
static int
in_two(const char *p, size_t n, size_t cut)
{
    struct utf8 u;

    utf8_init(&u);
    if (utf8_feed(&u, guard_end(p, cut), cut) < 0)
        return 0;
    if (utf8_feed(&u, guard_begin(p + cut, n - cut), n - cut) < 0)
        return 1;
    return utf8_is_whole(&u) ? GOOD : CUT;
}

static int
judge(const char *p, size_t n)
{
    int wrong_at = drip(p, n);

    for (size_t cut = 0; cut <= n; cut++) {
        int wanted = wrong_at < 0 ? wrong_at : (size_t)wrong_at >= cut;

        UNIT_HOLDS(in_two(p, n, cut) == wanted);
    }
    UNIT_HOLDS(utf8_is_valid((et_str){guard_end(p, n), n}) ==
               (wrong_at == GOOD));
    return wrong_at;
}

/* Greek of 11 bytes in front, as in cases 6.3 and 6.4 of Autobahn. */
#define KOSME "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5"

START_TEST(texts_are_judged_at_every_cut)
{
    static const struct {
        int wanted;
        const char *text;
    } rows[] = {
        {GOOD, ""},
        {GOOD, "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3"
               "\xa1-UTF-8!!"},
        {GOOD, KOSME},
        {CUT, "\xce"},
        {CUT, KOSME "\xe1\xbd"},
        {12, KOSME "\xed\xa0\x80 edited"},
        {12, KOSME "\xf4\x90\x80\x80 edited"},
        /* the first and the last of each length */
        {GOOD, "\xc2\x80"},
        {GOOD, "\xe0\xa0\x80"},
        {GOOD, "\xf0\x90\x80\x80"},
        {GOOD, "\x7f"},
        {GOOD, "\xdf\xbf"},
        {GOOD, "\xef\xbf\xbf"},
        {GOOD, "\xf4\x8f\xbf\xbf"},
        {1, "\xf4\x90\x80\x80"},
        {0, "\xf5\x80\x80\x80"},
        {0, "\xf7\xbf\xbf\xbf"},
        {0, "\xf8\x88\x80\x80\x80"},
        {0, "\xfb\xbf\xbf\xbf\xbf"},
        {0, "\xfc\x84\x80\x80\x80\x80"},
        {0, "\xfd\xbf\xbf\xbf\xbf\xbf"},
        /* around the surrogates, and not characters but allowed */
        {GOOD, "\xed\x9f\xbf"},
        {GOOD, "\xee\x80\x80"},
        {GOOD, "\xef\xbf\xbd"},
        {GOOD, "\xef\xbf\xbe"},
        {GOOD, "\xf0\x9f\xbf\xbe"},
        {GOOD, "\xf3\xaf\xbf\xbf"},
        /* continuation bytes and none */
        {0, "\x80"},
        {0, "\xbf"},
        {0, "\x80\xbf\x80"},
        {1, "\xc2 "},
        {1, "\xdf\xdf"},
        {2, "\xe1\x80 "},
        {3, "\xf1\x80\x80 "},
        {3, "\xf1\x80\x80\xf1"},
        {0, "\xfe"},
        {0, "\xff"},
        {0, "\xfe\xfe\xff\xff"},
        /* longer than need be */
        {0, "\xc0\xaf"},
        {1, "\xe0\x80\xaf"},
        {1, "\xf0\x80\x80\xaf"},
        {0, "\xf8\x80\x80\x80\xaf"},
        {0, "\xfc\x80\x80\x80\x80\xaf"},
        {0, "\xc1\xbf"},
        {1, "\xe0\x9f\xbf"},
        {1, "\xf0\x8f\xbf\xbf"},
        {0, "\xc0\x80"},
        {1, "\xe0\x80\x80"},
        {1, "\xf0\x80\x80\x80"},
        /* surrogates, alone and in pairs */
        {1, "\xed\xa0\x80"},
        {1, "\xed\xad\xbf"},
        {1, "\xed\xbf\xbf"},
        {1, "\xed\xa0\x80\xed\xb0\x80"},
        {1, "\xed\xaf\xbf\xed\xbf\xbf"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int got = judge(rows[i].text, strlen(rows[i].text));

        ck_assert_msg(got == rows[i].wanted, "row %zu: %d", i, got);
    }
    ck_assert_int_eq(judge("\0a\0", 3), GOOD);
}
END_TEST

START_TEST(every_character_is_valid_and_nothing_else_of_three_bytes)
{
    for (uint32_t c = 0; c <= 0x110000; c++) {
        int is_one = (c < 0xd800 || c > 0xdfff) && c <= 0x10ffff;
        uint8_t p[4];
        et_str s = {(const char *)p, encode(c, p)};

        UNIT_HOLDS(utf8_is_valid(s) == is_one);
    }
    for (uint32_t v = 0; v < 1u << 24; v++) {
        uint8_t p[3] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

        if (p[0] >= 0x80)
            UNIT_HOLDS(utf8_is_valid((et_str){(const char *)p, 3}) ==
                       is_text(p, 3));
    }
}
END_TEST

/* One byte of each kind, four times. */
START_TEST(all_mixtures_are_judged_as_the_naive_decoder_does)
{
    static const uint8_t kinds[] = {
        0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0,
        0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
    const size_t k = ARRAY_LEN(kinds);

    for (size_t v = 0; v < k * k * k * k; v++) {
        const uint8_t p[4] = {kinds[v / (k * k * k)], kinds[v / (k * k) % k],
                              kinds[v / k % k], kinds[v % k]};
        struct utf8 u;

        UNIT_HOLDS(utf8_is_valid((et_str){(const char *)p, 4}) ==
                   is_text(p, 4));
        if (v % k != 0)
            continue;
        utf8_init(&u);
        for (size_t i = 0; i < 3; i++) {
            int rc = utf8_feed(&u, (const char *)p + i, 1);
            UNIT_HOLDS((rc == 0) == can_go_on(p, i + 1, 3));
            UNIT_HOLDS(rc < 0 || utf8_is_whole(&u) == is_text(p, i + 1));
            if (rc < 0)
                break;
        }
    }
}
END_TEST

/* Where the steps of sixteen begin and end. */
START_TEST(a_stranger_is_found_anywhere_in_ascii)
{
    enum { LEN = 50 };
    char text[LEN + 1];

    for (size_t at = 0; at < LEN; at++) {
        memset(text, 'a', LEN);
        text[at] = (char)0x80;
        ck_assert_int_eq(judge(text, LEN), (int)at);
        text[at] = (char)0xc3;
        ck_assert_int_eq(judge(text, LEN), at + 1 < LEN ? (int)at + 1 : CUT);
        text[at + 1] = (char)0xa4;
        ck_assert_int_eq(judge(text, LEN + (at + 1 == LEN)), GOOD);
    }
}
END_TEST

UNIT_MAIN(utf8, texts_are_judged_at_every_cut,
          every_character_is_valid_and_nothing_else_of_three_bytes,
          all_mixtures_are_judged_as_the_naive_decoder_does,
          a_stranger_is_found_anywhere_in_ascii)
