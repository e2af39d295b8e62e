/* SPDX-License-Identifier: BSD-2-Clause */
/* pool.c - the pool of threads: which job is next, how many, what becomes of
 * each, and threads that cannot start or begin. */
/* tags: asan tsan */
/* ldflags: -Wl,--wrap=pthread_create,--wrap=pthread_join,--wrap=calloc */
/* ldflags: -Wl,--wrap=pthread_timedjoin_np */
#include "os/pool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "t/lib/unit.h"

#define THREADS 3
#define QUEUED 40
#define LONG_MS 20999

/* Of what will be so, sooner or later. */
#define WAIT_UNTIL(x)                                                          \
    do {                                                                       \
        usleep(1000);                                                          \
    } while (!(x))

/* The call of each that fails, counted from 0; -1: none does. */
static int fail_create = -1, fail_calloc = -1;
static int create_error = EPERM;
static _Atomic int n_created, n_joined;

int __real_pthread_create(pthread_t *t, const pthread_attr_t *a,
                          void *(*fn)(void *arg), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a,
                          void *(*fn)(void *arg), void *arg);
int __real_pthread_join(pthread_t t, void **out);
int __wrap_pthread_join(pthread_t t, void **out);
int __real_pthread_timedjoin_np(pthread_t t, void **out,
                                const struct timespec *until);
int __wrap_pthread_timedjoin_np(pthread_t t, void **out,
                                const struct timespec *until);
void *__real_calloc(size_t n, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);

static int
fails(int *n)
{
    return *n >= 0 && (*n)-- == 0;
}

int
__wrap_pthread_create(pthread_t *t, const pthread_attr_t *a,
                      void *(*fn)(void *arg), void *arg)
{
    if (fails(&fail_create))
        return create_error;
    n_created++;
    return __real_pthread_create(t, a, fn, arg);
}

int
__wrap_pthread_join(pthread_t t, void **out)
{
    n_joined++;
    return __real_pthread_join(t, out);
}

int
__wrap_pthread_timedjoin_np(pthread_t t, void **out,
                            const struct timespec *until)
{
    const int rc = __real_pthread_timedjoin_np(t, out, until);

    n_joined += rc != ETIMEDOUT;
    return rc;
}

void *
__wrap_calloc(size_t n, size_t bytes)
{
    return fails(&fail_calloc) ? NULL : __real_calloc(n, bytes);
}

/* ---- a pool and what its threads do ------------------------------------- */

static struct pool *pool;
static int owner; /* what arg points to */

static _Atomic int begin_says[THREADS], n_begun[THREADS], n_ended[THREADS];
static int begin_waits; /* for a post of may_begin */
static sem_t may_begin;

static int
begin(void *arg, uint32_t index)
{
    UNIT_HOLDS(arg == &owner && index < THREADS);
    if (begin_waits)
        UNIT_HOLDS(sem_wait(&may_begin) == 0);
    n_begun[index]++;
    return begin_says[index];
}

static void
end(void *arg, uint32_t index)
{
    UNIT_HOLDS(arg == &owner && index < THREADS);
    n_ended[index]++;
}

/* Writes its letter down. */
struct letter {
    struct pool_job job;
    char is;
};

/* In the order in which they ran, and were given back; on one thread each. */
static char ran[128], given[128];
static int given_why;

static void
run_letter(struct pool_job *j)
{
    ran[strlen(ran)] = CONTAINER_OF(j, struct letter, job)->is;
}

static void
on_given_back(void *arg, struct pool_job *j, int why)
{
    UNIT_HOLDS(arg == &owner);
    given[strlen(given)] = CONTAINER_OF(j, struct letter, job)->is;
    given_why = why;
}

/* Holds the thread it runs on. */
struct gate {
    struct pool_job job;
    sem_t runs, may_end;
};

static void
run_gate(struct pool_job *j)
{
    struct gate *g = CONTAINER_OF(j, struct gate, job);

    UNIT_HOLDS(sem_post(&g->runs) == 0);
    UNIT_HOLDS(sem_wait(&g->may_end) == 0);
}

