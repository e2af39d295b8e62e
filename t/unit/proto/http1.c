/* SPDX-License-Identifier: BSD-2-Clause */
/* The request parser: what it accepts and yields, what it refuses and as what,
 * the same at every cut, against a guard page, in plain C and in vectors. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "proto/http1.h"
#include "proto/scan.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

#define FIELDS 100u
#define H "Host: a\r\n"
#define END "\r\n\r\n"

static const struct http1_limits roomy = {8192, 16384, FIELDS};
static struct http1_field fields[FIELDS], again[FIELDS];

/* Parse the first cut bytes at p, then all n of them, elsewhere. */
static int
parse_cut(struct http1 *h, struct http1_field *f,
          const struct http1_limits *limits, const char *p, size_t n,
          size_t cut)
{
    int rc;

    http1_init(h, f, limits);
    if (cut > 0) {
        rc = http1_parse(h, guard_end(p, cut), cut);
        if (rc != HTTP1_MORE)
            return rc;
    }
    return http1_parse(h, guard_begin(p, n), n);
}

/* One byte more each time, and each time somewhere else. */
static int
parse_drip(struct http1 *h, struct http1_field *f,
           const struct http1_limits *limits, const char *p, size_t n)
{
    int rc = HTTP1_MORE;

    http1_init(h, f, limits);
    for (size_t i = 1; i <= n && rc == HTTP1_MORE; i++)
        rc = http1_parse(h, i % 2 ? guard_end(p, i) : guard_begin(p, i), i);
    return rc;
}

static void
same(const struct http1 *a, const struct http1 *b)
{
    ck_assert_uint_eq(a->head_len, b->head_len);
    ck_assert_uint_eq(a->method, b->method);
    ck_assert_uint_eq(a->version, b->version);
    ck_assert_uint_eq(a->keep_alive, b->keep_alive);
    ck_assert_uint_eq(a->is_chunked, b->is_chunked);
    ck_assert_uint_eq(a->expect_continue, b->expect_continue);
    ck_assert_uint_eq(a->has_upgrade, b->has_upgrade);
    ck_assert_uint_eq(a->has_host, b->has_host);
    ck_assert_uint_eq(a->host_has_upper, b->host_has_upper);
    ck_assert_uint_eq(a->method_off, b->method_off);
    ck_assert_uint_eq(a->method_len, b->method_len);
    ck_assert_uint_eq(a->target_off, b->target_off);
    ck_assert_uint_eq(a->target_len, b->target_len);
    ck_assert_uint_eq(a->host_off, b->host_off);
    ck_assert_uint_eq(a->host_len, b->host_len);
    ck_assert_uint_eq(a->host_name_len, b->host_name_len);
    ck_assert_int_eq(a->content_length, b->content_length);
    ck_assert_uint_eq(a->n_fields, b->n_fields);
    ck_assert_mem_eq(a->fields, b->fields, a->n_fields * sizeof(*a->fields));
}

/* The verdict on the bytes, after it was seen to be the same for every cut, in
 * every variant; h and fields are those of the whole. */
static int
judge(struct http1 *h, const struct http1_limits *limits, const char *p,
      size_t n)
{
    struct http1 other;
    int rc;

    http1_use_level(SCAN_PLAIN);
    rc = parse_cut(h, fields, limits, p, n, 0);
    for (int level = SCAN_PLAIN; level <= (int)scan_best(); level++) {
        http1_use_level(level);
        for (size_t cut = 0; cut < n; cut++) {
            int got = parse_cut(&other, again, limits, p, n, cut);
            ck_assert_msg(got == rc, "cut %zu level %d: %s not %s in %s", cut,
                          level, err_name(got), err_name(rc), p);
            if (rc == HTTP1_DONE)
                same(h, &other);
        }
        ck_assert_int_eq(parse_drip(&other, again, limits, p, n), rc);
        if (rc == HTTP1_DONE)
            same(h, &other);
    }
    return rc;
}

