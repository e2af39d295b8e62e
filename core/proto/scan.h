/* SPDX-License-Identifier: BSD-2-Clause */
/* scan.h - how far does this class of bytes go?
 *
 * The questions a request parser asks about most bytes it reads, in plain C and
 * in 16 lanes, inline.  Both variants of one question give the same answer (the
 * test holds them equal) and neither reads outside [base, end).  32 lanes
 * (AVX2) were tried: 4.5% fewer instructions on a browser's request, 2% more on
 * a short one; not worth a third copy of the parser.
 *
 *     base          p                       result            end
 *     |-------------|aaaaaaaaaaaaaaaaaaaaaaa|x................|
 *
 * base is any place at or before p from which on memory is readable: near end
 * the last full vector before it is loaded and what lies before p is ignored.
 *
 * level must be a constant where a question is inlined, and the function it is
 * inlined into be compiled for that level (SCAN_TARGET_*): http1.c does so. */
#ifndef PROTO_SCAN_H
#define PROTO_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "proto/ascii.h"

enum scan_level {
    SCAN_PLAIN,
    SCAN_SSSE3, /* 16 bytes at a time */
};

/* The best level this CPU has. [any] */
enum scan_level scan_best(void);

#define SCAN_INLINE static inline __attribute__((always_inline))

/* ---- plain C -------------------------------------------------------------*/

static inline const char *
scan_token_plain(const char *p, const char *end)
{
    while (p < end && ascii_is(*p, ASCII_TOKEN))
        p++;
    return p;
}

static inline const char *
scan_host_plain(const char *p, const char *end)
{
    while (p < end && (ascii_is(*p, ASCII_DIGIT) || *p == '-' || *p == '.' ||
                       (*p >= 'a' && *p <= 'z')))
        p++;
    return p;
}

static inline const char *
scan_target_plain(const char *p, const char *end)
{
    while (p < end && ascii_is(*p, ASCII_VCHAR))
        p++;
    return p;
}

static inline const char *
scan_value_plain(const char *p, const char *end)
{
    while (p < end && ascii_is(*p, ASCII_VALUE))
        p++;
    return p;
}

#ifdef __x86_64__

#include <tmmintrin.h>

#define SCAN_TARGET_SSSE3 __attribute__((target("ssse3")))

SCAN_TARGET_SSSE3 static inline __m128i
scan_load(const void *p)
{
    return _mm_loadu_si128((const __m128i *)p);
}

/* ---- 16 lanes: a bit for each byte that is NOT of the class --------------*/

/* A byte c is in a set if bit (c >> 4) of rows[c & 15] is set; one above 0x7f
 * finds no row, as pshufb gives 0 for it. */
SCAN_TARGET_SSSE3 static inline unsigned
scan_set_out(const char *p, const uint8_t rows[16])
{
    const __m128i bits = _mm_setr_epi8(1, 2, 4, 8, 16, 32, 64, (char)0x80, 0, 0,
                                       0, 0, 0, 0, 0, 0);
    __m128i x = scan_load(p);
    __m128i high = _mm_and_si128(_mm_srli_epi16(x, 4), _mm_set1_epi8(15));
    __m128i hit = _mm_and_si128(_mm_shuffle_epi8(scan_load(rows), x),
                                _mm_shuffle_epi8(bits, high));

    hit = _mm_cmpeq_epi8(hit, _mm_setzero_si128());
    return (unsigned)_mm_movemask_epi8(hit);
}

SCAN_TARGET_SSSE3 static inline unsigned
scan_token_out(const char *p)
{
    static const uint8_t rows[16] = {0xe8, 0xfc, 0xf8, 0xfc, 0xfc, 0xfc,
                                     0xfc, 0xfc, 0xf8, 0xf8, 0xf4, 0x54,
                                     0xd0, 0x54, 0xf4, 0x70};

    return scan_set_out(p, rows);
}

SCAN_TARGET_SSSE3 static inline unsigned
scan_host_out(const char *p)
{
    static const uint8_t rows[16] = {0x88, 0xc8, 0xc8, 0xc8, 0xc8, 0xc8,
                                     0xc8, 0xc8, 0xc8, 0xc8, 0xc0, 0x40,
                                     0x40, 0x44, 0x44, 0x40};

    return scan_set_out(p, rows);
}