static void
open_pool(uint32_t n_threads, uint32_t max_queued)
{
    const struct pool_options o = {.n_threads = n_threads,
                                   .max_queued = max_queued,
                                   .stack_bytes = 256u << 10,
                                   .begin = begin,
                                   .end = end,
                                   .on_given_back = on_given_back,
                                   .arg = &owner};

    ck_assert_int_eq(sem_init(&may_begin, 0, 0), 0);
    ck_assert_int_eq(pool_open(&pool, &o), 0);
}

/* It is stopped, and what it runs will end. */
static void
close_stopped(void)
{
    ck_assert_int_eq(pool_close(pool, LONG_MS), 0);
    ck_assert_int_eq(n_joined, n_created);
}

static void
close_pool(void)
{
    ck_assert_uint_eq(pool_stop(pool), 0);
    close_stopped();
}

static void
submit(struct pool_job *j, enum pool_priority priority)
{
    ck_assert_int_eq(pool_submit(pool, j, priority), 0);
}

static void
submit_letter(struct letter *l, char is, enum pool_priority priority)
{
    *l = (struct letter){.job.run = run_letter, .is = is};
    submit(&l->job, priority);
}

/* One after the other; l[i] is the i-th of text. */
static void
submit_text(struct letter *l, const char *text, enum pool_priority priority)
{
    for (size_t i = 0; text[i]; i++)
        submit_letter(&l[i], text[i], priority);
}

static void
submit_gate(struct gate *g)
{
    *g = (struct gate){.job.run = run_gate};
    ck_assert_int_eq(sem_init(&g->runs, 0, 0), 0);
    ck_assert_int_eq(sem_init(&g->may_end, 0, 0), 0);
    submit(&g->job, POOL_HIGH);
}

static void
shut(struct gate *g)
{
    submit_gate(g);
    ck_assert_int_eq(sem_wait(&g->runs), 0);
}

static void
let_go(struct gate *g)
{
    ck_assert_int_eq(sem_post(&g->may_end), 0);
}

static void
expect_figures(uint32_t n_threads, uint32_t n_queued, uint32_t n_running)
{
    const struct pool_figures now = pool_figures(pool);

    ck_assert_uint_eq(now.n_threads, n_threads);
    ck_assert_uint_eq(now.n_queued, n_queued);
    ck_assert_uint_eq(now.n_running, n_running);
}

static int
is_idle(void)
{
    const struct pool_figures now = pool_figures(pool);

    return now.n_queued == 0 && now.n_running == 0;
}

/* ---- which is next ------------------------------------------------------ */

START_TEST(of_one_priority_the_oldest_is_next)
{
    static struct letter l[26];
    struct gate g;

    open_pool(1, QUEUED);
    shut(&g);
    submit_text(l, "abcdefghijklmnopqrstuvwxyz", _i ? POOL_HIGH : POOL_LOW);
    let_go(&g);
    WAIT_UNTIL(is_idle());
    ck_assert_str_eq(ran, "abcdefghijklmnopqrstuvwxyz");
    close_pool();
}
END_TEST

/* The gate is the first that is taken. */
START_TEST(high_is_next_but_every_8th_is_the_oldest_low)
{
    static struct letter high[20], low[5];
    struct gate g;

    open_pool(1, QUEUED);
    shut(&g);
    submit_text(low, "abcde", POOL_LOW);
    submit_text(high, "ABCDEFGHIJKLMNOPQRST", POOL_HIGH);
    let_go(&g);
    WAIT_UNTIL(is_idle());
    ck_assert_str_eq(ran, "ABCDEFaGHIJKLMbNOPQRSTcde");
    close_pool();
}
END_TEST

/* ---- how many ----------------------------------------------------------- */

