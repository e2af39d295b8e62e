/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_head.h - the fields of an HTTP/2 request as the head that all the rest of
 * the server knows: one text, and offsets into it (struct http1).
 *
 *     :method GET, :path /a, :authority x, cookie a, cookie b, ...
 *       -> text "GET/ahostxcookiea; b..."    method, target, host, fields
 *
 * :authority is the host, as a field too (RFC 9113 8.3.1); cookies that came
 * in crumbs are one field (8.2.3), and count as that one from the beginning;
 * what belongs to no message any more (:scheme) is not kept.  The names and
 * values have been judged by the library (8.2); limits are those of HTTP/1,
 * counted on what is decoded.  One is made at a time on a connection: other
 * frames cannot come between. */
#ifndef CONN_H2_HEAD_H
#define CONN_H2_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

struct blocks;
struct http1;

/* A head that is no request (RFC 9113 8.1.1): the stream is reset. */
#define H2_HEAD_MALFORMED 1

struct h2_head {
    struct blocks *blocks;
    struct http1 *to; /* of http1_init */
    char *text;       /* a block */
    uint32_t n, cap;  /* of text */
    uint32_t n_crumbs, crumbs_cap;
    char *crumbs;         /* all cookies so far, joined, if there are
                             several: a block */
    uint64_t list_bytes;  /* of all fields, as lines of HTTP/1 */
    uint16_t cookie;      /* an index of to->fields, if has_cookie */
    int16_t bad;          /* ERR_*, or H2_HEAD_MALFORMED */
    uint8_t has_cookie;   /* the first one has come */
    uint8_t has_protocol; /* RFC 8441: :protocol was there ... */
    uint8_t is_websocket; /* ... and that is what it said */
};

/* Of a request whose head is `to`, fresh of http1_init. [worker] */
void h2_head_begin(struct h2_head *h, struct blocks *blocks, struct http1 *to);
/* The next field. [worker] */
void h2_head_field(struct h2_head *h, et_str name, et_str value);
/* That was the last one: 0, and `to` is filled, its offsets count from
 * h->text; or why it is refused, an ERR_* or H2_HEAD_MALFORMED: then to->method
 * is valid.  has_body: END_STREAM did not come with it. [worker] */
MUST_USE int h2_head_end(struct h2_head *h, int has_body);
/* Give back the text; nothing if there is none. [worker] */
void h2_head_fini(struct h2_head *h);

#endif
