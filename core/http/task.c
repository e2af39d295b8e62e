/* SPDX-License-Identifier: BSD-2-Clause */
/* task.c - see task.h. */
#include "http/task.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/metrics.h"
#include "conf/conf.h"
#include "http/chain.h"
#include "http/dispatch.h"
#include "http/fetch.h"
#include "http/gen.h"
#include "http/jobs.h"
#include "http/req.h"
#include "http/waits.h"
#include "http/watches.h"
#include "http/writer.h"
#include "os/fiber.h"
#include "plug/guard.h"

/* How long memory of stacks is kept that nobody has used, and how much of it is
 * given back at once. */
#define TRIM_MS 1000u
#define TRIM_MOST 64u

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

static void
on_ready(struct watch *watch, uint32_t events)
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

/* A task of r that is ready to begin; NULL: no stack is free. */
static struct task *
new_task(struct req *r)
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

/* A token that was not waited for is good for nothing any more. */
static void
disarm(struct task *t)
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

    disarm(t);
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

int32_t
task_start(struct req *r, const struct chain_step *step)
{
    struct pause *p = &r->pause;
    struct task *t;

    if (!pause_begin(r, &kind))
        return ET_ECANCEL;
    t = new_task(r);
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

/* ---- et.task/1 -----------------------------------------------------------*/

/* The task that calls; NULL: none does. */
static struct task *
calling(et_req *pub)
{
    struct req *r = req_of(pub);

    if (!r->has_pause || r->pause.kind != &kind || !chain_is_at(r))
        return NULL;
    return r->pause.tasks.now;
}

/* Why t may not wait; 0: it may. */
static int32_t
refuses(const struct task *t)
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

/* A wait of t's; NULL: no more may. */
static struct wait *
arm(struct task *t)
{
    disarm(t);
    t->wait = waits_arm(req_worker(t->r)->waits, on_fired, t);
    return t->wait;
}

/* Until it has come, at most ms milliseconds (UINT64_MAX: for ever), nor longer
 * than the task may: what has come. */
static int32_t
yield(struct task *t, uint64_t ms)
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
    return refuses(calling(&r->pub));
}

int32_t
task_refuses_to_write(struct req *r)
{
    struct task *t = calling(&r->pub);
    int32_t rc = refuses(t);

    return rc == ET_ERETIRE && !t->is_ending ? 0 : rc;
}

static int32_t
wait_at(struct task *t, uint64_t ms, struct task **waiting)
{
    int32_t rc;

    if (!arm(t))
        return ET_ELIMIT;
    *waiting = t;
    rc = yield(t, ms);
    *waiting = NULL;
    return rc;
}

int32_t
task_wait(struct req *r, uint64_t ms, struct task **waiting)
{
    int32_t rc = task_refuses(r);

    return rc < 0 ? rc : wait_at(calling(&r->pub), ms, waiting);
}

