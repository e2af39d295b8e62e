/* SPDX-License-Identifier: BSD-2-Clause */
/* worker.c - one thread that serves; see worker.h. */
#include "work/worker.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "conn/conn.h"
#include "http/gen.h"
#include "http/host.h"
#include "http/req.h"
#include "os/cpu.h"
#include "os/thread.h"

static void
answer(struct order *o)
{
    mailbox_post(o->reply_to, &o->mail);
}

/* The reply travels in the order's own mail: on the way back it is delivered
 * on the control thread. */
static void
deliver_reply(void *reader, struct mail *m)
{
    struct order *o = CONTAINER_OF(m, struct order, mail);

    (void)reader;
    o->on_reply(o);
}

static void
reply(struct order *o, int result)
{
    o->result = result;
    o->mail.deliver = deliver_reply;
    answer(o);
}

static void
deliver_order(void *reader, struct mail *m)
{
    struct order *o = CONTAINER_OF(m, struct order, mail);

    o->run(reader, o);
}

void
worker_order(struct worker *w, struct order *o)
{
    o->mail.deliver = deliver_order;
    mailbox_post(&w->mailbox, &o->mail);
}

uint64_t
worker_load(const struct worker *w, uint64_t handed)
{
    uint64_t taken = metrics_get(&w->metrics, METRIC_connections_accepted) +
                     metrics_get(&w->metrics, METRIC_connections_refused);

    return metrics_get(&w->metrics, METRIC_connections_active) + handed - taken;
}

/* ---- generations ----------------------------------------------------------*/

static void
on_retired(struct env *env, struct gen_worker *g)
{
    struct worker *w = CONTAINER_OF(env, struct worker, env);
    struct gen *gen = g->gen;

    if (gen_retire(g))
        mailbox_post(w->options.control, gen->on_retired);
}

void
order_prepare(struct worker *w, struct order *o)
{
    o->why[0] = '\0';
    reply(o, gen_prepare(o->arg, &w->env.worker, o->why, sizeof o->why));
}

void
order_abort(struct worker *w, struct order *o)
{
    struct gen *g = o->arg;

    (void)!gen_retire(&g->workers[w->env.worker.index]);
    reply(o, 0);
}

void
order_commit(struct worker *w, struct order *o)
{
    const struct commit *c = o->arg;
    struct gen_worker *old = w->env.gen;
    struct env *env = &w->env;

    env->limits = c->limits;
    http1_common_init(&env->common, (et_str){c->server, strlen(c->server)},
                      env->clock.date);
    http1_common_init(&env->common_bare, (et_str){NULL, 0}, env->clock.date);
    env->gen = &c->gen->workers[env->worker.index];
    if (old && old->n_active == 0)
        on_retired(env, old);
    reply(o, 0);
}

/* ---- connections ----------------------------------------------------------*/

void
order_listeners(struct worker *w, struct order *o)
{
    memcpy(w->env.listeners, o->arg, sizeof w->env.listeners);
    reply(o, 0);
}

static void
take(struct worker *w, int fd, uint8_t listener)
{
    if (conn_open(&w->env, fd, listener) < 0)
        log_debug("connection closed: no slot");
}

static void
listener_on_conn(struct listener *l, int fd)
{
    take(l->owner, fd, l->id);
}

static void
listener_on_end(struct listener *l)
{
    struct worker *w = l->owner;

    w->n_listening--;
    reply(l->on_end_arg, 0);
}

void
order_listen(struct worker *w, struct order *o)
{
    struct listener *l = &w->listeners[o->listener];

    l->owner = w;
    l->on_conn = listener_on_conn;
    l->on_end = listener_on_end;
    w->n_listening++;
    listener_start(l, w->env.io, &w->env.wheel, o->fd, o->listener);
    reply(o, 0);
}

void
order_unlisten(struct worker *w, struct order *o)
{
    struct listener *l = &w->listeners[o->listener];

    l->on_end_arg = o;
    listener_end(l);
}

static void
on_mail(struct io_source *s, uint32_t events)
{
    struct worker *w = CONTAINER_OF(s, struct worker, pipe);
    struct record v[MAILBOX_BATCH];
    size_t n;

    (void)events;
    do {
        n = mailbox_recv(&w->mailbox, v);
        for (size_t i = 0; i < n; i++) {
            if (v[i].kind == RECORD_CONN)
                take(w, v[i].fd, (uint8_t)v[i].listener);
        }
    } while (n == MAILBOX_BATCH);
    mailbox_deliver(&w->mailbox, w);
}

static const struct io_handler pipe_handler = {.on_ready = on_mail};

