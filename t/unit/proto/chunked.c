/* SPDX-License-Identifier: BSD-2-Clause */
/* The chunk decoder: every cut gives the same body, every fault its name, and
 * framing cannot be had for nothing. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "proto/chunked.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

struct sink {
    char body[4096];
    size_t n;
};

/* Feed n bytes; the result of the last call and how many were used. */
static int
feed(struct chunked *c, const char *p, size_t n, struct sink *out, size_t *used)
{
    et_str data;
    size_t i = 0, k;
    int rc;

    do {
        rc = chunked_next(c, p + i, n - i, &k, &data);
        ck_assert(k <= n - i);
        i += k;
        if (rc == CHUNKED_DATA) {
            ck_assert(data.n > 0 && data.p + data.n == p + i);
            memcpy(out->body + out->n, data.p, data.n);
            out->n += data.n;
        }
    } while (rc == CHUNKED_DATA);
    ck_assert(rc != CHUNKED_MORE || i == n);
    *used = i;
    return rc;
}

static int
decode(const char *text, size_t n, size_t cut, uint64_t max_body,
       uint32_t max_trailer, struct sink *out, size_t *used)
{
    struct chunked c;
    int rc;

    chunked_init(&c, max_body, max_trailer);
    out->n = 0;
    rc = feed(&c, guard_end(text, cut), cut, out, used);
    if (rc != CHUNKED_MORE)
        return rc;
    rc = feed(&c, guard_end(text + cut, n - cut), n - cut, out, used);
    *used += cut;
    return rc;
}

static int
drip(const char *text, size_t n, uint64_t max_body, uint32_t max_trailer,
     struct sink *out, size_t *used)
{
    struct chunked c;
    int rc = CHUNKED_MORE;
    size_t i;

    chunked_init(&c, max_body, max_trailer);
    out->n = 0;
    for (i = 0; i < n && rc == CHUNKED_MORE; i++) {
        size_t one;
        rc = feed(&c, guard_end(text + i, 1), 1, out, &one);
    }
    *used = i;
    return rc;
}

/* The same result at each cut; out and used are those of the whole. */
static int
judge(const char *text, size_t n, uint64_t max_body, uint32_t max_trailer,
      struct sink *out, size_t *used)
{
    int rc = decode(text, n, n, max_body, max_trailer, out, used);
    struct sink other;
    size_t k;

    for (size_t cut = 0; cut < n; cut++) {
        int got = decode(text, n, cut, max_body, max_trailer, &other, &k);
        ck_assert_msg(got == rc, "cut %zu of %s: %d not %d", cut, text, got,
                      rc);
        ck_assert_uint_eq(k, *used);
        ck_assert_uint_eq(other.n, out->n);
        ck_assert_mem_eq(other.body, out->body, out->n);
    }
    ck_assert_int_eq(drip(text, n, max_body, max_trailer, &other, &k), rc);
    ck_assert_uint_eq(k, *used);
    ck_assert_mem_eq(other.body, out->body, out->n);
    return rc;
}

