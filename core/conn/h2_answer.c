/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_answer.c - see h2_answer.h. */
#include "conn/h2_answer.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/blocks.h"
#include "base/err.h"
#include "base/log.h"
#include "base/str.h"
#include "conn/env.h"
#include "conn/h2.h"
#include "conn/h2_own.h"
#include "conn/h2_stream.h"
#include "conn/out.h"
#include "conn/walk.h"
#include "http/gen.h"
#include "http/req.h"
#include "http/route.h"
#include "http/stream.h"
#include "http/upgrade.h"
#include "proto/ascii.h"

/* Of an answer that is written: how much of it is kept here, before more of it
 * is taken.  One of these is what goes in a frame. */
#define WRITE_BYTES 16384u
/* A frame is smaller only if there is no more. */
#define SMALL_PART 512u
/* The head of a frame (RFC 9113 4.1). */
#define FRAME_HEAD 9u
/* Fields of a head beyond those of the response. */
#define MORE_FIELDS 8u
#define USUAL_FIELDS 24u

static struct env *
env_of(const struct h2_stream *t)
{
    return t->h2->conn->env;
}

/* ---- heads ---------------------------------------------------------------*/

/* The library copies neither: names are in lower case, and both are there until
 * the stream is over. */
#define STAYS (NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE)

static nghttp2_nv
pair(et_str name, et_str value, uint8_t flags)
{
    return (nghttp2_nv){.name = (uint8_t *)(uintptr_t)name.p,
                        .namelen = name.n,
                        .value = (uint8_t *)(uintptr_t)(value.p ? value.p : ""),
                        .valuelen = value.n,
                        .flags = flags};
}

/* Of "Server: x" CRLF "Date: y" CRLF; either may be missing but the date.  That
 * may be a later one when it goes. */
static size_t
put_common(const struct http1_common *common, nghttp2_nv *v)
{
    static const size_t name = sizeof "Server: " - 1,
                        after = sizeof "\r\nDate: " - 1;
    size_t n = 0;

    if (common->date_off > name + after)
        v[n++] =
            pair(str_lit("server"),
                 (et_str){common->text + name, common->date_off - name - after},
                 STAYS);
    v[n++] = pair(str_lit("date"),
                  (et_str){common->text + common->date_off, 29}, STAYS);
    return n;
}

/* A name may have been set in any case; the library makes it a lower one where
 * it copies.  Blanks around a value are none of it, and malformed here (RFC
 * 9113 8.2.1). */
static size_t
put_fields(const struct resp_field *f, nghttp2_nv *v)
{
    size_t n = 0;

    for (; f; f = f->next)
        v[n++] = pair(f->name, str_trim(f->value), NGHTTP2_NV_FLAG_NONE);
    return n;
}

static size_t
count_fields(const struct resp_field *f)
{
    size_t n = 0;

    for (; f; f = f->next)
        n++;
    return n;
}

#define NO_LENGTH UINT64_MAX

/* What was agreed on for a WebSocket, whose request does not stay. */
static size_t
put_upgrade(const struct upgrade *u, char *terms, nghttp2_nv *v)
{
    et_str extensions = upgrade_terms(u, terms);
    size_t n = 0;

    if (u->protocol.p)
        v[n++] = pair(str_lit("sec-websocket-protocol"), u->protocol,
                      NGHTTP2_NV_FLAG_NONE);
    if (extensions.p)
        v[n++] = pair(str_lit("sec-websocket-extensions"), extensions,
                      NGHTTP2_NV_FLAG_NONE);
    return n;
}

/* Numbers of a head, in the request's arena. */
struct numbers {
    char status[ASCII_U64_MAX], length[ASCII_U64_MAX];
    char hsts[sizeof "max-age=" + ASCII_U64_MAX];
};

static et_str
put_hsts(char *to, uint32_t s)
{
    memcpy(to, "max-age=", 8);
    return (et_str){to, 8 + ascii_from_u64(to + 8, s)};
}

/* The fields of a head of that status, to v; how many. */
static size_t
put_head(struct h2_stream *t, unsigned status, uint64_t length,
         struct numbers *x, nghttp2_nv *v)
{
    const struct env *env = env_of(t);
    const struct resp *resp = &t->x.req->resp;
    uint32_t hsts_s = walk_hsts(&t->x, env);
    uint8_t flags = resp->status == 101 ? NGHTTP2_NV_FLAG_NONE : STAYS;
    size_t n = 0;

