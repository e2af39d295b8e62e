/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_stream.c - see h2_stream.h. */
#include "conn/h2_stream.h"

#include <errno.h>
#include <string.h>

#include "base/blocks.h"
#include "base/err.h"
#include "base/log.h"
#include "conn/body.h"
#include "conn/env.h"
#include "conn/h2.h"
#include "conn/h2_answer.h"
#include "conn/h2_early.h"
#include "conn/h2_own.h"
#include "conn/h2_tunnel.h"
#include "conn/tls.h"
#include "conn/walk.h"
#include "http/dispatch.h"
#include "http/req.h"
#include "http/task.h"

/* At most so much comes at a time. */
#define READ_BYTES 16384u

static struct env *
env_of(const struct h2_stream *t)
{
    return t->h2->conn->env;
}

static void
drop_block(struct h2_stream *t, char **p, uint32_t cap)
{
    if (*p)
        blocks_give(&env_of(t)->blocks, *p, cap);
    *p = NULL;
}

static void
drop_in(struct h2_stream *t)
{
    drop_block(t, &t->in, t->in_cap);
    t->in_start = t->in_end = t->in_cap = 0;
}

/* ---- a request's body
 * ------------------------------------------------------*/

/* A block for n bytes: a small one, or one for what is read at a time, so that
 * no other kinds are wanted when there is no memory for them. */
static size_t
block_for(size_t n)
{
    if (n <= BLOCKS_MIN_BYTES)
        return BLOCKS_MIN_BYTES;
    return n < READ_BYTES ? READ_BYTES : n;
}

/* Keep what comes behind what is kept: 0 or ERR_NOMEM. */
static int
keep(struct h2_stream *t, const char *p, size_t n)
{
    size_t kept = t->in_end - t->in_start, got;
    char *to;

    if (n > t->in_cap - t->in_end) {
        to = blocks_take(&env_of(t)->blocks, block_for(kept + n), &got);
        if (!to)
            return ERR_NOMEM;
        if (kept > 0)
            memcpy(to, t->in + t->in_start, kept);
        drop_block(t, &t->in, t->in_cap);
        t->in = to;
        t->in_cap = (uint32_t)got;
        t->in_start = 0;
        t->in_end = (uint32_t)kept;
    }
    memcpy(t->in + t->in_end, p, n);
    t->in_end += (uint32_t)n;
    return 0;
}

/* The client may send as much again. */
static void
open_window(struct h2_stream *t, size_t n)
{
    if (n > 0 &&
        nghttp2_session_consume_stream(h2_own_session(t->h2), t->id, n) < 0)
        log_debug("no memory for a WINDOW_UPDATE");
}

void
h2_stream_use(struct h2_stream *t, size_t n)
{
    t->in_start += (uint32_t)n;
    if (t->in_start == t->in_end)
        drop_in(t);
    open_window(t, n);
}

/* Nobody will ask for it any more. */
static int
is_unwanted(const struct h2_stream *t)
{
    return t->x.phase == CONN_SEND || t->x.phase == CONN_DISCARD ||
           t->x.phase == CONN_CLOSED;
}

void
h2_stream_data(struct h2_stream *t, const char *p, size_t n)
{
    if (is_unwanted(t)) { /* and the window is not opened again */
        h2_early_data(t);
        return;
    }
    t->x.since_ms = env_of(t)->clock.mono_ms;
    if (keep(t, p, n) < 0) {
        (void)conn_out_of_memory(env_of(t));
        h2_stream_reset(t, NGHTTP2_INTERNAL_ERROR);
    } else {
        h2_own_note(t, H2_NEWS_BODY);
    }
}

void
h2_stream_eof(struct h2_stream *t)
{
    t->x.is_eof = 1;
    h2_early_ended(t);
    h2_own_note(t, H2_NEWS_BODY);
}

