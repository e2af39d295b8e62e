/* SPDX-License-Identifier: BSD-2-Clause */
/* walk.c - see walk.h. */
#include "conn/walk.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "conn/census.h"
#include "http/client.h"
#include "http/filter.h"
#include "http/route.h"
#include "proto/ascii.h"
#include "proto/status.h"

static const struct carrier *
carrier_of(const struct exchange *x)
{
    return CONTAINER_OF(x->req->sink, const struct carrier, sink);
}

static struct env *
env_of(const struct exchange *x)
{
    return CONTAINER_OF(req_worker(x->req), struct env, worker);
}

/* ---- what comes of a walk -------------------------------------------------*/

void
walk_end_waiting(struct exchange *x, int err)
{
    struct req *r = x->req;
    uint32_t status = (uint32_t)err_status(err);

    x->closes = 1;
    body_fini(x->body); /* at once: others may wait for its share */
    x->body_done = err == ERR_TIMEOUT; /* nor is the rest of this waited for */
    req_decide_error_text(r, status,
                          (et_str){err_text(err), strlen(err_text(err))});
    walk_go_on(x, chain_finish(r), 0);
}

/* A step wants the body. has_bytes: some of it is here already. */
static void
collect(struct exchange *x, int has_bytes)
{
    struct req *r = x->req;
    int rc;

    if (x->body_done) {
        r->body = (et_str){"", 0};
        r->body_bytes = 0;
        return;
    }
    rc = body_collect(x->body);
    if (rc < 0) {
        walk_end_waiting(x, rc);
        return;
    }
    if (r->head.expect_continue && !has_bytes)
        carrier_of(x)->say_continue(x);
    x->phase = CONN_BODY;
    x->since_ms = env_of(x)->clock.mono_ms;
}

/* The answer that is decided goes through filters.  1: it is being written; 0:
 * it is answered, or its client gone. */
static int
begin_filtered(struct exchange *x)
{
    const struct carrier *via = carrier_of(x);
    struct req *r = x->req;
    int is_bare =
        r->pub.method == ET_M_HEAD || !status_has_body(r->resp.status);
    int only_looks = filter_only_looks(r);

    filter_drop_crashed(r);
    if (!r->resp.filters ||
        (only_looks && (is_bare || r->resp.status == 205))) {
        via->send(x);
        return 0;
    }
    if (is_bare) {
        resp_write(&r->resp, r->resp.status, r->resp.type, RESP_ANY_LENGTH);
    } else if (filter_begin(r) < 0) {
        if (only_looks) { /* then it goes unseen */
            via->send(x);
            return 0;
        }
        resp_drop_fields(&r->resp); /* they may speak of what is not done */
        walk_busy(x);
        return 0;
    }
    if (via->begin(x) < 0)
        return 0;
    if (is_bare)
        via->end(x, 1);
    return !is_bare;
}

/* 1: it goes on to be written. */
static int
answer(struct exchange *x)
{
    if (UNLIKELY(x->req->resp.is_written))
        carrier_of(x)->end(x, 1);
    else if (UNLIKELY(x->req->resp.filters != NULL))
        return begin_filtered(x);
    else
        carrier_of(x)->send(x);
    return 0;
}

void
walk_go_on(struct exchange *x, enum chain_result result, int has_bytes)
{
    for (;;) {
        if (UNLIKELY(x->phase == CONN_CLOSED)) /* as its answer was written */
            return;
        switch (result) {
        case CHAIN_DONE:
            if (LIKELY(!answer(x)))
                return;
            result = chain_resume(x->req);
            break;
        case CHAIN_DROP: carrier_of(x)->drop(x); return;
        case CHAIN_WAIT: x->phase = CONN_WAIT; return;
        case CHAIN_OPEN:
            if (carrier_of(x)->begin(x) < 0)
                return;
            result = chain_resume(x->req);
            break;
        case CHAIN_TAKE: carrier_of(x)->take(x); return;
        case CHAIN_BODY:
            collect(x, has_bytes);
            if (x->phase != CONN_HEAD)
                return;
            result = chain_run(x->req);
            break;
        }
    }
}

void
walk_body_came(struct exchange *x)
{
    x->phase = CONN_HEAD;
    x->body_done = 1;
    walk_go_on(x, chain_run(x->req), 1);
}

/* The client may have gone: then there is nobody to answer. */
void
walk_wake(struct req *r)
{
    struct exchange *x = r->sink_ctx;
    const struct carrier *via = carrier_of(x);
    enum chain_result result = chain_resume(r);

    if (x->phase == CONN_CLOSED)
        return;
    x->phase = CONN_HEAD;
    x->since_ms = env_of(x)->clock.mono_ms;
    walk_go_on(x, result, via->has_bytes(x));
    if (x->phase != CONN_CLOSED)
        via->resume(x);
}

