/* SPDX-License-Identifier: BSD-2-Clause */
/* upgraded.c - see upgraded.h. */
#include "conn/upgraded.h"

#include <errno.h>

#include "conn/conn.h"
#include "conn/env.h"
#include "conn/exchange.h"
#include "conn/h1.h"
#include "conn/out.h"
#include "http/gen.h"
#include "http/req.h"
#include "http/route.h"
#include "http/stream.h"
#include "http/stream_task.h"
#include "http/streams.h"
#include "http/upgrade.h"
#include "proto/http1_out.h"

/* Streams that are looked at in one turn: what others wait for meanwhile. */
#define TURN_MAX 1024u
/* Larger frames go to blocks of their own. */
#define ROOM_MAX 4096u

/* ---- what a stream asks of its connection ---------------------------------*/

static char *
sink_room(struct stream *s, size_t n)
{
    struct conn *c = s->sink_ctx;

    return n <= ROOM_MAX && c->phase == CONN_STREAM ? out_room(c, n) : NULL;
}

static void
sink_commit(struct stream *s, size_t n)
{
    out_commit(s->sink_ctx, n);
}

static size_t
sink_unsent(const struct stream *s)
{
    const struct conn *c = s->sink_ctx;

    return c->out ? c->out->end - c->out->start : 0;
}

static void
sink_over(struct stream *s)
{
    struct conn *c = s->sink_ctx;

    if (c->phase == CONN_CLOSED)
        return;
    c->phase = CONN_FLUSH;
    c->closes = 1;
    c->lingers = 1; /* what the client still says is not to reset our close */
    c->since_ms = c->env->clock.mono_ms;
}

static void
sink_turn(struct stream *s)
{
    struct conn *c = s->sink_ctx;

    if (c->phase != CONN_CLOSED)
        h1_resume(c);
}

static int
sink_peer(const struct stream *s, struct addr *out)
{
    return conn_peer(s->sink_ctx, out);
}

static const struct stream_sink sink = {
    .room = sink_room,
    .commit = sink_commit,
    .unsent = sink_unsent,
    .over = sink_over,
    .turn = sink_turn,
    .peer = sink_peer,
};

/* ---- a step that goes on: its request's sink is the stream
 * ------------------*/

static int
task_peer(struct req *r, struct addr *out)
{
    struct stream *s = r->sink_ctx;

    return s->sink_ctx ? s->sink->peer(s, out) : -ENOTCONN;
}

/* It has none. */
static int64_t
task_read(struct req *r, char *p, size_t n)
{
    (void)r;
    (void)p;
    (void)n;
    return 0;
}

/* Its step is over. */
static void
end_task(struct stream *s, struct req *r, int is_whole)
{
    struct env *env = CONTAINER_OF(req_worker(r), struct env, worker);

    stream_task_over(s, is_whole);
    exchange_end(env, r);
    if (s->sink_ctx)
        return;
    env->n_strays--;
    stream_free(s);
}

static void
task_wake_up(struct req *r)
{
    enum chain_result result = CHAIN_DROP;

    if (r->pause.state != PAUSE_OFF)
        result = chain_resume(r);
    if (result != CHAIN_WAIT)
        end_task(r->sink_ctx, r, result == CHAIN_DONE);
}

static const struct sink task_sink = {
    .peer = task_peer, .read = task_read, .wake = task_wake_up};

void
upgraded_part(struct exchange *x, struct env *env, struct stream *s)
{
    struct req *r;

    x->is_request_counted = 0; /* it goes on being one of its client's */
    if (!s->has_task) {
        exchange_log(x, env);
        exchange_release(x, env);
        return;
    }
    r = exchange_part(x, env);
    r->sink = &task_sink;
    r->sink_ctx = s;
}

/* The client has gone.  What works for its step elsewhere is waited for. */
static void
abandon_task(struct env *env, struct stream *s)
{
    struct req *r = stream_task_request(s);

    stream_gone(s);
    env->n_strays++;
    if (pause_abandon(r, ET_ECANCEL))
        end_task(s, r, 0);
}

