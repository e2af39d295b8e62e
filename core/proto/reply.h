/* SPDX-License-Identifier: BSD-2-Clause */
/* reply.h - the head of an HTTP/1.x response that comes in, and how its body is
 * framed.
 *
 * The status line (RFC 9112 section 4) is read here, the field lines by the
 * parser of request heads (http1.h), as strictly.  The bytes are handed over as
 * there: all of the head that have come so far, every time; they may have moved
 * between two calls.  The verdict depends on the bytes alone, never on how they
 * were cut.
 *
 * Decided, where the RFC leaves a choice:
 *   bare LF, empty lines in front     refused;
 *   "HTTP/1.1 200" CRLF               accepted, without the blank behind 200;
 *   HTTP/1.2 .. 1.9                   understood as 1.1;
 *   a status below 100, above 599     refused (RFC 9110 15);
 *   Content-Length twice, or beside a transfer coding, a coding but chunked
 *                                     refused, even if both are equal. */
#ifndef PROTO_REPLY_H
#define PROTO_REPLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "proto/http1.h"

struct reply_head {
    struct http1 head; /* at HTTP1_DONE: version, keep_alive, is_chunked,
                          content_length, head_len, the fields */
    uint16_t status;   /* 100..599, once the line is read */
    /* private */
    struct http1_limits limits;
    struct http1_field *fields;
    uint32_t pos;     /* of the status line: looked at so far */
    uint8_t has_line; /* it is read */
};

/* How its body ends (RFC 9112 6.3). */
enum reply_body {
    REPLY_NONE,    /* there is none */
    REPLY_LENGTH,  /* after head.content_length bytes */
    REPLY_CHUNKED, /* as chunked.h says */
    REPLY_TO_END,  /* with the connection */
};

/* Prepare for a head.  fields: room for limits->max_fields, kept; limits are
 * copied, max_line is the status line's. [any] */
void reply_init(struct reply_head *r, struct http1_field *fields,
                const struct http1_limits *limits);
/* Go on with the n bytes at buf, as http1_parse, n < 2^31: HTTP1_MORE,
 * HTTP1_DONE, or what is wrong, for good: ERR_STATUS_LINE (also: too long),
 * ERR_VERSION, or one of http1_parse's. [any] */
int reply_parse(struct reply_head *r, const char *buf, size_t n) MUST_USE;
/* How the body of a head that is DONE ends; is_head: it was asked for by HEAD.
 * [any] */
enum reply_body reply_body(const struct reply_head *r, int is_head);

#endif
