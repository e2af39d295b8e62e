/* SPDX-License-Identifier: BSD-2-Clause */
/* router.c - rules, scopes and hosts put together; see router.h.
 *
 *     router_add*  ->  entries[], scopes' items[]      what was said
 *     router_build ->  vhost, tree, endpoint, scopes   the same, to be found
 *
 * Static paths are children by text of their group's `paths` root, the other
 * patterns stand in the segment tree below its `patterns` root; both lead to
 * ends, an end and a method to an entry. */
#include "http/router.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/endpoint.h"
#include "http/methods.h"
#include "http/pattern.h"
#include "http/scopes.h"
#include "http/tree.h"
#include "http/vhost.h"

#define WHY_BYTES 512
#define SCRATCH_MAX_BYTES ((size_t)1 << 31)

/* The target of a rule in a set of scopes. */
struct bound {
    uint32_t set;
    void *target;
};

struct entry {
    void *target;               /* if n_bounds <= 1 */
    const struct bound *bounds; /* by rising set */
    uint32_t n_bounds;
    uint32_t methods;
    struct router_rule rule;
    struct pattern pattern;
};

struct roots {
    uint32_t paths;
    uint32_t patterns; /* 0: the group has none */
};

struct router {
    struct entry *entries;
    struct roots *roots; /* by group */
    struct tree tree;
    struct endpoint endpoint;
    struct vhost vhost;
    struct scopes scopes;
    struct methods methods;
    void **misses; /* targets where nothing is found, by set */
    uint32_t n_entries, max_entries;
    uint32_t max_params;
    struct arena *arena;
    struct scopes_item *items;
    uint32_t n_items, max_items;
    uint32_t n_faults;
};

/* What router_build works with. */
struct builder {
    struct router *r;
    struct diag *d;
    struct arena scratch;
    router_bind *bind;
    void *arg;
    uint8_t *seen;  /* by set */
    void **targets; /* of a set */
};

/* ---- collecting -----------------------------------------------------------*/

struct router *
router_new(struct arena *a)
{
    struct router *r = arena_zalloc(a, sizeof *r);

    if (r)
        r->arena = a;
    return r;
}

static int
fault(struct router *r, struct diag *d, const struct place *at,
      const char *name, const char *why)
{
    diag_error(d, at, "%s match: %s", name, why);
    r->n_faults++;
    return ERR_INVALID;
}

static int
out_of_memory(struct router *r, struct diag *d)
{
    diag_error(d, NULL, "routes: out of memory");
    r->n_faults++;
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
copy_hosts(struct router *r, et_list hosts, et_list *out)
{
    et_str *v = arena_alloc(r->arena, (hosts.n + 1) * sizeof *v);

    for (size_t i = 0; v && i < hosts.n; i++) {
        v[i] = arena_dup(r->arena, hosts.v[i]);
        if (!v[i].p)
            return ERR_NOMEM;
    }
    *out = (et_list){v, hosts.n};
    return v ? 0 : ERR_NOMEM;
}

static int
check_hosts(struct router *r, struct diag *d, et_list hosts,
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
        return fault(r, d, at, name, why);
    }
    return 0;
}

static int
parse_rule(struct router *r, struct entry *e, struct diag *d)
{
    struct router_rule *rule = &e->rule;
    char why[WHY_BYTES];
    int rc;

    rule->methods = arena_dup(r->arena, rule->methods);
    if (!rule->methods.p || copy_hosts(r, rule->hosts, &rule->hosts) < 0)
        return out_of_memory(r, d);
    rc =
        methods_parse(&r->methods, rule->methods, &e->methods, why, sizeof why);
    if (rc < 0)
        return fault(r, d, &rule->at, rule->name, why);
    rc = pattern_parse(r->arena, rule->pattern, &e->pattern, why, sizeof why);
    if (rc < 0)
        return fault(r, d, &rule->at, rule->name, why);
    rule->pattern = e->pattern.text;
    rule->params = e->pattern.params;
    rule->n_params = e->pattern.n_params;
    return check_hosts(r, d, rule->hosts, &rule->at, rule->name);
}

