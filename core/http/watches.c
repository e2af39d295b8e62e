/* SPDX-License-Identifier: BSD-2-Clause */
/* watches.c - see watches.h. */
#include "http/watches.h"

#include <stddef.h>

#include "base/err.h"

_Static_assert(offsetof(struct watch, source.gen) >= SLAB_KEPT_AT &&
                   offsetof(struct watch, source.gen) + sizeof(uint16_t) <=
                       SLAB_KEPT_END,
               "a free watch keeps its generation");

int
watches_init(struct watches *t, uint32_t max, struct io *io)
{
    t->io = io;
    return slab_init(&t->slab, sizeof(struct watch), max);
}

void
watches_fini(struct watches *t)
{
    if (t->slab.base)
        slab_fini(&t->slab);
}

static void
on_released(struct io_source *s)
{
    struct watch *w = CONTAINER_OF(s, struct watch, source);

    slab_give(&w->table->slab, w);
}

static void
on_ready(struct io_source *s, uint32_t events)
{
    struct watch *w = CONTAINER_OF(s, struct watch, source);

    io_release(w->table->io, s);
    w->on_ready(w, events);
}

static const struct io_handler handler = {
    .on_ready = on_ready,
    .on_released = on_released,
};

struct watch *
watches_arm(struct watches *t, int fd, uint32_t events,
            void (*on_ready_fn)(struct watch *w, uint32_t events), void *owner)
{
    struct watch *w = slab_take(&t->slab);

    if (!w)
        return NULL;
    w->table = t;
    w->on_ready = on_ready_fn;
    w->owner = owner;
    io_add(t->io, &w->source, fd, &handler);
    io_poll(t->io, &w->source, events);
    return w;
}

void
watches_cancel(struct watch *w)
{
    io_release(w->table->io, &w->source);
}
