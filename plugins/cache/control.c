/* SPDX-License-Identifier: BSD-2-Clause */
/* control.c - see control.h. */
#include "control.h"

void
control_init(struct control *c)
{
    memset(c, 0, sizeof *c);
    c->max_age = c->s_maxage = -1;
    c->stale_while_revalidate = c->stale_if_error = -1;
}

int64_t
control_seconds(et_str s)
{
    int64_t t = 0;
    size_t i;
    for (i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return 0;
        if (t < CONTROL_MAX_S)
            t = 10 * t + (s.p[i] - '0');
    }
    return t < CONTROL_MAX_S ? t : CONTROL_MAX_S;
}

/* Cut the next member off the list: what is in front of a comma that is in no
 * quoted string.  A quote that begins no value, or is never closed, might hide
 * anything, also a no-store: then *is_odd. */
static et_str
next_member(et_str *list, int *is_odd)
{
    const char *p = list->p, *end = p + list->n, *from = p;
    int is_quoted = 0;
    for (; p < end && (is_quoted || *p != ','); p++) {
        if (*p == '"') {
            *is_odd |= !is_quoted && (p == from || p[-1] != '=');
            is_quoted = !is_quoted;
        } else if (*p == '\\' && is_quoted && p + 1 < end) {
            p++;
        }
    }
    *is_odd |= is_quoted;
    *list = p < end ? et_sn(p + 1, (size_t)(end - p - 1)) : et_sn(end, 0);
    return et_trim(et_sn(from, (size_t)(p - from)));
}

static void
put_seconds(int64_t *to, et_str value)
{
    int64_t t;
    if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
        value = et_sn(value.p + 1, value.n - 2);
    t = control_seconds(value);
    if (*to < 0 || t < *to)
        *to = t;
}

static void
put(struct control *c, et_str name, et_str value)
{
    const struct {
        const char *name;
        uint8_t *flag;
        int64_t *seconds;
    } rows[] = {
        {"max-age", NULL, &c->max_age},
        {"s-maxage", NULL, &c->s_maxage},
        {"no-store", &c->no_store, NULL},
        {"no-cache", &c->no_cache, NULL},
        {"private", &c->is_private, NULL},
        {"public", &c->is_public, NULL},
        {"must-revalidate", &c->must_revalidate, NULL},
        {"proxy-revalidate", &c->proxy_revalidate, NULL},
        {"only-if-cached", &c->only_if_cached, NULL},
        {"stale-while-revalidate", NULL, &c->stale_while_revalidate},
        {"stale-if-error", NULL, &c->stale_if_error},
    };
    size_t i;
    for (i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!et_eq_nocase(name, et_s(rows[i].name)))
            continue;
        if (rows[i].flag)
            *rows[i].flag = 1;
        else
            put_seconds(rows[i].seconds, value);
    }
}

void
control_add(struct control *c, et_str value)
{
    int is_odd = 0;
    while (value.n > 0) {
        const et_str member = next_member(&value, &is_odd);
        const char *sign = member.n ? memchr(member.p, '=', member.n) : NULL;
        const size_t n = sign ? (size_t)(sign - member.p) : member.n;
        if (n == 0)
            continue;
        put(c, et_trim(et_sn(member.p, n)),
            sign ? et_trim(et_sn(sign + 1, member.n - n - 1)) : et_s(""));
    }
    if (is_odd)
        c->no_store = 1;
}
