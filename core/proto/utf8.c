/* SPDX-License-Identifier: BSD-2-Clause */
/* utf8.c - see utf8.h.
 *
 * ASCII goes sixteen bytes at a time, other characters as a whole; those that
 * are cut or wrong go byte by byte.  What a lead byte allows after it:
 *
 *     c2-df  80-bf                      f0     90-bf  80-bf  80-bf
 *     e0     a0-bf  80-bf               f1-f3  80-bf  80-bf  80-bf
 *     ed     80-9f  80-bf               f4     80-8f  80-bf  80-bf
 *     other  80-bf  80-bf  of e0-ef */
#include "proto/utf8.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"

void
utf8_init(struct utf8 *u)
{
    *u = (struct utf8){0};
}

static inline int
is_ascii_16(const uint8_t *p)
{
    uint64_t v[2];

    memcpy(v, p, sizeof v);
    return ((v[0] | v[1]) & UINT64_C(0x8080808080808080)) == 0;
}

/* How many bytes at p are ASCII, at most n. */
static inline size_t
count_ascii(const uint8_t *p, size_t n)
{
    size_t i = 0;

    while (n - i >= 16 && is_ascii_16(p + i))
        i += 16;
    while (i < n && p[i] < 0x80)
        i++;
    return i;
}

/* Both: the byte c, and whether it may stand here. */
static inline int
take_lead(struct utf8 *u, uint8_t c)
{
    u->left = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    u->low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    u->high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    return c >= 0xc2 && c <= 0xf4;
}

static inline int
take_next(struct utf8 *u, uint8_t c)
{
    int is_good = c >= u->low && c <= u->high;

    u->left--;
    u->low = 0x80;
    u->high = 0xbf;
    return is_good;
}

int
utf8_feed(struct utf8 *u, const char *p, size_t n)
{
    const uint8_t *in = (const uint8_t *)p;
    struct utf8 now = *u;
    size_t i = 0, len;
    int is_good = 1;

    while (i < n && is_good) {
        if (now.left > 0)
            is_good = take_next(&now, in[i++]);
        else if (in[i] < 0x80)
            i += count_ascii(in + i, n - i);
        else if ((len = str_utf8_len(in + i, n - i)) > 0)
            i += len;
        else
            is_good = take_lead(&now, in[i++]);
    }
    *u = now;
    return is_good ? 0 : ERR_UTF8;
}

int
utf8_is_whole(const struct utf8 *u)
{
    return u->left == 0;
}

int
utf8_is_valid(et_str s)
{
    struct utf8 u;

    utf8_init(&u);
    return utf8_feed(&u, s.p, s.n) == 0 && utf8_is_whole(&u);
}