/* 0, or why it is refused. */
static int
keep_trailer(struct h2_stream *t, et_str name, et_str value)
{
    struct req *r = t->x.req;
    size_t need = r->trailers.n + name.n + value.n + HTTP1_OUT_FIELD_MORE;
    char *to = (char *)(uintptr_t)r->trailers.p;

    if (need > env_of(t)->limits.head.max_header)
        return ERR_FIELDS_LARGE;
    if (need > t->trailers_cap) {
        to = arena_alloc(&r->arena, 2 * need);
        if (!to)
            return ERR_NOMEM;
        if (r->trailers.n)
            memcpy(to, r->trailers.p, r->trailers.n);
        t->trailers_cap = (uint32_t)(2 * need);
    }
    http1_out_field(to + r->trailers.n, name, value);
    r->trailers = (et_str){to, need};
    return 0;
}

void
h2_stream_trailer(struct h2_stream *t, et_str name, et_str value)
{
    if (t->x.req && t->trailer_rc == 0 && !is_unwanted(t))
        t->trailer_rc = (int16_t)keep_trailer(t, name, value);
}

/* What is kept goes to the body that is collected. */
static int
feed(struct h2_stream *t)
{
    size_t n = t->in_end - t->in_start, used = 0;
    int rc = 0;

    if (n > 0)
        rc = body_feed(t->x.body, t->in + t->in_start, n, &used);
    h2_stream_use(t, n);
    return rc;
}

/* A step waits for all of the body: that may be there. */
static void
collect(struct h2_stream *t)
{
    struct exchange *x = &t->x;

    while (x->phase == CONN_BODY) {
        int rc = feed(t);
        if (rc >= 0)
            rc = t->trailer_rc;
        if (rc >= 0 && x->is_eof)
            rc = body_shut(x->body);
        if (rc < 0)
            walk_end_waiting(x, rc);
        else if (x->is_eof)
            walk_body_came(x);
        else
            return;
    }
}

/* ---- what a request asks of its stream
 * -------------------------------------*/

static int
sink_peer(struct req *r, struct addr *out)
{
    return conn_peer(h2_stream_of(r->sink_ctx)->h2->conn, out);
}

/* All of a body that is read has come; what is in front of trailers that are
 * refused is good. */
static void
shut_read(struct h2_stream *t)
{
    if (t->trailer_rc == 0)
        (void)!body_shut(t->x.body); /* which cannot fail */
    else if (!t->in)
        t->x.body->failed = t->trailer_rc;
}

static int64_t
sink_read(struct req *r, char *p, size_t n)
{
    struct h2_stream *t = h2_stream_of(r->sink_ctx);
    struct exchange *x = &t->x;
    size_t used;
    int64_t got;

    if (x->is_eof && x->body && !x->body->collects)
        shut_read(t);
    got = walk_read(x, t->in ? t->in + t->in_start : "",
                    t->in_end - t->in_start, &used, p, n);
    if (used > 0)
        h2_stream_use(t, used);
    return got;
}

static int64_t
sink_write(struct req *r, const char *p, size_t n)
{
    return h2_answer_write(h2_stream_of(r->sink_ctx), p, n);
}

static void
carry_send(struct exchange *x)
{
    h2_early_begin(h2_stream_of(x));
    h2_answer_send(h2_stream_of(x));
}

static int
carry_begin(struct exchange *x)
{
    return h2_answer_begin(h2_stream_of(x));
}

static void
carry_end(struct exchange *x, int is_whole)
{
    h2_early_begin(h2_stream_of(x));
    h2_answer_end(h2_stream_of(x), is_whole);
}

static void
carry_drop(struct exchange *x)
{
    h2_stream_reset(h2_stream_of(x), NGHTTP2_INTERNAL_ERROR);
}

static void
carry_continue(struct exchange *x)
{
    h2_answer_continue(h2_stream_of(x));
}

static void
carry_take(struct exchange *x)
{
    h2_tunnel_begin(h2_stream_of(x));
}

static int
carry_has_bytes(const struct exchange *x)
{
    const struct h2_stream *t = CONTAINER_OF(x, const struct h2_stream, x);

    return t->in_end > t->in_start || x->is_eof;
}

static void
carry_resume(struct exchange *x)
{
    struct h2_stream *t = h2_stream_of(x);

    h2_own_note(t, H2_NEWS_BODY); /* of which a part may be there */
    h2_turn(t->h2->conn);
}

