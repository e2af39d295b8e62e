/* SPDX-License-Identifier: BSD-2-Clause */
/* pool.h - threads for what must block, and the jobs that wait for them.
 *
 *     submit --> HIGH | oldest | ... |  --take-->  thread 0: j->run(j)
 *                LOW  | oldest | ... |             thread 1: j->run(j)
 *
 * HIGH goes first, but every POOL_LOW_EVERY-th take looks at LOW first, so that
 * neither starves.  Within a priority they are FIFO.
 *
 * A job lies in the caller's memory and is the pool's only while it is queued.
 * What was submitted (0) comes back in exactly one of three ways: it is run,
 * withdrawn, or given back because nobody will run it.  Each is the last that
 * the pool does with it: run may free it, or submit it again.
 *
 * A thread is started by the submit that finds none free for its job, and stays
 * until the stop.  It has the signal mask of who opened the pool, but the CPU
 * affinity, the name and the rounding of who submitted - of a worker, perhaps,
 * which is pinned: whoever wants it otherwise says so in begin.
 *
 * Invariants: n_running <= n_threads <= options.n_threads; n_queued <=
 * max_queued.  One mutex: it is held while a thread is started, never while
 * anything of the owner's runs. */
#ifndef OS_POOL_H
#define OS_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/list.h"

#define POOL_LOW_EVERY 8u

struct pool;

enum pool_priority {
    POOL_LOW,
    POOL_HIGH,
};

/* Zeroed, but for run, before it is submitted for the first time. */
struct pool_job {
    struct list link;
    struct pool *pool; /* in which it is queued, or NULL */
    void (*run)(struct pool_job *j);
};

struct pool_options {
    uint32_t n_threads;  /* at most; > 0 */
    uint32_t max_queued; /* with those that a thread is about to take; > 0 */
    size_t stack_bytes;
    /* Each thread's first and last, on it, or NULL; index < n_threads is its
     * own while it is there.  begin < 0: the thread ends at once, without end,
     * and does not count. */
    int (*begin)(void *arg, uint32_t index);
    void (*end)(void *arg, uint32_t index);
    /* A job that was queued will not be run; why: -ESHUTDOWN, on the thread
     * that stops; or what begin has returned, on a thread that could not begin
     * when no other is there: it does not submit the job again from within. */
    void (*on_given_back)(void *arg, struct pool_job *j, int why);
    void *arg;
};

struct pool_figures {
    uint32_t n_threads, n_queued, n_running;
};

/* A pool, without a thread yet; keeps what o->arg points to.  0 or -ENOMEM.
 * [control] */
MUST_USE int pool_open(struct pool **out, const struct pool_options *o);
/* Queue j, which is not queued.  It may be over before this returns.  0;
 * -EAGAIN: max_queued wait already; -ESHUTDOWN: stopped; or why no thread could
 * be started, if none is there (-ENOMEM for what pthread_create(3) calls
 * EAGAIN). [any] */
MUST_USE int pool_submit(struct pool *p, struct pool_job *j,
                         enum pool_priority priority);
/* 1: j was queued here, and is the caller's again; 0: it runs, has run, was
 * given back, or never was here.  Its memory must be valid: who does not know
 * whether it has run must not free it in run. [any] */
MUST_USE int pool_withdraw(struct pool *p, struct pool_job *j);
/* No job is run or queued from now on, those that run go on; what still is
 * queued is given back before this returns: how many. [control] */
uint32_t pool_stop(struct pool *p);
/* Wait at most ms milliseconds for the threads to end, and free p, which is
 * stopped; nobody else uses it any more.  0; -ETIMEDOUT: one has not ended, and
 * p stays; may be called again.  On none of its threads. [control] */
MUST_USE int pool_close(struct pool *p, uint32_t ms);
/* As of now: n_threads with those that are about to begin or to end. [any] */
struct pool_figures pool_figures(struct pool *p);

#endif
