/* SPDX-License-Identifier: BSD-2-Clause */
/* policy.c - see policy.h. */
#include "policy.h"

/* Statuses that are stored when the answer says for how long.  Whatever is not
 * here is not: 206 and 304 are parts of something (RFC 9111 3.3, 3.4); most of
 * 4xx answers one client, his fields, his pace or his connection (401, 408,
 * 412, 416, 429, 431 ...); a server in trouble (5xx) may still say what it was
 * about to say; and what is not known here is not understood (3). */
static int
is_storable(uint32_t status)
{
    switch (status) {
    case 200:
    case 203:
    case 204:
    case 300:
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
    case 404:
    case 405:
    case 410:
    case 414: /* the target is the key */
    case 451: return 1;
    default: return 0;
    }
}

/* And those that are stored for as long as the rules say (RFC 9110 15.1). */
static int64_t
ttl_of(const struct rules *rules, uint32_t status)
{
    switch (status) {
    case 200:
    case 203:
    case 300:
    case 301:
    case 308: return rules->ttl_ms;
    case 404:
    case 410: return rules->ttl_negative_ms;
    default: return 0;
    }
}

/* RFC 9111 4.2.1 */
static int64_t
lifetime_ms(const struct rules *rules, const struct facts *f)
{
    int64_t t;
    if (f->control.s_maxage >= 0)
        return f->control.s_maxage * 1000;
    if (f->control.max_age >= 0)
        return f->control.max_age * 1000;
    if (!f->expires.p)
        return ttl_of(rules, f->status);
    if (et_to_date(f->expires, &t) < 0 || t <= f->now_s)
        return 0; /* 5.3: no date is one in the past */
    t -= f->now_s;
    return (t < CONTROL_MAX_S ? t : CONTROL_MAX_S) * 1000;
}

/* How long beyond being fresh: what the answer says, else the rules, which do
 * not go against what it says otherwise (4.2.4). */
static int64_t
beyond(const struct control *c, int64_t says_s, int64_t rule_ms)
{
    if (c->must_revalidate || c->proxy_revalidate)
        return 0;
    if (says_s >= 0)
        return says_s * 1000;
    return c->s_maxage >= 0 ? 0 : rule_ms;
}

static void
add_stale(const struct control *c, int64_t while_rule_ms, int64_t error_rule_ms,
          struct terms *t)
{
    t->while_ms =
        t->fresh_ms + beyond(c, c->stale_while_revalidate, while_rule_ms);
    t->error_ms = t->fresh_ms + beyond(c, c->stale_if_error, error_rule_ms);
}

int
policy_judge(const struct rules *rules, const struct facts *f,
             struct terms *out)
{
    const struct control *c = &f->control;
    out->is_public = c->is_public || c->s_maxage >= 0 || c->must_revalidate;
    if (c->no_store || c->no_cache || c->is_private || f->sets_cookie ||
        f->varies_on_all || !is_storable(f->status) ||
        (f->is_authorized && !out->is_public))
        return 0;
    out->age_ms = f->age.p ? control_seconds(et_trim(f->age)) * 1000 : 0;
    out->fresh_ms = lifetime_ms(rules, f);
    add_stale(c, 0, 0, out);
    if (policy_use(out, out->age_ms) >= USE_ERROR)
        return 0; /* and for being stale the rules store nothing (3) */
    add_stale(c, rules->stale_while_revalidate_ms, rules->stale_if_error_ms,
              out);
    return 1;
}

enum use
policy_use(const struct terms *t, int64_t age_ms)
{
    if (age_ms < t->fresh_ms)
        return USE_FRESH;
    if (age_ms < t->while_ms)
        return USE_WHILE;
    return age_ms < t->error_ms ? USE_ERROR : USE_NOT;
}

int
policy_invalidates(uint32_t method, uint32_t status)
{
    return method != ET_M_GET && method != ET_M_HEAD &&
           method != ET_M_OPTIONS && method != ET_M_TRACE &&
           method != ET_M_CONNECT && status >= 200 && status < 400;
}
