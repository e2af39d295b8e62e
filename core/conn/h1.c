/* SPDX-License-Identifier: BSD-2-Clause */
/* h1.c - HTTP/1.x on a connection; see h1.h. */
#include "conn/h1.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "conn/body.h"
#include "conn/census.h"
#include "conn/conn.h"
#include "conn/env.h"
#include "conn/exchange.h"
#include "conn/out.h"
#include "conn/proxied.h"
#include "conn/response.h"
#include "conn/streamed.h"
#include "conn/transport.h"
#include "conn/upgraded.h"
#include "http/chain.h"
#include "http/client.h"
#include "http/dispatch.h"
#include "http/filter.h"
#include "http/gen.h"
#include "http/req.h"
#include "http/route.h"
#include "http/task.h"

/* After our side is shut: how much more is read, so that the client sees the
 * answer and not a reset. */
#define LINGER_BYTES (128u << 10)

static void go_on(struct conn *c, enum chain_result result, int has_bytes);

/* ---- what a request asks of its connection --------------------------------*/

static int
sink_peer(struct req *r, struct addr *out)
{
    return conn_peer(r->sink_ctx, out);
}

static void sink_wake(struct req *r);

static int64_t sink_read(struct req *r, char *p, size_t n);

static int64_t
sink_write(struct req *r, const char *p, size_t n)
{
    return streamed_write(r->sink_ctx, p, n);
}

static const struct sink h1_sink = {.peer = sink_peer,
                                    .read = sink_read,
                                    .write = sink_write,
                                    .wake = sink_wake};

/* ---- what comes of a walk -------------------------------------------------*/

/* The host ends a request that waits for its body: its response steps run. */
static void
end_waiting(struct conn *c, int err)
{
    struct req *r = c->req;
    uint32_t status = (uint32_t)err_status(err);

    c->closes = 1;
    body_fini(c->body); /* at once: others may wait for its share */
    c->body_done = err == ERR_TIMEOUT; /* nor is the rest of this waited for */
    req_decide_error_text(r, status,
                          (et_str){err_text(err), strlen(err_text(err))});
    go_on(c, chain_finish(r), 0);
}

/* A step wants the body. has_bytes: some of it is here already. */
static void
collect(struct conn *c, int has_bytes)
{
    struct req *r = c->req;
    int rc;

    if (c->body_done) {
        r->body = (et_str){"", 0};
        r->body_bytes = 0;
        return;
    }
    rc = body_collect(c->body);
    if (rc < 0) {
        end_waiting(c, rc);
        return;
    }
    if (r->head.expect_continue && !has_bytes)
        response_continue(c);
    c->phase = CONN_BODY;
    c->since_ms = c->env->clock.mono_ms;
}

/* The answer that is decided goes through filters.  1: it is being written; 0:
 * it is answered, or the connection closed. */
static int
begin_filtered(struct conn *c)
{
    struct req *r = c->req;
    int is_bare =
        r->pub.method == ET_M_HEAD || !status_has_body(r->resp.status);

    filter_drop_crashed(r);
    if (!r->resp.filters) {
        response_send(c);
        return 0;
    }
    if (is_bare) {
        resp_write(&r->resp, r->resp.status, r->resp.type, RESP_ANY_LENGTH);
    } else if (filter_begin(r) < 0) {
        resp_drop_fields(&r->resp); /* they may speak of what is not done */
        response_busy(c);
        return 0;
    }
    if (response_begin(c) < 0)
        conn_close(c);
    else if (is_bare)
        response_end(c, 1);
    return !is_bare && c->phase != CONN_CLOSED;
}

/* 1: it goes on to be written. */
static int
answer(struct conn *c)
{
    if (UNLIKELY(c->req->resp.is_written))
        response_end(c, 1);
    else if (UNLIKELY(c->req->resp.filters != NULL))
        return begin_filtered(c);
    else
        response_send(c);
    return 0;
}

