/* SPDX-License-Identifier: BSD-2-Clause */
/* http1.h - the head of an HTTP/1.x request: bytes in, offsets out.
 *
 * RFC 9112 sections 2 to 6, strictly.  Not here: bodies (chunked.h), what a
 * target means (uri.h), anything that waits.  The parser is handed all bytes
 * of the head that have come so far, every time, and goes on where it stopped:
 * it keeps offsets only, so the bytes may have moved between two calls.
 *
 *     0 <= pos <= n; everything before pos has been judged and is never read
 *     again (fourteen bytes at most excepted); n_fields <= max_fields.
 *
 * The verdict depends on the bytes alone, never on how they were cut.
 *
 * Decided, where the RFC leaves a choice:
 *   bare LF, bare CR      refused, everywhere (2.2 would allow LF);
 *   empty lines in front  skipped, at most four (2.2);
 *   obs-fold              refused (5.2);
 *   HTTP/1.2 .. 1.9       understood as 1.1; another major is ERR_VERSION;
 *   Content-Length twice  refused, even when both are equal (RFC 9110 8.6);
 *   TE in HTTP/1.0        refused (6.1);
 *   empty Host value      accepted: it is in the grammar; no route names it. */
#ifndef PROTO_HTTP1_H
#define PROTO_HTTP1_H

#include <stddef.h>
#include <stdint.h>

#include "abi/etude_abi.h"
#include "base/check.h"

/* Results of http1_parse besides the negative ERR_*. */
#define HTTP1_MORE 0
#define HTTP1_DONE 1

/* Fields that are recognised while they are read. */
/* clang-format off */
#define HTTP1_FIELD_TABLE(X)                                                   \
    X(HOST, "host")                                                            \
    X(CONTENT_LENGTH, "content-length")                                        \
    X(TRANSFER_ENCODING, "transfer-encoding")                                  \
    X(CONNECTION, "connection")                                                \
    X(EXPECT, "expect")                                                        \
    X(UPGRADE, "upgrade")                                                      \
    X(COOKIE, "cookie")                                                        \
    X(ACCEPT, "accept")                                                        \
    X(ACCEPT_ENCODING, "accept-encoding")                                      \
    X(CONTENT_TYPE, "content-type")                                            \
    X(AUTHORIZATION, "authorization")                                          \
    X(FORWARDED, "forwarded")                                                  \
    X(X_FORWARDED_FOR, "x-forwarded-for")                                      \
    X(X_REAL_IP, "x-real-ip")
/* clang-format on */

enum http1_field_id {
    HTTP1_F_OTHER = 0,
#define X(name, text) HTTP1_F_##name,
    HTTP1_FIELD_TABLE(X)
#undef X
        HTTP1_F_COUNT
};

/* One field line; offsets into the head.  The value has no white space at its
 * edges, may be empty and may hold HTAB and bytes 0x80-0xff. */
struct http1_field {
    uint32_t name_off, value_off, value_len;
    uint16_t name_len;
    uint8_t id; /* enum http1_field_id */
    uint8_t reserved0;
};

/* Each in bytes but the last; a head is at most their sum plus ten. */
struct http1_limits {
    uint32_t max_line;   /* request line with its CRLF; beyond it 414 */
    uint32_t max_header; /* all field lines with the blank line; 431 */
    uint32_t max_fields; /* also the capacity of the field array; 431 */
};

enum http1_state {
    HTTP1_S_START,   /* before the request line, empty lines are skipped */
    HTTP1_S_METHOD,  /* in the method's token */
    HTTP1_S_TARGET,  /* in the request-target */
    HTTP1_S_VERSION, /* in "HTTP/1.1" CRLF */
    HTTP1_S_NAME,    /* at the start of a field line, or in its name */
    HTTP1_S_OWS,     /* between colon and value */
    HTTP1_S_VALUE,   /* in a field's value, or at its CRLF */
    HTTP1_S_DONE,    /* head complete */
};

