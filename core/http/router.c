/* SPDX-License-Identifier: BSD-2-Clause */
/* router.c - finding, and the parts a router is made of; see router.h.
 *
 *     router_add*   -> rules                       what was said
 *     router_build  -> table, scopes, bindings     the same, to be found
 */
#include "http/router.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/binding.h"
#include "http/methods.h"
#include "http/rules.h"
#include "http/scopes.h"
#include "http/table.h"

struct router {
    struct table table;
    struct bindings bindings;
    struct scopes scopes;
    struct rules rules;
    struct arena *arena;
};

/* ---- making --------------------------------------------------------------*/

struct router *
router_new(struct arena *a)
{
    struct router *r = arena_zalloc(a, sizeof *r);

    if (r) {
        rules_init(&r->rules, a);
        r->arena = a;
    }
    return r;
}

void
router_add(struct router *r, const struct router_rule *rule, struct diag *d)
{
    rules_add(&r->rules, rule, d);
}

void
router_add_scope(struct router *r, const struct router_scope *scope,
                 struct diag *d)
{
    rules_add_scope(&r->rules, scope, d);
}

static int
build(struct router *r, struct diag *d)
{
    int rc = table_build(&r->table, r->arena, &r->rules, d);

    if (rc < 0)
        return rc;
    rc = scopes_build(&r->scopes, r->arena, r->rules.scopes, r->rules.n_scopes,
                      &r->table.vhost, d);
    if (rc < 0)
        return rc;
    return rc > 0 || r->rules.n_faults > 0 ? ERR_INVALID : 0;
}

int
router_build(struct router *r, router_bind *bind, void *arg, struct diag *d)
{
    const struct binding_source source = {.rules = &r->rules,
                                          .scopes = &r->scopes,
                                          .vhost = &r->table.vhost,
                                          .bind = bind,
                                          .arg = arg};
    int rc = build(r, d), bound = rc;

    if (rc != ERR_NOMEM) /* with faults too: bind has its own to tell */
        bound = binding_build(&r->bindings, r->arena, &source);
    if (bound == ERR_NOMEM)
        return rules_out_of_memory(&r->rules, d);
    return rc < 0 ? rc : bound;
}

/* ---- finding -------------------------------------------------------------*/

static uint32_t
find_pattern(const struct router *r, uint32_t root, et_str path,
             uint32_t method, struct router_match *m)
{
    struct tree_walk walk;
    uint32_t end, found = 0;

    if (root == 0)
        return 0;
    tree_walk_start(&walk, &r->table.tree, root, path, m->values);
    while (found == 0 && (end = tree_walk_next(&walk)) != 0)
        found = endpoint_rule(&r->table.endpoint, end, method, &m->allow);
    m->n_visited += walk.n_visited;
    m->n_values = found ? walk.n_values : 0;
    return found;
}

/* The rule (index + 1) of a static path in a group, or 0. */
static inline __attribute__((always_inline)) uint32_t
find_path(const struct router *r, uint32_t group, et_str path, uint32_t method,
          struct router_match *m)
{
    uint32_t node =
        tree_child(&r->table.tree, r->table.roots[group].paths, path);

    if (node == 0)
        return 0;
    return endpoint_rule(&r->table.endpoint, r->table.tree.nodes[node].end,
                         method, &m->allow);
}

/* What find_path did not find in group: its patterns, then the groups after
 * it. */
static uint32_t
find_further(const struct router *r, uint32_t group, et_str path,
             uint32_t method, struct router_match *m)
{
    uint32_t found;

    for (;;) {
        found =
            find_pattern(r, r->table.roots[group].patterns, path, method, m);
        group = r->table.vhost.groups[group].next;
        if (found != 0 || group == VHOST_END)
            return found;
        found = find_path(r, group, path, method, m);
        if (found != 0)
            return found;
    }
}