    v[n++] =
        pair(str_lit(":status"),
             (et_str){x->status, ascii_from_u64(x->status, status)}, flags);
    n += put_common(resp->has_server ? &env->common_bare : &env->common, v + n);
    if (resp->type.n > 0)
        v[n++] = pair(str_lit("content-type"), str_trim(resp->type), flags);
    if (length != NO_LENGTH)
        v[n++] =
            pair(str_lit("content-length"),
                 (et_str){x->length, ascii_from_u64(x->length, length)}, flags);
    n += put_fields(resp->fields, v + n);
    if (UNLIKELY(hsts_s > 0))
        v[n++] = pair(str_lit("strict-transport-security"),
                      put_hsts(x->hsts, hsts_s), flags);
    return n;
}

/* The head goes, with a body behind it or not: 0 or ERR_NOMEM. */
static int
submit(struct h2_stream *t, uint64_t length, const nghttp2_data_provider *body)
{
    struct req *r = t->x.req;
    struct numbers *x = arena_alloc(&r->arena, sizeof *x);
    nghttp2_nv usual[USUAL_FIELDS], *v = usual;
    char terms[WS_DEFLATE_ANSWER_MAX];
    int is_taken = r->resp.status == 101;
    size_t max = count_fields(r->resp.fields) + MORE_FIELDS, n;

    if (max > USUAL_FIELDS)
        v = arena_alloc(&r->arena, max * sizeof *v);
    if (!x || !v)
        return ERR_NOMEM;
    n = put_head(t, is_taken ? 200 : r->resp.status, length, x, v);
    if (is_taken)
        n += put_upgrade(r->upgrade, terms, v + n);
    if (nghttp2_submit_response(h2_own_session(t->h2), t->id, v, n, body) < 0)
        return ERR_NOMEM;
    t->has_head = 1;
    h2_pace_restart(&t->pace, env_of(t)->clock.mono_ms);
    return 0;
}

void
h2_answer_continue(struct h2_stream *t)
{
    const nghttp2_nv v = pair(str_lit(":status"), str_lit("100"), STAYS);

    if (nghttp2_submit_headers(h2_own_session(t->h2), NGHTTP2_FLAG_NONE, t->id,
                               NULL, &v, 1, NULL) < 0)
        log_debug("no memory for 100 Continue");
}

/* ---- what goes with the next frame ---------------------------------------*/

static uint64_t
written(const struct h2_stream *t)
{
    return t->out_end - t->out_start;
}

/* What lies behind that, of any memory; NULL: what is written is all. */
static struct segment_queue *
queue_of(const struct h2_stream *t)
{
    if (t->is_tunnel)
        return &t->x.stream->queue;
    return t->out ? NULL : &t->x.req->resp.body;
}

/* Whether there is still something that has a body. */
static int
has_source(const struct h2_stream *t)
{
    return t->is_tunnel || t->x.req;
}

/* Bytes that are there. */
static uint64_t
there(const struct h2_stream *t)
{
    const struct segment_queue *q = queue_of(t);

    return written(t) + (q ? q->bytes : 0);
}

int
h2_answer_waits(const struct h2_stream *t)
{
    return t->has_head && !t->is_answered && !t->is_deferred && has_source(t) &&
           (there(t) > 0 || (t->out && t->is_whole));
}

/* What of it can be put into the block now, if it is at most want. */
static size_t
room(struct conn *c, size_t want)
{
    size_t has;

    (void)out_room(c, want + FRAME_HEAD); /* the block grows, if it may */
    has = c->out ? c->out->cap - c->out->end : 0;
    return has > FRAME_HEAD ? has - FRAME_HEAD : 0;
}

/* ---- files that are not in memory ----------------------------------------*/

static void
on_warm(void *arg)
{
    struct h2_stream *t = arg;

    h2_answer_revive(t);
    h2_turn(t->h2->conn);
}

/* How much of n bytes may be read without waiting for a disk: what lies in
 * front of a file, or of that.  0: t is told when there is some.  Below 0:
 * there never will be. */
