/* SPDX-License-Identifier: BSD-2-Clause */
/* stream_task.c - see stream_task.h. */
#include "http/stream_task.h"

#include <string.h>

#include "base/blocks.h"
#include "base/err.h"
#include "http/host.h"
#include "http/req.h"
#include "http/stream.h"
#include "http/streams.h"
#include "http/task.h"
#include "http/upgrade.h"
#include "proto/ws.h"

/* A message, in a block of its own. */
struct held {
    uint32_t type; /* 0: there is none */
    char *p;
    size_t n, size;  /* size 0: no block is needed */
    int is_inflated; /* the block counts among streams.inflated_bytes */
};

/* A part that waits for room; on its stack. */
struct putter {
    struct putter *next;
    struct task *task;
};

/* In the request's memory. */
struct stream_task {
    struct req *r;
    struct stream *s;       /* NULL: it has not begun */
    struct task *receiver;  /* who waits in recv, or NULL */
    struct putter *putters; /* the first is the next to be woken */
    struct held next;       /* that no recv has returned yet */
    struct held current;    /* that the last one has returned */
    uint32_t code;          /* it is closed, with that; 0: it is not */
    et_str reason;
    char text[WS_CONTROL_MAX]; /* of the reason */
};

/* None of them is called. */
static const et_ws_calls no_calls = {.size = sizeof no_calls};

/* ---- messages ------------------------------------------------------------*/

static void
let_go(struct stream *s, struct held *h)
{
    if (h->is_inflated)
        s->all->inflated_bytes -= h->size;
    if (h->size > 0)
        blocks_give(s->all->blocks, h->p, h->size);
    *h = (struct held){0};
}

/* A copy of text: 0 or ERR_NOMEM. */
static int
copy(struct stream *s, struct held *h, et_str text)
{
    h->p = blocks_take(s->all->blocks, text.n, &h->size);
    if (!h->p) {
        h->size = 0;
        return ERR_NOMEM;
    }
    memcpy(h->p, text.p, text.n);
    return 0;
}

int
stream_task_message(struct stream *s, uint32_t type, et_str text, size_t size,
                    int is_inflated)
{
    struct stream_task *t = s->self;
    struct held *h = &t->next;

    CHECK(h->type == 0);
    *h = (struct held){.p = (char *)(uintptr_t)text.p,
                       .size = size,
                       .is_inflated = size > 0 && is_inflated};
    if (text.n > 0 && size == 0 && copy(s, h, text) < 0)
        return ERR_NOMEM;
    h->type = type;
    h->n = text.n;
    s->is_held = 1;
    if (t->receiver)
        task_wake(t->receiver, 0);
    return 0;
}

/* ---- what happens to it --------------------------------------------------*/

struct req *
stream_task_request(const struct stream *s)
{
    const struct stream_task *t = s->self;

    return t->r;
}

void
stream_task_begin(struct stream *s)
{
    struct stream_task *t = s->self;

    t->s = s;
    t->r->sink->wake(t->r);
}

void
stream_task_room(struct stream *s)
{
    struct stream_task *t;

    while (s->has_task && (t = s->self, t->putters) &&
           (!s->is_full || s->is_closing)) {
        struct putter *p = t->putters;
        t->putters = p->next;
        task_wake(p->task, 0);
    }
}

void
stream_task_closed(struct stream *s, uint32_t code, et_str reason)
{
    struct stream_task *t = s->self;

    t->code = code;
    t->reason = (et_str){t->text, reason.n};
    if (reason.n > 0)
        memcpy(t->text, reason.p, reason.n);
    if (t->receiver)
        task_wake(t->receiver, 0);
    stream_task_room(s);
}

void
stream_task_retire(struct stream *s)
{
    pause_retire(stream_task_request(s));
}

void
stream_task_over(struct stream *s, int is_whole)
{
    struct stream_task *t = s->self;

    let_go(s, &t->next);
    let_go(s, &t->current);
    s->self = NULL;
    s->has_task = s->is_held = 0;
    s->is_open = 0; /* nobody is to be told */
    if (s->is_over)
        return;
    if (is_whole)
        stream_shut(s, s->is_retired ? STREAMS_RESTART : WS_CODE_NORMAL);
    else
        stream_fail(s, WS_CODE_INTERNAL);
    if (!s->is_over)
        streams_add(s); /* what was not read may be its end */
}

/* ---- open ----------------------------------------------------------------*/

