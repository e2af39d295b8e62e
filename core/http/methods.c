/* SPDX-License-Identifier: BSD-2-Clause */
/* methods.c - the methods that rules name; see methods.h. */
#include "http/methods.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"

#define SHOWN_BYTES 40

static et_str
trim(et_str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t'))
        s = (et_str){s.p + 1, s.n - 1};
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

uint32_t
methods_further(const struct methods *s, et_str token)
{
    for (uint32_t i = 0; i < s->n_further; i++) {
        if (str_eq(s->further[i], token))
            return METHOD_COUNT + i;
    }
    return ET_M_OTHER;
}

/* The known method that token would be in capitals; ET_M_OTHER if none. */
static uint32_t
in_capitals(et_str token)
{
    char text[16];

    if (token.n > sizeof text)
        return ET_M_OTHER;
    for (size_t i = 0; i < token.n; i++) {
        char c = token.p[i];
        text[i] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
    }
    return method_parse((et_str){text, token.n});
}

/* The number of a token in a rule, made if need be; 0 and why if it is none. */
static uint32_t
number_of(struct methods *s, et_str token, char *why, size_t cap)
{
    int shown = token.n < SHOWN_BYTES ? (int)token.n : SHOWN_BYTES;
    uint32_t m = method_parse(token);

    if (m == ET_M_OTHER)
        m = methods_further(s, token);
    if (m != ET_M_OTHER)
        return m;
    if (!method_is_token(token) || str_eq(token, str_lit("*"))) {
        snprintf(why, cap,
                 "expected a method, \"GET,POST\" or \"*\", found "
                 "\"%.*s\"",
                 shown, token.p);
        return 0;
    }
    m = in_capitals(token);
    if (m != ET_M_OTHER) {
        snprintf(why, cap, "methods are written in capitals: %s, not %.*s",
                 method_name(m).p, shown, token.p);
        return 0;
    }
    if (s->n_further == METHODS_MAX_FURTHER) {
        snprintf(why, cap,
                 "\"%.*s\" is one method too many: at most %u "
                 "beside those of RFC 9110",
                 shown, token.p, METHODS_MAX_FURTHER);
        return 0;
    }
    s->further[s->n_further++] = token;
    return METHOD_COUNT + s->n_further - 1;
}

static int
add_token(struct methods *s, et_str token, uint32_t *mask, char *why,
          size_t cap)
{
    uint32_t m = number_of(s, token, why, cap);

    if (m == 0)
        return ERR_INVALID;
    if (m == ET_M_CONNECT) { /* answered before a route is looked for */
        snprintf(why, cap,
                 "CONNECT asks for a tunnel, which this server does not open: "
                 "the route is unreachable");
        return ERR_INVALID;
    }
    if (*mask & method_bit(m)) {
        snprintf(why, cap, "the method %.*s is there twice", (int)token.n,
                 token.p);
        return ERR_INVALID;
    }
    *mask |= method_bit(m);
    return 0;
}

int
methods_parse(struct methods *s, et_str text, uint32_t *mask, char *why,
              size_t cap)
{
    int rc = 0;

    *mask = METHODS_ANY;
    text = trim(text);
    if (str_eq(text, str_lit("*")))
        return 0;
    *mask = 0;
    for (size_t at = 0; at <= text.n && rc == 0;) {
        size_t to = at;
        while (to < text.n && text.p[to] != ',')
            to++;
        rc = add_token(s, trim((et_str){text.p + at, to - at}), mask, why, cap);
        at = to + 1;
    }
    return rc;
}

static et_str
name_of(const struct methods *s, uint32_t m)
{
    if (m == ET_M_OTHER)
        return (et_str){"*", 1};
    return m < METHOD_COUNT ? method_name(m) : s->further[m - METHOD_COUNT];
}

size_t
methods_list(const struct methods *s, uint32_t mask, char *out, size_t cap)
{
    size_t n = 0;

    for (uint32_t m = 0; m < methods_count(s); m++) {
        et_str name = name_of(s, m);
        size_t comma = n > 0 ? 2 : 0;
        if (!(mask & method_bit(m)) || n + comma + name.n > cap)
            continue;
        memcpy(out + n, ", ", comma);
        memcpy(out + n + comma, name.p, name.n);
        n += comma + name.n;
    }
    return n;
}
