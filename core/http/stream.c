/* SPDX-License-Identifier: BSD-2-Clause */
/* stream.c - the life of a WebSocket; see stream.h. */
#include "http/stream.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/metrics.h"
#include "http/gen.h"
#include "http/host.h"
#include "http/req.h"
#include "http/stream_task.h"
#include "http/streams.h"
#include "http/upgrade.h"
#include "http/waits.h"
#include "plug/guard.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/plugin.h"
#include "proto/ws.h"
#include "proto/ws_zip.h"

static uint64_t
now_ms(const struct stream *s)
{
    return s->all->worker->clock->mono_ms;
}

const char *
stream_section(const et_ctx *c)
{
    return stream_of(CONTAINER_OF((et_ctx *)(uintptr_t)c, et_ws, ctx))
        ->instance->name;
}

/* ---- calls ---------------------------------------------------------------*/

static void end(struct stream *s);

int
stream_call(struct stream *s, int (*fn)(void *arg), void *arg)
{
    struct image *image = s->instance->plugin->image;
    const struct guard_who who = {
        .call = GUARD_STREAM, .image = image, .name = s->instance->name};

    if (LIKELY(guard_run(&who, fn, arg) != LEAP_LEFT))
        return 0;
    atomic_store(&image->has_crashed, 1);
    s->is_open = 0; /* it takes no further part */
    stream_fail(s, WS_CODE_INTERNAL);
    return -1;
}

/* The callback of that name, if the plugin has it. */
#define HAS(s, name) (ET_HAS((s)->calls, et_ws_calls, name) && (s)->calls->name)

static int
call_open(void *arg)
{
    struct stream *s = arg;

    s->calls->open(&s->pub, s->self);
    return 0;
}

static int
call_writable(void *arg)
{
    struct stream *s = arg;

    s->calls->writable(&s->pub, s->self);
    return 0;
}

static int
call_retiring(void *arg)
{
    struct stream *s = arg;

    s->calls->retiring(&s->pub, s->self);
    return 0;
}

struct closing {
    struct stream *s;
    uint32_t code;
    et_str reason;
};

static int
call_close(void *arg)
{
    const struct closing *c = arg;

    c->s->calls->close(&c->s->pub, c->s->self, c->code, c->reason);
    return 0;
}

/* ---- its begin -----------------------------------------------------------*/

static void
set_compression(struct stream *s, const struct upgrade *u)
{
    if (!u->has_deflate)
        return;
    s->zip = ws_zip_new(s->all->blocks, &u->deflate);
    s->is_compressing = s->zip != NULL;
    if (s->zip)
        s->all->zip_bytes += ws_zip_cost(&u->deflate);
}

struct stream *
stream_new(struct streams *all, const struct req *r, const struct upgrade *u,
           const struct stream_sink *sink, void *sink_ctx)
{
    struct stream *s = slab_take(&all->slab);

    if (!s)
        return NULL;
    *s = (struct stream){
        .pub = {.ctx = {sizeof s->pub, ET_K_WS, r->pub.ctx.host},
                .worker = r->pub.worker,
                .ws = upgrade_iface(),
                .data = u->data,
                .protocol = u->protocol},
        .magic = STREAM_MAGIC,
        .max_message = u->max_message,
        .queue_max = u->queue_max,
        .ping_ms = u->ping_ms,
        .sink = sink,
        .sink_ctx = sink_ctx,
        .all = all,
        .calls = u->calls,
        .self = u->self,
        .has_task = u->is_task,
        .instance = u->instance,
        .route = r->route,
        .gen = r->gen,
        .end_ms = UINT64_MAX,
    };
    list_init(&s->due);
    list_init(&s->bonds);
    segment_init(&s->queue);
    s->heard_ms = now_ms(s);
    set_compression(s, u);
    if (u->has_deflate && !s->zip) {
        s->pub.ctx.host = NULL;
        slab_give(&all->slab, s);
        return NULL;
    }
    s->gen->n_active++;
    metrics_add(all->worker->metrics, METRIC_ws_active, 1);
    return s;
}

void
stream_open(struct stream *s)
{
    s->is_open = 1;
    if (s->has_task)
        stream_task_begin(s);
    else if (HAS(s, open) && stream_call(s, call_open, s) < 0)
        return;
    if (s->all->is_ending)
        stream_retire(s, s->all->due_ms);
}

/* ---- its end -------------------------------------------------------------*/

static void
unpin(struct stream *s)
{
    struct gen_worker *g = s->gen;

    s->gen = NULL;
    s->route = NULL;
    if (--g->n_active == 0)
        s->all->on_unpinned(s->all, g);
}