/* ---- the end --------------------------------------------------------------*/

static void
check_drained(struct worker *w)
{
    struct order *o = w->drain;

    if (!o || metrics_get(&w->metrics, METRIC_connections_active) > 0)
        return;
    w->drain = NULL;
    reply(o, 0);
}

static void
on_closed(struct env *env)
{
    check_drained(CONTAINER_OF(env, struct worker, env));
}

void
order_stopping(struct worker *w, struct order *o)
{
    w->env.is_stopping = 1;
    reply(o, 0);
}

void
order_drain(struct worker *w, struct order *o)
{
    struct env *env = &w->env;

    env->is_stopping = 1;
    w->drain = o;
    conn_drain(env, env->clock.mono_ms + env->limits.idle_grace_ms);
    check_drained(w);
}

static void
deliver_stop(void *reader, struct mail *m)
{
    (void)m;
    ((struct worker *)reader)->is_done = 1;
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

static void
turn(struct worker *w)
{
    struct env *env = &w->env;
    int rc = io_wait(env->io, wheel_next_ms(&env->wheel, env->clock.mono_ms));

    if (rc < 0)
        log_error("waiting for events: %s", strerror(-rc));
    update_clock(env);
    io_dispatch(env->io);
    wheel_advance(&env->wheel, env->clock.mono_ms);
    metrics_add(env->metrics, METRIC_turns, 1);
}

static int
set_up(struct worker *w)
{
    const struct worker_options *o = &w->options;
    const struct io_options io = {
        .entries = 1024, .buffer_bytes = o->buffer_bytes, .n_buffers = 64};
    struct env *env = &w->env;
    char why[256] = "";
    int rc;

    clock_update(&env->clock);
    wheel_init(&env->wheel, env->clock.mono_ms);
    http1_common_init(&env->common, (et_str){NULL, 0}, env->clock.date);
    http1_common_init(&env->common_bare, (et_str){NULL, 0}, env->clock.date);
    blocks_init(&env->blocks, o->memory_bytes);
    rc = io_open(&env->io, o->event, &io, why, sizeof why);
    if (rc < 0) {
        snprintf(w->start->why, sizeof w->start->why, "event = %s: %s",
                 o->event, *why ? why : strerror(-rc));
        return rc;
    }
    if (*why && o->index == 0)
        log_warn("event: %s: %s", io_name(env->io), why);
    if (slab_init(&env->conns, sizeof(struct conn), o->slab_capacity) < 0 ||
        slab_init(&env->reqs, REQ_SLOT_BYTES, o->slab_capacity) < 0) {
        snprintf(w->start->why, sizeof w->start->why,
                 "slab_capacity = %u: out of address space", o->slab_capacity);
        io_close(env->io);
        return ERR_NOMEM;
    }
    io_add(env->io, &w->pipe, w->mailbox.read_fd, &pipe_handler);
    io_watch(env->io, &w->pipe, POLLIN);
    return 0;
}

static void *
worker_main(void *arg)
{
    struct worker *w = arg;
    struct env *env = &w->env;
    int rc;

    log_use_ring(w->options.log);
    if (w->options.pins && cpu_pin(w->options.index) < 0)
        log_warn("worker %u cannot be pinned", w->options.index);
    rc = set_up(w);
    reply(w->start, rc);
    if (rc < 0)
        return NULL;
    while (!w->is_done)
        turn(w);
    conn_abandon_all(env);
    if (env->gen)
        on_retired(env, env->gen);
    io_close(env->io);
    slab_fini(&env->conns);
    slab_fini(&env->reqs);
    blocks_fini(&env->blocks);
    return NULL;
}

int
worker_start(struct worker *w, const struct worker_options *o,
             struct order *start)
{
    struct env *env = &w->env;
    int rc = mailbox_open(&w->mailbox);

    if (rc < 0)
        return rc;
    w->options = *o;
    w->start = start;
    env->worker =
        (et_worker){.ctx = {sizeof env->worker, ET_K_WORKER, host_get()},
                    .index = o->index,
                    .n_workers = o->n_workers};
    env->metrics = &w->metrics;
    env->budget = o->budget;
    env->on_retired = on_retired;
    env->on_closed = on_closed;
    rc = pthread_create(&w->thread, NULL, worker_main, w);
    if (rc != 0)
        mailbox_close(&w->mailbox);
    return -rc;
}

int
worker_join(struct worker *w, uint32_t ms)
{
    int rc = thread_join(w->thread, ms);

    if (rc == 0)
        mailbox_close(&w->mailbox);
    return rc;
}
