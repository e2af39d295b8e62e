/* SPDX-License-Identifier: BSD-2-Clause */
/* worker.c - one thread that serves; see worker.h. */
#include "work/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/log.h"
#include "conn/conn.h"
#include "conn/h2.h"
#include "conn/retire.h"
#include "conn/upgraded.h"
#include "http/gen.h"
#include "http/host.h"
#include "http/req.h"
#include "os/cpu.h"
#include "os/thread.h"
#include "plug/guard.h"
#include "work/arrival.h"
#include "work/order.h"
#include "work/parcel.h"

uint64_t
worker_load(const struct worker *w, uint64_t handed)
{
    return metrics_get(w->options.metrics, METRIC_connections_active) + handed -
           atomic_load_explicit(&w->n_arrived, memory_order_relaxed);
}

/* Small and few, so that they stay in the cache: the ring of them is a FIFO. */
#define RECV_BYTES 2048u
#define RECV_BUFFERS 64u

/* At the end: turns of at most a tick until cut connections are let go. */
#define CLOSE_TURNS 64

/* Plugins' steps run on it, whatever `ulimit -s` says. */
#define WORKER_STACK_BYTES (8u << 20)

static void
on_tick(struct wheel_timer *t, uint64_t now_ms)
{
    (void)t;
    (void)now_ms;
}

static int
has_connections(const struct worker *w)
{
    return metrics_get(w->options.metrics, METRIC_connections_active) > 0;
}

/* ---- generations ----------------------------------------------------------*/

static void
on_retired(struct env *env, struct gen_worker *g)
{
    struct worker *w = CONTAINER_OF(env, struct worker, env);
    struct gen *gen = g->gen;

    retire_end(env, g);
    guard_clear();
    if (gen_retire(g))
        mailbox_post(w->options.control, gen->on_retired);
}

/* ---- connections ----------------------------------------------------------*/

static void
on_retry(struct wheel_timer *t, uint64_t now_ms)
{
    struct worker *w = CONTAINER_OF(t, struct worker, retry);

    (void)now_ms;
    arrival_take_held(w);
    worker_check_drained(w);
}

static void
on_mail(struct io_source *s, uint32_t events)
{
    (void)events;
    arrival_take_mail(CONTAINER_OF(s, struct worker, pipe));
}

/* With what the last turn has left. */
static void
catch_up(struct worker *w)
{
    w->is_behind = 0;
    arrival_take_held(w);
    arrival_take_mail(w);
    if (!w->is_behind)
        worker_check_drained(w);
}

static const struct io_handler pipe_handler = {.on_ready = on_mail};

/* ---- the end --------------------------------------------------------------*/

void
worker_check_drained(struct worker *w)
{
    struct order *o = w->drain;

    if (!o || w->n_listening > 0 || w->n_held > 0 || w->is_behind ||
        metrics_get(w->options.metrics, METRIC_connections_active) > 0)
        return;
    w->drain = NULL;
    order_reply(o, 0);
}

/* Tell an acceptor that waits for it: there is room again. */
static void
wake_acceptor(struct worker *w)
{
    const struct record wake = {.kind = RECORD_WAKE, .fd = -1};

    if (atomic_exchange(w->options.waits, 0))
        (void)!mailbox_send(w->options.acceptor, &wake, 1);
}

static void
on_closed(struct env *env)
{
    struct worker *w = CONTAINER_OF(env, struct worker, env);

    if (UNLIKELY(atomic_load_explicit(w->options.waits, memory_order_relaxed)))
        wake_acceptor(w);
    if (UNLIKELY(w->is_full || w->full.is_on))
        arrival_take_held(w);
    worker_check_drained(w);
}

static void
deliver_stop(void *reader, struct mail *m)
{
    (void)m;
    ((struct worker *)reader)->is_done = 1;
}

static void
deliver_wind_up(void *reader, struct mail *m)
{
    struct worker *w = reader;

    (void)m;
    w->is_winding_up = 1;
    arrival_pause(w, 1);
    if (w->env.gen)
        w->env.gen->is_stopping = 1;
    conn_wind_up(&w->env);
    streams_retire(&w->env.streams, retire_all(&w->env, w->wind_up_ms));
}

