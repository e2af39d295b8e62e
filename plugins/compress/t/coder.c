/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* coder.c - accept.h, words.h, memory.h, pool.h and each coder by itself: what
 * is compressed, in whatever pieces, comes out again by tools of others. */
#include "../coder.h"

#include <etude_test.h>
#include <stdint.h>

#include "../accept.h"
#include "../memory.h"
#include "../pool.h"
#include "../words.h"
#include "t/lib/unit.h"
#include "unpack.h"

#define MOST 300000

static unsigned seed;

static unsigned
chance(unsigned n)
{
    seed = seed * 1103515245u + 12345u;
    return (seed >> 8) % n;
}

/* Text that can be compressed, with stretches that cannot. */
static void
fill(char *p, size_t n)
{
    size_t i = 0;
    while (i < n) {
        size_t k = 1 + chance(400);
        const int is_noise = chance(8) == 0;
        for (; k > 0 && i < n; k--, i++)
            p[i] = (char)(is_noise ? chance(256) : 'a' + chance(4));
    }
}

static const enum coding all[] = {CODING_BR, CODING_ZSTD, CODING_GZIP};

/* ---- options ------------------------------------------------------------*/

START_TEST(words_are_taken)
{
    et_str list = et_s(" one\t two ");
    ck_assert(et_eq(words_next(&list), et_s("one")));
    ck_assert(et_eq(words_next(&list), et_s("two")));
    ck_assert_uint_eq(words_next(&list).n, 0);
    ck_assert_uint_eq(words_next(&list).n, 0);
}
END_TEST

/* ---- memory --------------------------------------------------------------*/

START_TEST(memory_is_used_again_and_bounded)
{
    struct memory m = {NULL, 0, 10000};
    void *a = memory_take(&m, 4000), *b = memory_take(&m, 4000);
    size_t bytes;
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_ptr_null(memory_take(&m, 4000));
    ck_assert_ptr_null(memory_take(&m, SIZE_MAX));
    bytes = m.bytes;
    memory_give(a);
    ck_assert_ptr_eq(memory_take(&m, 3000), a); /* it fits */
    memory_give(a);
    ck_assert_uint_eq(m.bytes, bytes);
    a = memory_take(&m, 1000); /* that would be too large, and stays */
    ck_assert_ptr_nonnull(a);
    memory_give(a);
    a = memory_take(&m, 5000); /* idle ones make room */
    ck_assert_ptr_nonnull(a);
    memory_give(a);
    memory_give(b);
    memory_give(NULL);
    memory_end(&m);
    ck_assert_uint_eq(m.bytes, 0);
}
END_TEST

/* ---- coders --------------------------------------------------------------*/

struct stream {
    const struct coder *coder;
    void *z;
    char *out;
    size_t n, cap;
};

/* One op on n bytes, with room for a few bytes of output at a time. */
static void
put(struct stream *s, const char *p, size_t n, enum coder_op op, size_t room)
{
    struct coder_io io = {p, NULL, n, 0};
    int32_t rc;
    do {
        ck_assert_uint_le(s->n + room, s->cap);
        io.out = s->out + s->n;
        io.room = room;
        rc = s->coder->run(s->z, &io, op);
        ck_assert_int_ge(rc, 0);
        s->n += room - io.room;
    } while (rc == CODER_MORE);
    ck_assert_uint_eq(io.n, 0);
}

static void
round_trip(struct stream *s, enum coding coding, const char *p, size_t n)
{
    size_t at = 0, got;
    char *back = malloc(n + 1);
    s->n = 0;
    ck_assert_int_eq(s->coder->begin(s->z, chance(2) ? (int64_t)n : -1), 0);
    while (at < n) {
        size_t k = 1 + chance(chance(3) ? 50000 : 50);
        const int flushes = chance(4) == 0;
        k = k < n - at ? k : n - at;
        put(s, p + at, k, flushes ? CODER_FLUSH : CODER_GO, 16 + chance(5000));
        at += k;
        if (!flushes)
            continue;
        got = unpack_some(coding, s->out, s->n, back, n + 1);
        ck_assert_uint_eq(got, at); /* all of it can be read */
    }
    put(s, "", 0, CODER_END, 16 + chance(5000));
    got = unpack(coding, s->out, s->n, back, n + 1);
    ck_assert_uint_eq(got, n);
    ck_assert_int_eq(memcmp(back, p, n), 0);
    free(back);
}

