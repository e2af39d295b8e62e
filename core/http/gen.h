/* SPDX-License-Identifier: BSD-2-Clause */
/* gen.h - a generation: everything one configuration means, built once.
 *
 *     struct gen (immutable once built)          one struct gen_worker a worker
 *     conf, router, routes[], instances[]   <--  chains[route->index], n_active
 *
 * The control thread builds it beside the one that serves; each worker then
 * prepares its own part (worker states, composed chains), swaps one pointer
 * between events, and counts the requests that still run on the old one.  A
 * worker retires its part when it is no longer current and n_active is 0; the
 * last one to do so hands the generation back for disposal. */
#ifndef HTTP_GEN_H
#define HTTP_GEN_H

#include <stdatomic.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/arena.h"
#include "base/check.h"
#include "base/wheel.h"
#include "http/chain.h"
#include "http/route.h"
#include "proto/addr.h"

struct conf;
struct router;
struct instance;
struct metering;
struct gen;

struct gen_worker {
    struct gen *gen;
    et_worker *worker;
    struct chain **chains;     /* by route->index */
    struct arena arena;        /* of the chains */
    uint32_t n_active;         /* requests pinned to it */
    uint8_t is_stopping;       /* the process is: `ready` says no */
    uint8_t is_old;            /* a newer one serves */
    struct wheel_timer retire; /* while it is old, and has requests */
    uint32_t n_ready;          /* instances held, from the first one on */
    /* Whose worker init runs now, or NULL; read by the control thread to say
     * what it waits for. */
    const struct instance *_Atomic at;
    uint32_t n_composed;            /* routes whose chain is laid out */
    const struct instance *failed;  /* whose worker init has failed, or NULL */
    const struct instance *slowest; /* to become ready, and how long it took */
    uint64_t slowest_ns;
};

struct gen {
    uint64_t id; /* 1, 2, ... */
    struct arena arena;
    const struct conf *conf;
    struct router *router;
    struct route **routes;
    uint32_t n_routes;

    struct instance **instances;
    struct instance **predecessors; /* [n_instances]: whose state is handed over
                                       to that one; NULL: nobody's.  Borrowed
                                       of the generation that serves */
    uint32_t n_instances;
    uint32_t n_kept; /* of them: taken over from the generation before */
    struct addr_trust trust;   /* proxies that are believed */
    struct metering *metering; /* the process's, where meters are held */
    et_str facts; /* lines that follow the figures (exposition.h), in its
                     arena; absent: none */
    uint32_t n_workers;
    struct gen_worker *workers;    /* [n_workers] */
    _Atomic uint32_t workers_left; /* not yet retired */
    _Atomic int is_given_up;       /* the control thread waits no longer */
    void *on_retired; /* the control thread's, for when the last one is */
};

/* Begin worker's part; the steps below make it. [worker] */
void gen_prepare(struct gen *g, et_worker *worker);
/* One step of making worker's part, short enough for one turn of its loop: the
 * worker init of one instance, in order, with the state its predecessor hands
 * over; after the last one some chains.  1: there is more to do; 0: the part is
 * ready; below 0 (why, cap bytes): it failed, or nobody waits for it any more
 * (is_given_up); then what was done is undone in reverse and the part is as
 * before. [worker] */
MUST_USE int gen_prepare_step(struct gen *g, et_worker *worker, char *why,
                              size_t cap);
/* The last thing before worker's part, which is ready, takes the place of the
 * one that serves: states that were handed over are so once more, in one go,
 * for what their predecessors have seen since. [worker] */
void gen_catch_up(struct gen_worker *w);
/* Whether a worker, which is not at it, has made something of its part. [any]
 */
static inline int
gen_has_part(const struct gen *g, uint32_t worker)
{
    const struct gen_worker *w = &g->workers[worker];

    return w->n_ready > 0 || w->chains != NULL;
}
/* Lay out the chain of one route in w's arena, as gen_prepare does for all;
 * NULL without memory. [worker] */
struct chain *gen_compose(struct gen_worker *w, const struct route *route);
/* Undo what was prepared: worker exit in reverse order.  True if this was the
 * last part of the generation: it may be disposed of. [worker] */
MUST_USE int gen_retire(struct gen_worker *w);
/* Release instances and memory; no part is in use any more. [control] */
void gen_free(struct gen *g);

#endif
