/* SPDX-License-Identifier: BSD-2-Clause */
/* streamed.c - see streamed.h. */
#include "conn/streamed.h"

#include <errno.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "conn/conn.h"
#include "conn/env.h"
#include "conn/out.h"
#include "http/req.h"
#include "proto/http1_out.h"
#include "proto/status.h"

/* The line in front of a chunk, of a size that is filled in later, and what
 * goes behind it. */
#define HEAD 6u
#define TAIL 2u
#define CHUNK_MAX 0xffffu
#define NO_CHUNK UINT32_MAX

/* What one writer may send before others get their turn. */
#define BURST (1u << 20)

/* Of struct resp are here: at, the offset in the block of the open chunk, or
 * NO_CHUNK; burst, the bytes that went without a break; framing. */

static uint8_t
framing_of(const struct req *r)
{
    if (!status_has_body(r->resp.status) || r->resp.status == 205 ||
        r->pub.method == ET_M_HEAD)
        return STREAMED_NOTHING;
    if (r->resp.left != RESP_ANY_LENGTH)
        return STREAMED_COUNTED;
    return r->head.version >= 11 ? STREAMED_CHUNKED : STREAMED_CLOSED;
}

void
streamed_begin(struct conn *c)
{
    struct req *r = c->req;

    r->resp.at = NO_CHUNK;
    r->resp.burst = 0;
    r->resp.framing = framing_of(r);
    r->resp.is_bare = r->resp.framing == STREAMED_NOTHING;
    c->closes |= r->resp.framing == STREAMED_CLOSED;
}

void
streamed_seal(struct conn *c)
{
    static const char hex[] = "0123456789abcdef";
    struct out *o = c->out;
    char *line;
    uint32_t n;

    if (c->req->resp.at == NO_CHUNK)
        return;
    line = o->data + c->req->resp.at;
    n = o->end - c->req->resp.at - HEAD;
    for (int i = 3; i >= 0; i--, n >>= 4)
        line[i] = hex[n & 15];
    memcpy(line + 4, "\r\n", 2);
    memcpy(o->data + o->end, "\r\n", TAIL);
    o->end += TAIL;
    c->req->resp.at = NO_CHUNK;
}

/* Bytes that can be put into the open chunk. */
static size_t
chunk_room(const struct conn *c)
{
    const struct out *o = c->out;
    size_t room, left;

    if (c->req->resp.at == NO_CHUNK)
        return 0;
    room = o->cap - o->end;
    left = CHUNK_MAX - (o->end - c->req->resp.at - HEAD);
    room = room > TAIL ? room - TAIL : 0;
    return room < left ? room : left;
}

/* Room in the block for at least one more byte and `more` around it, for want
 * if it can be had: how many; 0: none. */
static size_t
block_room(struct conn *c, size_t want, size_t more)
{
    size_t max = c->env->limits.write_buffer - sizeof(struct out);
    size_t room;

    if (want > max - more)
        want = max - more;
    if (!out_room(c, want + more) && !c->out)
        return 0;
    room = c->out->cap - c->out->end;
    return room > more ? room - more : 0;
}

/* Put what there is room for; 0: nothing. */
static size_t
append(struct conn *c, const char *p, size_t n)
{
    int is_chunked = c->req->resp.framing == STREAMED_CHUNKED;
    size_t room = chunk_room(c);

    if (room == 0) {
        streamed_seal(c);
        room = block_room(c, n, is_chunked ? HEAD + TAIL : 0);
        if (room > 0 && is_chunked) {
            c->req->resp.at = c->out->end;
            c->out->end += HEAD;
            room = room < CHUNK_MAX ? room : CHUNK_MAX;
        }
    }
    if (n > room)
        n = room;
    if (n > 0)
        memcpy(c->out->data + c->out->end, p, n);
    if (c->out)
        c->out->end += (uint32_t)n;
    return n;
}

/* Have the block go.  0: it has; else as streamed_write. */
static int64_t
push(struct conn *c)
{
    uint32_t n;
    int rc;

    if (c->out && out_is_pending(c))
        return -EAGAIN;
    streamed_seal(c);
    n = c->out ? c->out->end - c->out->start : 0;
    if (c->req->resp.burst >= BURST) {
        c->req->resp.burst = 0;
        return out_yield(c) < 0 ? -ENOTCONN : -EAGAIN;
    }
    rc = out_flush(c);
    if (rc < 0) {
        conn_close(c);
        return -ENOTCONN;
    }
    c->req->resp.burst += n;
    if (rc == OUT_DONE)
        return 0;
    c->req->resp.burst = 0;
    c->unsent = UINT32_MAX;
    c->since_ms = c->env->clock.mono_ms;
    return -EAGAIN;
}

int64_t
streamed_write(struct conn *c, const char *p, size_t n)
{
    struct resp *resp = &c->req->resp;
    size_t k;

    if (c->phase == CONN_CLOSED || c->req->resp.framing == STREAMED_NOTHING)
        return -ENOTCONN;
    if (n == 0)
        return push(c);
    if (c->req->resp.framing == STREAMED_COUNTED && n > resp->left)
        return -EINVAL;
    for (;;) {
        int64_t rc;
        k = append(c, p, n);
        if (k > 0)
            break;
        if (!out_has_bytes(c)) /* there is no memory for a block */
            return -ENOTCONN;
        rc = push(c);
        if (rc < 0)
            return rc;
    }
    if (c->req->resp.framing == STREAMED_COUNTED)
        resp->left -= k;
    resp->sent_bytes += k;
    return (int64_t)k;
}

/* Behind the last chunk. */
static int
put_end(struct conn *c)
{
    struct req *r = c->req;
    struct segment *s;
    char *text, *p;
    size_t n = sizeof "0\r\n\r\n" - 1;

    for (const struct resp_field *f = r->resp.trailers; f; f = f->next)
        n += f->name.n + f->value.n + HTTP1_OUT_FIELD_MORE;
    s = arena_alloc(&r->arena, sizeof *s + n);
    if (!s)
        return ERR_NOMEM;
    p = text = (char *)(s + 1);
    p = http1_out_lit(p, "0\r\n");
    for (const struct resp_field *f = r->resp.trailers; f; f = f->next)
        p = http1_out_field(p, f->name, f->value);
    p = http1_out_end(p);
    *s = (struct segment){.kind = SEGMENT_MEM, .fd = -1, .p = text, .n = n};
    segment_put(&r->resp.body, s);
    r->resp.sent_bytes -= n; /* these are not the body's */
    return 0;
}

int
streamed_end(struct conn *c, int is_whole)
{
    struct resp *resp = &c->req->resp;

    streamed_seal(c);
    resp->is_written = 0;
    if (!is_whole || (resp->framing == STREAMED_COUNTED && resp->left > 0))
        return ERR_LIMIT;
    return resp->framing == STREAMED_CHUNKED ? put_end(c) : 0;
}