int32_t
task_wait_to_write(struct req *r, struct task **waiting)
{
    int32_t rc = task_refuses_to_write(r);

    return rc < 0 ? rc : wait_at(calling(&r->pub), UINT64_MAX, waiting);
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
    struct task *t = calling(&r->pub);

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

/* ---- its own calls -------------------------------------------------------*/

static int32_t
task_sleep(et_req *pub, uint64_t ms)
{
    struct task *t = calling(pub);
    int32_t rc = refuses(t);
    uint64_t end_ms;

    if (rc < 0)
        return rc;
    if (!arm(t))
        return ET_ELIMIT;
    end_ms = req_worker(t->r)->clock->mono_ms;
    end_ms = ms > UINT64_MAX - end_ms ? UINT64_MAX : end_ms + ms;
    rc = yield(t, ms);
    if (rc != ET_ETIME || t->why ||
        (t->due_ms && t->due_ms < end_ms)) /* its own time is over */
        return rc;
    return 0;
}

static int32_t
task_wait_fd(et_req *pub, int32_t fd, uint32_t events, uint64_t timeout_ms)
{
    struct task *t = calling(pub);
    int32_t rc = refuses(t);

    if (rc < 0)
        return rc;
    if (fd < 0 || !watches_knows(events))
        return ET_EINVAL;
    if (!arm(t))
        return ET_ELIMIT;
    t->watch = watches_arm(req_worker(t->r)->watches, fd, events, on_ready, t);
    if (t->watch)
        return yield(t, timeout_ms);
    disarm(t);
    return ET_ELIMIT;
}

static int32_t
task_offload(et_req *pub, int32_t (*fn)(void *arg), void *arg,
             uint32_t priority)
{
    struct task *t = calling(pub);
    int32_t rc = fn ? refuses(t) : ET_EINVAL;

    if (rc < 0)
        return rc;
    if (!arm(t))
        return ET_ELIMIT;
    t->job =
        (struct job){.instance = t->r->chain->members[t->r->member].instance,
                     .fn = fn,
                     .arg = arg,
                     .token = waits_token(t->wait)};
    rc = jobs_start(req_worker(t->r), &t->job, priority);
    if (rc < 0) {
        disarm(t);
        return rc;
    }
    t->has_job = 1;
    t->state = TASK_WAITS;
    fiber_yield(&t->fiber); /* whatever the time is: it uses our stack */
    return t->why ? t->why : t->rc;
}

static et_token
task_arm(et_req *pub)
{
    struct task *t = calling(pub);

    if (refuses(t) < 0)
        return 0;
    return arm(t) ? waits_token(t->wait) : 0;
}

static int32_t
task_await(et_req *pub, uint64_t timeout_ms)
{
    struct task *t = calling(pub);
    int32_t rc = refuses(t);

    if (rc == 0 && !t->wait)
        rc = ET_EINVAL;
    if (rc == 0)
        return yield(t, timeout_ms);
    if (t)
        disarm(t);
    return rc;
}

/* Of a body that was collected for a step before. */
static int64_t
read_collected(struct req *r, void *p, size_t n)
{
    uint64_t *at = &r->pause.tasks.body_at;
    size_t left = r->body.n - (size_t)*at, k = n < left ? n : left;

    memcpy(p, r->body.p + *at, k);
    *at += k;
    return (int64_t)k;
}

static int64_t
error_of(int64_t rc)
{
    if (rc == -ENOTCONN)
        return ET_ECANCEL;
    return rc == ERR_BODY_LARGE ? ET_ELIMIT : ET_EINVAL;
}

static int64_t
task_read_body(et_req *pub, void *p, size_t n)
{
    struct task *t = calling(pub);
    struct req *r = t ? t->r : NULL;
    int64_t rc = refuses(t);

    if (rc == 0 && (n == 0 || r->pause.tasks.reader))
        rc = ET_EINVAL;
    if (rc < 0)
        return rc;
    if (r->body.p)
        return read_collected(r, p, n);
    while ((rc = r->sink->read(r, p, n)) == -EAGAIN) {
        uint64_t ms = dispatch_body_ms(
            r, (uint32_t)r->gen->gen->conf->server.body_timeout);
        rc = task_wait(r, ms ? ms : UINT64_MAX, &r->pause.tasks.reader);
        if (rc < 0)
            return rc;
    }
    return rc < 0 ? error_of(rc) : rc;
}

static int32_t
task_join(et_req *pub, et_part *parts, uint32_t n)
{
    struct task *t = calling(pub);
    int32_t rc = refuses(t);

    for (uint32_t i = 0; i < n; i++)
        parts[i].rc = rc < 0 ? rc : ET_ELIMIT;
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        struct task *part = new_task(t->r);
        if (!part)
            continue;
        part->part = &parts[i];
        part->parent = t;
        part->due_ms = t->due_ms;
        t->n_parts++;
    }
    if (rc < 0)
        return rc;
    if (t->n_parts > 0) {
        t->state = TASK_JOINS;
        fiber_yield(&t->fiber);
    }
    return t->why;
}

static int32_t
task_timeout(et_req *pub, uint64_t ms)
{
    struct task *t = calling(pub);

    if (!t)
        return ET_EPHASE;
    t->due_ms = ms ? req_worker(t->r)->clock->mono_ms + ms : 0;
    return 0;
}

static int32_t
task_defer(et_req *pub, void (*fn)(void *arg), void *arg)
{
    struct task *t = calling(pub);
    struct task_defer *d;

    if (!t || t->is_ending || !fn)
        return ET_EPHASE;
    d = arena_alloc(&t->r->arena, sizeof *d);
    if (!d) {
        t->r->is_spoilt = 1;
        return ET_ENOMEM;
    }
    *d = (struct task_defer){t->defers, fn, arg};
    t->defers = d;
    return 0;
}

static const et_task iface = {
    .size = sizeof iface,
    .sleep = task_sleep,
    .wait_fd = task_wait_fd,
    .offload = task_offload,
    .arm = task_arm,
    .await = task_await,
    .join = task_join,
    .timeout = task_timeout,
    .defer = task_defer,
    .read_body = task_read_body,
    .begin = writer_begin,
    .write = writer_write,
    .flush = writer_flush,
    .trailer = writer_trailer,
};

const et_task *
task_iface(void)
{
    return &iface;
}