/* What has come of a walk: go on until there is an answer, or it waits. */
static void
go_on(struct conn *c, enum chain_result result, int has_bytes)
{
    for (;;) {
        if (UNLIKELY(c->phase == CONN_CLOSED)) /* as its answer was written */
            return;
        switch (result) {
        case CHAIN_DONE:
            if (LIKELY(!answer(c)))
                return;
            result = chain_resume(c->req);
            break;
        case CHAIN_DROP: response_drop(c); return;
        case CHAIN_WAIT: c->phase = CONN_WAIT; return;
        case CHAIN_OPEN:
            if (response_begin(c) < 0) {
                conn_close(c);
                return;
            }
            result = chain_resume(c->req);
            break;
        case CHAIN_TAKE: upgraded_begin(c); return;
        case CHAIN_BODY:
            collect(c, has_bytes);
            if (c->phase != CONN_HEAD)
                return;
            result = chain_run(c->req);
            break;
        }
    }
}

static void throttle(struct conn *c);

/* What has come is kept in front of who reads it. */
static int64_t
sink_read(struct req *r, char *p, size_t n)
{
    struct conn *c = r->sink_ctx;
    size_t kept = c->in_end - c->in_start, used = 0;
    int is_first, is_done = 0;
    int64_t got;

    if (c->phase == CONN_CLOSED)
        return -ENOTCONN;
    if (c->body_done)
        return 0;
    is_first = !c->body->streams;
    got = body_stream(c->body);
    if (got == 0)
        got = body_read(c->body, c->in ? c->in + c->in_start : "", kept, &used,
                        p, n, &is_done);
    conn_used(c, used);
    throttle(c);
    c->body_done = (uint8_t)is_done;
    c->closes |= got < 0;
    if (got != 0 || is_done)
        return got;
    if (is_first && r->head.expect_continue && !r->resp.committed)
        response_continue(c);
    return -EAGAIN;
}

/* The client may have gone: then there is nobody to answer. */
static void
sink_wake(struct req *r)
{
    struct conn *c = r->sink_ctx;
    enum chain_result result = chain_resume(r);

    if (c->phase == CONN_CLOSED)
        return;
    c->phase = CONN_HEAD;
    c->since_ms = c->env->clock.mono_ms;
    go_on(c, result, c->in_end > c->in_start);
    if (c->phase != CONN_CLOSED)
        h1_resume(c);
}

/* ---- too much -------------------------------------------------------------*/

/* Whether the request's client, who is behind a proxy, has too many already. */
static int
is_of_too_many(struct conn *c)
{
    const struct limits *l = &c->env->limits;
    struct client client;

    if (l->max_per_client == 0 || !l->trusts_proxies || c->client != 0 ||
        c->req->route->priority == ROUTE_ALWAYS ||
        client_find(c->req, &client) < 0)
        return 0;
    if (conn_count_client(c, census_key(&client.addr)) < 0)
        return 1;
    c->is_request_counted = c->client != 0;
    return 0;
}

static __attribute__((noinline)) int
is_too_much(struct conn *c)
{
    const struct env *env = c->env;

    if (metrics_get(env->metrics, METRIC_requests_active) <=
        env->shed_beyond[c->req->route->priority])
        return is_of_too_many(c);
    metrics_add(env->metrics, METRIC_requests_shed, 1);
    return 1;
}

/* Whether that is a question at all: one comparison a request. */
static inline int
is_crowded(const struct env *env)
{
    return metrics_get(env->metrics, METRIC_requests_active) > env->look_beyond;
}

/* ---- input ----------------------------------------------------------------*/

/* The usual case, inline: a walk that ends with an answer that is all there. */
static inline __attribute__((always_inline)) void
run(struct conn *c, int has_bytes)
{
    struct req *r = c->req;
    enum chain_result result = chain_run(r);

    if (LIKELY(result == CHAIN_DONE) && LIKELY(!r->resp.filters))
        response_send(c);
    else
        go_on(c, result, has_bytes);
}

