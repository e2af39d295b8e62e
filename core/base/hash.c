/* SPDX-License-Identifier: BSD-2-Clause */
/* hash.c - see hash.h.
 *
 * Every word of the key meets a secret before it is a factor: a factor of 0
 * would forget everything before it, and could be aimed at if it were public.
 * The constants are the fractions of the square roots of 2, 3 and 5. */
#include "base/hash.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

#define ROOT_2 UINT64_C(0x6a09e667f3bcc908)
#define ROOT_3 UINT64_C(0xbb67ae8584caa73b)
#define ROOT_5 UINT64_C(0x3c6ef372fe94f82b)

static uint64_t
fold(uint64_t a, uint64_t b)
{
    __uint128_t product = (__uint128_t)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
load8(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

static uint64_t
load4(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return v;
}

/* The last 0..16 bytes as two words; what is loaded twice does no harm, the
 * length is hashed too. */
static void
load_tail(const uint8_t *p, size_t n, uint64_t *a, uint64_t *b)
{
    *a = *b = 0;
    if (n >= 8) {
        *a = load8(p);
        *b = load8(p + n - 8);
    } else if (n >= 4) {
        *a = load4(p);
        *b = load4(p + n - 4);
    } else if (n > 0) {
        *a = (uint64_t)p[0] << 16 | (uint64_t)p[n / 2] << 8 | p[n - 1];
    }
}

uint64_t
hash_bytes(const void *key, size_t n, uint64_t seed)
{
    const uint8_t *p = key;
    uint64_t secret = fold(seed ^ ROOT_2, ROOT_3);
    uint64_t h = seed ^ ROOT_5 ^ n;
    uint64_t a, b;

    for (; n > 16; n -= 16, p += 16)
        h = fold(load8(p) ^ secret, load8(p + 8) ^ h);
    load_tail(p, n, &a, &b);
    h = fold(a ^ secret, b ^ h);
    return fold(h ^ ROOT_3, secret ^ ROOT_5);
}

uint64_t
hash_seed_new(void)
{
    uint64_t seed;
    struct timespec ts;

    if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) == sizeof seed)
        return seed;
    /* Before the kernel's pool is ready: what an outsider cannot see. */
    clock_gettime(CLOCK_MONOTONIC, &ts);
    seed = (uint64_t)ts.tv_sec * UINT64_C(1000000000) + (uint64_t)ts.tv_nsec;
    return fold(seed ^ ROOT_2, (uint64_t)(uintptr_t)&seed ^ ROOT_3);
}
