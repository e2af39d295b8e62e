/* SPDX-License-Identifier: BSD-2-Clause */
/* scopes.h - which scopes cover a path, as one number.
 *
 * A scope is a prefix of text segments with hosts.  For each group of hosts
 * that scopes name (vhost.h) there is a region: a tree of the prefixes of all
 * scopes that apply to the group, each node with the set of scopes that cover
 * what is below it.  Groups without scopes of their own share the region of
 * the next group.
 *
 *     scopes for /, /api and /api of host b       regions: 0       b
 *                                                        1       1
 *     set 0 {}, 1 {/}, 2 {/,/api},              api      2  api  3
 *         3 {/,/api,b/api}
 *
 * Sets are ordered outermost first: short prefixes before long ones, at the
 * same prefix less specific hosts before more specific ones.  Set 0 is empty.
 */
#ifndef HTTP_SCOPES_H
#define HTTP_SCOPES_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/diag.h"
#include "http/pattern.h"
#include "http/tree.h"
#include "http/vhost.h"

struct scopes_item {
    struct pattern pattern; /* text segments, then the tail */
    et_list hosts;
    void *target;
    struct place at;
    const char *name;
};

struct scopes_set {
    uint32_t outer; /* the set without item */
    uint32_t item;  /* the innermost one */
    uint32_t n;     /* items in all */
};

struct scopes_area { /* a node of a region that has a set */
    const struct pattern *pattern;
    uint32_t set;
};

struct scopes_region {
    uint32_t root;
    uint32_t n_areas;
    struct scopes_area *areas; /* outer ones first */
};

struct scopes {
    struct tree tree; /* end: the set */
    const struct scopes_item *items;
    struct scopes_set *sets;
    uint32_t n_items, n_sets;
    const struct scopes_region **regions; /* by group */
    uint32_t n_groups;
};

/* Build from items (kept), whose hosts are all in v.  Two scopes of one prefix
 * and host are reported in d; a target is in a set once.  Returns the number
 * of those faults, or ERR_NOMEM. [control] */
MUST_USE int scopes_build(struct scopes *s, struct arena *a,
                          const struct scopes_item *items, uint32_t n_items,
                          const struct vhost *v, struct diag *d);
/* Set seen[set] for every set that paths matching p can be in, of requests
 * whose first group is group. [control] */
void scopes_mark(const struct scopes *s, uint32_t group,
                 const struct pattern *p, uint8_t *seen);
/* Set seen[set] for every set that any path can be in. [control] */
void scopes_mark_all(const struct scopes *s, uint8_t *seen);
/* The targets of a set, outermost first, into out (n_items of room); returns
 * how many. [control] */
uint32_t scopes_targets(const struct scopes *s, uint32_t set, void **out);
/* The set of a path in the first group of the request's host; one that does
 * not begin with '/' is only in scopes that cover everything. [any] */
uint32_t scopes_find(const struct scopes *s, uint32_t group, et_str path);

#endif
