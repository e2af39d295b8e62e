/* SPDX-License-Identifier: BSD-2-Clause */
/* acceptor.c - accepting and dealing out connections; see acceptor.h. */
#include "work/acceptor.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/robbed.h"
#include "conn/census.h"
#include "os/thread.h"
#include "plug/guard.h"
#include "work/order.h"
#include "work/parcel.h"

/* While every worker is full: how often to look again. */
#define RETRY_MS 16u

/* The connections of worker i, those on their way included. */
static uint64_t
load_of(const void *ctx, uint32_t i)
{
    const struct acceptor *a = ctx;
    const struct acceptor_batch *b = &a->batches[i];
    uint64_t load = worker_load(&a->options.workers[i], b->handed);

    return b->n < MAILBOX_BATCH && !b->is_stuck &&
                   !worker_is_lost(&a->options.workers[i]) &&
                   load < a->options.slab_capacity
               ? load
               : BALANCE_FULL;
}

/* The worker for a connection of client key; -1: none has room. */
static int
pick(const struct acceptor *a, enum balance kind, uint64_t key)
{
    const struct balance_workers w = {
        .n = a->options.n_workers, .next = a->next, .load = load_of, .ctx = a};

    return balance_pick(kind, &w, key);
}

/* One that comes from another process is there already: max_connections does
 * not concern it. */
static int
find_worker(const struct acceptor *a, const struct record *r)
{
    enum balance kind = a->options.balance;

    if (r->kind == RECORD_CONN)
        return census_is_full(a->options.census) ? -1 : pick(a, kind, r->arg);
    return pick(a, kind, kind == BALANCE_HASH ? census_key_of(r->fd) : 0);
}

static int
has_room(const struct acceptor *a)
{
    return !census_is_full(a->options.census) &&
           pick(a, BALANCE_ROUND_ROBIN, 0) >= 0;
}

static int
sheds(const struct acceptor *a)
{
    return atomic_load_explicit(&a->sheds, memory_order_relaxed);
}

/* Until a worker frees a slot, or (its pipe was what was full) a while. */
static void
wait_for_room(struct acceptor *a)
{
    atomic_store(&a->waits, 1);
    wheel_arm(&a->wheel, &a->retry, a->clock.mono_ms + RETRY_MS);
}

/* The pipe of worker i is full, or (rc) broken: for a while nothing is dealt to
 * it, and what was is held for others. */
static void
take_back(struct acceptor *a, uint32_t i, int rc)
{
    struct acceptor_batch *b = &a->batches[i];

    b->is_stuck = 1;
    while (b->n > 0 && a->n_held < ACCEPTOR_HELD) {
        a->held[a->n_held++] = b->v[--b->n];
        b->handed--;
        if (a->held[a->n_held - 1].kind == RECORD_CONN)
            census_leave(a->options.census);
    }
    wait_for_room(a);
    if (trouble_begin(&b->stuck, a->clock.mono_ms))
        log_warn("worker %u does not take its connections: its pipe is %s; "
                 "the others get them",
                 i, rc == -EAGAIN ? "full" : "closed");
}

/* Write a worker's batch in one piece. */
static void
flush_one(struct acceptor *a, uint32_t i)
{
    struct acceptor_batch *b = &a->batches[i];
    struct mailbox *to = &a->options.workers[i].mailbox;
    int rc;

    if (b->n == 0)
        return;
    rc = mailbox_send(to, b->v, b->n);
    if (rc < 0) {
        take_back(a, i, rc);
    } else {
        b->n = 0;
        if (trouble_end(&b->stuck))
            log_info("worker %u takes connections again", i);
    }
}

/* Some worker has room, but its pipe has none. */
static int
is_stuck(const struct acceptor *a)
{
    for (uint32_t i = 0; i < a->options.n_workers; i++) {
        const struct acceptor_batch *b = &a->batches[i];
        if (b->is_stuck && worker_load(&a->options.workers[i], b->handed) <
                               a->options.slab_capacity)
            return 1;
    }
    return 0;
}

