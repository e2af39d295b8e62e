/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_calls.c - see h2_calls.h.  Nothing here runs a walk: streams are told what
 * came, and what they have to do about it is done when the library has
 * returned. */
#include "conn/h2_calls.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "conn/env.h"
#include "conn/h2_answer.h"
#include "conn/h2_own.h"
#include "conn/h2_stream.h"
#include "http/req.h"

/* More than this in HTTP/1 lines for one head is no mistake. */
#define HEAD_TIMES 4u
/* DATA of at least so many bytes is worth the frames around it. */
#define GOOD_PART 1024u
/* So many for which a window was opened are worth its WINDOW_UPDATEs. */
#define FAIR_PART 128u
/* Of the connection: what all streams together may have on its way.  What of
 * it is kept is bounded by the windows of the streams. */
#define CONNECTION_WINDOW (1 << 20)

static uint64_t
now_ms(const struct h2 *h)
{
    return h->conn->env->clock.mono_ms;
}

static struct h2_stream *
stream_at(const struct h2 *h, int32_t id)
{
    return nghttp2_session_get_stream_user_data(h->session, id);
}

/* ---- too much of nothing --------------------------------------------------*/

/* The session ends: the client is to calm down (RFC 9113 7). */
static int
lose_patience(struct h2 *h)
{
    if (h->leaving == H2_BROKEN)
        return 0;
    h->leaving = H2_BROKEN;
    metrics_add(h->conn->env->metrics, METRIC_h2_floods, 1);
    log_debug("an HTTP/2 client asks for too much of nothing");
    return nghttp2_session_terminate_session(h->session,
                                             NGHTTP2_ENHANCE_YOUR_CALM);
}

/* The library skips it, but it is an error of the connection: PRIORITY of no
 * stream (RFC 9113 6.3), a stream whose number was left out (5.1.1). */
static int
is_wrong(const struct h2 *h, const nghttp2_frame_hd *hd)
{
    if (hd->type == NGHTTP2_PRIORITY)
        return hd->stream_id == 0;
    return hd->type == NGHTTP2_HEADERS && hd->stream_id < h->ids.top &&
           h2_ids_is_gap(&h->ids, hd->stream_id);
}

/* A head is, of a stream that begins or is there; of one that is over it is
 * only decompressed. */
static int
is_good(const struct h2 *h, const nghttp2_frame_hd *hd)
{
    if (hd->type == NGHTTP2_HEADERS)
        return hd->stream_id > h->ids.top || stream_at(h, hd->stream_id);
    return hd->type == NGHTTP2_DATA &&
           (hd->length > 0 || hd->flags & NGHTTP2_FLAG_END_STREAM);
}

static int
on_begin_frame(nghttp2_session *s, const nghttp2_frame_hd *hd, void *arg)
{
    struct h2 *h = arg;
    int rc;

    (void)s;
    if (hd->type != NGHTTP2_CONTINUATION)
        h->head_ms = 0; /* that of a head that was no good */
    if (UNLIKELY(is_wrong(h, hd)) && h->leaving != H2_BROKEN) {
        h->leaving = H2_BROKEN;
        return nghttp2_session_terminate_session(h->session,
                                                 NGHTTP2_PROTOCOL_ERROR);
    }
    if (is_good(h, hd))
        return 0;
    rc = hd->type == NGHTTP2_WINDOW_UPDATE ? h2_calm_update(&h->calm, now_ms(h))
                                           : h2_calm_frame(&h->calm, now_ms(h));
    return rc == 0 ? 0 : lose_patience(h);
}

/* A frame of a type that is not ours: it has been counted, and is skipped. */
static int
on_unknown(nghttp2_session *s, void **payload, const nghttp2_frame_hd *hd,
           void *arg)
{
    (void)s;
    (void)payload;
    (void)hd;
    (void)arg;
    return NGHTTP2_ERR_CANCEL;
}

/* The client has taken a request back. */
static int
on_reset(struct h2 *h)
{
    metrics_add(h->conn->env->metrics, METRIC_h2_resets, 1);
    return h2_calm_reset(&h->calm, now_ms(h)) == 0 ? 0 : lose_patience(h);
}

