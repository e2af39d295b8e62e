/* SPDX-License-Identifier: BSD-2-Clause */
/* wires.c - see wires.h. */
#include "http/wires.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "os/dial.h"

_Static_assert(offsetof(struct wire, source.gen) >= SLAB_KEPT_AT &&
                   offsetof(struct wire, source.gen) + sizeof(uint16_t) <=
                       SLAB_KEPT_END,
               "a free wire keeps its generation");

int
wires_init(struct wires *s, uint32_t max, uint32_t max_idle, uint64_t idle_ms,
           struct io *io, struct wheel *wheel, const struct clock *clock)
{
    list_init(&s->used);
    list_init(&s->idle);
    s->io = io;
    s->wheel = wheel;
    s->clock = clock;
    s->n_idle = 0;
    s->max_idle = idle_ms > 0 ? max_idle : 0;
    s->idle_ms = idle_ms;
    return slab_init(&s->slab, sizeof(struct wire), max);
}

void
wires_fini(struct wires *s)
{
    if (s->slab.base)
        slab_fini(&s->slab);
}

static void
on_released(struct io_source *source)
{
    struct wire *w = CONTAINER_OF(source, struct wire, source);

    slab_give(&w->pool->slab, w);
}

static void
on_ready(struct io_source *source, uint32_t events)
{
    struct wire *w = CONTAINER_OF(source, struct wire, source);

    if (w->on_ready)
        w->on_ready(w, events);
    else
        wires_drop(w);
}

static const struct io_handler handler = {
    .on_ready = on_ready,
    .on_released = on_released,
};

/* ---- one of them ---------------------------------------------------------*/

struct wire *
wires_dial(struct wires *s, const struct wire_end *end, const struct addr *at,
           int *rc)
{
    struct wire *w = slab_take(&s->slab);
    int fd;

    *rc = -ENOBUFS;
    if (!w)
        return NULL;
    fd = dial_open(at->ip, end->port);
    if (fd < 0) {
        *rc = fd;
        slab_give(&s->slab, w);
        return NULL;
    }
    w->pool = s;
    w->on_ready = NULL;
    w->timer = (struct wheel_timer){.prev = NULL};
    w->end = *end;
    list_init(&w->link);
    list_push(&s->used, &w->link);
    io_add(s->io, &w->source, fd, &handler);
    return w;
}

void
wires_wait(struct wire *w, uint32_t events,
           void (*on_ready_fn)(struct wire *w, uint32_t events), void *owner)
{
    w->on_ready = on_ready_fn;
    w->owner = owner;
    io_poll(w->pool->io, &w->source, events);
}

/* It is idle no more, if it was. */
static void
leave_idle(struct wire *w)
{
    if (!wheel_is_armed(&w->timer))
        return;
    wheel_cancel(w->pool->wheel, &w->timer);
    w->pool->n_idle--;
}

void
wires_drop(struct wire *w)
{
    leave_idle(w);
    list_remove(&w->link);
    io_drop(w->pool->io, &w->source);
}

/* ---- idle ones -----------------------------------------------------------*/

static void
on_old(struct wheel_timer *t, uint64_t now_ms)
{
    struct wire *w = CONTAINER_OF(t, struct wire, timer);

    (void)now_ms;
    w->pool->n_idle--;
    wires_drop(w);
}

void
wires_keep(struct wire *w)
{
    struct wires *s = w->pool;

    if (s->max_idle == 0 || !dial_is_quiet(wires_fd(w))) {
        wires_drop(w);
        return;
    }
    if (s->n_idle == s->max_idle)
        wires_drop(CONTAINER_OF(s->idle.prev, struct wire, link));
    s->n_idle++;
    list_remove(&w->link);
    list_push(&s->idle, &w->link);
    w->timer.fn = on_old;
    wheel_arm(s->wheel, &w->timer, s->clock->mono_ms + s->idle_ms);
    wires_wait(w, POLLIN, NULL, NULL);
}

static int
leads_to(const struct wire *w, const struct wire_end *end)
{
    return w->end.port == end->port && w->end.len == end->len &&
           memcmp(w->end.host, end->host, end->len) == 0;
}

struct wire *
wires_reuse(struct wires *s, const struct wire_end *end)
{
    LIST_FOR_EACH_SAFE(link, &s->idle)
    {
        struct wire *w = CONTAINER_OF(link, struct wire, link);
        if (!leads_to(w, end))
            continue;
        if (!dial_is_quiet(wires_fd(w))) {
            wires_drop(w);
            continue;
        }
        leave_idle(w);
        list_remove(&w->link);
        list_push(&s->used, &w->link);
        io_poll_stop(s->io, &w->source);
        return w;
    }
    return NULL;
}

void
wires_close(struct wires *s)
{
    s->max_idle = 0;
    while (!list_is_empty(&s->idle))
        wires_drop(CONTAINER_OF(s->idle.next, struct wire, link));
    while (!list_is_empty(&s->used))
        wires_drop(CONTAINER_OF(s->used.next, struct wire, link));
}
