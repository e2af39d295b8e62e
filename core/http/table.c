/* SPDX-License-Identifier: BSD-2-Clause */
/* table.c - from rules to a table, and what is wrong with all of them
 * together; see table.h. */
#include "http/table.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "http/methods.h"
#include "http/pattern.h"
#include "http/router.h"
#include "http/rules.h"

#define WHY_BYTES 512
#define SCRATCH_MAX_BYTES ((size_t)1 << 31)

struct builder {
    struct table *t;
    struct arena *a;
    struct rules *rules;
    struct diag *d;
};

static size_t
uses_of(const struct rules_rule *rule)
{
    return rule->said.hosts.n > 0 ? rule->said.hosts.n : 1;
}

static void
add_hosts(struct vhost *v, et_list hosts)
{
    for (size_t i = 0; i < hosts.n; i++)
        vhost_add(v, hosts.v[i]);
}

static int
build_hosts(struct builder *b)
{
    const struct rules *rules = b->rules;
    size_t n = 0;

    for (uint32_t i = 0; i < rules->n_rules; i++)
        n += rules->rules[i].said.hosts.n;
    for (uint32_t i = 0; i < rules->n_scopes; i++)
        n += rules->scopes[i].hosts.n;
    if (n > UINT32_MAX / 2 || vhost_init(&b->t->vhost, b->a, (uint32_t)n) < 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < rules->n_rules; i++)
        add_hosts(&b->t->vhost, rules->rules[i].said.hosts);
    for (uint32_t i = 0; i < rules->n_scopes; i++)
        add_hosts(&b->t->vhost, rules->scopes[i].hosts);
    vhost_link(&b->t->vhost);
    return 0;
}

static int
reserve(struct builder *b)
{
    struct table *t = b->t;
    const struct rules *rules = b->rules;
    uint32_t n_groups = t->vhost.n_groups;
    size_t n_uses = 0, n_nodes = 2u * (size_t)n_groups;

    for (uint32_t i = 0; i < rules->n_rules; i++) {
        const struct rules_rule *rule = &rules->rules[i];
        size_t n = rule->pattern.path.p ? 1 : rule->pattern.n_segments;
        n_uses += uses_of(rule);
        n_nodes += uses_of(rule) * n;
    }
    if (n_nodes > UINT32_MAX / 2 ||
        tree_init(&t->tree, b->a, (uint32_t)n_nodes) < 0 ||
        endpoint_init(&t->endpoint, b->a, (uint32_t)n_uses,
                      methods_count(&rules->methods)) < 0)
        return ERR_NOMEM;
    t->roots = arena_alloc(b->a, n_groups * sizeof *t->roots);
    if (!t->roots)
        return ERR_NOMEM;
    for (uint32_t g = 0; g < n_groups; g++) {
        t->roots[g].paths = tree_add_root(&t->tree);
        t->roots[g].patterns = tree_add_root(&t->tree);
    }
    return 0;
}

static void
report_conflict(struct builder *b, const struct router_rule *rule,
                const struct router_rule *other, uint32_t methods,
                uint32_t group)
{
    char list[WHY_BYTES];
    et_str host = b->t->vhost.groups[group].host;
    size_t n = methods_list(&b->rules->methods, methods, list, sizeof list);

    diag_error(b->d, &rule->at,
               "%s match: %.*s %.*s%.*s is served already, as %.*s %.*s of %s "
               "at %s:%u",
               rule->name, (int)n, list, (int)host.n, host.n ? host.p : "",
               (int)rule->pattern.n, rule->pattern.p, (int)other->methods.n,
               other->methods.p, (int)other->pattern.n, other->pattern.p,
               other->name, other->at.file ? other->at.file : "",
               other->at.line);
    b->rules->n_faults++;
}

/* Give a rule its methods at an end; tell each other rule that has some of
 * them already. */