static ssize_t
take_warm(struct h2_stream *t, size_t n)
{
    struct segment_queue *q = queue_of(t);
    const struct segment *s = q ? segment_peek(q) : NULL;
    size_t before = (size_t)written(t);
    uint64_t there;

    for (; s && s->kind != SEGMENT_FILE && before < n; s = s->next)
        before += (size_t)s->n;
    if (!s || before >= n)
        return (ssize_t)n;
    if (before > 0)
        return (ssize_t)before;
    if (n > s->n)
        n = (size_t)s->n;
    there = warm_bytes(&t->warm, env_of(t), s);
    if (there > 0)
        return (ssize_t)(n < there ? n : there);
    return warm_start(&t->warm, env_of(t), q, on_warm, t);
}

/* ---- the end of a body ---------------------------------------------------*/

static size_t
count_trailers(const struct h2_stream *t)
{
    const struct resp *resp = t->is_tunnel ? NULL : &t->x.req->resp;

    return resp && !resp->is_bare ? count_fields(resp->trailers) : 0;
}

/* n trailers (RFC 9113 8.1), or HEADERS of nothing: the end. */
static int
submit_end(struct h2_stream *t, size_t n)
{
    nghttp2_nv *v = NULL;

    if (n > 0) {
        v = arena_alloc(&t->x.req->arena, n * sizeof *v);
        if (!v)
            return ERR_NOMEM;
        (void)put_fields(t->x.req->resp.trailers, v);
    }
    return nghttp2_submit_trailer(h2_own_session(t->h2), t->id, v, n) < 0
               ? ERR_NOMEM
               : 0;
}

