/* SPDX-License-Identifier: BSD-2-Clause */
/* plugin.h - what a mapped image declares, as the host's own full-size copy.
 *
 * Every descriptor, item and option is copied once into zeroed structs of this
 * server's size (min(theirs, ours) bytes): a plugin built against a shorter
 * header reads as "not provided" in what it does not know, one built against a
 * longer header is cut, and nothing on the request path ever checks a size.
 * There is one plugin per image, shared by all generations that use it; load
 * is called when the first comes, unload when the last goes (and load again if
 * the same build comes back after that).
 *
 * Whatever these point to is followed only if it can be read (reach.h), and is
 * not copied.  Path patterns, option defaults and the order of steps are judged
 * by those who use them.  All of it [control]. */
#ifndef PLUG_PLUGIN_H
#define PLUG_PLUGIN_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/diag.h"

struct image;
struct image_rules;
struct image_set;

#define PLUGIN_MAGIC 0x65706c67u

struct plugin {
    uint32_t magic;
    uint32_t n_refs;
    struct image *image; /* a reference of ours */
    const char *path;    /* the image's: for messages */
    et_plugin desc;

    /* At most one each, NULL if not declared. */
    const et_stepdef *request, *response, *handler, *log;
    const et_bodydef *filter;
    const et_optdef *options; /* its v: an array of full-size copies */
    const et_instancedef *instance;
    const et_statedef *state;
    const et_imagedef *image_def;

    const et_route **routes; /* by file and line */
    const et_needdef **needs;
    const et_orderdef **orders;
    const et_commanddef **commands;
    const et_metricdef **metrics; /* [handle - 1] */
    uint32_t n_routes, n_needs, n_orders, n_commands, n_metrics;

    int is_loaded;
    uint64_t since; /* the first generation that served with it; 0: none yet */
    struct arena arena; /* holds the copies */
};

/* Copy and judge what img declares, then call its load(host).  The needed
 * interfaces are looked up with host->iface.  *out has one reference; an image
 * that has a plugin gives that one again.  0, or ERR_INVALID or ERR_NOMEM with
 * every reason in the diag.  Keeps host. */
MUST_USE int plugin_new(struct image *img, const et_host *host,
                        const struct place *at, struct diag *d,
                        struct plugin **out);

/* image_stage, image_open and plugin_new in one. */
MUST_USE int plugin_load(struct image_set *s, const struct image_rules *rules,
                         const char *path, const et_host *host,
                         const struct place *at, struct diag *d,
                         struct plugin **out);

/* One reference more; returns p. [control] */
struct plugin *plugin_ref(struct plugin *p);
/* The last one calls unload, frees the copies and lets go of the image. */
void plugin_unref(struct plugin *p);

/* The first declared route of that function name, or NULL. */
const et_route *plugin_route(const struct plugin *p, et_str name);

#endif
