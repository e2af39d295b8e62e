/* SPDX-License-Identifier: BSD-2-Clause */
/* fleet.c - the threads that serve, commanded as one; see fleet.h. */
#include "serve/fleet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "work/order.h"

int
fleet_init(struct fleet *f, uint32_t n, struct mailbox *control)
{
    /* A worker has members aligned to cache lines. */
    f->workers = aligned_alloc(_Alignof(struct worker), n * sizeof *f->workers);
    f->orders = calloc(n, sizeof *f->orders);
    f->last = calloc(n, sizeof *f->last);
    if (!f->workers || !f->orders || !f->last) {
        fleet_fini(f);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < n; i++)
        f->workers[i] = (struct worker){0};
    f->n_workers = n;
    f->control = control;
    return 0;
}

void
fleet_fini(struct fleet *f)
{
    for (uint32_t i = 0; i < f->n_workers; i++)
        worker_free(&f->workers[i]);
    free(f->workers);
    free(f->orders);
    free(f->last);
    f->workers = NULL;
    f->orders = NULL;
    f->last = NULL;
}

static void
on_reply(struct order *o)
{
    struct fleet *f = o->fleet;

    if (!o->is_given_up) {
        CHECK(f->n_waiting > 0);
        f->n_waiting--;
    }
    o->is_out = o->is_given_up = 0;
}

void
fleet_adopt(struct fleet *f, struct order *o)
{
    o->reply_to = f->control;
    o->on_reply = on_reply;
    o->fleet = f;
    o->result = 0;
    o->why[0] = '\0';
    CHECK(!o->is_out);
    o->is_out = 1;
    f->n_waiting++;
}

/* Nobody carries it out. */
static void
refuse(struct order *o)
{
    o->result = -ESHUTDOWN;
    snprintf(o->why, sizeof o->why, "this worker is lost");
}

static void
give(struct fleet *f, uint32_t worker, struct order *o, fleet_order *order,
     void *arg)
{
    if (worker_is_lost(&f->workers[worker])) {
        refuse(o);
        return;
    }
    fleet_adopt(f, o);
    o->arg = arg;
    o->run = order;
    order_give(&f->workers[worker], o);
}

void
fleet_command(struct fleet *f, uint32_t first, uint32_t n, fleet_order *order,
              void *arg)
{
    for (uint32_t i = first; i < first + n; i++) {
        if (!fleet_is_held(f, i))
            give(f, i, &f->orders[i], order, arg);
    }
}

void
fleet_give_up(struct fleet *f)
{
    for (uint32_t i = 0; i < f->n_workers; i++) {
        struct order *o = &f->orders[i];
        if (!o->is_out || o->is_given_up)
            continue;
        o->is_given_up = 1;
        f->n_waiting--;
    }
}

void
fleet_drain(struct fleet *f)
{
    for (uint32_t i = 0; i < f->n_workers; i++)
        give(f, i, &f->last[i], order_drain, NULL);
}

void
fleet_unlisten_all(struct fleet *f)
{
    fleet_adopt(f, &f->acceptor_order);
    f->acceptor_order.listener = ACCEPTOR_ALL;
    acceptor_unlisten(&f->acceptor, &f->acceptor_order);
}

void
fleet_wind_up(struct fleet *f, uint32_t ms)
{
    acceptor_wind_up(&f->acceptor);
    for (uint32_t i = 0; i < f->n_workers; i++)
        worker_wind_up(&f->workers[i], ms);
}

uint32_t
fleet_count_lost(const struct fleet *f)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < f->n_workers; i++)
        n += (uint32_t)worker_is_lost(&f->workers[i]);
    return n;
}

/* n_workers: none. */
static uint32_t
find_lost(const struct fleet *f)
{
    uint32_t i = 0;

    while (i < f->n_workers && !worker_is_lost(&f->workers[i]))
        i++;
    return i;
}

static void
take_back(struct order *o)
{
    if (!o->is_out)
        return;
    on_reply(o);
    refuse(o);
}

/* Take a turn.  A worker that was lost before it has no answer on its way any
 * more: what it owes is not waited for. */