static int
put_trailers(struct h2_stream *t, uint32_t *flags)
{
    size_t n = count_trailers(t);

    if (n == 0)
        return 0;
    if (submit_end(t, n) < 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    return 0;
}

static int
is_shut(struct h2_stream *t)
{
    nghttp2_session *s = h2_own_session(t->h2);

    return nghttp2_session_get_stream_remote_window_size(s, t->id) <= 0 ||
           nghttp2_session_get_remote_window_size(s) <= 0;
}

/* What is written is all.  An end alone needs no window (RFC 9113 6.9), but the
 * library asks for no DATA, not even of no bytes, while one is shut: then it
 * goes as HEADERS. */
static void
end_written(struct h2_stream *t)
{
    t->is_whole = 1;
    if (t->x.phase == CONN_CLOSED)
        return;
    t->x.phase = CONN_SEND;
    if (there(t) > 0 || !is_shut(t))
        h2_answer_revive(t);
    else if (submit_end(t, count_trailers(t)) < 0)
        h2_stream_reset(t, NGHTTP2_INTERNAL_ERROR);
}

static ssize_t
on_read(nghttp2_session *s, int32_t id, uint8_t *buf, size_t most,
        uint32_t *flags, nghttp2_data_source *from, void *arg)
{
    struct h2_stream *t = from->ptr;
    struct conn *c = ((struct h2 *)arg)->conn;
    uint64_t has;
    size_t n;

    (void)s;
    (void)id;
    (void)buf;
    if (!has_source(t))
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    has = there(t);
    n = has < most ? (size_t)has : most;
    if (n > 0) {
        ssize_t k = take_warm(t, n);
        size_t can;
        if (k < 0)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        if (k == 0) {
            t->is_deferred = 1;
            return NGHTTP2_ERR_DEFERRED;
        }
        n = (size_t)k;
        can = room(c, n);
        if (can < n && can < SMALL_PART) /* h2_push goes on with it */
            return NGHTTP2_ERR_PAUSE;
        n = n < can ? n : can;
        *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
    }
    if (n < has)
        return (ssize_t)n;
    if (!t->is_whole && n == 0) {
        t->is_deferred = 1;
        return NGHTTP2_ERR_DEFERRED;
    }
    if (t->is_whole) {
        *flags |= NGHTTP2_DATA_FLAG_EOF;
        if (put_trailers(t, flags) < 0)
            return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    }
    return (ssize_t)n;
}

/* At most n bytes of what was written, to `to`: how many. */
static size_t
pull_written(struct h2_stream *t, char *to, size_t n)
{
    size_t has = t->out_end - t->out_start;

    if (n > has)
        n = has;
    if (n == 0)
        return 0;
    memcpy(to, t->out + t->out_start, n);
    t->out_start += (uint32_t)n;
    if (t->out_start == t->out_end)
        t->out_start = t->out_end = 0;
    return n;
}

static int
read_file(const struct segment *s, char *to, size_t n)
{
    ssize_t got;

    do
        got = pread(s->fd, to, n, (off_t)s->off);
    while (got < 0 && errno == EINTR);
    return (int)got;
}

/* The same of the segments: 0, or -1: a file that is shorter than it was. */
static int
pull_segments(struct segment_queue *q, char *to, size_t n)
{
    while (n > 0) {
        const struct segment *s = segment_peek(q);
        size_t k = s->n < n ? (size_t)s->n : n;
        if (s->kind == SEGMENT_FILE) {
            int got = read_file(s, to, k);
            if (got <= 0)
                return -1;
            k = (size_t)got;
        } else {
            memcpy(to, s->p, k);
        }
        segment_consume(q, k);
        to += k;
        n -= k;
    }
    return 0;
}

static int
pull(struct h2_stream *t, char *to, size_t n)
{
    size_t k = pull_written(t, to, n);

    if (k < n && pull_segments(queue_of(t), to + k, n - k) < 0)
        return -1;
    if (!t->out) /* else it was counted as it was written */
        t->x.req->resp.sent_bytes += n;
    return 0;
}

int
h2_answer_put(nghttp2_session *s, nghttp2_frame *f, const uint8_t *head,
              size_t n, nghttp2_data_source *from, void *arg)
{
    struct h2_stream *t = from->ptr;
    struct h2 *h = arg;
    struct conn *c = h->conn;
    char *to = out_room(c, n + FRAME_HEAD);

    (void)s;
    (void)f;
    if (!to)
        return NGHTTP2_ERR_WOULDBLOCK;
    if (!has_source(t) || pull(t, to + FRAME_HEAD, n) < 0)
        return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
    memcpy(to, head, FRAME_HEAD);
    out_commit(c, n + FRAME_HEAD);
    h2_pace_went(&t->pace, n, c->env->clock.mono_ms);
    h2_pace_went(&h->pace, n, c->env->clock.mono_ms);
    if (t->out && !t->is_whole)
        h2_own_note(t, H2_NEWS_ROOM);
    return 0;
}

/* ---- answers -------------------------------------------------------------*/

/* No stream after those that are there, if no request were to come on a
 * connection of HTTP/1. */
static void
look_at_end(struct h2_stream *t)
{
    struct conn *c = t->h2->conn;
    const struct limits *l = &c->env->limits;

    if (UNLIKELY(c->is_orphan || c->env->is_stopping || c->env->gen->is_old ||
                 l->keepalive_ms == 0 || c->n_requests >= l->max_requests))
        h2_warn(t->h2);
}

static nghttp2_data_provider
provider(struct h2_stream *t)
{
    return (nghttp2_data_provider){.source = {.ptr = t},
                                   .read_callback = on_read};
}

static int
has_nothing(const struct req *r)
{
    return !status_has_body(r->resp.status) || r->resp.status == 205 ||
           r->pub.method == ET_M_HEAD;
}

/* A success would say that the WebSocket has begun (RFC 8441 5). */
static void
deny_success(struct h2_stream *t)
{
    struct req *r = t->x.req;

    if (LIKELY(!t->is_connect) || r->resp.status / 100 != 2)
        return;
    resp_clear(&r->resp);
    resp_drop_fields(&r->resp); /* they may speak of what is not sent */
    req_decide_error(r, 400);
}

void
h2_answer_send(struct h2_stream *t)
{
    struct req *r = t->x.req;
    const nghttp2_data_provider body = provider(t);
    uint64_t length;
    int rc;

    deny_success(t);
    length = r->resp.body.bytes;
    walk_answered(&t->x, env_of(t), r->resp.status);
    if (!status_has_body(r->resp.status))
        length = NO_LENGTH;
    else if (r->resp.status == 205)
        length = 0;
    if (has_nothing(r))
        segment_clear(&r->resp.body);
    t->is_whole = 1;
    rc = submit(t, length, r->resp.body.first ? &body : NULL);
    r->resp.committed = 1;
    if (rc < 0)
        h2_stream_reset(t, NGHTTP2_INTERNAL_ERROR);
    else
        t->x.phase = CONN_SEND;
    look_at_end(t);
}

static int
take_out(struct h2_stream *t)
{
    size_t got;

    t->out = blocks_take(&env_of(t)->blocks, WRITE_BYTES, &got);
    t->out_cap = t->out ? (uint32_t)got : 0;
    return t->out ? 0 : ERR_NOMEM;
}

int
h2_answer_tunnel(struct h2_stream *t)
{
    const nghttp2_data_provider body = provider(t);

    return take_out(t) < 0 ? ERR_NOMEM : submit(t, NO_LENGTH, &body);
}

int
h2_answer_begin(struct h2_stream *t)
{
    struct req *r = t->x.req;
    const nghttp2_data_provider body = provider(t);
    int is_bare = has_nothing(r), rc = take_out(t);
    uint64_t length = NO_LENGTH;

    walk_answered(&t->x, env_of(t), r->resp.status);
    r->resp.is_bare = (uint8_t)is_bare;
    r->resp.committed = 1;
    if (status_has_body(r->resp.status) && r->resp.left != RESP_ANY_LENGTH)
        length = r->resp.left;
    if (t->is_connect && r->resp.status / 100 == 2) /* as deny_success */
        rc = ERR_LIMIT;
    /* Nothing goes with one that is bare, but it ends when who writes does: the
     * end is what gives the request back. */
    if (rc == 0)
        rc = submit(t, length, &body);
    if (rc < 0)
        h2_stream_reset(t, NGHTTP2_INTERNAL_ERROR);
    look_at_end(t);
    return rc;
}

void
h2_answer_revive(struct h2_stream *t)
{
    if (!t->is_deferred)
        return;
    t->is_deferred = 0;
    if (nghttp2_session_resume_data(h2_own_session(t->h2), t->id) < 0)
        h2_stream_reset(t, NGHTTP2_INTERNAL_ERROR);
}

/* Have it go.  0: all of it has; else as h2_answer_write. */
static int64_t
push(struct h2_stream *t)
{
    struct conn *c = t->h2->conn;

    if (out_is_pending(c))
        return -EAGAIN;
    if (h2_push(c) < 0 || t->x.phase == CONN_CLOSED)
        return -ENOTCONN;
    return written(t) == 0 && !out_is_pending(c) ? 0 : -EAGAIN;
}

/* What is there moves to the front, if there is not enough behind it for n. */
static void
make_room(struct h2_stream *t, size_t n)
{
    size_t kept = t->out_end - t->out_start;

    if (t->out_start == 0 || n <= t->out_cap - t->out_end)
        return;
    memmove(t->out, t->out + t->out_start, kept);
    t->out_start = 0;
    t->out_end = (uint32_t)kept;
}

char *
h2_answer_room(struct h2_stream *t, size_t n)
{
    make_room(t, n);
    return n <= t->out_cap - t->out_end ? t->out + t->out_end : NULL;
}

/* As much as there is room for. */
static size_t
append(struct h2_stream *t, const char *p, size_t n)
{
    make_room(t, n);
    if (n > t->out_cap - t->out_end)
        n = t->out_cap - t->out_end;
    memcpy(t->out + t->out_end, p, n);
    t->out_end += (uint32_t)n;
    return n;
}

int64_t
h2_answer_write(struct h2_stream *t, const char *p, size_t n)
{
    struct resp *resp;
    size_t k;

    if (t->x.phase == CONN_CLOSED)
        return -ENOTCONN;
    resp = &t->x.req->resp;
    if (resp->is_bare)
        return -ENOTCONN;
    if (n == 0)
        return push(t);
    if (resp->left != RESP_ANY_LENGTH && n > resp->left)
        return -EINVAL;
    for (;;) {
        int64_t rc;
        k = append(t, p, n);
        if (k > 0)
            break;
        rc = push(t);
        if (rc < 0)
            return rc;
    }
    if (resp->left != RESP_ANY_LENGTH)
        resp->left -= k;
    resp->sent_bytes += k;
    h2_answer_revive(t);
    return (int64_t)k;
}

void
h2_answer_end(struct h2_stream *t, int is_whole)
{
    struct resp *resp = &t->x.req->resp;
    int is_short = resp->left != RESP_ANY_LENGTH && resp->left > 0;

    resp->is_written = 0;
    if (is_whole && is_short && !resp->is_bare)
        log_error("route \"%s\" has written less than it said",
                  t->x.req->route->name);
    if (!is_whole || (is_short && !resp->is_bare)) {
        h2_stream_reset(t, NGHTTP2_INTERNAL_ERROR);
        return;
    }
    end_written(t);
}
