/* SPDX-License-Identifier: BSD-2-Clause */
/* dispatch.h - from a complete head to the chain that answers it.
 *
 * Takes the target apart, normalises the path, asks the router, and gives the
 * request its route, its chain and its parameters.  Paths nobody serves get
 * the host's own handler at the end of the chain of the scopes that cover
 * them. */
#ifndef HTTP_DISPATCH_H
#define HTTP_DISPATCH_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct req;

/* How a ROUTE_MISS answers; req.miss. */
enum dispatch_miss {
    DISPATCH_NOT_FOUND, /* 404 */
    DISPATCH_METHOD,    /* 405 and Allow (RFC 9110 15.5.6) */
    DISPATCH_SLASH,     /* 308 to the path with or without final slash */
    DISPATCH_OPTIONS,   /* 204 and Allow (RFC 9110 9.3.7) */
    DISPATCH_UNKNOWN,   /* 501: a method nobody knows */
};

/* r has a pinned generation and its head.  0, or ERR_TARGET, ERR_HOST,
 * ERR_NOMEM. [worker] */
MUST_USE int dispatch(struct req *r);
/* The step that answers for ROUTE_MISS. [worker] */
uint32_t dispatch_answer_miss(et_req *pub, void *self);
/* The step of a route that is closed: 503. [worker] */
uint32_t dispatch_answer_closed(et_req *pub, void *self);
/* The steps of `health`, always 200 "ok", and of `ready`, 503 once the process
 * is stopping. [worker] */
uint32_t dispatch_answer_health(et_req *pub, void *self);
uint32_t dispatch_answer_ready(et_req *pub, void *self);

/* A limit of the request's route, or the server's where it has none of its
 * own; r may be NULL. [worker] */
uint64_t dispatch_max_body(const struct req *r, uint64_t otherwise);
uint32_t dispatch_body_ms(const struct req *r, uint32_t otherwise);
uint32_t dispatch_write_ms(const struct req *r, uint32_t otherwise);
/* How long a step may wait, of a request with a pinned generation; 0: for ever.
 * [worker] */
uint32_t dispatch_wait_ms(const struct req *r);

#endif
