/* SPDX-License-Identifier: BSD-2-Clause */
/* gen.c - a generation's part in each worker; see gen.h. */
#include "http/gen.h"

#include <stdio.h>
#include <stdlib.h>

#include "http/metering.h"
#include "plug/instance.h"
#include "plug/plugin.h"

#define CHAINS_MAX_BYTES ((size_t)1 << 30)

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
        .self = instance_self(i, worker),
        .body = p->request ? (uint8_t)(p->request->flags & ET_B_BUFFER) : 0,
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
    m->slots = metering_slots(set, w->worker->index, &w->arena);
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
    block = arena_alloc(&w->arena, chain_size(m, n));
    return block ? chain_compose(block, m, n) : NULL;
}

static int
compose_all(struct gen_worker *w)
{
    struct gen *g = w->gen;

    w->chains = arena_alloc(&w->arena, g->n_routes * sizeof *w->chains);
    if (!w->chains)
        return ET_ENOMEM;
    for (uint32_t i = 0; i < g->n_routes; i++) {
        w->chains[i] = gen_compose(w, g->routes[i]);
        if (!w->chains[i])
            return ET_ENOMEM;
    }
    return 0;
}

static void
undo(struct gen_worker *w)
{
    while (w->n_ready > 0)
        instance_worker_exit(w->gen->instances[--w->n_ready], w->worker);
    arena_reset(&w->arena);
    w->chains = NULL;
}

int
gen_prepare(struct gen *g, et_worker *worker, char *why, size_t cap)
{
    struct gen_worker *w = &g->workers[worker->index];
    int rc;

    w->gen = g;
    w->worker = worker;
    w->n_active = 0;
    w->n_ready = 0;
    w->failed = NULL;
    arena_init(&w->arena, NULL, 0, NULL, CHAINS_MAX_BYTES);
    while (w->n_ready < g->n_instances) {
        struct instance *i = g->instances[w->n_ready];
        char text[256] = "";
        rc = instance_worker_init(i, worker, text, sizeof text);
        if (rc < 0) {
            w->failed = i;
            snprintf(why, cap, "plugin %s on worker %u: %s", i->name,
                     worker->index, text);
            undo(w);
            return rc;
        }
        w->n_ready++;
    }
    rc = compose_all(w);
    if (rc < 0) {
        snprintf(why, cap, "out of memory for the chains");
        undo(w);
    }
    return rc;
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
