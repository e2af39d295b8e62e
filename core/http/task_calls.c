/* SPDX-License-Identifier: BSD-2-Clause */
/* task_calls.c - see task_calls.h. */
#include "http/task_calls.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "conf/conf.h"
#include "http/chain.h"
#include "http/dispatch.h"
#include "http/gen.h"
#include "http/jobs.h"
#include "http/req.h"
#include "http/task.h"
#include "http/task_own.h"
#include "http/waits.h"
#include "http/watches.h"
#include "http/writer.h"
#include "os/fiber.h"

static int32_t
call_sleep(et_req *pub, uint64_t ms)
{
    struct task *t = task_calling(pub);
    int32_t rc = task_why_not(t);
    uint64_t end_ms;

    if (rc < 0)
        return rc;
    if (!task_arm(t))
        return ET_ELIMIT;
    end_ms = req_worker(t->r)->clock->mono_ms;
    end_ms = ms > UINT64_MAX - end_ms ? UINT64_MAX : end_ms + ms;
    rc = task_yield(t, ms);
    if (rc != ET_ETIME || t->why ||
        (t->due_ms && t->due_ms < end_ms)) /* its own time is over */
        return rc;
    return 0;
}

static int32_t
call_wait_fd(et_req *pub, int32_t fd, uint32_t events, uint64_t timeout_ms)
{
    struct task *t = task_calling(pub);
    int32_t rc = task_why_not(t);

    if (rc < 0)
        return rc;
    if (fd < 0 || !watches_knows(events))
        return ET_EINVAL;
    if (!task_arm(t))
        return ET_ELIMIT;
    t->watch =
        watches_arm(req_worker(t->r)->watches, fd, events, task_on_ready, t);
    if (t->watch)
        return task_yield(t, timeout_ms);
    task_disarm(t);
    return ET_ELIMIT;
}

static int32_t
call_offload(et_req *pub, int32_t (*fn)(void *arg), void *arg,
             uint32_t priority)
{
    struct task *t = task_calling(pub);
    int32_t rc = fn ? task_why_not(t) : ET_EINVAL;

    if (rc < 0)
        return rc;
    if (!task_arm(t))
        return ET_ELIMIT;
    t->job =
        (struct job){.instance = t->r->chain->members[t->r->member].instance,
                     .fn = fn,
                     .arg = arg,
                     .token = waits_token(t->wait)};
    rc = jobs_start(req_worker(t->r), &t->job, priority);
    if (rc < 0) {
        task_disarm(t);
        return rc;
    }
    t->has_job = 1;
    t->state = TASK_WAITS;
    fiber_yield(&t->fiber); /* whatever the time is: it uses our stack */
    return t->why ? t->why : t->rc;
}

static et_token
call_arm(et_req *pub)
{
    struct task *t = task_calling(pub);

    if (task_why_not(t) < 0)
        return 0;
    return task_arm(t) ? waits_token(t->wait) : 0;
}

static int32_t
call_await(et_req *pub, uint64_t timeout_ms)
{
    struct task *t = task_calling(pub);
    int32_t rc = task_why_not(t);

    if (rc == 0 && !t->wait)
        rc = ET_EINVAL;
    if (rc == 0)
        return task_yield(t, timeout_ms);
    if (t)
        task_disarm(t);
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
call_read_body(et_req *pub, void *p, size_t n)
{
    struct task *t = task_calling(pub);
    struct req *r = t ? t->r : NULL;
    int64_t rc = task_why_not(t);

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
call_join(et_req *pub, et_part *parts, uint32_t n)
{
    struct task *t = task_calling(pub);
    int32_t rc = task_why_not(t);

    for (uint32_t i = 0; i < n; i++)
        parts[i].rc = rc < 0 ? rc : ET_ELIMIT;
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        struct task *part = task_add(t->r);
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
call_timeout(et_req *pub, uint64_t ms)
{
    struct task *t = task_calling(pub);

    if (!t)
        return ET_EPHASE;
    t->due_ms = ms ? req_worker(t->r)->clock->mono_ms + ms : 0;
    return 0;
}

static int32_t
call_defer(et_req *pub, void (*fn)(void *arg), void *arg)
{
    struct task *t = task_calling(pub);
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
    .sleep = call_sleep,
    .wait_fd = call_wait_fd,
    .offload = call_offload,
    .arm = call_arm,
    .await = call_await,
    .join = call_join,
    .timeout = call_timeout,
    .defer = call_defer,
    .read_body = call_read_body,
    .begin = writer_begin,
    .write = writer_write,
    .flush = writer_flush,
    .trailer = writer_trailer,
};

const et_task *
task_calls(void)
{
    return &iface;
}
