/* SPDX-License-Identifier: BSD-2-Clause */
/* scopes.c - regions and sets of scopes; see scopes.h. */
#include "http/scopes.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/err.h"

/* A scope in a region: rank is 0 for scopes without host, higher for more
 * specific hosts. */
struct member {
    const struct scopes_item *item;
    uint32_t rank;
};

struct builder {
    struct scopes *s;
    struct arena *a;
    const struct vhost *v;
    struct diag *d;
    uint8_t *has_own;       /* by group: scopes name this very host */
    struct member *members; /* of the region being built */
    uint32_t n_members;
    int n_faults;
};

static uint32_t
prefix_length(const struct pattern *p)
{
    return p->n_segments - 1;
}

static int
text_compare(et_str a, et_str b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

/* By length of prefix, then anyhow so that equal prefixes meet. */
static int
prefix_compare(const struct pattern *a, const struct pattern *b)
{
    uint32_t n = prefix_length(a);
    int order = (n > prefix_length(b)) - (n < prefix_length(b));

    for (uint32_t i = 0; i < n && order == 0; i++)
        order = text_compare(a->segments[i].text, b->segments[i].text);
    return order;
}

static int
member_compare(const void *x, const void *y)
{
    const struct member *a = x, *b = y;
    int order = prefix_compare(&a->item->pattern, &b->item->pattern);

    if (order == 0)
        order = (a->rank > b->rank) - (a->rank < b->rank);
    return order != 0 ? order : (a->item > b->item) - (a->item < b->item);
}

static uint32_t
rank_of(const struct vhost *v, uint32_t group)
{
    uint32_t rank = 0;

    for (; v->groups[group].next != VHOST_END; rank++)
        group = v->groups[group].next;
    return rank;
}

static void
add_member(struct builder *b, const struct scopes_item *item, uint32_t rank)
{
    b->members[b->n_members++] = (struct member){item, rank};
}

/* The scopes that apply to requests whose first group is group. */
static void
collect_members(struct builder *b, uint32_t group)
{
    b->n_members = 0;
    for (uint32_t i = 0; i < b->s->n_items; i++) {
        const struct scopes_item *item = &b->s->items[i];
        if (item->hosts.n == 0)
            add_member(b, item, 0);
        for (size_t h = 0; h < item->hosts.n; h++) {
            uint32_t g = vhost_of(b->v, item->hosts.v[h]);
            if (vhost_includes(b->v, group, g))
                add_member(b, item, rank_of(b->v, g));
        }
    }
}

static int
set_has(const struct scopes *s, uint32_t set, const void *target)
{
    while (set != 0 && s->items[s->sets[set].item].target != target)
        set = s->sets[set].outer;
    return set != 0;
}

/* The set of outer's items and, innermost, this one. */
static uint32_t
set_with(struct scopes *s, uint32_t outer, uint32_t item)
{
    for (uint32_t i = 1; i < s->n_sets; i++) {
        if (s->sets[i].outer == outer && s->sets[i].item == item)
            return i;
    }
    s->sets[s->n_sets] = (struct scopes_set){outer, item, s->sets[outer].n + 1};
    return s->n_sets++;
}

/* Give node the set of the nearest node above, if it has none yet. */
static void
inherit(struct tree *t, uint32_t node)
{
    uint32_t up = node;

    while (up != 0 && t->nodes[up].end == 0)
        up = t->nodes[up].parent;
    t->nodes[node].end = t->nodes[up].end;
}

static void
add_to_region(struct builder *b, struct scopes_region *region,
              const struct member *m)
{
    struct scopes *s = b->s;
    const struct pattern *p = &m->item->pattern;
    uint32_t node = region->root;
    uint32_t *end;

    for (uint32_t i = 0; i < prefix_length(p); i++)
        node = tree_add_child(&s->tree, node, p->segments[i].text);
    inherit(&s->tree, node);
    end = &s->tree.nodes[node].end;
    if (!set_has(s, *end, m->item->target))
        *end = set_with(s, *end, (uint32_t)(m->item - s->items));
    if (region->n_areas == 0 ||
        prefix_compare(region->areas[region->n_areas - 1].pattern, p) != 0)
        region->n_areas++;
    region->areas[region->n_areas - 1] = (struct scopes_area){p, *end};
}

/* Two scopes of one prefix and host, told where that host's own region is
 * built: there their rank is the highest. */
static void
report_duplicates(struct builder *b, uint32_t group)
{
    uint32_t own = rank_of(b->v, group);

    for (uint32_t i = 1; i < b->n_members; i++) {
        const struct member *m = &b->members[i], *n = m - 1;
        if (m->rank != own || n->rank != own || m->item == n->item ||
            prefix_compare(&m->item->pattern, &n->item->pattern) != 0)
            continue;
        diag_error(b->d, &m->item->at,
                   "%s match: %.*s is already the prefix of %s at %s:%u",
                   m->item->name, (int)m->item->pattern.text.n,
                   m->item->pattern.text.p, n->item->name,
                   n->item->at.file ? n->item->at.file : "", n->item->at.line);
        b->n_faults++;
    }
}

static int
build_region(struct builder *b, uint32_t group)
{
    struct scopes *s = b->s;
    struct scopes_region *region;

    region = arena_zalloc(b->a, sizeof *region);
    if (!region)
        return ERR_NOMEM;
    collect_members(b, group);
    qsort(b->members, b->n_members, sizeof *b->members, member_compare);
    region->areas =
        arena_alloc(b->a, (b->n_members + 1u) * sizeof *region->areas);
    if (!region->areas)
        return ERR_NOMEM;
    report_duplicates(b, group);
    region->root = tree_add_root(&s->tree);
    for (uint32_t i = 0; i < b->n_members; i++)
        add_to_region(b, region, &b->members[i]);
    s->regions[group] = region;
    return 0;
}

/* Build the region of a group, or share the next one's, which is then built
 * already or gets built here. */
static int
settle_region(struct builder *b, uint32_t group)
{
    uint32_t next = b->v->groups[group].next;
    int rc = 0;

    if (b->s->regions[group])
        return 0;
    if (b->has_own[group])
        return build_region(b, group);
    rc = settle_region(b, next);
    b->s->regions[group] = b->s->regions[next];
    return rc;
}

static int
reserve_members(struct builder *b)
{
    size_t n_uses = 1;

    for (uint32_t i = 0; i < b->s->n_items; i++)
        n_uses += b->s->items[i].hosts.n + 1;
    b->members = arena_alloc(b->a, n_uses * sizeof *b->members);
    b->has_own = arena_zalloc(b->a, b->s->n_groups);
    if (!b->members || !b->has_own)
        return ERR_NOMEM;
    b->has_own[0] = 1;
    for (uint32_t i = 0; i < b->s->n_items; i++) {
        const et_list *hosts = &b->s->items[i].hosts;
        for (size_t h = 0; h < hosts->n; h++)
            b->has_own[vhost_of(b->v, hosts->v[h])] = 1;
    }
    return 0;
}

/* Room for the regions of all groups that have scopes of their own. */
static int
reserve_regions(struct builder *b)
{
    struct scopes *s = b->s;
    size_t n_sets = 1, n_nodes = 0;

    for (uint32_t g = 0; g < s->n_groups; g++) {
        if (!b->has_own[g])
            continue;
        collect_members(b, g);
        n_sets += b->n_members;
        for (uint32_t i = 0; i < b->n_members; i++)
            n_nodes += b->members[i].item->pattern.n_segments;
        n_nodes++;
    }
    s->sets = arena_zalloc(b->a, n_sets * sizeof *s->sets);
    s->regions = arena_zalloc(b->a, s->n_groups * sizeof(void *));
    if (!s->sets || !s->regions || n_nodes > UINT32_MAX / 2)
        return ERR_NOMEM;
    s->n_sets = 1;
    return tree_init(&s->tree, b->a, (uint32_t)n_nodes);
}

int
scopes_build(struct scopes *s, struct arena *a, const struct scopes_item *items,
             uint32_t n_items, const struct vhost *v, struct diag *d)
{
    struct builder b = {.s = s, .a = a, .v = v, .d = d};
    int rc;

    memset(s, 0, sizeof *s);
    s->items = items;
    s->n_items = n_items;
    s->n_groups = v->n_groups;
    rc = reserve_members(&b);
    if (rc == 0)
        rc = reserve_regions(&b);
    for (uint32_t g = 0; g < v->n_groups && rc == 0; g++)
        rc = settle_region(&b, g);
    return rc < 0 ? rc : b.n_faults;
}

enum cover {
    COVER_NONE, /* no path of the pattern is below the prefix */
    COVER_SOME,
    COVER_ALL,
};

static enum cover
cover_of(const struct pattern *prefix, const struct pattern *p)
{
    enum cover cover = COVER_ALL;

    for (uint32_t i = 0; i < prefix_length(prefix); i++) {
        et_str want = prefix->segments[i].text;
        if (i >= p->n_segments)
            return COVER_NONE;
        if (p->segments[i].kind == PATTERN_TAIL)
            return COVER_SOME;
        if (p->segments[i].kind == PATTERN_PARAM && want.n > 0)
            cover = COVER_SOME;
        else if (p->segments[i].kind == PATTERN_PARAM ||
                 text_compare(p->segments[i].text, want) != 0)
            return COVER_NONE;
    }
    return cover;
}

/* A prefix that covers all of the pattern supersedes the shorter ones; one
 * that covers some adds its set: other paths of the pattern stay outside. */
void
scopes_mark(const struct scopes *s, uint32_t group, const struct pattern *p,
            uint8_t *seen)
{
    const struct scopes_region *region = s->regions[group];
    uint32_t all = 0;

    for (uint32_t i = 0; i < region->n_areas; i++) {
        const struct scopes_area *area = &region->areas[i];
        enum cover cover = cover_of(area->pattern, p);
        if (cover == COVER_ALL)
            all = area->set;
        else if (cover == COVER_SOME)
            seen[area->set] = 1;
    }
    seen[all] = 1;
}

void
scopes_mark_all(const struct scopes *s, uint8_t *seen)
{
    seen[0] = 1;
    for (uint32_t g = 0; g < s->n_groups; g++) {
        for (uint32_t i = 0; i < s->regions[g]->n_areas; i++)
            seen[s->regions[g]->areas[i].set] = 1;
    }
}

uint32_t
scopes_targets(const struct scopes *s, uint32_t set, void **out)
{
    uint32_t n = s->sets[set].n;

    for (uint32_t i = n; i > 0; i--) {
        out[i - 1] = s->items[s->sets[set].item].target;
        set = s->sets[set].outer;
    }
    return n;
}

uint32_t
scopes_find(const struct scopes *s, uint32_t group, et_str path)
{
    const struct tree *t = &s->tree;
    uint32_t node = s->regions[group]->root;
    uint32_t set = t->nodes[node].end;
    size_t at = path.n > 0 && path.p[0] == '/' ? 1 : path.n + 1;

    while (at <= path.n && t->nodes[node].n_texts > 0) {
        size_t to = tree_segment_end(path, at);
        node = tree_child(t, node, (et_str){path.p + at, to - at});
        if (node == 0)
            break;
        if (t->nodes[node].end != 0)
            set = t->nodes[node].end;
        at = to + 1;
    }
    return set;
}