static void
claim(struct builder *b, uint32_t index, uint32_t end, uint32_t group)
{
    const struct rules_rule *v = b->rules->rules;
    uint32_t todo = v[index].methods, last = 0, both = 0;

    while (todo != 0) {
        uint32_t bit = todo & -todo;
        uint32_t owner = endpoint_claim(&b->t->endpoint, end, &todo, index + 1);
        if (owner == 0 || owner == index + 1)
            continue;
        if (last != 0 && owner != last) {
            report_conflict(b, &v[index].said, &v[last - 1].said, both, group);
            both = 0;
        }
        last = owner;
        both |= bit;
    }
    if (last != 0)
        report_conflict(b, &v[index].said, &v[last - 1].said, both, group);
}

static void
insert(struct builder *b, uint32_t index, uint32_t group)
{
    struct table *t = b->t;
    const struct table_roots *roots = &t->roots[group];
    const struct pattern *p = &b->rules->rules[index].pattern;
    uint32_t *end;

    if (p->path.p) {
        uint32_t node = tree_add_child(&t->tree, roots->paths, p->path);
        end = &t->tree.nodes[node].end;
    } else {
        end = tree_add_pattern(&t->tree, roots->patterns, p);
    }
    if (*end == 0)
        *end = endpoint_add(&t->endpoint);
    claim(b, index, *end, group);
}

static void
insert_all(struct builder *b)
{
    struct table *t = b->t;

    for (uint32_t i = 0; i < b->rules->n_rules; i++) {
        const et_list *hosts = &b->rules->rules[i].said.hosts;
        if (hosts->n == 0)
            insert(b, i, 0);
        for (size_t h = 0; h < hosts->n; h++)
            insert(b, i, vhost_of(&t->vhost, hosts->v[h]));
    }
    for (uint32_t g = 0; g < t->vhost.n_groups; g++) {
        if (tree_is_empty(&t->tree, t->roots[g].patterns))
            t->roots[g].patterns = 0;
    }
    endpoint_seal(&t->endpoint);
}

/* Any rule of an end. */
static const struct router_rule *
rule_at(const struct builder *b, uint32_t end)
{
    const struct endpoint *e = &b->t->endpoint;
    const uint32_t *row = e->rows + (size_t)end * e->stride;
    uint32_t i = ENDPOINT_ANY;

    while (row[i] == 0)
        i++;
    return &b->rules->rules[row[i] - 1].said;
}

static void
report_ways(struct builder *b, const struct tree_way *way)
{
    const struct router_rule *rule = rule_at(b, way->end);
    char why[WHY_BYTES];

    snprintf(why, sizeof why,
             "%.*s and others like it, with text and parameters at the same "
             "places, overlap too much: a request would have to be tried in "
             "%u ways (at most %u)",
             (int)(rule->pattern.n < 200 ? rule->pattern.n : 200),
             rule->pattern.p, way->ways, ROUTER_MAX_WAYS);
    rules_fault(b->rules, b->d, &rule->at, rule->name, why);
}

/* Refuse groups whose walks could get too wide. */
static int
check_ways(struct builder *b)
{
    struct arena scratch;
    const struct tree_way *way;

    arena_init(&scratch, NULL, 0, NULL, SCRATCH_MAX_BYTES);
    way = tree_ways(&b->t->tree, &scratch);
    for (uint32_t g = 0; way && g < b->t->vhost.n_groups; g++) {
        const struct tree_way *w = &way[b->t->roots[g].patterns];
        if (w->ways > ROUTER_MAX_WAYS)
            report_ways(b, w);
    }
    arena_reset(&scratch);
    return way ? 0 : ERR_NOMEM;
}

int
table_build(struct table *t, struct arena *a, struct rules *rules,
            struct diag *d)
{
    struct builder b = {.t = t, .a = a, .rules = rules, .d = d};
    int rc = build_hosts(&b);

    if (rc == 0)
        rc = reserve(&b);
    if (rc < 0)
        return rc;
    insert_all(&b);
    return check_ways(&b);
}
