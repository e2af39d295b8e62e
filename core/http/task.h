/* SPDX-License-Identifier: BSD-2-Clause */
/* task.h - steps on stacks of their own, whose calls wait: et.task/1.
 *
 *     chain          a task's stack
 *     task_begin --> step: et_sleep --+
 *     CHAIN_WAIT <--------------------+   yields to whoever has entered it
 *     (the loop)
 *     chain_resume -> et_sleep returns, step goes on
 *
 * A request has one task at a time, its step, and that may have parts
 * (et_join): tasks of their own, of the same request.  Each waits for one
 * thing; who has got it is put into a queue, and all that is there is entered,
 * one after the other, from the worker's stack.
 *
 *     BEGINS, READY --entered--> RUNS --waits--> WAITS --it came--> READY
 *                                  +--et_join--> JOINS --all over-> READY
 *                                  +--returns, or crashes--> over
 *
 * To give a task up is to have the calls it waits in return why: now, and every
 * later one at once, so that it comes to its end.  Only what runs on the pool's
 * threads has to end first: it may be using the task's stack. */
#ifndef HTTP_TASK_H
#define HTTP_TASK_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/wheel.h"
#include "os/stacks.h"

struct chain_step;
struct metrics;
struct req;
struct task;

/* A worker's stacks. */
struct tasks {
    struct stacks stacks;
    struct wheel *wheel;
    struct wheel_timer trim; /* while some use memory that nobody needs */
};

/* At most max tasks, each on a stack of so many bytes.  Maps nothing yet.  0 or
 * ERR_NOMEM. [worker] */
MUST_USE int task_pool_init(struct tasks *t, uint32_t max, uint32_t stack_bytes,
                            struct wheel *wheel);
/* None runs or waits. [control] */
void task_pool_fini(struct tasks *t);

/* A stack is free for a task of r, unless memory is short. [worker] */
int task_has_stack(const struct req *r);
/* Make a task of r that is to run step, and is entered with the next
 * chain_resume: 0; ET_ELIMIT: no stack is free; ET_ECANCEL: r is closed.
 * [worker] */
MUST_USE int32_t task_start(struct req *r, const struct chain_step *step);
/* The step of a chain that begins a task: self is the struct chain_step that it
 * is to run. [worker] */
uint32_t task_begin(et_req *pub, void *self);

/* Bytes of r's body, or their end, can be read now (sink->read): a task of r
 * that waits for them goes on.  From the loop.  [worker] */
void task_body_came(struct req *r);
/* The same for room for more of its answer (sink->write). [worker] */
void task_room_came(struct req *r);
/* The head of the answer that a task of r is to write has gone: the task goes
 * on with the next chain_resume. [worker] */
void task_opened(struct req *r);

/* ---- for other interfaces whose calls wait (subs.h) ----------------------*/

/* What a task has of such an interface: embed it. */
struct task_thing {
    struct task *owner; /* NULL: none */
    struct task_thing *next;
    /* The owner is over, whether it returned or crashed, and its defers have
     * run: the thing is its owner's no more. */
    void (*release)(struct task_thing *t);
};

/* Why the calling task of r may not wait; 0: it may; ET_EPHASE: none calls.
 * [worker] */
MUST_USE int32_t task_refuses(struct req *r);
/* The calling task of r waits until it is woken, at most ms milliseconds
 * (UINT64_MAX: for ever); *waiting is that task meanwhile, else NULL.  With
 * what it was woken; ET_ETIME, ET_ECANCEL ... as the calls of et.task/1. r is
 * what it was then, whatever else has come to its end. [worker] */
MUST_USE int32_t task_wait(struct req *r, uint64_t ms, struct task **waiting);
/* The same two of one that writes an answer that has begun: being retired is no
 * reason. [worker] */
MUST_USE int32_t task_refuses_to_write(struct req *r);
MUST_USE int32_t task_wait_to_write(struct req *r, struct task **waiting);
/* Wake t, which waits by task_wait, unless it has been woken.  From the loop: t
 * goes on at once, and may be over behind it. [worker] */
void task_wake(struct task *t, int32_t rc);
/* The same from within a call of a task of the same request: it goes on behind
 * that. [worker] */
void task_wake_beside(struct task *t, int32_t rc);
/* thing is the calling task's of r from now on: 1; 0: none calls, or it ends.
 * [worker] */
MUST_USE int task_own(struct req *r, struct task_thing *thing);
/* It is nobody's any more. [worker] */
void task_disown(struct task_thing *thing);

#endif
