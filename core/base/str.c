/* SPDX-License-Identifier: BSD-2-Clause */
/* str.c - see str.h.  Comparison without case goes eight bytes at a time. */
#include "base/str.h"

#include "base/err.h"

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Lower case of eight bytes at once: a byte gets bit 5 if it is 'A'..'Z'. */
static uint64_t
lower8(uint64_t v)
{
    uint64_t low7 = v & EACH(0x7f);
    uint64_t from_a = low7 + EACH(0x80 - 'A');      /* bit 7: >= 'A' */
    uint64_t after_z = low7 + EACH(0x80 - 'Z' - 1); /* bit 7: > 'Z' */
    uint64_t is_upper = (from_a ^ after_z) & ~v & EACH(0x80);

    return v | is_upper >> 2;
}

static uint64_t
load8(const char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t
load4(const char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

/* 4 to 7 bytes as two loads that overlap, fewer byte by byte. */
static uint64_t
load_short(const char *p, size_t n)
{
    uint64_t v = 0;

    if (n >= 4)
        return load4(p) << 32 | load4(p + n - 4);
    while (n-- > 0)
        v = v << 8 | (uint8_t)p[n];
    return v;
}

int
str_bytes_eq_nocase(const char *a, const char *b, size_t n)
{
    size_t i = 0;

    if (n < 8)
        return lower8(load_short(a, n)) == lower8(load_short(b, n));
    for (; i + 8 <= n; i += 8) {
        if (lower8(load8(a + i)) != lower8(load8(b + i)))
            return 0;
    }
    return lower8(load8(a + n - 8)) == lower8(load8(b + n - 8));
}

static int
is_ows(char c)
{
    return c == ' ' || c == '\t';
}

et_str
str_trim(et_str s)
{
    while (s.n > 0 && is_ows(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && is_ows(s.p[s.n - 1]))
        s.n--;
    return s;
}

int
str_to_u64(et_str s, uint64_t *out)
{
    uint64_t v = 0;

    if (s.n == 0)
        return ERR_INVALID;
    for (size_t i = 0; i < s.n; i++) {
        unsigned digit = (unsigned)(uint8_t)s.p[i] - '0';

        if (digit > 9 || v > (UINT64_MAX - digit) / 10)
            return ERR_INVALID;
        v = v * 10 + digit;
    }
    *out = v;
    return 0;
}

static int
is_in(uint8_t c, uint8_t first, uint8_t last)
{
    return c >= first && c <= last;
}

size_t
str_utf8_len(const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint8_t low = 0x80, high = 0xbf;
    size_t len = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;

    if (p[0] < 0x80)
        return 1;
    if (!is_in(p[0], 0xc2, 0xf4) || n < len)
        return 0;
    switch (p[0]) {
    case 0xe0: low = 0xa0; break;  /* no overlong forms */
    case 0xed: high = 0x9f; break; /* no surrogates */
    case 0xf0: low = 0x90; break;
    case 0xf4: high = 0x8f; break; /* nothing above U+10FFFF */
    }
    if (!is_in(p[1], low, high))
        return 0;
    for (size_t i = 2; i < len; i++) {
        if (!is_in(p[i], 0x80, 0xbf))
            return 0;
    }
    return len;
}
