/* SPDX-License-Identifier: BSD-2-Clause */
/* metering.h - et.metrics/1: the figures that plugins declare.
 *
 *   family  "hello_greetings_total", counter          one a declared metric
 *     series  instance="hello",route="greet"          one a place it counts at
 *             instance="hello"                        of an INSTANCE_GAUGE
 *       cells   worker 0: [ . ] worker 1: [ . ]       in base/figures.h
 *
 * One registry a process.  A generation finds or makes its series by name when
 * it is built, so generations that mean the same figure share it: totals go on
 * over a reload, and nothing is folded or handed over.  The cells of a series
 * are found by name too, in memory that processes share and that outlives them,
 * so the same holds from one process to the next.  Families and series are
 * never freed: what a reader on any thread has reached stays.  How many there
 * are is bounded by the distinct names that were ever configured.
 *
 * Invariants: only the control thread changes the registry; it publishes by
 * release stores to `next` and `first`.  A cell has one writer, its worker; the
 * cells of two workers never share a cache line.  A worker reaches its cells
 * through the slots of the calling chain member, by number. */
#ifndef HTTP_METERING_H
#define HTTP_METERING_H

#include <stdatomic.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/arena.h"
#include "base/check.h"

struct diag;
struct figures;
struct instance;
struct place;
struct plugin;

struct metering_family {
    _Atomic(struct metering_family *) next;
    _Atomic(struct metering_series *) first;
    struct metering_series *last; /* [control] */
    uint64_t hash;
    et_str name;                /* as shown */
    _Atomic(const char *) help; /* escaped as shown; of the newest build */
    uint32_t kind;              /* ET_METRIC_* */
};

/* The cells of a worker: the value, or a histogram's sum and then its buckets,
 * not cumulated. */
struct metering_series {
    _Atomic(struct metering_series *) next; /* of the family */
    struct metering_series *bucket;         /* of the table [control] */
    struct metering_family *family;
    uint64_t hash;
    et_str labels; /* as shown, without braces */
    const int64_t *bounds;
    uint32_t n_bounds, n_cells;
    uint32_t place;            /* of its cells, on any lane */
    _Atomic uint32_t n_users;  /* sets that hold it */
    _Atomic uint8_t is_hidden; /* other bounds of the same labels are shown */
};

struct metering {
    struct arena arena; /* all of it, and it only grows */
    const struct figures *figures;
    _Atomic(struct metering_family *) first;
    struct metering_family *last;
    struct metering_series **table; /* [n_buckets], by labels */
    uint32_t n_buckets, n_series;
    uint64_t seed;
};

/* What one member of a route counts, by handle - 1. */
struct metering_set {
    uint32_t n;
    struct metering_series *v[];
};

/* The same as one worker sees it. */
struct metering_slot {
    _Atomic int64_t *cells;
    const int64_t *bounds;
    uint32_t n_bounds, kind;
};

/* An empty registry of what is counted in those figures, which outlive it; 0
 * or ERR_NOMEM. [control] */
MUST_USE int metering_init(struct metering *m, const struct figures *figures);
/* Free all of it: no set of it is held, no thread reads it. [control] */
void metering_fini(struct metering *m);
/* ET_METRIC_* in a word. [any] */
const char *metering_kind_name(uint32_t kind);
/* Make known what a plugin declares; what cannot be shown (another kind under
 * a name that is taken) is an error in d.  scratch is the generation's arena:
 * what is known already takes nothing of the registry. [control] */
void metering_declare(struct metering *m, const struct plugin *p,
                      struct arena *scratch, const struct place *at,
                      struct diag *d);
/* *out: the series of an instance on a route, allocated in a and held until
 * metering_release; NULL if its plugin declares none.  0, ERR_NOMEM, or
 * ERR_INVALID if metering_declare has complained. [control] */
MUST_USE int metering_hold(struct metering *m, const struct instance *i,
                           const char *route, struct arena *a,
                           struct metering_set **out);
/* Let go of a set (or NULL). [control] */
void metering_release(struct metering *m, const struct metering_set *set);
/* The slots of a worker for a set (or NULL), in a.  NULL without memory, or
 * without a set. [worker] */
struct metering_slot *metering_slots(const struct metering *m,
                                     const struct metering_set *set,
                                     uint32_t worker, struct arena *a);

/* The sum over all workers of one cell, those of other processes included; true
 * in some order of the moment. [any] */
int64_t metering_sum(const struct metering *m, const struct metering_series *s,
                     uint32_t cell);
/* Whether it has something to say: it is in use, or it has counted and its
 * place may come back. [any] */
int metering_is_shown(const struct metering *m,
                      const struct metering_series *s);

/* et.metrics/1. [any] */
const et_metrics *metering_iface(void);

#endif