void
router_add(struct router *r, const struct router_rule *rule, struct diag *d)
{
    struct entry *e;

    e = grown(r->arena, r->entries, r->n_entries, &r->max_entries, sizeof *e);
    if (!e) {
        out_of_memory(r, d);
        return;
    }
    r->entries = e;
    e += r->n_entries;
    memset(e, 0, sizeof *e);
    e->rule = *rule;
    if (parse_rule(r, e, d) < 0)
        return;
    e->target = rule->target;
    if (e->pattern.n_params > r->max_params)
        r->max_params = e->pattern.n_params;
    r->n_entries++;
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
parse_scope(struct router *r, struct scopes_item *item, et_str pattern,
            struct diag *d)
{
    char why[WHY_BYTES];

    if (copy_hosts(r, item->hosts, &item->hosts) < 0)
        return out_of_memory(r, d);
    if (pattern_parse(r->arena, pattern, &item->pattern, why, sizeof why) < 0)
        return fault(r, d, &item->at, item->name, why);
    if (!is_prefix(&item->pattern)) {
        snprintf(why, sizeof why,
                 "expected a prefix without parameters that ends in /*, such "
                 "as /api/*, found \"%.*s\"",
                 (int)(pattern.n < 100 ? pattern.n : 100), pattern.p);
        return fault(r, d, &item->at, item->name, why);
    }
    return check_hosts(r, d, item->hosts, &item->at, item->name);
}

void
router_add_scope(struct router *r, const struct router_scope *scope,
                 struct diag *d)
{
    struct scopes_item *item;

    item = grown(r->arena, r->items, r->n_items, &r->max_items, sizeof *item);
    if (!item) {
        out_of_memory(r, d);
        return;
    }
    r->items = item;
    item += r->n_items;
    *item = (struct scopes_item){.hosts = scope->hosts,
                                 .target = scope->target,
                                 .at = scope->at,
                                 .name = scope->name};
    if (parse_scope(r, item, scope->pattern, d) == 0)
        r->n_items++;
}

/* ---- building
 * ---------------------------------------------------------------*/

static size_t
uses_of(const struct entry *e)
{
    return e->rule.hosts.n > 0 ? e->rule.hosts.n : 1;
}

static void
add_hosts(struct router *r, et_list hosts)
{
    for (size_t i = 0; i < hosts.n; i++)
        vhost_add(&r->vhost, hosts.v[i]);
}

static int
build_hosts(struct router *r)
{
    size_t n = 0;

    for (uint32_t i = 0; i < r->n_entries; i++)
        n += r->entries[i].rule.hosts.n;
    for (uint32_t i = 0; i < r->n_items; i++)
        n += r->items[i].hosts.n;
    if (vhost_init(&r->vhost, r->arena, (uint32_t)n) < 0)
        return ERR_NOMEM;
    for (uint32_t i = 0; i < r->n_entries; i++)
        add_hosts(r, r->entries[i].rule.hosts);
    for (uint32_t i = 0; i < r->n_items; i++)
        add_hosts(r, r->items[i].hosts);
    vhost_link(&r->vhost);
    return 0;
}

static int
reserve(struct router *r)
{
    size_t n_uses = 0, n_nodes = 2u * r->vhost.n_groups;

    for (uint32_t i = 0; i < r->n_entries; i++) {
        const struct entry *e = &r->entries[i];
        n_uses += uses_of(e);
        n_nodes += uses_of(e) * (e->pattern.path.p ? 1 : e->pattern.n_segments);
    }
    if (n_nodes > UINT32_MAX / 2 ||
        tree_init(&r->tree, r->arena, (uint32_t)n_nodes) < 0 ||
        endpoint_init(&r->endpoint, r->arena, (uint32_t)n_uses,
                      methods_count(&r->methods)) < 0)
        return ERR_NOMEM;
    r->roots = arena_alloc(r->arena, r->vhost.n_groups * sizeof *r->roots);
    if (!r->roots)
        return ERR_NOMEM;
    for (uint32_t g = 0; g < r->vhost.n_groups; g++) {
        r->roots[g].paths = tree_add_root(&r->tree);
        r->roots[g].patterns = tree_add_root(&r->tree);
    }
    return 0;
}

static void
report_conflict(struct builder *b, const struct entry *e,
                const struct entry *other, uint32_t methods, uint32_t group)
{
    struct router *r = b->r;
    char list[WHY_BYTES];
    et_str host = r->vhost.groups[group].host;
    size_t n = methods_list(&r->methods, methods, list, sizeof list);
    const struct place *at = &other->rule.at;

    diag_error(b->d, &e->rule.at,
               "%s match: %.*s %.*s%.*s is served already, as %.*s %.*s of %s "
               "at %s:%u",
               e->rule.name, (int)n, list, (int)host.n, host.n ? host.p : "",
               (int)e->rule.pattern.n, e->rule.pattern.p,
               (int)other->rule.methods.n, other->rule.methods.p,
               (int)other->rule.pattern.n, other->rule.pattern.p,
               other->rule.name, at->file ? at->file : "", at->line);
    r->n_faults++;
}

/* Tell each other entry that has methods of e at this end, once. */
static void
claim(struct builder *b, uint32_t index, uint32_t end, uint32_t group)
{
    struct router *r = b->r;
    struct entry *e = &r->entries[index];
    uint32_t todo = e->methods, reported = 0, both = 0;

    while (todo != 0) {
        uint32_t bit = todo & -todo;
        uint32_t owner = endpoint_claim(&r->endpoint, end, &todo, index + 1);
        if (owner == 0 || owner == index + 1)
            continue;
        if (reported != 0 && owner != reported) {
            report_conflict(b, e, &r->entries[reported - 1], both, group);
            both = 0;
        }
        reported = owner;
        both |= bit;
    }
    if (reported != 0)
        report_conflict(b, e, &r->entries[reported - 1], both, group);
}

static void
insert(struct builder *b, uint32_t index, uint32_t group)
{
    struct router *r = b->r;
    const struct pattern *p = &r->entries[index].pattern;
    uint32_t *end;

    if (p->path.p) {
        uint32_t node =
            tree_add_child(&r->tree, r->roots[group].paths, p->path);
        end = &r->tree.nodes[node].end;
    } else {
        end = tree_add_pattern(&r->tree, r->roots[group].patterns, p);
    }
    if (*end == 0)
        *end = endpoint_add(&r->endpoint);
    claim(b, index, *end, group);
}

static void
insert_all(struct builder *b)
{
    struct router *r = b->r;

    for (uint32_t i = 0; i < r->n_entries; i++) {
        const et_list *hosts = &r->entries[i].rule.hosts;
        if (hosts->n == 0)
            insert(b, i, 0);
        for (size_t h = 0; h < hosts->n; h++)
            insert(b, i, vhost_of(&r->vhost, hosts->v[h]));
    }
    for (uint32_t g = 0; g < r->vhost.n_groups; g++) {
        if (tree_is_empty(&r->tree, r->roots[g].patterns))
            r->roots[g].patterns = 0;
    }
    endpoint_seal(&r->endpoint);
}

/* Any entry of an end. */
static const struct entry *
entry_at(const struct router *r, uint32_t end)
{
    const uint32_t *row = r->endpoint.rows + (size_t)end * r->endpoint.stride;
    uint32_t i = ENDPOINT_ANY;

    while (row[i] == 0)
        i++;
    return &r->entries[row[i] - 1];
}

/* Refuse groups whose walks could get too wide. */
static int
check_ways(struct builder *b)
{
    struct router *r = b->r;
    const struct tree_way *way = tree_ways(&r->tree, &b->scratch);

    if (!way)
        return ERR_NOMEM;
    for (uint32_t g = 0; g < r->vhost.n_groups; g++) {
        const struct tree_way *w = &way[r->roots[g].patterns];
        if (w->ways > ROUTER_MAX_WAYS) {
            const struct entry *e = entry_at(r, w->end);
            char why[WHY_BYTES];
            snprintf(why, sizeof why,
                     "%.*s and others like it, with text and parameters at "
                     "the same places, overlap too much: a request would have "
                     "to be tried in %u ways (at most %u)",
                     (int)(e->rule.pattern.n < 200 ? e->rule.pattern.n : 200),
                     e->rule.pattern.p, w->ways, ROUTER_MAX_WAYS);
            fault(r, b->d, &e->rule.at, e->rule.name, why);
        }
    }
    return 0;
}

/* ---- binding
 * ------------------------------------------------------------------*/

/* Mark the sets that requests can be in which reach an entry by its host
 * group: those whose first group is this one or leads to it. */
static void
mark_sets(struct builder *b, const struct entry *e, uint32_t group)
{
    const struct router *r = b->r;
    const struct scopes_region *last = NULL;

    for (uint32_t g = 0; g < r->vhost.n_groups; g++) {
        if (r->scopes.regions[g] == last ||
            !vhost_includes(&r->vhost, g, group))
            continue;
        last = r->scopes.regions[g];
        scopes_mark(&r->scopes, g, &e->pattern, b->seen);
    }
}

static void
mark_all_sets(struct builder *b, const struct entry *e)
{
    const et_list *hosts = &e->rule.hosts;

    memset(b->seen, 0, b->r->scopes.n_sets);
    if (hosts->n == 0)
        mark_sets(b, e, 0);
    for (size_t h = 0; h < hosts->n; h++)
        mark_sets(b, e, vhost_of(&b->r->vhost, hosts->v[h]));
}

static int
bind_one(struct builder *b, void *target, uint32_t set, void **out)
{
    uint32_t n = scopes_targets(&b->r->scopes, set, b->targets);

    *out = b->bind(b->arg, target, b->targets, n);
    return *out ? 0 : ERR_INVALID;
}

static int
bind_entry(struct builder *b, struct entry *e)
{
    struct router *r = b->r;
    struct bound *bounds;
    uint32_t n = 0;

    mark_all_sets(b, e);
    for (uint32_t set = 0; set < r->scopes.n_sets; set++)
        n += b->seen[set];
    bounds = arena_alloc(r->arena, n * sizeof *bounds);
    if (!bounds)
        return ERR_NOMEM;
    e->bounds = bounds;
    for (uint32_t set = 0; set < r->scopes.n_sets; set++) {
        struct bound *bound = &bounds[e->n_bounds];
        if (!b->seen[set])
            continue;
        bound->set = set;
        if (bind_one(b, e->rule.target, set, &bound->target) < 0)
            return ERR_INVALID;
        e->n_bounds++;
    }
    e->target = bounds[0].target;
    return 0;
}

static int
bind_misses(struct builder *b)
{
    struct router *r = b->r;
    int rc = 0;

    memset(b->seen, 0, r->scopes.n_sets);
    scopes_mark_all(&r->scopes, b->seen);
    for (uint32_t set = 0; set < r->scopes.n_sets && rc == 0; set++) {
        if (b->seen[set])
            rc = bind_one(b, NULL, set, &r->misses[set]);
    }
    return rc;
}

static int
bind_all(struct builder *b)
{
    struct router *r = b->r;
    int rc;

    r->misses = arena_zalloc(r->arena, r->scopes.n_sets * sizeof *r->misses);
    b->seen = arena_alloc(&b->scratch, r->scopes.n_sets);
    b->targets =
        arena_alloc(&b->scratch, (r->n_items + 1u) * sizeof *b->targets);
    if (!r->misses || !b->seen || !b->targets)
        return ERR_NOMEM;
    if (!b->bind)
        return 0;
    rc = bind_misses(b);
    for (uint32_t i = 0; i < r->n_entries && rc == 0; i++)
        rc = bind_entry(b, &r->entries[i]);
    return rc;
}

static int
build(struct builder *b)
{
    struct router *r = b->r;
    int rc = build_hosts(r);

    if (rc == 0)
        rc = reserve(r);
    if (rc < 0)
        return rc;
    insert_all(b);
    rc = check_ways(b);
    if (rc < 0)
        return rc;
    rc = scopes_build(&r->scopes, r->arena, r->items, r->n_items, &r->vhost,
                      b->d);
    if (rc < 0)
        return rc;
    return rc > 0 || r->n_faults > 0 ? ERR_INVALID : bind_all(b);
}

int
router_build(struct router *r, router_bind *bind, void *arg, struct diag *d)
{
    struct builder b = {.r = r, .d = d, .bind = bind, .arg = arg};
    int rc;

    arena_init(&b.scratch, NULL, 0, NULL, SCRATCH_MAX_BYTES);
    rc = build(&b);
    arena_reset(&b.scratch);
    return rc == ERR_NOMEM ? out_of_memory(r, d) : rc;
}

/* ---- finding
 * --------------------------------------------------------------------*/

static uint32_t
find_pattern(const struct router *r, uint32_t root, et_str path,
             uint32_t method, struct router_match *m)
{
    struct tree_walk walk;
    uint32_t end, found = 0;

    if (root == 0)
        return 0;
    tree_walk_start(&walk, &r->tree, root, path, m->values);
    while (found == 0 && (end = tree_walk_next(&walk)) != 0)
        found = endpoint_rule(&r->endpoint, end, method, &m->allow);
    m->n_visited += walk.n_visited;
    m->n_values = found ? walk.n_values : 0;
    return found;
}

/* The entry (index + 1) of a static path in a group, or 0. */
static inline __attribute__((always_inline)) uint32_t
find_path(const struct router *r, uint32_t group, et_str path, uint32_t method,
          struct router_match *m)
{
    uint32_t node = tree_child(&r->tree, r->roots[group].paths, path);

    if (node == 0)
        return 0;
    return endpoint_rule(&r->endpoint, r->tree.nodes[node].end, method,
                         &m->allow);
}

/* What find_path did not find in group: its patterns, then the groups after
 * it. */
static uint32_t
find_further(const struct router *r, uint32_t group, et_str path,
             uint32_t method, struct router_match *m)
{
    uint32_t found;

    for (;;) {
        found = find_pattern(r, r->roots[group].patterns, path, method, m);
        group = r->vhost.groups[group].next;
        if (found != 0 || group == VHOST_END)
            return found;
        found = find_path(r, group, path, method, m);
        if (found != 0)
            return found;
    }
}

static __attribute__((noinline)) void *
target_in(const struct entry *e, uint32_t set)
{
    uint32_t low = 0, high = e->n_bounds;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (e->bounds[middle].set <= set)
            low = middle;
        else
            high = middle;
    }
    CHECK(e->bounds[low].set == set);
    return e->bounds[low].target;
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
    m->target = r->misses[scopes_find(&r->scopes, group, path)];
    if (m->allow != 0)
        return ROUTER_METHOD;
    return find_other_form(r, group, path, method, m) ? ROUTER_SLASH
                                                      : ROUTER_NOT_FOUND;
}

