/* SPDX-License-Identifier: BSD-2-Clause */
/* h2.c - a session of HTTP/2 on a connection: its begin, bytes in and out, its
 * deadlines, its end; see h2.h. */
#include "conn/h2.h"

#include <stdlib.h>
#include <string.h>

#include "base/blocks.h"
#include "base/err.h"
#include "base/log.h"
#include "conn/conn.h"
#include "conn/deadline.h"
#include "conn/env.h"
#include "conn/h1.h"
#include "conn/h2_calls.h"
#include "conn/h2_own.h"
#include "conn/h2_stream.h"
#include "conn/out.h"
#include "conn/transport.h"
#include "http/gen.h"
#include "http/pause.h"
#include "http/req.h"

/* Room in the output block before the library is asked for more. */
#define ROOM_MIN 1024u
/* What one turn may send of one connection before others get theirs. */
#define TURN_BYTES (1u << 20)
/* What the library may have to say before no more is received. */
#define QUEUE_MAX 1000u
/* NGHTTP2_ERR_TOO_MANY_CONTINUATIONS, which not all headers have. */
#define TOO_MANY_CONTINUATIONS (-905)
/* How often within their deadlines streams are looked at, but neither more nor
 * less often than these. */
#define LOOKS 8u
#define LOOK_MIN_MS 20u
#define LOOK_MAX_MS 1000u
/* How long the answer to the PING behind the first GOAWAY is waited for. */
#define WARN_MS 1000u

int
h2_is_built(void)
{
    return 1;
}

int
h2_sniff(const char *p, size_t n)
{
    static const char preface[] = NGHTTP2_CLIENT_MAGIC;
    size_t len = sizeof preface - 1, k = n < len ? n : len;

    if (memcmp(p, preface, k) != 0)
        return 0;
    return n >= len ? 1 : H2_SNIFF_MORE;
}

int
h2_pool_init(struct env *env, uint32_t max)
{
    env->h2_frame = malloc(H2_HEAP_SHARED_BYTES);
    if (!env->h2_frame)
        return ERR_NOMEM;
    return slab_init(&env->h2_streams, sizeof(struct h2_stream), max);
}

void
h2_pool_fini(struct env *env)
{
    slab_fini(&env->h2_streams);
    free(env->h2_frame);
    env->h2_frame = NULL;
}

/* ---- begin and end
 * ---------------------------------------------------------*/

void
h2_begin(struct conn *c)
{
    struct env *env = c->env;
    size_t got;
    struct h2 *h = blocks_take(&env->blocks, sizeof *h, &got);

    _Static_assert(sizeof *h <= BLOCKS_MIN_BYTES, "more than a block");
    if (!h) {
        (void)conn_out_of_memory(env);
        conn_close(c);
        return;
    }
    memset(h, 0, sizeof *h);
    h->conn = c;
    h->block_bytes = (uint32_t)got;
    h->max_streams = env->limits.h2_streams;
    h->look_ms = UINT64_MAX;
    list_init(&h->streams);
    list_init(&h->due);
    h2_calm_init(&h->calm, env->clock.mono_ms);
    h2_heap_init(&h->heap, &env->blocks, env->h2_frame);
    if (h2_calls_open(h) < 0) {
        h2_heap_fini(&h->heap);
        blocks_give(&env->blocks, h, got);
        (void)conn_out_of_memory(env);
        conn_close(c);
        return;
    }
    c->h2 = h;
    c->is_h2 = 1;
    c->phase = CONN_H2;
    c->since_ms = env->clock.mono_ms;
    metrics_add(env->metrics, METRIC_h2_connections, 1);
}

static void
drop_kept(struct h2 *h)
{
    if (h->kept)
        blocks_give(&h->conn->env->blocks, h->kept, h->kept_bytes);
    h->kept = NULL;
}

static struct h2_stream *
first(struct h2 *h)
{
    return list_is_empty(&h->streams)
               ? NULL
               : CONTAINER_OF(h->streams.next, struct h2_stream, all);
}

void
h2_cut(struct conn *c)
{
    LIST_FOR_EACH_SAFE(link, &c->h2->streams)
    {
        CONTAINER_OF(link, struct h2_stream, all)->x.phase = CONN_CLOSED;
    }
}

void
h2_free(struct conn *c)
{
    struct env *env = c->env;
    struct h2 *h = c->h2;
    struct h2_stream *t;

    while ((t = first(h)) != NULL)
        h2_stream_free(t);
    drop_kept(h);
    h2_head_fini(&h->head);
    nghttp2_session_del(h2_own_session(h));
    h2_heap_fini(&h->heap);
    blocks_give(&env->blocks, h, h->block_bytes);
    c->h2 = NULL;
    c->is_h2 = 0;
}