START_TEST(what_goes_in_comes_out)
{
    char *p = malloc(MOST);
    for (size_t i = 0; i < 3; i++) {
        const enum coding coding = all[i];
        struct memory m = {NULL, 0, CONTEXT_MAX};
        struct stream s = {coders[coding], NULL, malloc(2 * MOST), 0, 2 * MOST};
        if (!s.coder)
            continue;
        for (int level = 1; level <= 9; level += 4) {
            s.z = s.coder->make(&m, level, 10 + (int)chance(11));
            ck_assert_ptr_nonnull(s.z);
            for (int turn = 0; turn < 12; turn++) {
                size_t n = chance(turn % 4 ? 3000 : MOST);
                seed = (unsigned)(turn + 100 * level);
                fill(p, n);
                round_trip(&s, coding, p, n);
            }
            s.coder->end(s.z);
        }
        memory_end(&m);
        ck_assert_uint_eq(m.bytes, 0);
        free(s.out);
    }
    free(p);
}
END_TEST

/* libdeflate, which knows nothing but that. */
START_TEST(a_whole_goes_in_and_comes_out)
{
    static char p[MOST], to[2 * MOST], back[MOST + 1];
    static const size_t lengths[] = {0, 1, 100, 5000, 65537, MOST};
    const struct coder *coder = coders[CODER_GZIP_WHOLE];
    for (int level = 1; coder && level <= 9; level++) {
        struct memory m = {NULL, 0, CONTEXT_MAX};
        void *z = coder->make(&m, level, 17);
        ck_assert_ptr_nonnull(z);
        ck_assert_uint_gt(coder->bytes(z), 100000);
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            const size_t n = lengths[i];
            struct coder_io io = {p, to, n, 10}, none = io;
            seed = (unsigned)(i + 1);
            fill(p, n);
            ck_assert_int_eq(coder->begin(z, (int64_t)n), 0);
            ck_assert_int_lt(coder->run(z, &none, CODER_GO), 0);
            ck_assert_int_eq(coder->run(z, &io, CODER_END), CODER_MORE);
            ck_assert_ptr_eq(io.out, to); /* nothing was done */
            ck_assert_uint_eq(io.n, n);
            io.room = sizeof to;
            ck_assert_int_eq(coder->run(z, &io, CODER_END), 0);
            ck_assert_uint_eq(io.n, 0);
            ck_assert_uint_eq(unpack(CODING_GZIP, to, (size_t)(io.out - to),
                                     back, sizeof back),
                              n);
            ck_assert_int_eq(memcmp(back, p, n), 0);
        }
        coder->end(z);
        memory_end(&m);
        ck_assert_uint_eq(m.bytes, 0);
    }
}
END_TEST

/* ---- wholes --------------------------------------------------------------*/

START_TEST(a_whole_is_kept_if_it_is_small)
{
    static const char piece[1000];
    struct whole w = {0};
    const char *in;
    ck_assert_int_eq(whole_take(&w, 1500, piece, 1000), 0);
    ck_assert_int_lt(whole_take(&w, 1500, piece, 501), 0);
    ck_assert_uint_eq(w.n, 1000);
    ck_assert_int_eq(whole_take(&w, 1500, piece, 500), 0);
    ck_assert_uint_eq(whole_bytes(&w), 1500);
    ck_assert_int_eq(whole_widen(&w), 0);
    ck_assert_uint_ge(whole_bytes(&w), 3000);
    in = w.in;
    whole_rest(&w);
    ck_assert_uint_eq(w.n, 0);
    ck_assert_int_lt(whole_take(&w, 100, piece, 101), 0); /* there is room */
    ck_assert_int_eq(whole_take(&w, 1000, piece, 1000), 0);
    ck_assert_ptr_eq(w.in, in);
    whole_rest(&w);
    ck_assert_int_eq(whole_take(&w, 300000, piece, 1000), 0);
    whole_rest(&w);
    ck_assert_uint_eq(whole_bytes(&w), 0);
    if (!UNIT_SANITIZED) /* which take that for an error of ours */
        ck_assert_int_lt(whole_take(&w, SIZE_MAX / 2, piece, 1000), 0);
    ck_assert_uint_eq(whole_bytes(&w), 0);
    whole_end(&w);
}
END_TEST