START_TEST(no_more_than_max_wait)
{
    struct letter l[3], more = {.job.run = run_letter, .is = 'd'};
    struct gate g;

    open_pool(1, 3);
    shut(&g);
    submit_text(l, "abc", POOL_LOW);
    ck_assert_int_eq(pool_submit(pool, &more.job, POOL_HIGH), -EAGAIN);
    ck_assert_int_eq(pool_withdraw(pool, &more.job), 0);
    ck_assert_int_eq(pool_withdraw(pool, &l[1].job), 1);
    submit(&more.job, POOL_LOW);
    ck_assert_int_eq(pool_submit(pool, &l[1].job, POOL_LOW), -EAGAIN);
    expect_figures(1, 3, 1);
    let_go(&g);
    WAIT_UNTIL(is_idle());
    submit(&l[1].job, POOL_LOW);
    WAIT_UNTIL(is_idle());
    ck_assert_str_eq(ran, "acdb");
    close_pool();
}
END_TEST

START_TEST(a_thread_is_started_when_none_is_free)
{
    struct gate g[THREADS + 1];

    open_pool(THREADS, QUEUED);
    expect_figures(0, 0, 0);
    for (uint32_t i = 0; i < THREADS; i++) {
        shut(&g[i]);
        expect_figures(i + 1, 0, i + 1);
    }
    submit_gate(&g[THREADS]);
    expect_figures(THREADS, 1, THREADS);
    let_go(&g[1]);
    ck_assert_int_eq(sem_wait(&g[THREADS].runs), 0);
    for (uint32_t i = 0; i <= THREADS; i++)
        let_go(&g[i]);
    WAIT_UNTIL(is_idle());
    expect_figures(THREADS, 0, 0);
    close_pool();
    for (int i = 0; i < THREADS; i++)
        ck_assert(n_begun[i] == 1 && n_ended[i] == 1);
}
END_TEST

/* Also if that one has not come for the first one yet. */
START_TEST(one_that_is_free_is_for_one_job)
{
    struct gate g[3];

    open_pool(THREADS, QUEUED);
    shut(&g[0]);
    let_go(&g[0]);
    WAIT_UNTIL(is_idle());
    submit_gate(&g[1]);
    ck_assert_uint_eq(pool_figures(pool).n_threads, 1);
    submit_gate(&g[2]);
    ck_assert_uint_eq(pool_figures(pool).n_threads, 2);
    ck_assert_int_eq(sem_wait(&g[1].runs), 0);
    ck_assert_int_eq(sem_wait(&g[2].runs), 0);
    let_go(&g[1]);
    let_go(&g[2]);
    WAIT_UNTIL(is_idle());
    close_pool();
}
END_TEST

/* ---- what becomes of each ----------------------------------------------- */

START_TEST(only_what_is_queued_can_be_withdrawn)
{
    struct letter l[5], never = {.job.run = run_letter};
    struct gate g;

    open_pool(1, QUEUED);
    shut(&g);
    submit_text(l, "abcde", POOL_LOW);
    ck_assert_int_eq(pool_withdraw(pool, &never.job), 0);
    ck_assert_int_eq(pool_withdraw(pool, &g.job), 0);
    for (int i = 0; i < 5; i += 2) {
        ck_assert_int_eq(pool_withdraw(pool, &l[i].job), 1);
        ck_assert_int_eq(pool_withdraw(pool, &l[i].job), 0);
    }
    expect_figures(1, 2, 1);
    submit(&l[0].job, POOL_HIGH);
    let_go(&g);
    WAIT_UNTIL(is_idle());
    ck_assert_int_eq(pool_withdraw(pool, &l[1].job), 0);
    ck_assert_str_eq(ran, "abd");
    close_pool();
}
END_TEST

static _Atomic int n_freed;

static void
run_free(struct pool_job *j)
{
    free(j);
    n_freed++;
}

START_TEST(a_job_may_free_itself)
{
    open_pool(THREADS, QUEUED);
    for (int i = 0; i < QUEUED; i++) {
        struct pool_job *j = malloc(sizeof *j);

        *j = (struct pool_job){.run = run_free};
        submit(j, POOL_LOW);
    }
    WAIT_UNTIL(is_idle());
    ck_assert_int_eq(n_freed, QUEUED);
    close_pool();
}
END_TEST

