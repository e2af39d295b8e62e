/* SPDX-License-Identifier: BSD-2-Clause */
/* sha1.c - see sha1.h.  The names are those of FIPS 180-4. */
#include "base/sha1.h"

#include <string.h>

static uint32_t
rotl(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

static uint32_t
load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

static void
store_be(uint8_t *p, uint64_t v, int n)
{
    while (n-- > 0) {
        p[n] = (uint8_t)v;
        v >>= 8;
    }
}

static void
schedule(uint32_t w[80], const uint8_t block[64])
{
    for (int t = 0; t < 16; t++)
        w[t] = load_be32(block + 4 * t);
    for (int t = 16; t < 80; t++)
        w[t] = rotl(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
}

/* f of round t. */
static uint32_t
mix(int t, uint32_t x, uint32_t y, uint32_t z)
{
    if (t < 20)
        return (x & y) ^ (~x & z);
    if (t >= 40 && t < 60)
        return (x & y) ^ (x & z) ^ (y & z);
    return x ^ y ^ z;
}

static void
compress(uint32_t h[5], const uint8_t block[64])
{
    static const uint32_t K[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc,
                                  0xca62c1d6};
    uint32_t w[80], v[5];

    schedule(w, block);
    memcpy(v, h, sizeof v);
    for (int t = 0; t < 80; t++) {
        uint32_t sum =
            rotl(v[0], 5) + mix(t, v[1], v[2], v[3]) + v[4] + K[t / 20] + w[t];

        memmove(v + 1, v, 4 * sizeof *v);
        v[0] = sum;
        v[2] = rotl(v[2], 30);
    }
    for (int i = 0; i < 5; i++)
        h[i] += v[i];
}

void
sha1_of(const void *p, size_t n, uint8_t out[SHA1_LEN])
{
    uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
                     0xc3d2e1f0};
    const uint8_t *at = p;
    size_t rest = n % 64, last_len = rest < 56 ? 64 : 128;
    uint8_t last[128] = {0};

    for (size_t i = 0; i < n / 64; i++)
        compress(h, at + 64 * i);
    if (rest > 0)
        memcpy(last, at + n - rest, rest);
    last[rest] = 0x80;
    store_be(last + last_len - 8, (uint64_t)n * 8, 8);
    for (size_t i = 0; i < last_len; i += 64)
        compress(h, last + i);
    for (int i = 0; i < 5; i++)
        store_be(out + 4 * i, h[i], 4);
}
