/* SPDX-License-Identifier: BSD-2-Clause */
/* order.c - what the control thread wants, carried out; see order.h. */
#include "work/order.h"

#include <stdio.h>
#include <string.h>

#include "conn/conn.h"
#include "conn/retire.h"
#include "http/gen.h"
#include "os/limit.h"
#include "work/arrival.h"
#include "work/parcel.h"
#include "work/worker.h"

/* The reply travels in the order's own mail: on the way back it is delivered
 * on the control thread. */
static void
deliver_reply(void *reader, struct mail *m)
{
    struct order *o = CONTAINER_OF(m, struct order, mail);

    (void)reader;
    o->on_reply(o);
}

void
order_reply(struct order *o, int result)
{
    o->result = result;
    o->mail.deliver = deliver_reply;
    mailbox_post(o->reply_to, &o->mail);
}

int
order_explain(struct order *o, const char *what, int rc)
{
    char text[LIMIT_TEXT_LEN];

    snprintf(o->why, sizeof o->why, "%s: %s", what,
             limit_explain(rc, text, sizeof text));
    return rc;
}

static void
deliver_order(void *reader, struct mail *m)
{
    struct order *o = CONTAINER_OF(m, struct order, mail);

    o->run(reader, o);
}

void
order_give(struct worker *w, struct order *o)
{
    o->mail.deliver = deliver_order;
    mailbox_post(&w->mailbox, &o->mail);
}

/* ---- generations ---------------------------------------------------------*/

/* One step a turn: the order comes back to the worker's own mailbox, so what
 * happened meanwhile has its turn first. */
static void
go_on_preparing(struct worker *w, struct order *o)
{
    int rc =
        gen_prepare_step(o->arg, &w->env.worker.pub, o->why, sizeof o->why);

    if (rc <= 0) {
        order_reply(o, rc);
        return;
    }
    o->run = go_on_preparing;
    order_give(w, o);
}

void
order_prepare(struct worker *w, struct order *o)
{
    o->why[0] = '\0';
    gen_prepare(o->arg, &w->env.worker.pub);
    go_on_preparing(w, o);
}

void
order_abort(struct worker *w, struct order *o)
{
    struct gen *g = o->arg;

    (void)!gen_retire(&g->workers[w->env.worker.pub.index]);
    order_reply(o, 0);
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
    env->gen = &c->gen->workers[env->worker.pub.index];
    gen_catch_up(env->gen);
    if (old && old->n_active == 0)
        env->on_retired(env, old);
    else if (old)
        retire_begin(env, old);
    streams_renew(&env->streams, env->gen);
    worker_limits_changed(w);
    order_reply(o, 0);
}

/* ---- listeners -----------------------------------------------------------*/

void
order_listeners(struct worker *w, struct order *o)
{
    memcpy(w->env.listeners, o->arg, sizeof w->env.listeners);
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++)
        w->listeners[i].rejects_as =
            (uint8_t)listener_env_rejects(&w->env.listeners[i]);
    conn_orphan(&w->env);
    order_reply(o, 0);
}

static void
listener_on_conn(struct listener *l, int fd)
{
    arrival_take(l->owner, fd, l->id);
}

static void
listener_on_end(struct listener *l)
{
    struct worker *w = l->owner;

    w->is_listening[l->id] = 0;
    w->n_listening--;
    if (l->on_end_arg)
        order_reply(l->on_end_arg, 0);
    worker_check_drained(w);
}

void
order_listen(struct worker *w, struct order *o)
{
    struct listener *l = &w->listeners[o->listener];

    l->owner = w;
    l->on_conn = listener_on_conn;
    l->on_end = listener_on_end;
    w->is_listening[o->listener] = 1;
    w->n_listening++;
    listener_start(l, w->env.io, &w->env.wheel, o->fd, o->listener);
    order_reply(o, 0);
}

void
order_unlisten(struct worker *w, struct order *o)
{
    struct listener *l = &w->listeners[o->listener];

    l->on_end_arg = o;
    listener_end(l);
}

/* ---- leaving -------------------------------------------------------------*/

static void
on_given(struct giver *g, struct env *env, int fd, const struct handed *h)
{
    struct worker *w = CONTAINER_OF(g, struct worker, leaver.giver);
    struct handed abroad = *h;
    struct parcel *p;

    conn_give_abroad(env, &abroad);
    p = parcel_new(fd, &abroad);
    if (!p) {
        w->n_cut++;
        return;
    }
    p->mail.deliver = w->leaver.on_parcel;
    mailbox_post(w->leaver.to, &p->mail);
}

void
order_leave(struct worker *w, struct order *o)
{
    uint32_t ms = w->env.limits.drain_ms;
    uint64_t due_ms;

    w->leaver.giver.on_given = on_given;
    w->leaver.to = o->arg;
    w->leaver.on_parcel = o->on_parcel;
    arrival_take_held(w);
    conn_give_all(&w->env, &w->leaver.giver);
    conn_stay_behind(&w->env,
                     w->env.clock.mono_ms + w->env.limits.idle_grace_ms);
    w->env.gen->is_old = 1; /* another process has a newer one */
    due_ms = retire_all(&w->env, o->die_ms ? o->die_ms : ms);
    streams_retire(&w->env.streams, o->die_ms ? due_ms : UINT64_MAX);
    order_reply(o, 0);
}

void
order_look(struct worker *w, struct order *o)
{
    order_reply(o, (int)w->env.n_leaving);
}

/* ---- the end -------------------------------------------------------------*/

void
order_stopping(struct worker *w, struct order *o)
{
    conn_give_some(&w->env, NULL); /* they end here */
    w->env.is_stopping = 1;
    w->env.gen->is_stopping = 1;
    rebalance_stop(w);
    streams_retire(&w->env.streams, UINT64_MAX);
    order_reply(o, 0);
}

void
order_drain(struct worker *w, struct order *o)
{
    struct env *env = &w->env;

    env->is_stopping = 1;
    env->is_draining = 1;
    env->is_watchful = 1;
    w->drain = o;
    for (uint32_t i = 0; i < ENV_MAX_LISTENERS; i++) {
        if (!w->is_listening[i])
            continue;
        w->listeners[i].on_end_arg = NULL;
        listener_end(&w->listeners[i]);
    }
    conn_drain(env, env->clock.mono_ms + env->limits.idle_grace_ms);
    (void)retire_all(env, env->limits.drain_ms);
    worker_check_drained(w);
}
