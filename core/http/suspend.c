/* SPDX-License-Identifier: BSD-2-Clause */
/* suspend.c - see suspend.h. */
#include "http/suspend.h"

#include "base/clock.h"
#include "base/wheel.h"
#include "http/chain.h"
#include "http/dispatch.h"
#include "http/host.h"
#include "http/jobs.h"
#include "http/req.h"
#include "http/waits.h"

static const struct pause_kind kind;

/* ---- how it ends ---------------------------------------------------------*/

/* Its wait has been woken, or is to be taken back: nothing comes of its timer
 * any more. */
static struct wait *
detach(struct req *r)
{
    struct wait *w = r->pause.token.wait;

    wheel_cancel(req_worker(r)->wheel, &w->timer);
    r->pause.token.wait = NULL;
    r->pause.token.job = NULL;
    r->pause.is_on = 0;
    return w;
}

static void
on_fired(struct wait *w, int32_t rc)
{
    struct req *r = w->owner;

    (void)detach(r);
    r->pause.token.rc = rc;
    if (r->pause.state != PAUSE_OFF || r->pause.is_closed)
        r->sink->wake(r);
}

/* Nobody wakes it any more: it is given up, and answered for. */
static void
end_late(struct req *r, int8_t why)
{
    r->pause.token.wait = NULL;
    r->pause.is_on = 0;
    r->pause.is_late = 1;
    r->pause.why = why;
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
    end_late(r, ET_ETIME);
}

static void
retire(struct req *r)
{
    struct pause *p = &r->pause;

    p->is_retired = 1;
    if (p->token.job && !jobs_withdraw(req_worker(r)->jobs, p->token.job))
        return; /* it is over soon */
    wheel_cancel(req_worker(r)->wheel, &p->token.wait->timer);
    if (!waits_cancel(p->token.wait))
        return;
    p->token.job = NULL;
    end_late(r, ET_ERETIRE);
}

static uint32_t
resume(struct req *r, void *self)
{
    return r->pause.token.resume(&r->pub, self, r->pause.token.rc);
}

static void
give_up(struct req *r, void *self, int32_t why)
{
    if (r->pause.token.cancel)
        r->pause.token.cancel(&r->pub, self, why);
}

/* The step that waited was left, or another one: none goes on. */
static int
crashed(struct req *r)
{
    (void)r;
    return 0;
}

/* ---- how it begins -------------------------------------------------------*/

/* The step that runs is about to wait: 0, or why it may not (ET_E*). */
static int32_t
arm(struct req *r, et_resume_fn resume_fn, et_cancel_fn cancel)
{
    struct pause *p = &r->pause;

    if (!resume_fn)
        return ET_EINVAL;
    if (r->has_pause && p->is_retired && r->phase == CHAIN_IN_REQUEST)
        return ET_ERETIRE; /* what has an answer may still do something to it */
    if (!chain_is_at(r) || (r->has_pause && p->kind != &kind && !p->held) ||
        (r->has_pause && p->token.job) || !pause_begin(r, &kind))
        return ET_EPHASE;
    if (p->token.wait)
        waits_forget(detach(r));
    p->token.wait = waits_arm(req_worker(r)->waits, on_fired, r);
    if (!p->token.wait)
        return ET_ELIMIT;
    p->token.resume = resume_fn;
    p->token.cancel = cancel;
    p->is_on = 1;
    p->is_late = 0;
    return 0;
}

uint64_t
suspend_step(struct req *r, et_resume_fn resume_fn, et_cancel_fn cancel,
             uint32_t ms)
{
    struct host_worker *hw = req_worker(r);
    struct wait *w;

    if (arm(r, resume_fn, cancel) < 0)
        return 0;
    w = r->pause.token.wait;
    if (ms == 0)
        ms = dispatch_wait_ms(r);
    w->timer.fn = on_timer;
    if (ms > 0 && ms != UINT32_MAX)
        wheel_arm(hw->wheel, &w->timer, hw->clock->mono_ms + ms);
    return waits_token(w);
}

/* Have it run; then the wait is for it. */
static int32_t
begin_job(struct req *r, int32_t (*fn)(void *arg), void *arg, uint32_t priority)
{
    struct job *j = arena_alloc(&r->arena, sizeof *j);
    int32_t rc;

    if (!j) {
        r->is_spoilt = 1;
        return ET_ENOMEM;
    }
    *j = (struct job){.instance = r->chain->members[r->member].instance,
                      .fn = fn,
                      .arg = arg,
                      .token = waits_token(r->pause.token.wait)};
    rc = jobs_start(req_worker(r), j, priority);
    if (rc == 0)
        r->pause.token.job = j;
    return rc;
}

int32_t
suspend_for_job(struct req *r, int32_t (*fn)(void *arg), void *arg,
                uint32_t priority, et_resume_fn resume_fn, et_cancel_fn cancel)
{
    int32_t rc = arm(r, resume_fn, cancel);

    if (rc < 0)
        return rc;
    rc = begin_job(r, fn, arg, priority);
    if (rc < 0)
        waits_forget(detach(r));
    return rc;
}

/* ---- given up ------------------------------------------------------------*/

static int
settle(struct req *r)
{
    struct pause *p = &r->pause;

    if (!p->token.wait)
        return 1;
    if (p->token.job && !jobs_withdraw(req_worker(r)->jobs, p->token.job))
        return 0;
    waits_forget(detach(r));
    return 1;
}

/* Of somebody whose job runs, or has run: it stays until we hear of that, but
 * its step need not. */
static int
abandon_job(struct req *r, int32_t why)
{
    struct pause *p = &r->pause;

    if (p->state == PAUSE_WAITS && waits_is_armed(p->token.wait)) {
        p->state = PAUSE_OFF;
        chain_give_up(r, why);
    }
    return 0;
}

static int
abandon(struct req *r, int32_t why)
{
    struct pause *p = &r->pause;

    if (!p->token.wait)
        return 1;
    if (p->token.job && !jobs_withdraw(req_worker(r)->jobs, p->token.job))
        return abandon_job(r, why);
    if (p->state != PAUSE_WAITS) { /* it does not want to */
        waits_forget(detach(r));
        return 1;
    }
    wheel_cancel(req_worker(r)->wheel, &p->token.wait->timer);
    if (!waits_cancel(p->token.wait))
        return 0;
    p->token.wait = NULL;
    p->token.job = NULL;
    p->is_on = 0;
    p->state = PAUSE_OFF;
    chain_give_up(r, why);
    return 1;
}

static const struct pause_kind kind = {
    .resume = resume,
    .give_up = give_up,
    .settle = settle,
    .abandon = abandon,
    .crashed = crashed,
    .retire = retire,
};