static void
is_slice(et_str s, const char *text)
{
    ck_assert_msg(s.n == strlen(text) && memcmp(s.p, text, s.n) == 0,
                  "'%.*s' is not '%s'", (int)s.n, s.p, text);
}

START_TEST(a_request_is_taken_apart)
{
    static const char text[] = "POST /a/b?c=d HTTP/1.1\r\n"
                               "Host: Example.COM:8080\r\n"
                               "content-LENGTH: \t 42 \t\r\n"
                               "X-Empty:\r\n"
                               "X-Bytes:\xc3\xa4 \t \x80\xff\r\n"
                               "Expect: 100-Continue\r\n"
                               "Cookie: a=b\r\n"
                               "\r\nrest";
    struct http1 h;

    ck_assert_int_eq(judge(&h, &roomy, text, sizeof(text) - 1), HTTP1_DONE);
    ck_assert_uint_eq(h.head_len, sizeof(text) - 1 - 4);
    ck_assert_uint_eq(h.method, ET_M_POST);
    ck_assert_uint_eq(h.version, 11);
    is_slice(http1_method(&h, text), "POST");
    is_slice(http1_target(&h, text), "/a/b?c=d");
    is_slice(http1_host(&h, text), "Example.COM");
    ck_assert_uint_eq(h.host_has_upper, 1);
    ck_assert_int_eq(h.content_length, 42);
    ck_assert_uint_eq(h.is_chunked, 0);
    ck_assert_uint_eq(h.keep_alive, 1);
    ck_assert_uint_eq(h.expect_continue, 1);
    ck_assert_uint_eq(h.n_fields, 6);
    is_slice(http1_name(&fields[1], text), "content-LENGTH");
    is_slice(http1_value(&fields[1], text), "42");
    ck_assert_uint_eq(fields[1].id, HTTP1_F_CONTENT_LENGTH);
    is_slice(http1_value(&fields[2], text), "");
    ck_assert_uint_eq(fields[2].id, HTTP1_F_OTHER);
    is_slice(http1_value(&fields[3], text), "\xc3\xa4 \t \x80\xff");
    ck_assert_uint_eq(fields[5].id, HTTP1_F_COOKIE);
}
END_TEST

START_TEST(methods_are_numbered_or_other)
{
    static const struct {
        const char *name;
        unsigned number;
    } rows[] = {
        {"GET", ET_M_GET},
        {"HEAD", ET_M_HEAD},
        {"POST", ET_M_POST},
        {"PUT", ET_M_PUT},
        {"DELETE", ET_M_DELETE},
        {"PATCH", ET_M_PATCH},
        {"OPTIONS", ET_M_OPTIONS},
        {"TRACE", ET_M_TRACE},
        {"CONNECT", ET_M_CONNECT},
        {"get", ET_M_OTHER},
        {"BREW", ET_M_OTHER},
        {"GETT", ET_M_OTHER},
        {"!#$%&'*+-.^_`|~9z", ET_M_OTHER},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[128];
        struct http1 h;
        int n = snprintf(text, sizeof(text), "%s * HTTP/1.1\r\n" H "\r\n",
                         rows[i].name);

        ck_assert_int_eq(judge(&h, &roomy, text, (size_t)n), HTTP1_DONE);
        ck_assert_uint_eq(h.method, rows[i].number);
        is_slice(http1_method(&h, text), rows[i].name);
    }
}
END_TEST

