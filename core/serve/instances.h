/* SPDX-License-Identifier: BSD-2-Clause */
/* instances.h - which instances a generation needs, each made once.
 *
 *     [route users]   limit.rate = 5   \
 *     [scope /api]    limit.burst = 9   > layers, most specific first
 *     [plugin limit]  rate = 1         /  -> options -> key -> instance
 *
 * Where a route meets a section, the layers of options above it decide what
 * the plugin's options are; equal (section, effective options) pairs share an
 * instance.  So do generations: one of the generation that serves, of the same
 * build and with an equal key, is taken over with all it has; one that is new
 * in the place of another (same section, same name, same plugin) is given the
 * state of that.  Not here: how a layer stack becomes options and a key
 * (conf/option.h), the life of one instance (plug/instance.h).  Invariants:
 * gen->instances are in the order they were first needed, no two of them are
 * equal, and the generation has one reference to each.  Called by uses.c and
 * routes.c for each route, then by build.c for all of them. */
#ifndef SERVE_INSTANCES_H
#define SERVE_INSTANCES_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "conf/conf.h"

struct builder;
struct instance;
struct section;

#define LAYERS_MAX 66 /* a route, its scopes, the section */

/* What is above the [plugin] sections at one place; n < LAYERS_MAX. */
struct layers {
    struct conf_entries v[LAYERS_MAX]; /* most specific first */
    size_t n;
    const char *route;   /* name for instances with values of their own */
    const char *section; /* "[route users]": for messages; NULL: n is 0 */
    struct place at;
};

/* The layers of a route (NULL: none in the ini) called name (NULL: none, it is
 * named for its innermost scope) below some struct conf_scope, outermost
 * first.  All of it is borrowed from the configuration. [control] */
void instances_layers(struct layers *l, const struct conf_route *route,
                      const char *name, void *const *scopes, uint32_t n_scopes);
/* The instance of a section (its plugin not NULL) under these layers, made if
 * the generation has none equal yet; the generation holds it.  NULL on a fault:
 * what is wrong with the options is in the diag. [control] */
struct instance *instances_for(struct builder *b, struct section *s,
                               const struct layers *l);
/* Check the options of the sections nobody uses all the same - but not of one
 * that a route with faults would have used: its values may be that route's to
 * give; faults are in the diag, and a warning of each section that nothing
 * names: it is not opened, so that what only its open would find is not known.
 * [control] */
void instances_check_unused(struct builder *b);
/* Find the predecessor of every instance that is new and takes over a state,
 * and run open of all that are new, in order; those that refuse are in the
 * diag. [control] */
void instances_open(struct builder *b);

#endif
