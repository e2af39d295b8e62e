/* SPDX-License-Identifier: BSD-2-Clause */
/* PROXY protocol headers, both versions, at every cut. */
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "proto/proxy.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

#define SIG "\r\n\r\n\0\r\nQUIT\n"

/* MORE for every shorter prefix, then the result.  Errors may come early. */
static int
judge(const void *p, size_t n, uint32_t versions, int is_optional,
      struct proxy *out)
{
    int rc = PROXY_MORE;

    for (size_t k = 0; k <= n && rc == PROXY_MORE; k++) {
        rc = proxy_parse(guard_end(p, k), k, versions, is_optional, out);
        if (rc == PROXY_DONE)
            ck_assert_uint_eq(out->head_len, out->version ? k : 0);
    }
    return rc;
}

static void
is_addr(const struct addr *a, const char *text, unsigned port)
{
    char out[ADDR_TEXT_MAX + 1];

    out[addr_format(a, out)] = '\0';
    ck_assert_str_eq(out, text);
    ck_assert_uint_eq(a->port, port);
}

START_TEST(version_1_is_read)
{
    static const char v4[] = "PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\nGET";
    static const char v6[] = "PROXY TCP6 2001:db8::1 ::1 0 65535\r\nGET";
    struct proxy out;

    ck_assert_int_eq(judge(v4, sizeof(v4) - 1, PROXY_V1, 0, &out), PROXY_DONE);
    ck_assert_uint_eq(out.head_len, sizeof(v4) - 1 - 3);
    ck_assert_uint_eq(out.version, 1);
    ck_assert_uint_eq(out.is_local, 0);
    is_addr(&out.src, "192.0.2.1", 56324);
    is_addr(&out.dst, "192.0.2.2", 443);
    ck_assert_int_eq(judge(v6, sizeof(v6) - 1, PROXY_V1, 0, &out), PROXY_DONE);
    is_addr(&out.src, "2001:db8::1", 0);
    is_addr(&out.dst, "::1", 65535);
}
END_TEST

START_TEST(an_unknown_v1_source_is_the_proxy_itself)
{
    static const char *const rows[] = {"PROXY UNKNOWN\r\n",
                                       "PROXY UNKNOWN a b c\r\n"};
    struct proxy out;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_int_eq(judge(rows[i], strlen(rows[i]), PROXY_V1, 0, &out),
                         PROXY_DONE);
        ck_assert_uint_eq(out.is_local, 1);
        ck_assert_int_eq(out.src.kind, ADDR_NONE);
    }
}
END_TEST

START_TEST(malformed_v1_is_refused)
{
    static const char *const rows[] = {
        "GET / HTTP/1.1\r\n",
        "PROXX",
        "PROXY  TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4  1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 \r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 02\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 -2\r\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n",
        "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\r\n",
        "PROXY TCP4 1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP4 ::1 ::1 1 2\r\n",
        "PROXY TCP6 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY UDP4 1.1.1.1 2.2.2.2 1 2\r\n",
        "PROXY \r\n",
        "PROXY \n",
        "PROXY TCP4\r\n",
    };
    static const char too_long[] =
        "PROXY UNKNOWN aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    struct proxy out;

    ck_assert_int_eq(judge(too_long, sizeof(too_long) - 1, PROXY_V1, 0, &out),
                     ERR_INVALID);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(judge(rows[i], strlen(rows[i]), PROXY_V1, 0, &out) ==
                          ERR_INVALID,
                      "%s", rows[i]);
}
END_TEST

START_TEST(version_2_is_read)
{
    static const char v4[] =
        SIG "\x21\x11\0\x0c\xc0\0\2\1\xc0\0\2\2\xdc\4\1\xbb";
    static const char v6[] = SIG "\x21\x21\0\x24"
                                 "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
                                 "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1"
                                 "\0\1\0\2";
    struct proxy out;

    ck_assert_int_eq(judge(v4, sizeof(v4) - 1, PROXY_V2, 0, &out), PROXY_DONE);
    ck_assert_uint_eq(out.head_len, 28);
    ck_assert_uint_eq(out.version, 2);
    ck_assert_uint_eq(out.is_local, 0);
    ck_assert_uint_eq(out.is_tls, 0);
    is_addr(&out.src, "192.0.2.1", 56324);
    is_addr(&out.dst, "192.0.2.2", 443);
    ck_assert_int_eq(judge(v6, sizeof(v6) - 1, PROXY_V2, 0, &out), PROXY_DONE);
    is_addr(&out.src, "2001:db8::1", 1);
    is_addr(&out.dst, "::1", 2);
}
END_TEST

