/* SPDX-License-Identifier: BSD-2-Clause */
/* gen.c - a generation's part in each worker; see gen.h. */
#include "http/gen.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "http/chain_compose.h"
#include "http/metering.h"
#include "plug/instance.h"
#include "plug/plugin.h"

#define CHAINS_MAX_BYTES ((size_t)1 << 30)
/* Laying out so many chains is short beside the budget of a worker init. */
#define ROUTES_A_STEP 64u

static struct chain_member
member_of(const struct instance *i, uint32_t worker)
{
    const struct plugin *p = i->plugin;

    return (struct chain_member){
        .instance = i,
        .name = i->name,
        .request = p->request ? p->request->fn : NULL,
        .response = p->response ? p->response->fn : NULL,
        .log = p->log ? p->log->fn : NULL,
        .filter = p->filter ? p->filter->fn : NULL,
        .self = instance_self(i, worker),
        .body = p->request
                    ? (uint8_t)(p->request->flags & (ET_B_BUFFER | ET_F_TASK))
                    : 0,
    };
}

/* The handler's member: its own request step gives way to the handler. */
static struct chain_member
handler_of(const struct route *route, uint32_t worker)
{
    struct chain_member m = {.name = route->name};

    if (route->handler)
        m = member_of(route->handler, worker);
    else
        m.self = (void *)(uintptr_t)route;
    m.request = route->handle;
    m.body = route->body;
    return m;
}

/* Where member i of a route finds its figures in this worker. */
static int
add_slots(struct gen_worker *w, const struct route *route,
          struct chain_member *m, uint32_t i)
{
    const struct metering_set *set = route->meters ? route->meters[i] : NULL;

    m->n_slots = set ? set->n : 0;
    m->slots =
        metering_slots(w->gen->metering, set, w->worker->index, &w->arena);
    return set && !m->slots ? ET_ENOMEM : 0;
}

struct chain *
gen_compose(struct gen_worker *w, const struct route *route)
{
    uint32_t n = route->n_use + 1;
    struct chain_member *m = arena_alloc(&w->arena, n * sizeof *m);
    void *block;

    if (!m)
        return NULL;
    for (uint32_t i = 0; i < route->n_use; i++)
        m[i] = member_of(route->use[i], w->worker->index);
    m[n - 1] = handler_of(route, w->worker->index);
    for (uint32_t i = 0; i < n; i++) {
        if (add_slots(w, route, &m[i], i) < 0)
            return NULL;
    }
    block = arena_alloc(&w->arena, chain_compose_size(m, n));
    return block ? chain_compose(block, m, n) : NULL;
}

static void
undo(struct gen_worker *w)
{
    while (w->n_ready > 0)
        instance_drop(w->gen->instances[--w->n_ready], w->worker);
    arena_reset(&w->arena);
    w->chains = NULL;
}

/* ---- preparing, step by step ----------------------------------------------*/

void
gen_prepare(struct gen *g, et_worker *worker)
{
    struct gen_worker *w = &g->workers[worker->index];

    w->gen = g; /* the rest is zero, and `at` may be looked at already */
    w->worker = worker;
    arena_init(&w->arena, NULL, 0, NULL, CHAINS_MAX_BYTES);
}

/* The state a predecessor hands over to i, which is held. */
static int
inherit(struct gen_worker *w, struct instance *i, const struct instance *old,
        char *why, size_t cap)
{
    int rc = instance_inherit(i, old, w->worker, why, cap);

    if (rc != INSTANCE_NOT_TAKEN)
        return rc;
    if (i->requires_state) {
        instance_drop(i, w->worker);
        return ERR_INVALID;
    }
    log_printf(LOG_WARN, i->name, "starts without the state of before: %s",
               why);
    return 0;
}

