/* SPDX-License-Identifier: BSD-2-Clause */
/* http1_out.h - the head of an HTTP/1.1 response, written front to back,
 * inline.
 *
 * Copies of things baked beforehand, into the caller's buffer:
 *
 *     struct http1_out o;
 *     http1_out_begin(&o, p, end, 200, &common);
 *     http1_out_field(&o, name, value);               any number of times
 *     http1_out_type(&o, type);
 *     http1_out_length(&o, body_len);                 or http1_out_chunked
 *     http1_out_connection(&o, HTTP1_OUT_KEEP_ALIVE);
 *     n = http1_out_end(&o);
 *
 * Nothing fails on the way: what does not fit is counted, not written, and the
 * end says how much room is needed.  Names and values were checked where they
 * were set (field.h); here they are copied. */
#ifndef PROTO_HTTP1_OUT_H
#define PROTO_HTTP1_OUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "proto/ascii.h"
#include "proto/status.h"

/* The fields every answer of a worker has: "Server: ..." CRLF "Date: ..." CRLF.
 * Rebuilt when the second changes. */
#define HTTP1_OUT_SERVER_MAX 64u

struct http1_common {
    uint8_t len;
    uint8_t date_off; /* of the 29 bytes of the date */
    char text[HTTP1_OUT_SERVER_MAX + 48];
};

struct http1_out {
    char *p;
    size_t n, cap; /* n may exceed cap: then nothing more is written */
};

enum http1_out_connection {
    HTTP1_OUT_DEFAULT,    /* no field: HTTP/1.1 stays open */
    HTTP1_OUT_CLOSE,      /* Connection: close */
    HTTP1_OUT_KEEP_ALIVE, /* Connection: keep-alive, for HTTP/1.0 */
    HTTP1_OUT_UPGRADE,    /* Connection: upgrade */
};

/* All of the following [any]; n bytes as they are. */
static inline void
http1_out_put(struct http1_out *o, const char *p, size_t n)
{
    if (LIKELY(n > 0 && o->n + n <= o->cap))
        memcpy(o->p + o->n, p, n);
    o->n += n;
}

/* A string literal. */
#define http1_out_lit(o, lit) http1_out_put((o), (lit), sizeof(lit) - 1)

/* Status line and common fields (NULL: none, as for 100 Continue). */
static inline void
http1_out_begin(struct http1_out *o, char *p, const char *end, unsigned status,
                const struct http1_common *common)
{
    et_str line = status_line(status);

    o->p = p;
    o->n = 0;
    o->cap = (size_t)(end - p);
    http1_out_put(o, line.p, line.n);
    if (common != NULL)
        http1_out_put(o, common->text, common->len);
}

static inline void
http1_out_field(struct http1_out *o, et_str name, et_str value)
{
    http1_out_put(o, name.p, name.n);
    http1_out_lit(o, ": ");
    http1_out_put(o, value.p, value.n);
    http1_out_lit(o, "\r\n");
}

/* Content-Type; nothing if type.n == 0. */
static inline void
http1_out_type(struct http1_out *o, et_str type)
{
    if (type.n == 0)
        return;
    http1_out_lit(o, "Content-Type: ");
    http1_out_put(o, type.p, type.n);
    http1_out_lit(o, "\r\n");
}

static inline void
http1_out_length(struct http1_out *o, uint64_t body_len)
{
    char text[ASCII_U64_MAX];

    http1_out_lit(o, "Content-Length: ");
    http1_out_put(o, text, ascii_from_u64(text, body_len));
    http1_out_lit(o, "\r\n");
}

static inline void
http1_out_chunked(struct http1_out *o)
{
    http1_out_lit(o, "Transfer-Encoding: chunked\r\n");
}

static inline void
http1_out_connection(struct http1_out *o, enum http1_out_connection how)
{
    switch (how) {
    case HTTP1_OUT_DEFAULT: break;
    case HTTP1_OUT_CLOSE: http1_out_lit(o, "Connection: close\r\n"); break;
    case HTTP1_OUT_KEEP_ALIVE:
        http1_out_lit(o, "Connection: keep-alive\r\n");
        break;
    case HTTP1_OUT_UPGRADE: http1_out_lit(o, "Connection: upgrade\r\n"); break;
    }
}

/* The blank line.  Length of the head; if that is more than the room there
 * was, the buffer's content is worthless and that much is needed. */
static inline size_t
http1_out_end(struct http1_out *o)
{
    http1_out_lit(o, "\r\n");
    return o->n;
}

/* True if everything fitted, asked after http1_out_end. */
static inline int
http1_out_fits(const struct http1_out *o)
{
    return o->n <= o->cap;
}

/* ---- the common fields ---------------------------------------------------*/

/* server: value of the Server field, at most HTTP1_OUT_SERVER_MAX bytes, none
 * if n == 0; date: 29 bytes of IMF-fixdate. [worker] */
static inline void
http1_common_init(struct http1_common *c, et_str server, const char date[29])
{
    struct http1_out o = {c->text, 0, sizeof(c->text)};

    CHECK(server.n <= HTTP1_OUT_SERVER_MAX);
    if (server.n > 0)
        http1_out_field(&o, (et_str){"Server", 6}, server);
    http1_out_lit(&o, "Date: ");
    c->date_off = (uint8_t)o.n;
    http1_out_put(&o, date, 29);
    http1_out_lit(&o, "\r\n");
    CHECK(http1_out_fits(&o));
    c->len = (uint8_t)o.n;
}

/* Another date. [worker] */
static inline void
http1_common_date(struct http1_common *c, const char date[29])
{
    memcpy(c->text + c->date_off, date, 29);
}

#endif
