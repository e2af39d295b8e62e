/* SPDX-License-Identifier: BSD-2-Clause */
/* task.c - see task.h. */
#include "http/task.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/metrics.h"
#include "http/chain.h"
#include "http/fetch.h"
#include "http/jobs.h"
#include "http/req.h"
#include "http/task_own.h"
#include "http/waits.h"
#include "http/watches.h"
#include "http/writer.h"
#include "os/fiber.h"
#include "plug/guard.h"

/* How long memory of stacks is kept that nobody has used, and how much of it is
 * given back at once. */
#define TRIM_MS 1000u
#define TRIM_MOST 64u

static const struct pause_kind kind;

/* ---- stacks --------------------------------------------------------------*/

static void
on_trim(struct wheel_timer *timer, uint64_t now_ms)
{
    struct tasks *t = CONTAINER_OF(timer, struct tasks, trim);

    if (stacks_trim(&t->stacks, TRIM_MOST) == TRIM_MOST)
        wheel_arm(t->wheel, timer, now_ms); /* the rest, a turn later */
    else if (t->stacks.n_clean < t->stacks.n_free)
        wheel_arm(t->wheel, timer, now_ms + TRIM_MS);
}

int
task_pool_init(struct tasks *t, uint32_t max, uint32_t stack_bytes,
               struct wheel *wheel)
{
    t->wheel = wheel;
    t->trim = (struct wheel_timer){.fn = on_trim};
    return stacks_init(&t->stacks, stack_bytes, max, STACKS_MARKED) < 0
               ? ERR_NOMEM
               : 0;
}

void
task_pool_fini(struct tasks *t)
{
    if (t->wheel)
        stacks_fini(&t->stacks);
    t->wheel = NULL;
}

static void
give_stack(struct req *r, void *stack)
{
    struct host_worker *hw = req_worker(r);

    stacks_give(&hw->tasks->stacks, stack);
    if (!wheel_is_armed(&hw->tasks->trim))
        wheel_arm(hw->wheel, &hw->tasks->trim, hw->clock->mono_ms + TRIM_MS);
}

/* ---- the queue -----------------------------------------------------------*/

static void
make_ready(struct task *t)
{
    struct pause *p = &t->r->pause;

    t->state = TASK_READY;
    t->next_ready = NULL;
    if (p->tasks.ready)
        p->tasks.last_ready->next_ready = t;
    else
        p->tasks.ready = t;
    p->tasks.last_ready = t;
}

/* What it waits for has come, in the loop. */
static void
wake(struct task *t, int32_t rc)
{
    struct req *r = t->r;

    t->rc = rc;
    t->wait = NULL;
    t->watch = NULL;
    t->has_job = 0;
    make_ready(t);
    if (r->pause.kind == &kind) /* else a response step waits on top */
        r->sink->wake(r);
}

static void
on_fired(struct wait *w, int32_t rc)
{
    struct task *t = w->owner;

    wheel_cancel(req_worker(t->r)->wheel, &w->timer);
    wake(t, rc);
}

static void
on_timer(struct wheel_timer *timer, uint64_t now_ms)
{
    struct wait *w = CONTAINER_OF(timer, struct wait, timer);
    struct task *t = w->owner;

    (void)now_ms;
    if (!waits_cancel(w))
        return; /* woken, just in time */
    if (t->watch)
        watches_cancel(t->watch);
    wake(t, ET_ETIME);
}

void
task_on_ready(struct watch *watch, uint32_t events)
{
    struct task *t = watch->owner;

    wheel_cancel(req_worker(t->r)->wheel, &t->wait->timer);
    CHECK(waits_cancel(t->wait)); /* nobody has its token */
    wake(t, (int32_t)events);
}

/* Has r tasks that may wait at a place? */
static int
has_tasks(const struct req *r)
{
    return r->has_pause && (r->pause.kind == &kind || r->pause.held == &kind);
}

void
task_body_came(struct req *r)
{
    if (has_tasks(r) && r->pause.tasks.reader)
        task_wake(r->pause.tasks.reader, 0);
}

void
task_room_came(struct req *r)
{
    if (has_tasks(r) && r->pause.tasks.writer)
        task_wake(r->pause.tasks.writer, 0);
}

void
task_opened(struct req *r)
{
    struct task *t = r->pause.tasks.opener;

    if (!t)
        return;
    if (t->state == TASK_READY && t->why == 0)
        t->rc = 0; /* its time is over: it hears of that when it writes */
    task_wake_beside(t, 0);
}

/* ---- begin and end -------------------------------------------------------*/

static void
run_defers(struct task *t)
{
    t->is_ending = 1;
    while (t->defers) {
        struct task_defer *d = t->defers;
        t->defers = d->next;
        d->fn(d->arg);
    }
}

static void
run(void *arg)
{
    struct task *t = arg;

    if (t->step)
        t->result = writer_last(t->r, t->step->fn(&t->r->pub, t->step->self));
    else
        t->part->rc = t->part->fn(&t->r->pub, t->part->arg);
    run_defers(t);
}

