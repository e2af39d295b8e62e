/* SPDX-License-Identifier: BSD-2-Clause */
/* Heads of responses that come in: what is accepted and yields, what is refused
 * and as what, the same at every cut, against a guard page. */
#include <string.h>

#include "base/err.h"
#include "proto/reply.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

#define FIELDS 8u
#define END "\r\n\r\n"

static const struct http1_limits limits = {64, 200, FIELDS};
static struct http1_field fields[FIELDS], again[FIELDS];

/* The first cut bytes at p, then all n of them, elsewhere. */
static int
parse_cut(struct reply_head *r, struct http1_field *f, const char *p, size_t n,
          size_t cut)
{
    int rc;

    reply_init(r, f, &limits);
    rc = reply_parse(r, guard_end(p, cut), cut);
    if (rc != HTTP1_MORE)
        return rc;
    return reply_parse(r, guard_begin(p, n), n);
}

/* The verdict, after it was seen to be the same at every cut and byte by byte;
 * r and fields are those of the whole. */
static int
judge(struct reply_head *r, const char *p, size_t n)
{
    struct reply_head other;
    int rc, drip = HTTP1_MORE;

    reply_init(r, fields, &limits);
    rc = reply_parse(r, guard_end(p, n), n);
    for (size_t cut = 0; cut < n; cut++) {
        ck_assert_int_eq(parse_cut(&other, again, p, n, cut), rc);
        ck_assert_uint_eq(other.status, r->status);
        ck_assert_uint_eq(other.head.n_fields, r->head.n_fields);
        ck_assert_mem_eq(again, fields, r->head.n_fields * sizeof *fields);
    }
    reply_init(&other, again, &limits);
    for (size_t i = 1; i <= n && drip == HTTP1_MORE; i++)
        drip = reply_parse(&other, guard_end(p, i), i);
    ck_assert_int_eq(drip, rc);
    return rc;
}

static int
judge_text(struct reply_head *r, const char *text)
{
    return judge(r, text, strlen(text));
}

START_TEST(a_head_is_taken_apart)
{
    static const char text[] = "HTTP/1.1 404 Not \xc3\xa9 Found\r\n"
                               "Content-Length: 12\r\n"
                               "X-A:  b c \r\n\r\nHTTP/1.1";
    struct reply_head r;

    ck_assert_int_eq(judge_text(&r, text), HTTP1_DONE);
    ck_assert_uint_eq(r.status, 404);
    ck_assert_uint_eq(r.head.head_len, strlen(text) - 8);
    ck_assert_uint_eq(r.head.version, 11);
    ck_assert_int_eq(r.head.content_length, 12);
    ck_assert(r.head.keep_alive);
    ck_assert_uint_eq(r.head.n_fields, 2);
    ck_assert_uint_eq(http1_value(&r.head.fields[1], text).n, 3);
    ck_assert_mem_eq(http1_value(&r.head.fields[1], text).p, "b c", 3);
}
END_TEST

START_TEST(what_is_no_field_of_a_response_means_nothing_in_one)
{
    struct reply_head r;

    ck_assert_int_eq(
        judge_text(&r, "HTTP/1.1 200 OK\r\nHost: a b\r\nHost: c" END),
        HTTP1_DONE);
    ck_assert_int_eq(judge_text(&r, "HTTP/1.1 200 OK\r\nExpect: x" END),
                     HTTP1_DONE);
    ck_assert_int_eq(judge_text(&r, "HTTP/1.1 200 OK" END), HTTP1_DONE);
}
END_TEST

