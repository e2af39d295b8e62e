/* SPDX-License-Identifier: BSD-2-Clause */
/* hash.c - the hash spreads, depends on every bit of key and seed, and reads
 * its key only. */
/* ldflags: -Wl,--wrap=getrandom */
#include "base/hash.h"

#include <string.h>
#include <sys/random.h>

#include "t/lib/guard.h"
#include "t/lib/unit.h"

static int fail_getrandom;

ssize_t __real_getrandom(void *p, size_t n, unsigned flags);
ssize_t __wrap_getrandom(void *p, size_t n, unsigned flags);

ssize_t
__wrap_getrandom(void *p, size_t n, unsigned flags)
{
    return fail_getrandom ? -1 : __real_getrandom(p, n, flags);
}

#define SEED UINT64_C(0x0123456789abcdef)

START_TEST(the_same_key_and_seed_give_the_same_hash_anywhere)
{
    uint8_t key[100];

    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 37);
    for (size_t n = 0; n <= sizeof key; n++) {
        uint64_t h = hash_bytes(key, n, SEED);

        ck_assert_uint_eq(hash_bytes(guard_end(key, n), n, SEED), h);
        ck_assert_uint_eq(hash_bytes(guard_begin(key, n), n, SEED), h);
    }
    ck_assert_uint_eq(hash_bytes(NULL, 0, SEED), hash_bytes("", 0, SEED));
}
END_TEST

START_TEST(every_length_of_zeros_is_another_key)
{
    static const uint8_t zeros[64];
    uint64_t h[65];

    for (size_t n = 0; n <= sizeof zeros; n++) {
        h[n] = hash_bytes(zeros, n, SEED);
        for (size_t i = 0; i < n; i++)
            ck_assert_uint_ne(h[i], h[n]);
    }
}
END_TEST

/* One bit of the key turned turns about half of the hash. */
START_TEST(every_bit_of_the_key_counts)
{
    uint8_t key[48];
    uint64_t turned = 0, n_pairs = 0;

    for (unsigned i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)(i * 11 + 3);
    for (size_t n = 1; n <= sizeof key; n++) {
        uint64_t h = hash_bytes(key, n, SEED);

        for (size_t bit = 0; bit < 8 * n; bit++) {
            int k;

            key[bit / 8] ^= (uint8_t)(1 << bit % 8);
            k = __builtin_popcountll(h ^ hash_bytes(key, n, SEED));
            key[bit / 8] ^= (uint8_t)(1 << bit % 8);
            ck_assert_int_ge(k, 8);
            turned += (uint64_t)k;
            n_pairs++;
        }
    }
    ck_assert_uint_ge(turned * 10, n_pairs * 315);
    ck_assert_uint_le(turned * 10, n_pairs * 325);
}
END_TEST

START_TEST(every_bit_of_the_seed_counts)
{
    uint64_t h = hash_bytes("content-type", 12, SEED);

    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t other = SEED ^ UINT64_C(1) << bit;

        ck_assert_int_ge(
            __builtin_popcountll(h ^ hash_bytes("content-type", 12, other)),
            10);
    }
}
END_TEST

/* 64 Ki names like those of routes into as many buckets: about 1/e of the
 * buckets stay empty, whichever bits are used. */
START_TEST(similar_keys_spread_over_all_buckets)
{
    static uint8_t seen[65536];
    char key[] = "/users/00000/posts";

    for (unsigned shift = 0; shift <= 48; shift += 16) {
        unsigned n_empty = 0;

        memset(seen, 0, sizeof seen);
        for (unsigned i = 0; i < 65536; i++) {
            for (unsigned j = 0, v = i; j < 5; j++, v /= 10)
                key[11 - j] = (char)('0' + v % 10);
            seen[hash_bytes(key, 18, SEED) >> shift & 65535] = 1;
        }
        for (unsigned i = 0; i < 65536; i++)
            n_empty += !seen[i];
        ck_assert_uint_gt(n_empty, 23500); /* 24,109 expected */
        ck_assert_uint_lt(n_empty, 24700);
    }
}
END_TEST

START_TEST(no_constant_makes_it_forget_the_seed)
{
    static const uint64_t roots[] = {UINT64_C(0x6a09e667f3bcc908),
                                     UINT64_C(0xbb67ae8584caa73b),
                                     UINT64_C(0x3c6ef372fe94f82b), 0};

    for (unsigned i = 0; i < 16; i++) {
        uint64_t key[4] = {roots[i % 4], roots[i / 4], roots[i % 4], 1};

        ck_assert_uint_ne(hash_bytes(key, sizeof key, 1),
                          hash_bytes(key, sizeof key, 2));
    }
}
END_TEST

START_TEST(seeds_differ_even_without_random_numbers)
{
    uint64_t seed;

    ck_assert_uint_ne(hash_seed_new(), hash_seed_new());
    fail_getrandom = 1;
    seed = hash_seed_new();
    ck_assert_uint_ne(hash_seed_new(), seed);
    fail_getrandom = 0;
}
END_TEST

UNIT_MAIN(hash, the_same_key_and_seed_give_the_same_hash_anywhere,
          every_length_of_zeros_is_another_key, every_bit_of_the_key_counts,
          every_bit_of_the_seed_counts, similar_keys_spread_over_all_buckets,
          no_constant_makes_it_forget_the_seed,
          seeds_differ_even_without_random_numbers)
