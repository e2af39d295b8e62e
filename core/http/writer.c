/* SPDX-License-Identifier: BSD-2-Clause */
/* writer.c - see writer.h. */
#include "http/writer.h"

#include <errno.h>

#include "base/arena.h"
#include "http/host.h"
#include "http/req.h"
#include "http/task.h"

int32_t
writer_begin(et_req *pub, uint32_t status, et_str type, uint64_t length)
{
    struct req *r = req_of(pub);
    int32_t rc;
    struct task *t = task_calling(pub, &rc);

    if (!t)
        return rc;
    if (r->resp.committed || r->pause.opens)
        return ET_EPHASE;
    if (!host_http_accepts(r, status, type))
        return r->is_spoilt ? ET_ENOMEM : ET_EINVAL;
    type = arena_dup(&r->arena, type);
    if (!type.p) {
        r->is_spoilt = 1;
        return ET_ENOMEM;
    }
    resp_write(&r->resp, (uint16_t)status, type, length);
    pub->status = status;
    r->pause.opens = 1;
    rc = task_wait_at(t, &r->pause.u.tasks.opener, UINT64_MAX);
    if (rc < 0 && !r->resp.committed) { /* it was not even asked for */
        r->pause.opens = 0;
        resp_clear(&r->resp);
    }
    return rc;
}

/* The task that calls, if its answer has begun; else NULL, and *why. */
static struct task *
writing(et_req *pub, int32_t *why)
{
    const struct req *r = req_of(pub);
    struct task *t = task_that_writes(pub, why);

    if (!t)
        return NULL;
    *why = r->resp.committed && r->resp.is_written ? 0 : ET_EPHASE;
    if (*why == 0 && r->pause.u.tasks.writer)
        *why = ET_EINVAL;
    return *why == 0 ? t : NULL;
}

static int32_t
error_of(int64_t rc)
{
    return rc == -EINVAL ? ET_EINVAL : ET_ECANCEL;
}

int32_t
writer_write(et_req *pub, const void *p, size_t n)
{
    struct req *r = req_of(pub);
    const char *from = p;
    int32_t rc;
    struct task *t = writing(pub, &rc);

    while (t && n > 0) {
        int64_t k = r->sink->write(r, from, n);
        if (k < 0 && k != -EAGAIN)
            return error_of(k);
        if (k == -EAGAIN) {
            rc = task_wait_at(t, &r->pause.u.tasks.writer, UINT64_MAX);
            if (rc < 0)
                return rc;
            continue;
        }
        from += k;
        n -= (size_t)k;
    }
    return rc;
}

int32_t
writer_flush(et_req *pub)
{
    struct req *r = req_of(pub);
    int32_t rc;
    struct task *t = writing(pub, &rc);

    while (t && rc == 0) {
        int64_t k = r->sink->write(r, NULL, 0);
        if (k != -EAGAIN)
            return k < 0 ? error_of(k) : 0;
        rc = task_wait_at(t, &r->pause.u.tasks.writer, UINT64_MAX);
    }
    return rc;
}

int32_t
writer_trailer(et_req *pub, et_str name, et_str value)
{
    struct req *r = req_of(pub);
    int32_t rc;

    if (!writing(pub, &rc))
        return rc;
    rc = resp_trailer(&r->resp, &r->arena, name, value);
    if (rc == ET_ENOMEM)
        r->is_spoilt = 1;
    return rc;
}