void
worker_wind_up(struct worker *w, uint32_t ms)
{
    w->wind_up_ms = ms;
    w->wind_up.deliver = deliver_wind_up;
    mailbox_post(&w->mailbox, &w->wind_up);
}

void
worker_stop(struct worker *w)
{
    w->stop.deliver = deliver_stop;
    mailbox_post(&w->mailbox, &w->stop);
}

/* ---- the loop -------------------------------------------------------------*/

static void
update_clock(struct env *env)
{
    int64_t before = env->clock.wall_s;

    clock_update(&env->clock);
    if (env->clock.wall_s == before)
        return;
    http1_common_date(&env->common, env->clock.date);
    http1_common_date(&env->common_bare, env->clock.date);
}

/* What a priority bears beyond 1, 2, 4 times the settings. */
static void
set_shedding(struct worker *w)
{
    const struct limits *l = &w->env.limits;
    uint64_t lag_ns = l->shed_lag_ns;
    uint32_t look_beyond =
        l->max_per_client && l->trusts_proxies ? 0 : UINT32_MAX;

    for (int i = ROUTE_LOW; i <= ROUTE_HIGH; i++) {
        uint32_t beyond = l->shed_requests ? l->shed_requests << i : UINT32_MAX;
        if (lag_ns > 0 && w->load.lag_ns >= lag_ns << i)
            beyond = 0;
        w->env.shed_beyond[i] = beyond;
        if (beyond < look_beyond)
            look_beyond = beyond;
    }
    w->env.look_beyond = look_beyond;
}

void
worker_limits_changed(struct worker *w)
{
    const struct limits *l = &w->env.limits;

    w->measures =
        l->shed_lag_ns > 0 || (l->rebalances && w->options.n_workers > 1);
    if (!w->measures) {
        w->load.window_ns = w->load.lag_ns = 0;
        rebalance_stop(w);
    }
    set_shedding(w);
}

static void
end_turn(struct worker *w)
{
    uint64_t now_ns = clock_mono_ns();

    if (load_end(&w->load, now_ns) && w->options.n_workers > 1)
        rebalance_window(w, now_ns);
}

static void
begin_turn(struct worker *w)
{
    load_begin(&w->load, w->env.clock.mono_ns);
    if (w->env.limits.shed_lag_ns > 0)
        set_shedding(w);
}

/* Who ran before the last turn is not suspected of what is found in this one.
 */
static void
forget_suspect(struct worker *w)
{
    uint32_t calls =
        atomic_load_explicit(&guard_here.turn, memory_order_relaxed);

    if (calls == w->calls_seen)
        guard_clear();
    w->calls_seen = calls;
}

static void
turn(struct worker *w)
{
    struct env *env = &w->env;
    int has_mail = mailbox_is_due(&w->mailbox), was_behind = w->is_behind, rc;

    if (w->measures)
        end_turn(w);
    rc =
        io_wait(env->io, has_mail || was_behind || streams_is_due(&env->streams)
                             ? 0
                             : wheel_next_ms(&env->wheel, env->clock.mono_ms));

    update_clock(env);
    w->arrival_ns = 0;
    lag_begin_turn(&w->lag, env->clock.mono_ns);
    if (w->measures)
        begin_turn(w);
    if (UNLIKELY(rc < 0)) {
        if (mailbox_is_hopeless(rc))
            guard_lose("its event queue is closed");
        mailbox_outlast(&w->mailbox, rc, env->clock.mono_ms);
        on_mail(&w->pipe, POLLIN);
    }
    forget_suspect(w);
    io_dispatch(env->io);
    if (UNLIKELY(was_behind))
        catch_up(w);
    if (has_mail) /* of its own, from the last turn */
        mailbox_deliver(&w->mailbox, w);
    wheel_advance(&env->wheel, env->clock.mono_ms);
    if (UNLIKELY(streams_is_due(&env->streams)))
        upgraded_turn(env);
    metrics_add(env->metrics, METRIC_turns, 1);
    metrics_set(env->metrics, METRIC_memory,
                env->blocks.out_bytes - env->blocks.rest_bytes);
    if (UNLIKELY(env->is_robbed))
        guard_lose("a connection's descriptor is closed");
    lag_end_turn(&w->lag, env->clock.mono_ns, clock_coarse_ns());
}

