/* SPDX-License-Identifier: BSD-2-Clause */
/* uses.h - the middleware in front of a route's handler.
 *
 * The `use` lists around a route are added one after the other, outermost
 * first; each name is looked up, made an instance, and appended to route->use.
 * The ini's order is the order of the chain: what plugins declare about it is
 * checked, never obeyed.  Not here: which lists concern a route (routes.h), and
 * the steps in a worker (http/chain.h).  Invariants: route->n_use <
 * CHAIN_MAX_MEMBERS, so that the handler has its place; no instance stands
 * twice; at[i] is where use[i] was named, for all i < n_use.  Called by
 * routes.c, which has a struct uses for each route in turn. */
#ifndef SERVE_USES_H
#define SERVE_USES_H

#include "base/check.h"
#include "base/diag.h"
#include "http/chain.h"

struct builder;
struct layers;
struct route;

struct uses {
    struct builder *builder;
    struct route *route;
    const struct layers *layers; /* of options, of the route */
    struct place at[CHAIN_MAX_MEMBERS];
};

/* One `use = a, b` of the ini. */
struct use_list {
    et_list names;
    struct place at;
    const char *section; /* "[scope api]": for messages */
};

/* Append the instances of a list to the route; 0, or -1 at its first fault,
 * which is in the diag. [control] */
MUST_USE int uses_add(struct uses *u, const struct use_list *list);
/* Report what plugins say of their order and the chain does not keep; after the
 * last list. [control] */
void uses_check_order(const struct uses *u);

#endif