/* The library has nothing more to say, nor to hear: what is in the block goes,
 * then our side is shut.  As after the last answer of HTTP/1. */
static void
end(struct conn *c)
{
    h2_free(c);
    c->phase = CONN_FLUSH;
    c->closes = 1;
    c->lingers = 1;
    c->since_ms = c->env->clock.mono_ms;
    h1_resume(c);
}

static int
is_over(const struct conn *c)
{
    struct h2 *h = c->h2;

    if (h->n_rest > 0)
        return 0;
    if (c->is_eof && h->n_streams == 0)
        return 1;
    return !nghttp2_session_want_read(h2_own_session(h)) &&
           !nghttp2_session_want_write(h2_own_session(h));
}

uint32_t
h2_streams(const struct conn *c)
{
    return c->h2->n_streams - c->h2->n_tunnels;
}

/* ---- output
 * ----------------------------------------------------------------*/

/* What the library has said goes into the block, as far as it fits. */
static void
put_rest(struct h2 *h)
{
    struct conn *c = h->conn;
    size_t n = h->n_rest, has;

    if (n == 0)
        return;
    (void)out_room(c, n);
    has = c->out ? c->out->cap - c->out->end : 0;
    if (n > has)
        n = has;
    if (n == 0)
        return;
    memcpy(c->out->data + c->out->end, h->rest, n);
    out_commit(c, n);
    h->rest += n;
    h->n_rest -= n;
}

static int
has_room(struct conn *c)
{
    return out_room(c, ROOM_MIN) != NULL;
}

/* The rest lies where the next session of the worker will have its frames. */
static int
keep_rest(struct h2 *h)
{
    size_t got;

    if (h->n_rest == 0)
        return 0;
    h->kept = blocks_take(&h->conn->env->blocks, h->n_rest, &got);
    if (!h->kept)
        return NGHTTP2_ERR_NOMEM;
    h->kept_bytes = (uint32_t)got;
    memcpy(h->kept, h->rest, h->n_rest);
    h->rest = (const uint8_t *)h->kept;
    return 0;
}

/* Fill the block; below 0: the session is of no use any more. */
static int
fill(struct h2 *h)
{
    put_rest(h);
    if (h->n_rest > 0)
        return 0;
    drop_kept(h);
    while (h->n_rest == 0 && has_room(h->conn)) {
        ssize_t n = nghttp2_session_mem_send(h2_own_session(h), &h->rest);
        if (n <= 0)
            return (int)n;
        h->n_rest = (size_t)n;
        if (UNLIKELY(!h->has_begun)) {
            h->has_begun = 1;
            h2_calls_preface(h, &h->rest, h->n_rest);
        }
        put_rest(h);
    }
    return keep_rest(h);
}

static uint32_t
queued(const struct conn *c)
{
    return c->out ? c->out->end - c->out->start : 0;
}

int
h2_push(struct conn *c)
{
    struct h2 *h = c->h2;

    for (;;) {
        uint32_t n;
        int rc;
        if (out_is_pending(c))
            return 1;
        if (fill(h) < 0) {
            conn_close(c);
            return -1;
        }
        n = queued(c);
        if (n == 0) {
            out_free(c);
            return 0;
        }
        h->n_turn += n;
        h->moved_ms = c->env->clock.mono_ms;
        rc = h->n_turn > TURN_BYTES ? out_yield(c) : out_flush(c);
        if (rc < 0) {
            conn_close(c);
            return -1;
        }
        if (rc == OUT_PENDING) {
            c->since_ms = c->env->clock.mono_ms;
            c->unsent = UINT32_MAX;
            return 1;
        }
    }
}

/* ---- a turn
 * ----------------------------------------------------------------*/

static void
work(struct h2 *h)
{
    struct list *link;

    while (h->conn->phase == CONN_H2 && (link = list_pop(&h->due)) != NULL)
        h2_stream_work(CONTAINER_OF(link, struct h2_stream, due));
}

/* Receive only while the client takes what it makes us say. */
static void
throttle(struct conn *c)
{
    int full = out_is_pending(c) && nghttp2_session_get_outbound_queue_size(
                                        h2_own_session(c->h2)) > QUEUE_MAX;

    if (c->is_eof || full == c->is_paused)
        return;
    c->is_paused = (uint8_t)full;
    c->transport->want_read(c, !full);
}