/* We have: because of what it was, unless it is one of those. */
static int
on_reset_sent(struct h2 *h, uint32_t code)
{
    if (code == NGHTTP2_NO_ERROR || code == NGHTTP2_CANCEL ||
        code == NGHTTP2_INTERNAL_ERROR)
        return 0;
    if (code == NGHTTP2_FLOW_CONTROL_ERROR && h->leaving != H2_BROKEN) {
        /* The library resets a stream, too, where its client has burst all
         * windows at once (RFC 9113 6.9.2): any may be the connection's error
         * (5.4.1). */
        h->leaving = H2_BROKEN;
        return nghttp2_session_terminate_session(h->session, code);
    }
    return h2_calm_reset(&h->calm, now_ms(h)) == 0 ? 0 : lose_patience(h);
}

/* ---- heads ----------------------------------------------------------------*/

static int
refuse(struct h2 *h, int32_t id)
{
    metrics_add(h->conn->env->metrics, METRIC_h2_refused, 1);
    return nghttp2_submit_rst_stream(h->session, NGHTTP2_FLAG_NONE, id,
                                     NGHTTP2_REFUSED_STREAM);
}

static int
on_begin_headers(nghttp2_session *s, const nghttp2_frame *f, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *t;

    h->head_ms = now_ms(h);
    h->trailer_bytes = 0;
    if (f->headers.cat != NGHTTP2_HCAT_REQUEST)
        return 0;
    h2_ids_use(&h->ids, f->hd.stream_id);
    t = h->n_streams < h->max_streams && h->leaving < H2_LEAVES
            ? h2_stream_new(h, f->hd.stream_id)
            : NULL;
    if (!t)
        return refuse(h, f->hd.stream_id);
    h2_head_fini(&h->head); /* of one that was no good */
    h->heading = t;
    h2_head_begin(&h->head, &h->conn->env->blocks, &t->x.req->head);
    return nghttp2_session_set_stream_user_data(s, t->id, t);
}

static et_str
str(const uint8_t *p, size_t n)
{
    return (et_str){(const char *)p, n};
}

/* Of a head without end, or what is behind a body, whoever reads that. */
static int
is_bomb(const struct h2 *h, size_t n)
{
    return n / HEAD_TIMES > h->conn->env->limits.head.max_header;
}

/* A field behind a body, or of a stream that is refused: of that nothing is
 * kept. */
static int
on_trailer(struct h2 *h, int32_t id, et_str name, et_str value)
{
    struct h2_stream *t = stream_at(h, id);

    h->trailer_bytes += (uint32_t)(name.n + value.n + HTTP1_OUT_FIELD_MORE);
    if (is_bomb(h, h->trailer_bytes))
        return lose_patience(h);
    if (t)
        h2_stream_trailer(t, name, value);
    return 0;
}

static int
on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name,
          size_t n_name, const uint8_t *value, size_t n_value, uint8_t flags,
          void *arg)
{
    struct h2 *h = arg;

    (void)s;
    (void)flags;
    if (!h->heading || h->heading->id != f->hd.stream_id)
        return on_trailer(h, f->hd.stream_id, str(name, n_name),
                          str(value, n_value));
    h2_head_field(&h->head, str(name, n_name), str(value, n_value));
    if (is_bomb(h, h->head.list_bytes))
        return lose_patience(h);
    return h->n_ready < H2_OWN_READY ? 0 : NGHTTP2_ERR_PAUSE;
}

/* A field that is none makes the request malformed (RFC 9113 8.2.1). */
static int
on_invalid_header(nghttp2_session *s, const nghttp2_frame *f,
                  const uint8_t *name, size_t n_name, const uint8_t *value,
                  size_t n_value, uint8_t flags, void *arg)
{
    (void)s;
    (void)f;
    (void)name;
    (void)n_name;
    (void)value;
    (void)n_value;
    (void)flags;
    (void)arg;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
}

static void
end_head(struct h2 *h, struct h2_stream *t, int has_body)
{
    t->x.is_eof = !has_body;
    t->is_connect = h->head.is_websocket;
    t->head_rc = (int16_t)h2_head_end(&h->head, has_body);
    t->head_text = h->head.text; /* its own from now on */
    t->head_cap = h->head.cap;
    h->head.text = NULL;
    h->heading = NULL;
    if (t->head_rc == H2_HEAD_MALFORMED) {
        h2_stream_reset(t, NGHTTP2_PROTOCOL_ERROR);
        return;
    }
    if (h->n_ready < H2_OWN_READY)
        h->n_ready++;
    h2_own_note(t, H2_NEWS_START);
}

