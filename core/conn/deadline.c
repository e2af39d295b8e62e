/* SPDX-License-Identifier: BSD-2-Clause */
/* deadline.c - when a connection's phase is over; see deadline.h. */
#include "conn/deadline.h"

#include "conn/body.h"
#include "conn/conn.h"
#include "conn/env.h"
#include "conn/h2.h"
#include "conn/out.h"
#include "conn/transport.h"
#include "conn/upgraded.h"
#include "http/dispatch.h"

/* When a body is too late: no byte for body_ms, or slower than the minimum
 * rate on average (which gets body_ms of credit). */
static uint64_t
body_due(const struct conn *c)
{
    const struct limits *l = &c->env->limits;
    uint32_t body_ms = dispatch_body_ms(c->req, l->body_ms);
    uint64_t idle = c->since_ms + body_ms, rate;

    if (body_ms == 0)
        return UINT64_MAX;
    if (l->body_min_rate == 0)
        return idle;
    rate = c->body->began_ms + body_ms + c->body->n * 1000 / l->body_min_rate;
    return rate < idle ? rate : idle;
}

static uint64_t
idle_due(const struct conn *c)
{
    const struct limits *l = &c->env->limits;

    if (c->env->is_draining ||
        (UNLIKELY(c->env->is_leaving) && !c->transport->moves))
        return c->since_ms + l->idle_grace_ms;
    return c->since_ms + (l->keepalive_ms ? l->keepalive_ms : l->header_ms);
}

uint32_t
deadline_linger_ms(const struct env *env)
{
    uint32_t grace_ms = env->limits.idle_grace_ms;

    return env->is_draining && grace_ms < DEADLINE_LINGER_MS
               ? grace_ms
               : DEADLINE_LINGER_MS;
}

uint64_t
deadline_of(const struct conn *c)
{
    const struct limits *l = &c->env->limits;

    switch ((enum conn_phase)c->phase) {
    case CONN_IDLE:
        if (!out_is_pending(c))
            return idle_due(c);
        /* fall through */
    case CONN_SEND:
    case CONN_FLUSH:
        return c->since_ms + dispatch_write_ms(c->req, l->write_ms);
    case CONN_HANDSHAKE: return c->since_ms + l->handshake_ms;
    case CONN_PROXY:
    case CONN_PREFACE:
    case CONN_HEAD: return c->since_ms + l->header_ms;
    case CONN_BODY: return body_due(c);
    case CONN_DISCARD: return c->since_ms + DEADLINE_LINGER_MS;
    case CONN_LINGER: return c->since_ms + deadline_linger_ms(c->env);
    case CONN_H2: return h2_due(c);
    case CONN_STREAM: return upgraded_due(c);
    case CONN_WAIT: /* that has a timer of its own, but for what it has said */
        if (out_is_pending(c))
            return c->since_ms + dispatch_write_ms(c->req, l->write_ms);
        break;
    case CONN_CLOSED: break;
    }
    return UINT64_MAX;
}
