/* SPDX-License-Identifier: BSD-2-Clause */
/* fetching.c - see fetching.h. */
#include "http/fetching.h"

#include <string.h>

#include "http/fetch.h"
#include "http/req.h"
#include "http/task.h"
#include "http/waits.h"

#define REPLY_MAGIC 0xfe7cu
/* Of a body that is collected: the default of max_body, and the least that it
 * is given room for. */
#define BODY_MAX (1u << 20)
#define BODY_STEP 4096u

/* In the memory of its request. */
struct reply {
    et_reply pub;
    uint32_t magic;
    struct fetch_owner owner;
    struct req *r;
    struct task *waiting; /* or NULL */
    et_token token;       /* of start */
    char *p;              /* what is collected */
    size_t n, cap;
};

/* A reply of this request that is open, or else why: 0 or ET_E*. */
static int32_t
open_reply(et_req *pub, et_reply *reply, struct reply **out)
{
    struct reply *y = CONTAINER_OF(reply, struct reply, pub);
    int32_t rc = task_refuses(req_of(pub));

    if (rc < 0)
        return rc;
    if (!reply || y->magic != REPLY_MAGIC || y->r != req_of(pub) || y->token ||
        y->waiting)
        return ET_EINVAL;
    *out = y;
    return y->owner.fetch ? 0 : ET_EPHASE;
}

static struct reply *
new_reply(struct req *r, void (*on_change)(struct fetch_owner *owner))
{
    struct reply *y = arena_zalloc(&r->arena, sizeof *y);

    if (!y) {
        r->is_spoilt = 1;
        return NULL;
    }
    y->pub.size = sizeof y->pub;
    y->pub.length = -1;
    y->magic = REPLY_MAGIC;
    y->r = r;
    y->owner.on_change = on_change;
    return y;
}

static void
close_reply(struct reply *y)
{
    if (y->owner.fetch)
        fetch_close(y->owner.fetch);
}

/* ---- all of a body -------------------------------------------------------*/

/* Room for more of it: 0 or ET_ENOMEM. */
static int32_t
grow(struct reply *y)
{
    size_t cap = y->cap ? 2 * y->cap : BODY_STEP;
    char *p;

    if (y->pub.length > 0 && (uint64_t)y->pub.length < cap)
        cap = (size_t)y->pub.length;
    p = arena_alloc(&y->r->arena, cap);
    if (!p) {
        y->r->is_spoilt = 1;
        return ET_ENOMEM;
    }
    if (y->n > 0)
        memcpy(p, y->p, y->n);
    y->p = p;
    y->cap = cap;
    return 0;
}

/* What has come of it: 0: that was all; FETCH_MORE; or why it has failed. */
static int64_t
collect(struct reply *y)
{
    struct fetch *f = y->owner.fetch;
    int64_t k;

    if (y->pub.status == 0)
        fetch_show(f, &y->pub);
    do {
        if (y->n == y->cap && !fetch_is_over(f) && grow(y) < 0)
            return ET_ENOMEM;
        k = fetch_read(f, y->p + y->n, y->cap - y->n);
        if (k > 0)
            y->n += (size_t)k;
    } while (k > 0);
    if (k == 0)
        y->pub.body = (et_str){y->p ? y->p : "", y->n};
    return k;
}

/* ---- from a task ---------------------------------------------------------*/

static void
on_change(struct fetch_owner *owner)
{
    struct reply *y = CONTAINER_OF(owner, struct reply, owner);

    if (y->waiting)
        task_wake(y->waiting, 0);
}

/* Until there is something to look at; else it has failed: what it was given
 * may be gone by now. */
static int32_t
wait_for(struct reply *y)
{
    int32_t rc = task_wait(y->r, UINT64_MAX, &y->waiting);

    if (rc < 0)
        fetch_fail(y->owner.fetch, rc);
    return rc;
}

/* Until it is on its way no more: 0, or why it has failed. */
static int32_t
settle(struct reply *y)
{
    int32_t rc;

    while ((rc = fetch_state(y->owner.fetch)) == FETCH_MORE)
        if ((rc = wait_for(y)) < 0)
            return rc;
    if (rc == 0 && fetch_has_head(y->owner.fetch))
        fetch_show(y->owner.fetch, &y->pub);
    return rc;
}

/* Ask, and come as far as it can without more: 0 and *out, or why not. */
static int32_t
ask(et_req *pub, const et_fetch_ask *ask, struct reply **out)
{
    int32_t rc = ask ? task_refuses(req_of(pub)) : ET_EINVAL;
    struct reply *y;

    if (rc < 0)
        return rc;
    y = new_reply(req_of(pub), on_change);
    if (!y)
        return ET_ENOMEM;
    y->owner.is_task = 1;
    rc = fetch_begin(y->r, ask, &y->owner);
    if (rc < 0)
        return rc;
    rc = settle(y);
    if (rc < 0)
        close_reply(y);
    *out = y;
    return rc;
}