static void
on_headers(struct h2 *h, const nghttp2_frame *f)
{
    struct h2_stream *t = h->heading;
    int is_end = (f->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;

    h->head_ms = 0;
    if (t && t->id == f->hd.stream_id) {
        end_head(h, t, !is_end);
        return;
    }
    t = stream_at(h, f->hd.stream_id);
    if (t && is_end)
        h2_stream_eof(t);
}

/* ---- other frames ---------------------------------------------------------*/

/* It was taken for a good one by its length, and may be all padding. */
static int
on_data_frame(struct h2 *h, const nghttp2_frame *f)
{
    struct h2_stream *t = stream_at(h, f->hd.stream_id);

    if (f->hd.flags & NGHTTP2_FLAG_END_STREAM) {
        if (t)
            h2_stream_eof(t);
        return 0;
    }
    if (f->hd.length == 0 || f->hd.length > f->data.padlen ||
        h2_calm_frame(&h->calm, now_ms(h)) == 0)
        return 0;
    return lose_patience(h);
}

static int
on_frame_recv(nghttp2_session *s, const nghttp2_frame *f, void *arg)
{
    struct h2 *h = arg;

    (void)s;
    switch (f->hd.type) {
    case NGHTTP2_HEADERS: on_headers(h, f); return 0;
    case NGHTTP2_DATA: return on_data_frame(h, f);
    case NGHTTP2_RST_STREAM: return on_reset(h);
    case NGHTTP2_PING:
        if (h->leaving == H2_WARNED && f->hd.flags & NGHTTP2_FLAG_ACK)
            h->leaving = H2_TOLD; /* h2_turn goes on, when all has been read */
        return 0;
    default: return 0;
    }
}

static int
on_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *p,
        size_t n, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *t = stream_at(h, id);

    (void)flags;
    if (t)
        h2_stream_data(t, (const char *)p, n);
    else
        return nghttp2_session_consume(s, id, n);
    return nghttp2_session_consume_connection(s, n);
}

static int
on_stream_close(nghttp2_session *s, int32_t id, uint32_t code, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *t = stream_at(h, id);

    (void)s;
    (void)code;
    if (!t)
        return 0;
    if (t == h->heading) {
        h2_head_fini(&h->head);
        h->heading = NULL;
        h->head_ms = 0;
    }
    h2_stream_closed(t);
    return 0;
}

/* A small part of an answer has gone, and it is not the last.  One that no
 * window has cut short is a message; who opens windows by a byte is paid for
 * nothing. */
static void
pay_updates(struct h2 *h, nghttp2_session *s, const nghttp2_frame_hd *hd)
{
    int is_cut =
        nghttp2_session_get_remote_window_size(s) <= 0 ||
        nghttp2_session_get_stream_remote_window_size(s, hd->stream_id) <= 0;

    h2_calm_message(&h->calm, is_cut ? (uint32_t)hd->length / FAIR_PART : 1);
}

static int
on_frame_send(nghttp2_session *s, const nghttp2_frame *f, void *arg)
{
    struct h2 *h = arg;
    struct h2_stream *t;

    /* Submitted with it, it would overtake it: PINGs are urgent. */
    if (f->hd.type == NGHTTP2_GOAWAY && h->leaving == H2_WARNED &&
        nghttp2_submit_ping(s, NGHTTP2_FLAG_NONE, NULL) < 0)
        h2_last(h);
    if (f->hd.type == NGHTTP2_GOAWAY &&
        f->goaway.error_code != NGHTTP2_NO_ERROR &&
        f->goaway.error_code != NGHTTP2_ENHANCE_YOUR_CALM)
        metrics_add(h->conn->env->metrics, METRIC_h2_errors, 1);
    if (f->hd.type == NGHTTP2_RST_STREAM)
        return on_reset_sent(h, f->rst_stream.error_code);
    if (f->hd.type != NGHTTP2_DATA && f->hd.type != NGHTTP2_HEADERS)
        return 0;
    if (f->hd.type == NGHTTP2_DATA && f->hd.length >= GOOD_PART)
        h2_calm_useful(&h->calm);
    if (!(f->hd.flags & NGHTTP2_FLAG_END_STREAM)) {
        if (f->hd.type == NGHTTP2_DATA && f->hd.length < GOOD_PART)
            pay_updates(h, s, &f->hd);
        return 0;
    }
    t = nghttp2_session_get_stream_user_data(s, f->hd.stream_id);
    if (!t)
        return 0;
    h2_calm_useful(&h->calm);
    t->is_answered = 1;
    h2_own_note(t, H2_NEWS_SENT);
    return 0;
}