START_TEST(bodies_are_decoded_at_every_cut)
{
    static const struct {
        const char *text, *body;
    } rows[] = {
        {"0\r\n\r\n", ""},
        {"5\r\nhello\r\n0\r\n\r\n", "hello"},
        {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"},
        {"a\r\n0123456789\r\n0\r\n\r\n", "0123456789"},
        {"A\r\n0123456789\r\n000\r\n\r\n", "0123456789"},
        {"0000000000000000000005\r\n\r\n0\r\n\r\n0\r\n\r\n", "\r\n0\r\n"},
        {"5;a\r\nhello\r\n0;b=c\r\n\r\n", "hello"},
        {"5 \t; a = b ;c\t;d=\"e\\\"f;\r\"\r\nhello\r\n0\r\n\r\n", NULL},
        {"5 \t; a = b ;c\t;d=\"e\\\"f;\t\xc3\xa4\" ;g\r\nhello\r\n0\r\n\r\n",
         "hello"},
        {"5\r\nhello\r\n0\r\nX: y\r\nZ:\r\n\r\n", "hello"},
        {"5\r\nhello\r\n0\r\nX:\ty \xff\r\n\r\n", "hello"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sink out;
        size_t used, n = strlen(rows[i].text);
        int rc = judge(rows[i].text, n, 100, 100, &out, &used);

        if (rows[i].body == NULL) {
            ck_assert_int_eq(rc, ERR_CHUNK);
            continue;
        }
        ck_assert_int_eq(rc, CHUNKED_DONE);
        ck_assert_uint_eq(used, n);
        ck_assert_uint_eq(out.n, strlen(rows[i].body));
        ck_assert_mem_eq(out.body, rows[i].body, out.n);
    }
}
END_TEST

START_TEST(what_follows_the_body_is_left_alone)
{
    static const char text[] = "1\r\na\r\n0\r\nT: u\r\n\r\nGET / HTTP/1.1\r\n";
    struct sink out;
    size_t used;

    ck_assert_int_eq(judge(text, sizeof(text) - 1, 9, 9, &out, &used),
                     CHUNKED_DONE);
    ck_assert_uint_eq(used, strlen(text) - strlen("GET / HTTP/1.1\r\n"));
}
END_TEST

START_TEST(malformed_chunks_are_refused)
{
    static const struct {
        int err;
        const char *text;
    } rows[] = {
        {ERR_CHUNK, "\r\n"},
        {ERR_CHUNK, ";a\r\n"},
        {ERR_CHUNK, "g\r\n"},
        {ERR_CHUNK, "+5\r\nhello\r\n"},
        {ERR_CHUNK, "-1\r\n"},
        {ERR_CHUNK, " 5\r\nhello\r\n"},
        {ERR_CHUNK, "0x5\r\nhello\r\n"},
        {ERR_CHUNK, "5 \r\nhello\r\n"},
        {ERR_CHUNK, "5\nhello\r\n"},
        {ERR_CHUNK, "5\r\rhello\r\n"},
        {ERR_CHUNK, "5\r\nhello\n"},
        {ERR_CHUNK, "5\r\nhello0\r\n"},
        {ERR_CHUNK, "5\r\nhello\r0"},
        {ERR_CHUNK, "5;\r\nhello\r\n"},
        {ERR_CHUNK, "5;a=\r\nhello\r\n"},
        {ERR_CHUNK, "5;a b\r\nhello\r\n"},
        {ERR_CHUNK, "5;a \r\nhello\r\n"},
        {ERR_CHUNK, "5;a=b \r\nhello\r\n"},
        {ERR_CHUNK, "5;a=b c\r\nhello\r\n"},
        {ERR_CHUNK, "5;a=\"b\"c\r\nhello\r\n"},
        {ERR_CHUNK, "5;a=\"b\r\nhello\r\n"},
        {ERR_CHUNK, "5;a=\"b\\\r\nhello\r\n"},
        {ERR_CHUNK, "5;a\nb\r\nhello\r\n"},
        {ERR_CHUNK, "5;\x80\r\nhello\r\n"},
        {ERR_CHUNK, "0\r\n\rX"},
        {ERR_FIELD, "0\r\n\n"},
        {ERR_FIELD, "0\r\n X: y\r\n\r\n"},
        {ERR_FIELD, "0\r\nX : y\r\n\r\n"},
        {ERR_FIELD, "0\r\n: y\r\n\r\n"},
        {ERR_FIELD, "0\r\nX\r\n\r\n"},
        {ERR_FIELD, "0\r\nX: y\n\r\n"},
        {ERR_FIELD, "0\r\nX: y\r\r\n"},
        {ERR_FIELD, "0\r\nX: y\r\n z\r\n\r\n"},
        {ERR_FIELD, "0\r\nX: \x01\r\n\r\n"},
        {ERR_FIELD, "0\r\n\xc3\xa4: y\r\n\r\n"},
        {ERR_BODY_LARGE, "65\r\n"},
        {ERR_BODY_LARGE, "64\r\n"
                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
                         "\r\n1\r\n"},
        {ERR_BODY_LARGE, "ffffffffffffffff\r\n"},
        {ERR_BODY_LARGE, "10000000000000000\r\n"},
        {ERR_BODY_LARGE, "fffffffffffffffffffffffffffffff1\r\n"},
        {ERR_FIELDS_LARGE, "0\r\nX: 1234567890\r\n\r\n"},
    };
    struct sink out;
    size_t used;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int rc =
            judge(rows[i].text, strlen(rows[i].text), 100, 14, &out, &used);
        ck_assert_msg(rc == rows[i].err, "%s: %s", rows[i].text, err_name(rc));
    }
}
END_TEST

START_TEST(sizes_up_to_the_last_bit_do_not_overflow)
{
    struct chunked c;
    et_str data;
    size_t used;

    chunked_init(&c, UINT64_MAX, 0);
    ck_assert_int_eq(
        chunked_next(&c, "ffffffffffffffff\r\nx", 19, &used, &data),
        CHUNKED_DATA);
    ck_assert_uint_eq(c.left, UINT64_MAX - 1);
    chunked_init(&c, UINT64_MAX, 0);
    ck_assert_int_eq(chunked_next(&c, "10000000000000000", 17, &used, &data),
                     ERR_BODY_LARGE);
    chunked_init(&c, UINT64_MAX, 0);
    ck_assert_int_eq(
        chunked_next(&c, "1\r\nx\r\nffffffffffffffff", 22, &used, &data),
        CHUNKED_DATA);
    ck_assert_int_eq(chunked_next(&c, "\r\nffffffffffffffff", 18, &used, &data),
                     ERR_BODY_LARGE);
}
END_TEST

START_TEST(trailers_are_bounded_to_the_byte)
{
    static const char text[] = "0\r\nX: 12\r\n\r\n";
    struct sink out;
    size_t used;

    ck_assert_int_eq(judge(text, 12, 0, 7, &out, &used), CHUNKED_DONE);
    ck_assert_int_eq(judge(text, 12, 0, 6, &out, &used), ERR_FIELDS_LARGE);
    ck_assert_int_eq(judge("0\r\n\r\n", 5, 0, 0, &out, &used), CHUNKED_DONE);
}
END_TEST

START_TEST(extensions_are_bounded)
{
    char line[CHUNKED_LINE_MAX + 8];
    struct chunked c;
    et_str data;
    size_t used, sent = 0;
    int rc;

    memset(line, 'x', sizeof(line));
    memcpy(line, "1;", 2);
    chunked_init(&c, UINT64_MAX, 0);
    ck_assert_int_eq(chunked_next(&c, line, CHUNKED_LINE_MAX, &used, &data),
                     CHUNKED_MORE);
    ck_assert_int_eq(chunked_next(&c, "x", 1, &used, &data), ERR_CHUNK);

    memcpy(line + 1000, "\r\nx\r\n", 5);
    chunked_init(&c, UINT64_MAX, 0);
    do {
        rc = chunked_next(&c, line, 1003, &used, &data);
        if (rc == CHUNKED_DATA)
            rc = chunked_next(&c, "\r\n", 2, &used, &data);
        sent += 1005;
    } while (rc == CHUNKED_MORE && sent < 1000000);
    ck_assert_int_eq(rc, ERR_CHUNK);
    ck_assert_uint_lt(sent, CHUNKED_EXCESS_MAX + 2000);
}
END_TEST

START_TEST(a_hundred_thousand_small_chunks_pass)
{
    static const char piece[] = "1;n=1\r\nx\r\n";
    struct chunked c;
    struct sink out;
    size_t used;

    chunked_init(&c, 100000, 0);
    for (int i = 0; i < 100000; i++) {
        out.n = 0;
        ck_assert(feed(&c, piece, sizeof(piece) - 1, &out, &used) ==
                  CHUNKED_MORE);
        ck_assert(out.n == 1);
    }
    ck_assert_int_eq(feed(&c, CHUNKED_END, 5, &out, &used), CHUNKED_DONE);
}
END_TEST

START_TEST(after_the_end_nothing_is_used)
{
    struct chunked c;
    et_str data;
    size_t used = 9;

    chunked_init(&c, 0, 0);
    ck_assert_int_eq(chunked_next(&c, "0", 0, &used, &data), CHUNKED_MORE);
    ck_assert_uint_eq(used, 0);
    ck_assert_int_eq(chunked_next(&c, CHUNKED_END, 5, &used, &data),
                     CHUNKED_DONE);
    ck_assert_int_eq(chunked_next(&c, "GET", 3, &used, &data), CHUNKED_DONE);
    ck_assert_uint_eq(used, 0);
}
END_TEST

START_TEST(chunk_heads_are_read_back)
{
    for (int bit = 0; bit < 64; bit++) {
        uint64_t n = UINT64_C(1) << bit | 1;
        char head[CHUNKED_HEAD_MAX + 1], wanted[32];
        size_t len = chunked_head(head, n);

        ck_assert_uint_le(len, CHUNKED_HEAD_MAX);
        head[len] = '\0';
        snprintf(wanted, sizeof(wanted), "%llx\r\n", (unsigned long long)n);
        ck_assert_str_eq(head, wanted);
    }
}
END_TEST

START_TEST(trailers_are_handed_out_however_they_are_cut)
{
    static const char text[] = "1\r\na\r\n0;x=y\r\nA: b\r\nC:\r\n\r\nnext";
    static const char expected[] = "A: b\r\nC:\r\n";
    size_t n = sizeof text - 1;

    for (size_t piece = 1; piece <= n; piece++) {
        struct chunked c;
        char got[64] = "";
        int rc = 0;
        chunked_init(&c, 100, 100);
        for (size_t at = 0; rc != CHUNKED_DONE;) {
            size_t k = n - at < piece ? n - at : piece, used;
            et_str data;
            rc = chunked_next(&c, text + at, k, &used, &data);
            ck_assert_int_ge(rc, 0);
            strncat(got, c.trailer.n ? c.trailer.p : "", c.trailer.n);
            at += used;
        }
        ck_assert_str_eq(got, expected);
    }
}
END_TEST

UNIT_MAIN(chunked, trailers_are_handed_out_however_they_are_cut,
          bodies_are_decoded_at_every_cut, what_follows_the_body_is_left_alone,
          malformed_chunks_are_refused,
          sizes_up_to_the_last_bit_do_not_overflow,
          trailers_are_bounded_to_the_byte, extensions_are_bounded,
          a_hundred_thousand_small_chunks_pass, after_the_end_nothing_is_used,
          chunk_heads_are_read_back)
