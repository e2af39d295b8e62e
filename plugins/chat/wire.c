/* SPDX-License-Identifier: BSD-2-Clause */
/* wire.c - see wire.h. */
#define _GNU_SOURCE
#include "wire.h"

struct reader {
    const char *p, *end;
};

static void
skip_blanks(struct reader *r)
{
    while (r->p < r->end &&
           (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static int
accept_one(struct reader *r, char c)
{
    skip_blanks(r);
    if (r->p == r->end || *r->p != c)
        return 0;
    r->p++;
    return 1;
}

/* ---- strings -------------------------------------------------------------*/

static int
hex_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four digits; -1: they are none. */
static int32_t
read_unit(struct reader *r)
{
    int32_t unit = 0;
    if (r->end - r->p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        const int digit = hex_of(*r->p++);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* The character behind \u, which may be two of them; -1: half of one. */
static int32_t
read_escaped(struct reader *r)
{
    const int32_t high = read_unit(r);
    int32_t low;
    if (high < 0xd800 || high > 0xdfff)
        return high;
    if (high > 0xdbff || r->end - r->p < 2 || r->p[0] != '\\' || r->p[1] != 'u')
        return -1;
    r->p += 2;
    low = read_unit(r);
    if (low < 0xdc00 || low > 0xdfff)
        return -1;
    return 0x10000 + (high - 0xd800) * 0x400 + (low - 0xdc00);
}

static size_t
write_utf8(char out[4], uint32_t c)
{
    const size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint32_t first[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (c & 0x3f));
        c >>= 6;
    }
    out[0] = (char)(first[n] | c);
    return n;
}

/* What stands behind a backslash, in out; 0: that is nothing. */
static size_t
read_escape(struct reader *r, char out[4])
{
    static const char letter[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    const char c = r->p < r->end ? *r->p++ : 0;
    const char *hit = c ? strchr(letter, c) : NULL;
    int32_t code;
    if (hit) {
        out[0] = means[hit - letter];
        return 1;
    }
    if (c != 'u')
        return 0;
    code = read_escaped(r);
    return code < 0 ? 0 : write_utf8(out, (uint32_t)code);
}

/* Behind the first quote; *n bytes at out, which has room for cap. */
static int32_t
read_string(struct reader *r, char *out, size_t cap, size_t *n)
{
    *n = 0;
    while (r->p < r->end) {
        char one[4] = {*r->p++};
        size_t k = 1;
        if (one[0] == '"')
            return 0;
        if (one[0] == '\\')
            k = read_escape(r, one);
        else if ((unsigned char)one[0] < 0x20)
            k = 0;
        if (k == 0)
            return ET_EINVAL;
        if (k > cap - *n)
            return ET_ELIMIT;
        memcpy(out + *n, one, k);
        *n += k;
    }
    return ET_EINVAL;
}

/* ---- messages ------------------------------------------------------------*/

static int32_t
read_key(struct reader *r, struct wire_said *said)
{
    char key[8];
    size_t n;
    const int32_t rc = read_string(r, key, sizeof key, &n);
    if (rc < 0)
        return ET_EINVAL;
    if (et_eq(et_sn(key, n), et_s("hello")))
        said->kind = WIRE_HELLO;
    else if (et_eq(et_sn(key, n), et_s("text")))
        said->kind = WIRE_TEXT;
    else
        return ET_EINVAL;
    return 0;
}

int32_t
wire_read(const char *p, size_t n, struct wire_said *said)
{
    struct reader r = {p, p + n};
    int32_t rc;
    if (!accept_one(&r, '{') || !accept_one(&r, '"') ||
        read_key(&r, said) < 0 || !accept_one(&r, ':') || !accept_one(&r, '"'))
        return ET_EINVAL;
    rc = read_string(&r, said->p, sizeof said->p, &said->n);
    if (rc < 0)
        return rc;
    if (!accept_one(&r, '}'))
        return ET_EINVAL;
    skip_blanks(&r);
    return r.p == r.end ? 0 : ET_EINVAL;
}

/* ---- characters ----------------------------------------------------------*/

struct range {
    int32_t first, last;
};

static int
is_in(const struct range *v, int32_t c)
{
    while (v->last < c)
        v++;
    return c >= v->first;
}

/* Controls, separators of lines, what turns the direction. */
static const struct range hidden[] = {
    {0, 0x1f},        {0x7f, 0x9f},           {0x2028, 0x202e},
    {0x2066, 0x2069}, {INT32_MAX, INT32_MAX},
};

/* Of which nothing is seen, as Unicode has them: White_Space,
 * Default_Ignorable_Code_Point, and the blank of Braille. */
static const struct range unseen[] = {
    {0x20, 0x20},       {0xa0, 0xa0},           {0xad, 0xad},
    {0x34f, 0x34f},     {0x61c, 0x61c},         {0x115f, 0x1160},
    {0x1680, 0x1680},   {0x17b4, 0x17b5},       {0x180b, 0x180f},
    {0x2000, 0x200f},   {0x2028, 0x202f},       {0x205f, 0x206f},
    {0x2800, 0x2800},   {0x3000, 0x3000},       {0x3164, 0x3164},
    {0xfe00, 0xfe0f},   {0xfeff, 0xfeff},       {0xffa0, 0xffa0},
    {0xfff0, 0xfff8},   {0x1bca0, 0x1bca3},     {0x1d173, 0x1d17a},
    {0xe0000, 0xe0fff}, {INT32_MAX, INT32_MAX},
};

int
wire_is_clean(et_str s, size_t max)
{
    int is_seen = 0;
    if (!s.p || s.n > max)
        return 0;
    while (s.n > 0) {
        const int32_t c = et_next_char(&s);
        if (c < 0 || is_in(hidden, c))
            return 0;
        is_seen = is_seen || !is_in(unseen, c);
    }
    return is_seen;
}

/* "%2F" of a path is not decoded, and "%252F" is: what looks like it may be
 * either. */
int
wire_is_room(et_str s)
{
    return wire_is_clean(s, WIRE_ROOM_MAX) && !memchr(s.p, '/', s.n) &&
           !memmem(s.p, s.n, "%2F", 3);
}

size_t
wire_write(char out[WIRE_MAX], enum wire_kind kind, uint64_t id,
           int64_t time_ms, et_str name, et_str text)
{
    size_t n = (size_t)snprintf(out, WIRE_MAX,
                                "{\"id\":%llu,\"time\":%lld,"
                                "\"name\":",
                                (unsigned long long)id, (long long)time_ms);
    n += et_quote_to(out + n, 2 * WIRE_NAME_MAX + 2, name);
    if (kind == WIRE_TEXT) {
        n += (size_t)snprintf(out + n, WIRE_MAX - n, ",\"text\":");
        n += et_quote_to(out + n, WIRE_MAX - n - 1, text);
    } else {
        n += (size_t)snprintf(out + n, WIRE_MAX - n, ",\"event\":\"%s\"",
                              kind == WIRE_JOIN ? "join" : "leave");
    }
    out[n++] = '}';
    return n;
}
