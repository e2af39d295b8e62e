/* SPDX-License-Identifier: BSD-2-Clause */
/* walk.h - what is done with what comes of a request's walk, whatever protocol
 * carries it.
 *
 *     head complete -> walk_admit -> chain_run -> walk_go_on
 *                                                  | waits: for its body, a
 * wake
 *                                                  v
 *                       carrier: send | begin, sink.write ..., end | drop |
 * take
 *
 * A protocol is a carrier: HTTP/1 (h1.c), HTTP/2 (h2_stream.c).  The usual case
 * - an answer that is all there when the walk ends - needs none of this but
 * walk_admit, which is inline. */
#ifndef CONN_WALK_H
#define CONN_WALK_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/err.h"
#include "conn/body.h"
#include "conn/env.h"
#include "conn/exchange.h"
#include "http/chain.h"
#include "http/dispatch.h"
#include "http/gen.h"
#include "http/redirect.h"
#include "http/req.h"

/* Each implementation is one const struct.  All of it [worker]. */
struct carrier {
    struct sink
        sink; /* first: of its requests, whose context is the exchange */
    /* The answer is decided, all of it. */
    void (*send)(struct exchange *x);
    /* The head of an answer that is written goes: 0; or ERR_NOMEM, and x is
     * closed. */
    int (*begin)(struct exchange *x);
    /* All of it is written, or no more will be. */
    void (*end)(struct exchange *x, int is_whole);
    /* Nothing is answered, or what is on its way is cut off. */
    void (*drop)(struct exchange *x);
    /* 100 (RFC 9110 10.1.1), if there is room for it. */
    void (*say_continue)(struct exchange *x);
    /* It has been taken: from now on it is a stream; or it is closed. */
    void (*take)(struct exchange *x);
    /* Whether bytes of its body are kept. */
    int (*has_bytes)(const struct exchange *x);
    /* It was woken and has walked: what there is to send may go. */
    void (*resume)(struct exchange *x);
};

/* Why a request does not go to its chain. */
enum walk_away {
    WALK_BUSY = 1, /* there are too many of all, or of its client */
    WALK_LED_AWAY, /* it should have come by TLS (http/redirect.h) */
};

/* What has come of a walk: go on until there is an answer, or it waits.
 * has_bytes: some of the body has come. [worker] */
void walk_go_on(struct exchange *x, enum chain_result result, int has_bytes);
/* The body that a step waits for is all there. [worker] */
void walk_body_came(struct exchange *x);
/* The host ends a request that waits for its body: its response steps run.
 * [worker] */
void walk_end_waiting(struct exchange *x, int err);
/* As sink->wake. [worker] */
void walk_wake(struct req *r);
/* As sink->read, of which the next bytes are n_kept at kept; *used: how many
 * are. [worker] */
MUST_USE int64_t walk_read(struct exchange *x, const char *kept, size_t n_kept,
                           size_t *used, char *p, size_t n);
/* A request that is no request (ERR_*): answered without a chain; x->closes and
 * x->lingers, but for one that is late.  One that is early is to come again,
 * and may on the same connection. [worker] */
void walk_refuse(struct exchange *x, int err);
/* 503 and Retry-After.  No step runs: that is what makes it cheap. [worker] */
void walk_busy(struct exchange *x);
/* Answer what walk_admit has not admitted. [worker] */
void walk_turn_away(struct exchange *x, enum walk_away why);
/* Whether there are too many requests of all, or of x's client. [worker] */
int walk_is_too_much(struct exchange *x, struct env *env);

/* Whether that is a question at all: one comparison a request. */
static inline int
walk_is_crowded(const struct env *env)
{
    return metrics_get(env->metrics, METRIC_requests_active) > env->look_beyond;
}

/* x's answer has that status: it is said and counted. [worker] */
static inline void
walk_answered(struct exchange *x, struct env *env, uint32_t status)
{
    static const enum metric by_class[] = {
        METRIC_responses_2xx,
        METRIC_responses_3xx,
        METRIC_responses_4xx,
        METRIC_responses_5xx,
    };

    x->req->pub.status = status;
    if (status >= 200 && status < 600)
        metrics_add(env->metrics, by_class[status / 100 - 2], 1);
}

/* What Strict-Transport-Security is to say in x's answer, in seconds: what its
 * listener says, if it does not say it itself (RFC 6797 7.1); 0: nothing.
 * [worker] */
uint32_t walk_find_hsts(const struct exchange *x, uint32_t age_s);
static inline uint32_t
walk_hsts(const struct exchange *x, const struct env *env)
{
    uint32_t age_s = env->listeners[x->listener].hsts_s;

    return UNLIKELY(age_s > 0) ? walk_find_hsts(x, age_s) : 0;
}

/* The head of x's request, which is complete, is at p: pin the generation, find
 * the route, and say whether it is to run: 0; enum walk_away; or ERR_*.  One
 * function, so that it is the only place that needs what it calls. [worker] */
MUST_USE int walk_admit(struct exchange *x, struct env *env, const char *p);

#endif