static const struct carrier h2_carrier = {
    .sink = {.peer = sink_peer,
             .read = sink_read,
             .write = sink_write,
             .wake = walk_wake},
    .send = carry_send,
    .begin = carry_begin,
    .end = carry_end,
    .drop = carry_drop,
    .say_continue = carry_continue,
    .take = carry_take,
    .has_bytes = carry_has_bytes,
    .resume = carry_resume,
};

/* ---- life -----------------------------------------------------------------*/

struct h2_stream *
h2_stream_new(struct h2 *h, int32_t id)
{
    struct conn *c = h->conn;
    struct env *env = c->env;
    struct h2_stream *t = slab_take(&env->h2_streams);

    if (!t)
        return NULL;
    memset(t, 0, sizeof *t);
    if (exchange_begin(&t->x, env, &h2_carrier.sink) < 0) {
        slab_give(&env->h2_streams, t);
        return NULL;
    }
    t->x.req->session = tls_session(c);
    t->x.listener = c->listener;
    t->h2 = h;
    t->id = id;
    list_init(&t->due);
    list_push_back(&h->streams, &t->all);
    h->n_streams++;
    c->n_requests++;
    return t;
}

static void
drop_head(struct h2_stream *t)
{
    drop_block(t, &t->head_text, t->head_cap);
}

void
h2_stream_free(struct h2_stream *t)
{
    struct env *env = env_of(t);
    struct h2 *h = t->h2;

    t->x.phase = CONN_CLOSED;
    warm_forget(&t->warm);
    if (t->is_tunnel)
        h2_tunnel_free(t);
    else
        exchange_abandon(&t->x, env); /* unless it is answered */
    drop_head(t);
    drop_in(t);
    drop_block(t, &t->out, t->out_cap);
    list_remove(&t->due);
    list_remove(&t->all);
    h->n_streams--;
    h->conn->since_ms = env->clock.mono_ms;
    slab_give(&env->h2_streams, t);
}

void
h2_stream_closed(struct h2_stream *t)
{
    if (!t->is_answered)
        t->x.phase = CONN_CLOSED;
    h2_own_note(t, H2_NEWS_OVER);
}

void
h2_stream_reset(struct h2_stream *t, uint32_t code)
{
    t->x.phase = CONN_CLOSED;
    if (t->is_cut)
        return;
    t->is_cut = 1;
    if (nghttp2_submit_rst_stream(h2_own_session(t->h2), NGHTTP2_FLAG_NONE,
                                  t->id, code) < 0)
        (void)conn_out_of_memory(env_of(t));
    if (!t->h2->is_busy) { /* of one that has waited: nobody sends it else */
        h2_own_look_by(t->h2, env_of(t)->clock.mono_ms);
        conn_arm(t->h2->conn);
    }
}

/* ---- what there is to do
 * ---------------------------------------------------*/

static void
start(struct h2_stream *t)
{
    struct exchange *x = &t->x;
    int rc = t->head_rc;

    if (rc == 0)
        rc = walk_admit(x, env_of(t), t->head_text);
    drop_head(t);
    if (rc < 0)
        walk_refuse(x, rc);
    else if (rc > 0)
        walk_turn_away(x, (enum walk_away)rc);
    else
        walk_go_on(x, chain_run(x->req), carry_has_bytes(x));
}

/* Somebody may be waiting for what is kept. */
static void
tell_reader(struct h2_stream *t)
{
    if (t->x.phase == CONN_WAIT && !t->x.body_done && carry_has_bytes(&t->x))
        task_body_came(t->x.req);
}

static void
tell_writer(struct h2_stream *t)
{
    if (t->x.phase == CONN_WAIT && t->x.req->resp.is_written)
        task_room_came(t->x.req);
}

/* The answer is with the kernel, or in the block.  If the request is not all
 * there, nobody wants the rest. */
