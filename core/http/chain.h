/* SPDX-License-Identifier: BSD-2-Clause */
/* chain.h - the steps of one route in one worker, as one contiguous block.
 *
 *   req[]    { fn, self } x n_req    forward, the handler last
 *   resp[]   { fn, self } x n_resp   already reversed: walked forward
 *   log[]    { fn, self } x n_log    in the order of use
 *   entry[]  uint8_t x (n_req + 1)   steps entered -> first slot of resp[]
 *   wait[]   uint8_t x (n_req + 1)   the same while step d waits for the body
 *   task[]   { fn, self } x tasks    what runs on a stack of its own: its slot
 *                                    in req[] is task_begin and a pointer here
 *   body[]   uint8_t x n_req         what each request step needs (ET_B_*)
 *   member[] uint8_t x all steps     which member of `use` a step belongs to
 *
 * so that for a request which entered d steps exactly the response steps
 * resp[entry[d]..n_resp) run: a step that ended the request itself has seen it,
 * and so has a response-only step whose place in `use` was reached.
 * Invariants: n_req >= 1; entry[n_req] == 0; entry never increases. */
#ifndef HTTP_CHAIN_H
#define HTTP_CHAIN_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

#define CHAIN_MAX_MEMBERS 128

struct instance;
struct metering_slot;

struct chain_step {
    et_step fn;
    void *self;
};

/* A member of `use`, or the handler: what it contributes.  Any fn may be NULL
 * except that the last member of a chain has a request step. */
struct chain_member {
    const struct instance *instance; /* whose steps these are; NULL: host's */
    const char *name;                /* for logs: "limit@users" */
    et_step request, response, log;
    et_body_step filter; /* only with a response step, which asks for it */
    void *self;
    uint8_t body;                      /* ET_B_*, ET_F_TASK of the request */
    uint32_t n_slots;                  /* metrics its plugin declares */
    const struct metering_slot *slots; /* this worker's, by handle - 1 */
};

struct chain {
    const struct chain_step *req, *resp, *log;
    const uint8_t *entry, *wait, *body, *member;
    const struct chain_member *members; /* cold: to log, explain or blame */
    uint8_t n_req, n_resp, n_log, n_members;
    uint8_t wants_body; /* some step has ET_B_BUFFER */
};

/* Has a member with `before` request steps ahead of it seen a request that
 * entered `entered` steps and perhaps waits in front of the next?  One without
 * a request step of its own has seen all that reached its place. */
static inline int
chain_has_seen(uint32_t before, int has_request, uint32_t entered, int waiting)
{
    return before < entered || (waiting && !has_request && before == entered);
}

/* How a walk ended. */
enum chain_result {
    CHAIN_DONE, /* the response is decided and its steps have run */
    CHAIN_BODY, /* step r->index wants the body first; chain_run goes on */
    CHAIN_WAIT, /* a step waits (pause.h); chain_resume goes on */
    CHAIN_OPEN, /* the response is decided, its steps have run, and the step
                   goes on to write it (writer.h): send the head, then
                   chain_resume */
    CHAIN_DROP, /* close without an answer */
    CHAIN_TAKE, /* as DONE, the response is 101: a stream begins (upgrade.h);
                   or as OPEN, if its step goes on (stream_task.h) */
};

/* What a walk is at; req.phase. */
enum chain_phase { CHAIN_IN_REQUEST, CHAIN_IN_RESPONSE, CHAIN_IN_LOG };

struct req;
/* Walk from r->index: request steps until one ends the request, then the
 * response steps that saw it.  Never entered twice at once for a request.
 *
 * A step that crashes and is recovered (plug/guard.h), or panics, has decided
 * on 500; of the response steps those of members outside of it run.  Its member
 * takes no part in the request any more. [worker] */
enum chain_result chain_run(struct req *r);
/* r, which waits, has been woken, or its time is over: the step's resume, or
 * its cancel and 504, and on from there. [worker] */
enum chain_result chain_resume(struct req *r);
/* The step that waits is given up, because of why (ET_ECANCEL ...): its cancel
 * runs, or the calls it waits in return that. [worker] */
void chain_give_up(struct req *r, int32_t why);
/* Nobody is to be answered: if a step of r is held while the response steps see
 * the answer that it was to write, and none of them waits any more, it is given
 * up.  1: it is over, or there is none; 0: something of it is on its way.
 * [worker] */
MUST_USE int chain_refuse(struct req *r);
/* Code of that member runs now, on behalf of r. [worker] */
void chain_enter(struct req *r, uint8_t member);
/* Whether a request or response step of r runs on this thread. [any] */
int chain_is_at(const struct req *r);
/* The host ends the request (413 while a body was collected ...): the
 * response is decided by the caller, the response steps that saw the request
 * run. [worker] */
enum chain_result chain_finish(struct req *r);
/* The log steps of the members that saw the request; one that crashes is left
 * at that. [worker] */
void chain_log(struct req *r);
/* Whose step of r runs, and which ("handler"), while one does. [signal-safe] */
const struct chain_member *chain_running(const struct req *r,
                                         const char **step);

#endif
