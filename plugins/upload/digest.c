/* SPDX-License-Identifier: BSD-2-Clause */
/* digest.c - see digest.h.
 *
 * Of a dictionary (RFC 9651 3.2) only the value of sha-256 is of interest; what
 * stands behind other keys is skipped, with respect for quoted strings, in
 * which a comma is no end. */
#include "digest.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                              "abcdefghijklmnopqrstuvwxyz0123456789+/";
static const char digits[] = "0123456789abcdef";

/* Where c is in the alphabet, which has no NUL; or -1. */
static int
find(const char *alphabet, char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : -1;
}

/* ---- base64 and hexadecimal ----------------------------------------------*/

/* 43 characters, padded or not; 256 bits leave two over, which are zero. */
static int
of_base64(et_str text, unsigned char sha256[DIGEST_BYTES])
{
    uint32_t bits = 0;
    size_t i, n = 0;
    if (text.n == DIGEST_BASE64 && text.p[text.n - 1] == '=')
        text.n--;
    if (text.n != DIGEST_BASE64 - 1)
        return 0;
    for (i = 0; i < text.n; i++) {
        const int six = find(letters, text.p[i]);
        if (six < 0)
            return 0;
        bits = bits << 6 | (uint32_t)six;
        if (i % 4 > 0) /* 8 of 12, 14 (6 + 8) ... are whole */
            sha256[n++] = (unsigned char)(bits >> (6 - 2 * (i % 4)));
    }
    return (bits & 3) == 0;
}

void
digest_to_base64(const unsigned char sha256[DIGEST_BYTES],
                 char text[DIGEST_BASE64 + 1])
{
    size_t i, n = 0;
    for (i = 0; i < DIGEST_BYTES; i += 3) {
        const int is_short = i + 2 == DIGEST_BYTES;
        const uint32_t bits = (uint32_t)sha256[i] << 16 |
                              (uint32_t)sha256[i + 1] << 8 |
                              (uint32_t)(is_short ? 0 : sha256[i + 2]);
        text[n++] = letters[bits >> 18];
        text[n++] = letters[bits >> 12 & 63];
        text[n++] = letters[bits >> 6 & 63];
        text[n++] = is_short ? '=' : letters[bits & 63];
    }
    text[n] = 0;
}

int
digest_of_hex(et_str hex, unsigned char sha256[DIGEST_BYTES])
{
    size_t i;
    if (hex.n != DIGEST_HEX)
        return 0;
    for (i = 0; i < DIGEST_BYTES; i++) {
        const int high = find(digits, hex.p[2 * i]);
        const int low = find(digits, hex.p[2 * i + 1]);
        if (high < 0 || low < 0)
            return 0;
        sha256[i] = (unsigned char)(high << 4 | low);
    }
    return 1;
}

void
digest_to_hex(const unsigned char sha256[DIGEST_BYTES],
              char hex[DIGEST_HEX + 1])
{
    size_t i;
    for (i = 0; i < DIGEST_BYTES; i++) {
        hex[2 * i] = digits[sha256[i] >> 4];
        hex[2 * i + 1] = digits[sha256[i] & 15];
    }
    hex[DIGEST_HEX] = 0;
}

/* ---- the field -----------------------------------------------------------*/

static int
is_key(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c && strchr("_-.*", c));
}

/* The first n bytes of *s, which is shorter by them then. */
static et_str
cut(et_str *s, size_t n)
{
    const et_str first = et_sn(s->p, n);
    s->p += n;
    s->n -= n;
    return first;
}

/* The quoted string that s begins with: its length, or 0 if it does not end. */
static size_t
quoted(et_str s)
{
    size_t i;
    for (i = 1; i < s.n && s.p[i] != '"'; i++)
        i += s.p[i] == '\\';
    return i < s.n ? i + 1 : 0;
}

/* Up to the comma that ends this member, or to the end; of these the first n
 * are its value, without parameters.  The number of bytes, or -1. */
static int64_t
member(et_str s, size_t *value_n)
{
    size_t i = 0, n, depth = 0;
    *value_n = SIZE_MAX;
    while (i < s.n && (depth > 0 || s.p[i] != ',')) {
        n = s.p[i] == '"' ? quoted(et_sn(s.p + i, s.n - i)) : 1;
        if (n == 0 || (s.p[i] == ')' && depth == 0))
            return -1;
        depth += s.p[i] == '(';
        depth -= s.p[i] == ')';
        if (s.p[i] == ';' && depth == 0 && *value_n == SIZE_MAX)
            *value_n = i;
        i += n;
    }
    if (*value_n == SIZE_MAX)
        *value_n = i;
    return depth > 0 ? -1 : (int64_t)i;
}

/* Take one member off the front: as digest_of_field. */
static int32_t
take(et_str *s, unsigned char sha256[DIGEST_BYTES])
{
    size_t n = 0, value_n;
    int64_t whole;
    et_str key, value;
    while (n < s->n && is_key(s->p[n]))
        n++;
    key = cut(s, n);
    if (n == 0 || (key.p[0] != '*' && (key.p[0] < 'a' || key.p[0] > 'z')))
        return ET_EINVAL;
    whole = member(*s, &value_n);
    if (whole < 0)
        return ET_EINVAL;
    value = et_trim(et_sn(s->p, value_n));
    cut(s, (size_t)whole);
    if (!et_eq(key, et_s("sha-256")))
        return 0;
    if (value.n < 3 || value.p[0] != '=' || value.p[1] != ':' ||
        value.p[value.n - 1] != ':')
        return ET_EINVAL;
    return of_base64(et_sn(value.p + 2, value.n - 3), sha256) ? 1 : ET_EINVAL;
}

int32_t
digest_of_field(et_str value, unsigned char sha256[DIGEST_BYTES])
{
    int32_t found = 0, rc;
    et_str s = et_trim(value);
    while (s.n > 0) {
        rc = take(&s, sha256);
        if (rc < 0)
            return rc;
        found |= rc;
        if (s.n == 0)
            break;
        cut(&s, 1);
        s = et_trim(s);
        if (s.n == 0) /* a comma at the end */
            return ET_EINVAL;
    }
    return found;
}
