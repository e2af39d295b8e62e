/* SPDX-License-Identifier: BSD-2-Clause */
/* reply.c - see reply.h. */
#include "proto/reply.h"

#include "base/err.h"
#include "proto/ascii.h"
#include "proto/status.h"

/* "HTTP/1.1 200" */
#define BEGIN_LEN 12u
#define STATUS_AT 9u

void
reply_init(struct reply_head *r, struct http1_field *fields,
           const struct http1_limits *limits)
{
    *r = (struct reply_head){.limits = *limits, .fields = fields};
}

/* Byte i of "HTTP/" DIGIT "." DIGIT SP 3DIGIT. */
static int
is_begin_byte(char c, uint32_t i)
{
    static const char model[] = "HTTP/0.0 000";

    return model[i] == '0' ? ascii_is(c, ASCII_DIGIT) : c == model[i];
}

/* The first BEGIN_LEN bytes are there, and digits where they are wanted. */
static int
judge_begin(struct reply_head *r, const char *p)
{
    unsigned status = 0;

    for (uint32_t i = STATUS_AT; i < BEGIN_LEN; i++)
        status = 10 * status + (unsigned)(p[i] - '0');
    if (p[5] != '1')
        return ERR_VERSION;
    if (status < STATUS_MIN || status > STATUS_MAX)
        return ERR_STATUS_LINE;
    r->status = (uint16_t)status;
    return 0;
}

/* The line up to its CRLF: HTTP1_DONE, and r->pos is behind it; or MORE, or an
 * error.  Of the reason nobody wants to know more than that it is one. */
static int
scan_line(struct reply_head *r, const char *p, uint32_t n)
{
    int rc;

    for (; r->pos < BEGIN_LEN; r->pos++) {
        if (r->pos == n)
            return HTTP1_MORE;
        if (!is_begin_byte(p[r->pos], r->pos))
            return ERR_STATUS_LINE;
    }
    if (r->status == 0 && (rc = judge_begin(r, p)) < 0)
        return rc;
    while (r->pos < n && ascii_is(p[r->pos], ASCII_VALUE)) {
        if (r->pos == BEGIN_LEN && p[r->pos] != ' ')
            return ERR_STATUS_LINE;
        r->pos++;
    }
    if (r->pos == n || (p[r->pos] == '\r' && r->pos + 1 == n))
        return HTTP1_MORE;
    if (p[r->pos] != '\r' || p[r->pos + 1] != '\n')
        return ERR_STATUS_LINE;
    r->pos += 2;
    return HTTP1_DONE;
}

static int
parse_line(struct reply_head *r, const char *buf, size_t n)
{
    int is_cut = n >= r->limits.max_line;
    int rc = scan_line(r, buf, is_cut ? r->limits.max_line : (uint32_t)n);

    if (rc == HTTP1_MORE && is_cut)
        return ERR_STATUS_LINE;
    if (rc != HTTP1_DONE)
        return rc;
    r->has_line = 1;
    http1_init_reply(&r->head, r->fields, &r->limits, buf[7] == '0' ? 10 : 11,
                     r->pos);
    return HTTP1_DONE;
}

int
reply_parse(struct reply_head *r, const char *buf, size_t n)
{
    if (!r->has_line) {
        int rc = parse_line(r, buf, n);
        if (rc != HTTP1_DONE)
            return rc;
    }
    return http1_parse(&r->head, buf, n);
}

enum reply_body
reply_body(const struct reply_head *r, int is_head)
{
    if (is_head || !status_has_body(r->status))
        return REPLY_NONE;
    if (r->head.is_chunked)
        return REPLY_CHUNKED;
    if (r->head.content_length < 0)
        return REPLY_TO_END;
    return r->head.content_length == 0 ? REPLY_NONE : REPLY_LENGTH;
}
