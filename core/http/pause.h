/* SPDX-License-Identifier: BSD-2-Clause */
/* pause.h - a request whose step waits, whatever it waits for.
 *
 *     step returns ET_WAIT  ->  CHAIN_WAIT  ->  PAUSE_WAITS
 *                                                 |
 *         what it waits for has come  ------------+--> sink->wake: chain_resume
 *         client gone, the server's end  ---------+--> pause_abandon
 *
 * How a step waits is its kind: with a continuation and a token (suspend.h), or
 * on a stack of its own (task.h).  Both at once is for one case: a task that is
 * about to write its answer is held while the response steps see it, and they
 * may wait, too.  A walk does not end, and a request does not go, before what
 * works for it elsewhere (jobs.h) has come back: its memory is in use there. */
#ifndef HTTP_PAUSE_H
#define HTTP_PAUSE_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct job;
struct req;
struct task;
struct wait;

enum pause_state {
    PAUSE_OFF,   /* the walk goes on, or is over */
    PAUSE_WAITS, /* a step of it waits */
    PAUSE_ENDS,  /* it has returned, but for what still has to come back */
};

/* A way to wait. */
struct pause_kind {
    /* The step with that self goes on: what it returns, under guard. */
    uint32_t (*resume)(struct req *r, void *self);
    /* It is given up, because of why; under guard. */
    void (*give_up)(struct req *r, void *self, int32_t why);
    /* The step has returned without waiting, or crashed: 1; 0: something that
     * it has begun has to come back, and wakes r then. */
    int (*settle)(struct req *r);
    /* As pause_abandon; r is closed. */
    int (*abandon)(struct req *r, int32_t why);
    /* The code that ran was left in the middle: 1: that was but a part of the
     * step, which goes on; 0: it was the step. */
    int (*crashed)(struct req *r);
    /* r's generation is to end, and it waits: it is given up with ET_ERETIRE,
     * but answered, and its sink told to wake it. */
    void (*retire)(struct req *r);
};

/* Of a request with has_pause. */
struct pause {
    const struct pause_kind *kind; /* of who waits, or held */
    const struct pause_kind *held; /* of the step whose answer opens, while the
                                      response steps see it; or NULL */
    uint8_t state;                 /* enum pause_state */
    uint8_t slot;                  /* of the response step that waits */
    uint8_t is_on;       /* a step has begun to wait, and it is not over */
    uint8_t is_late;     /* nothing has come, and its time is over */
    int8_t why;          /* of is_late: ET_ETIME, 504; ET_ERETIRE, 503 */
    uint8_t is_closed;   /* nobody is answered: no step may wait any more */
    uint8_t is_retired;  /* it was to be given up when what it waited for was
                            about to come: it does not wait again */
    uint8_t has_crashed; /* the step, of PAUSE_ENDS */
    uint8_t is_refused;  /* an answer that the step was to write: result, of
                            enum chain_result, once it is over */
    uint8_t opens;       /* the step has decided on an answer that it goes on to
                            write: the response steps are to see it */
    uint32_t result;     /* what it has returned, of PAUSE_ENDS */
    struct {
        struct wait *wait;   /* armed, or on its way; NULL: none */
        struct job *job;     /* at whose end it is woken; NULL: none */
        et_resume_fn resume; /* of the step */
        et_cancel_fn cancel; /* or NULL */
        int32_t rc;          /* what it was woken with */
    } token;
    struct {
        struct task *root; /* the step; NULL: it is over */
        struct task *now;  /* whose stack this is, or NULL */
        struct task *all;  /* those that are not over */
        struct task *ready, *last_ready;
        struct task *reader; /* who waits for the body, or NULL */
        struct task *opener; /* ... for its answer's head to be gone */
        struct task *writer; /* ... for room for more of its answer */
        uint64_t body_at;    /* of a collected one: how far it is read */
    } tasks;
};

/* A step of r is about to wait in that way: the pause is set up, unless it is
 * already.  0: r is closed. [worker] */
MUST_USE int pause_begin(struct req *r, const struct pause_kind *kind);
/* Nobody is to be answered: because of why (ET_ECANCEL ...) a step that waits
 * is given up.  1: nothing of r is on its way; 0: something is, r stays until
 * its sink is told to wake it.  r has has_pause. [worker] */
MUST_USE int pause_abandon(struct req *r, int32_t why);
/* What of r, which was abandoned, was on its way has woken it: as
 * pause_abandon. [worker] */
MUST_USE int pause_stray(struct req *r);
/* r's generation is to end: if a step of it waits, it is given up (ET_ERETIRE)
 * and what it has to say, or 503, is the answer.  From the loop. [worker] */
void pause_retire(struct req *r);

#endif
