/* SPDX-License-Identifier: BSD-2-Clause */
/* uri.c - see uri.h. */
#include "proto/uri.h"

#include <string.h>

#include "base/err.h"
#include "proto/addr.h"
#include "proto/ascii.h"

/* ---- targets -------------------------------------------------------------*/

/* What a byte of a path or query means to the scanner; 0: nothing. */
#define BAD 1u
#define QUERY 2u
#define PERCENT 4u
#define DOT 8u
#define BAD_IN_PATH 16u

/* clang-format off */
static const uint8_t target_class[256] = {
    [0 ... ' '] = BAD,
    ['"'] = BAD,
    ['#'] = BAD,
    ['%'] = PERCENT,
    ['.'] = DOT,
    ['<'] = BAD,
    ['>'] = BAD,
    ['?'] = QUERY,
    ['\\'] = BAD_IN_PATH,
    ['`'] = BAD_IN_PATH,
    ['{'] = BAD_IN_PATH,
    ['}'] = BAD_IN_PATH,
    [0x7f ... 0xff] = BAD,
};
/* clang-format on */

static inline unsigned
class_of(char c)
{
    return target_class[(unsigned char)c];
}

/* With s.p[i] a dot behind a slash: is the whole segment "." or ".."? */
static int
is_dot_segment(et_str s, size_t i)
{
    i++;
    if (i < s.n && s.p[i] == '.')
        i++;
    return i == s.n || s.p[i] == '/' || s.p[i] == '?';
}

/* Length of the path s begins with, up to '?' or the end; *plain is cleared if
 * it needs work.  ERR_TARGET for a byte that may not be there. */
static int64_t
scan_path(et_str s, uint8_t *plain)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned c = class_of(s.p[i]);

        if (LIKELY(c == 0))
            continue;
        if (c & QUERY)
            return (int64_t)i;
        if (c & (BAD | BAD_IN_PATH))
            return ERR_TARGET;
        if (c & PERCENT)
            *plain = 0;
        else if (i > 0 && s.p[i - 1] == '/' && is_dot_segment(s, i))
            *plain = 0;
    }
    return (int64_t)s.n;
}

static int
query_is_valid(et_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (class_of(s.p[i]) & BAD)
            return 0;
    return 1;
}

/* s is path and query. */
static int
split_path(et_str s, struct uri *out)
{
    int64_t n;

    out->path_is_plain = 1;
    n = scan_path(s, &out->path_is_plain);
    if (n < 0)
        return ERR_TARGET;
    out->path = (et_str){s.p, (size_t)n};
    if ((size_t)n == s.n)
        return 0;
    out->query = (et_str){s.p + n + 1, s.n - (size_t)n - 1};
    return query_is_valid(out->query) ? 0 : ERR_TARGET;
}

static int
split_authority(et_str target, struct uri *out)
{
    struct uri_host host;

    if (uri_host_parse(target, &host) < 0 || host.name.n == 0 || host.port < 0)
        return ERR_TARGET;
    out->form = URI_AUTHORITY;
    out->authority = target;
    return 0;
}

/* Bytes of "http://" or "https://" in front of s, the scheme cut off; 0 if it
 * is neither. */
static size_t
scheme_len(et_str s, et_str *scheme)
{
    static const char *const schemes[] = {"http", "https"};

    for (size_t i = 0; i < 2; i++) {
        size_t n = strlen(schemes[i]);
        *scheme = (et_str){s.p, n};
        if (s.n > n + 3 && ascii_eq_lit(*scheme, schemes[i]) &&
            memcmp(s.p + n, "://", 3) == 0)
            return n + 3;
    }
    return 0;
}

static int
split_absolute(et_str target, uint32_t method, struct uri *out)
{
    size_t n, start = scheme_len(target, &out->scheme);
    struct uri_host host;

    if (start == 0)
        return ERR_TARGET;
    out->form = URI_ABSOLUTE;
    n = start;
    while (n < target.n && target.p[n] != '/' && target.p[n] != '?')
        n++;
    out->authority = (et_str){target.p + start, n - start};
    if (uri_host_parse(out->authority, &host) < 0 || host.name.n == 0)
        return ERR_TARGET;
    if (split_path((et_str){target.p + n, target.n - n}, out) < 0)
        return ERR_TARGET;
    if (out->path.n == 0 && method == ET_M_OPTIONS && out->query.p == NULL)
        out->path = (et_str){"*", 1};
    else if (out->path.n == 0)
        out->path = (et_str){"/", 1};
    return 0;
}

