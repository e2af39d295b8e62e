/* SPDX-License-Identifier: BSD-2-Clause */
/* build.h - from a configuration to a generation, the whole of it.
 *
 * Loads the plugins of every section (sections.h), tells the router the rules
 * (rules.h), has it find out which of them meet which scopes, and makes a route
 * for each such combination (routes.h) with the instances its middleware and
 * its handler need (uses.h, instances.h).  Not here: anything a worker does or
 * sees - what is built is not yet prepared, let alone current (change.h).
 * Invariants: all faults are reported, with file and line, each of them once;
 * a generation that is handed out has none.  Called by generation.c. */
#ifndef SERVE_BUILD_H
#define SERVE_BUILD_H

#include <stdint.h>

#include "base/check.h"
#include "base/diag.h"

struct conf;
struct gen;
struct image_set;
struct metering;
struct quarantine;

struct build_options {
    struct image_set *images;
    struct metering *metering; /* outlives the generation */
    const char *runtime_dir;   /* or NULL */
    uint32_t n_workers;
    uint64_t id;                         /* of the generation */
    const struct quarantine *quarantine; /* builds that may not run, or NULL */
    /* The generation that serves, whose instances are taken over where nothing
     * of theirs has changed; NULL: none.  It must serve until the new one does
     * or is freed. */
    const struct gen *before;
    /* Called when all instances are known and before one that is new is opened:
     * what it finds wrong is in d.  NULL: nothing to call. */
    void (*before_open)(void *arg, const struct gen *g, struct diag *d);
    void *arg;
};

/* A generation of conf, which it keeps (build_free gives both back); or NULL
 * with the reasons in d, and conf is still the caller's.  conf->bundle, which
 * must be there, is where the plugins come from; what an open one lacks is read
 * and added, so that afterwards the same generation can be built of it alone;
 * conf->hash says which it is. [control] */
MUST_USE struct gen *build_gen(struct conf *conf, const struct build_options *o,
                               struct diag *d);
/* Look for errors in a configuration that is known to have some, as far as it
 * goes; no instance is opened, nothing is kept, conf stays the caller's.
 * [control] */
void build_check(struct conf *conf, const struct build_options *o,
                 struct diag *d);
/* Give back a generation that no worker has a part of, and its
 * configuration. [control] */
void build_free(struct gen *g);

#endif
