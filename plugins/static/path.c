/* SPDX-License-Identifier: BSD-2-Clause */
/* path.c - see path.h. */
#define _GNU_SOURCE
#include "path.h"

/* The length of the UTF-8 sequence at p, n > 0; 0: it is none (RFC 3629 4). */
static size_t
sequence(const unsigned char *p, size_t n)
{
    const unsigned char c = p[0];
    const size_t len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    unsigned char low = 0x80, high = 0xbf;
    size_t i;
    if ((c >= 0x80 && c < 0xc2) || c > 0xf4 || len > n)
        return 0;
    if (c == 0xe0)
        low = 0xa0;
    if (c == 0xed)
        high = 0x9f;
    if (c == 0xf0)
        low = 0x90;
    if (c == 0xf4)
        high = 0x8f;
    for (i = 1; i < len; i++, low = 0x80, high = 0xbf)
        if (p[i] < low || p[i] > high)
            return 0;
    return len;
}

static int
is_slash_code(const unsigned char *p, size_t n)
{
    return n >= 3 && p[0] == '%' && p[1] == '2' && (p[2] | 0x20) == 'f';
}

static int
has_good_bytes(et_str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t i = 0, n;
    for (; i < s.n; i += n) {
        n = sequence(p + i, s.n - i);
        if (n == 0 || p[i] < ' ' || p[i] == 0x7f || p[i] == '\\' ||
            p[i] == '/' || is_slash_code(p + i, s.n - i))
            return 0;
    }
    return 1;
}

int
path_is_segment(et_str s, int with_hidden)
{
    if (s.n == 0 || s.n > PATH_SEGMENT_MAX || !has_good_bytes(s))
        return 0;
    if (s.p[0] != '.')
        return 1;
    return with_hidden && !et_eq(s, et_s(".")) && !et_eq(s, et_s(".."));
}

int
path_is_good(et_str path, int with_hidden)
{
    int is_first = 1;
    if (path.n > PATH_BYTES_MAX)
        return 0;
    while (path.n) {
        const char *slash = memchr(path.p, '/', path.n);
        const et_str s =
            et_sn(path.p, slash ? (size_t)(slash - path.p) : path.n);
        if (!path_is_segment(s, with_hidden) &&
            !(is_first && et_eq(s, et_s(".well-known"))))
            return 0;
        is_first = 0;
        path = slash ? et_sn(slash + 1, path.n - s.n - 1) : et_s("");
    }
    return 1;
}

size_t
path_encode(et_str s, char *out)
{
    static const char hex[] = "0123456789ABCDEF";
    size_t i, n = 0;
    for (i = 0; i < s.n; i++) {
        const unsigned char c = (unsigned char)s.p[i];
        const int is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                             (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                             c == '_' || c == '~' || c == '/';
        if (is_plain) {
            out[n++] = (char)c;
            continue;
        }
        out[n++] = '%';
        out[n++] = hex[c >> 4];
        out[n++] = hex[c & 15];
    }
    return n;
}

/* ---- patterns ------------------------------------------------------------*/

/* Without recursion: a star that has to take more is gone back to, and only the
 * last one ever has to. */
static int
matches(et_str pattern, et_str s)
{
    size_t p = 0, i = 0, back_p = 0, back_i = 0;
    int has_star = 0, is_deep = 0;
    while (i < s.n || p < pattern.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            is_deep = p + 1 < pattern.n && pattern.p[p + 1] == '*';
            p += is_deep ? 2 : 1;
            has_star = 1;
            back_p = p;
            back_i = i;
            continue;
        }
        if (p < pattern.n && i < s.n &&
            (pattern.p[p] == s.p[i] ||
             (pattern.p[p] == '?' && s.p[i] != '/'))) {
            p++;
            i++;
            continue;
        }
        if (!has_star || back_i == s.n || (!is_deep && s.p[back_i] == '/'))
            return 0;
        i = ++back_i;
        p = back_p;
    }
    return 1;
}

int
path_matches(et_str pattern, et_str path)
{
    const char *slash = path.n ? memrchr(path.p, '/', path.n) : NULL;
    if (pattern.n && memchr(pattern.p, '/', pattern.n)) {
        if (pattern.p[0] == '/')
            pattern = et_sn(pattern.p + 1, pattern.n - 1);
    } else if (slash) {
        path = et_sn(slash + 1, (size_t)(path.p + path.n - slash - 1));
    }
    return matches(pattern, path);
}