START_TEST(well_formed_heads_are_accepted)
{
    static const char *const rows[] = {
        "GET / HTTP/1.1\r\n" H "\r\n",
        "GET / HTTP/1.0" END,
        "GET / HTTP/1.9\r\n" H "\r\n",
        "\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n" H "\r\n",
        "GET http://a/ HTTP/1.1\r\n" H "\r\n",
        "OPTIONS * HTTP/1.1\r\n" H "\r\n",
        "GET /\"<>`{|}\\^[]# HTTP/1.1\r\n" H "\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost:a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: \t a \t \r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a:\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a:00080\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a.b.\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a%20b!$&'()*+,;=_~\r\n\r\n",
        "GET / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n",
        "GET / HTTP/1.1\r\n" H "Content-Length: 5 \t\r\n\r\n",
        "GET / HTTP/1.1\r\n" H "Content-Length: 9223372036854775807\r\n\r\n",
        "GET / HTTP/1.1\r\n" H "Transfer-Encoding:\tchunked\r\n\r\n",
        "GET / HTTP/1.1\r\n" H "TRANSFER-encoding: , CHUNKED ,\r\n\r\n",
        "GET / HTTP/1.1\r\n" H "Connection:\r\n\r\n",
        "GET / HTTP/1.1\r\n" H "Connection: , x-y,,close ,\r\n\r\n",
        "GET / HTTP/1.0\r\nExpect: the moon\r\n\r\n",
        "GET / HTTP/1.1\r\n" H "!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n",
    };
    struct http1 h;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int rc = judge(&h, &roomy, rows[i], strlen(rows[i]));
        ck_assert_msg(rc == HTTP1_DONE, "%s: %s", rows[i], err_name(rc));
        ck_assert_uint_eq(h.head_len, strlen(rows[i]));
    }
}
END_TEST

struct refusal {
    int err;
    const char *text;
};

static void
refuse(const struct refusal *rows, size_t n)
{
    struct http1 h;

    for (size_t i = 0; i < n; i++) {
        int rc = judge(&h, &roomy, rows[i].text, strlen(rows[i].text));
        ck_assert_msg(rc == rows[i].err, "%s: %s, wanted %s", rows[i].text,
                      err_name(rc), err_name(rows[i].err));
    }
}

