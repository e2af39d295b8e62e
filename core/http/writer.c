/* SPDX-License-Identifier: BSD-2-Clause */
/* writer.c - see writer.h. */
#include "http/writer.h"

#include <errno.h>

#include "base/arena.h"
#include "http/filter.h"
#include "http/host.h"
#include "http/req.h"
#include "http/task.h"

int32_t
writer_begin(et_req *pub, uint32_t status, et_str type, uint64_t length)
{
    struct req *r = req_of(pub);
    int32_t rc = task_refuses(r);

    if (rc < 0)
        return rc;
    if (r->resp.committed || r->pause.opens)
        return ET_EPHASE;
    if (length > INT64_MAX && length != ET_ANY_LENGTH)
        return ET_EINVAL; /* an error, most likely, that was not looked at */
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
    rc = task_wait(r, UINT64_MAX, &r->pause.tasks.opener);
    if (rc < 0 && !r->resp.committed) { /* it was not even asked for */
        r->pause.opens = 0;
        resp_clear(&r->resp);
    }
    return rc;
}

/* Why the calling task may not write; 0: it may. */
static int32_t
refuses(struct req *r)
{
    int32_t rc = task_refuses_to_write(r);

    if (rc < 0)
        return rc;
    if (!r->resp.committed || !r->resp.is_written)
        return ET_EPHASE;
    return r->pause.tasks.writer ? ET_EINVAL : 0;
}

static int32_t
error_of(int64_t rc)
{
    return rc == -EINVAL ? ET_EINVAL : ET_ECANCEL;
}

/* Write to the protocol, as far as there is room; n == 0: flush.  0 or more,
 * below 0 as writer_write, or -EAGAIN when there will be room again. */
static int64_t
put_some(struct req *r, const char *p, size_t n)
{
    int64_t k = r->sink->write(r, p, n);
    int32_t rc;

    if (k >= 0)
        return k;
    if (k != -EAGAIN)
        return error_of(k);
    rc = task_wait_to_write(r, &r->pause.tasks.writer);
    return rc < 0 ? rc : -EAGAIN;
}

int32_t
writer_put(struct req *r, const void *p, size_t n, uint32_t flags)
{
    const char *from = p;
    int64_t k = refuses(r);

    if (k < 0)
        return (int32_t)k;
    while (n > 0) {
        k = put_some(r, from, n);
        if (k < 0 && k != -EAGAIN)
            return (int32_t)k;
        if (k > 0) {
            from += k;
            n -= (size_t)k;
        }
    }
    if (!(flags & ET_BODY_FLUSH))
        return 0;
    while ((k = put_some(r, NULL, 0)) == -EAGAIN)
        continue;
    return (int32_t)k;
}

/* Through those that filter it. */
static int32_t
write_through(et_req *pub, const void *p, size_t n, uint32_t flags)
{
    struct req *r = req_of(pub);
    int32_t rc = refuses(r);

    if (rc < 0)
        return rc;
    if (r->resp.is_bare)
        return ET_ECANCEL;
    if (UNLIKELY(filter_is_busy(r)))
        return ET_EINVAL;
    return filter_pass(r, p, n, flags);
}

int32_t
writer_write(et_req *pub, const void *p, size_t n)
{
    return n > 0 ? write_through(pub, p, n, 0) : 0;
}

int32_t
writer_flush(et_req *pub)
{
    return write_through(pub, "", 0, ET_BODY_FLUSH);
}

uint32_t
writer_last(struct req *r, uint32_t rc)
{
    if (LIKELY(!r->resp.filters) || rc != ET_DONE || !r->resp.is_written ||
        r->resp.is_bare)
        return rc;
    if (filter_is_busy(r)) /* in a part that crashed there */
        return ET_FAIL;
    return filter_pass(r, "", 0, ET_BODY_LAST) < 0 ? ET_FAIL : rc;
}

int32_t
writer_trailer(et_req *pub, et_str name, et_str value)
{
    struct req *r = req_of(pub);
    int32_t rc = refuses(r);

    if (rc < 0)
        return rc;
    rc = resp_trailer(&r->resp, &r->arena, name, value);
    if (rc == ET_ENOMEM)
        r->is_spoilt = 1;
    return rc;
}
