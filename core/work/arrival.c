/* SPDX-License-Identifier: BSD-2-Clause */
/* arrival.c - see arrival.h. */
#include "work/arrival.h"

#include "base/clock.h"
#include "base/log.h"
#include "conn/census.h"
#include "conn/conn.h"
#include "work/parcel.h"
#include "work/worker.h"

/* What one turn spends on new connections, about; and how many records it takes
 * before it looks. */
#define ARRIVAL_NS 2000000u
#define RECORDS_AT_ONCE 8u
/* While somebody is held: how often to look for room that another worker has
 * made. */
#define RETRY_MS 16u

static int
has_slot(const struct worker *w)
{
    return w->env.conns.n_used < w->env.conns.capacity;
}

static int
sheds(const struct worker *w)
{
    return atomic_load_explicit(w->options.sheds, memory_order_relaxed);
}

static void
retry_later(struct worker *w)
{
    if (!wheel_is_armed(&w->retry))
        wheel_arm(&w->env.wheel, &w->retry, w->env.clock.mono_ms + RETRY_MS);
}

void
arrival_pause(struct worker *w, int pause)
{
    if (pause)
        retry_later(w);
    if (pause == w->is_full || (!pause && w->is_winding_up))
        return;
    w->is_full = (uint8_t)pause;
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        if (w->is_listening[i])
            listener_pause(&w->listeners[i], pause);
    }
}

/* Of its own listeners; the acceptor speaks for itself. */
static void
say_full(struct worker *w, const char *others)
{
    retry_later(w);
    if (!trouble_begin(&w->full, w->env.clock.mono_ms))
        return;
    if (census_is_full(w->env.census))
        log_warn("max_connections are open: others %s", others);
    else
        log_warn("worker %u has no room for more connections (slab_capacity = "
                 "%u): others %s",
                 w->options.index, w->options.slab_capacity, others);
}

static struct record *
held(struct worker *w, uint32_t i)
{
    return &w->held[(w->held_first + i) % WORKER_HELD];
}

static void
hold(struct worker *w, const struct record *r)
{
    *held(w, w->n_held++) = *r;
    arrival_pause(w, 1);
}

static struct record
pop_held(struct worker *w)
{
    const struct record first = *held(w, 0);

    w->held_first = --w->n_held > 0 ? (w->held_first + 1) % WORKER_HELD : 0;
    return first;
}

uint32_t
arrival_drop_held(struct worker *w)
{
    uint32_t n = w->n_held;

    for (uint32_t i = 0; i < n; i++)
        parcel_drop_record(held(w, i));
    w->n_held = 0;
    return n;
}

/* No more can be held. */
static int
is_hold_full(const struct worker *w)
{
    return w->n_held == WORKER_HELD;
}

/* One that the acceptor has handed is here, or was turned away. */
static void
count_arrival(struct worker *w)
{
    uint64_t n = atomic_load_explicit(&w->n_arrived, memory_order_relaxed);

    atomic_store_explicit(&w->n_arrived, n + 1, memory_order_relaxed);
}

/* There is a slot. */
static void
open_parcel(struct worker *w, struct parcel *p)
{
    CHECK(conn_take(&w->env, p->fd, &p->handed) == 0);
    if (p->is_pooled) /* of another worker */
        metrics_add(w->options.metrics, METRIC_connections_moved, 1);
    else
        count_arrival(w);
    parcel_free(p);
}

static void
take_parcel(struct worker *w, const struct record *r)
{
    if (has_slot(w) && (w->n_held == 0 || is_hold_full(w))) {
        open_parcel(w, parcel_of(r));
    } else if (!is_hold_full(w)) {
        hold(w, r);
    } else { /* thousands wait already */
        if (!parcel_of(r)->is_pooled) {
            metrics_add(w->options.metrics, METRIC_connections_refused, 1);
            count_arrival(w);
        }
        parcel_drop(parcel_of(r));
    }
}

static void
open_conn(struct worker *w, const struct record *r)
{
    uint64_t began_ns = clock_mono_ns();

    if (conn_open(&w->env, r->fd, (uint8_t)r->listener) < 0)
        log_debug("connection closed: no slot, or too many of its client");
    w->arrival_ns += clock_mono_ns() - began_ns;
}

static int
has_had_its_share(const struct worker *w)
{
    return w->arrival_ns >= ARRIVAL_NS;
}

/* From the acceptor, or another worker. */
static void
take_record(struct worker *w, const struct record *r)
{
    if (r->kind == RECORD_PARCEL) {
        take_parcel(w, r);
    } else if (r->kind == RECORD_CONN) {
        /* The acceptor has counted: there is a slot, but for a moment's
         * difference. */
        open_conn(w, r);
        count_arrival(w);
    }
}

/* Who comes to no room is told so, and does not wait. */
void
arrival_take(struct worker *w, int fd, uint8_t listener)
{
    const struct record r = {
        .kind = RECORD_CONN, .listener = listener, .fd = fd};

    if ((w->is_behind || has_had_its_share(w)) && !is_hold_full(w)) {
        hold(w, &r);
        w->is_behind = 1;
        return;
    }
    if (has_slot(w) && (w->n_held == 0 || is_hold_full(w)) &&
        census_enter(w->env.census)) {
        open_conn(w, &r);
        if (!has_slot(w) && !sheds(w))
            arrival_pause(w, 1);
    } else if (sheds(w) || is_hold_full(w)) {
        say_full(w, "are turned away");
        reject(&w->env.rejects, fd,
               listener_env_rejects(&w->env.listeners[listener]),
               w->env.clock.mono_ms);
    } else {
        say_full(w, "wait");
        hold(w, &r);
    }
}

/* Whether there is room for one that is held. */
static int
has_room_for(const struct worker *w, const struct record *r)
{
    return has_slot(w) &&
           (r->kind == RECORD_PARCEL || census_enter(w->env.census));
}

void
arrival_take_held(struct worker *w)
{
    struct record first;
    int has_none;

    while (w->n_held > 0 && !has_had_its_share(w) &&
           has_room_for(w, held(w, 0))) {
        first = pop_held(w);
        if (first.kind == RECORD_PARCEL)
            open_parcel(w, parcel_of(&first));
        else
            open_conn(w, &first);
    }
    w->is_behind |= w->n_held > 0 && has_had_its_share(w);
    has_none = w->n_held > 0 || !has_slot(w);
    arrival_pause(w, has_none && !sheds(w)); /* or nobody would be told */
    if (w->n_held > 0 ||
        (w->full.is_on && (has_none || census_is_full(w->env.census))))
        retry_later(w);
    else if (trouble_end(&w->full))
        log_info("worker %u has room for connections again", w->options.index);
}

void
arrival_take_mail(struct worker *w)
{
    struct record v[RECORDS_AT_ONCE];
    size_t n;

    do {
        n = mailbox_recv_some(&w->mailbox, v, RECORDS_AT_ONCE);
        for (size_t i = 0; i < n; i++)
            take_record(w, &v[i]);
    } while (n == RECORDS_AT_ONCE && !has_had_its_share(w));
    w->is_behind |= n == RECORDS_AT_ONCE;
    mailbox_deliver(&w->mailbox, w);
}