static void
take_turn(struct fleet *f, int timeout_ms)
{
    uint32_t lost = find_lost(f);

    f->step(f->arg, timeout_ms);
    if (lost < f->n_workers) {
        take_back(&f->orders[lost]);
        take_back(&f->last[lost]);
    }
}

int
fleet_wait(struct fleet *f, int64_t timeout_ms)
{
    static const int never = 0;

    return fleet_wait_unless(f, timeout_ms, &never);
}

int
fleet_wait_unless(struct fleet *f, int64_t timeout_ms, const int *unless)
{
    uint64_t end_ns = timeout_ms < 0
                          ? UINT64_MAX
                          : clock_mono_ns() + (uint64_t)timeout_ms * 1000000u;

    while (f->n_waiting > 0) {
        uint64_t now_ns = clock_mono_ns();
        if (*unless)
            return -EINTR;
        if (now_ns >= end_ns)
            return -ETIMEDOUT;
        take_turn(f, end_ns == UINT64_MAX
                         ? -1
                         : (int)((end_ns - now_ns) / 1000000u) + 1);
    }
    return 0;
}

int
fleet_all(struct fleet *f, fleet_order *order, void *arg, struct order **failed)
{
    fleet_command(f, 0, f->n_workers, order, arg);
    (void)!fleet_wait(f, -1);
    for (uint32_t i = 0; i < f->n_workers; i++) {
        if (!fleet_is_held(f, i) && f->orders[i].result < 0) {
            if (failed)
                *failed = &f->orders[i];
            return f->orders[i].result;
        }
    }
    return 0;
}

void
fleet_learn(struct fleet *f, struct listener_env *env)
{
    fleet_adopt(f, &f->acceptor_order);
    f->acceptor_order.arg = env;
    acceptor_learn(&f->acceptor, &f->acceptor_order);
    (void)fleet_all(f, order_listeners, env, NULL);
}

void
fleet_listen(struct fleet *f, uint8_t listener, const int *fds)
{
    if (!f->per_worker) {
        fleet_adopt(f, &f->acceptor_order);
        f->acceptor_order.fd = fds[0];
        f->acceptor_order.listener = listener;
        acceptor_listen(&f->acceptor, &f->acceptor_order);
    } else {
        for (uint32_t i = 0; i < f->n_workers; i++) {
            f->orders[i].fd = fds[i];
            f->orders[i].listener = listener;
            fleet_command(f, i, 1, order_listen, NULL);
        }
    }
    (void)!fleet_wait(f, -1);
}

void
fleet_unlisten(struct fleet *f, uint8_t listener)
{
    if (!f->per_worker) {
        fleet_adopt(f, &f->acceptor_order);
        f->acceptor_order.listener = listener;
        acceptor_unlisten(&f->acceptor, &f->acceptor_order);
    } else {
        for (uint32_t i = 0; i < f->n_workers; i++) {
            f->orders[i].listener = listener;
            fleet_command(f, i, 1, order_unlisten, NULL);
        }
    }
    (void)!fleet_wait(f, -1);
}

void
fleet_leave(struct fleet *f, void (*on_parcel)(void *, struct mail *),
            uint32_t die_ms)
{
    for (uint32_t i = 0; i < f->n_workers; i++) {
        f->orders[i].on_parcel = on_parcel;
        f->orders[i].die_ms = die_ms;
    }
    (void)fleet_all(f, order_leave, f->control, NULL);
}

uint32_t
fleet_flush(struct fleet *f)
{
    uint32_t n = 0;

    fleet_adopt(f, &f->acceptor_order);
    acceptor_flush(&f->acceptor, &f->acceptor_order);
    (void)!fleet_wait(f, -1);
    f->n_held = (uint32_t)f->acceptor_order.result;
    (void)fleet_all(f, order_look, NULL, NULL);
    for (uint32_t i = 0; i < f->n_workers; i++)
        n += !fleet_is_held(f, i) && f->orders[i].result > 0
                 ? (uint32_t)f->orders[i].result
                 : 0;
    return n;
}