static int
set_up(struct worker *w)
{
    const struct worker_options *o = &w->options;
    const struct io_options io = {
        .entries = 1024, .buffer_bytes = RECV_BYTES, .n_buffers = RECV_BUFFERS};
    struct env *env = &w->env;
    char why[256] = "";
    int rc;

    w->tick.fn = on_tick;
    w->retry.fn = on_retry;
    clock_update(&env->clock);
    wheel_init(&env->wheel, env->clock.mono_ms);
    reject_init(&env->rejects, &env->wheel);
    http1_common_init(&env->common, (et_str){NULL, 0}, env->clock.date);
    http1_common_init(&env->common_bare, (et_str){NULL, 0}, env->clock.date);
    blocks_init(&env->blocks, o->memory_bytes);
    rc = io_open(&env->io, o->event, &io, why, sizeof why);
    if (rc < 0) {
        snprintf(w->start->why, sizeof w->start->why, "event = %s: %s",
                 o->event, *why ? why : strerror(-rc));
        return rc;
    }
    snprintf(w->start->why, sizeof w->start->why, "%s", why);
    if (*why && o->index == 0)
        log_warn("event: %s: %s", io_name(env->io), why);
    if (slab_init(&env->conns, sizeof(struct conn), o->slab_capacity) < 0 ||
        /* Each connection is sure of one; those of HTTP/2 share as many. */
        slab_init(&env->reqs, REQ_SLOT_BYTES,
                  2 * o->slab_capacity + REPEATS_MAX) < 0 ||
        h2_pool_init(env, o->slab_capacity) < 0 ||
        waits_init(&env->waits, o->index, o->max_waits, &w->mailbox,
                   o->metrics) < 0 ||
        watches_init(&env->watches, o->max_waits, env->io) < 0 ||
        loops_init(&env->loops, o->max_waits) < 0 ||
        subs_init(&env->subs, o->max_subscriptions) < 0 ||
        channels_init(&env->channels, o->index, o->max_subscriptions,
                      &w->mailbox, &env->clock, o->metrics) < 0 ||
        fetch_pool_init(&env->fetches, &o->fetch, env->io, &env->blocks,
                        &env->worker) < 0 ||
        streams_init(&env->streams, o->slab_capacity, &env->blocks,
                     &env->worker, &env->limits.streams) < 0 ||
        task_pool_init(&env->tasks, o->max_tasks, o->task_stack, &env->wheel) <
            0) {
        snprintf(w->start->why, sizeof w->start->why,
                 "slab_capacity = %u: out of address space: lower it, or raise "
                 "RLIMIT_AS (ulimit -v)",
                 o->slab_capacity);
        io_close(env->io);
        return ERR_NOMEM;
    }
    io_add(env->io, &w->pipe, w->mailbox.read_fd, &pipe_handler);
    io_watch(env->io, &w->pipe, POLLIN);
    return 0;
}

/* So many turns at most for those that are told of the end: well below what the
 * end of a thread is waited for. */
#define GOODBYE_TURNS 16

/* WebSockets are told to come again, and have a moment to say that they have
 * heard it: then they are not cut off. */
static void
say_goodbye(struct worker *w)
{
    struct env *env = &w->env;

    streams_shut(&env->streams, STREAMS_RESTART);
    for (int i = 0;
         i < GOODBYE_TURNS && metrics_get(env->metrics, METRIC_ws_active) > 0;
         i++) {
        wheel_arm(&env->wheel, &w->tick, env->clock.mono_ms + 1);
        turn(w);
    }
}

/* What drain has left is cut off; the kernel is given a moment to let go of
 * it, and jobs that use requests of it are waited for.  Then this worker's part
 * of the generation can go as well. */