static void
say_full(struct acceptor *a, int is_full)
{
    const struct acceptor_options *o = &a->options;

    if (!is_full) {
        if (trouble_end(&a->full))
            log_info("there is room for connections again");
    } else if (trouble_begin(&a->full, a->clock.mono_ms)) {
        if (census_is_full(o->census))
            log_warn("max_connections are open: others %s",
                     sheds(a) ? "are turned away" : "wait");
        else if (is_stuck(a))
            log_warn("no worker takes more connections, their pipes are full: "
                     "others %s",
                     sheds(a) ? "are turned away" : "wait");
        else
            log_warn("no room for more connections (slab_capacity = %u, each "
                     "of %u workers): others %s",
                     o->slab_capacity, o->n_workers,
                     sheds(a) ? "are turned away" : "wait");
    }
}

/* Whose connections are lost; that there is no room is not what is wrong. */
static int
is_someone_lost(const struct acceptor *a)
{
    for (uint32_t i = 0; i < a->options.n_workers; i++) {
        if (worker_is_lost(&a->options.workers[i]))
            return 1;
    }
    return 0;
}

static void
pause_all(struct acceptor *a, int pause)
{
    if (!a->is_winding_up && !is_someone_lost(a))
        say_full(a, pause);
    a->is_full = (uint8_t)pause;
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        if (a->is_listening[i])
            listener_pause(&a->listeners[i], pause);
    }
    if (pause)
        wait_for_room(a);
}

static void
deal(struct acceptor *a, uint32_t i, const struct record *r)
{
    struct acceptor_batch *b = &a->batches[i];

    if (r->kind == RECORD_CONN)
        census_enter_anyway(a->options.census); /* there was room */
    a->next = (i + 1) % a->options.n_workers;
    b->v[b->n++] = *r;
    b->handed++;
    if (b->n == MAILBOX_BATCH)
        flush_one(a, i);
}

/* Nobody has room for this one, and its accept came before the pause: it is
 * held until somebody has. */
static void
overflow(struct acceptor *a, const struct record *r)
{
    if (r->kind == RECORD_PARCEL && a->n_held == ACCEPTOR_HELD) {
        parcel_drop(parcel_of(r));
        return;
    }
    if (r->kind == RECORD_CONN && (sheds(a) || a->n_held == ACCEPTOR_HELD)) {
        say_full(a, 1);
        reject(&a->rejects, r->fd, a->listeners[r->listener].rejects_as,
               a->clock.mono_ms);
        return;
    }
    a->held[a->n_held++] = *r;
    if (!a->is_full)
        pause_all(a, 1);
}

/* Deal what is held, oldest first. */
static void
deal_held(struct acceptor *a)
{
    uint32_t n = 0;
    int i;

    while (n < a->n_held && (i = find_worker(a, &a->held[n])) >= 0)
        deal(a, (uint32_t)i, &a->held[n++]);
    a->n_held -= n;
    memmove(a->held, a->held + n, a->n_held * sizeof *a->held);
}

/* Write all that is dealt; what a full pipe gives back goes to another one, as
 * long as there is one. */
static void
flush_all(struct acceptor *a)
{
    int has_more;

    do {
        uint32_t n_held = a->n_held;
        for (uint32_t i = 0; i < a->options.n_workers; i++)
            flush_one(a, i);
        has_more = a->n_held > n_held; /* and one worker less to deal to */
        if (has_more)
            deal_held(a);
    } while (has_more);
    if (a->n_held > 0 && !a->is_full)
        pause_all(a, 1);
}

/* Look for room again: first for what is held, then for the queue. */
static void
look_for_room(struct acceptor *a)
{
    for (uint32_t i = 0; i < a->options.n_workers; i++)
        a->batches[i].is_stuck = 0;
    deal_held(a);
    flush_all(a);
    if (!a->is_full)
        return;
    if (a->n_held == 0 && !a->is_winding_up && (sheds(a) || has_room(a)))
        pause_all(a, 0);
    else
        wait_for_room(a);
}

static void
on_retry(struct wheel_timer *t, uint64_t now_ms)
{
    (void)now_ms;
    look_for_room(CONTAINER_OF(t, struct acceptor, retry));
}

