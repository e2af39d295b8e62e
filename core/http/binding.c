/* SPDX-License-Identifier: BSD-2-Clause */
/* binding.c - targets of rules below scopes; see binding.h. */
#include "http/binding.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "http/rules.h"
#include "http/scopes.h"
#include "http/vhost.h"

struct builder {
    struct bindings *out;
    struct arena *a;
    const struct binding_source *from;
    uint8_t *seen;  /* by set */
    void **targets; /* of a set's scopes */
};

/* Mark the sets that requests can be in which reach a rule by its host group:
 * those whose first group is this one or leads to it. */
static void
mark_group(struct builder *b, const struct pattern *p, uint32_t group)
{
    const struct scopes *s = b->from->scopes;
    const struct vhost *v = b->from->vhost;
    const struct scopes_region *last = NULL;

    for (uint32_t g = 0; g < v->n_groups; g++) {
        if (s->regions[g] == last || !vhost_includes(v, g, group))
            continue;
        last = s->regions[g];
        scopes_mark(s, g, p, b->seen);
    }
}

static void
mark_rule(struct builder *b, const struct rules_rule *rule)
{
    const et_list *hosts = &rule->said.hosts;

    memset(b->seen, 0, b->from->scopes->n_sets);
    if (hosts->n == 0)
        mark_group(b, &rule->pattern, 0);
    for (size_t h = 0; h < hosts->n; h++)
        mark_group(b, &rule->pattern, vhost_of(b->from->vhost, hosts->v[h]));
}

static int
bind(struct builder *b, void *target, uint32_t set, void **out)
{
    uint32_t n = scopes_targets(b->from->scopes, set, b->targets);

    *out = b->from->bind(b->from->arg, target, b->targets, n);
    return *out ? 0 : ERR_INVALID;
}

static int
bind_rule(struct builder *b, const struct rules_rule *rule, struct binding *out)
{
    uint32_t n_sets = b->from->scopes->n_sets, n = 0;
    struct binding_case *cases;

    mark_rule(b, rule);
    for (uint32_t set = 0; set < n_sets; set++)
        n += b->seen[set];
    cases = arena_alloc(b->a, n * sizeof *cases);
    if (!cases)
        return ERR_NOMEM;
    n = 0;
    for (uint32_t set = 0; set < n_sets; set++) {
        if (!b->seen[set])
            continue;
        cases[n].set = set;
        if (bind(b, rule->said.target, set, &cases[n++].target) < 0)
            return ERR_INVALID;
    }
    out->cases = cases;
    out->n_cases = n;
    out->target = cases[0].target;
    return 0;
}

static int
bind_misses(struct builder *b)
{
    uint32_t n_sets = b->from->scopes->n_sets;
    int rc = 0;

    memset(b->seen, 0, n_sets);
    scopes_mark_all(b->from->scopes, b->seen);
    for (uint32_t set = 0; set < n_sets && rc == 0; set++) {
        if (b->seen[set])
            rc = bind(b, NULL, set, &b->out->misses[set]);
    }
    return rc;
}

static int
reserve(struct builder *b)
{
    const struct rules *rules = b->from->rules;
    uint32_t n_sets = b->from->scopes->n_sets;

    b->out->rules = arena_zalloc(b->a, rules->n_rules * sizeof(struct binding));
    b->out->misses = arena_zalloc(b->a, n_sets * sizeof(void *));
    b->seen = arena_alloc(b->a, n_sets);
    b->targets = arena_alloc(b->a, rules->n_scopes * sizeof(void *));
    if (!b->out->rules || !b->out->misses || !b->seen || !b->targets)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < rules->n_rules; i++) {
        b->out->rules[i].rule = &rules->rules[i].said;
        b->out->rules[i].target = rules->rules[i].said.target;
    }
    return 0;
}

int
binding_build(struct bindings *b, struct arena *a,
              const struct binding_source *source)
{
    struct builder builder = {.out = b, .a = a, .from = source};
    const struct rules *rules = source->rules;
    int rc = reserve(&builder);

    if (rc < 0 || !source->bind)
        return rc;
    rc = bind_misses(&builder);
    for (uint32_t i = 0; i < rules->n_rules && rc == 0; i++)
        rc = bind_rule(&builder, &rules->rules[i], &b->rules[i]);
    return rc;
}

void *
binding_target(const struct binding *b, uint32_t set)
{
    uint32_t low = 0, high = b->n_cases;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (b->cases[middle].set <= set)
            low = middle;
        else
            high = middle;
    }
    CHECK(b->cases[low].set == set);
    return b->cases[low].target;
}