/* Signed: bytes above 0x7f are below 0x21. */
SCAN_TARGET_SSSE3 static inline unsigned
scan_target_out(const char *p)
{
    __m128i x = scan_load(p);
    __m128i low = _mm_cmplt_epi8(x, _mm_set1_epi8(0x21));
    __m128i del = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f));

    return (unsigned)_mm_movemask_epi8(_mm_or_si128(low, del));
}

SCAN_TARGET_SSSE3 static inline unsigned
scan_value_out(const char *p)
{
    __m128i x = scan_load(p);
    __m128i low = _mm_cmpeq_epi8(_mm_min_epu8(x, _mm_set1_epi8(0x1f)), x);
    __m128i tab = _mm_cmpeq_epi8(x, _mm_set1_epi8('\t'));
    __m128i del = _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f));

    low = _mm_or_si128(_mm_andnot_si128(tab, low), del);
    return (unsigned)_mm_movemask_epi8(low);
}

/* ---- the loop around a mask ----------------------------------------------*/

/* Full vectors, then the last one before end once more, shifted; with less
 * than one vector in [base, end) byte by byte. */
SCAN_TARGET_SSSE3 SCAN_INLINE const char *
scan_16(const char *p, const char *end, const char *base,
        unsigned (*out)(const char *),
        const char *(*by_byte)(const char *, const char *))
{
    unsigned mask;

    for (; LIKELY(end - p >= 16); p += 16) {
        mask = out(p);
        if (mask)
            return p + __builtin_ctz(mask);
    }
    if (p == end || end - base < 16)
        return by_byte(p, end);
    mask = out(end - 16) >> (16 - (end - p));
    return mask ? p + __builtin_ctz(mask) : end;
}

SCAN_TARGET_SSSE3 static inline const char *
scan_token_16(const char *p, const char *end, const char *base)
{
    return scan_16(p, end, base, scan_token_out, scan_token_plain);
}

SCAN_TARGET_SSSE3 static inline const char *
scan_host_16(const char *p, const char *end, const char *base)
{
    return scan_16(p, end, base, scan_host_out, scan_host_plain);
}

SCAN_TARGET_SSSE3 static inline const char *
scan_target_16(const char *p, const char *end, const char *base)
{
    return scan_16(p, end, base, scan_target_out, scan_target_plain);
}

SCAN_TARGET_SSSE3 static inline const char *
scan_value_16(const char *p, const char *end, const char *base)
{
    return scan_16(p, end, base, scan_value_out, scan_value_plain);
}

#else

#define scan_token_16(p, end, base) scan_token_plain(p, end)
#define scan_host_16(p, end, base) scan_host_plain(p, end)
#define scan_target_16(p, end, base) scan_target_plain(p, end)
#define scan_value_16(p, end, base) scan_value_plain(p, end)

#endif

/* ---- the questions -------------------------------------------------------*/

/* Each: the first byte in [p, end) that is not of the class, else end. [any] */

/* tchar of RFC 9110 5.6.2: names. */
SCAN_INLINE const char *
scan_token(enum scan_level level, const char *p, const char *end,
           const char *base)
{
    return level == SCAN_PLAIN ? scan_token_plain(p, end)
                               : scan_token_16(p, end, base);
}

/* 0-9 a-z - . : most hosts, entirely. */
SCAN_INLINE const char *
scan_host(enum scan_level level, const char *p, const char *end,
          const char *base)
{
    return level == SCAN_PLAIN ? scan_host_plain(p, end)
                               : scan_host_16(p, end, base);
}

/* 0x21-0x7e: request targets. */
SCAN_INLINE const char *
scan_target(enum scan_level level, const char *p, const char *end,
            const char *base)
{
    return level == SCAN_PLAIN ? scan_target_plain(p, end)
                               : scan_target_16(p, end, base);
}

/* HTAB, 0x20-0x7e, 0x80-0xff: field values. */
SCAN_INLINE const char *
scan_value(enum scan_level level, const char *p, const char *end,
           const char *base)
{
    return level == SCAN_PLAIN ? scan_value_plain(p, end)
                               : scan_value_16(p, end, base);
}

#endif
