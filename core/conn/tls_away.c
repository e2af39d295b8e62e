/* SPDX-License-Identifier: BSD-2-Clause */
/* tls_away.c - see tls_away.h. */
#include "conn/tls_away.h"

#include "conn/env.h"
#include "http/jobs.h"
#include "http/waits.h"
#include "tls/signing.h"

struct tls_away {
    struct env *env;
    void (*on_back)(void *arg);
    void *arg;
    struct wait *wait;
    struct job job;
    size_t block_bytes;
    uint8_t is_stray; /* its connection is gone */
    struct signing signing;
};

/* On a thread of the pool. */
static int32_t
sign(void *arg)
{
    signing_run(arg);
    return 0;
}

static void
away_free(struct tls_away *a)
{
    metrics_sub(a->env->metrics, METRIC_tls_offloads_active, 1);
    blocks_give(&a->env->blocks, a, a->block_bytes);
}

static void
on_signed(struct wait *wait, int32_t rc)
{
    struct tls_away *a = wait->owner;
    void (*on_back)(void *arg) = a->on_back;
    void *arg = a->arg;

    if (rc == 0)
        metrics_add(a->env->metrics, METRIC_tls_offloads, 1);
    else /* no thread of it could begin */
        signing_run(&a->signing);
    signing_end(&a->signing);
    a->env->n_strays -= a->is_stray;
    away_free(a);
    on_back(arg);
}

/* Behind what plugins have at heart (ET_PRIO_HIGH): a client that connects is
 * used to waiting. */
static int
launch(struct tls_away *a)
{
    int32_t rc;

    a->wait = waits_arm(&a->env->waits, on_signed, a);
    if (!a->wait)
        return ET_ELIMIT;
    a->job = (struct job){
        .fn = sign, .arg = &a->signing, .token = waits_token(a->wait)};
    rc = jobs_start(&a->env->worker, &a->job, ET_PRIO_LOW);
    if (rc < 0)
        waits_forget(a->wait);
    return rc;
}

struct tls_away *
tls_away_start(struct env *env, struct session *s, void (*on_back)(void *arg),
               void *arg)
{
    struct tls_away *a = NULL;
    size_t got;

    if (metrics_get(env->metrics, METRIC_tls_offloads_active) < env->max_away)
        a = blocks_take(&env->blocks, sizeof *a, &got);
    if (!a)
        return NULL;
    *a = (struct tls_away){
        .env = env, .on_back = on_back, .arg = arg, .block_bytes = got};
    metrics_add(env->metrics, METRIC_tls_offloads_active, 1);
    signing_begin(&a->signing, s);
    if (launch(a) == 0)
        return a;
    signing_end(&a->signing);
    away_free(a);
    return NULL;
}

int
tls_away_withdraw(struct tls_away *a)
{
    if (!jobs_withdraw(a->env->worker.jobs, &a->job)) {
        a->is_stray = 1;
        a->env->n_strays++;
        return 0;
    }
    waits_forget(a->wait);
    signing_end(&a->signing);
    away_free(a);
    return 1;
}
