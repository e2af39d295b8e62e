/* SPDX-License-Identifier: BSD-2-Clause */
/* The scanners: vectors and plain C stop at the same byte, whatever it is and
 * wherever it stands, and read nothing outside. */
#include <stdint.h>
#include <string.h>

#include "proto/scan.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

#define LEN 70u

/* Each byte as the only stranger at each place of a run, tight at both ends. */
#define AGREE(name, filler, plain, vector)                                     \
    START_TEST(name)                                                           \
    {                                                                          \
        for (unsigned at = 0; at < LEN; at++) {                                \
            for (int c = 0; c < 256; c++) {                                    \
                char text[LEN];                                                \
                memset(text, filler, LEN);                                     \
                text[at] = (char)c;                                            \
                for (unsigned from = 0; from <= at; from += 1 + at / 5) {      \
                    const char *p = guard_end(text, LEN);                      \
                    const char *q = guard_begin(text, at + 1);                 \
                    ck_assert(plain(p + from, p + LEN) ==                      \
                              vector(p + from, p + LEN, p));                   \
                    ck_assert(plain(q + from, q + at + 1) ==                   \
                              vector(q + from, q + at + 1, q));                \
                    ck_assert(plain(q + from, q + at + 1) ==                   \
                              vector(q + from, q + at + 1, q + from));         \
                }                                                              \
            }                                                                  \
        }                                                                      \
    }                                                                          \
    END_TEST

#ifdef __x86_64__
#define VECTOR SCAN_TARGET_SSSE3 static const char *
#else
#define VECTOR static const char *
#endif

VECTOR
vector_token(const char *p, const char *end, const char *base)
{
    return scan_token(SCAN_SSSE3, p, end, base);
}

VECTOR
vector_host(const char *p, const char *end, const char *base)
{
    return scan_host(SCAN_SSSE3, p, end, base);
}

VECTOR
vector_target(const char *p, const char *end, const char *base)
{
    return scan_target(SCAN_SSSE3, p, end, base);
}

VECTOR
vector_value(const char *p, const char *end, const char *base)
{
    return scan_value(SCAN_SSSE3, p, end, base);
}

AGREE(token_scanners_agree, 't', scan_token_plain, vector_token)
AGREE(host_scanners_agree, 'h', scan_host_plain, vector_host)
AGREE(target_scanners_agree, '/', scan_target_plain, vector_target)
AGREE(value_scanners_agree, 'v', scan_value_plain, vector_value)

START_TEST(classes_are_what_they_say)
{
    for (int c = 0; c < 256; c++) {
        char text = (char)c;
        const char *p = &text, *end = p + 1;

        ck_assert((scan_token_plain(p, end) == end) ==
                  ascii_is(text, ASCII_TOKEN));
        ck_assert((scan_target_plain(p, end) == end) == (c > 0x20 && c < 0x7f));
        ck_assert((scan_value_plain(p, end) == end) ==
                  (c == '\t' || (c >= 0x20 && c != 0x7f)));
        ck_assert((scan_host_plain(p, end) == end) ==
                  ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                   c == '-' || c == '.'));
    }
}
END_TEST

UNIT_MAIN(scan, token_scanners_agree, host_scanners_agree,
          target_scanners_agree, value_scanners_agree,
          classes_are_what_they_say)
