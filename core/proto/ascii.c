/* SPDX-License-Identifier: BSD-2-Clause */
/* ascii.c - see ascii.h.  The class table is written with GNU ranges; a byte
 * appears in exactly one row. */
#include "proto/ascii.h"

#include <string.h>

#define T ASCII_TOKEN
#define V (ASCII_VALUE | ASCII_VCHAR)
#define N ASCII_REGNAME

/* clang-format off */
const uint8_t ascii_class[256] = {
    ['\t'] = ASCII_VALUE,
    [' '] = ASCII_VALUE,
    ['!'] = T | V | N,
    ['"'] = V,
    ['#'] = T | V,
    ['$'] = T | V | N,
    ['%'] = T | V,
    ['&' ... '\''] = T | V | N,
    ['(' ... ')'] = V | N,
    ['*' ... '+'] = T | V | N,
    [','] = V | N,
    ['-' ... '.'] = T | V | N,
    ['/'] = V,
    ['0' ... '9'] = T | V | N | ASCII_DIGIT | ASCII_HEX,
    [':'] = V,
    [';'] = V | N,
    ['<'] = V,
    ['='] = V | N,
    ['>' ... '@'] = V,
    ['A' ... 'F'] = T | V | N | ASCII_ALPHA | ASCII_UPPER | ASCII_HEX,
    ['G' ... 'Z'] = T | V | N | ASCII_ALPHA | ASCII_UPPER,
    ['[' ... ']'] = V,
    ['^'] = T | V,
    ['_'] = T | V | N,
    ['`'] = T | V,
    ['a' ... 'f'] = T | V | N | ASCII_ALPHA | ASCII_HEX,
    ['g' ... 'z'] = T | V | N | ASCII_ALPHA,
    ['{'] = V,
    ['|'] = T | V,
    ['}'] = V,
    ['~'] = T | V | N,
    [0x80 ... 0xff] = ASCII_VALUE,
};

#define X8 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff
#define X16 X8, X8
#define X64 X16, X16, X16, X16
const uint8_t ascii_hex[256] = {
    X16, X16, X16,
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xff, 10, 11, 12, 13, 14, 15, 0xff, X8,
    X16,
    0xff, 10, 11, 12, 13, 14, 15, 0xff, X8,
    X16,
    X64, X64,
};
/* clang-format on */

int
ascii_all(et_str s, unsigned bits)
{
    for (size_t i = 0; i < s.n; i++)
        if (!ascii_is(s.p[i], bits))
            return 0;
    return s.n != 0;
}

int
ascii_eq_lit(et_str a, const char *lower)
{
    if (a.n != strlen(lower))
        return 0;
    for (size_t i = 0; i < a.n; i++)
        if (ascii_lower(a.p[i]) != lower[i])
            return 0;
    return 1;
}

int
ascii_to_u64(et_str s, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;

    if (s.n == 0)
        return -1;
    for (size_t i = 0; i < s.n; i++) {
        uint64_t digit = (uint64_t)((unsigned char)s.p[i] - '0');

        if (!ascii_is(s.p[i], ASCII_DIGIT))
            return -1;
        if (v > max / 10 || digit > max - v * 10)
            return -1;
        v = v * 10 + digit;
    }
    *out = v;
    return 0;
}

size_t
ascii_from_u64(char out[ASCII_U64_MAX], uint64_t n)
{
    static const char pairs[] = "00010203040506070809"
                                "10111213141516171819"
                                "20212223242526272829"
                                "30313233343536373839"
                                "40414243444546474849"
                                "50515253545556575859"
                                "60616263646566676869"
                                "70717273747576777879"
                                "80818283848586878889"
                                "90919293949596979899";
    char text[ASCII_U64_MAX];
    size_t at = sizeof(text);

    while (n >= 100) {
        at -= 2;
        memcpy(text + at, pairs + n % 100 * 2, 2);
        n /= 100;
    }
    if (n >= 10) {
        at -= 2;
        memcpy(text + at, pairs + n * 2, 2);
    } else {
        text[--at] = (char)('0' + n);
    }
    memcpy(out, text + at, sizeof(text) - at);
    return sizeof(text) - at;
}