int
uri_split(et_str target, uint32_t method, struct uri *out)
{
    *out = (struct uri){.form = URI_ORIGIN};
    if (target.n == 0)
        return ERR_TARGET;
    if (method == ET_M_CONNECT)
        return split_authority(target, out);
    if (target.p[0] == '/')
        return split_path(target, out);
    if (target.n > 1 || target.p[0] != '*')
        return split_absolute(target, method, out);
    if (method != ET_M_OPTIONS)
        return ERR_TARGET;
    out->form = URI_ASTERISK;
    out->path = target;
    out->path_is_plain = 1;
    return 0;
}

int
uri_is_plain(et_str path)
{
    uint8_t plain = 1;
    int64_t n = scan_path(path, &plain);

    return plain && n == (int64_t)path.n;
}

/* ---- paths ---------------------------------------------------------------*/

/* The byte of %xx at s.p[i], or -1. */
static int
percent_byte(et_str s, size_t i)
{
    unsigned high, low;

    if (s.n - i < 3)
        return -1;
    high = ascii_hex_digit(s.p[i + 1]);
    low = ascii_hex_digit(s.p[i + 2]);
    return high < 16 && low < 16 ? (int)(high << 4 | low) : -1;
}

/* A write position in a path being made. */
struct path {
    char *p;
    size_t n;
};

static int
put_percent(struct path *out, et_str s, size_t i)
{
    int c = percent_byte(s, i);

    if (c <= 0)
        return ERR_TARGET;
    if (c == '/') {
        memcpy(out->p + out->n, "%2F", 3);
        out->n += 3;
    } else {
        out->p[out->n++] = (char)c;
    }
    return 0;
}

/* Copy one segment, decoded; *i goes to the slash behind it or to the end. */
static int
put_segment(struct path *out, et_str s, size_t *i)
{
    while (*i < s.n && s.p[*i] != '/') {
        if (s.p[*i] != '%') {
            out->p[out->n++] = s.p[(*i)++];
            continue;
        }
        if (put_percent(out, s, *i) < 0)
            return ERR_TARGET;
        *i += 3;
    }
    return 0;
}

/* 1 or 2 if the segment behind the slash at start is that many dots, else 0. */
static int
dots(const struct path *out, size_t start)
{
    size_t n = out->n - start - 1;

    if (n == 1 && out->p[start + 1] == '.')
        return 1;
    return n == 2 && memcmp(out->p + start + 1, "..", 2) == 0 ? 2 : 0;
}

/* Take back the dot segment at start and, for "..", the one before it. */
static void
remove_dots(struct path *out, size_t start, int n_dots)
{
    out->n = start;
    if (n_dots < 2)
        return;
    while (out->n > 0 && out->p[--out->n] != '/')
        ;
}

int
uri_normalise(et_str path, char *out, size_t *out_len)
{
    struct path o = {out, 0};
    size_t i = 0;

    if (path.n == 0 || path.p[0] != '/')
        return ERR_TARGET;
    while (i < path.n) {
        size_t start = o.n;
        int n_dots;

        o.p[o.n++] = '/';
        i++;
        if (put_segment(&o, path, &i) < 0)
            return ERR_TARGET;
        n_dots = dots(&o, start);
        if (n_dots == 0)
            continue;
        remove_dots(&o, start, n_dots);
        if (i == path.n)
            o.p[o.n++] = '/';
    }
    *out_len = o.n;
    return 0;
}

/* 1 or 2 if the segment between the slash at s.p[i - 1] and the one at s.p[to]
 * is that many dots, encoded or not, else 0. */
static int
raw_dots(et_str s, size_t i, size_t to)
{
    int n = 0;

    while (i < to && n < 3) {
        if (s.p[i] != '.' && percent_byte(s, i) != '.')
            return 0;
        i += s.p[i] == '.' ? 1 : 3;
        n++;
    }
    return n < 3 ? n : 0;
}

size_t
uri_remove_dots(et_str path, char *out)
{
    struct path o = {out, 0};
    size_t i = 0;

    while (i < path.n) {
        const char *slash = memchr(path.p + i + 1, '/', path.n - i - 1);
        size_t to = slash ? (size_t)(slash - path.p) : path.n;
        int n_dots = raw_dots(path, i + 1, to);

        if (n_dots == 0) {
            memcpy(o.p + o.n, path.p + i, to - i);
            o.n += to - i;
        } else {
            remove_dots(&o, o.n, n_dots);
            if (to == path.n)
                o.p[o.n++] = '/';
        }
        i = to;
    }
    return o.n;
}

/* ---- queries -------------------------------------------------------------*/