/* ---- begin and end --------------------------------------------------------*/

/* The head of the answer; 0, or below 0 without memory. */
static int
put_head(struct conn *c)
{
    const struct req *r = c->req;
    const struct resp *resp = &r->resp;
    const struct env *env = c->env;
    size_t max = HTTP1_OUT_MAX + resp->fields_len + upgrade_max(r->upgrade);
    char *start = out_room(c, max), *p;

    if (!start && out_flush(c) == OUT_DONE) /* what is in front of it */
        start = out_room(c, max);
    if (!start)
        return -1;
    p = start;
    p = http1_out_begin(p, 101,
                        resp->has_server ? &env->common_bare : &env->common);
    p = upgrade_put(r->upgrade, p);
    for (const struct resp_field *f = resp->fields; f; f = f->next)
        p = http1_out_field(p, f->name, f->value);
    p = http1_out_end(p);
    out_commit(c, (size_t)(p - start));
    return 0;
}

void
upgraded_begin(struct conn *c)
{
    struct env *env = c->env;
    struct req *r = c->req;
    struct stream *s;

    r->resp.committed = 1;
    s = stream_new(&env->streams, r, r->upgrade, &sink, c);
    if (!s || put_head(c) < 0) {
        if (s)
            stream_free(s);
        conn_close(c);
        return;
    }
    upgraded_part(&c->x, env, s);
    c->stream = s;
    c->phase = CONN_STREAM;
    c->since_ms = env->clock.mono_ms;
    stream_open(s);
}

void
upgraded_free(struct conn *c)
{
    struct stream *s = c->stream;

    c->stream = NULL;
    upgraded_gone(c->env, s);
}

void
upgraded_gone(struct env *env, struct stream *s)
{
    if (s->has_task)
        abandon_task(env, s);
    else
        stream_free(s);
}

void
upgraded_unpinned(struct streams *all, struct gen_worker *g)
{
    struct env *env = CONTAINER_OF(all, struct env, streams);

    if (g != env->gen)
        env->on_retired(env, g);
}

/* ---- input and output -----------------------------------------------------*/

size_t
upgraded_input(struct conn *c, const char *p, size_t n)
{
    struct stream *s = c->stream;

    if (!out_is_pending(c))
        c->since_ms = c->env->clock.mono_ms; /* else it is of what waits */
    stream_sent(s);
    if (n == 0 || c->phase != CONN_STREAM)
        return 0;
    return stream_in_feed(s, (char *)(uintptr_t)p, n);
}

void
upgraded_flushed(struct conn *c, int has_more)
{
    struct stream *s = c->stream;

    if ((has_more && !stream_in_is_blocked(s)) || stream_wants_room(s))
        streams_add(s);
}

void
upgraded_turn(struct env *env)
{
    struct stream *s;

    for (uint32_t i = 0; i < TURN_MAX; i++) {
        s = streams_next(&env->streams);
        if (!s)
            return;
        s->sink->turn(s);
    }
}

/* ---- deadlines ------------------------------------------------------------*/

/* Its route may have a limit of its own. */
static uint64_t
write_ms(const struct conn *c)
{
    const struct route *route = c->stream->route;

    return route && route->write_timeout_ms >= 0
               ? (uint64_t)route->write_timeout_ms
               : c->env->limits.write_ms;
}

static uint64_t
write_due(const struct conn *c)
{
    return out_is_pending(c) ? c->since_ms + write_ms(c) : UINT64_MAX;
}

uint64_t
upgraded_due(const struct conn *c)
{
    uint64_t stuck_ms = write_due(c), due_ms = stream_due_ms(c->stream);

    return stuck_ms < due_ms ? stuck_ms : due_ms;
}

void
upgraded_timeout(struct conn *c)
{
    int is_stuck = c->env->clock.mono_ms >= write_due(c);

    if (is_stuck)
        metrics_add(c->env->metrics, METRIC_timeouts, 1);
    if (is_stuck || stream_look(c->stream) < 0)
        conn_close(c);
    else
        h1_resume(c);
}