static void
run_again(struct pool_job *j)
{
    run_letter(j);
    if (strlen(ran) < 20)
        UNIT_HOLDS(pool_submit(pool, j, POOL_LOW) == 0);
}

/* On one thread, or by turns on several: one is free while it runs. */
START_TEST(a_job_may_submit_itself)
{
    struct letter l = {.job.run = run_again, .is = 'a'};

    open_pool(_i ? THREADS : 1, QUEUED);
    submit(&l.job, POOL_LOW);
    WAIT_UNTIL(is_idle());
    ck_assert_str_eq(ran, "aaaaaaaaaaaaaaaaaaaa");
    close_pool();
}
END_TEST

/* ---- the stop ----------------------------------------------------------- */

START_TEST(what_is_queued_is_given_back_by_the_stop)
{
    struct letter high[2], low[3], late = {.job.run = run_letter};
    struct gate g;

    open_pool(1, QUEUED);
    shut(&g);
    submit_text(low, "abc", POOL_LOW);
    submit_text(high, "AB", POOL_HIGH);
    ck_assert_uint_eq(pool_stop(pool), 5);
    ck_assert_str_eq(given, "ABabc");
    ck_assert_int_eq(given_why, -ESHUTDOWN);
    expect_figures(1, 0, 1);
    ck_assert_int_eq(pool_submit(pool, &late.job, POOL_HIGH), -ESHUTDOWN);
    ck_assert_int_eq(pool_withdraw(pool, &late.job), 0);
    ck_assert_int_eq(pool_withdraw(pool, &low[0].job), 0);
    ck_assert_uint_eq(pool_stop(pool), 0);
    let_go(&g);
    close_stopped();
    ck_assert_str_eq(ran, "");
    ck_assert_int_eq(n_ended[0], 1);
}
END_TEST

START_TEST(without_a_thread_it_ends_at_once)
{
    open_pool(THREADS, QUEUED);
    ck_assert_uint_eq(pool_stop(pool), 0);
    ck_assert_int_eq(pool_close(pool, 0), 0);
    ck_assert_int_eq(n_begun[0], 0);
}
END_TEST

/* One of two ends; which of them is looked at first depends on _i. */
START_TEST(it_stays_while_a_job_runs)
{
    struct gate g[2];

    open_pool(2, QUEUED);
    shut(&g[0]);
    shut(&g[1]);
    let_go(&g[_i]);
    ck_assert_uint_eq(pool_stop(pool), 0);
    WAIT_UNTIL(pool_figures(pool).n_threads == 1);
    for (uint32_t ms = 0; ms < 3; ms++)
        ck_assert_int_eq(pool_close(pool, ms), -ETIMEDOUT);
    expect_figures(1, 0, 1);
    let_go(&g[1 - _i]);
    close_stopped();
}
END_TEST

/* ---- threads that cannot begin, or start -------------------------------- */

START_TEST(if_none_can_begin_the_jobs_are_given_back)
{
    struct letter l[THREADS];

    for (int i = 0; i < THREADS; i++)
        begin_says[i] = -ENOSPC;
    begin_waits = 1;
    open_pool(THREADS, QUEUED);
    submit_text(l, "abc", POOL_LOW);
    expect_figures(THREADS, 3, 0);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(sem_post(&may_begin), 0);
    WAIT_UNTIL(pool_figures(pool).n_threads == 0);
    ck_assert_str_eq(given, "abc");
    ck_assert_int_eq(given_why, -ENOSPC);
    expect_figures(0, 0, 0);
    /* The next one is another try, in the same place. */
    begin_says[0] = begin_waits = 0;
    submit(&l[0].job, POOL_LOW);
    WAIT_UNTIL(is_idle());
    ck_assert_str_eq(ran, "a");
    close_pool();
    ck_assert(n_begun[0] == 2 && n_begun[1] == 1 && n_begun[2] == 1);
    ck_assert(n_ended[0] == 1 && n_ended[1] == 0 && n_ended[2] == 0);
}
END_TEST