static void
take(struct acceptor *a, const struct record *r)
{
    int i = a->n_held ? -1 : find_worker(a, r);

    if (i < 0) {
        overflow(a, r);
        return;
    }
    deal(a, (uint32_t)i, r);
    if (UNLIKELY(a->full.is_on) && !a->is_full)
        say_full(a, 0);
    /* The last slot is dealt: leave the rest to the kernel's queue. */
    if (!a->is_full && !sheds(a) && !has_room(a))
        pause_all(a, 1);
}

static void
on_conn(struct listener *l, int fd)
{
    struct acceptor *a = l->owner;
    struct record r = {.kind = RECORD_CONN, .listener = l->id, .fd = fd};

    if (a->options.balance == BALANCE_HASH)
        r.arg = census_key_of(fd);
    take(a, &r);
}

/* ---- orders ---------------------------------------------------------------*/

static void
on_end(struct listener *l)
{
    struct acceptor *a = l->owner;
    struct order *o = l->on_end_arg;

    a->is_listening[l->id] = 0;
    l->on_end_arg = NULL;
    flush_all(a);
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        if (a->listeners[i].on_end_arg == o)
            return; /* the last one answers */
    }
    order_reply(o, 0);
}

static void
do_learn(void *reader, struct mail *m)
{
    struct acceptor *a = reader;
    struct order *o = CONTAINER_OF(m, struct order, mail);
    const struct listener_env *env = o->arg;

    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++)
        a->listeners[i].rejects_as = (uint8_t)listener_env_rejects(&env[i]);
    order_reply(o, 0);
}

static void
do_listen(void *reader, struct mail *m)
{
    struct acceptor *a = reader;
    struct order *o = CONTAINER_OF(m, struct order, mail);
    struct listener *l = &a->listeners[o->listener];

    l->owner = a;
    l->on_conn = on_conn;
    l->on_end = on_end;
    a->is_listening[o->listener] = 1;
    listener_start(l, a->io, &a->wheel, o->fd, o->listener);
    order_reply(o, 0);
}

static void
do_unlisten(void *reader, struct mail *m)
{
    struct acceptor *a = reader;
    struct order *o = CONTAINER_OF(m, struct order, mail);
    uint32_t n = 0;

    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        if (a->is_listening[i] &&
            (o->listener == i || o->listener == ACCEPTOR_ALL)) {
            a->listeners[i].on_end_arg = o;
            n++;
        }
    }
    if (n == 0)
        order_reply(o, 0);
    for (uint32_t i = 0; n > 0 && i < ENV_MAX_LISTENERS; i++) {
        if (a->is_listening[i] && a->listeners[i].on_end_arg == o)
            listener_end(&a->listeners[i]);
    }
}

static void
do_flush(void *reader, struct mail *m)
{
    struct acceptor *a = reader;

    look_for_room(a);
    order_reply(CONTAINER_OF(m, struct order, mail), (int)a->n_held);
}

static void
do_take(void *reader, struct mail *m)
{
    const struct record r = parcel_record(CONTAINER_OF(m, struct parcel, mail));

    take(reader, &r);
}

static void
do_stop(void *reader, struct mail *m)
{
    (void)m;
    ((struct acceptor *)reader)->is_done = 1;
}

static void
do_wind_up(void *reader, struct mail *m)
{
    struct acceptor *a = reader;

    (void)m;
    a->is_winding_up = 1;
    if (!a->is_full)
        pause_all(a, 1);
}

void
acceptor_wind_up(struct acceptor *a)
{
    a->wind_up.deliver = do_wind_up;
    mailbox_post(&a->mailbox, &a->wind_up);
}

static void
post(struct acceptor *a, struct order *o,
     void (*deliver)(void *, struct mail *))
{
    o->mail.deliver = deliver;
    mailbox_post(&a->mailbox, &o->mail);
}

void
acceptor_learn(struct acceptor *a, struct order *o)
{
    post(a, o, do_learn);
}

void
acceptor_listen(struct acceptor *a, struct order *o)
{
    post(a, o, do_listen);
}

void
acceptor_unlisten(struct acceptor *a, struct order *o)
{
    post(a, o, do_unlisten);
}

void
acceptor_flush(struct acceptor *a, struct order *o)
{
    post(a, o, do_flush);
}

void
acceptor_take(struct acceptor *a, struct parcel *p)
{
    p->mail.deliver = do_take;
    mailbox_post(&a->mailbox, &p->mail);
}