/* The head at p is complete: pin the generation, find the route, walk. */
static void
start_request(struct conn *c, const char *p, int has_bytes)
{
    struct env *env = c->env;
    struct req *r = c->req;
    int rc;

    metrics_add(env->metrics, METRIC_requests, 1);
    metrics_add(env->metrics, METRIC_requests_active, 1);
    r->gen = env->gen;
    r->gen->n_active++;
    rc = req_adopt_head(r, p);
    if (rc == 0)
        rc = dispatch(r);
    if (rc == 0 && (r->head.is_chunked || r->head.content_length > 0)) {
        c->body = arena_alloc(&r->arena, sizeof *c->body);
        if (!c->body) {
            rc = ERR_NOMEM;
        } else {
            body_init(c->body, env, r,
                      dispatch_max_body(r, env->limits.max_body));
            c->body_done = 0;
        }
    }
    if (rc < 0)
        response_refuse(c, rc);
    else if (UNLIKELY(is_crowded(env)) && is_too_much(c))
        response_busy(c);
    else
        run(c, has_bytes);
}

/* A head of which a part is there already goes on under the limits that hold
 * now: they may have been changed meanwhile. */
static int
renew_limits(struct conn *c)
{
    const struct http1_limits *now = &c->env->limits.head;
    struct req *r = c->req;
    uint32_t room = r->head.limits.max_fields;

    if (memcmp(&r->head.limits, now, sizeof *now) == 0)
        return 0;
    if (now->max_fields > room && req_reserve_fields(r, now->max_fields) < 0)
        return ERR_NOMEM;
    return http1_relimit(&r->head, r->fields, now);
}

/* Each of these uses bytes of p and returns how many. */
static size_t
read_head(struct conn *c, const char *p, size_t n)
{
    int rc = UNLIKELY(c->in != NULL) ? renew_limits(c) : 0;
    size_t len;

    if (rc == 0)
        rc = http1_parse(&c->req->head, p, n);
    if (rc == HTTP1_MORE)
        return 0;
    if (rc < 0) {
        response_refuse(c, rc);
        return n;
    }
    len = c->req->head.head_len;
    start_request(c, p, n > len);
    return len;
}

static size_t
read_body(struct conn *c, const char *p, size_t n)
{
    size_t used = 0;
    int rc = body_feed(c->body, p, n, &used);

    c->since_ms = c->env->clock.mono_ms;
    if (rc == BODY_MORE)
        return used;
    if (rc < 0) {
        end_waiting(c, rc);
        return used;
    }
    c->phase = CONN_HEAD;
    c->body_done = 1;
    go_on(c, chain_run(c->req), 1);
    return used;
}

/* What a response left unread of its request's body. */
static size_t
discard(struct conn *c, const char *p, size_t n)
{
    size_t used = 0;
    int rc = body_feed(c->body, p, n, &used);

    if (rc == BODY_DONE) {
        c->body_done = 1;
    } else if (rc < 0 || c->body->n > c->env->limits.discard_body) {
        c->closes = 1;
        c->body_done = 1;
        c->lingers = 1;
    }
    return used;
}

/* ---- one turn of the machine ----------------------------------------------*/

/* The response is with the kernel, or all of it in the block. */
static void
end_response(struct conn *c)
{
    exchange_log(c);
    if (c->closes) {
        /* Whoever did not ask for the end may be sending another request: a
         * reset would take this answer with it (RFC 9112 9.6). */
        c->lingers |= !c->body_done || c->req->head.keep_alive;
        c->phase = CONN_FLUSH;
    } else if (!c->body_done) {
        c->phase = CONN_DISCARD;
        c->body->n = 0; /* discard_body counts from here */
    } else {
        exchange_release(c);
        c->phase = CONN_IDLE;
    }
    c->since_ms = c->env->clock.mono_ms;
}

