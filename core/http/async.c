/* SPDX-License-Identifier: BSD-2-Clause */
/* async.c - see async.h. */
#include "http/async.h"

#include "http/loops.h"
#include "http/req.h"
#include "http/suspend.h"
#include "http/waits.h"

static et_token
suspend(et_req *r, et_resume_fn resume, et_cancel_fn cancel,
        uint32_t timeout_ms)
{
    return suspend_step(req_of(r), resume, cancel, timeout_ms);
}

static int32_t
resume(et_token t, int32_t rc)
{
    return waits_fire(t, rc);
}

static int32_t
offload(et_req *r, int32_t (*job)(void *arg), void *arg, uint32_t priority,
        et_resume_fn resume_with, et_cancel_fn cancel)
{
    if (!job)
        return ET_EINVAL;
    return suspend_for_job(req_of(r), job, arg, priority, resume_with, cancel);
}

static const et_async iface = {
    .size = sizeof iface,
    .suspend = suspend,
    .resume = resume,
    .offload = offload,
    .open = loops_open,
    .timer = loops_timer,
    .watch = loops_watch,
    .cancel = loops_cancel,
    .post = loops_post,
};

const et_async *
async_iface(void)
{
    return &iface;
}
