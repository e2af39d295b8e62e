/* SPDX-License-Identifier: BSD-2-Clause */
/* repeat.h - a request once more, for nobody: et.http/1 repeat.
 *
 *     a step of a request       the loop
 *     repeat -----------------> an exchange of its own: a copy of the head,
 *                               pinned to the same generation
 *                    its turn:  walks, from that step on; the response steps
 *                               of that member and those further in see the
 *                               answer, their body steps the body, and there
 *                               it ends; then their log steps
 *
 * The third carrier (walk.h), beside HTTP/1 and HTTP/2: no connection has it,
 * and none is waited for.  What bounds it: there are REPEATS_MAX of a worker,
 * and none while routes of low priority are shed.  One lasts the route's
 * wait_timeout, or a minute if that is 0; then it is abandoned, as if its
 * client had gone.  It pins its generation, and is abandoned drain_timeout
 * after a newer one serves; the end waits for none.
 *
 * What nobody takes is never held back, so that who writes without end gets its
 * turns like others, and no more. */
#ifndef CONN_REPEAT_H
#define CONN_REPEAT_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/wheel.h"
#include "conn/exchange.h"
#include "proto/addr.h"

struct env;
struct gen_worker;
struct req;

#define REPEATS_MAX 64

struct repeat {
    struct exchange x;       /* x.req NULL: it is free */
    struct wheel_timer due;  /* it begins; then: its time is over */
    struct wheel_timer room; /* who writes goes on */
    struct addr peer;        /* of the request that it repeats */
    uint8_t has_peer;
};

/* A worker's.  Zeroed memory is none. */
struct repeats {
    struct repeat v[REPEATS_MAX];
    uint32_t n;        /* that are not free */
    uint8_t is_closed; /* there are no more */
};

/* As host_worker.repeat (http/host.h): r is in a request step and has no
 * content. [worker] */
int32_t repeat_ask(struct req *r, const et_str *without, size_t n);
/* Those of g, or if that is NULL all of them, for good, are abandoned.
 * [worker] */
void repeat_end_all(struct env *env, const struct gen_worker *g);

#endif
