/* SPDX-License-Identifier: BSD-2-Clause */
/* tree.h - a radix tree whose digits are path segments, in two arrays.
 *
 *     nodes[]  in the order they were made: a parent before its children
 *     slots[]  one hash table of all edges: (parent, text) -> child
 *
 * So a step down costs one hash and, nearly always, one slot and one node,
 * however many children there are.  Whole texts can be edges too: the static
 * paths of a router and host names are children of a root of their own.
 *
 * A node has at most one child by parameter and one tail, which is no node.
 * An end is a number > 0 of the caller's.  Node 0 is none.  Invariants:
 * n_nodes <= max_nodes; slots are at most half full.
 *
 * Walking gives the ends that match a path, the most specific one first: at
 * the leftmost segment where two differ, text before parameter before tail. A
 * walk enters a node at most once, and never more than tree_ways() nodes per
 * segment; it needs no memory of its own, because a segment holds no slash and
 * so the place in the path can be found again on the way back. */
#ifndef HTTP_TREE_H
#define HTTP_TREE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct arena;
struct pattern;

struct tree_node {
    et_str text;       /* of the edge from parent; absent: by parameter */
    uint32_t parent;   /* 0: a root */
    uint32_t n_texts;  /* children by text */
    uint32_t param;    /* child by parameter */
    uint32_t end;      /* of patterns that end here */
    uint32_t tail_end; /* of patterns whose tail begins below this node */
    uint32_t n_values; /* parameters on the way from the root */
};

struct tree_slot {
    uint32_t tag;  /* upper half of the hash */
    uint32_t node; /* 0: empty */
};

struct tree {
    struct tree_node *nodes;
    struct tree_slot *slots;
    size_t mask; /* number of slots - 1 */
    uint32_t n_nodes, max_nodes;
};

/* An empty tree with room for max_nodes nodes, roots included, in a's memory.
 * 0 or ERR_NOMEM. [control] */
MUST_USE int tree_init(struct tree *t, struct arena *a, uint32_t max_nodes);
/* A new root. [control] */
uint32_t tree_add_root(struct tree *t);
/* The child by text; made if there is none.  The text is borrowed. [control] */
uint32_t tree_add_child(struct tree *t, uint32_t parent, et_str text);
/* Where pattern ends below root, its nodes made if need be: the address of the
 * end or tail_end, valid until the next call. [control] */
uint32_t *tree_add_pattern(struct tree *t, uint32_t root,
                           const struct pattern *p);
/* True if nothing has been added below root. [any] */
static inline int
tree_is_empty(const struct tree *t, uint32_t root)
{
    const struct tree_node *n = &t->nodes[root];

    return n->n_texts == 0 && n->param == 0 && n->tail_end == 0;
}

/* How wide a walk can get below a node. */
struct tree_way {
    uint32_t ways;    /* the most nodes entered for one segment */
    uint32_t by_text; /* the most of one child by text */
    uint32_t end;     /* an end below, where most of them meet */
};

/* The ways of all nodes, by node, in a's memory; NULL without. [control] */
MUST_USE struct tree_way *tree_ways(const struct tree *t, struct arena *a);

/* A walk; init with tree_walk_start. */
struct tree_walk {
    const struct tree *tree;
    et_str path;
    et_str *values; /* of the parameters, from left to right */
    uint32_t n_values;
    uint32_t n_visited; /* nodes entered so far */
    uint32_t root;
    uint32_t node; /* last entered or come back to; 0: not begun */
    size_t at;     /* where the segment below node begins; > path.n: no more */
};

/* Walk path, which begins with '/', from root on.  values has room for the
 * parameters of any pattern below root. [any] */
void tree_walk_start(struct tree_walk *w, const struct tree *t, uint32_t root,
                     et_str path, et_str *values);
/* The next end that matches, its values in values[0..n_values); 0: no more.
 * [any] */
uint32_t tree_walk_next(struct tree_walk *w);

static inline uint64_t
tree_word(const char *p)
{
    uint64_t word;

    memcpy(&word, p, 8);
    return word;
}

/* All of fewer than 8 bytes: no two texts of one length look the same. */
static inline uint64_t
tree_short_word(const char *p, size_t n)
{
    const uint8_t *u = (const uint8_t *)p;
    uint32_t low, high;

    if (n == 0)
        return 0;
    if (n < 4)
        return (uint64_t)u[0] | (uint64_t)u[n / 2] << 8 |
               (uint64_t)u[n - 1] << 16;
    memcpy(&low, p, 4);
    memcpy(&high, p + n - 4, 4);
    return (uint64_t)high << 32 | low;
}

static inline uint64_t
tree_mix(uint64_t hash, uint64_t a, uint64_t b)
{
    __uint128_t product =
        (__uint128_t)(hash ^ a) * (b ^ UINT64_C(0x9e3779b97f4a7c15));

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Not base/hash.h's, which costs three times as much: what is in the table
 * comes from the configuration, so nobody can fill it with what collides.
 * Words may overlap: a length is hashed too. */
static inline uint64_t
tree_hash(uint32_t parent, et_str text)
{
    uint64_t hash = (uint64_t)parent << 32 ^ text.n;
    const char *p = text.p, *end = p + text.n;

    if (text.n < 8)
        return tree_mix(hash, tree_short_word(p, text.n), 0);
    for (; end - p > 16; p += 16)
        hash = tree_mix(hash, tree_word(p), tree_word(p + 8));
    if (end - p < 8)
        p = end - 8;
    return tree_mix(hash, tree_word(p), tree_word(end - 8));
}

/* The same n bytes. */
static inline int
tree_same(const char *a, const char *b, size_t n)
{
    if (n < 8)
        return tree_short_word(a, n) == tree_short_word(b, n);
    for (size_t i = 0; i + 8 < n; i += 8) {
        if (tree_word(a + i) != tree_word(b + i))
            return 0;
    }
    return tree_word(a + n - 8) == tree_word(b + n - 8);
}

/* The same, from slot i on; hash is tree_hash of parent and text. [any] */
uint32_t tree_child_from(const struct tree *t, uint32_t parent, et_str text,
                         uint64_t hash, size_t i);

/* The child of parent by text, or 0: nearly always a look at one slot. [any] */
static inline __attribute__((always_inline)) uint32_t
tree_child(const struct tree *t, uint32_t parent, et_str text)
{
    uint64_t hash = tree_hash(parent, text);
    struct tree_slot s = t->slots[hash & t->mask];
    const struct tree_node *n = &t->nodes[s.node];

    if (s.node == 0)
        return 0;
    if (LIKELY(s.tag == hash >> 32 && n->parent == parent &&
               n->text.n == text.n && tree_same(n->text.p, text.p, text.n)))
        return s.node;
    return tree_child_from(t, parent, text, hash, (hash + 1) & t->mask);
}

/* Where the segment that begins at path.p[at] ends. [any] */
static inline size_t
tree_segment_end(et_str path, size_t at)
{
    const char *slash = memchr(path.p + at, '/', path.n - at);

    return slash ? (size_t)(slash - path.p) : path.n;
}

#endif