static __attribute__((noinline)) enum router_result
found_split(const struct router *r, const struct entry *e, uint32_t group,
            et_str path, struct router_match *m)
{
    m->target = target_in(e, scopes_find(&r->scopes, group, path));
    return ROUTER_FOUND;
}

static inline enum router_result
found_entry(const struct router *r, uint32_t found, uint32_t group, et_str path,
            struct router_match *m)
{
    const struct entry *e = &r->entries[found - 1];

    m->rule = &e->rule;
    m->target = e->target;
    if (UNLIKELY(e->n_bounds > 1))
        return found_split(r, e, group, path, m);
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
    return found_entry(r, found, group, path, m);
}

static inline __attribute__((always_inline)) enum router_result
find_in(const struct router *r, uint32_t group, et_str path, uint32_t method,
        struct router_match *m)
{
    uint32_t found = find_path(r, group, path, method, m);

    if (UNLIKELY(found == 0))
        return find_slowly(r, group, path, method, m);
    return found_entry(r, found, group, path, m);
}

static __attribute__((noinline)) enum router_result
find_named(const struct router *r, const et_req *q, struct router_match *m)
{
    uint32_t group = vhost_find(&r->vhost, q->host);
    uint32_t method = methods_number(&r->methods, q->method, q->method_s);

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
    if (r->vhost.n_groups > 1 || q->method == ET_M_OTHER)
        return find_named(r, q, m);
    return find_in(r, 0, q->path, q->method, m);
}

uint32_t
router_max_params(const struct router *r)
{
    return r->max_params;
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
    return methods_list(&r->methods, mask, out, cap);
}

const struct router_rule *
router_rule_at(const struct router *r, uint32_t i)
{
    return i < r->n_entries ? &r->entries[i].rule : NULL;
}