static int32_t
open_(et_req *pub, const et_fetch_ask *what, et_reply **reply)
{
    struct reply *y;
    int32_t rc = ask(pub, what, &y);

    *reply = rc < 0 ? NULL : &y->pub;
    return rc;
}

static int64_t
read_(et_req *pub, et_reply *reply, void *p, size_t n)
{
    struct reply *y;
    int64_t rc = open_reply(pub, reply, &y);

    if (rc == 0 && n == 0)
        rc = ET_EINVAL;
    if (rc == 0 && fetch_state(y->owner.fetch) == 0 &&
        !fetch_has_head(y->owner.fetch))
        rc = ET_EPHASE;
    if (rc < 0)
        return rc;
    while ((rc = fetch_read(y->owner.fetch, p, n)) == FETCH_MORE)
        if ((rc = wait_for(y)) < 0)
            return rc;
    return rc;
}

static int32_t
send_(et_req *pub, et_reply *reply, const void *p, size_t n)
{
    struct reply *y;
    int32_t rc = open_reply(pub, reply, &y);

    if (rc == 0 && n == 0)
        rc = ET_EINVAL;
    if (rc == 0)
        rc = fetch_state(y->owner.fetch);
    if (rc == 0)
        rc = fetch_send(y->owner.fetch, p, n);
    if (rc == 0)
        rc = settle(y);
    if (rc == 0 && fetch_has_head(y->owner.fetch))
        return ET_EPHASE;
    return rc;
}

static int32_t
head(et_req *pub, et_reply *reply)
{
    struct reply *y;
    int32_t rc = open_reply(pub, reply, &y);

    if (rc == 0)
        rc = fetch_state(y->owner.fetch);
    if (rc == 0 && !fetch_has_head(y->owner.fetch))
        rc = fetch_end(y->owner.fetch);
    return rc < 0 ? rc : settle(y);
}

static void
close_(et_req *pub, et_reply *reply)
{
    struct reply *y = CONTAINER_OF(reply, struct reply, pub);

    if (reply && y->magic == REPLY_MAGIC && y->r == req_of(pub) && !y->waiting)
        close_reply(y);
}

/* What asks for all of a reply: its own copy, with a bound. */
static et_fetch_ask
bounded(const et_fetch_ask *ask)
{
    et_fetch_ask copy = {0};

    memcpy(&copy, ask, ask->size < sizeof copy ? ask->size : sizeof copy);
    if (copy.max_body == 0)
        copy.max_body = BODY_MAX;
    return copy;
}

static int
is_whole(const et_fetch_ask *ask)
{
    return ask && fetch_is_ask(ask) && !(ask->flags & ET_FETCH_STREAM);
}

static int32_t
fetch(et_req *pub, const et_fetch_ask *what, et_reply **reply)
{
    et_fetch_ask copy;
    struct reply *y;
    int64_t rc;

    *reply = NULL;
    if (!is_whole(what))
        return ET_EINVAL;
    copy = bounded(what);
    rc = ask(pub, &copy, &y);
    if (rc < 0)
        return (int32_t)rc;
    while ((rc = collect(y)) == FETCH_MORE)
        if ((rc = wait_for(y)) < 0)
            break;
    close_reply(y);
    if (rc == 0)
        *reply = &y->pub;
    return (int32_t)rc;
}

/* ---- by a token ----------------------------------------------------------*/

/* As far as it goes now; at its end the token is told. */
static void
go_on(struct fetch_owner *owner)
{
    struct reply *y = CONTAINER_OF(owner, struct reply, owner);
    int64_t rc = fetch_state(owner->fetch);

    if (rc == 0)
        rc = collect(y);
    if (rc == FETCH_MORE)
        return;
    if (rc < 0)
        y->pub.status = 0;
    y->pub.rc = (int32_t)rc;
    close_reply(y);
    (void)!waits_fire(y->token, y->pub.rc);
}

static int32_t
start(et_req *pub, const et_fetch_ask *what, et_token token, et_reply **reply)
{
    et_fetch_ask copy;
    struct reply *y;
    int32_t rc;

    *reply = NULL;
    if (!is_whole(what) || !waits_find(token))
        return ET_EINVAL;
    copy = bounded(what);
    y = new_reply(req_of(pub), go_on);
    if (!y)
        return ET_ENOMEM;
    y->token = token;
    rc = fetch_begin(y->r, &copy, &y->owner);
    if (rc < 0)
        return rc;
    *reply = &y->pub;
    go_on(&y->owner);
    return 0;
}

static const et_fetch_api iface = {
    .size = sizeof iface,
    .open = open_,
    .read = read_,
    .send = send_,
    .head = head,
    .close = close_,
    .fetch = fetch,
    .start = start,
};

const et_fetch_api *
fetching_iface(void)
{
    return &iface;
}
