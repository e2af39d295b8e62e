/* SPDX-License-Identifier: BSD-2-Clause */
/* jobs.c - see jobs.h. */
#include "http/jobs.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/metrics.h"
#include "http/host.h"
#include "http/waits.h"
#include "os/cpu.h"
#include "plug/guard.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/plugin.h"

/* As a worker's: plugins' code runs on both. */
#define STACK_BYTES (8u << 20)

/* ---- the threads ---------------------------------------------------------*/

static int
begin(void *arg, uint32_t index)
{
    char name[16];
    int rc;

    (void)arg;
    snprintf(name, sizeof name, "pool %u", index);
    if (cpu_unpin() < 0)
        log_warn("%s stays on the CPU of the worker that has started it", name);
    rc = guard_attach(name);
    if (rc < 0)
        log_error("%s: cannot begin: %s", name, strerror(-rc));
    return rc;
}

static void
end(void *arg, uint32_t index)
{
    (void)arg;
    (void)index;
    guard_detach();
}

static void
on_given_back(void *arg, struct pool_job *in_pool, int why)
{
    const struct job *j = CONTAINER_OF(in_pool, struct job, in_pool);

    (void)arg;
    if (why != -ESHUTDOWN)
        (void)!waits_fire(j->token, ET_ENOMEM);
}

int
jobs_open(struct jobs *s, uint32_t n_threads, uint32_t max_queued)
{
    const struct pool_options o = {
        .n_threads = n_threads,
        .max_queued = max_queued,
        .stack_bytes = STACK_BYTES,
        .begin = begin,
        .end = end,
        .on_given_back = on_given_back,
    };

    return pool_open(&s->pool, &o);
}

int
jobs_close(struct jobs *s, uint32_t ms)
{
    int rc;

    if (!s->pool)
        return 0;
    pool_stop(s->pool);
    rc = pool_close(s->pool, ms);
    if (rc == 0)
        s->pool = NULL;
    return rc;
}

/* ---- a job ---------------------------------------------------------------*/

struct call {
    const struct job *job;
    int32_t rc;
};

static int
call(void *arg)
{
    struct call *c = arg;

    c->rc = c->job->fn(c->job->arg);
    return 0;
}

static void
run_plugin(struct call *c)
{
    const struct instance *i = c->job->instance;
    const struct guard_who who = {
        .call = GUARD_JOB, .image = i->plugin->image, .name = i->name};

    if (guard_run(&who, call, c) == LEAP_LEFT) {
        c->rc = ET_ECRASH;
        atomic_store(&i->plugin->image->has_crashed, 1);
    }
}

static void
run(struct pool_job *in_pool)
{
    struct job *j = CONTAINER_OF(in_pool, struct job, in_pool);
    struct call c = {j, ET_ECRASH};

    if (j->instance)
        run_plugin(&c);
    else
        (void)call(&c);
    (void)!waits_fire(j->token, c.rc); /* j may be gone by now */
}

int32_t
jobs_start(struct host_worker *hw, struct job *j, uint32_t priority)
{
    int rc;

    j->in_pool = (struct pool_job){.run = run};
    rc = pool_submit(hw->jobs->pool, &j->in_pool,
                     priority == ET_PRIO_HIGH ? POOL_HIGH : POOL_LOW);
    if (rc == -EAGAIN) {
        metrics_add(hw->metrics, METRIC_jobs_refused, 1);
        return ET_ELIMIT;
    }
    return rc < 0 ? ET_ENOMEM : 0;
}

int
jobs_withdraw(struct jobs *s, struct job *j)
{
    return pool_withdraw(s->pool, &j->in_pool);
}