static void
cut_bonds(struct stream *s)
{
    LIST_FOR_EACH_SAFE(link, &s->bonds)
    {
        struct stream_bond *b = CONTAINER_OF(link, struct stream_bond, link);
        list_remove(&b->link);
        b->on_over(b);
    }
}

/* What it holds of others goes back; only the queue is left. */
static void
end(struct stream *s)
{
    s->is_over = 1;
    s->end_ms = UINT64_MAX;
    stream_in_drop(s);
    if (s->zip) {
        s->all->zip_bytes -= ws_zip_cost(ws_zip_agreed(s->zip));
        ws_zip_free(s->zip);
        s->zip = NULL;
    }
    if (s->token)
        CHECK(waits_cancel(s->token));
    s->token = NULL;
    cut_bonds(s);
    metrics_sub(s->all->worker->metrics, METRIC_ws_active, 1);
    metrics_add(s->all->worker->metrics, METRIC_ws_closed, 1);
    unpin(s);
}

/* close is called, if it is to be; then it is over. */
static void
finish(struct stream *s, uint32_t code, et_str reason)
{
    struct closing c = {s, code, reason};

    s->is_closing = 1;
    if (s->is_open && HAS(s, close)) {
        s->is_open = 0; /* a crash in it is not one more end */
        if (stream_call(s, call_close, &c) < 0)
            return;
    }
    end(s);
    s->sink->over(s);
    streams_add(s); /* what is queued still goes out */
    if (s->has_task && s->is_open) {
        s->is_open = 0;
        stream_task_closed(s, code, reason);
    }
}

static void
cut(struct stream *s)
{
    if (!s->is_over)
        finish(s, s->is_ours ? s->code : WS_CODE_GONE, (et_str){"", 0});
    list_remove(&s->due);
    segment_clear(&s->queue);
}

void
stream_gone(struct stream *s)
{
    s->is_open = 0;
    cut(s);
    s->sink_ctx = NULL;
}

void
stream_free(struct stream *s)
{
    struct streams *all = s->all;

    cut(s);
    s->magic = 0;
    s->pub.ctx.host = NULL;
    slab_give(&all->slab, s);
}

/* ---- closing -------------------------------------------------------------*/

/* A close frame, the first; the client's is waited for from now on. */
static int
send_close(struct stream *s, unsigned code, et_str reason)
{
    char data[WS_CONTROL_MAX];
    int n = ws_close_payload(data, code, reason);

    if (n < 0)
        return ET_EINVAL;
    if (stream_out_control(s, WS_OP_CLOSE, (et_str){data, (size_t)n}) < 0)
        return ET_ENOMEM;
    s->is_closing = 1;
    s->end_ms = now_ms(s) + STREAM_CLOSE_MS;
    streams_add(s);
    return 0;
}

int32_t
stream_close(et_ws *pub, uint32_t code, et_str reason)
{
    struct stream *s = stream_of(pub);

    if (s->is_closing || s->is_over)
        return ET_ECANCEL;
    return code == WS_CODE_NONE ? ET_EINVAL : send_close(s, code, reason);
}

void
stream_shut(struct stream *s, unsigned code)
{
    if (s->is_closing || s->is_over)
        return;
    s->is_ours = 1;
    s->code = (uint16_t)code;
    if (send_close(s, code, (et_str){"", 0}) < 0) {
        s->is_closing = 1;
        s->end_ms = now_ms(s);
        streams_add(s);
    }
}

void
stream_dismiss(struct stream *s, unsigned code)
{
    if (s->has_task && !s->is_closing && !s->is_over)
        stream_task_retire(s);
    stream_shut(s, code);
}

void
stream_fail(struct stream *s, unsigned code)
{
    if (s->is_over)
        return;
    if (!s->is_closing)
        (void)send_close(s, code, (et_str){"", 0}); /* else without a word */
    finish(s, code, (et_str){"", 0});
}

void
stream_closed(struct stream *s, unsigned code, et_str reason)
{
    if (s->is_over)
        return;
    if (!s->is_closing)
        (void)send_close(s, code, (et_str){"", 0});
    finish(s, code, reason);
}

void
stream_retire(struct stream *s, uint64_t due_ms)
{
    if (s->is_over)
        return;
    if (!s->is_closing && due_ms < s->end_ms)
        s->end_ms = due_ms;
    streams_add(s); /* its deadline may be another one */
    if (s->is_retired)
        return;
    s->is_retired = 1;
    if (!s->is_closing && s->is_open && HAS(s, retiring))
        (void)!stream_call(s, call_retiring, s);
}