START_TEST(if_one_cannot_begin_the_others_run_its_job)
{
    struct letter l;
    struct gate g;

    begin_says[1] = -ENOSPC;
    open_pool(THREADS, QUEUED);
    shut(&g);
    submit_letter(&l, 'a', POOL_HIGH);
    WAIT_UNTIL(pool_figures(pool).n_threads == 1);
    expect_figures(1, 1, 1);
    let_go(&g);
    WAIT_UNTIL(is_idle());
    ck_assert_str_eq(ran, "a");
    ck_assert_str_eq(given, "");
    close_pool();
    ck_assert(n_ended[0] == 1 && n_ended[1] == 0);
}
END_TEST

/* Whether it can (_i), or not. */
START_TEST(one_may_begin_after_the_stop)
{
    struct letter l;

    begin_says[0] = _i ? 0 : -ENOSPC;
    begin_waits = 1;
    open_pool(1, QUEUED);
    submit_letter(&l, 'a', POOL_HIGH);
    ck_assert_uint_eq(pool_stop(pool), 1);
    ck_assert_int_eq(given_why, -ESHUTDOWN);
    ck_assert_int_eq(pool_close(pool, 0), -ETIMEDOUT);
    ck_assert_int_eq(sem_post(&may_begin), 0);
    close_stopped();
    ck_assert_str_eq(ran, "");
    ck_assert_str_eq(given, "a");
    ck_assert_int_eq(n_ended[0], _i);
}
END_TEST

START_TEST(if_none_can_be_started_nothing_is_queued)
{
    struct letter l = {.job.run = run_letter, .is = 'a'};

    open_pool(THREADS, QUEUED);
    fail_create = 0;
    ck_assert_int_eq(pool_submit(pool, &l.job, POOL_LOW), -EPERM);
    ck_assert_int_eq(pool_withdraw(pool, &l.job), 0);
    fail_create = 0;
    create_error = EAGAIN; /* which is no word about the queue */
    ck_assert_int_eq(pool_submit(pool, &l.job, POOL_LOW), -ENOMEM);
    expect_figures(0, 0, 0);
    submit(&l.job, POOL_LOW);
    WAIT_UNTIL(is_idle());
    ck_assert_str_eq(ran, "a");
    close_pool();
}
END_TEST

START_TEST(if_one_more_cannot_be_started_the_others_do)
{
    struct letter l;
    struct gate g[2];

    open_pool(THREADS, QUEUED);
    shut(&g[0]);
    fail_create = 0;
    submit_letter(&l, 'a', POOL_HIGH);
    expect_figures(1, 1, 1);
    shut(&g[1]);
    let_go(&g[1]);
    WAIT_UNTIL(pool_figures(pool).n_running == 1);
    ck_assert_str_eq(ran, "a");
    let_go(&g[0]);
    WAIT_UNTIL(is_idle());
    close_pool();
}
END_TEST

START_TEST(without_memory_there_is_no_pool)
{
    const struct pool_options o = {
        .n_threads = 1, .max_queued = 1, .on_given_back = on_given_back};

    fail_calloc = 0;
    ck_assert_int_eq(pool_open(&pool, &o), -ENOMEM);
}
END_TEST

/* ---- what threads inherit ----------------------------------------------- */

static sigset_t seen;

static void
run_look(struct pool_job *j)
{
    (void)j;
    pthread_sigmask(SIG_BLOCK, NULL, &seen);
}

START_TEST(signals_are_blocked_as_where_it_was_opened)
{
    struct pool_job j = {.run = run_look};
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &set, NULL), 0);
    open_pool(1, QUEUED);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    ck_assert_int_eq(pthread_sigmask(SIG_SETMASK, &set, NULL), 0);
    submit(&j, POOL_HIGH);
    WAIT_UNTIL(is_idle());
    ck_assert(sigismember(&seen, SIGTERM) && !sigismember(&seen, SIGUSR1));
    close_pool();
}
END_TEST

/* ---- all at once -------------------------------------------------------- */

