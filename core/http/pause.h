/* SPDX-License-Identifier: BSD-2-Clause */
/* pause.h - a request whose step waits, and how that ends.
 *
 *     step: suspend, return ET_WAIT  ->  CHAIN_WAIT  ->  PAUSE_WAITS
 *                                                           |
 *            woken by its token, or its job is done --------+--> its resume
 * runs client gone, timeout, server ends      --------+--> its cancel runs
 *
 * One of the two, once.  Where both are near, the token decides (waits.h): who
 * was told that it woke the step is right, also if the client has gone by then.
 *
 * A job of the request's (jobs.h) uses the request's memory while it runs: a
 * walk does not end before it has, and who is abandoned stays until then. */
#ifndef HTTP_PAUSE_H
#define HTTP_PAUSE_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct job;
struct req;
struct wait;

enum pause_state {
    PAUSE_OFF,   /* the walk goes on, or is over */
    PAUSE_WAITS, /* chain_run has returned CHAIN_WAIT */
};

/* Of a request with has_pause. */
struct pause {
    struct wait *wait;   /* armed, or on its way; NULL: none */
    struct job *job;     /* at whose end it is woken; NULL: none */
    et_resume_fn resume; /* of the step; NULL: its walk was over without it */
    et_cancel_fn cancel; /* or NULL */
    int32_t rc;          /* what it was woken with */
    uint8_t state;       /* enum pause_state */
    uint8_t slot;        /* of the response step that waits */
    uint8_t is_late;     /* it was not woken: its time is over */
    uint8_t is_closed;   /* nobody is answered: no step may wait any more */
};

/* Have the step of r that runs wait, for at most ms milliseconds (0: as long as
 * its route lets it): the token, or 0: it may not, or no more can wait.  A
 * suspension that the step had before is forgotten.  [worker] */
uint64_t pause_suspend(struct req *r, et_resume_fn resume, et_cancel_fn cancel,
                       uint32_t ms);
/* The same until fn(arg) has run on a thread of the pool, which has no limit.
 * 0, or ET_EPHASE: it may not; ET_ELIMIT: the queue is full, or no more can
 * wait; ET_ENOTSUP: there is no pool. [worker] */
int32_t pause_offload(struct req *r, int32_t (*fn)(void *arg), void *arg,
                      uint32_t priority, et_resume_fn resume,
                      et_cancel_fn cancel);

/* The walk is over, whatever a step left behind: 1; or 0: it has to wait for a
 * job that runs, and r is PAUSE_WAITS. [worker] */
MUST_USE int pause_settle(struct req *r);
/* Nobody is to be answered: because of why (ET_ECANCEL ...) the cancel of a
 * step that waits runs.  1: nothing of r is on its way; 0: something is, r
 * stays until its sink is told to wake it. [worker] */
MUST_USE int pause_abandon(struct req *r, int32_t why);

#endif