static void
end_answer(struct h2_stream *t)
{
    struct env *env = env_of(t);

    if (t->x.req) {
        exchange_log(&t->x, env);
        exchange_release(&t->x, env);
    }
    drop_in(t);
    t->x.phase = CONN_DISCARD;
    t->x.since_ms = env->clock.mono_ms;
    if (!t->x.is_eof)
        h2_own_look_by(t->h2, h2_early_due(t));
}

void
h2_stream_work(struct h2_stream *t)
{
    unsigned news = t->news;

    t->news = 0;
    if (news & H2_NEWS_SENT)
        end_answer(t);
    if (news & H2_NEWS_OVER) {
        h2_stream_free(t);
        return;
    }
    if (t->x.phase == CONN_CLOSED || t->x.phase == CONN_DISCARD)
        return;
    if (t->is_tunnel) {
        h2_tunnel_work(t);
        return;
    }
    if (news & H2_NEWS_START)
        start(t);
    if (news & (H2_NEWS_START | H2_NEWS_BODY)) {
        collect(t);
        tell_reader(t);
    }
    if (news & H2_NEWS_ROOM)
        tell_writer(t);
}

/* ---- deadlines
 * -------------------------------------------------------------*/

/* As that of HTTP/1 (deadline.c): no byte for body_ms, or too few of them. */
static int
is_body_late(const struct h2_stream *t)
{
    const struct exchange *x = &t->x;
    const struct limits *l = &env_of(t)->limits;
    uint64_t body_ms = dispatch_body_ms(x->req, l->body_ms), due_ms, rate_ms;

    if (body_ms == 0)
        return 0;
    due_ms = x->since_ms + body_ms;
    if (l->body_min_rate > 0) {
        rate_ms =
            x->body->began_ms + body_ms + x->body->n * 1000 / l->body_min_rate;
        if (rate_ms < due_ms)
            due_ms = rate_ms;
    }
    return env_of(t)->clock.mono_ms >= due_ms;
}

/* The client takes nothing, or next to nothing: its window, or the
 * connection's, is shut.  Who waits for other streams is not late. */
static int
is_stuck(struct h2_stream *t)
{
    struct h2 *h = t->h2;
    uint64_t now_ms = env_of(t)->clock.mono_ms, since_ms;
    nghttp2_session *s;

    if (!h2_answer_waits(t)) {
        h2_pace_restart(&t->pace, now_ms);
        return 0;
    }
    s = h2_own_session(h);
    since_ms = h2_pace_since(&t->pace, now_ms);
    if (nghttp2_session_get_stream_remote_window_size(s, t->id) > 0) {
        if (nghttp2_session_get_remote_window_size(s) > 0) {
            h2_pace_restart(&t->pace, now_ms);
            return 0;
        }
        if (h2_pace_since(&h->pace, now_ms) > since_ms)
            since_ms = h2_pace_since(&h->pace, now_ms);
    }
    if (h->conn->is_eof) /* nobody can open it any more */
        return 1;
    return now_ms >=
           since_ms + dispatch_write_ms(t->x.req, env_of(t)->limits.write_ms);
}

static void
look_at_rest(struct h2_stream *t)
{
    uint64_t due_ms;

    if (t->x.is_eof)
        return;
    due_ms = h2_early_due(t);
    if (env_of(t)->clock.mono_ms >= due_ms)
        h2_stream_reset(t, NGHTTP2_NO_ERROR);
    else
        h2_own_look_by(t->h2, due_ms);
}

void
h2_stream_look(struct h2_stream *t)
{
    if (t->x.phase == CONN_DISCARD) {
        look_at_rest(t);
    } else if (t->x.phase == CONN_BODY && is_body_late(t)) {
        metrics_add(env_of(t)->metrics, METRIC_timeouts, 1);
        walk_end_waiting(&t->x, ERR_TIMEOUT);
    } else if (t->x.phase == CONN_STREAM && !is_stuck(t)) {
        h2_tunnel_look(t);
    } else if (t->x.phase != CONN_CLOSED && is_stuck(t)) {
        metrics_add(env_of(t)->metrics, METRIC_timeouts, 1);
        h2_stream_reset(t, NGHTTP2_CANCEL);
    }
}
