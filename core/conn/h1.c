/* SPDX-License-Identifier: BSD-2-Clause */
/* h1.c - HTTP/1.x on a connection; see h1.h. */
#include "conn/h1.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/err.h"
#include "conn/body.h"
#include "conn/conn.h"
#include "conn/env.h"
#include "conn/exchange.h"
#include "conn/h2.h"
#include "conn/out.h"
#include "conn/proxied.h"
#include "conn/response.h"
#include "conn/streamed.h"
#include "conn/tls.h"
#include "conn/transport.h"
#include "conn/upgraded.h"
#include "conn/walk.h"
#include "http/chain.h"
#include "http/req.h"
#include "http/task.h"

/* After our side is shut: how much more is read, so that the client sees the
 * answer and not a reset. */
#define LINGER_BYTES (128u << 10)

/* ---- what a request asks of its connection --------------------------------*/

static struct conn *
conn_of(struct exchange *x)
{
    return CONTAINER_OF(x, struct conn, x);
}

static int
sink_peer(struct req *r, struct addr *out)
{
    return conn_peer(conn_of(r->sink_ctx), out);
}

static void throttle(struct conn *c);

/* What has come is kept in front of who reads it. */
static int64_t
sink_read(struct req *r, char *p, size_t n)
{
    struct conn *c = conn_of(r->sink_ctx);
    size_t kept = c->in_end - c->in_start, used;
    int64_t got =
        walk_read(&c->x, c->in ? c->in + c->in_start : "", kept, &used, p, n);

    conn_used(c, used);
    if (c->phase != CONN_CLOSED)
        throttle(c);
    return got;
}

static int64_t
sink_write(struct req *r, const char *p, size_t n)
{
    return streamed_write(conn_of(r->sink_ctx), p, n);
}

static void
carry_send(struct exchange *x)
{
    response_send(conn_of(x));
}

static int
carry_begin(struct exchange *x)
{
    int rc = response_begin(conn_of(x));

    if (rc < 0)
        conn_close(conn_of(x));
    return rc;
}

static void
carry_end(struct exchange *x, int is_whole)
{
    response_end(conn_of(x), is_whole);
}

static void
carry_drop(struct exchange *x)
{
    response_drop(conn_of(x));
}

static void
carry_continue(struct exchange *x)
{
    response_continue(conn_of(x));
}

static void
carry_take(struct exchange *x)
{
    upgraded_begin(conn_of(x));
}

static int
carry_has_bytes(const struct exchange *x)
{
    const struct conn *c = CONTAINER_OF(x, const struct conn, x);

    return c->in_end > c->in_start;
}

static void
carry_resume(struct exchange *x)
{
    h1_resume(conn_of(x));
}

static const struct carrier h1_carrier = {
    .sink = {.peer = sink_peer,
             .read = sink_read,
             .write = sink_write,
             .wake = walk_wake},
    .send = carry_send,
    .begin = carry_begin,
    .end = carry_end,
    .drop = carry_drop,
    .say_continue = carry_continue,
    .take = carry_take,
    .has_bytes = carry_has_bytes,
    .resume = carry_resume,
};

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
        walk_go_on(&c->x, result, has_bytes);
}

/* The head at p is complete. */
static void
start_request(struct conn *c, const char *p, int has_bytes)
{
    int rc = walk_admit(&c->x, c->env, p);

    if (UNLIKELY(rc < 0))
        walk_refuse(&c->x, rc);
    else if (UNLIKELY(rc > 0))
        walk_turn_away(&c->x, (enum walk_away)rc);
    else
        run(c, has_bytes);
}

/* A fresh request, whose head is read next. */
static int
begin_request(struct conn *c)
{
    if (exchange_begin(&c->x, c->env, &h1_carrier.sink) < 0)
        return -1;
    if (UNLIKELY(c->transport != &plain_transport))
        c->req->session = tls_session(c);
    c->n_requests++;
    c->unsent = UINT32_MAX;
    return 0;
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
        walk_refuse(&c->x, rc);
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
        walk_end_waiting(&c->x, rc);
        return used;
    }
    walk_body_came(&c->x);
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
    exchange_log(&c->x, c->env);
    if (c->closes) {
        /* Whoever did not ask for the end may be sending another request: a
         * reset would take this answer with it (RFC 9112 9.6). */
        c->lingers |= !c->body_done || c->req->head.keep_alive;
        c->phase = CONN_FLUSH;
    } else if (!c->body_done) {
        c->phase = CONN_DISCARD;
        c->body->n = 0; /* discard_body counts from here */
    } else {
        exchange_release(&c->x, c->env);
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

/* The first bytes on c may say that it is one of HTTP/2.  Whether its phase has
 * changed. */
static int
sniff(struct conn *c, const char *p, size_t n)
{
    uint8_t before = c->phase;
    int is_h2 = c->env->listeners[c->listener].h2c ? h2_sniff(p, n) : 0;

    if (is_h2 == H2_SNIFF_MORE)
        c->phase = CONN_PREFACE;
    else if (is_h2)
        h2_begin(c);
    else
        c->phase = CONN_IDLE;
    return c->phase != before;
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
            if (UNLIKELY(c->n_requests == 0) && sniff(c, p + used, n - used))
                break;
            if (begin_request(c) < 0) {
                conn_close(c);
                return n;
            }
            break;
        case CONN_PREFACE:
            if (used == n || !sniff(c, p + used, n - used))
                return used;
            break;
        case CONN_H2: h2_input(c, p + used, n - used); return n;
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
        case CONN_HANDSHAKE: return used;
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
    exchange_abandon(&c->x, c->env);
    if (!c->is_paused)
        c->transport->want_read(c, 0);
    c->phase = CONN_LINGER;
    c->n_dropped = 0;
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
        if (phase == CONN_CLOSED || phase == CONN_LINGER || phase == CONN_H2)
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

    if (c->is_eof || c->phase == CONN_LINGER || c->phase == CONN_H2 ||
        full == c->is_paused)
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
        walk_refuse(&c->x, ERR_TIMEOUT);
    else if (phase == CONN_BODY)
        walk_end_waiting(&c->x, ERR_TIMEOUT);
    else
        conn_close(c);
    if (c->phase != CONN_CLOSED)
        h1_resume(c);
}