/* It may not wait any more. */
static uint32_t
refuse(struct req *r, int32_t why)
{
    static const char not_a_task[] = "et_ws_open waits: it is for tasks";

    if (why == ET_EPHASE)
        return host_http()->fail(&r->pub, not_a_task, sizeof not_a_task - 1);
    req_decide_error(r, why == ET_ETIME ? 504 : 503);
    return r->is_spoilt ? ET_FAIL : ET_DONE;
}

/* The response steps see 101; then there is a stream, or there is none. */
static et_ws *
begin(struct stream_task *t)
{
    struct req *r = t->r;
    int32_t rc;

    resp_clear(&r->resp);
    r->resp.status = 101;
    r->pub.status = 101;
    r->pause.opens = 1;
    rc = task_wait(r, UINT64_MAX, &r->pause.tasks.opener);
    if (rc == 0 && t->s)
        return &t->s->pub;
    if (!r->resp.committed) { /* it was not even asked for */
        r->pause.opens = 0;
        resp_clear(&r->resp);
    }
    r->upgrade = NULL;
    return NULL;
}

uint32_t
stream_task_open(et_req *pub, const et_ws_ask *ask, et_ws **s)
{
    struct req *r = req_of(pub);
    int32_t rc = task_refuses(r);
    struct stream_task *t;
    struct upgrade who = {.calls = &no_calls, .is_task = 1};
    uint32_t result;

    *s = NULL;
    if (rc < 0)
        return refuse(r, rc);
    if (r->resp.committed || r->pause.opens)
        return ET_FAIL;
    t = arena_zalloc(&r->arena, sizeof *t);
    if (!t) {
        r->is_spoilt = 1;
        return ET_FAIL;
    }
    t->r = r;
    who.self = t;
    result = upgrade_begin(r, &who, ask);
    if (result != ET_TAKE)
        return result;
    *s = begin(t);
    return *s ? 0 : ET_FAIL;
}

/* ---- recv and put --------------------------------------------------------*/

/* What pub's task has of that stream; NULL: it is another's. */
static struct stream_task *
task_of(et_req *pub, et_ws *ws)
{
    struct stream *s = stream_of(ws);
    struct stream_task *t = s->has_task ? s->self : NULL;

    return t && t->r == req_of(pub) ? t : NULL;
}

/* The message that has come is the caller's. */
static void
take(struct stream_task *t, et_ws_message *m)
{
    struct stream *s = t->s;
    struct held *h = &t->current;

    *h = t->next;
    t->next = (struct held){0};
    s->is_held = 0;
    if (!s->is_over)
        streams_add(s); /* the next one may be there */
    m->type = h->type;
    m->code = 0;
    m->text = (et_str){h->n > 0 ? h->p : "", h->n};
}

static int32_t
take_end(const struct stream_task *t, et_ws_message *m)
{
    m->type = 0;
    m->code = t->code;
    m->text = t->reason;
    return 1;
}

int32_t
stream_task_recv(et_req *pub, et_ws *ws, uint64_t timeout_ms, et_ws_message *m)
{
    struct stream_task *t = task_of(pub, ws);
    int32_t rc = t ? task_refuses(t->r) : ET_EINVAL;

    if (!t || rc == ET_EPHASE || t->receiver || !ET_HAS(m, et_ws_message, code))
        return rc == ET_EPHASE ? rc : ET_EINVAL;
    let_go(t->s, &t->current);
    if (rc == 0 && t->next.type == 0 && t->code == 0)
        rc = task_wait(t->r, timeout_ms, &t->receiver);
    if (t->code != 0 && t->next.type == 0)
        return take_end(t, m);
    if (rc < 0)
        return rc;
    take(t, m);
    return 0;
}

static int32_t
wait_for_room(struct stream_task *t)
{
    struct putter me = {NULL, NULL}, **at = &t->putters;
    int32_t rc;

    while (*at)
        at = &(*at)->next;
    *at = &me;
    rc = task_wait_to_write(t->r, &me.task);
    for (at = &t->putters; *at; at = &(*at)->next) {
        if (*at == &me) { /* it was not woken for that */
            *at = me.next;
            break;
        }
    }
    return rc;
}

int32_t
stream_task_put(et_req *pub, et_ws *ws, uint32_t type, const void *p, size_t n)
{
    struct stream_task *t = task_of(pub, ws);
    int32_t rc;

    if (!t)
        return ET_EINVAL;
    do {
        rc = task_refuses_to_write(t->r);
        if (rc == 0)
            rc = stream_out_send(ws, type, p, n);
        if (rc != ET_ELIMIT)
            return rc;
        rc = wait_for_room(t);
    } while (rc == 0);
    return rc;
}
