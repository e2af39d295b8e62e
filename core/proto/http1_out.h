/* SPDX-License-Identifier: BSD-2-Clause */
/* http1_out.h - the head of an HTTP/1.1 response, written front to back,
 * inline.
 *
 * Copies of things baked beforehand, to where there is room for the longest
 * head it can become:
 *
 *     char *p = ... room for HTTP1_OUT_MAX + type.n + fields, start = p;
 *     p = http1_out_begin(p, 200, &common);
 *     p = http1_out_type(p, type);
 *     p = http1_out_length(p, body_len);                 or http1_out_chunked
 *     p = http1_out_connection(p, HTTP1_OUT_KEEP_ALIVE);
 *     p = http1_out_field(p, name, value);               any number of times
 *     p = http1_out_end(p);
 *
 * Each returns where the next one goes.  Nothing is checked on the way and
 * nothing fails: the caller has made the room, names and values were checked
 * where they were set (field.h).  What has a bound is copied with all of it,
 * so bytes behind the end, but never behind that room, are overwritten. */
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
#define HTTP1_OUT_COMMON_MAX (HTTP1_OUT_SERVER_MAX + 48u)
#define HTTP1_OUT_COMMON_USUAL 64u

struct http1_common {
    uint8_t len;
    uint8_t date_off; /* of the 29 bytes of the date */
    char text[HTTP1_OUT_COMMON_MAX];
};

enum http1_out_connection {
    HTTP1_OUT_DEFAULT,    /* no field: HTTP/1.1 stays open */
    HTTP1_OUT_CLOSE,      /* Connection: close */
    HTTP1_OUT_KEEP_ALIVE, /* Connection: keep-alive, for HTTP/1.0 */
    HTTP1_OUT_UPGRADE,    /* Connection: upgrade */
};

/* The longest head but for its media type and what http1_out_field writes. */
#define HTTP1_OUT_MAX                                                          \
    (STATUS_LINE_MAX + HTTP1_OUT_COMMON_MAX + sizeof "Content-Type: \r\n" +    \
     sizeof "Content-Length: \r\n" + ASCII_U64_MAX +                           \
     sizeof "Connection: keep-alive\r\n" + sizeof "\r\n")
/* What http1_out_field writes besides name and value. */
#define HTTP1_OUT_FIELD_MORE 4u

/* All of the following [any]; n bytes as they are. */
static inline char *
http1_out_put(char *p, const char *from, size_t n)
{
    memcpy(p, from, n);
    return p + n;
}

/* A string literal. */
#define http1_out_lit(p, lit) http1_out_put((p), (lit), sizeof(lit) - 1)

/* Status line and common fields (NULL: none, as for 100 Continue). */
static inline char *
http1_out_begin(char *p, unsigned status, const struct http1_common *common)
{
    p += status_put_line(p, status);
    if (common == NULL)
        return p;
    memcpy(p, common->text, HTTP1_OUT_COMMON_USUAL);
    if (UNLIKELY(common->len > HTTP1_OUT_COMMON_USUAL))
        memcpy(p, common->text, HTTP1_OUT_COMMON_MAX);
    return p + common->len;
}

static inline char *
http1_out_field(char *p, et_str name, et_str value)
{
    p = http1_out_put(p, name.p, name.n);
    p = http1_out_lit(p, ": ");
    if (value.n > 0)
        p = http1_out_put(p, value.p, value.n);
    return http1_out_lit(p, "\r\n");
}

/* Content-Type; nothing if type.n == 0. */
static inline char *
http1_out_type(char *p, et_str type)
{
    if (type.n == 0)
        return p;
    p = http1_out_lit(p, "Content-Type: ");
    p = http1_out_put(p, type.p, type.n);
    return http1_out_lit(p, "\r\n");
}

static inline char *
http1_out_length(char *p, uint64_t body_len)
{
    p = http1_out_lit(p, "Content-Length: ");
    p += ascii_from_u64(p, body_len);
    return http1_out_lit(p, "\r\n");
}

static inline char *
http1_out_chunked(char *p)
{
    return http1_out_lit(p, "Transfer-Encoding: chunked\r\n");
}

static inline char *
http1_out_connection(char *p, enum http1_out_connection how)
{
    switch (how) {
    case HTTP1_OUT_DEFAULT: break;
    case HTTP1_OUT_CLOSE: return http1_out_lit(p, "Connection: close\r\n");
    case HTTP1_OUT_KEEP_ALIVE:
        return http1_out_lit(p, "Connection: keep-alive\r\n");
    case HTTP1_OUT_UPGRADE: return http1_out_lit(p, "Connection: upgrade\r\n");
    }
    return p;
}

/* The blank line. */
static inline char *
http1_out_end(char *p)
{
    return http1_out_lit(p, "\r\n");
}

/* ---- the common fields ---------------------------------------------------*/

/* server: value of the Server field, at most HTTP1_OUT_SERVER_MAX bytes, none
 * if n == 0; date: 29 bytes of IMF-fixdate. [worker] */
static inline void
http1_common_init(struct http1_common *c, et_str server, const char date[29])
{
    char *p = c->text;

    CHECK(server.n <= HTTP1_OUT_SERVER_MAX);
    if (server.n > 0)
        p = http1_out_field(p, (et_str){"Server", 6}, server);
    p = http1_out_lit(p, "Date: ");
    c->date_off = (uint8_t)(p - c->text);
    p = http1_out_put(p, date, 29);
    p = http1_out_lit(p, "\r\n");
    c->len = (uint8_t)(p - c->text);
}

/* Another date. [worker] */
static inline void
http1_common_date(struct http1_common *c, const char date[29])
{
    memcpy(c->text + c->date_off, date, 29);
}

#endif