START_TEST(lines_that_are_none_are_refused)
{
    static const struct {
        const char *text;
        int rc;
    } rows[] = {
        {"HTTP/1.1 200" END, HTTP1_DONE},
        {"HTTP/1.1 200 " END, HTTP1_DONE},
        {"HTTP/1.9 599 x" END, HTTP1_DONE},
        {"HTTP/1.1 100 Continue" END, HTTP1_DONE},
        {"HTTP/1.1  200 OK" END, ERR_STATUS_LINE},
        {"HTTP/1.1 20 OK" END, ERR_STATUS_LINE},
        {"HTTP/1.1 2000" END, ERR_STATUS_LINE},
        {"HTTP/1.1 200x" END, ERR_STATUS_LINE},
        {"HTTP/1.1 099 x" END, ERR_STATUS_LINE},
        {"HTTP/1.1 600 x" END, ERR_STATUS_LINE},
        {"HTTP/2.0 200 x" END, ERR_VERSION},
        {"HTTP/0.9 200 x" END, ERR_VERSION},
        {"http/1.1 200 x" END, ERR_STATUS_LINE},
        {"\r\nHTTP/1.1 200" END, ERR_STATUS_LINE},
        {"HTTP/1.1 200 a\nb: c" END, ERR_STATUS_LINE},
        {"HTTP/1.1 200 a\rb" END, ERR_STATUS_LINE},
        {"HTTP/1.1 200 a\x01" END, ERR_STATUS_LINE},
        {"ICY 200 OK" END, ERR_STATUS_LINE},
        {"SSH-2.0-OpenSSH\r\n", ERR_STATUS_LINE},
        {"HTTP/1.1 200 12345678901234567890123456789012345678901234567890123"
         "456789",
         ERR_STATUS_LINE},
    };
    struct reply_head r;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        ck_assert_msg(judge_text(&r, rows[i].text) == rows[i].rc, "%s",
                      rows[i].text);
    ck_assert_int_eq(judge(&r, "HTTP/1.1 200 \0" END, 18), ERR_STATUS_LINE);
}
END_TEST

START_TEST(fields_are_as_strict_as_a_request_s)
{
    static const struct {
        const char *fields;
        int rc;
    } rows[] = {
        {"A : b", ERR_FIELD},
        {"A: b\r\n c", ERR_FIELD},
        {"A: b\nC: d", ERR_FIELD},
        {": b", ERR_FIELD},
        {"Content-Length: 1\r\nContent-Length: 1", ERR_LENGTH},
        {"Content-Length: 1, 1", ERR_LENGTH},
        {"Content-Length: +1", ERR_LENGTH},
        {"Content-Length: 99999999999999999999", ERR_LENGTH},
        {"Content-Length: 1\r\nTransfer-Encoding: chunked", ERR_FRAMING},
        {"Transfer-Encoding: gzip, chunked", ERR_CODING},
        {"Transfer-Encoding: chunked, chunked", ERR_FRAMING},
        {"Transfer-Encoding: chunked", HTTP1_DONE},
        {"a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\nh:\r\ni:", ERR_FIELDS_MANY},
    };
    struct reply_head r;
    char text[512];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\n%s" END,
                 rows[i].fields);
        ck_assert_msg(judge_text(&r, text) == rows[i].rc, "%s", text);
    }
    ck_assert_int_eq(
        judge_text(&r, "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked" END),
        ERR_FRAMING);
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nA: %0300d" END, 1);
    ck_assert_int_eq(judge_text(&r, text), ERR_FIELDS_LARGE);
}
END_TEST

START_TEST(how_its_body_ends)
{
    static const struct {
        const char *text;
        int is_head, keeps;
        enum reply_body body;
    } rows[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 5", 0, 1, REPLY_LENGTH},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0", 0, 1, REPLY_NONE},
        {"HTTP/1.1 200 OK\r\nContent-Length: 5", 1, 1, REPLY_NONE},
        {"HTTP/1.1 204 No\r\nContent-Length: 5", 0, 1, REPLY_NONE},
        {"HTTP/1.1 304 No\r\nContent-Length: 5", 0, 1, REPLY_NONE},
        {"HTTP/1.1 304 No\r\nTransfer-Encoding: chunked", 0, 1, REPLY_NONE},
        {"HTTP/1.1 103 Hints\r\nLink: x", 0, 1, REPLY_NONE},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", 0, 1, REPLY_CHUNKED},
        {"HTTP/1.1 200 OK\r\nConnection: close", 0, 0, REPLY_TO_END},
        {"HTTP/1.1 200 OK\r\nA: b", 0, 1, REPLY_TO_END},
        {"HTTP/1.0 200 OK\r\nContent-Length: 5", 0, 0, REPLY_LENGTH},
        {"HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive", 0, 1,
         REPLY_LENGTH},
    };
    struct reply_head r;
    char text[512];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, "%s" END, rows[i].text);
        ck_assert_int_eq(judge_text(&r, text), HTTP1_DONE);
        ck_assert_msg(reply_body(&r, rows[i].is_head) == rows[i].body, "%s",
                      text);
        ck_assert_int_eq(r.head.keep_alive, rows[i].keeps);
    }
}
END_TEST

UNIT_MAIN(reply, a_head_is_taken_apart,
          what_is_no_field_of_a_response_means_nothing_in_one,
          lines_that_are_none_are_refused, fields_are_as_strict_as_a_request_s,
          how_its_body_ends)