static uint64_t
look_step_ms(const struct env *env)
{
    uint64_t ms = env->limits.write_ms;

    if (env->limits.body_ms > 0 && env->limits.body_ms < ms)
        ms = env->limits.body_ms;
    ms /= LOOKS;
    if (ms < LOOK_MIN_MS)
        return LOOK_MIN_MS;
    return ms < LOOK_MAX_MS ? ms : LOOK_MAX_MS;
}

/* Streams are looked at while there are any. */
static void
arm(struct conn *c)
{
    struct h2 *h = c->h2;

    if (h->n_streams == 0)
        h->look_ms = UINT64_MAX;
    else
        h2_own_look_by(h, c->env->clock.mono_ms + look_step_ms(c->env));
    conn_arm(c);
}

void
h2_turn(struct conn *c)
{
    struct h2 *h = c->h2;

    if (c->phase != CONN_H2 || h->is_busy)
        return;
    if (h->heap.folded && list_is_empty(&h->due)) { /* nothing has changed */
        arm(c);
        return;
    }
    h->is_busy = 1;
    if (UNLIKELY(h->leaving == H2_TOLD))
        h2_last(h);
    do {
        work(h);
    } while (c->phase == CONN_H2 && h2_push(c) >= 0 && !list_is_empty(&h->due));
    h->is_busy = 0;
    h->n_turn = 0;
    if (c->phase != CONN_H2)
        return;
    if (is_over(c)) {
        end(c);
        return;
    }
    throttle(c);
    arm(c);
}

/* ---- input
 * -----------------------------------------------------------------*/

/* The session ends with an error of the library's. */
static void
fail(struct h2 *h, ssize_t rc)
{
    uint32_t code = rc == NGHTTP2_ERR_BAD_CLIENT_MAGIC ? NGHTTP2_PROTOCOL_ERROR
                                                       : NGHTTP2_INTERNAL_ERROR;

    log_debug("HTTP/2: %s", nghttp2_strerror((int)rc));
    if (rc == NGHTTP2_ERR_FLOODED || rc == TOO_MANY_CONTINUATIONS) {
        metrics_add(h->conn->env->metrics, METRIC_h2_floods, 1);
        code = NGHTTP2_ENHANCE_YOUR_CALM;
    }
    h->leaving = H2_BROKEN;
    if (nghttp2_session_terminate_session(h2_own_session(h), code) < 0)
        conn_close(h->conn);
}

/* Requests that have come are run before more of them are read.  Their answers
 * wait in the block until all has been read, or it is full. */
static void
work_between(struct h2 *h)
{
    struct conn *c = h->conn;

    h->n_ready = 0;
    if (h->is_busy)
        return;
    h->is_busy = 1;
    work(h);
    if (c->phase == CONN_H2 && !out_is_pending(c)) {
        if (fill(h) < 0)
            conn_close(c);
        else if (!has_room(c))
            (void)!h2_push(c);
    }
    work(h); /* slots of what has been answered are free again */
    h->is_busy = 0;
}

void
h2_input(struct conn *c, const char *p, size_t n)
{
    struct h2 *h = c->h2;

    c->is_demoted = 0;
    h->moved_ms = c->env->clock.mono_ms;
    while (c->phase == CONN_H2) {
        ssize_t rc =
            nghttp2_session_mem_recv(h2_own_session(h), (const uint8_t *)p, n);
        if (rc < 0) {
            fail(h, rc);
            break;
        }
        if ((size_t)rc == n)
            break;
        p += rc;
        n -= (size_t)rc;
        work_between(h);
    }
    h->n_ready = 0;
    h2_turn(c);
}

/* Nothing more can come: what is decided is still sent. */
void
h2_eof(struct conn *c)
{
    (void)h2_own_session(c->h2); /* that is something to think about */
    c->is_eof = 1;
    LIST_FOR_EACH_SAFE(link, &c->h2->streams)
    {
        struct h2_stream *t = CONTAINER_OF(link, struct h2_stream, all);
        if (t->x.phase != CONN_SEND && t->x.phase != CONN_DISCARD)
            h2_stream_reset(t, NGHTTP2_CANCEL);
    }
    h2_turn(c);
}

/* Who waits for what it has written to be gone. */
static void
tell_writers(struct h2 *h)
{
    LIST_FOR_EACH_SAFE(link, &h->streams)
    {
        struct h2_stream *t = CONTAINER_OF(link, struct h2_stream, all);
        if (t->out && t->x.phase == CONN_WAIT)
            h2_own_note(t, H2_NEWS_ROOM);
    }
}

