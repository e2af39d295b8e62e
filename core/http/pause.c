/* SPDX-License-Identifier: BSD-2-Clause */
/* pause.c - see pause.h. */
#include "http/pause.h"

#include "base/clock.h"
#include "base/wheel.h"
#include "http/chain.h"
#include "http/dispatch.h"
#include "http/host.h"
#include "http/jobs.h"
#include "http/req.h"
#include "http/waits.h"
#include "plug/guard.h"

/* ---- how it ends ---------------------------------------------------------*/

/* Its wait has been woken, or is to be taken back: nothing comes of its timer
 * any more. */
static struct wait *
detach(struct req *r)
{
    struct wait *w = r->pause.wait;

    wheel_cancel(req_worker(r)->wheel, &w->timer);
    r->pause.wait = NULL;
    r->pause.job = NULL;
    return w;
}

static void
on_fired(struct wait *w, int32_t rc)
{
    struct req *r = w->owner;

    (void)detach(r);
    r->pause.rc = rc;
    if (r->pause.state == PAUSE_WAITS || r->pause.is_closed)
        r->sink->wake(r);
}

static void
on_timer(struct wheel_timer *t, uint64_t now_ms)
{
    struct wait *w = CONTAINER_OF(t, struct wait, timer);
    struct req *r = w->owner;

    (void)now_ms;
    if (r->pause.state != PAUSE_WAITS || !waits_cancel(w))
        return; /* nobody waits; or it has been woken, just in time */
    r->pause.wait = NULL;
    r->pause.is_late = 1;
    r->sink->wake(r);
}

/* ---- how it begins -------------------------------------------------------*/

/* A step of r runs on this thread, and it may wait. */
static int
may_wait(const struct req *r)
{
    const struct guard *g = &guard_here;

    return g->call == GUARD_STEPS && g->who.subject == r &&
           r->phase != CHAIN_IN_LOG &&
           (!r->has_pause || (!r->pause.is_closed && !r->pause.job));
}

static struct wait *
arm(struct req *r, et_resume_fn resume, et_cancel_fn cancel)
{
    struct pause *p = &r->pause;
    struct wait *w;

    if (!may_wait(r) || !resume)
        return NULL;
    if (!r->has_pause)
        *p = (struct pause){.state = PAUSE_OFF};
    r->has_pause = 1;
    if (p->wait)
        waits_forget(detach(r));
    w = waits_arm(req_worker(r)->waits, on_fired, r);
    if (!w)
        return NULL;
    p->wait = w;
    p->resume = resume;
    p->cancel = cancel;
    p->is_late = 0;
    return w;
}

uint64_t
pause_suspend(struct req *r, et_resume_fn resume, et_cancel_fn cancel,
              uint32_t ms)
{
    struct host_worker *hw = req_worker(r);
    struct wait *w = arm(r, resume, cancel);

    if (!w)
        return 0;
    if (ms == 0)
        ms = dispatch_wait_ms(r);
    w->timer.fn = on_timer;
    if (ms > 0 && ms != UINT32_MAX)
        wheel_arm(hw->wheel, &w->timer, hw->clock->mono_ms + ms);
    return waits_token(w);
}

int32_t
pause_offload(struct req *r, int32_t (*fn)(void *arg), void *arg,
              uint32_t priority, et_resume_fn resume, et_cancel_fn cancel)
{
    struct job *j = arena_alloc(&r->arena, sizeof *j);
    struct wait *w;
    int32_t rc;

    if (!j)
        return ET_ENOMEM;
    if (!may_wait(r))
        return ET_EPHASE;
    w = arm(r, resume, cancel);
    if (!w)
        return resume ? ET_ELIMIT : ET_EINVAL;
    *j = (struct job){.instance = r->chain->members[r->member].instance,
                      .fn = fn,
                      .arg = arg,
                      .token = waits_token(w)};
    rc = jobs_start(req_worker(r)->jobs, j, priority);
    if (rc == 0)
        r->pause.job = j;
    else
        (void)!pause_settle(r);
    return rc;
}

/* ---- given up ------------------------------------------------------------*/

int
pause_settle(struct req *r)
{
    struct pause *p = &r->pause;

    if (!p->wait)
        return 1;
    if (!p->job || jobs_withdraw(req_worker(r)->jobs, p->job)) {
        waits_forget(detach(r));
        return 1;
    }
    p->resume = NULL;
    p->cancel = NULL;
    p->state = PAUSE_WAITS;
    return 0;
}

/* Of somebody whose job runs, or has run: it stays until we hear of that, but
 * its step need not. */
static int
abandon_job(struct req *r, int32_t why)
{
    struct pause *p = &r->pause;

    if (p->state == PAUSE_WAITS && waits_is_armed(p->wait)) {
        p->state = PAUSE_OFF;
        chain_cancel(r, why);
    }
    return 0;
}

int
pause_abandon(struct req *r, int32_t why)
{
    struct pause *p = &r->pause;

    p->is_closed = 1;
    if (!p->wait)
        return 1;
    if (p->job && !jobs_withdraw(req_worker(r)->jobs, p->job))
        return abandon_job(r, why);
    if (p->state != PAUSE_WAITS) { /* it does not want to */
        waits_forget(detach(r));
        return 1;
    }
    wheel_cancel(req_worker(r)->wheel, &p->wait->timer);
    if (!waits_cancel(p->wait))
        return 0;
    p->wait = NULL;
    p->job = NULL;
    p->state = PAUSE_OFF;
    chain_cancel(r, why);
    return 1;
}