static int
response_is_over(const struct conn *c)
{
    return !c->req->resp.body.first && !out_is_pending(c);
}

static int
may_begin(struct conn *c)
{
    if (out_is_pending(c))
        return 0;
    return !out_is_full(c) || out_flush(c) == OUT_DONE;
}

/* Use bytes of p as far as the phase allows; returns how many. */
static size_t
use(struct conn *c, const char *p, size_t n)
{
    size_t used = 0, k;

    for (;;) {
        switch ((enum conn_phase)c->phase) {
        case CONN_PROXY:
            k = proxied_read(c, p + used, n - used);
            if (k == 0)
                return used;
            used += k;
            break;
        case CONN_IDLE:
            if (used == n || !may_begin(c))
                return used;
            if (exchange_begin(c, &h1_sink) < 0) {
                conn_close(c);
                return n;
            }
            break;
        case CONN_HEAD:
            k = read_head(c, p + used, n - used);
            if (k == 0 && c->phase == CONN_HEAD)
                return used;
            used += k;
            break;
        case CONN_BODY:
            if (used == n)
                return used;
            used += read_body(c, p + used, n - used);
            break;
        case CONN_SEND:
            if (!response_is_over(c))
                return used;
            end_response(c);
            break;
        case CONN_DISCARD:
            if (used == n)
                return used;
            used += discard(c, p + used, n - used);
            if (c->body_done)
                end_response(c);
            break;
        case CONN_WAIT:
            if (response_is_begun(c))
                streamed_seal(c);
            return used;
        case CONN_STREAM:
            used += upgraded_input(c, p + used, n - used);
            if (c->phase == CONN_STREAM)
                return used;
            break;
        case CONN_FLUSH:
        case CONN_LINGER:
        case CONN_CLOSED: return n; /* nobody reads it */
        }
    }
}

/* Our side is shut: read on so that the client gets the answer instead of a
 * reset, but only so much; beyond it the client's sends stall until the end.
 * By hand: a receive that goes on by itself would take all that is there. */
static void
linger(struct conn *c)
{
    while (c->n_dropped < LINGER_BYTES) {
        ssize_t n = c->transport->drop(c);
        if (n == -EAGAIN) {
            io_poll(c->env->io, &c->io, POLLIN);
            return;
        }
        if (n <= 0) {
            conn_close(c);
            return;
        }
        c->n_dropped += (uint32_t)n;
    }
}

/* All is sent: the end, at once if the peer has nothing more to say.  Our side
 * is shut in any case, which is what sends the answer (IO_LAST). */
static void
finish(struct conn *c)
{
    c->transport->shut(c);
    if (!c->lingers || c->is_eof) {
        conn_close(c);
        return;
    }
    exchange_abandon(c);
    if (!c->is_paused)
        c->transport->want_read(c, 0);
    c->phase = CONN_LINGER;
    c->since_ms = c->env->clock.mono_ms;
    linger(c);
}

/* Nothing more can come: what waits for bytes waits in vain. */
static int
is_starved(const struct conn *c)
{
    return c->is_eof && c->phase != CONN_SEND && c->phase != CONN_FLUSH;
}

/* Turn the machine until it waits: for bytes, or for the kernel to take some.
 * Returns how many of the n bytes at p are used. */
static size_t
drive(struct conn *c, const char *p, size_t n)
{
    size_t used = 0;
    int rc;

    for (;;) {
        uint8_t phase;
        used += use(c, p + used, n - used);
        phase = c->phase;
        if (phase == CONN_CLOSED || phase == CONN_LINGER)
            return n;
        rc = out_flush(c);
        if (rc < 0) {
            conn_close(c);
            return n;
        }
        if (rc == OUT_PENDING)
            break;
        if (phase == CONN_FLUSH) {
            finish(c);
            return n;
        }
        if (phase == CONN_STREAM)
            upgraded_flushed(c, used < n);
        if (phase != CONN_SEND && (phase != CONN_IDLE || used == n))
            break;
    }
    if (rc == OUT_DONE && is_starved(c)) {
        conn_close(c);
        return n;
    }
    return used;
}

