/* SPDX-License-Identifier: BSD-2-Clause */
/* sha1.c - the vectors of FIPS 180-4, and each length around a block's. */
#include "base/sha1.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/guard.h"
#include "t/lib/unit.h"

static const char *
hex_of(const void *p, size_t n)
{
    static char hex[2 * SHA1_LEN + 1];
    uint8_t digest[SHA1_LEN];

    sha1_of(p, n, digest);
    for (int i = 0; i < SHA1_LEN; i++)
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    return hex;
}

START_TEST(known_digests)
{
    static const char two_blocks[] =
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    char *million = malloc(1000000);

    ck_assert_str_eq(hex_of(NULL, 0),
                     "da39a3ee5e6b4b0d3255bfef95601890afd80709");
    ck_assert_str_eq(hex_of("abc", 3),
                     "a9993e364706816aba3e25717850c26c9cd0d89d");
    ck_assert_str_eq(hex_of(two_blocks, 56),
                     "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
    ck_assert_ptr_nonnull(million);
    memset(million, 'a', 1000000);
    ck_assert_str_eq(hex_of(million, 1000000),
                     "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
    free(million);
}
END_TEST

/* Where the padding takes one block more.  The digests are OpenSSL's. */
START_TEST(lengths_around_the_end_of_a_block)
{
    static const struct {
        size_t n;
        const char *hex;
    } rows[] = {
        {55, "c1c8bbdc22796e28c0e15163d20899b65621d65a"},
        {56, "c2db330f6083854c99d4b5bfb6e8f29f201be699"},
        {63, "03f09f5b158a7a8cdad920bddc29b81c18a551f5"},
        {64, "0098ba824b5c16427bd7a1122a5a442a25ec644d"},
        {65, "11655326c708d70319be2610e8a57d9a5b959d3b"},
        {119, "ee971065aaa017e0632a8ca6c77bb3bf8b1dfc56"},
        {120, "f34c1488385346a55709ba056ddd08280dd4c6d6"},
        {128, "ad5b3fdbcb526778c2839d2f151ea753995e26a0"},
    };
    char text[128];

    memset(text, 'a', sizeof text);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        ck_assert_str_eq(hex_of(guard_end(text, rows[i].n), rows[i].n),
                         rows[i].hex);
}
END_TEST

UNIT_MAIN(sha1, known_digests, lengths_around_the_end_of_a_block)
