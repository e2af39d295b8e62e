/* SPDX-License-Identifier: BSD-2-Clause */
/* json_read.c - see json_read.h. */
#include "base/json_read.h"

#include <string.h>

#include "base/err.h"
#include "base/str.h"

/* Brackets of a value that is skipped. */
#define DEPTH_MAX 64

/* ---- bytes ---------------------------------------------------------------*/

static void
skip_blanks(struct json_read *r)
{
    while (r->p < r->end &&
           (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

/* The next byte that is no blank, and it is behind us; 0: there is none. */
static char
take(struct json_read *r)
{
    skip_blanks(r);
    return r->p < r->end ? *r->p++ : '\0';
}

static char
peek(struct json_read *r)
{
    skip_blanks(r);
    return r->p < r->end ? *r->p : '\0';
}

/* ---- strings -------------------------------------------------------------*/

static int
hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The four digits of \uXXXX, which begin at p; -1: they are not. */
static int32_t
hex4(const char *p, const char *end)
{
    int32_t value = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(p[i]);
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static char *
put_utf8(char *to, int32_t c)
{
    if (c < 0x80) {
        *to++ = (char)c;
    } else if (c < 0x800) {
        *to++ = (char)(0xc0 | c >> 6);
        *to++ = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        *to++ = (char)(0xe0 | c >> 12);
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    } else {
        *to++ = (char)(0xf0 | c >> 18);
        *to++ = (char)(0x80 | (c >> 12 & 0x3f));
        *to++ = (char)(0x80 | (c >> 6 & 0x3f));
        *to++ = (char)(0x80 | (c & 0x3f));
    }
    return to;
}

#define IS_HIGH(c) ((c) >= 0xd800 && (c) <= 0xdbff)
#define IS_LOW(c) ((c) >= 0xdc00 && (c) <= 0xdfff)

/* What follows \u, of one character or a pair; NULL: it is neither. */
static char *
take_unicode(struct json_read *r, char *to)
{
    int32_t c = hex4(r->p, r->end), low;

    if (c <= 0 || IS_LOW(c)) /* no NUL either: texts end up as C strings */
        return NULL;
    r->p += 4;
    if (!IS_HIGH(c))
        return put_utf8(to, c);
    if (r->end - r->p < 6 || r->p[0] != '\\' || r->p[1] != 'u')
        return NULL;
    low = hex4(r->p + 2, r->end);
    if (!IS_LOW(low))
        return NULL;
    r->p += 6;
    return put_utf8(to, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
}

static char *
take_escape(struct json_read *r, char *to)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *at;
    char c = r->p < r->end ? *r->p++ : '\0';

    if (c == 'u')
        return take_unicode(r, to);
    at = c ? strchr(names, c) : NULL;
    if (!at)
        return NULL;
    *to++ = values[at - names];
    return to;
}

/* The quote that opens it is behind us. */
static int
take_string(struct json_read *r, et_str *out)
{
    char *from = r->p, *to = r->p;

    while (r->p < r->end) {
        unsigned char c = (unsigned char)*r->p;
        size_t n;
        if (c == '"') {
            r->p++;
            *out = (et_str){from, (size_t)(to - from)};
            return 0;
        }
        if (c == '\\') {
            r->p++;
            to = take_escape(r, to);
            if (!to)
                return ERR_INVALID;
            continue;
        }
        n = str_utf8_len(r->p, (size_t)(r->end - r->p));
        if (c < ' ' || n == 0)
            return ERR_INVALID;
        memmove(to, r->p, n);
        to += n;
        r->p += n;
    }
    return ERR_INVALID;
}

/* ---- other values --------------------------------------------------------*/

/* Literals and numbers: a run of letters, digits, signs and points. */
static et_str
take_word(struct json_read *r)
{
    char *from = r->p;

    while (r->p < r->end && ((*r->p >= 'a' && *r->p <= 'z') || *r->p == 'E' ||
                             (*r->p >= '0' && *r->p <= '9') || *r->p == '+' ||
                             *r->p == '-' || *r->p == '.'))
        r->p++;
    return (et_str){from, (size_t)(r->p - from)};
}

/* A whole number that is one of int64_t. */
static int
to_number(et_str s, int64_t *out)
{
    int is_below = s.n > 0 && s.p[0] == '-';
    et_str digits = {s.p + is_below, s.n - (size_t)is_below};
    uint64_t value;

    if (str_to_u64(digits, &value) < 0 || value > INT64_MAX ||
        (digits.n > 1 && digits.p[0] == '0'))
        return ERR_INVALID;
    *out = is_below ? -(int64_t)value : (int64_t)value;
    return 0;
}

/* A number that is none of ours: with a fraction or an exponent, or too large.
 */
static int
is_numberlike(et_str s)
{
    if (s.n == 0)
        return 0;
    for (size_t i = s.p[0] == '-'; i < s.n; i++) {
        if (!memchr("0123456789.eE+-", s.p[i], 15))
            return 0;
    }
    return s.n > 1 || (s.p[0] >= '0' && s.p[0] <= '9');
}

static int
take_scalar(struct json_read *r, struct json_value *v)
{
    et_str word = take_word(r);

    if (str_eq(word, str_lit("true")) || str_eq(word, str_lit("false"))) {
        v->type = JSON_BOOL;
        v->number = word.n == 4;
    } else if (str_eq(word, str_lit("null"))) {
        v->type = JSON_NULL;
    } else if (to_number(word, &v->number) == 0) {
        v->type = JSON_NUMBER;
    } else if (is_numberlike(word)) {
        v->type = JSON_OTHER;
    } else {
        return ERR_INVALID;
    }
    return 0;
}

/* An object or a list, its opening bracket before us: brackets that match, with
 * strings that are whole. */
static int
skip_nested(struct json_read *r)
{
    char closing[DEPTH_MAX];
    int depth = 0;

    do {
        char c = take(r);
        et_str text;
        if (c == '\0')
            return ERR_INVALID;
        if (c == '{' || c == '[') {
            if (depth == DEPTH_MAX)
                return ERR_INVALID;
            closing[depth++] = c == '{' ? '}' : ']';
        } else if (c == '}' || c == ']') {
            if (closing[--depth] != c)
                return ERR_INVALID;
        } else if (c == '"' && take_string(r, &text) < 0) {
            return ERR_INVALID;
        }
    } while (depth > 0);
    return 0;
}

static int
take_value(struct json_read *r, struct json_value *v)
{
    switch (peek(r)) {
    case '"':
        r->p++;
        v->type = JSON_STRING;
        return take_string(r, &v->text);
    case '[':
        r->p++;
        v->type = JSON_LIST;
        r->is_in_list = 1;
        return 0;
    case '{': v->type = JSON_OTHER; return skip_nested(r);
    default: return take_scalar(r, v);
    }
}

/* ---- the object ----------------------------------------------------------*/

void
json_read_init(struct json_read *r, char *p, size_t n)
{
    *r = (struct json_read){.p = p, .end = p + n};
}

/* Whatever is in the list, up to its end. */
static int
skip_list(struct json_read *r)
{
    while (r->is_in_list) {
        struct json_value v;
        int rc;
        if (r->is_in_list == 1 && peek(r) == ']') {
            r->p++;
            break;
        }
        if (r->is_in_list == 2) {
            char c = take(r);
            if (c == ']')
                break;
            if (c != ',')
                return ERR_INVALID;
        }
        rc = peek(r) == '[' ? skip_nested(r) : take_value(r, &v);
        if (rc < 0)
            return rc;
        r->is_in_list = 2;
    }
    r->is_in_list = 0;
    return 0;
}

static int
finish(struct json_read *r)
{
    skip_blanks(r);
    r->is_over = r->p == r->end;
    return r->is_over ? 0 : ERR_INVALID;
}

int
json_read_next(struct json_read *r, struct json_value *v)
{
    char c;

    if (r->is_over)
        return 0;
    if (skip_list(r) < 0)
        return ERR_INVALID;
    c = take(r);
    if (!r->is_begun) {
        if (c != '{')
            return ERR_INVALID;
        r->is_begun = 1;
        c = take(r);
    } else if (c == ',') {
        c = take(r);
        if (c != '"')
            return ERR_INVALID;
    } else if (c != '}') {
        return ERR_INVALID;
    }
    if (c == '}')
        return finish(r);
    *v = (struct json_value){.type = JSON_OTHER};
    if (c != '"' || take_string(r, &v->name) < 0 || take(r) != ':' ||
        take_value(r, v) < 0)
        return ERR_INVALID;
    return 1;
}

int
json_read_item(struct json_read *r, et_str *item)
{
    char c;

    if (!r->is_in_list)
        return 0;
    c = take(r);
    if (c == ']') {
        r->is_in_list = 0;
        return 0;
    }
    if (r->is_in_list == 2) {
        if (c != ',')
            return ERR_INVALID;
        c = take(r);
    }
    r->is_in_list = 2;
    return c == '"' && take_string(r, item) == 0 ? 1 : ERR_INVALID;
}
