/* SPDX-License-Identifier: BSD-2-Clause */
/* sha256.c - the vectors of FIPS 180-4, and every split of the input. */
#include "base/sha256.h"

#include <stdlib.h>
#include <string.h>

#include "t/lib/unit.h"

static const char *
hex_of(const void *p, size_t n)
{
    static char hex[SHA256_HEX_LEN + 1];
    uint8_t digest[SHA256_LEN];

    sha256_of(p, n, digest);
    sha256_hex(digest, hex);
    return hex;
}

START_TEST(known_digests)
{
    static const char two_blocks[] =
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    char *million = malloc(1000000);

    ck_assert_str_eq(hex_of("", 0), "e3b0c44298fc1c149afbf4c8996fb924"
                                    "27ae41e4649b934ca495991b7852b855");
    ck_assert_str_eq(hex_of("abc", 3), "ba7816bf8f01cfea414140de5dae2223"
                                       "b00361a396177a9cb410ff61f20015ad");
    ck_assert_str_eq(hex_of(two_blocks, 56),
                     "248d6a61d20638b8e5c026930c3e6039"
                     "a33ce45964ff2167f6ecedd419db06c1");
    ck_assert_ptr_nonnull(million);
    memset(million, 'a', 1000000);
    ck_assert_str_eq(hex_of(million, 1000000),
                     "cdc76e5c9914fb9281a1c7e284d73e67"
                     "f1809a48a497200e046d39ccc7112cd0");
    free(million);
}
END_TEST

START_TEST(any_split_gives_the_same_digest)
{
    uint8_t text[200], whole[SHA256_LEN], parts[SHA256_LEN];

    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)(i * 7);
    for (size_t n = 0; n <= sizeof text; n += 1) {
        struct sha256 plain;

        sha256_of(text, n, whole);
        sha256_init(&plain);
        plain.is_plain = 1;
        sha256_add(&plain, text, n);
        sha256_end(&plain, parts);
        ck_assert_mem_eq(whole, parts, SHA256_LEN);
        for (size_t at = 0; at <= n; at++) {
            struct sha256 s;

            sha256_init(&s);
            sha256_add(&s, text, at);
            sha256_add(&s, text + at, n - at);
            sha256_end(&s, parts);
            ck_assert_mem_eq(whole, parts, SHA256_LEN);
        }
    }
}
END_TEST

UNIT_MAIN(sha256, known_digests, any_split_gives_the_same_digest)