int
uri_query_next(et_str *q, et_str *key, et_str *value)
{
    while (q->n > 0) {
        const char *amp = memchr(q->p, '&', q->n), *eq;
        size_t n = amp != NULL ? (size_t)(amp - q->p) : q->n;
        et_str pair = {q->p, n};

        n += amp != NULL;
        q->p += n;
        q->n -= n;
        if (pair.n == 0)
            continue;
        eq = memchr(pair.p, '=', pair.n);
        *key = (et_str){pair.p, eq != NULL ? (size_t)(eq - pair.p) : pair.n};
        n = eq != NULL ? key->n + 1 : pair.n;
        *value = (et_str){pair.p + n, pair.n - n};
        return 1;
    }
    return 0;
}

/* The decoded byte at s.p[*i]; *i goes behind it. */
static char
form_byte(et_str s, size_t *i)
{
    char c = s.p[(*i)++];
    int coded;

    if (c == '+')
        return ' ';
    if (c != '%')
        return c;
    coded = percent_byte(s, *i - 1);
    if (coded < 0)
        return c;
    *i += 2;
    return (char)coded;
}

size_t
uri_form_decode(et_str s, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < s.n;)
        out[n++] = form_byte(s, &i);
    return n;
}

int
uri_form_is_coded(et_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '+' || (s.p[i] == '%' && percent_byte(s, i) >= 0))
            return 1;
    return 0;
}

int
uri_form_eq(et_str raw, et_str name)
{
    size_t n = 0, i = 0;

    while (i < raw.n && n < name.n)
        if (form_byte(raw, &i) != name.p[n++])
            return 0;
    return i == raw.n && n == name.n;
}

et_str
uri_query_find(et_str query, et_str name, uint32_t nth)
{
    et_str key, value;

    while (uri_query_next(&query, &key, &value))
        if (uri_form_eq(key, name) && nth-- == 0)
            return value;
    return (et_str){NULL, 0};
}

/* ---- hosts ---------------------------------------------------------------*/

/* Length of the "[v6]" s begins with, or ERR_HOST; *seen collects the classes
 * of its bytes. */
static int64_t
literal_len(et_str s, unsigned *seen)
{
    const char *close = memchr(s.p, ']', s.n);
    struct addr a;
    size_t n;

    if (close == NULL)
        return ERR_HOST;
    n = (size_t)(close - s.p);
    for (size_t i = 1; i < n; i++)
        *seen |= ascii_class[(unsigned char)s.p[i]];
    if (memchr(s.p, ':', n) == NULL ||
        addr_parse((et_str){s.p + 1, n - 1}, &a) < 0)
        return ERR_HOST;
    return (int64_t)n + 1;
}

/* The same of a reg-name or an IPv4 address. */
static int64_t
name_len(et_str s, unsigned *seen)
{
    unsigned all = 0, c;
    size_t i;

    for (i = 0; i < s.n; i++) {
        c = ascii_class[(unsigned char)s.p[i]];
        if (LIKELY(c & ASCII_REGNAME)) {
            all |= c;
            continue;
        }
        if (s.p[i] == ':')
            break;
        if (s.p[i] != '%' || percent_byte(s, i) < 0)
            return ERR_HOST;
    }
    *seen |= all;
    return (int64_t)i;
}

/* What follows the name: nothing, ":" or ":port". */
#define PORT_DIGITS_MAX 9 /* leading zeros are in the grammar */

static int
parse_port(et_str s, int32_t *port)
{
    uint32_t v = 0;

    *port = -1;
    if (s.n == 0)
        return 0;
    if (s.p[0] != ':' || s.n > PORT_DIGITS_MAX + 1)
        return ERR_HOST;
    if (s.n == 1)
        return 0;
    for (size_t i = 1; i < s.n; i++) {
        unsigned digit = (unsigned)((unsigned char)s.p[i] - '0');
        if (digit > 9)
            return ERR_HOST;
        v = v * 10 + digit;
    }
    if (v > 65535)
        return ERR_HOST;
    *port = (int32_t)v;
    return 0;
}

int
uri_host_parse(et_str s, struct uri_host *out)
{
    unsigned seen = 0;
    int64_t n;

    out->is_v6 = s.n > 0 && s.p[0] == '[';
    n = out->is_v6 ? literal_len(s, &seen) : name_len(s, &seen);
    if (n < 0)
        return ERR_HOST;
    out->name = (et_str){s.p, (size_t)n};
    if (parse_port((et_str){s.p + n, s.n - (size_t)n}, &out->port) < 0)
        return ERR_HOST;
    out->has_upper = (seen & ASCII_UPPER) != 0;
    if (n > 0 && s.p[n - 1] == '.' && --out->name.n == 0)
        return ERR_HOST;
    return 0;
}

void
uri_host_lower(et_str s, char *out)
{
    for (size_t i = 0; i < s.n; i++)
        out[i] = ascii_lower(s.p[i]);
}