struct task *
task_add(struct req *r)
{
    struct host_worker *hw = req_worker(r);
    struct stacks *stacks = &hw->tasks->stacks;
    void *stack = stacks_take(stacks);
    size_t bytes = (stacks->bytes - sizeof(struct task)) & ~(size_t)63;
    struct task *t;

    if (!stack) {
        metrics_add(hw->metrics, METRIC_tasks_refused, 1);
        return NULL;
    }
    t = (struct task *)(void *)((char *)stack + bytes);
    *t = (struct task){.stack = stack,
                       .r = r,
                       .next = r->pause.tasks.all,
                       .member = r->member};
    r->pause.tasks.all = t;
    metrics_add(hw->metrics, METRIC_tasks_active, 1);
    fiber_make(&t->fiber, stack, bytes, run, t);
    make_ready(t);
    return t;
}

void
task_disarm(struct task *t)
{
    if (t->wait)
        waits_forget(t->wait);
    t->wait = NULL;
}

static void
release_things(struct task *t)
{
    while (t->things) {
        struct task_thing *thing = t->things;
        t->things = thing->next;
        thing->owner = NULL;
        thing->release(thing);
    }
}

/* Its fiber is over. */
static void
over(struct task *t)
{
    struct req *r = t->r;
    struct pause *p = &r->pause;
    struct task **at = &p->tasks.all, *parent = t->parent;

    task_disarm(t);
    release_things(t);
    while (*at != t)
        at = &(*at)->next;
    *at = t->next;
    if (t == p->tasks.root) {
        p->tasks.root = NULL;
        p->is_on = 0;
        fetch_close_of(r, 1);
    }
    metrics_sub(req_worker(r)->metrics, METRIC_tasks_active, 1);
    give_stack(r, t->stack);
    if (parent && --parent->n_parts == 0)
        make_ready(parent);
}

/* Enter all that is ready, until nothing is: what the step is to return. */
static uint32_t
run_ready(struct req *r)
{
    struct pause *p = &r->pause;
    uint32_t result = ET_FAIL;

    while (p->tasks.ready) {
        struct task *t = p->tasks.ready;
        p->tasks.ready = t->next_ready;
        t->state = TASK_RUNS;
        p->tasks.now = t;
        chain_enter(r, t->member);
        if (fiber_enter(&t->fiber)) {
            p->tasks.now = NULL;
            t->member = r->member;
            continue;
        }
        p->tasks.now = NULL;
        if (t == p->tasks.root)
            result = t->result;
        over(t);
    }
    return p->tasks.root ? ET_WAIT : result;
}

int
task_has_stack(const struct req *r)
{
    const struct stacks *p = &req_worker(r)->tasks->stacks;

    return p->n_out < p->max;
}

int32_t
task_start(struct req *r, const struct chain_step *step)
{
    struct pause *p = &r->pause;
    struct task *t;

    if (!pause_begin(r, &kind))
        return ET_ECANCEL;
    t = task_add(r);
    if (!t)
        return ET_ELIMIT;
    t->step = step;
    p->tasks.root = t;
    p->is_on = 1;
    p->is_late = 0;
    p->is_refused = 0;
    return 0;
}

uint32_t
task_begin(et_req *pub, void *self)
{
    static const et_str name = {"Retry-After", 11}, value = {"1", 1};
    struct req *r = req_of(pub);
    int32_t rc = task_start(r, self);

    if (rc == 0)
        return run_ready(r);
    if (rc == ET_ECANCEL)
        return ET_FAIL;
    req_decide_error(r, 503);
    return resp_set(&r->resp, &r->arena, name, value, ET_SET) < 0 ? ET_FAIL
                                                                  : ET_DONE;
}

/* ---- as a pause ----------------------------------------------------------*/

static uint32_t
resume(struct req *r, void *self)
{
    (void)self;
    return run_ready(r);
}

/* Have t's call return why, at once unless what it waits for is on its way, or
 * is a job that runs. */
static void
give_up_one(struct task *t, int32_t why)
{
    struct host_worker *hw = req_worker(t->r);

    if (t->why == 0)
        t->why = why;
    if (t->state != TASK_WAITS)
        return;
    if (t->has_job && !jobs_withdraw(hw->jobs, &t->job))
        return;
    wheel_cancel(hw->wheel, &t->wait->timer);
    if (!waits_cancel(t->wait))
        return;
    if (t->watch)
        watches_cancel(t->watch);
    t->wait = NULL;
    t->watch = NULL;
    t->has_job = 0;
    t->rc = why;
    make_ready(t);
}

static void
give_up(struct req *r, void *self, int32_t why)
{
    (void)self;
    for (struct task *t = r->pause.tasks.all; t; t = t->next)
        give_up_one(t, why);
    (void)run_ready(r);
}

static void
retire(struct req *r)
{
    for (struct task *t = r->pause.tasks.all; t; t = t->next)
        give_up_one(t, ET_ERETIRE);
    if (r->pause.tasks.ready)
        r->sink->wake(r);
}

