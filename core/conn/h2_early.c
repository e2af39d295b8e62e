/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_early.c - see h2_early.h. */
#include "conn/h2_early.h"

#include "base/log.h"
#include "conn/body.h"
#include "conn/deadline.h"
#include "conn/env.h"
#include "conn/h2_own.h"

/* Between an answer and the reset of its stream, at least: a client that is
 * still busy sending when both have come may forget the answer (curl 7.88
 * does). */
#define RESET_MS 500u

static struct env *
env_of(const struct h2_stream *t)
{
    return t->h2->conn->env;
}

/* How much may come. */
static uint64_t
window(const struct h2_stream *t)
{
    int32_t n = nghttp2_session_get_stream_local_window_size(
        h2_own_session(t->h2), t->id);

    return n > 0 ? (uint64_t)n : 0;
}

/* That when our SETTINGS have been acknowledged: the first request of a client
 * comes before it has seen them. */
static uint64_t
window_then(const struct h2_stream *t)
{
    uint32_t now = nghttp2_session_get_local_settings(
                 h2_own_session(t->h2), NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE),
             then = env_of(t)->limits.h2_window;

    return window(t) + (then > now ? then - now : 0);
}

/* How much is to come; UINT64_MAX: it does not say. */
static uint64_t
remaining(const struct h2_stream *t)
{
    uint64_t n = t->x.body ? body_remaining(t->x.body) : UINT64_MAX;
    size_t kept = t->in_end - t->in_start;

    return n == UINT64_MAX || n < kept ? n : n - kept;
}

/* By n bytes, at most 1g: with h2_window that is less than a window may be. */
static void
open_window(struct h2_stream *t, uint64_t n)
{
    nghttp2_session *s = h2_own_session(t->h2);
    int32_t now =
        nghttp2_session_get_stream_effective_local_window_size(s, t->id);

    if (now >= 0 && nghttp2_session_set_local_window_size(
                        s, NGHTTP2_FLAG_NONE, t->id, now + (int32_t)n) < 0)
        log_debug("no memory for a WINDOW_UPDATE");
}

void
h2_early_begin(struct h2_stream *t)
{
    uint64_t can, left, more = env_of(t)->limits.discard_body;

    if (t->x.is_eof || t->x.phase == CONN_CLOSED)
        return;
    can = window_then(t);
    left = remaining(t);
    if (left == UINT64_MAX)
        left = can + more; /* or so it is hoped */
    t->may_end = left <= can + more;
    if (t->may_end && left > can)
        open_window(t, more);
}

void
h2_early_data(struct h2_stream *t)
{
    if (t->x.phase == CONN_DISCARD && window(t) == 0)
        h2_own_look_by(t->h2, h2_early_due(t));
}

/* Clients that have their answer may wait for a byte of us before they see that
 * they are done (curl 7.88 once more): what they have used of the connection's
 * window is given back a bit sooner than it had to be. */
void
h2_early_ended(struct h2_stream *t)
{
    nghttp2_session *s = h2_own_session(t->h2);
    int32_t n;

    if (!t->may_end)
        return;
    n = nghttp2_session_get_effective_recv_data_length(s);
    if (n > 0 && nghttp2_submit_window_update(s, NGHTTP2_FLAG_NONE, 0, n) < 0)
        log_debug("no memory for a WINDOW_UPDATE");
}

uint64_t
h2_early_due(const struct h2_stream *t)
{
    if (!t->may_end || t->h2->conn->is_eof || window(t) == 0)
        return t->x.since_ms + RESET_MS;
    return t->x.since_ms + deadline_linger_ms(env_of(t));
}