/* Whether the path with the final slash toggled would be found. */
static __attribute__((noinline)) int
find_other_form(const struct router *r, uint32_t group, et_str path,
                uint32_t method, const struct router_match *m)
{
    char text[ROUTER_SLASH_MAX_BYTES + 1];
    struct router_match other = {.values = m->values};

    if (path.n > ROUTER_SLASH_MAX_BYTES || path.n < 2 || path.p[0] != '/')
        return 0;
    if (path.p[path.n - 1] == '/') {
        path.n--;
        if (path.p[path.n - 1] == '/') /* a repeated slash is no final one */
            return 0;
    } else {
        memcpy(text, path.p, path.n);
        text[path.n] = '/';
        path = (et_str){text, path.n + 1};
    }
    return find_path(r, group, path, method, &other) != 0 ||
           find_further(r, group, path, method, &other) != 0;
}

static __attribute__((noinline)) enum router_result
find_nothing(const struct router *r, uint32_t group, et_str path,
             uint32_t method, struct router_match *m)
{
    m->rule = NULL;
    m->n_values = 0;
    m->target = r->bindings.misses[scopes_find(&r->scopes, group, path)];
    if (m->allow != 0)
        return ROUTER_METHOD;
    return find_other_form(r, group, path, method, m) ? ROUTER_SLASH
                                                      : ROUTER_NOT_FOUND;
}

static __attribute__((noinline)) enum router_result
found_split(const struct router *r, const struct binding *b, uint32_t group,
            et_str path, struct router_match *m)
{
    m->target = binding_target(b, scopes_find(&r->scopes, group, path));
    return ROUTER_FOUND;
}

static inline enum router_result
found_rule(const struct router *r, uint32_t found, uint32_t group, et_str path,
           struct router_match *m)
{
    const struct binding *b = &r->bindings.rules[found - 1];

    m->rule = b->rule;
    m->target = b->target;
    if (UNLIKELY(b->n_cases > 1))
        return found_split(r, b, group, path, m);
    return ROUTER_FOUND;
}

static __attribute__((noinline)) enum router_result
find_slowly(const struct router *r, uint32_t group, et_str path,
            uint32_t method, struct router_match *m)
{
    uint32_t found = 0;

    if (path.n > 0 && path.p[0] == '/')
        found = find_further(r, group, path, method, m);
    if (found == 0)
        return find_nothing(r, group, path, method, m);
    return found_rule(r, found, group, path, m);
}

static inline __attribute__((always_inline)) enum router_result
find_in(const struct router *r, uint32_t group, et_str path, uint32_t method,
        struct router_match *m)
{
    uint32_t found = find_path(r, group, path, method, m);

    if (UNLIKELY(found == 0))
        return find_slowly(r, group, path, method, m);
    return found_rule(r, found, group, path, m);
}

static __attribute__((noinline)) enum router_result
find_named(const struct router *r, const et_req *q, struct router_match *m)
{
    uint32_t group = vhost_find(&r->table.vhost, q->host);
    uint32_t method = methods_number(&r->rules.methods, q->method, q->method_s);

    return find_in(r, group, q->path, method, m);
}

/* The common case, no hosts and a known method, is a straight line without
 * calls. */
enum router_result
router_find(const struct router *r, const et_req *q, struct router_match *m)
{
    m->n_values = 0;
    m->allow = 0;
    m->n_visited = 0;
    if (r->table.vhost.n_groups > 1 || q->method == ET_M_OTHER)
        return find_named(r, q, m);
    return find_in(r, 0, q->path, q->method, m);
}

uint32_t
router_max_params(const struct router *r)
{
    return r->rules.max_params;
}

et_str
router_param(const struct router_rule *rule, const et_str *values, et_str name)
{
    for (uint32_t i = 0; i < rule->n_params; i++) {
        if (str_eq(rule->params[i], name))
            return values[i];
    }
    return (et_str){NULL, 0};
}

size_t
router_allow(const struct router *r, uint32_t mask, char *out, size_t cap)
{
    return methods_list(&r->rules.methods, mask, out, cap);
}

const struct router_rule *
router_rule_at(const struct router *r, uint32_t i)
{
    return i < r->rules.n_rules ? &r->rules.rules[i].said : NULL;
}
