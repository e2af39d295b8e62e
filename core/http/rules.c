/* SPDX-License-Identifier: BSD-2-Clause */
/* rules.c - collecting rules and scopes; see rules.h. */
#include "http/rules.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "http/vhost.h"

#define WHY_BYTES 512

void
rules_init(struct rules *s, struct arena *a)
{
    memset(s, 0, sizeof *s);
    s->arena = a;
}

int
rules_fault(struct rules *s, struct diag *d, const struct place *at,
            const char *name, const char *why)
{
    diag_error(d, at, "%s match: %s", name, why);
    s->n_faults++;
    return ERR_INVALID;
}

int
rules_out_of_memory(struct rules *s, struct diag *d)
{
    diag_error(d, NULL, "routes: out of memory");
    s->n_faults++;
    return ERR_NOMEM;
}

/* An array with room for one more element behind n; NULL: out of memory. */
static void *
grown(struct arena *a, void *old, uint32_t n, uint32_t *max, size_t size)
{
    uint32_t room = n > 0 ? 2 * n : 16;
    void *v;

    if (n < *max)
        return old;
    v = arena_alloc(a, room * size);
    if (!v)
        return NULL;
    if (n > 0)
        memcpy(v, old, n * size);
    *max = room;
    return v;
}

static int
copy_hosts(struct rules *s, et_list hosts, et_list *out)
{
    et_str *v = arena_alloc(s->arena, (hosts.n + 1) * sizeof *v);

    for (size_t i = 0; v && i < hosts.n; i++) {
        v[i] = arena_dup(s->arena, hosts.v[i]);
        if (!v[i].p)
            return ERR_NOMEM;
    }
    *out = (et_list){v, hosts.n};
    return v ? 0 : ERR_NOMEM;
}

static int
check_hosts(struct rules *s, struct diag *d, et_list hosts,
            const struct place *at, const char *name)
{
    char why[WHY_BYTES];

    for (size_t i = 0; i < hosts.n; i++) {
        if (vhost_is_valid(hosts.v[i]))
            continue;
        snprintf(why, sizeof why,
                 "expected a host such as example.com or *.example.com, found "
                 "\"%.*s\"",
                 (int)(hosts.v[i].n < 100 ? hosts.v[i].n : 100), hosts.v[i].p);
        return rules_fault(s, d, at, name, why);
    }
    return 0;
}

static int
parse_rule(struct rules *s, struct rules_rule *e, struct diag *d)
{
    struct router_rule *rule = &e->said;
    char why[WHY_BYTES];
    int rc;

    rule->methods = arena_dup(s->arena, rule->methods);
    if (!rule->methods.p || copy_hosts(s, rule->hosts, &rule->hosts) < 0)
        return rules_out_of_memory(s, d);
    rc =
        methods_parse(&s->methods, rule->methods, &e->methods, why, sizeof why);
    if (rc < 0)
        return rules_fault(s, d, &rule->at, rule->name, why);
    rc = pattern_parse(s->arena, rule->pattern, &e->pattern, why, sizeof why);
    if (rc < 0)
        return rules_fault(s, d, &rule->at, rule->name, why);
    rule->pattern = e->pattern.text;
    rule->params = e->pattern.params;
    rule->n_params = e->pattern.n_params;
    rule->has_tail =
        e->pattern.segments[e->pattern.n_segments - 1].kind == PATTERN_TAIL;
    return check_hosts(s, d, rule->hosts, &rule->at, rule->name);
}

void
rules_add(struct rules *s, const struct router_rule *rule, struct diag *d)
{
    struct rules_rule *e;

    e = grown(s->arena, s->rules, s->n_rules, &s->max_rules, sizeof *e);
    if (!e) {
        rules_out_of_memory(s, d);
        return;
    }
    s->rules = e;
    e += s->n_rules;
    memset(e, 0, sizeof *e);
    e->said = *rule;
    if (parse_rule(s, e, d) < 0)
        return;
    if (e->pattern.n_params > s->max_params)
        s->max_params = e->pattern.n_params;
    s->n_rules++;
}

/* Text segments, then a bare tail. */
static int
is_prefix(const struct pattern *p)
{
    const struct pattern_segment *last = &p->segments[p->n_segments - 1];

    return p->n_params == 1 && last->kind == PATTERN_TAIL &&
           last->text.p[0] == '*';
}

static int
parse_scope(struct rules *s, struct scopes_item *item, et_str pattern,
            struct diag *d)
{
    char why[WHY_BYTES];

    if (copy_hosts(s, item->hosts, &item->hosts) < 0)
        return rules_out_of_memory(s, d);
    if (pattern_parse(s->arena, pattern, &item->pattern, why, sizeof why) < 0)
        return rules_fault(s, d, &item->at, item->name, why);
    if (!is_prefix(&item->pattern)) {
        snprintf(why, sizeof why,
                 "expected a prefix without parameters that ends in /*, such "
                 "as /api/*, found \"%.*s\"",
                 (int)(pattern.n < 100 ? pattern.n : 100), pattern.p);
        return rules_fault(s, d, &item->at, item->name, why);
    }
    return check_hosts(s, d, item->hosts, &item->at, item->name);
}

void
rules_add_scope(struct rules *s, const struct router_scope *scope,
                struct diag *d)
{
    struct scopes_item *item;

    item =
        grown(s->arena, s->scopes, s->n_scopes, &s->max_scopes, sizeof *item);
    if (!item) {
        rules_out_of_memory(s, d);
        return;
    }
    s->scopes = item;
    item += s->n_scopes;
    *item = (struct scopes_item){.hosts = scope->hosts,
                                 .target = scope->target,
                                 .at = scope->at,
                                 .name = scope->name};
    if (parse_scope(s, item, scope->pattern, d) == 0)
        s->n_scopes++;
}
