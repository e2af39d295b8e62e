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
exchange_begin(struct exchange *x, struct env *env, const struct sink *sink)
{
    struct req *r = slab_take(&env->reqs);

    if (!r)
        return ERR_LIMIT;
    req_init(r, &env->blocks, &env->worker.pub, &env->clock);
    r->sink = sink;
    r->sink_ctx = x;
    if (req_reserve_fields(r, env->limits.head.max_fields) < 0) {
        slab_give(&env->reqs, r);
        return conn_out_of_memory(env);
    }
    http1_init(&r->head, r->fields, &env->limits.head);
    x->req = r;
    x->body = NULL;
    x->body_done = 1;
    x->is_logged = 0;
    x->phase = CONN_HEAD;
    x->since_ms = env->clock.mono_ms;
    return 0;
}

int
exchange_count_client(struct exchange *x, struct env *env, uint64_t key)
{
    int rc = 0;

    if (env->limits.max_per_client > 0)
        x->client =
            census_join(env->census, key, env->limits.max_per_client, &rc);
    if (rc < 0)
        metrics_add(env->metrics, METRIC_clients_limited, 1);
    return rc;
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
uncount_client(struct exchange *x, struct env *env)
{
    census_part(env->census, x->client);
    x->client = 0;
    x->is_request_counted = 0;
}

void
exchange_log(struct exchange *x, struct env *env)
{
    if (x->is_logged)
        return;
    x->is_logged = 1;
    if (UNLIKELY(x->is_request_counted))
        uncount_client(x, env);
    end(env, x->req);
}

void
exchange_release(struct exchange *x, struct env *env)
{
    give_back(env, x->req, x->body);
    x->body = NULL;
    x->req = NULL;
}

/* ---- by itself -----------------------------------------------------------*/

struct req *
exchange_part(struct exchange *x, struct env *env)
{
    struct req *r = x->req;

    CHECK(!x->body);
    r->session = NULL;
    metrics_sub(env->metrics, METRIC_requests_active, 1);
    x->req = NULL;
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
go_astray(struct exchange *x, struct env *env)
{
    struct req *r = x->req;

    if (UNLIKELY(x->is_request_counted))
        uncount_client(x, env);
    r->session = NULL;
    r->sink = &stray_sink;
    r->sink_ctx = env;
    r->stray_body = x->body;
    env->n_strays++;
    x->body = NULL;
    x->req = NULL;
}

void
exchange_abandon(struct exchange *x, struct env *env)
{
    if (!x->req)
        return;
    if (UNLIKELY(x->req->has_pause) && !pause_abandon(x->req, ET_ECANCEL)) {
        go_astray(x, env);
        return;
    }
    exchange_log(x, env);
    exchange_release(x, env);
}
