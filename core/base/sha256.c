/* SPDX-License-Identifier: BSD-2-Clause */
/* sha256.c - see sha256.h.  The names are those of FIPS 180-4. */
#include "base/sha256.h"

#include <string.h>
#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#include <stdatomic.h>
#endif

/* clang-format off */
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
    0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
    0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
    0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
    0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
    0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
    0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};
/* clang-format on */

static uint32_t
rotr(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

static uint32_t
load_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

static void
schedule(uint32_t w[64], const uint8_t block[64])
{
    for (int t = 0; t < 16; t++)
        w[t] = load_be32(block + 4 * t);
    for (int t = 16; t < 64; t++) {
        uint32_t x = w[t - 15], y = w[t - 2];

        w[t] = w[t - 16] + (rotr(x, 7) ^ rotr(x, 18) ^ x >> 3) + w[t - 7] +
               (rotr(y, 17) ^ rotr(y, 19) ^ y >> 10);
    }
}

static void
compress_plain(uint32_t h[8], const uint8_t block[64])
{
    uint32_t w[64], v[8];

    schedule(w, block);
    memcpy(v, h, sizeof v);
    for (int t = 0; t < 64; t++) {
        uint32_t a = v[0], e = v[4];
        uint32_t t1 = v[7] + (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) +
                      ((e & v[5]) ^ (~e & v[6])) + K[t] + w[t];
        uint32_t t2 = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) +
                      ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));

        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t1;
        v[0] = t1 + t2;
    }
    for (int i = 0; i < 8; i++)
        h[i] += v[i];
}

/* ---- with the instructions for it ----------------------------------------*/

#ifdef __x86_64__
#define NI __attribute__((target("sha,sse4.1")))

NI static __m128i
load_ni(const void *p)
{
    return _mm_loadu_si128(p);
}

/* W of the rounds 4t..4t+3, t >= 4; w[t % 4] holds that of each t before. */
NI static __m128i
schedule_ni(const __m128i w[4], int t)
{
    __m128i last = w[(t + 3) % 4];
    __m128i sum = _mm_sha256msg1_epu32(w[t % 4], w[(t + 1) % 4]);

    sum = _mm_add_epi32(sum, _mm_alignr_epi8(last, w[(t + 2) % 4], 4));
    return _mm_sha256msg2_epu32(sum, last);
}

/* Four rounds a turn.  The processor wants the state as {f, e, b, a} and {h, g,
 * d, c}, from the lowest up. */
NI static void
rounds_ni(__m128i *abef, __m128i *cdgh, const uint8_t block[64])
{
    const __m128i big_endian =
        _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    __m128i w[4], m;

    for (int t = 0; t < 4; t++)
        w[t] = _mm_shuffle_epi8(load_ni(block + 16 * t), big_endian);
    for (int t = 0; t < 16; t++) {
        if (t >= 4)
            w[t % 4] = schedule_ni(w, t);
        m = _mm_add_epi32(w[t % 4], load_ni(K + 4 * t));
        *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, m);
        *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32(m, 0x0e));
    }
}

NI static void
compress_ni(uint32_t h[8], const uint8_t block[64])
{
    __m128i low = _mm_shuffle_epi32(load_ni(h), 0xb1);
    __m128i high = _mm_shuffle_epi32(load_ni(h + 4), 0x1b);
    __m128i abef = _mm_alignr_epi8(low, high, 8);
    __m128i cdgh = _mm_blend_epi16(high, low, 0xf0);
    const __m128i abef0 = abef, cdgh0 = cdgh;

    rounds_ni(&abef, &cdgh, block);
    low = _mm_shuffle_epi32(_mm_add_epi32(abef, abef0), 0x1b);
    high = _mm_shuffle_epi32(_mm_add_epi32(cdgh, cdgh0), 0xb1);
    _mm_storeu_si128((void *)h, _mm_blend_epi16(low, high, 0xf0));
    _mm_storeu_si128((void *)(h + 4), _mm_alignr_epi8(high, low, 8));
}

static int
ask_cpu(void)
{
    unsigned a, b, c, d;

    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) ||
        !(c & bit_SSE4_1))
        return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
}

/* Asked once: in a virtual machine cpuid is slow.  Whoever asks at the same
 * time is told the same. */
static int
has_ni(void)
{
    static _Atomic int known; /* 1: no, 2: yes */
    int has = atomic_load_explicit(&known, memory_order_relaxed);

    if (has == 0) {
        has = ask_cpu() ? 2 : 1;
        atomic_store_explicit(&known, has, memory_order_relaxed);
    }
    return has == 2;
}
#endif

static void
compress(struct sha256 *s, const uint8_t block[64])
{
#ifdef __x86_64__
    if (!s->is_plain && has_ni()) {
        compress_ni(s->h, block);
        return;
    }
#endif
    compress_plain(s->h, block);
}

void
sha256_init(struct sha256 *s)
{
    static const uint32_t h0[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372,
                                   0xa54ff53a, 0x510e527f, 0x9b05688c,
                                   0x1f83d9ab, 0x5be0cd19};

    memcpy(s->h, h0, sizeof h0);
    s->n_bytes = 0;
    s->is_plain = 0;
}

void
sha256_add(struct sha256 *s, const void *p, size_t n)
{
    const uint8_t *at = p;
    size_t held = s->n_bytes % 64;

    s->n_bytes += n;
    while (n > 0) {
        size_t k = 64 - held < n ? 64 - held : n;

        if (k == 64) {
            compress(s, at);
        } else {
            memcpy(s->block + held, at, k);
            held = (held + k) % 64;
            if (held == 0)
                compress(s, s->block);
        }
        at += k;
        n -= k;
    }
}

static void
store_be(uint8_t *p, uint64_t v, int n)
{
    while (n-- > 0) {
        p[n] = (uint8_t)v;
        v >>= 8;
    }
}

void
sha256_end(struct sha256 *s, uint8_t out[SHA256_LEN])
{
    static const uint8_t pad[64] = {0x80};
    uint8_t bits[8];
    size_t held = s->n_bytes % 64;

    store_be(bits, s->n_bytes * 8, 8);
    sha256_add(s, pad, (held < 56 ? 56 : 120) - held);
    sha256_add(s, bits, 8);
    for (int i = 0; i < 8; i++)
        store_be(out + 4 * i, s->h[i], 4);
}

void
sha256_of(const void *p, size_t n, uint8_t out[SHA256_LEN])
{
    struct sha256 s;

    sha256_init(&s);
    sha256_add(&s, p, n);
    sha256_end(&s, out);
}

void
sha256_hex(const uint8_t digest[SHA256_LEN], char out[SHA256_HEX_LEN + 1])
{
    static const char digits[] = "0123456789abcdef";

    for (int i = 0; i < SHA256_LEN; i++) {
        out[2 * i] = digits[digest[i] >> 4];
        out[2 * i + 1] = digits[digest[i] & 15];
    }
    out[SHA256_HEX_LEN] = '\0';
}