/* ---- deadlines -----------------------------------------------------------*/

/* Who does not take what is sent is found out by the connection; one that does
 * may have an answer on its way that is not read here. */
static int
may_be_mute(const struct stream *s)
{
    return s->is_pinged && stream_in_is_blocked(s);
}

uint64_t
stream_due_ms(const struct stream *s)
{
    uint64_t ping_ms = UINT64_MAX;

    if (s->ping_ms && !s->is_over && !s->is_closing && !may_be_mute(s))
        ping_ms = s->heard_ms + s->ping_ms;
    return ping_ms < s->end_ms ? ping_ms : s->end_ms;
}

/* Nothing has been heard for long. */
static int
ping(struct stream *s)
{
    if (s->is_pinged)
        return -1;
    s->is_pinged = 1;
    s->heard_ms = now_ms(s);
    return stream_out_control(s, WS_OP_PING, (et_str){"", 0});
}

int
stream_look(struct stream *s)
{
    uint64_t now = now_ms(s);

    if (now < stream_due_ms(s))
        return 0;
    if (now < s->end_ms)
        return ping(s);
    if (!s->is_closing)
        stream_dismiss(s, STREAMS_RESTART);
    else /* the client's close has not come */
        finish(s, s->is_ours ? s->code : WS_CODE_GONE, (et_str){"", 0});
    return 0;
}

void
stream_bind(struct stream *s, struct stream_bond *b)
{
    CHECK(!s->is_over);
    list_push_back(&s->bonds, &b->link);
}

/* Another one begins each time: none takes all the room. */
static void
tell_bonds(struct stream *s)
{
    s->is_short = 0;
    if (!list_is_empty(&s->bonds))
        list_push_back(&s->bonds, list_pop(&s->bonds));
    LIST_FOR_EACH_SAFE(link, &s->bonds)
    {
        struct stream_bond *b = CONTAINER_OF(link, struct stream_bond, link);
        b->on_room(b);
    }
}

int
stream_wants_room(const struct stream *s)
{
    return s->is_full || s->is_short;
}

/* Whose answer to a ping was not read has its time once it is. */
static void
give_time(struct stream *s)
{
    if (may_be_mute(s)) {
        s->is_mute = 1;
    } else if (s->is_mute) {
        s->is_mute = 0;
        s->heard_ms = now_ms(s);
    }
}

void
stream_sent(struct stream *s)
{
    give_time(s);
    if (s->has_task && s->is_closing)
        stream_task_room(s);
    if (!stream_wants_room(s) || s->is_over || stream_out_waiting(s) > 0)
        return;
    if (s->is_short)
        tell_bonds(s);
    if (!s->is_full)
        return;
    s->is_full = 0;
    if (s->has_task)
        stream_task_room(s);
    else if (!s->is_closing && HAS(s, writable))
        (void)!stream_call(s, call_writable, s);
}

/* ---- from other threads --------------------------------------------------*/

/* Of a wait that is a stream's, and nobody else's. */
static void
never(struct wait *w, int32_t rc)
{
    (void)w;
    (void)rc;
}

et_token
stream_token(et_ws *pub)
{
    struct stream *s = stream_of(pub);

    if (s->is_over)
        return 0;
    if (!s->token)
        s->token = waits_hold(s->all->worker->waits, s);
    if (!s->token)
        return 0;
    s->token->on_fired = never;
    return waits_token(s->token);
}

struct post {
    struct mail mail;
    et_token token;
    struct stream *found; /* by who delivers it */
    void (*fn)(et_ws *s, void *arg);
    void *arg;
};

static int
call_post(void *arg)
{
    const struct post *p = arg;

    p->fn(&p->found->pub, p->arg);
    return 0;
}

static void
deliver(void *reader, struct mail *m)
{
    struct post *p = CONTAINER_OF(m, struct post, mail);
    const struct wait *w = waits_find(p->token);

    (void)reader;
    if (w && w->on_fired == never) { /* else it is over, or never was */
        p->found = w->owner;
        (void)!stream_call(p->found, call_post, p);
    }
    free(p);
}

int32_t
stream_post(et_token t, void (*fn)(et_ws *s, void *arg), void *arg)
{
    struct post *p = fn ? malloc(sizeof *p) : NULL;
    int32_t rc;

    if (!p)
        return fn ? ET_ENOMEM : ET_EINVAL;
    *p = (struct post){
        .mail = {.deliver = deliver}, .token = t, .fn = fn, .arg = arg};
    rc = waits_post(t, &p->mail);
    if (rc < 0)
        free(p);
    return rc;
}