/* Receive only while there is room for what comes. */
static void
throttle(struct conn *c)
{
    uint32_t kept = c->in_end - c->in_start;
    int full = kept >= c->env->limits.read_buffer && c->phase != CONN_HEAD &&
               c->phase != CONN_BODY;

    if (c->is_eof || c->phase == CONN_LINGER || full == c->is_paused)
        return;
    c->is_paused = (uint8_t)full;
    c->transport->want_read(c, !full);
}

void
h1_resume(struct conn *c)
{
    size_t n = c->in_end - c->in_start;
    size_t used = drive(c, n ? c->in + c->in_start : "", n);

    if (c->phase == CONN_CLOSED)
        return;
    conn_used(c, used);
    throttle(c);
    conn_arm(c);
}

/* Somebody may be waiting for what is kept: the last that is done with c. */
static void
tell_reader(struct conn *c)
{
    if (UNLIKELY(c->phase == CONN_WAIT) && c->in && !c->body_done)
        task_body_came(c->req);
}

/* The same of who waits for room. */
static void
tell_writer(struct conn *c)
{
    if (UNLIKELY(c->phase == CONN_WAIT) && response_is_begun(c) &&
        !out_is_pending(c))
        task_room_came(c->req);
}

void
h1_input(struct conn *c, const char *p, size_t n)
{
    size_t used;

    c->is_demoted = 0;
    if (c->phase == CONN_LINGER) { /* it was on its way when we stopped */
        c->n_dropped += (uint32_t)n;
        return;
    }
    if (UNLIKELY(c->in != NULL)) {
        if (conn_keep(c, p, n) < 0) {
            conn_close(c);
            return;
        }
        h1_resume(c);
        tell_reader(c);
        return;
    }
    used = drive(c, p, n);
    if (c->phase == CONN_CLOSED)
        return;
    if (used < n) {
        if (conn_keep(c, p + used, n - used) < 0) {
            conn_close(c);
            return;
        }
        throttle(c);
    }
    conn_arm(c);
    tell_reader(c);
}

void
h1_eof(struct conn *c)
{
    c->is_eof = 1;
    if (c->phase == CONN_LINGER)
        conn_close(c);
    else
        h1_resume(c);
}

void
h1_writable(struct conn *c)
{
    if (c->phase == CONN_LINGER) {
        linger(c);
        return;
    }
    if (c->phase == CONN_CLOSED)
        return;
    c->since_ms = c->env->clock.mono_ms;
    c->unsent = UINT32_MAX; /* there is more of it now */
    h1_resume(c);
    tell_writer(c);
}

void
h1_sent(struct conn *c)
{
    /* The usual case: the answer was the last thing there was to say. */
    if (c->phase == CONN_IDLE && !c->in && !c->is_eof && !out_has_bytes(c)) {
        out_free(c);
        c->since_ms = c->env->clock.mono_ms;
        conn_arm(c);
        return;
    }
    h1_writable(c);
}

/* ---- the deadline has passed ----------------------------------------------*/

void
h1_timeout(struct conn *c)
{
    enum conn_phase phase = c->phase;

    if (phase == CONN_STREAM) {
        upgraded_timeout(c);
        return;
    }
    if (phase != CONN_IDLE || out_is_pending(c))
        metrics_add(c->env->metrics, METRIC_timeouts, 1);
    if (phase == CONN_HEAD)
        response_refuse(c, ERR_TIMEOUT);
    else if (phase == CONN_BODY)
        end_waiting(c, ERR_TIMEOUT);
    else
        conn_close(c);
    if (c->phase != CONN_CLOSED)
        h1_resume(c);
}
