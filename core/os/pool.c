/* SPDX-License-Identifier: BSD-2-Clause */
/* pool.c - threads for what must block; see pool.h. */
#include "os/pool.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "os/thread.h"

/* A thread, or room for one. */
struct member {
    struct pool *pool;
    pthread_t thread;
    int has_thread; /* which is to be joined */
    int is_there;   /* one of n_threads; if not, its thread is returning */
};

struct pool {
    struct pool_options options;
    sigset_t mask;        /* of each thread */
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t called;
    struct list queues[2]; /* by enum pool_priority */
    uint32_t n_taken;
    struct pool_figures now;
    int is_stopped;
    struct member members[]; /* [options.n_threads] */
};

int
pool_open(struct pool **out, const struct pool_options *o)
{
    struct pool *p;

    CHECK(o->n_threads > 0 && o->max_queued > 0 && o->on_given_back);
    p = calloc(1, sizeof *p + o->n_threads * sizeof p->members[0]);
    if (!p)
        return -ENOMEM;
    p->options = *o;
    pthread_sigmask(SIG_BLOCK, NULL, &p->mask);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->called, NULL);
    list_init(&p->queues[POOL_LOW]);
    list_init(&p->queues[POOL_HIGH]);
    for (uint32_t i = 0; i < o->n_threads; i++)
        p->members[i].pool = p;
    *out = p;
    return 0;
}

/* ---- the queue; locked -------------------------------------------------- */

static void
put(struct pool *p, struct pool_job *j, enum pool_priority priority)
{
    j->pool = p;
    list_push_back(&p->queues[priority], &j->link);
    p->now.n_queued++;
}

static void
take_out(struct pool *p, struct pool_job *j)
{
    j->pool = NULL;
    list_remove(&j->link);
    p->now.n_queued--;
}

/* The one that is next, or NULL. */
static struct pool_job *
take(struct pool *p)
{
    const int is_lows_turn = (p->n_taken + 1) % POOL_LOW_EVERY == 0;
    struct list *first = &p->queues[is_lows_turn ? POOL_LOW : POOL_HIGH];
    struct list *other = &p->queues[is_lows_turn ? POOL_HIGH : POOL_LOW];
    struct pool_job *j;

    if (p->now.n_queued == 0)
        return NULL;
    if (list_is_empty(first))
        first = other;
    j = CONTAINER_OF(first->next, struct pool_job, link);
    take_out(p, j);
    p->n_taken++;
    return j;
}

/* The next one will not be run; false if there is none.  Lets go of the lock
 * meanwhile. */
static int
give_back(struct pool *p, int why)
{
    struct pool_job *j = take(p);

    if (!j)
        return 0;
    pthread_mutex_unlock(&p->lock);
    p->options.on_given_back(p->options.arg, j, why);
    pthread_mutex_lock(&p->lock);
    return 1;
}

/* ---- a thread ----------------------------------------------------------- */

static void
work(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    while (!p->is_stopped) {
        struct pool_job *j = take(p);

        if (!j) {
            pthread_cond_wait(&p->called, &p->lock);
            continue;
        }
        p->now.n_running++;
        pthread_mutex_unlock(&p->lock);
        j->run(j);
        pthread_mutex_lock(&p->lock);
        p->now.n_running--;
    }
    pthread_mutex_unlock(&p->lock);
}

/* If the pool is not stopped, it could not begin: when no other is there, what
 * is queued would wait for a submit that may never come.  To look and to leave
 * is one step, or a submit between them would count on this one. */
static void
leave(struct member *m, int why)
{
    struct pool *p = m->pool;

    pthread_mutex_lock(&p->lock);
    while (!p->is_stopped && p->now.n_threads == 1 && give_back(p, why))
        continue;
    m->is_there = 0;
    p->now.n_threads--;
    pthread_mutex_unlock(&p->lock);
}

static void *
member_main(void *arg)
{
    struct member *m = arg;
    struct pool *p = m->pool;
    const struct pool_options *o = &p->options;
    const uint32_t index = (uint32_t)(m - p->members);
    int rc;

    pthread_sigmask(SIG_SETMASK, &p->mask, NULL);
    rc = o->begin ? o->begin(o->arg, index) : 0;
    if (rc >= 0) {
        work(p);
        if (o->end)
            o->end(o->arg, index);
    }
    leave(m, rc);
    return NULL;
}

/* One more, of less than n_threads.  Whoever had its place has left, and only
 * has to return.  Locked, as is the next one. */
static int
start(struct pool *p)
{
    struct member *m = p->members;
    int rc;

    while (m->is_there)
        m++;
    if (m->has_thread)
        pthread_join(m->thread, NULL);
    rc = thread_start(&m->thread, p->options.stack_bytes, member_main, m);
    m->has_thread = m->is_there = rc == 0;
    p->now.n_threads += rc == 0;
    return rc;
}

/* See to it that a thread comes for one more job.  If as many wait as threads
 * are free, none of these sleeps: each job calls one, and none goes to sleep
 * while any is queued. */
static int
call_thread(struct pool *p)
{
    const uint32_t n_free = p->now.n_threads - p->now.n_running;
    int rc = 0;

    if (p->now.n_queued < n_free)
        pthread_cond_signal(&p->called);
    else if (p->now.n_threads < p->options.n_threads)
        rc = start(p);
    if (p->now.n_threads > 0)
        return 0;
    return rc == -EAGAIN ? -ENOMEM : rc; /* the queue is not full */
}

/* ---- the owner's side --------------------------------------------------- */

int
pool_submit(struct pool *p, struct pool_job *j, enum pool_priority priority)
{
    int rc;

    pthread_mutex_lock(&p->lock);
    CHECK(!j->pool);
    if (p->is_stopped)
        rc = -ESHUTDOWN;
    else if (p->now.n_queued == p->options.max_queued)
        rc = -EAGAIN;
    else
        rc = call_thread(p);
    if (rc == 0)
        put(p, j, priority);
    pthread_mutex_unlock(&p->lock);
    return rc;
}

int
pool_withdraw(struct pool *p, struct pool_job *j)
{
    int was_queued;

    pthread_mutex_lock(&p->lock);
    was_queued = j->pool == p;
    if (was_queued)
        take_out(p, j);
    pthread_mutex_unlock(&p->lock);
    return was_queued;
}

uint32_t
pool_stop(struct pool *p)
{
    uint32_t n = 0;

    pthread_mutex_lock(&p->lock);
    p->is_stopped = 1;
    pthread_cond_broadcast(&p->called);
    while (give_back(p, -ESHUTDOWN))
        n++;
    pthread_mutex_unlock(&p->lock);
    return n;
}

int
pool_close(struct pool *p, uint32_t ms)
{
    const uint64_t end_ns = clock_mono_ns() + ms * UINT64_C(1000000);

    CHECK(p->is_stopped);
    for (uint32_t i = 0; i < p->options.n_threads; i++) {
        struct member *m = &p->members[i];
        const int left_ms = clock_wait_ms(end_ns, clock_mono_ns());

        if (!m->has_thread)
            continue;
        if (thread_join(m->thread, (uint32_t)left_ms) < 0)
            return -ETIMEDOUT;
        m->has_thread = 0;
    }
    pthread_cond_destroy(&p->called);
    pthread_mutex_destroy(&p->lock);
    free(p);
    return 0;
}

struct pool_figures
pool_figures(struct pool *p)
{
    struct pool_figures now;

    pthread_mutex_lock(&p->lock);
    now = p->now;
    pthread_mutex_unlock(&p->lock);
    return now;
}
