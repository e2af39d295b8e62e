/* SPDX-License-Identifier: BSD-2-Clause */
/* task_own.h - a task, for the two files that know one from within: task.c,
 * which has it run, and task_calls.c, which is what it calls. */
#ifndef HTTP_TASK_OWN_H
#define HTTP_TASK_OWN_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "http/jobs.h"
#include "os/fiber.h"

struct chain_step;
struct req;
struct wait;
struct watch;

enum task_state { TASK_READY, TASK_RUNS, TASK_WAITS, TASK_JOINS };

struct task_defer {
    struct task_defer *next;
    void (*fn)(void *arg);
    void *arg;
};

/* It lies at the top of its own stack. */
struct task {
    struct fiber fiber;
    void *stack;
    struct req *r;
    const struct chain_step *step; /* of the root; NULL: it is a part */
    et_part *part;
    struct task *parent;     /* who has joined it, or NULL */
    struct task *next;       /* of all of r */
    struct task *next_ready; /* in the queue */
    struct task_defer *defers;
    struct task_thing *things;
    struct wait *wait;   /* armed, or on its way; NULL: none */
    struct watch *watch; /* with it, or NULL */
    struct job job;      /* at whose end it is woken */
    uint64_t due_ms;     /* of et_timeout; 0: never */
    uint32_t n_parts;    /* that are not over */
    uint32_t result;     /* of the step */
    int32_t rc;          /* what has come */
    int32_t why;         /* it was given up; 0: it was not */
    uint8_t state;       /* enum task_state */
    uint8_t has_job;
    uint8_t is_ending; /* its defers run */
    uint8_t member;    /* whose code it was in: a body step's, perhaps */
};

/* The task that calls; NULL: none does. [worker] */
struct task *task_calling(et_req *pub);
/* Why t may not wait; 0: it may. [worker] */
int32_t task_why_not(const struct task *t);
/* A wait of t's, in place of one it may have; NULL: no more may. [worker] */
struct wait *task_arm(struct task *t);
/* It is good for nothing any more. [worker] */
void task_disarm(struct task *t);
/* Until it has come, at most ms milliseconds (UINT64_MAX: for ever), nor longer
 * than the task may: what has come. [worker] */
int32_t task_yield(struct task *t, uint64_t ms);
/* The watch of a task, its owner, has seen events. From the loop. [worker] */
void task_on_ready(struct watch *watch, uint32_t events);
/* One more of r's, of the member that runs, ready to begin; NULL: no stack is
 * free. [worker] */
struct task *task_add(struct req *r);

#endif