/* Whichever block it is: the stream is lost, nothing else. */
START_TEST(without_memory_a_stream_is_lost)
{
    static char p[MOST], to[MOST];
    fill(p, sizeof p);
    for (size_t i = 0; i < 3; i++) {
        const struct coder *coder = coders[all[i]];
        int lost = 0, whole = 0;
        for (size_t max = 1000; coder && !whole; max += max / 4) {
            struct memory m = {NULL, 0, max};
            struct coder_io io = {p, to, sizeof p, sizeof to};
            void *z = coder->make(&m, 5, 18);
            whole = z && coder->begin(z, -1) == 0 &&
                    coder->run(z, &io, CODER_FLUSH) == 0 &&
                    coder->run(z, &io, CODER_END) == 0;
            lost += !whole;
            ck_assert_uint_le(m.bytes, max);
            if (z)
                coder->end(z);
            memory_end(&m);
        }
        /* zstd allocates for itself */
        ck_assert(!coder || (whole && (lost > 0 || all[i] == CODING_ZSTD)));
    }
}
END_TEST

/* ---- the pool ------------------------------------------------------------*/

static struct pool
pool_of(size_t max, size_t spare)
{
    struct pool p;
    memset(&p, 0, sizeof p);
    p.max = max;
    p.spare = spare;
    p.level[CODING_BR] = p.level[CODING_ZSTD] = p.level[CODING_GZIP] = 4;
    p.bits = 18;
    return p;
}

START_TEST(contexts_are_used_again_and_bounded)
{
    struct pool p = pool_of(2, 1);
    struct context *a = pool_take(&p, CODING_GZIP, -1);
    struct context *b = pool_take(&p, CODING_GZIP, 5);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_ptr_null(pool_take(&p, CODING_GZIP, -1));
    ck_assert_int_eq(context_widen(a), 0);
    pool_give(&p, a);
    ck_assert_uint_gt(context_bytes(a), 200000);
    ck_assert_ptr_eq(pool_take(&p, CODING_GZIP, -1), a);
    pool_give(&p, a);
    pool_give(&p, b); /* one is spare already */
    ck_assert_uint_eq(p.n, 1);
    b = pool_take(&p, CODING_GZIP, -1);
    b->is_broken = 1;
    pool_give(&p, b);
    ck_assert_uint_eq(p.n, 0);
    pool_end(&p);
}
END_TEST

START_TEST(who_has_reserved_one_finds_it)
{
    struct pool p = pool_of(2, 2);
    struct context *a, *b;
    ck_assert_int_eq(pool_reserve(&p), 0);
    ck_assert_int_eq(pool_reserve(&p), 0);
    ck_assert_int_lt(pool_reserve(&p), 0);
    a = pool_take(&p, CODING_GZIP, -1);
    ck_assert_ptr_nonnull(a);
    if (coders[CODING_ZSTD]) { /* at once, while it is not wanted */
        b = pool_take(&p, CODING_ZSTD, 10);
        ck_assert_ptr_nonnull(b);
        pool_give(&p, b);
    }
    b = pool_take(&p, CODING_GZIP, -1);
    ck_assert_ptr_nonnull(b);
    pool_give(&p, a);
    pool_unreserve(&p);
    ck_assert_int_eq(pool_reserve(&p), 0);
    pool_give(&p, b);
    pool_end(&p);
    ck_assert_uint_eq(p.n, 0);
}
END_TEST

START_TEST(idle_ones_of_another_coding_make_room)
{
    struct pool p = pool_of(1, 1);
    struct context *c;
    if (!coders[CODING_BR])
        return;
    c = pool_take(&p, CODING_GZIP, -1);
    ck_assert_ptr_null(pool_take(&p, CODING_BR, -1));
    pool_give(&p, c);
    c = pool_take(&p, CODING_BR, -1);
    ck_assert_ptr_nonnull(c);
    ck_assert_int_eq(c->nth, CODING_BR);
    pool_give(&p, c);
    pool_end(&p);
    ck_assert_uint_eq(p.n, 0);
}
END_TEST

UNIT_MAIN(coder, words_are_taken, memory_is_used_again_and_bounded,
          what_goes_in_comes_out, a_whole_goes_in_and_comes_out,
          a_whole_is_kept_if_it_is_small, without_memory_a_stream_is_lost,
          contexts_are_used_again_and_bounded, who_has_reserved_one_finds_it,
          idle_ones_of_another_coding_make_room)
