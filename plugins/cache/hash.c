/* SPDX-License-Identifier: BSD-2-Clause */
/* hash.c - see hash.h. */
#include "hash.h"

static uint64_t
rotl(uint64_t x, unsigned n)
{
    return x << n | x >> (64 - n);
}

static void
sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

static void
mix(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    v[0] ^= word;
}

/* n bytes, at most 8, the first one lowest. */
static uint64_t
word_at(const char *p, size_t n)
{
    uint64_t w = 0;
    while (n-- > 0)
        w = w << 8 | (unsigned char)p[n];
    return w;
}

uint64_t
hash_of(const struct secret *s, et_str text)
{
    uint64_t v[4] = {s->k[0] ^ UINT64_C(0x736f6d6570736575),
                     s->k[1] ^ UINT64_C(0x646f72616e646f6d),
                     s->k[0] ^ UINT64_C(0x6c7967656e657261),
                     s->k[1] ^ UINT64_C(0x7465646279746573)};
    size_t n = text.n;
    const char *p = text.p;
    for (; n >= 8; n -= 8, p += 8)
        mix(v, word_at(p, 8));
    mix(v, word_at(p, n) | (uint64_t)text.n << 56);
    v[2] ^= 0xff;
    sip_round(v);
    sip_round(v);
    sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
