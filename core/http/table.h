/* SPDX-License-Identifier: BSD-2-Clause */
/* table.h - all rules of a router in the form in which they are found.
 *
 * Static paths are children by text of their host group's `paths` root, the
 * other patterns stand in the segment tree below its `patterns` root; both lead
 * to ends, an end and a method to a rule (its index + 1).  Immutable once
 * built. */
#ifndef HTTP_TABLE_H
#define HTTP_TABLE_H

#include <stdint.h>

#include "base/check.h"
#include "base/diag.h"
#include "http/endpoint.h"
#include "http/tree.h"
#include "http/vhost.h"

struct arena;
struct rules;

struct table_roots {
    uint32_t paths;
    uint32_t patterns; /* 0: the group has none */
};

struct table {
    struct table_roots *roots; /* by group */
    struct tree tree;
    struct endpoint endpoint;
    struct vhost vhost; /* hosts of rules and scopes */
};

/* Build from rules, into a's memory.  Rules that serve the same method at the
 * same place and routes that overlap too much (ROUTER_MAX_WAYS) are reported
 * in d and counted in rules.  0, or ERR_NOMEM. [control] */
MUST_USE int table_build(struct table *t, struct arena *a, struct rules *rules,
                         struct diag *d);

#endif
