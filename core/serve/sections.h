/* SPDX-License-Identifier: BSD-2-Clause */
/* sections.h - the [plugin ...] sections of a configuration, loaded.
 *
 * A section is what the ini says of a plugin and the plugin its module turned
 * out to be; two sections may share one.  Not here: where a module lies
 * (module.h), staging and mapping it (plug/image.h), and the instances that
 * routes make of a section (instances.h).  Invariants: b->sections has an
 * entry for each of conf->plugins, in its order; each plugin that is not NULL
 * holds a reference until sections_free; no two different plugins have one id.
 * Called by build.c at both ends of a building, and by who needs a section by
 * its name. */
#ifndef SERVE_SECTIONS_H
#define SERVE_SECTIONS_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct builder;
struct conf_plugin;
struct image_set;
struct plugin;
struct route;

struct section {
    const struct conf_plugin *conf;
    const char *path;      /* its module's file; in the generation's arena */
    struct plugin *plugin; /* NULL: it could not be loaded, or it stands twice
                              and this is the second: that has been said */
    const char *out;       /* why it is left out (outage.h); NULL: it is not */
    uint32_t n_used;       /* how often an instance of it was asked for */
};

/* Load the module of every section of b->conf into images and make known what
 * it counts; runtime_dir (may be NULL) is where private copies may lie.  What
 * does not load is in the diag and its plugin NULL.  0, or ERR_NOMEM, not said;
 * call sections_free in either case. [control] */
MUST_USE int sections_load(struct builder *b, struct image_set *images,
                           const char *runtime_dir);
/* The section called name, or NULL: conf has checked the names, so only in a
 * configuration that is known to be wrong. [control] */
struct section *sections_find(const struct builder *b, et_str name);
/* Does the configuration name s anywhere, or does it bring routes of its own?
 * [control] */
int sections_is_named(const struct builder *b, const struct section *s);
/* s is out: r, of which what stands outside of it is there, is closed, unless
 * something further out has closed it. [control] */
void sections_close_route(const struct section *s, struct route *r);
/* Let go of the plugins: those that instances hold stay. [control] */
void sections_free(struct builder *b);

#endif