void
h2_writable(struct conn *c)
{
    struct h2 *h = c->h2;

    if (c->phase != CONN_H2)
        return;
    c->since_ms = c->env->clock.mono_ms;
    c->unsent = UINT32_MAX;
    if (h2_push(c) >= 0)
        tell_writers(h);
    h2_turn(c);
}

/* ---- no more streams
 * -------------------------------------------------------*/

void
h2_warn(struct h2 *h)
{
    if (h->conn->phase != CONN_H2 || h->leaving != H2_STAYS)
        return;
    h->leaving = H2_WARNED;
    h->leave_ms = h->conn->env->clock.mono_ms;
    if (nghttp2_submit_shutdown_notice(h2_own_session(h)) < 0)
        h2_last(h);
}

void
h2_leave(struct conn *c)
{
    if (c->phase != CONN_H2)
        return;
    h2_warn(c->h2);
    h2_turn(c);
}

void
h2_last(struct h2 *h)
{
    h->leaving = H2_LEAVES;
    if (nghttp2_submit_goaway(
            h2_own_session(h), NGHTTP2_FLAG_NONE,
            nghttp2_session_get_last_proc_stream_id(h2_own_session(h)),
            NGHTTP2_NO_ERROR, NULL, 0) < 0)
        conn_close(h->conn);
}

/* Nothing is under way, or is waited for. */
static void
finish(struct h2 *h)
{
    h->leaving = H2_LEAVES;
    if (nghttp2_session_terminate_session(h2_own_session(h), NGHTTP2_NO_ERROR) <
        0)
        conn_close(h->conn);
}

void
h2_retire(struct conn *c, const struct gen_worker *g)
{
    struct h2 *h = c->h2;

    h->is_busy = 1; /* what is over stays until all have been told */
    LIST_FOR_EACH_SAFE(link, &h->streams)
    {
        struct h2_stream *t = CONTAINER_OF(link, struct h2_stream, all);
        if (t->x.phase == CONN_WAIT &&
            (!g || (t->x.req->gen == g && t->x.req->resp.is_written)))
            pause_retire(t->x.req);
    }
    h->is_busy = 0;
    h2_turn(c);
}

/* ---- deadlines
 * -------------------------------------------------------------*/

static uint64_t
idle_due(const struct conn *c)
{
    const struct limits *l = &c->env->limits;

    if (c->env->is_draining)
        return c->since_ms + l->idle_grace_ms;
    return c->since_ms + (l->keepalive_ms ? l->keepalive_ms : l->header_ms);
}

static uint64_t
min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Nothing moves, and nobody works for it. */
static int
is_idle(const struct conn *c)
{
    return c->h2->n_streams == 0 && !out_is_pending(c);
}

static uint64_t
write_due(const struct conn *c)
{
    return out_is_pending(c) ? c->since_ms + c->env->limits.write_ms
                             : UINT64_MAX;
}

static uint64_t
head_due(const struct conn *c)
{
    return c->h2->head_ms ? c->h2->head_ms + c->env->limits.header_ms
                          : UINT64_MAX;
}

uint64_t
h2_due(const struct conn *c)
{
    const struct h2 *h = c->h2;
    uint64_t due_ms = min(write_due(c), head_due(c));

    if (is_idle(c))
        due_ms = min(due_ms, idle_due(c));
    if (h->leaving == H2_WARNED)
        due_ms = min(due_ms, h->leave_ms + WARN_MS);
    return min(due_ms, h->look_ms);
}

static void
look(struct conn *c)
{
    struct h2 *h = c->h2;

    h->is_busy = 1;
    h->look_ms = UINT64_MAX; /* until a stream says more, or it is armed */
    LIST_FOR_EACH_SAFE(link, &h->streams)
    {
        h2_stream_look(CONTAINER_OF(link, struct h2_stream, all));
    }
    h->is_busy = 0;
    if (c->env->clock.mono_ms >= h->moved_ms + c->env->limits.idle_demote_ms)
        h2_rest(c);
}

void
h2_timeout(struct conn *c)
{
    struct h2 *h = c->h2;
    uint64_t now_ms = c->env->clock.mono_ms;

    if (now_ms >= write_due(c)) {
        metrics_add(c->env->metrics, METRIC_timeouts, 1);
        conn_close(c);
        return;
    }
    if (now_ms >= head_due(c)) {
        metrics_add(c->env->metrics, METRIC_timeouts, 1);
        finish(h);
    } else if (is_idle(c) && now_ms >= idle_due(c)) {
        finish(h);
    } else if (h->leaving == H2_WARNED && now_ms >= h->leave_ms + WARN_MS) {
        h2_last(h);
    }
    if (now_ms >= h->look_ms)
        look(c);
    h2_turn(c);
}
