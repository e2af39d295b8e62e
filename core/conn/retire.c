/* SPDX-License-Identifier: BSD-2-Clause */
/* retire.c - see retire.h. */
#include "conn/retire.h"

#include "conn/conn.h"
#include "conn/env.h"
#include "conn/h2.h"
#include "http/gen.h"
#include "http/pause.h"
#include "http/req.h"

/* How long before the end of a drain they are told, so that they can say
 * something, and how often those of an old generation are. */
#define FAREWELL_MS 500u
#define AGAIN_MS 1000u

/* Those of g that write their answer, or NULL: all that wait. */
static void
give_up(struct env *env, const struct gen_worker *g)
{
    for (uint32_t i = 0; i < env->conns.fresh; i++) {
        struct conn *c = slab_at(&env->conns, i);
        if (conn_is_open(c) && c->phase == CONN_H2)
            h2_retire(c, g);
        else if (conn_is_open(c) && c->phase == CONN_WAIT &&
                 (!g || (c->req->gen == g && c->req->resp.is_written)))
            pause_retire(c->req);
    }
}

static struct env *
env_of(const struct gen_worker *g)
{
    return CONTAINER_OF(host_worker_of(g->worker), struct env, worker);
}

static void
on_old(struct wheel_timer *t, uint64_t now_ms)
{
    struct gen_worker *g = CONTAINER_OF(t, struct gen_worker, retire);
    struct env *env = env_of(g);

    wheel_arm(&env->wheel, t, now_ms + AGAIN_MS); /* who waits only then */
    give_up(env, g);
    repeat_end_all(env, g);
}

void
retire_begin(struct env *env, struct gen_worker *g)
{
    g->is_old = 1;
    g->retire.fn = on_old;
    wheel_arm(&env->wheel, &g->retire,
              env->clock.mono_ms + env->limits.drain_ms);
}

void
retire_end(struct env *env, struct gen_worker *g)
{
    wheel_cancel(&env->wheel, &g->retire);
}

static void
on_drained(struct wheel_timer *t, uint64_t now_ms)
{
    struct env *env = CONTAINER_OF(t, struct env, retire);

    (void)now_ms;
    give_up(env, NULL);
}

uint64_t
retire_all(struct env *env, uint32_t ms)
{
    uint64_t due_ms =
        env->clock.mono_ms + (ms > 2 * FAREWELL_MS ? ms - FAREWELL_MS : ms / 2);

    env->retire.fn = on_drained;
    wheel_arm(&env->wheel, &env->retire, due_ms);
    return due_ms;
}