struct http1 {
    /* results; all valid at HTTP1_DONE, method to version once parsed */
    uint32_t head_len;       /* bytes of the head, with the blank line */
    uint8_t method;          /* ET_M_*; ET_M_OTHER: an unknown token */
    uint8_t version;         /* 10 or 11 */
    uint8_t keep_alive;      /* the client allows another request */
    uint8_t is_chunked;      /* Transfer-Encoding: chunked */
    uint8_t expect_continue; /* waits for 100 Continue (1.1 only) */
    uint8_t has_upgrade;     /* Upgrade named in Connection (1.1 only) */
    uint8_t host_has_upper;  /* lower-case it before comparing */
    uint8_t has_host;
    uint32_t method_off, method_len;
    uint32_t target_off, target_len;
    uint32_t host_off, host_len; /* Host as sent, with port */
    uint32_t host_name_len;      /* of it without port and trailing dot */
    uint32_t n_fields;
    int64_t content_length;     /* -1: none */
    struct http1_field *fields; /* the caller's */
    /* private */
    struct http1_limits limits;
    uint32_t pos, start, line_off, fields_off;
    uint8_t state;      /* enum http1_state */
    uint8_t connection; /* bits of the Connection lists seen */
    uint8_t is_reply;   /* the fields are a response's */
};

/* Prepare for a head.  fields: room for limits->max_fields, kept by h; limits
 * are copied. [any] */
void http1_init(struct http1 *h, struct http1_field *fields,
                const struct http1_limits *limits);
/* Prepare for the fields of a response (reply.h), whose status line has that
 * version and ends at `at`: http1_parse goes on there.  Host and Expect mean
 * nothing in them. [any] */
void http1_init_reply(struct http1 *h, struct http1_field *fields,
                      const struct http1_limits *limits, uint8_t version,
                      uint32_t at);

/* Other limits for the rest of a head that is half read.  fields: room for
 * limits->max_fields, which may be the array there is; what is in it is taken
 * over.  0, or the error of http1_parse if what has been read is beyond them.
 * [any] */
MUST_USE int http1_relimit(struct http1 *h, struct http1_field *fields,
                           const struct http1_limits *limits);
/* Go on with the n bytes at buf: those of all calls before and what came
 * since, n < 2^31.  HTTP1_MORE, HTTP1_DONE (h->head_len of them are the head),
 * or what is wrong, for good: ERR_REQUEST_LINE, ERR_METHOD (token does not
 * end), ERR_TARGET, ERR_TARGET_LONG, ERR_VERSION, ERR_FIELD, ERR_FIELDS_LARGE,
 * ERR_FIELDS_MANY, ERR_HOST, ERR_LENGTH, ERR_CODING, ERR_FRAMING, ERR_EXPECT.
 * An unknown method is not an error here.  [any] */
int http1_parse(struct http1 *h, const char *buf, size_t n) MUST_USE;

/* The recognised name a token is, compared without case. [any] */
uint8_t http1_field_id(const char *name, size_t n);
/* "content-length" of HTTP1_F_CONTENT_LENGTH. [any] */
et_str http1_field_name(uint8_t id);

/* Choose the widest scanner this CPU has; before it plain C runs.  Called once
 * before threads start. */
void http1_init_simd(void);
/* No better than this enum scan_level (scan.h): 0 is plain C.  For tests, in
 * one thread. */
void http1_use_level(int at_most);

/* A slice of the head at buf. [any] */
static inline et_str
http1_str(const char *buf, uint32_t off, uint32_t len)
{
    return (et_str){buf + off, len};
}

static inline et_str
http1_method(const struct http1 *h, const char *buf)
{
    return http1_str(buf, h->method_off, h->method_len);
}

static inline et_str
http1_target(const struct http1 *h, const char *buf)
{
    return http1_str(buf, h->target_off, h->target_len);
}

/* Host without port and trailing dot; absent when there was none.  A target
 * in absolute-form overrides it (RFC 9112 3.2.2): see uri.h. */
static inline et_str
http1_host(const struct http1 *h, const char *buf)
{
    if (!h->has_host)
        return (et_str){NULL, 0};
    return http1_str(buf, h->host_off, h->host_name_len);
}

static inline et_str
http1_name(const struct http1_field *f, const char *buf)
{
    return http1_str(buf, f->name_off, f->name_len);
}

static inline et_str
http1_value(const struct http1_field *f, const char *buf)
{
    return http1_str(buf, f->value_off, f->value_len);
}

#endif