#define SUBMITTERS 4
#define EACH 5000

struct counted {
    struct pool_job job;
    _Atomic int n_run, n_given;
    int was_taken, was_withdrawn; /* by the pool, from it */
};

static struct counted all[SUBMITTERS * EACH];
static _Atomic int n_run;

static void
run_counted(struct pool_job *j)
{
    CONTAINER_OF(j, struct counted, job)->n_run++;
    n_run++;
}

static void
on_counted_back(void *arg, struct pool_job *j, int why)
{
    UNIT_HOLDS(arg == NULL && why == -ESHUTDOWN);
    CONTAINER_OF(j, struct counted, job)->n_given++;
}

/* Of every three, one is withdrawn at once and one a little later. */
static void *
submit_all(void *arg)
{
    struct counted *own = arg;

    for (int i = 0, rc; i < EACH; i++) {
        own[i].job.run = run_counted;
        while ((rc = pool_submit(pool, &own[i].job, i & 1)) == -EAGAIN)
            sched_yield();
        UNIT_HOLDS(rc == 0 || rc == -ESHUTDOWN);
        own[i].was_taken = rc == 0;
        if (i % 3 == 0)
            own[i].was_withdrawn = pool_withdraw(pool, &own[i].job);
        if (i > 30 && i % 3 == 1)
            own[i - 30].was_withdrawn = pool_withdraw(pool, &own[i - 30].job);
    }
    return NULL;
}

static uint32_t
count_given(void)
{
    uint32_t n = 0;

    for (int i = 0; i < SUBMITTERS * EACH; i++) {
        const struct counted *c = &all[i];

        UNIT_HOLDS(c->was_taken == c->n_run + c->n_given + c->was_withdrawn);
        n += (uint32_t)c->n_given;
    }
    return n;
}

static void
stress(int n_before_stop)
{
    const struct pool_options o = {.n_threads = THREADS,
                                   .max_queued = 64,
                                   .stack_bytes = 256u << 10,
                                   .on_given_back = on_counted_back};
    pthread_t t[SUBMITTERS];
    uint32_t n_given = 0;

    ck_assert_int_eq(pool_open(&pool, &o), 0);
    for (int i = 0; i < SUBMITTERS; i++)
        ck_assert_int_eq(
            pthread_create(&t[i], NULL, submit_all, all + i * EACH), 0);
    if (n_before_stop > 0) {
        WAIT_UNTIL(n_run >= n_before_stop);
        n_given = pool_stop(pool);
    }
    for (int i = 0; i < SUBMITTERS; i++)
        ck_assert_int_eq(pthread_join(t[i], NULL), 0);
    WAIT_UNTIL(is_idle());
    ck_assert_uint_eq(count_given(), n_given);
    close_pool();
}

START_TEST(each_is_run_or_withdrawn_once)
{
    stress(0);
}
END_TEST

START_TEST(each_is_run_withdrawn_or_given_back_once)
{
    stress(_i ? 1 : EACH);
}
END_TEST

/* _i is what a test makes of it. */
UNIT_RUN(((struct unit){.name = "pool", .times = 2}),
         of_one_priority_the_oldest_is_next,
         high_is_next_but_every_8th_is_the_oldest_low, no_more_than_max_wait,
         a_thread_is_started_when_none_is_free, one_that_is_free_is_for_one_job,
         only_what_is_queued_can_be_withdrawn, a_job_may_free_itself,
         a_job_may_submit_itself, what_is_queued_is_given_back_by_the_stop,
         without_a_thread_it_ends_at_once, it_stays_while_a_job_runs,
         if_none_can_begin_the_jobs_are_given_back,
         if_one_cannot_begin_the_others_run_its_job,
         one_may_begin_after_the_stop, if_none_can_be_started_nothing_is_queued,
         if_one_more_cannot_be_started_the_others_do,
         without_memory_there_is_no_pool,
         signals_are_blocked_as_where_it_was_opened,
         each_is_run_or_withdrawn_once,
         each_is_run_withdrawn_or_given_back_once)
