/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* digest.c - the fields of RFC 9530, and how hashes are written. */
#include "plugins/upload/digest.h"

#include "t/lib/unit.h"

/* Of "abc", FIPS 180-2 B.1. */
#define HEX "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define BASE64 "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="

static int32_t
of(const char *text)
{
    unsigned char sha256[DIGEST_BYTES] = {0};
    const size_t n = strlen(text);
    char *exact = malloc(n), hex[DIGEST_HEX + 1];
    int32_t rc;

    memcpy(exact, text, n); /* no NUL: who reads on is caught */
    rc = digest_of_field(et_sn(exact, n), sha256);
    free(exact);
    digest_to_hex(sha256, hex);
    if (rc == 1)
        ck_assert_str_eq(hex, HEX);
    return rc;
}

START_TEST(they_are_written_both_ways)
{
    unsigned char sha256[DIGEST_BYTES];
    char hex[DIGEST_HEX + 1], base64[DIGEST_BASE64 + 1];

    ck_assert(digest_of_hex(et_s(HEX), sha256));
    digest_to_hex(sha256, hex);
    ck_assert_str_eq(hex, HEX);
    digest_to_base64(sha256, base64);
    ck_assert_str_eq(base64, BASE64);
    ck_assert(!digest_of_hex(et_s(""), sha256));
    ck_assert(!digest_of_hex(et_sn(HEX, 63), sha256));
    ck_assert(!digest_of_hex(et_s(HEX "0"), sha256));
    memcpy(hex, HEX, sizeof hex);
    for (size_t i = 0; i < DIGEST_HEX; i++) {
        static const char bad[] = "gG/:@`A \0";
        for (size_t k = 0; k < sizeof bad; k++) {
            hex[i] = bad[k];
            ck_assert(!digest_of_hex(et_sn(hex, DIGEST_HEX), sha256));
        }
        hex[i] = HEX[i];
    }
}
END_TEST

START_TEST(it_is_found_in_a_dictionary)
{
    ck_assert_int_eq(of("sha-256=:" BASE64 ":"), 1);
    ck_assert_int_eq(of("  sha-256=:" BASE64 ":\t"), 1);
    ck_assert_int_eq(of("sha-256=:" BASE64 ":;a=b;c=\",\""), 1);
    ck_assert_int_eq(of("sha-512=:AAAA:,sha-256=:" BASE64 ":"), 1);
    ck_assert_int_eq(of("a, b=1 ,\tc=\"x, sha-256=:y:\\\"\", d=(a \",\" b);e,"
                        "sha-256=:" BASE64 ":, *f.g-h_=?1"),
                     1);
    ck_assert_int_eq(
        of("sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:,"
           "sha-256=:" BASE64 ":"),
        1); /* the last one counts */
    ck_assert_int_eq(of(""), 0);
    ck_assert_int_eq(of("sha-512=:AAAA:"), 0);
    ck_assert_int_eq(of("xsha-256=:A:, sha-2567=:A:"), 0);
}
END_TEST

START_TEST(what_is_malformed_is_said)
{
    static const char *const bad[] = {
        "sha-256",
        "sha-256=",
        "sha-256=:",
        "sha-256=::",
        "sha-256=:AAAA:",
        "sha-256=" BASE64,
        "sha-256=\"" BASE64 "\"",
        "sha-256=:" BASE64 "A:",
        "sha-256=:" BASE64,
        "sha-256=: " BASE64 ":",
        "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa1=:",
        "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa-=:",
        "sha-256=:" BASE64 ":,",
        ",",
        ", sha-256=:" BASE64 ":",
        "a,,b",
        "SHA-256=:" BASE64 ":",
        "1=2",
        "=a",
        "a=\"",
        "a=\"\\",
        "a=(",
        "a=)",
        "a=(b",
        "\x80",
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(of(bad[i]) == ET_EINVAL, "%s", bad[i]);
}
END_TEST

/* Nothing is read behind the end of any part of one. */
START_TEST(cut_anywhere_it_is_read_no_further)
{
    static const char whole[] =
        "a=\"b\\\",\";c=(d \"e\"), sha-256=:" BASE64 ":;f=:AA==:, g=?0";
    char part[sizeof whole];

    for (size_t i = 0; i < sizeof whole; i++) {
        memcpy(part, whole, i);
        part[i] = '\0';
        (void)of(part);
    }
    ck_assert_int_eq(of(whole), 1);
}
END_TEST

/* What is good is changed at some places: judged, and nothing else. */
START_TEST(whatever_comes_is_judged)
{
    static const char good[] = "a=\"b\\\",\";c=(d \"e\"), sha-256=:" BASE64 ":";
    static const char bytes[] = ":;,=\"()\\ \t*A9-/+\x7f\xff";
    char text[sizeof good];
    uint32_t seed = 1;
    int n[2] = {0, 0};

    for (int i = 0; i < 50000; i++) {
        memcpy(text, good, sizeof good);
        for (int k = 0; k < 1 + i % 3; k++) {
            seed = seed * 1664525 + 1013904223;
            text[(seed >> 8) % (sizeof good - 1)] =
                bytes[(seed >> 24) % (sizeof bytes - 1)];
        }
        unsigned char sha256[DIGEST_BYTES];
        const int32_t rc = digest_of_field(et_s(text), sha256);
        UNIT_HOLDS(rc == ET_EINVAL || rc == 0 || rc == 1);
        n[rc == ET_EINVAL]++;
    }
    ck_assert_int_gt(n[0], 1000);
    ck_assert_int_gt(n[1], 1000);
}
END_TEST

UNIT_MAIN(digest, they_are_written_both_ways, it_is_found_in_a_dictionary,
          what_is_malformed_is_said, cut_anywhere_it_is_read_no_further,
          whatever_comes_is_judged)
