/* SPDX-License-Identifier: BSD-2-Clause */
/* streams.c - see streams.h. */
#include "http/streams.h"

#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "http/gen.h"
#include "http/host.h"
#include "http/route.h"
#include "http/stream.h"

_Static_assert(offsetof(struct stream, pub.ctx.host) == SLAB_KEPT_AT,
               "of a free slot it may be looked at");

int
streams_init(struct streams *all, uint32_t max, struct blocks *blocks,
             struct host_worker *worker, const struct streams_limits *limits)
{
    list_init(&all->due);
    all->blocks = blocks;
    all->worker = worker;
    all->limits = limits;
    return slab_init(&all->slab, sizeof(struct stream), max);
}

void
streams_fini(struct streams *all)
{
    if (all->slab.base)
        slab_fini(&all->slab);
}

/* The stream in slot i, or NULL. */
static struct stream *
at(const struct streams *all, uint32_t i)
{
    struct stream *s = slab_at(&all->slab, i);

    return s->pub.ctx.host ? s : NULL;
}

/* ---- who is to be looked at ----------------------------------------------*/

void
streams_add(struct stream *s)
{
    if (list_is_empty(&s->due))
        list_push_back(&s->all->due, &s->due);
}

struct stream *
streams_next(struct streams *all)
{
    struct list *first = list_pop(&all->due);

    return first ? CONTAINER_OF(first, struct stream, due) : NULL;
}

/* ---- generations ---------------------------------------------------------*/

static int
is_same_use(const struct route *x, const struct route *y)
{
    return x->kind == y->kind && x->handler == y->handler &&
           x->handle == y->handle && x->n_use == y->n_use &&
           memcmp(x->use, y->use, x->n_use * sizeof *x->use) == 0;
}

/* The route of g that is what old was to its requests, or NULL. */
static const struct route *
find_heir(const struct gen *g, const struct route *old)
{
    for (uint32_t i = 0; i < g->n_routes; i++) {
        const struct route *r = g->routes[i];
        if (strcmp(r->name, old->name) == 0 && is_same_use(r, old))
            return r;
    }
    return NULL;
}

/* What was found for some routes; many streams are of few. */
#define MEMO 64u

struct memo {
    const struct route *old, *heir;
};

static const struct route *
heir_of(const struct gen *g, const struct route *old, struct memo memo[MEMO])
{
    struct memo *m = &memo[old->index % MEMO];

    if (m->old != old)
        *m = (struct memo){old, find_heir(g, old)};
    return m->heir;
}

static void
move(struct stream *s, struct gen_worker *now, const struct route *route)
{
    struct gen_worker *old = s->gen;

    s->gen = now;
    s->route = route;
    now->n_active++;
    if (--old->n_active == 0)
        s->all->on_unpinned(s->all, old);
}

void
streams_renew(struct streams *all, struct gen_worker *now)
{
    struct memo memo[MEMO] = {{NULL, NULL}};
    uint64_t due_ms = all->worker->clock->mono_ms + all->limits->drain_ms;

    for (uint32_t i = 0; i < all->slab.fresh; i++) {
        struct stream *s = at(all, i);
        const struct route *heir;
        if (!s || s->is_over || s->gen == now)
            continue;
        heir = s->is_retired || s->has_task ? NULL
                                            : heir_of(now->gen, s->route, memo);
        if (heir)
            move(s, now, heir);
        else if (!s->is_retired)
            stream_retire(s, due_ms);
    }
}

void
streams_retire(struct streams *all, uint64_t due_ms)
{
    all->is_ending = 1;
    all->due_ms = due_ms;
    for (uint32_t i = 0; i < all->slab.fresh; i++) {
        struct stream *s = at(all, i);
        if (s)
            stream_retire(s, due_ms);
    }
}

void
streams_shut(struct streams *all, unsigned code)
{
    for (uint32_t i = 0; i < all->slab.fresh; i++) {
        struct stream *s = at(all, i);
        if (s)
            stream_dismiss(s, code);
    }
}
