/* SPDX-License-Identifier: BSD-2-Clause */
/* exchange.c - see exchange.h. */
#include "conn/exchange.h"

#include <errno.h>

#include "base/err.h"
#include "conn/body.h"
#include "conn/census.h"
#include "conn/conn.h"
#include "conn/env.h"
#include "http/chain.h"
#include "http/gen.h"
#include "http/req.h"

int
exchange_begin(struct conn *c, const struct sink *sink)
{
    struct env *env = c->env;
    struct req *r = slab_take(&env->reqs);

    if (!r)
        return ERR_LIMIT;
    req_init(r, &env->blocks, &env->worker.pub, &env->clock);
    r->sink = sink;
    r->sink_ctx = c;
    if (req_reserve_fields(r, env->limits.head.max_fields) < 0) {
        slab_give(&env->reqs, r);
        return conn_out_of_memory(c);
    }
    http1_init(&r->head, r->fields, &env->limits.head);
    c->req = r;
    c->n_requests++;
    c->body = NULL;
    c->body_done = 1;
    c->is_logged = 0;
    c->unsent = UINT32_MAX;
    c->phase = CONN_HEAD;
    c->since_ms = env->clock.mono_ms;
    return 0;
}

/* The generation is let go; its last request here retires it. */
static void
unpin(struct env *env, struct req *r)
{
    struct gen_worker *g = r->gen;

    if (!g)
        return;
    r->gen = NULL;
    metrics_sub(env->metrics, METRIC_requests_active, 1);
    if (--g->n_active == 0 && g != env->gen)
        env->on_retired(env, g);
}

/* Inline where it is always called; astray it hardly ever is. */
static inline __attribute__((always_inline)) void
end(struct env *env, struct req *r)
{
    if (r->chain && UNLIKELY(r->chain->n_log > 0))
        chain_log(r);
    resp_fini(&r->resp);
    unpin(env, r);
}

static void
give_back(struct env *env, struct req *r, struct body *body)
{
    if (UNLIKELY(body != NULL))
        body_fini(body);
    req_fini(r);
    slab_give(&env->reqs, r);
}

/* Behind proxies a client's requests count, while they are in progress. */
static __attribute__((noinline)) void
uncount_client(struct conn *c)
{
    census_part(c->env->census, c->client);
    c->client = 0;
    c->is_request_counted = 0;
}

void
exchange_log(struct conn *c)
{
    if (c->is_logged)
        return;
    c->is_logged = 1;
    if (UNLIKELY(c->is_request_counted))
        uncount_client(c);
    end(c->env, c->req);
}

void
exchange_release(struct conn *c)
{
    give_back(c->env, c->req, c->body);
    c->body = NULL;
    c->req = NULL;
}

/* ---- by itself -----------------------------------------------------------*/

struct req *
exchange_part(struct conn *c)
{
    struct req *r = c->req;

    CHECK(!c->body);
    metrics_sub(c->env->metrics, METRIC_requests_active, 1);
    c->req = NULL;
    return r;
}

void
exchange_end(struct env *env, struct req *r)
{
    metrics_add(env->metrics, METRIC_requests_active, 1); /* as others end */
    end(env, r);
    give_back(env, r, NULL);
}

/* ---- astray --------------------------------------------------------------*/

static int
stray_peer(struct req *r, struct addr *out)
{
    (void)r;
    (void)out;
    return -ENOTCONN;
}

/* What was on its way has come. */
static void
stray_wake(struct req *r)
{
    struct env *env = r->sink_ctx;

    if (!pause_stray(r))
        return;
    env->n_strays--;
    end(env, r);
    give_back(env, r, r->stray_body);
}

static int64_t
stray_read(struct req *r, char *p, size_t n)
{
    (void)r;
    (void)p;
    (void)n;
    return -ENOTCONN;
}

static const struct sink stray_sink = {
    .peer = stray_peer, .read = stray_read, .wake = stray_wake};

static void
go_astray(struct conn *c)
{
    struct req *r = c->req;

    if (UNLIKELY(c->is_request_counted))
        uncount_client(c);
    r->sink = &stray_sink;
    r->sink_ctx = c->env;
    r->stray_body = c->body;
    c->env->n_strays++;
    c->body = NULL;
    c->req = NULL;
}

void
exchange_abandon(struct conn *c)
{
    if (!c->req)
        return;
    if (UNLIKELY(c->req->has_pause) && !pause_abandon(c->req, ET_ECANCEL)) {
        go_astray(c);
        return;
    }
    exchange_log(c);
    exchange_release(c);
}
