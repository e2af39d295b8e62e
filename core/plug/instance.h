/* SPDX-License-Identifier: BSD-2-Clause */
/* instance.h - one (section, effective options) pair of a plugin.
 *
 *     options (filled by the host) -> inst (open) -> one state a worker (init)
 *
 * Each stage is given what the stage before made; a step's self is what the
 * last one made.  Options and inst are made on the control thread and read-only
 * afterwards; a state belongs to its worker.  Routes with equal overrides share
 * an instance, and so do generations: it goes when the last one lets go. */
#ifndef PLUG_INSTANCE_H
#define PLUG_INSTANCE_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/arena.h"
#include "base/check.h"

struct plugin;

#define INSTANCE_MAX_CHANNELS 8

struct instance {
    et_conf conf;     /* what open is shown; conf.instance is its section */
    const char *name; /* "limit", or "limit@users" with values of a route */
    struct plugin *plugin; /* holds a reference */
    void *options, *inst;
    void **states; /* [n_workers]; NULL: not initialised there */
    struct arena arena;
    et_str key;             /* equal keys: equal instances */
    const uint8_t *secrets; /* by row of the options: never print it; or NULL */
    uint32_t refs;
    uint32_t n_channels;
    int channels[INSTANCE_MAX_CHANNELS]; /* log files it opened */
};

/* An instance with an empty arena for its options; the reference is the
 * caller's.  NULL without memory.  name and section are copied. [control] */
MUST_USE struct instance *instance_new(struct plugin *plugin,
                                       const char *section, const char *route,
                                       uint32_t n_workers, const et_host *host);
struct instance *instance_ref(struct instance *i);
/* Run close with the last reference, then free. [control] */
void instance_unref(struct instance *i);
/* Run the plugin's open with i->options; 0, or < 0 and why (cap bytes) says
 * why. [control] */
MUST_USE int instance_open(struct instance *i, char *why, size_t cap);
/* Make this worker's state; 0, or < 0 and why. Nothing to do: 0. [worker] */
MUST_USE int instance_worker_init(struct instance *i, et_worker *w, char *why,
                                  size_t cap);
void instance_worker_exit(struct instance *i, et_worker *w);
/* The name of the instance whose worker init or exit runs on this thread now,
 * or NULL. [any] */
const char *instance_speaking(void);
/* What a step of this instance gets as self on worker index. [worker] */
void *instance_self(const struct instance *i, uint32_t worker);

#endif