void
acceptor_set_sheds(struct acceptor *a, int sheds)
{
    atomic_store_explicit(&a->sheds, sheds, memory_order_relaxed);
}

void
acceptor_stop(struct acceptor *a)
{
    a->stop.deliver = do_stop;
    mailbox_post(&a->mailbox, &a->stop);
}

/* ---- the loop -------------------------------------------------------------*/

static void
on_mail(struct io_source *s, uint32_t events)
{
    struct acceptor *a = CONTAINER_OF(s, struct acceptor, pipe);
    struct record v[MAILBOX_BATCH];

    (void)events;
    while (mailbox_recv(&a->mailbox, v) == MAILBOX_BATCH)
        continue;
    mailbox_deliver(&a->mailbox, a);
    if (a->is_full)
        look_for_room(a);
}

static const struct io_handler pipe_handler = {.on_ready = on_mail};

static int
set_up(struct acceptor *a)
{
    const struct io_options io = {
        .entries = 256, .buffer_bytes = 2048, .n_buffers = 1};
    char why[256] = "";
    int rc;

    clock_update(&a->clock);
    wheel_init(&a->wheel, a->clock.mono_ms);
    reject_init(&a->rejects, &a->wheel);
    a->retry.fn = on_retry;
    rc = io_open(&a->io, a->options.event, &io, why, sizeof why);
    if (rc < 0) {
        snprintf(a->start->why, sizeof a->start->why, "event = %s: %s",
                 a->options.event, *why ? why : strerror(-rc));
        return rc;
    }
    io_add(a->io, &a->pipe, a->mailbox.read_fd, &pipe_handler);
    io_watch(a->io, &a->pipe, POLLIN);
    return 0;
}

static void
turn(struct acceptor *a)
{
    int rc = io_wait(a->io, wheel_next_ms(&a->wheel, a->clock.mono_ms));

    clock_update(&a->clock);
    if (rc < 0) {
        if (mailbox_is_hopeless(rc))
            robbed_note("the acceptor's event queue", -1);
        mailbox_outlast(&a->mailbox, rc, a->clock.mono_ms);
        on_mail(&a->pipe, POLLIN);
    }
    io_dispatch(a->io);
    wheel_advance(&a->wheel, a->clock.mono_ms);
    flush_all(a);
}

static void *
acceptor_main(void *arg)
{
    struct acceptor *a = arg;
    int rc;

    log_use_ring(a->options.log);
    rc = guard_attach("acceptor");
    if (rc < 0) {
        order_reply(a->start, order_explain(a->start, "its stack", rc));
        return NULL;
    }
    rc = set_up(a);
    order_reply(a->start, rc);
    if (rc == 0) {
        while (!a->is_done)
            turn(a);
        reject_fini(&a->rejects);
        io_close(a->io);
    }
    guard_detach();
    return NULL;
}

int
acceptor_start(struct acceptor *a, const struct acceptor_options *o,
               struct order *start)
{
    int rc;

    a->options = *o;
    a->start = start;
    a->batches = calloc(o->n_workers, sizeof *a->batches);
    if (!a->batches)
        return order_explain(start, "its batches", -ENOMEM);
    rc = mailbox_open(&a->mailbox);
    if (rc < 0) {
        free(a->batches);
        return order_explain(start, "its pipe", rc);
    }
    rc = pthread_create(&a->thread, NULL, acceptor_main, a);
    if (rc == 0)
        return 0;
    mailbox_close(&a->mailbox, parcel_drop_record);
    free(a->batches);
    return order_explain(start, "its thread", -rc);
}

int
acceptor_join(struct acceptor *a, uint32_t ms)
{
    int rc = thread_join(a->thread, ms);

    if (rc < 0)
        return rc;
    a->n_cut = a->n_held;
    for (uint32_t i = 0; i < a->options.n_workers; i++) {
        a->n_cut += a->batches[i].n;
        for (uint32_t k = 0; k < a->batches[i].n; k++)
            parcel_drop_record(&a->batches[i].v[k]);
    }
    for (uint32_t k = 0; k < a->n_held; k++)
        parcel_drop_record(&a->held[k]);
    mailbox_close(&a->mailbox, parcel_drop_record);
    free(a->batches);
    return 0;
}
