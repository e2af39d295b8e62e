/* SPDX-License-Identifier: BSD-2-Clause */
/* routes.h - what the router hands out: a route for each rule and each list of
 * scopes it lies below, and for what no rule is there for.
 *
 * Here an origin (rules.h) and its scopes become a struct route: its `use`
 * lists, its handler, its limits, its meters.  Not here: which rules meet which
 * scopes - the router finds out and asks for each once (http/router.h).
 * Invariants: gen->routes[i]->index == i; a route that is bound without a fault
 * has a step to run.  Called by build.c, through the router. */
#ifndef SERVE_ROUTES_H
#define SERVE_ROUTES_H

#include <stdint.h>

#include "base/check.h"

/* A router_bind: arg is a struct builder, target the struct origin of the rule
 * or NULL for misses, scopes are struct conf_scope, outermost first.  The
 * struct route, which the generation has; NULL: out of memory, said.  Other
 * faults are in the diag and the route not fit for use, so that the rest is
 * bound and looked at too. [control] */
MUST_USE void *routes_bind(void *arg, void *target, void *const *scopes,
                           uint32_t n_scopes);

#endif