START_TEST(malformed_request_lines_are_refused)
{
    static const struct refusal rows[] = {
        {ERR_REQUEST_LINE, " / HTTP/1.1\r\n"},
        {ERR_REQUEST_LINE, "GET\r\n"},
        {ERR_REQUEST_LINE, "GET /\r\n\r\n"},
        {ERR_REQUEST_LINE, "GET  / HTTP/1.1\r\n"},
        {ERR_REQUEST_LINE, "GET\t/ HTTP/1.1\r\n"},
        {ERR_REQUEST_LINE, "GET /  HTTP/1.1\r\n"},
        {ERR_REQUEST_LINE, "GET /a b HTTP/1.1\r\n"},
        {ERR_REQUEST_LINE, "GET / HTTP/1.1 \r\n"},
        {ERR_REQUEST_LINE, "GET / HTTP/1.1\n"},
        {ERR_REQUEST_LINE, "GET / HTTP/1.1\rX"},
        {ERR_REQUEST_LINE, "GET /\n"},
        {ERR_VERSION, "GET / FOO/9.9\r\n"},
        {ERR_REQUEST_LINE, "GET / FOO/99\r\n"},
        {ERR_REQUEST_LINE, "GET /a b HTTP/1.1\r\n"},
        {ERR_REQUEST_LINE, "GET / http/1.1\r\n"},
        {ERR_REQUEST_LINE, "GET / HTTP/1,1\r\n"},
        {ERR_REQUEST_LINE, "GET / HTTP/1.\r\n\r\n"},
        {ERR_REQUEST_LINE, "GET / HTTP/10.1\r\n"},
        {ERR_REQUEST_LINE, "GET / HTTP/1.10\r\n"},
        {ERR_REQUEST_LINE, "G(T / HTTP/1.1\r\n"},
        {ERR_REQUEST_LINE, "G\xc3\xa4T / HTTP/1.1\r\n"},
        {ERR_REQUEST_LINE, "\nGET / HTTP/1.1\r\n"},
        {ERR_REQUEST_LINE, "\rGET / HTTP/1.1\r\n"},
        {ERR_REQUEST_LINE, "\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\n"},
        {ERR_REQUEST_LINE, "\x16\x03\x01\x02"},
        {ERR_TARGET, "GET /\x01 HTTP/1.1\r\n"},
        {ERR_TARGET, "GET /\t HTTP/1.1\r\n"},
        {ERR_TARGET, "GET /\x7f HTTP/1.1\r\n"},
        {ERR_TARGET, "GET /\x80 HTTP/1.1\r\n"},
        {ERR_TARGET, "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaa\xff HTTP/1.1\r\n"},
        {ERR_VERSION, "GET / HTTP/0.9\r\n"},
        {ERR_VERSION, "GET / HTTP/2.0\r\n"},
        {ERR_VERSION, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
        {ERR_VERSION, "GET / HTTP/9.9\r\n"},
    };

    refuse(rows, ARRAY_LEN(rows));
}
END_TEST

#define GET "GET / HTTP/1.1\r\n"

START_TEST(malformed_fields_are_refused)
{
    static const struct refusal rows[] = {
        {ERR_FIELD, GET H " X: folded\r\n\r\n"},
        {ERR_FIELD, GET H "\tfolded\r\n\r\n"},
        {ERR_FIELD, GET " Host: a\r\n\r\n"},
        {ERR_FIELD, GET H "X : y\r\n\r\n"},
        {ERR_FIELD, GET H "X\t: y\r\n\r\n"},
        {ERR_FIELD, GET H "Content-Length : 5\r\n\r\n"},
        {ERR_FIELD, GET H ": y\r\n\r\n"},
        {ERR_FIELD, GET H "X\r\n\r\n"},
        {ERR_FIELD, GET H "X"
                          "\xc3\xa4: y\r\n\r\n"},
        {ERR_FIELD, GET H "X(Y): z\r\n\r\n"},
        {ERR_FIELD, GET H "X: a\nY: b\r\n\r\n"},
        {ERR_FIELD, GET H "X: a\rY: b\r\n\r\n"},
        {ERR_FIELD, GET H "X: a\r\r\n\r\n"},
        {ERR_FIELD, GET H "X: a\x01\r\n\r\n"},
        {ERR_FIELD, GET H "X: a\x7f\r\n\r\n"},
        {ERR_FIELD, GET H "X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\x1f\r\n\r\n"},
        {ERR_FIELD, GET H "\rX"},
        {ERR_FIELD, GET H "\n"},
        {ERR_FIELD, GET H "X: y\n\r\n"},
        {ERR_FIELD, GET H "Connection: a b\r\n\r\n"},
        {ERR_FIELD, GET H "Connection: \"close\"\r\n\r\n"},
        {ERR_FIELD, GET H "Connection: \"close\r\n\r\n"},
        {ERR_EXPECT, GET H "Expect: the moon\r\n\r\n"},
        {ERR_EXPECT, GET H "Expect:\r\n\r\n"},
    };
    static const char nul[] = GET H "X: a\0b\r\n\r\n";
    struct http1 h;

    refuse(rows, ARRAY_LEN(rows));
    ck_assert_int_eq(judge(&h, &roomy, nul, sizeof(nul) - 1), ERR_FIELD);
}
END_TEST

START_TEST(conflicting_framing_is_refused)
{
    static const struct refusal rows[] = {
        {ERR_LENGTH, GET H "Content-Length: abc\r\n\r\n"},
        {ERR_LENGTH, GET H "Content-Length:\r\n\r\n"},
        {ERR_LENGTH, GET H "Content-Length: +5\r\n\r\n"},
        {ERR_LENGTH, GET H "Content-Length: -5\r\n\r\n"},
        {ERR_LENGTH, GET H "Content-Length: 0x5\r\n\r\n"},
        {ERR_LENGTH, GET H "Content-Length: 5 5\r\n\r\n"},
        {ERR_LENGTH, GET H "Content-Length: 5, 5\r\n\r\n"},
        {ERR_LENGTH, GET H "Content-Length: 5.0\r\n\r\n"},
        {ERR_LENGTH, GET H "Content-Length: 9223372036854775808\r\n\r\n"},
        {ERR_LENGTH, GET H "Content-Length: 99999999999999999999999\r\n\r\n"},
        {ERR_LENGTH, GET H "Content-Length: 5\r\nContent-Length: 0\r\n\r\n"},
        {ERR_LENGTH, GET H "Content-Length: 5\r\nContent-Length: 5\r\n\r\n"},
        {ERR_FRAMING,
         GET H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {ERR_FRAMING,
         GET H "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"},
        {ERR_FRAMING, GET H "Transfer-Encoding: chunked, chunked\r\n\r\n"},
        {ERR_FRAMING, GET H "Transfer-Encoding: chunked\r\n"
                            "Transfer-Encoding: chunked\r\n\r\n"},
        {ERR_FRAMING, GET H "Transfer-Encoding: chunked;a=b\r\n\r\n"},
        {ERR_FRAMING, GET H "Transfer-Encoding:\r\n\r\n"},
        {ERR_FRAMING, GET H "Transfer-Encoding: ,\r\n\r\n"},
        {ERR_FRAMING, GET H "Transfer-Encoding: \"chunked\"\r\n\r\n"},
        {ERR_FRAMING, GET H "Transfer-Encoding: \"chunked\r\n\r\n"},
        {ERR_FRAMING, "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"},
        {ERR_CODING, GET H "Transfer-Encoding: gzip, chunked\r\n\r\n"},
        {ERR_CODING, GET H "Transfer-Encoding: chunked, gzip\r\n\r\n"},
        {ERR_CODING, GET H "Transfer-Encoding: xchunked\r\n\r\n"},
        {ERR_CODING, GET H "Transfer-Encoding: identity\r\n\r\n"},
    };

    refuse(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(a_host_is_required_once_and_well_formed)
{
    static const struct refusal rows[] = {
        {ERR_HOST, GET "\r\n"},
        {ERR_HOST, GET H H "\r\n"},
        {ERR_HOST, GET "Host: a, b\r\n" H "\r\n"},
        {ERR_HOST, GET "Host: a b\r\n\r\n"},
        {ERR_HOST, GET "Host: a/b\r\n\r\n"},
        {ERR_HOST, GET "Host: a@b\r\n\r\n"},
        {ERR_HOST, GET "Host: a\tb\r\n\r\n"},
        {ERR_HOST, GET "Host: \xc3\xa4\r\n\r\n"},
        {ERR_HOST, GET "Host: a:b\r\n\r\n"},
        {ERR_HOST, GET "Host: a:80:80\r\n\r\n"},
        {ERR_HOST, GET "Host: a:8 0\r\n\r\n"},
        {ERR_HOST, GET "Host: a:65536\r\n\r\n"},
        {ERR_HOST, GET "Host: a:99999\r\n\r\n"},
        {ERR_HOST, GET "Host: a:1234:\r\n\r\n"},
        {ERR_HOST, GET "Host: a:12;45\r\n\r\n"},
        {ERR_HOST, GET "Host: a:123456\r\n\r\n"},
        {ERR_HOST, GET "Host: a:999:\r\n\r\n"},
        {ERR_HOST, GET "Host: a:80/\r\n\r\n"},
        {ERR_HOST, GET "Host: a:8\x80\x80\x80\r\n\r\n"},
        {ERR_HOST, GET "Host: .\r\n\r\n"},
        {ERR_HOST, GET "Host: %zz\r\n\r\n"},
        {ERR_HOST, GET "Host: [::1\r\n\r\n"},
        {ERR_HOST, GET "Host: [::1]a\r\n\r\n"},
        {ERR_HOST, GET "Host: [1.2.3.4]\r\n\r\n"},
        {ERR_HOST, GET "Host: [::g]\r\n\r\n"},
        {ERR_HOST, GET "Host: ::1\r\n\r\n"},
        {ERR_HOST, "GET / HTTP/1.0\r\nHost: a b\r\n\r\n"},
    };

    refuse(rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(hosts_lose_port_and_final_dot)
{
    static const struct {
        const char *sent, *name;
    } rows[] = {
        {"a", "a"},         {"a:80", "a"},
        {"a:1", "a"},       {"a:12", "a"},
        {"a:123", "a"},     {"a:65535", "a"},
        {"a:59999", "a"},   {"a:00080", "a"},
        {"a:10000", "a"},   {"a:000080", "a"},
        {"a:", "a"},        {"a.b.", "a.b"},
        {"a.b.:80", "a.b"}, {"A_b", "A_b"},
        {"[::1]", "[::1]"}, {"[::FF]:80", "[::FF]"},
        {"", ""},           {"127.0.0.1:8080", "127.0.0.1"},
        {":80", ""},        {"xn--nxasmq6b.example", "xn--nxasmq6b.example"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[128];
        struct http1 h;
        int n =
            snprintf(text, sizeof(text), GET "Host: %s\r\n\r\n", rows[i].sent);

        ck_assert_int_eq(judge(&h, &roomy, text, (size_t)n), HTTP1_DONE);
        is_slice(http1_host(&h, text), rows[i].name);
        is_slice(http1_str(text, h.host_off, h.host_len), rows[i].sent);
        ck_assert_int_eq(h.host_has_upper,
                         rows[i].sent[0] == 'A' || strstr(rows[i].sent, "F"));
    }
}
END_TEST

START_TEST(connection_decides_what_comes_after)
{
    static const struct {
        const char *text;
        int keep_alive, has_upgrade;
    } rows[] = {
        {GET H, 1, 0},
        {GET H "Connection: close\r\n", 0, 0},
        {GET H "Connection: Keep-Alive\r\n", 1, 0},
        {GET H "Connection: keep-alive, close\r\n", 0, 0},
        {GET H "Connection: keep-alive\r\nConnection: CLOSE\r\n", 0, 0},
        {GET H "Connection: x-close\r\n", 1, 0},
        {GET H "Connection: Upgrade\r\nUpgrade: websocket\r\n", 1, 1},
        {GET H "Upgrade: websocket\r\n", 1, 0},
        {GET H "Connection: upgrade\r\n", 1, 0},
        {"GET / HTTP/1.0\r\n", 0, 0},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n", 1, 0},
        {"GET / HTTP/1.0\r\nConnection: a, Keep-Alive\r\n", 1, 0},
        {"GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n", 0, 0},
        {"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: a\r\n", 0, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[128];
        struct http1 h;
        int n = snprintf(text, sizeof(text), "%s\r\n", rows[i].text);

        ck_assert_int_eq(judge(&h, &roomy, text, (size_t)n), HTTP1_DONE);
        ck_assert_int_eq(h.keep_alive, rows[i].keep_alive);
        ck_assert_int_eq(h.has_upgrade, rows[i].has_upgrade);
    }
}
END_TEST

START_TEST(limits_hold_to_the_byte)
{
    static const char text[] = "GET /12345 HTTP/1.1\r\n" H "X: y\r\n\r\n";
    static const struct {
        struct http1_limits limits;
        int rc;
    } rows[] = {
        {{21, 17, 2}, HTTP1_DONE},       {{20, 17, 2}, ERR_TARGET_LONG},
        {{8, 17, 2}, ERR_TARGET_LONG},   {{3, 17, 2}, ERR_METHOD},
        {{21, 16, 2}, ERR_FIELDS_LARGE}, {{21, 10, 2}, ERR_FIELDS_LARGE},
        {{21, 17, 1}, ERR_FIELDS_MANY},
    };
    struct http1 h;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_int_eq(judge(&h, &rows[i].limits, text, sizeof(text) - 1),
                         rows[i].rc);
}
END_TEST

START_TEST(a_limit_is_seen_without_waiting_for_more)
{
    static const char text[] = "GET /12345";
    const struct http1_limits tight = {10, 100, 2};
    struct http1 h;

    http1_init(&h, fields, &tight);
    ck_assert_int_eq(http1_parse(&h, text, 9), HTTP1_MORE);
    ck_assert_int_eq(http1_parse(&h, text, 10), ERR_TARGET_LONG);
}
END_TEST

/* Whatever held for the first half, the rest is judged as the whole is under
 * the limits of then; only a request line that had passed before stays good. */
START_TEST(limits_may_change_in_the_middle_of_a_head)
{
    static const char head[] =
        "GET /a/path HTTP/1.1\r\n" H "A: b\r\nC: d\r\nE: f" END;
    const size_t n = sizeof head - 1, line = 22;
    struct http1 h;
    int n_refused = 0;

    for (uint32_t max = 1; max <= n; max++) {
        for (uint32_t max_fields = 1; max_fields <= 5; max_fields++) {
            const struct http1_limits now = {max, max, max_fields};
            int want = parse_cut(&h, fields, &now, head, n, 0);
            for (size_t cut = 1; cut < n; cut++) {
                int rc;
                http1_init(&h, fields, &roomy);
                ck_assert_int_eq(http1_parse(&h, guard_end(head, cut), cut),
                                 HTTP1_MORE);
                rc = http1_relimit(&h, again, &now);
                if (rc == 0)
                    rc = http1_parse(&h, guard_end(head, n), n);
                if (cut < line || want == HTTP1_DONE)
                    ck_assert_int_eq(rc < 0, want < 0);
                if (rc == HTTP1_DONE)
                    ck_assert_ptr_eq(h.fields, again);
                n_refused += rc < 0;
            }
        }
    }
    ck_assert_int_gt(n_refused, 0);
}
END_TEST

START_TEST(higher_limits_are_those_of_the_rest)
{
    static const char head[] =
        "GET /a/path HTTP/1.1\r\n" H "A: b\r\nC: d\r\nE: f" END;
    static const struct http1_limits before = {23, 20, 2};
    const size_t n = sizeof head - 1;
    struct http1 h;

    for (size_t cut = 1; cut < 37; cut++) {
        http1_init(&h, again, &before);
        ck_assert_int_eq(http1_parse(&h, guard_end(head, cut), cut),
                         HTTP1_MORE);
        ck_assert_int_eq(http1_relimit(&h, fields, &roomy), 0);
        ck_assert_int_eq(http1_parse(&h, guard_end(head, n), n), HTTP1_DONE);
        ck_assert_uint_eq(h.n_fields, 4);
    }
}
END_TEST

START_TEST(a_hundred_fields_pass_and_one_more_does_not)
{
    char text[4096];
    size_t n = (size_t)sprintf(text, GET H);
    struct http1 h;

    for (int i = 1; i < 100; i++)
        n += (size_t)sprintf(text + n, "X%d: %d\r\n", i, i);
    memcpy(text + n, "\r\n", 3);
    ck_assert_int_eq(judge(&h, &roomy, text, n + 2), HTTP1_DONE);
    ck_assert_uint_eq(h.n_fields, 100);
    n += (size_t)sprintf(text + n, "Y: z\r\n\r\n");
    ck_assert_int_eq(judge(&h, &roomy, text, n), ERR_FIELDS_MANY);
}
END_TEST

START_TEST(names_are_recognised_in_any_case_and_no_other_name)
{
    for (uint8_t id = 1; id < HTTP1_F_COUNT; id++) {
        et_str name = http1_field_name(id);
        char text[32];

        memcpy(text, name.p, name.n);
        for (size_t i = 0; i < name.n; i++) {
            ck_assert_uint_eq(http1_field_id(guard_end(text, name.n), name.n),
                              id);
            text[i] = (char)(text[i] == '-' ? '-' : text[i] - 32);
        }
        ck_assert_uint_eq(http1_field_id(guard_end(text, name.n), name.n), id);
        for (size_t i = 0; i < name.n; i++) {
            char was = text[i];
            text[i] = 'q';
            ck_assert_uint_eq(http1_field_id(text, name.n), HTTP1_F_OTHER);
            text[i] = was;
        }
    }
    ck_assert_uint_eq(http1_field_name(HTTP1_F_COUNT).n, 0);
}
END_TEST

START_TEST(a_megabyte_dripped_is_linear)
{
    const size_t n = 1000000;
    const struct http1_limits wide = {8192, 2000000, 4};
    char *text = malloc(n);
    struct http1 h;
    size_t at = (size_t)sprintf(text, GET H "X: ");

    ck_assert_ptr_nonnull(text);
    memset(text + at, 'v', n - at);
    for (int level = SCAN_PLAIN; level <= (int)scan_best(); level++) {
        http1_use_level(level);
        http1_init(&h, fields, &wide);
        for (size_t i = 1; i <= n; i++)
            ck_assert(http1_parse(&h, text, i) == HTTP1_MORE);
    }
    free(text);
}
END_TEST

START_TEST(a_finished_head_stays_finished)
{
    static const char text[] = GET H "\r\nGET ";
    struct http1 h;

    http1_init(&h, fields, &roomy);
    ck_assert_int_eq(http1_parse(&h, text, sizeof(text) - 1), HTTP1_DONE);
    ck_assert_int_eq(http1_parse(&h, text, sizeof(text) - 1), HTTP1_DONE);
    ck_assert_uint_eq(h.head_len, sizeof(text) - 1 - 4);
}
END_TEST

/* xorshift: the same bytes on every machine. */
static uint32_t
next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

START_TEST(a_changed_byte_is_judged_alike_by_all_variants)
{
    static const char model[] =
        "GET /a/long/enough/target?with=query HTTP/1.1\r\n"
        "Host: www.example.com:8080\r\nUser-Agent: something/1.0 (long)\r\n"
        "Accept: text/html, application/json;q=0.9\r\nX:\t\r\n\r\n";
    uint32_t seed = 1;

    for (int round = 0; round < 200000; round++) {
        char text[sizeof(model)];
        struct http1 a, b;
        size_t n = 1 + next_random(&seed) % (sizeof(model) - 1);
        int rc;

        memcpy(text, model, sizeof(text));
        for (uint32_t i = next_random(&seed) % 3; i > 0; i--)
            text[next_random(&seed) % n] = (char)next_random(&seed);
        http1_use_level(SCAN_PLAIN);
        http1_init(&a, fields, &roomy);
        rc = http1_parse(&a, text, n);
        http1_init_simd();
        http1_init(&b, again, &roomy);
        ck_assert_int_eq(http1_parse(&b, guard_end(text, n), n), rc);
        if (rc == HTTP1_DONE)
            same(&a, &b);
    }
}
END_TEST

UNIT_MAIN(http1, a_request_is_taken_apart, methods_are_numbered_or_other,
          well_formed_heads_are_accepted, malformed_request_lines_are_refused,
          malformed_fields_are_refused, conflicting_framing_is_refused,
          a_host_is_required_once_and_well_formed,
          hosts_lose_port_and_final_dot, connection_decides_what_comes_after,
          limits_hold_to_the_byte, a_limit_is_seen_without_waiting_for_more,
          limits_may_change_in_the_middle_of_a_head,
          higher_limits_are_those_of_the_rest,
          a_hundred_fields_pass_and_one_more_does_not,
          names_are_recognised_in_any_case_and_no_other_name,
          a_megabyte_dripped_is_linear, a_finished_head_stays_finished,
          a_changed_byte_is_judged_alike_by_all_variants)
