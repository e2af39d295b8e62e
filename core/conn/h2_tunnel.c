/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_tunnel.c - see h2_tunnel.h. */
#include "conn/h2_tunnel.h"

#include "conn/census.h"
#include "conn/env.h"
#include "conn/h2.h"
#include "conn/h2_answer.h"
#include "conn/h2_own.h"
#include "conn/h2_stream.h"
#include "conn/upgraded.h"
#include "conn/walk.h"
#include "http/stream.h"
#include "http/upgrade.h"

/* ---- what a WebSocket asks of its stream
 * -----------------------------------*/

static char *
sink_room(struct stream *s, size_t n)
{
    struct h2_stream *t = s->sink_ctx;

    return t->x.phase == CONN_STREAM ? h2_answer_room(t, n) : NULL;
}

static void
sink_commit(struct stream *s, size_t n)
{
    struct h2_stream *t = s->sink_ctx;

    t->out_end += (uint32_t)n;
}

static size_t
sink_unsent(const struct stream *s)
{
    const struct h2_stream *t = s->sink_ctx;

    return t->out_end - t->out_start;
}

static void
sink_over(struct stream *s)
{
    struct h2_stream *t = s->sink_ctx;

    t->is_whole = 1;
}

static void
sink_turn(struct stream *s)
{
    struct h2_stream *t = s->sink_ctx;

    if (t->x.phase != CONN_STREAM)
        return;
    h2_own_note(t, H2_NEWS_BODY);
    h2_turn(t->h2->conn);
}

static int
sink_peer(const struct stream *s, struct addr *out)
{
    const struct h2_stream *t = s->sink_ctx;

    return conn_peer(t->h2->conn, out);
}

static const struct stream_sink sink = {
    .room = sink_room,
    .commit = sink_commit,
    .unsent = sink_unsent,
    .over = sink_over,
    .turn = sink_turn,
    .peer = sink_peer,
};

/* ---- begin and end
 * ---------------------------------------------------------*/

void
h2_tunnel_begin(struct h2_stream *t)
{
    struct env *env = t->h2->conn->env;
    struct req *r = t->x.req;
    struct stream *s = stream_new(&env->streams, r, r->upgrade, &sink, t);

    r->resp.committed = 1;
    r->pub.status = 200;
    if (!s || h2_answer_tunnel(t) < 0) {
        if (s)
            stream_free(s);
        h2_stream_reset(t, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    upgraded_part(&t->x, env, s);
    t->x.stream = s;
    t->x.phase = CONN_STREAM;
    t->x.since_ms = env->clock.mono_ms;
    t->is_tunnel = 1;
    t->h2->n_tunnels++;
    stream_open(s);
    if (t->in || t->x.is_eof) /* it came with the request */
        h2_own_note(t, H2_NEWS_BODY);
}

void
h2_tunnel_free(struct h2_stream *t)
{
    struct env *env = t->h2->conn->env;
    struct stream *s = t->x.stream;

    t->x.stream = NULL;
    t->h2->n_tunnels--;
    census_part(env->census, t->x.client);
    upgraded_gone(env, s);
}

/* ---- what there is to do
 * ---------------------------------------------------*/

void
h2_tunnel_work(struct h2_stream *t)
{
    struct stream *s = t->x.stream;

    stream_sent(s);
    if (t->in && t->x.phase == CONN_STREAM)
        h2_stream_use(
            t, stream_in_feed(s, t->in + t->in_start, t->in_end - t->in_start));
    if (t->x.is_eof && !t->in && !t->is_whole) /* as a connection that ends */
        h2_stream_reset(t, NGHTTP2_CANCEL);
    else
        h2_answer_revive(t);
    h2_own_look_by(t->h2, stream_due_ms(s));
}

void
h2_tunnel_look(struct h2_stream *t)
{
    struct stream *s = t->x.stream;

    if (t->h2->conn->env->clock.mono_ms < stream_due_ms(s))
        h2_own_look_by(t->h2, stream_due_ms(s));
    else if (stream_look(s) < 0)
        h2_stream_reset(t, NGHTTP2_CANCEL);
    else
        h2_own_note(t, H2_NEWS_BODY);
}
