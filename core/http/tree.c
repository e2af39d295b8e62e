/* SPDX-License-Identifier: BSD-2-Clause */
/* tree.c - building the segment tree and walking it; see tree.h. */
#include "http/tree.h"

#include "base/arena.h"
#include "base/err.h"
#include "http/pattern.h"

int
tree_init(struct tree *t, struct arena *a, uint32_t max_nodes)
{
    size_t n = 2;

    while (n < 2 * ((size_t)max_nodes + 1))
        n *= 2;
    memset(t, 0, sizeof *t);
    t->nodes = arena_zalloc(a, ((size_t)max_nodes + 1) * sizeof *t->nodes);
    t->slots = arena_zalloc(a, n * sizeof *t->slots);
    if (!t->nodes || !t->slots)
        return ERR_NOMEM;
    t->mask = n - 1;
    t->max_nodes = max_nodes;
    return 0;
}

uint32_t
tree_child_from(const struct tree *t, uint32_t parent, et_str text,
                uint64_t hash, size_t i)
{
    for (;; i = (i + 1) & t->mask) {
        const struct tree_slot *s = &t->slots[i];
        const struct tree_node *n = &t->nodes[s->node];
        if (s->node == 0)
            return 0;
        if (s->tag == hash >> 32 && n->parent == parent &&
            n->text.n == text.n && tree_same(n->text.p, text.p, text.n))
            return s->node;
    }
}

static uint32_t
add_node(struct tree *t, uint32_t parent)
{
    CHECK(t->n_nodes < t->max_nodes);
    t->n_nodes++;
    t->nodes[t->n_nodes].parent = parent;
    t->nodes[t->n_nodes].n_values = t->nodes[parent].n_values;
    return t->n_nodes;
}

uint32_t
tree_add_root(struct tree *t)
{
    return add_node(t, 0);
}

uint32_t
tree_add_child(struct tree *t, uint32_t parent, et_str text)
{
    uint64_t hash = tree_hash(parent, text);
    uint32_t node = tree_child(t, parent, text);
    size_t i = hash & t->mask;

    if (node != 0)
        return node;
    node = add_node(t, parent);
    t->nodes[node].text = text;
    t->nodes[parent].n_texts++;
    while (t->slots[i].node != 0)
        i = (i + 1) & t->mask;
    t->slots[i] = (struct tree_slot){(uint32_t)(hash >> 32), node};
    return node;
}

static uint32_t
add_param(struct tree *t, uint32_t parent)
{
    uint32_t node = t->nodes[parent].param;

    if (node != 0)
        return node;
    node = add_node(t, parent);
    t->nodes[node].n_values++;
    t->nodes[parent].param = node;
    return node;
}

uint32_t *
tree_add_pattern(struct tree *t, uint32_t root, const struct pattern *p)
{
    uint32_t node = root;

    for (uint32_t i = 0; i < p->n_segments; i++) {
        const struct pattern_segment *s = &p->segments[i];
        if (s->kind == PATTERN_TAIL)
            return &t->nodes[node].tail_end;
        if (s->kind == PATTERN_PARAM)
            node = add_param(t, node);
        else
            node = tree_add_child(t, node, s->text);
    }
    return &t->nodes[node].end;
}

/* The nodes a walk can be in at one depth below a node are those below one of
 * its children by text, and those below its child by parameter. */
struct tree_way *
tree_ways(const struct tree *t, struct arena *a)
{
    struct tree_way *v = arena_zalloc(a, (t->n_nodes + 1u) * sizeof *v);

    for (uint32_t i = t->n_nodes; v && i > 0; i--) {
        const struct tree_node *n = &t->nodes[i];
        uint32_t sum = v[i].by_text + (n->param ? v[n->param].ways : 0);
        if (!v[i].end)
            v[i].end = n->end ? n->end : n->tail_end;
        if (!v[i].end && n->param)
            v[i].end = v[n->param].end;
        v[i].ways = sum > 0 ? sum : 1;
        if (n->text.p && v[i].ways > v[n->parent].by_text) {
            v[n->parent].by_text = v[i].ways;
            v[n->parent].end = v[i].end;
        }
    }
    return v;
}

void
tree_walk_start(struct tree_walk *w, const struct tree *t, uint32_t root,
                et_str path, et_str *values)
{
    w->tree = t;
    w->path = path;
    w->values = values;
    w->n_values = 0;
    w->n_visited = 0;
    w->root = root;
    w->node = 0;
    w->at = 1;
}

/* The tail of a node, where the rest of the path begins at at. */
static inline uint32_t
take_tail(struct tree_walk *w, const struct tree_node *n, size_t at)
{
    if (n->tail_end == 0)
        return 0;
    w->values[n->n_values] = (et_str){w->path.p + at, w->path.n - at};
    w->n_values = n->n_values + 1;
    return n->tail_end;
}

/* The child by parameter; none if the segment is empty. */
static inline uint32_t
take_param(struct tree_walk *w, const struct tree_node *n, size_t at, size_t to)
{
    if (n->param == 0 || to == at)
        return 0;
    w->values[n->n_values] = (et_str){w->path.p + at, to - at};
    return n->param;
}

/* Enter node, whose segment begins at at, and go on to the most specific child
 * as long as there is one; the end met there, or 0. */
static uint32_t
go_down(struct tree_walk *w, uint32_t node, size_t at)
{
    const et_str path = w->path;
    uint32_t end;

    for (;;) {
        const struct tree_node *n = &w->tree->nodes[node];
        uint32_t child = 0;
        size_t to;
        w->n_visited++;
        if (at > path.n) {
            w->n_values = n->n_values;
            end = n->end;
            break;
        }
        to = tree_segment_end(path, at);
        if (n->n_texts > 0)
            child = tree_child(w->tree, node, (et_str){path.p + at, to - at});
        if (child == 0)
            child = take_param(w, n, at, to);
        if (child == 0) {
            end = take_tail(w, n, at);
            break;
        }
        node = child;
        at = to + 1;
    }
    w->node = node;
    w->at = at;
    return end;
}

/* Back to the parent, at the segment that led here, and on with what is less
 * specific there. */
static uint32_t
go_back(struct tree_walk *w)
{
    const struct tree_node *n = &w->tree->nodes[w->node];
    int by_text = n->text.p != NULL;
    size_t to = w->at - 1;
    const char *slash = memrchr(w->path.p, '/', to);
    uint32_t param;

    w->at = (size_t)(slash - w->path.p) + 1;
    w->node = n->parent;
    n = &w->tree->nodes[w->node];
    param = by_text ? take_param(w, n, w->at, to) : 0;
    return param != 0 ? go_down(w, param, to + 1) : take_tail(w, n, w->at);
}

uint32_t
tree_walk_next(struct tree_walk *w)
{
    uint32_t end = 0;

    if (w->node == 0)
        end = go_down(w, w->root, w->at);
    while (end == 0 && w->node != w->root)
        end = go_back(w);
    return end;
}