static void
close_connections(struct worker *w)
{
    struct env *env = &w->env;

    w->n_cut = arrival_drop_held(w);
    say_goodbye(w);
    w->n_cut += conn_close_all(env);
    repeat_end_all(env, NULL);
    for (int i = 0;
         (i < CLOSE_TURNS && has_connections(w)) || env->n_strays > 0; i++) {
        wheel_arm(&env->wheel, &w->tick, env->clock.mono_ms + 1);
        turn(w);
    }
    if (env->gen && !has_connections(w))
        on_retired(env, env->gen);
}

static void *
worker_main(void *arg)
{
    struct worker *w = arg;
    struct env *env = &w->env;
    int rc;

    char name[16];

    log_use_ring(w->options.log);
    snprintf(name, sizeof name, "worker %u", w->options.index);
    rc = guard_attach(name);
    if (rc < 0) {
        order_reply(w->start, order_explain(w->start, "its stack", rc));
        return NULL;
    }
    atomic_store(&w->is_lost, &guard_here.is_lost);
    mailbox_own(&w->mailbox);
    if (w->options.pins && cpu_pin(w->options.index) < 0)
        log_warn("worker %u cannot be pinned", w->options.index);
    rc = set_up(w);
    order_reply(w->start, rc);
    if (rc == 0) {
        while (!w->is_done)
            turn(w);
        close_connections(w);
        fetch_pool_close(&env->fetches);
        waits_close(&env->waits);
        channels_leave(&env->channels);
        mailbox_deliver(&w->mailbox, w); /* posts, to nobody */
        reject_fini(&env->rejects);
        io_close(env->io);
        slab_fini(&env->conns);
        slab_fini(&env->reqs);
        h2_pool_fini(env);
        streams_fini(&env->streams);
        blocks_fini(&env->blocks);
    }
    atomic_store(&w->is_lost, NULL);
    guard_detach();
    return NULL;
}

int
worker_start(struct worker *w, const struct worker_options *o,
             struct order *start)
{
    struct env *env = &w->env;
    int rc = mailbox_open(&w->mailbox);

    if (rc < 0)
        return order_explain(start, "its pipe", rc);
    w->options = *o;
    w->start = start;
    host_worker_init(&env->worker, o->index, o->n_workers);
    env->worker.clock = &env->clock;
    env->worker.metrics = o->metrics;
    env->worker.stores = o->stores;
    env->worker.wheel = &env->wheel;
    env->worker.waits = &env->waits;
    env->worker.watches = &env->watches;
    env->worker.loops = &env->loops;
    env->worker.tasks = &env->tasks;
    env->worker.channels = &env->channels;
    env->worker.subs = &env->subs;
    env->worker.fetches = &env->fetches;
    env->worker.streams = &env->streams;
    env->streams.on_unpinned = upgraded_unpinned;
    env->worker.jobs = o->jobs;
    env->worker.repeat = repeat_ask;
    env->metrics = o->metrics;
    env->budget = o->budget;
    env->census = o->census;
    env->max_away = o->max_away;
    for (int i = 0; i < ROUTE_PRIORITIES; i++)
        env->shed_beyond[i] = env->look_beyond = UINT32_MAX;
    env->on_retired = on_retired;
    env->on_closed = on_closed;
    rc = thread_start(&w->thread, WORKER_STACK_BYTES, worker_main, w);
    if (rc == 0)
        return 0;
    mailbox_close(&w->mailbox, parcel_drop_record);
    return order_explain(start, "its thread", rc);
}

int
worker_join(struct worker *w, uint32_t ms)
{
    int rc = thread_join(w->thread, ms);

    if (rc == 0)
        w->n_cut += mailbox_close(&w->mailbox, parcel_drop_record);
    return rc;
}

void
worker_free(struct worker *w)
{
    waits_fini(&w->env.waits);
    watches_fini(&w->env.watches);
    loops_fini(&w->env.loops);
    task_pool_fini(&w->env.tasks);
    subs_fini(&w->env.subs);
    channels_fini(&w->env.channels);
    fetch_pool_fini(&w->env.fetches);
}
