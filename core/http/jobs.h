/* SPDX-License-Identifier: BSD-2-Clause */
/* jobs.h - functions that may block, on threads of their own: of plugins, and
 * for them.
 *
 * One pool for the process (os/pool.h), which starts its threads as they are
 * wanted.  A job runs under guard: one that crashes and is recovered has
 * ET_ECRASH as its result.  When it is over it wakes its token with its result,
 * and is touched no more. */
#ifndef HTTP_JOBS_H
#define HTTP_JOBS_H

#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "os/pool.h"

struct host_worker;
struct instance;

struct jobs {
    struct pool *pool;
};

struct job {
    struct pool_job in_pool;
    const struct instance *instance; /* whose it is; NULL: the host's own */
    int32_t (*fn)(void *arg);
    void *arg;
    uint64_t token; /* of waits.h */
};

/* A pool of at most so many threads, in whose queue that many jobs may wait.  0
 * or -errno. [control] */
MUST_USE int jobs_open(struct jobs *s, uint32_t n_threads, uint32_t max_queued);
/* Those that wait are dropped, without a word to their tokens; those that run
 * are waited for, ms milliseconds in all: 0, or -ETIMEDOUT, and the pool stays.
 * [control] */
MUST_USE int jobs_close(struct jobs *s, uint32_t ms);
/* Have j run, all but in_pool set, for that worker: it stays where it is until
 * its token is woken.  0; ET_ELIMIT: as many wait as may; ET_ENOMEM: there is
 * no thread, and none can be started. [worker] */
MUST_USE int32_t jobs_start(struct host_worker *hw, struct job *j,
                            uint32_t priority);
/* 1: it has not begun, and will not; 0: it has. [any] */
MUST_USE int jobs_withdraw(struct jobs *s, struct job *j);

#endif
