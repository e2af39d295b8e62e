/* SPDX-License-Identifier: BSD-2-Clause */
/* base64.c - see base64.h. */
#include "base/base64.h"

#include "base/err.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "abcdefghijklmnopqrstuvwxyz0123456789+/";

size_t
base64_encode(char *out, const void *p, size_t n)
{
    const uint8_t *in = p;
    char *to = out;

    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        uint32_t bits = (uint32_t)in[i] << 16;

        if (have > 1)
            bits |= (uint32_t)in[i + 1] << 8;
        if (have > 2)
            bits |= in[i + 2];
        to[0] = alphabet[bits >> 18];
        to[1] = alphabet[bits >> 12 & 63];
        to[2] = have > 1 ? alphabet[bits >> 6 & 63] : '=';
        to[3] = have > 2 ? alphabet[bits & 63] : '=';
        to += 4;
    }
    return (size_t)(to - out);
}

static int
is_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c >= '0' && c <= '9') || c == '+' || c == '/';
}

int64_t
base64_decoded_len(et_str s)
{
    size_t n = s.n;

    if (n % 4 != 0)
        return ERR_INVALID;
    while (n > 0 && s.n - n < 2 && s.p[n - 1] == '=')
        n--;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(s.p[i]))
            return ERR_INVALID;
    }
    return (int64_t)(s.n / 4 * 3 - (s.n - n));
}
