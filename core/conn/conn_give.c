/* SPDX-License-Identifier: BSD-2-Clause */
/* conn_give.c - giving a connection away; see conn_give.h. */
#include "conn/conn_give.h"

#include "conn/census.h"
#include "conn/conn.h"
#include "conn/env.h"
#include "conn/h1.h"
#include "conn/h2.h"
#include "conn/out.h"
#include "conn/transport.h"

/* conn_arm is to look closer while there is somebody to give to, or somebody
 * on the way. */
static void
set_attention(struct env *env)
{
    env->is_watchful = env->is_draining || env->giver || env->n_leaving > 0;
}

static void
set_leave(struct conn *c, enum conn_leave leave)
{
    struct env *env = c->env;

    env->n_leaving += (leave != CONN_STAYS) - (c->leave != CONN_STAYS);
    c->leave = (uint8_t)leave;
    set_attention(env);
}

void
conn_give_forget(struct conn *c)
{
    if (c->leave != CONN_STAYS)
        set_leave(c, CONN_STAYS);
}

/* Nothing but its socket and what is in a struct handed. */
static int
is_at_boundary(const struct conn *c)
{
    return (c->phase == CONN_IDLE || c->phase == CONN_PROXY ||
            c->phase == CONN_HANDSHAKE) &&
           !c->in && !out_is_pending(c) && !out_has_bytes(c) && !c->is_eof &&
           c->transport->moves;
}

/* ---- the kernel lets go of it ---------------------------------------------*/

/* It was on its way when we stopped: ours to answer. */
static void
on_data(struct io_source *s, const char *p, ssize_t n)
{
    struct conn *c = CONTAINER_OF(s, struct conn, io);

    metrics_add(c->env->metrics, METRIC_bytes_in, (uint64_t)n);
    if (conn_keep(c, p, (size_t)n) < 0)
        conn_close(c);
}

/* Receive again. */
static void
stay(struct conn *c)
{
    set_leave(c, CONN_STAYS);
    metrics_add(c->env->metrics, METRIC_connections_kept, 1);
    if (!c->is_paused)
        c->transport->want_read(c, 1);
}

/* What has come is answered without receiving more: after it there is nothing
 * that could come between, and the connection goes. */
static void
serve_first(struct conn *c)
{
    set_leave(c, CONN_SERVES_FIRST);
    conn_attach(c, c->io.fd);
    conn_resume(c);
}

static void
hand_over(struct conn *c)
{
    struct env *env = c->env;
    int fd = c->io.fd;
    const struct handed h = {
        .peer = c->peer,
        .listener = c->listener,
        .is_orphan = c->is_orphan,
        .awaits_proxy = c->phase == CONN_PROXY,
        .n_requests = c->n_requests,
        .since_ms = c->since_ms,
        .client = c->client,
        .is_counted = 1,
    };

    wheel_cancel(&env->wheel, &c->timer);
    c->phase = CONN_CLOSED;
    c->io.fd = -1;
    c->client = 0; /* it goes on being counted */
    census_enter_anyway(env->census);
    conn_free(c);
    metrics_add(env->metrics, METRIC_connections_given, 1);
    env->giver->on_given(env->giver, env, fd, &h);
    env->on_closed(env);
}

static void
on_released(struct io_source *s)
{
    struct conn *c = CONTAINER_OF(s, struct conn, io);
    struct env *env = c->env;

    if (c->phase == CONN_CLOSED) {
        conn_free(c);
        env->on_closed(env);
    } else if (c->in) {
        serve_first(c);
    } else if (!env->giver) {
        conn_attach(c, c->io.fd);
        stay(c);
    } else {
        hand_over(c);
    }
}

static const struct io_handler leaving_handler = {
    .on_data = on_data,
    .on_released = on_released,
};

static void
leave(struct conn *c)
{
    set_leave(c, CONN_LEAVES);
    c->io.on = &leaving_handler;
    io_release(c->env->io, &c->io);
}

void
conn_give_abroad(struct env *env, struct handed *h)
{
    census_part(env->census, h->client);
    if (h->is_counted)
        census_leave(env->census);
    h->client = 0;
    h->is_counted = 0;
}

/* ---- when -----------------------------------------------------------------*/

int
conn_give(struct conn *c)
{
    if (!c->env->giver || c->leave == CONN_LEAVES || !is_at_boundary(c))
        return 0;
    leave(c);
    return 1;
}

static int
is_wanted(struct conn *c)
{
    struct giver *g = c->env->giver;

    return g && (!g->wants || g->wants(g, c));
}

/* Only bytes can bring it on, or their end. */
static int
waits_for_bytes(const struct conn *c)
{
    return c->phase == CONN_PROXY || c->phase == CONN_HANDSHAKE ||
           c->phase == CONN_PREFACE || c->phase == CONN_H2 ||
           c->phase == CONN_HEAD || c->phase == CONN_BODY ||
           c->phase == CONN_WAIT || c->phase == CONN_DISCARD ||
           c->phase == CONN_STREAM ||
           (c->phase == CONN_IDLE && !out_is_pending(c));
}

void
conn_give_look(struct conn *c)
{
    if (c->leave == CONN_LEAVES)
        return;
    if (c->leave == CONN_SERVES_FIRST) {
        if (!conn_give(c) && waits_for_bytes(c))
            stay(c);
    } else if (is_at_boundary(c) && is_wanted(c)) {
        leave(c);
    }
}

void
conn_give_some(struct env *env, struct giver *g)
{
    env->giver = g;
    set_attention(env);
}

void
conn_give_all(struct env *env, struct giver *g)
{
    conn_give_some(env, g);
    for (uint32_t i = 0; i < env->conns.fresh; i++) {
        struct conn *c = slab_at(&env->conns, i);
        if (!conn_is_open(c))
            continue;
        if (c->is_h2) /* which is more than its socket */
            h2_leave(c);
        else
            conn_give_look(c);
    }
}