int64_t
walk_read(struct exchange *x, const char *kept, size_t n_kept, size_t *used,
          char *p, size_t n)
{
    const struct req *r = x->req;
    int is_first, is_done = 0;
    int64_t got;

    *used = 0;
    if (x->phase == CONN_CLOSED)
        return -ENOTCONN;
    if (x->body_done)
        return 0;
    is_first = !x->body->streams;
    got = body_stream(x->body);
    if (got == 0)
        got = body_read(x->body, kept, n_kept, used, p, n, &is_done);
    x->body_done = (uint8_t)is_done;
    x->closes |= got < 0;
    if (got != 0 || is_done)
        return got;
    if (is_first && r->head.expect_continue && !r->resp.committed)
        carrier_of(x)->say_continue(x);
    return -EAGAIN;
}

/* ---- what is not run ------------------------------------------------------*/

void
walk_refuse(struct exchange *x, int err)
{
    struct req *r = x->req;

    if (err == ERR_EARLY) {
        req_decide_error(r, (uint32_t)err_status(err));
        carrier_of(x)->send(x);
        return;
    }
    metrics_add(env_of(x)->metrics, METRIC_requests_bad, 1);
    log_debug("request refused: %s", err_text(err));
    x->closes = 1;
    x->lingers = err != ERR_TIMEOUT; /* who is late is not waited for */
    r->head.keep_alive = 0;
    r->pub.method = r->head.method; /* a HEAD has no content, right or wrong */
    resp_clear(&r->resp);
    req_decide_error_text(r, (uint32_t)err_status(err),
                          (et_str){err_text(err), strlen(err_text(err))});
    carrier_of(x)->send(x);
}

void
walk_busy(struct exchange *x)
{
    static const et_str name = {"Retry-After", 11}, value = {"1", 1};
    struct req *r = x->req;

    req_decide_error(r, 503);
    if (resp_set(&r->resp, &r->arena, name, value, ET_SET) < 0)
        log_debug("no memory for Retry-After");
    carrier_of(x)->send(x);
}

void
walk_turn_away(struct exchange *x, enum walk_away why)
{
    if (why == WALK_BUSY)
        walk_busy(x);
    else
        carrier_of(x)->send(x);
}

/* Whether the request's client, who is behind a proxy, has too many already. */
static int
is_of_too_many(struct exchange *x, struct env *env)
{
    const struct limits *l = &env->limits;
    struct client client;

    if (l->max_per_client == 0 || !l->trusts_proxies || x->client != 0 ||
        x->req->route->priority == ROUTE_ALWAYS ||
        client_find(x->req, &client) < 0)
        return 0;
    if (exchange_count_client(x, env, census_key(&client.addr)) < 0)
        return 1;
    x->is_request_counted = x->client != 0;
    return 0;
}

__attribute__((noinline)) int
walk_is_too_much(struct exchange *x, struct env *env)
{
    if (metrics_get(env->metrics, METRIC_requests_active) <=
        env->shed_beyond[x->req->route->priority])
        return is_of_too_many(x, env);
    metrics_add(env->metrics, METRIC_requests_shed, 1);
    return 1;
}

/* ---- what a listener adds to answers
 * ----------------------------------------*/

uint32_t
walk_find_hsts(const struct exchange *x, uint32_t age_s)
{
    if (!ascii_eq_lit(x->req->pub.scheme, "https"))
        return 0; /* it has come before the listener spoke TLS */
    for (const struct resp_field *f = x->req->resp.fields; f; f = f->next) {
        if (ascii_eq_lit(f->name, "strict-transport-security"))
            return 0;
    }
    return age_s;
}

/* ---- who is let in
 * ---------------------------------------------------------*/

/* The log steps may ask who it was when he has gone, and nobody knows any more.
 */
static __attribute__((noinline)) void
note_peer(struct req *r)
{
    struct addr peer;

    (void)r->sink->peer(r, &peer);
}

/* Pin the generation and find the route of x's request, whose head at p is
 * complete. */
static int
pin(struct exchange *x, struct env *env, const char *p)
{
    struct req *r = x->req;
    int rc;

    metrics_add(env->metrics, METRIC_requests, 1);
    metrics_add(env->metrics, METRIC_requests_active, 1);
    r->gen = env->gen;
    r->gen->n_active++;
    rc = req_adopt_head(r, p);
    if (rc == 0)
        rc = dispatch(r);
    if (r->chain && UNLIKELY(r->chain->n_log > 0))
        note_peer(r);
    return rc;
}

/* Whether x's listener leads it away, and the answer says so. */
static int
is_led_away(struct exchange *x, const struct env *env)
{
    uint16_t port = env->listeners[x->listener].redirect_port;

    return UNLIKELY(port != 0) && redirect_to_https(x->req, port);
}

__attribute__((noinline)) int
walk_admit(struct exchange *x, struct env *env, const char *p)
{
    struct req *r = x->req;
    int rc = pin(x, env, p);

    if ((rc == 0 || UNLIKELY(rc == ERR_EARLY)) &&
        (r->head.is_chunked || r->head.content_length > 0)) {
        x->body = arena_alloc(&r->arena, sizeof *x->body);
        if (!x->body)
            return ERR_NOMEM;
        body_init(x->body, env, r, dispatch_max_body(r, env->limits.max_body));
        x->body_done = 0;
    }
    if (rc < 0)
        return rc;
    if (UNLIKELY(walk_is_crowded(env)) && walk_is_too_much(x, env))
        return WALK_BUSY;
    return is_led_away(x, env) ? WALK_LED_AWAY : 0;
}
