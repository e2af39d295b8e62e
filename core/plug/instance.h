/* SPDX-License-Identifier: BSD-2-Clause */
/* instance.h - one (section, effective options) pair of a plugin.
 *
 *     options (filled by the host) -> inst (open) -> one state a worker (init)
 *
 * Each stage is given what the stage before made; a step's self is what the
 * last one made.  Options and inst are made on the control thread and read-only
 * afterwards; a state belongs to its worker.  Routes with equal overrides share
 * an instance, and so do generations: the control thread counts those that hold
 * it at all (refs), each worker those that hold its state (n_held).  Who is the
 * first makes, who is the last ends; whoever only borrowed ends nothing. */
#ifndef PLUG_INSTANCE_H
#define PLUG_INSTANCE_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/arena.h"
#include "base/check.h"

struct plugin;

#define INSTANCE_MAX_CHANNELS 8
/* What save may hand over of one state. */
#define INSTANCE_SAVED_MAX (16u << 20)

/* What an interface of the host has lent to a state while its init ran: given
 * back when the state has ended, or its init has failed. */
struct instance_loan {
    struct instance_loan *next;
    void (*give_back)(struct instance_loan *l);
};

/* A worker's share of an instance; only that worker looks at it. */
struct instance_part {
    void *state; /* NULL: none, or the plugin declares none */
    struct instance_loan *loans;
    uint32_t n_held; /* generations of this worker that hold it */
    uint8_t is_heir; /* has taken a state over and does not serve yet */
};

struct instance {
    et_conf conf;     /* what open is shown; conf.instance is its section */
    const char *name; /* "limit", or "limit@users" with values of a route */
    struct plugin *plugin; /* holds a reference */
    void *options, *inst;
    struct instance_part *parts; /* [n_workers] */
    struct arena arena;
    et_str key;             /* equal keys: equal instances */
    const uint8_t *secrets; /* by row of the options: never print it; or NULL */
    uint32_t refs;
    uint8_t is_open;        /* instance_open was good */
    uint8_t requires_state; /* state = required: or the reload is refused */
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
/* Run the plugin's open with i->options, once: one that is open stays; 0, or <
 * 0 and why (cap bytes) says why. [control] */
MUST_USE int instance_open(struct instance *i, char *why, size_t cap);
/* One more generation holds this worker's state; the first one makes it: 0, or
 * < 0 and why (cap bytes), and it is not held. [worker] */
MUST_USE int instance_hold(struct instance *i, et_worker *w, char *why,
                           size_t cap);
/* One generation less; the last one ends the state. [worker] */
void instance_drop(struct instance *i, et_worker *w);
/* True if one generation only holds this worker's state. [worker] */
static inline int
instance_is_new(const struct instance *i, const et_worker *w)
{
    return i->parts[w->index].n_held == 1;
}
/* Why heir cannot be given a state of old, or NULL if it can. [control] */
const char *instance_is_no_heir(const struct instance *heir,
                                const struct instance *old);
/* Hand what old's plugin saves of its state over to heir's, which can be given
 * it, has just been made, and is held by nobody else; old, which is held, goes
 * on as it was.  INSTANCE_TAKEN, or, with why (cap bytes), INSTANCE_NOT_TAKEN:
 * it was not saved or not loaded whole, and heir's state is as init leaves it.
 * A save that crashes is one that was not saved: it is the old build's, which
 * is to go.  Below 0, with why: even that failed, or the load has crashed, and
 * heir is not held any more. [worker] */
#define INSTANCE_TAKEN 0
#define INSTANCE_NOT_TAKEN 1
MUST_USE int instance_inherit(struct instance *heir, const struct instance *old,
                              et_worker *w, char *why, size_t cap);
/* The moment heir serves in old's place: hand over once more, for what old has
 * seen since; nothing if heir has taken nothing before.  0, or < 0 with why
 * (cap bytes): heir goes on with what it took before, as far as its plugin has
 * left that alone. [worker] */
MUST_USE int instance_catch_up(struct instance *heir,
                               const struct instance *old, et_worker *w,
                               char *why, size_t cap);
/* The name of the instance whose worker init, exit, save or load runs on this
 * thread now, or NULL. [any] */
const char *instance_speaking(void);
/* The instance whose worker init runs on this thread now, or NULL. [any] */
const struct instance *instance_in_init(void);
/* Lend l, which is the caller's, to the state that is being made: give_back is
 * called once, by the same worker.  Within an init only. [worker] */
void instance_lend(struct instance_loan *l);
/* Run one of its plugin's commands with args; what that returns, or
 * CALLBACK_CRASHED. [worker] */
int32_t instance_command(const struct instance *i, et_worker *w,
                         const et_commanddef *def, et_str args, void *out,
                         int32_t (*put)(void *out, const void *p, size_t n));
/* What a step of this instance gets as self on worker index. [worker] */
void *instance_self(const struct instance *i, uint32_t worker);

#endif