/* ---- tables ---------------------------------------------------------------*/

static pthread_once_t once = PTHREAD_ONCE_INIT;
static nghttp2_session_callbacks *calls; /* NULL: there was no memory */
static nghttp2_option *options;

static void
set_calls(nghttp2_session_callbacks *k)
{
    nghttp2_session_callbacks_set_on_begin_frame_callback(k, on_begin_frame);
    nghttp2_session_callbacks_set_on_begin_headers_callback(k,
                                                            on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(k, on_header);
    nghttp2_session_callbacks_set_on_invalid_header_callback(k,
                                                             on_invalid_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(k, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(k, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(k, on_stream_close);
    nghttp2_session_callbacks_set_on_frame_send_callback(k, on_frame_send);
    nghttp2_session_callbacks_set_send_data_callback(k, h2_answer_put);
    nghttp2_session_callbacks_set_unpack_extension_callback(k, on_unknown);
}

/* What is kept to compress the heads of answers with (RFC 7541 4.2), half of
 * the usual: they say few different things, and a session has it for all its
 * life.
 */
#define DEFLATE_BYTES 2048u

/* Windows are opened as bytes are used; closed streams are forgotten; the
 * priorities are those of RFC 9218.  Frames of types that the library does not
 * know begin like others only if they are the user's. */
static void
set_options(nghttp2_option *o)
{
    for (unsigned type = NGHTTP2_CONTINUATION + 1; type <= UINT8_MAX; type++) {
        if (type != NGHTTP2_PRIORITY_UPDATE)
            nghttp2_option_set_user_recv_extension_type(o, (uint8_t)type);
    }
    nghttp2_option_set_no_auto_window_update(o, 1);
    nghttp2_option_set_no_closed_streams(o, 1);
    nghttp2_option_set_max_deflate_dynamic_table_size(o, DEFLATE_BYTES);
    nghttp2_option_set_server_fallback_rfc7540_priorities(o, 0);
    nghttp2_option_set_builtin_recv_extension_type(o, NGHTTP2_PRIORITY_UPDATE);
}

static void
make_tables(void)
{
    if (nghttp2_option_new(&options) < 0)
        return;
    if (nghttp2_session_callbacks_new(&calls) < 0)
        return;
    set_options(options);
    set_calls(calls);
}

/* What the library goes by, and what the client is told of it, are two things:
 * it ends the connection for one stream too many, where the stream is enough
 * (RFC 9113 5.1.2).  So it knows no bound, and on_begin_headers does. */
static int
submit_settings(struct h2 *h)
{
    const struct limits *l = &h->conn->env->limits;
    const nghttp2_settings_entry v[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, INT32_MAX},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, l->h2_window},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, l->head.max_header},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
        {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
    };

    return nghttp2_submit_settings(h->session, NGHTTP2_FLAG_NONE, v,
                                   ARRAY_LEN(v));
}

#define FRAME_HEAD 9u
#define SETTING 6u

void
h2_calls_preface(struct h2 *h, const uint8_t **p, size_t n)
{
    uint32_t max = htonl(h->max_streams);

    CHECK((*p)[3] == NGHTTP2_SETTINGS && n <= sizeof h->preface);
    memcpy(h->preface, *p, n);
    for (size_t i = FRAME_HEAD; i + SETTING <= n; i += SETTING) {
        if (h->preface[i + 1] == NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
            memcpy(h->preface + i + 2, &max, sizeof max);
    }
    *p = h->preface;
}

int
h2_calls_open(struct h2 *h)
{
    nghttp2_mem mem = h2_heap_mem(&h->heap);

    if (pthread_once(&once, make_tables) != 0 || !calls)
        return ERR_NOMEM;
    if (nghttp2_session_server_new3(&h->session, calls, h, options, &mem) < 0)
        return ERR_NOMEM;
    if (submit_settings(h) == 0 &&
        nghttp2_session_set_local_window_size(h->session, NGHTTP2_FLAG_NONE, 0,
                                              CONNECTION_WINDOW) == 0)
        return 0;
    nghttp2_session_del(h->session);
    return ERR_NOMEM;
}
