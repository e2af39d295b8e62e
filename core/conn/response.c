/* SPDX-License-Identifier: BSD-2-Clause */
/* response.c - see response.h. */
#include "conn/response.h"

#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "conn/body.h"
#include "conn/conn.h"
#include "conn/env.h"
#include "conn/out.h"
#include "conn/streamed.h"
#include "conn/walk.h"
#include "http/req.h"
#include "http/route.h"
#include "proto/ascii.h"
#include "proto/http1_out.h"

/* Will the connection take another request, but for the rest of this one's
 * body?  That may never come, because the client still waits for our 100 (RFC
 * 9110 10.1.1). */
static inline __attribute__((always_inline)) int
may_keep_but_body(const struct conn *c)
{
    const struct req *r = c->req;
    const struct limits *l = &c->env->limits;

    if (c->closes || c->is_orphan || !r->head.keep_alive ||
        c->env->is_stopping || l->keepalive_ms == 0 ||
        c->n_requests >= l->max_requests)
        return 0;
    return c->body_done || !r->head.expect_continue || c->body->n > 0 ||
           c->body->collects;
}

/* It will not if that is more than is worth reading. */
static inline __attribute__((always_inline)) int
may_keep(const struct conn *c)
{
    if (!may_keep_but_body(c))
        return 0;
    return c->body_done || c->body->is_chunked ||
           body_remaining(c->body) <= c->env->limits.discard_body;
}

/* Lengths that are none: where there can be no body, or its end shows; of a
 * body in chunks. */
#define NO_LENGTH UINT64_MAX
#define CHUNKED_LENGTH (UINT64_MAX - 1)

#define HSTS_NAME "Strict-Transport-Security"
#define HSTS_MAX (sizeof HSTS_NAME ": max-age=\r\n" + ASCII_U64_MAX)

static __attribute__((noinline)) char *
write_hsts(char *p, uint32_t age_s)
{
    p = http1_out_lit(p, HSTS_NAME ": max-age=");
    p += ascii_from_u64(p, age_s);
    return http1_out_lit(p, "\r\n");
}

/* Write the head to p, where there is room for it; returns its end. */
static inline __attribute__((always_inline)) char *
write_head(const struct conn *c, uint64_t length, char *p)
{
    const struct req *r = c->req;
    const struct resp *resp = &r->resp;
    const struct env *env = c->env;
    uint32_t age_s;

    p = http1_out_begin(p, resp->status,
                        resp->has_server ? &env->common_bare : &env->common);
    p = http1_out_type(p, resp->type);
    if (LIKELY(length < CHUNKED_LENGTH))
        p = http1_out_length(p, length);
    else if (length == CHUNKED_LENGTH)
        p = http1_out_chunked(p);
    if (UNLIKELY(c->closes))
        p = http1_out_connection(p, HTTP1_OUT_CLOSE);
    else if (UNLIKELY(r->head.version == 10))
        p = http1_out_connection(p, HTTP1_OUT_KEEP_ALIVE);
    for (const struct resp_field *f = resp->fields; f; f = f->next)
        p = http1_out_field(p, f->name, f->value);
    age_s = walk_hsts(&c->x, env);
    if (UNLIKELY(age_s > 0))
        p = write_hsts(p, age_s);
    return http1_out_end(p);
}

/* A head too large for the block becomes the first segment of the body. */
static __attribute__((noinline)) int
put_large_head(struct conn *c, uint64_t length, size_t max)
{
    struct req *r = c->req;
    struct segment *s = arena_alloc(&r->arena, sizeof *s + max);
    char *text;
    uint64_t n;

    if (!s)
        return ERR_NOMEM;
    text = (char *)(s + 1);
    n = (uint64_t)(write_head(c, length, text) - text);
    *s = (struct segment){.kind = SEGMENT_MEM, .fd = -1, .p = text, .n = n};
    segment_put_front(&r->resp.body, s);
    r->resp.sent_bytes -= n; /* these are not the body's */
    return 0;
}

/* The head goes into the block. */
static inline __attribute__((always_inline)) int
put_head(struct conn *c, uint64_t length)
{
    const struct resp *resp = &c->req->resp;
    size_t max = HTTP1_OUT_MAX + HSTS_MAX + resp->type.n + resp->fields_len;
    char *to = out_room(c, max);

    if (UNLIKELY(!to))
        return put_large_head(c, length, max);
    out_commit(c, (size_t)(write_head(c, length, to) - to));
    return 0;
}

void
response_send(struct conn *c)
{
    struct req *r = c->req;
    uint64_t length;

    c->closes = !may_keep(c);
    walk_answered(&c->x, c->env, r->resp.status);
    if (c->body)
        body_drop(c->body);
    if (UNLIKELY(r->resp.status ==
                 205)) /* RFC 9110 15.3.6: none, and says so */
        segment_clear(&r->resp.body);
    length = r->resp.body.bytes;
    if (UNLIKELY(!status_has_body(r->resp.status)))
        length = NO_LENGTH;
    if (UNLIKELY(length == NO_LENGTH || r->pub.method == ET_M_HEAD))
        segment_clear(&r->resp.body);
    if (put_head(c, length) < 0) {
        conn_close(c);
        return;
    }
    r->resp.committed = 1;
    c->phase = CONN_SEND;
    out_gather(c);
}

static uint64_t
length_said(const struct conn *c)
{
    const struct resp *resp = &c->req->resp;

    if (resp->framing == STREAMED_CHUNKED)
        return CHUNKED_LENGTH;
    if (resp->framing == STREAMED_CLOSED || !status_has_body(resp->status))
        return NO_LENGTH;
    return resp->left; /* ANY, of a HEAD, is none */
}

int
response_is_begun(const struct conn *c)
{
    return c->req->resp.is_written && c->req->resp.committed;
}

__attribute__((cold)) int
response_begin(struct conn *c)
{
    struct req *r = c->req;

    c->closes = !may_keep_but_body(c);
    walk_answered(&c->x, c->env, r->resp.status);
    streamed_begin(c);
    r->resp.committed = 1;
    return put_head(c, length_said(c));
}

__attribute__((cold)) void
response_end(struct conn *c, int is_whole)
{
    int rc = streamed_end(c, is_whole);

    if (rc == ERR_LIMIT && is_whole)
        log_error("route \"%s\" has written less than it said",
                  c->req->route->name);
    if (rc < 0 && c->req->resp.framing == STREAMED_CLOSED) {
        conn_abort(c);
        return;
    }
    if (c->body)
        body_drop(c->body);
    c->closes |= rc < 0 || !may_keep(c);
    c->phase = CONN_SEND;
    out_gather(c);
}

void
response_drop(struct conn *c)
{
    if (response_is_begun(c))
        response_end(c, 0);
    else
        conn_close(c);
}

void
response_continue(struct conn *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    char *to = out_room(c, sizeof text - 1);

    if (!to)
        return;
    memcpy(to, text, sizeof text - 1);
    out_commit(c, sizeof text - 1);
}