START_TEST(v2_extensions_are_walked)
{
    static const char tls[] = SIG "\x21\x11\0\x17"
                                  "\1\1\1\1\2\2\2\2\0\1\0\2"
                                  "\x20\0\5\1\0\0\0\0"
                                  "\4\0\0";
    static const char plain[] = SIG "\x21\x11\0\x14"
                                    "\1\1\1\1\2\2\2\2\0\1\0\2"
                                    "\x20\0\5\0\0\0\0\0";
    static const char cut[] = SIG "\x21\x11\0\x10"
                                  "\1\1\1\1\2\2\2\2\0\1\0\2"
                                  "\4\0\2\0";
    static const char stub[] = SIG "\x21\x11\0\x0e"
                                   "\1\1\1\1\2\2\2\2\0\1\0\2"
                                   "\4\0";
    struct proxy out;

    ck_assert_int_eq(judge(tls, sizeof(tls) - 1, PROXY_V2, 0, &out),
                     PROXY_DONE);
    ck_assert_uint_eq(out.is_tls, 1);
    ck_assert_int_eq(judge(plain, sizeof(plain) - 1, PROXY_V2, 0, &out),
                     PROXY_DONE);
    ck_assert_uint_eq(out.is_tls, 0);
    ck_assert_int_eq(judge(cut, sizeof(cut) - 1, PROXY_V2, 0, &out),
                     ERR_INVALID);
    ck_assert_int_eq(judge(stub, sizeof(stub) - 1, PROXY_V2, 0, &out),
                     ERR_INVALID);
}
END_TEST

START_TEST(v2_without_addresses_is_local)
{
    static const char local[] = SIG "\x20\0\0\0";
    static const char local_more[] = SIG "\x20\x11\0\3abc";
    static const char unspec[] = SIG "\x21\0\0\2ab";
    char un[16 + 216] = SIG "\x21\x31\0\xd8";
    struct proxy out;

    ck_assert_int_eq(judge(local, 16, PROXY_V2, 0, &out), PROXY_DONE);
    ck_assert_uint_eq(out.is_local, 1);
    ck_assert_int_eq(judge(local_more, 19, PROXY_V2, 0, &out), PROXY_DONE);
    ck_assert_uint_eq(out.is_local, 1);
    ck_assert_int_eq(judge(unspec, 18, PROXY_V2, 0, &out), PROXY_DONE);
    ck_assert_uint_eq(out.is_local, 1);
    ck_assert_int_eq(judge(un, sizeof(un), PROXY_V2, 0, &out), PROXY_DONE);
    ck_assert_uint_eq(out.is_local, 0);
    ck_assert_int_eq(out.src.kind, ADDR_UNIX);
}
END_TEST

START_TEST(malformed_v2_is_refused)
{
    static const struct {
        int err;
        const char text[17];
    } rows[] = {
        {ERR_INVALID, SIG "\x11\x11\0\x0c"},
        {ERR_INVALID, SIG "\x22\x11\0\x0c"},
        {ERR_INVALID, SIG "\x21\x13\0\x0c"},
        {ERR_INVALID, SIG "\x21\x41\0\0"},
        {ERR_INVALID, SIG "\x21\x11\0\0"},
        {ERR_INVALID, SIG "\x21\x21\0\0"},
        {ERR_LIMIT, SIG "\x21\x11\x10\0"},
        {ERR_LIMIT, SIG "\x20\0\xff\xff"},
        {ERR_INVALID, "\r\n\r\n\0\r\nQUIX\n"},
    };
    struct proxy out;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(judge(rows[i].text, 16, PROXY_V2, 0, &out) == rows[i].err,
                      "row %zu", i);
}
END_TEST

START_TEST(only_the_allowed_versions_are_read)
{
    static const char v1[] = "PROXY UNKNOWN\r\n";
    static const char v2[] = SIG "\x20\0\0\0";
    struct proxy out;

    ck_assert_int_eq(judge(v1, 15, PROXY_V2, 0, &out), ERR_INVALID);
    ck_assert_int_eq(judge(v2, 16, PROXY_V1, 0, &out), ERR_INVALID);
    ck_assert_int_eq(judge(v1, 15, PROXY_V1 | PROXY_V2, 0, &out), PROXY_DONE);
    ck_assert_int_eq(judge(v2, 16, PROXY_V1 | PROXY_V2, 0, &out), PROXY_DONE);
}
END_TEST

START_TEST(an_optional_header_may_be_absent)
{
    static const char *const rows[] = {"GET / HTTP/1.1\r\n", "PUT /",
                                       "PROXX / HTTP/1.1\r\n",
                                       "\r\nGET / HTTP/1.1\r\n"};
    struct proxy out;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        ck_assert_int_eq(
            judge(rows[i], strlen(rows[i]), PROXY_V1 | PROXY_V2, 1, &out),
            PROXY_DONE);
        ck_assert_uint_eq(out.version, 0);
        ck_assert_uint_eq(out.head_len, 0);
    }
    ck_assert_int_eq(judge("PROXY x\r\n", 9, PROXY_V1, 1, &out), ERR_INVALID);
}
END_TEST

UNIT_MAIN(proxy, version_1_is_read, an_unknown_v1_source_is_the_proxy_itself,
          malformed_v1_is_refused, version_2_is_read, v2_extensions_are_walked,
          v2_without_addresses_is_local, malformed_v2_is_refused,
          only_the_allowed_versions_are_read, an_optional_header_may_be_absent)
