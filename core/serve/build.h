/* SPDX-License-Identifier: BSD-2-Clause */
/* build.h - from a configuration to a generation.
 *
 * Loads the plugins of every section, lets the router find out which routes
 * meet which scopes, and for each such combination makes the instances its
 * middleware and handler need; equal (section, effective options) pairs share
 * one.  Nothing of it is seen by a worker yet.  All faults are reported, with
 * file and line. */
#ifndef SERVE_BUILD_H
#define SERVE_BUILD_H

#include <stdint.h>

#include "base/check.h"
#include "base/diag.h"

struct conf;
struct gen;
struct image_set;
struct metering;

struct build_options {
    struct image_set *images;
    struct metering *metering; /* outlives the generation */
    const char *runtime_dir;   /* or NULL */
    uint32_t n_workers;
    uint64_t id; /* of the generation */
};

/* A generation of conf, which it keeps (build_free gives both back); or NULL
 * with the reasons in d, and conf is still the caller's. [control] */
MUST_USE struct gen *build_gen(struct conf *conf, const struct build_options *o,
                               struct diag *d);
/* Look for errors in a configuration that is known to have some, as far as it
 * goes; no instance is opened, nothing is kept. [control] */
void build_check(struct conf *conf, const struct build_options *o,
                 struct diag *d);
/* Give back a generation that no worker has a part of, and its
 * configuration. [control] */
void build_free(struct gen *g);

#endif