static int
settle(struct req *r)
{
    return !r->pause.tasks.root;
}

static int
abandon(struct req *r, int32_t why)
{
    if (!r->pause.tasks.root)
        return 1;
    chain_give_up(r, why);
    return !r->pause.tasks.root;
}

static int
end_defers(void *arg)
{
    run_defers(arg);
    return 0;
}

/* The defers of one that crashed run here; one that crashes, too, is skipped.
 */
static int
crashed(struct req *r)
{
    struct task *t = r->pause.tasks.now;
    int is_root;

    if (!t)
        return 0;
    r->pause.tasks.now = NULL;
    fiber_abandon(&t->fiber);
    while (t->defers && guard_walk(GUARD_STEPS, r, end_defers, t) == LEAP_LEFT)
        ;
    is_root = t == r->pause.tasks.root;
    if (!is_root)
        t->part->rc = ET_ECRASH;
    over(t);
    return !is_root;
}

static const struct pause_kind kind = {
    .resume = resume,
    .give_up = give_up,
    .settle = settle,
    .abandon = abandon,
    .crashed = crashed,
    .retire = retire,
};

/* ---- for its calls -------------------------------------------------------*/

struct task *
task_calling(et_req *pub)
{
    struct req *r = req_of(pub);

    if (!r->has_pause || r->pause.kind != &kind || !chain_is_at(r))
        return NULL;
    return r->pause.tasks.now;
}

int32_t
task_why_not(const struct task *t)
{
    if (!t || t->is_ending)
        return ET_EPHASE;
    if (t->why == 0 && t->r->pause.is_closed)
        return ET_ECANCEL;
    if (t->why == 0 && t->due_ms &&
        t->due_ms <= req_worker(t->r)->clock->mono_ms)
        return ET_ETIME;
    return t->why;
}

struct wait *
task_arm(struct task *t)
{
    task_disarm(t);
    t->wait = waits_arm(req_worker(t->r)->waits, on_fired, t);
    return t->wait;
}

int32_t
task_yield(struct task *t, uint64_t ms)
{
    struct host_worker *hw = req_worker(t->r);
    uint64_t now_ms = hw->clock->mono_ms;
    uint64_t due_ms = ms > UINT64_MAX - now_ms ? UINT64_MAX : now_ms + ms;
    int32_t why = t->why; /* of one that is retired and writes on */

    if (t->due_ms && t->due_ms < due_ms)
        due_ms = t->due_ms;
    t->wait->timer.fn = on_timer;
    if (due_ms != UINT64_MAX)
        wheel_arm(hw->wheel, &t->wait->timer, due_ms);
    t->state = TASK_WAITS;
    fiber_yield(&t->fiber);
    return t->why != why ? t->why : t->rc;
}

/* ---- for other interfaces ------------------------------------------------*/

int32_t
task_refuses(struct req *r)
{
    return task_why_not(task_calling(&r->pub));
}

int32_t
task_refuses_to_write(struct req *r)
{
    struct task *t = task_calling(&r->pub);
    int32_t rc = task_why_not(t);

    return rc == ET_ERETIRE && !t->is_ending ? 0 : rc;
}

static int32_t
wait_at(struct task *t, uint64_t ms, struct task **waiting)
{
    int32_t rc;

    if (!task_arm(t))
        return ET_ELIMIT;
    *waiting = t;
    rc = task_yield(t, ms);
    *waiting = NULL;
    return rc;
}

int32_t
task_wait(struct req *r, uint64_t ms, struct task **waiting)
{
    int32_t rc = task_refuses(r);

    return rc < 0 ? rc : wait_at(task_calling(&r->pub), ms, waiting);
}

int32_t
task_wait_to_write(struct req *r, struct task **waiting)
{
    int32_t rc = task_refuses_to_write(r);

    return rc < 0 ? rc : wait_at(task_calling(&r->pub), UINT64_MAX, waiting);
}

/* True: t waited, and does not any more. */
static int
end_wait(struct task *t)
{
    if (!t->wait)
        return 0;
    wheel_cancel(req_worker(t->r)->wheel, &t->wait->timer);
    return waits_cancel(t->wait);
}

void
task_wake(struct task *t, int32_t rc)
{
    if (end_wait(t))
        wake(t, rc);
}

void
task_wake_beside(struct task *t, int32_t rc)
{
    if (!end_wait(t))
        return;
    t->rc = rc;
    t->wait = NULL;
    make_ready(t);
}

int
task_own(struct req *r, struct task_thing *thing)
{
    struct task *t = task_calling(&r->pub);

    if (!t || t->is_ending)
        return 0;
    thing->owner = t;
    thing->next = t->things;
    t->things = thing;
    return 1;
}

void
task_disown(struct task_thing *thing)
{
    struct task_thing **at = &thing->owner->things;

    while (*at != thing)
        at = &(*at)->next;
    *at = thing->next;
    thing->owner = NULL;
}