static int
hold(struct gen_worker *w, uint32_t k, char *why, size_t cap)
{
    const struct gen *g = w->gen;
    struct instance *i = g->instances[k];
    const struct instance *old = g->predecessors ? g->predecessors[k] : NULL;
    int rc = instance_hold(i, w->worker, why, cap);

    return rc < 0 || !old ? rc : inherit(w, i, old, why, cap);
}

static int
hold_next(struct gen_worker *w, char *why, size_t cap)
{
    struct instance *i = w->gen->instances[w->n_ready];
    uint64_t began_ns = clock_mono_ns(), took_ns;
    char text[256] = "";
    int rc;

    atomic_store_explicit(&w->at, i, memory_order_relaxed);
    rc = hold(w, w->n_ready, text, sizeof text);
    atomic_store_explicit(&w->at, NULL, memory_order_relaxed);
    if (rc < 0) {
        w->failed = i;
        snprintf(why, cap, "plugin %s on worker %u: %s", i->name,
                 w->worker->index, text);
        return rc;
    }
    w->n_ready++;
    took_ns = clock_mono_ns() - began_ns;
    if (took_ns > w->slowest_ns && instance_is_new(i, w->worker)) {
        w->slowest_ns = took_ns;
        w->slowest = i;
    }
    return 0;
}

static int
compose_some(struct gen_worker *w)
{
    const struct gen *g = w->gen;
    uint32_t end = w->n_composed + ROUTES_A_STEP;

    if (!w->chains)
        w->chains = arena_alloc(&w->arena, g->n_routes * sizeof *w->chains);
    if (!w->chains)
        return ET_ENOMEM;
    for (; w->n_composed < end && w->n_composed < g->n_routes;
         w->n_composed++) {
        struct chain *c = gen_compose(w, g->routes[w->n_composed]);
        if (!c)
            return ET_ENOMEM;
        w->chains[w->n_composed] = c;
    }
    return 0;
}

static int
take_step(struct gen_worker *w, char *why, size_t cap)
{
    const struct gen *g = w->gen;
    int rc;

    if (atomic_load_explicit(&g->is_given_up, memory_order_relaxed)) {
        snprintf(why, cap, "worker %u was not ready in time", w->worker->index);
        return ERR_TIMEOUT;
    }
    if (w->n_ready < g->n_instances) {
        rc = hold_next(w, why, cap);
    } else {
        rc = compose_some(w);
        if (rc < 0)
            snprintf(why, cap, "out of memory for the chains");
    }
    if (rc < 0)
        return rc;
    return w->n_ready < g->n_instances || w->n_composed < g->n_routes;
}

int
gen_prepare_step(struct gen *g, et_worker *worker, char *why, size_t cap)
{
    struct gen_worker *w = &g->workers[worker->index];
    int rc = take_step(w, why, cap);

    if (rc < 0)
        undo(w);
    return rc;
}

void
gen_catch_up(struct gen_worker *w)
{
    const struct gen *g = w->gen;
    char why[256];

    if (!g->predecessors)
        return;
    for (uint32_t k = 0; k < g->n_instances; k++) {
        struct instance *i = g->instances[k];
        const struct instance *old = g->predecessors[k];
        if (old && instance_catch_up(i, old, w->worker, why, sizeof why) < 0)
            log_printf(LOG_WARN, i->name,
                       "goes on with the state of a moment ago: %s", why);
    }
}

int
gen_retire(struct gen_worker *w)
{
    struct gen *g = w->gen;

    CHECK(w->n_active == 0);
    undo(w);
    return atomic_fetch_sub(&g->workers_left, 1) == 1;
}

void
gen_free(struct gen *g)
{
    for (uint32_t i = 0; i < g->n_routes; i++) {
        const struct route *r = g->routes[i];
        for (uint32_t k = 0; r->meters && k <= r->n_use; k++)
            metering_release(g->metering, r->meters[k]);
    }
    for (uint32_t i = g->n_instances; i > 0; i--)
        instance_unref(g->instances[i - 1]);
    free(g->workers);
    arena_reset(&g->arena);
    free(g);
}
