/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_heap.c - pieces of all sizes, none in another's way; and all goes back.
 * tags: asan */
#include "conn/h2_heap.h"

#include <stdint.h>
#include <string.h>

#include "base/blocks.h"
#include "t/lib/unit.h"

#define PIECES 500

static struct blocks blocks;
static struct h2_heap heap;
static nghttp2_mem mem;

static void
setup(void)
{
    blocks_init(&blocks, 64u << 20);
    h2_heap_init(&heap, &blocks, NULL);
    mem = h2_heap_mem(&heap);
}

static void
teardown(void)
{
    h2_heap_fini(&heap);
    ck_assert_uint_eq(blocks.out_bytes, 0);
    blocks_fini(&blocks);
}

static void *
take(size_t n)
{
    return mem.malloc(n, mem.mem_user_data);
}

static void
give(void *p)
{
    mem.free(p, mem.mem_user_data);
}

struct piece {
    unsigned char *p;
    size_t n;
    unsigned char fill;
};

static void
check(const struct piece *x)
{
    size_t n = 0;

    while (n < x->n && x->p[n] == x->fill)
        n++;
    ck_assert_uint_eq(n, x->n);
}

START_TEST(pieces_hold_what_was_put_there)
{
    static struct piece v[PIECES];
    uint32_t seed = 1;

    for (int round = 0; round < 40000; round++) {
        struct piece *x;
        seed = seed * 1664525u + 1013904223u;
        x = &v[(seed >> 8) % PIECES];
        if (x->p) {
            check(x);
            if (seed >> 31) {
                size_t n = (seed >> 12) % 3000, kept = n < x->n ? n : x->n;
                x->p = mem.realloc(x->p, n, mem.mem_user_data);
                ck_assert_ptr_nonnull(x->p);
                x->n = kept;
                check(x);
                x->n = n;
                memset(x->p, x->fill, n);
                continue;
            }
            give(x->p);
            x->p = NULL;
            continue;
        }
        x->n = seed % 64 ? (seed >> 16) % 2000 : (seed >> 16) % 20000;
        x->fill = (unsigned char)round;
        x->p = take(x->n);
        ck_assert_ptr_nonnull(x->p);
        ck_assert_uint_eq((uintptr_t)x->p % 16, 0);
        memset(x->p, x->fill, x->n);
    }
    for (int i = 0; i < PIECES; i++) {
        if (v[i].p)
            check(&v[i]);
        give(v[i].p);
    }
}
END_TEST

START_TEST(what_was_freed_is_taken_again)
{
    size_t before;

    for (int i = 0; i < 100; i++)
        give(take(200));
    before = blocks.out_bytes;
    for (int i = 0; i < 100000; i++)
        give(take(200));
    ck_assert_uint_eq(blocks.out_bytes, before);
    give(take(100000));
    ck_assert_uint_eq(blocks.out_bytes, before);
}
END_TEST

START_TEST(zeros_are_zeros)
{
    unsigned char *p = take(100);

    memset(p, 7, 100);
    give(p);
    p = mem.calloc(10, 10, mem.mem_user_data);
    ck_assert_ptr_nonnull(p);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(p[i], 0);
    give(p);
    ck_assert_ptr_null(mem.calloc(SIZE_MAX / 2, 4, mem.mem_user_data));
    ck_assert_ptr_null(take(SIZE_MAX));
}
END_TEST

START_TEST(without_memory_there_is_none)
{
    void *p;
    int n = 0;

    blocks.max_bytes = 64u << 10;
    while ((p = take(1000)) != NULL)
        n++;
    ck_assert_int_gt(n, 20);
    ck_assert_ptr_null(take(30000));
}
END_TEST

/* What is added to a piece is less than an eighth of it. */
START_TEST(little_is_wasted)
{
    blocks.max_bytes = 128u << 10;
    for (size_t n = 129; n < 4300; n = n * 9 / 8 + 16) {
        size_t count = 0;
        while (take(n))
            count++;
        /* of each 16 KiB a piece's size is lost at the end, too */
        ck_assert_uint_ge(count * (n + 16 + (n + 16) / 8 + 16),
                          8 * (16384 - n - n / 8 - 64));
        h2_heap_fini(&heap);
        h2_heap_init(&heap, &blocks, NULL);
    }
}
END_TEST

START_TEST(one_piece_of_a_frame_is_shared)
{
    static char shared[H2_HEAP_SHARED_BYTES];
    char *p, *other;

    h2_heap_init(&heap, &blocks, shared);
    p = mem.realloc(NULL, 16394, mem.mem_user_data);
    ck_assert_ptr_eq(p, shared);
    other = take(16394);
    ck_assert_ptr_ne(other, shared);
    memset(p, 'x', sizeof shared);
    ck_assert_ptr_eq(mem.realloc(p, sizeof shared, &heap), shared);
    p = mem.realloc(p, 30000, mem.mem_user_data);
    ck_assert_ptr_ne(p, shared);
    for (size_t i = 0; i < sizeof shared; i++)
        ck_assert_int_eq(p[i], 'x');
    give(p);
    give(other);
    p = take(16394); /* of another kind, it may be */
    ck_assert_ptr_ne(p, shared);
    give(p);
}
END_TEST

/* ---- folded ---------------------------------------------------------------*/

/* What is in use: not what rests. */
static size_t
held(void)
{
    return blocks.out_bytes - blocks.rest_bytes;
}

static void
fold_and_unfold(void)
{
    h2_heap_fold(&heap);
    ck_assert_ptr_nonnull(heap.folded);
    h2_heap_fold(&heap); /* it is */
    h2_heap_unfold(&heap);
    ck_assert_ptr_null(heap.folded);
    ck_assert_uint_eq(blocks.rest_bytes, 0);
}

START_TEST(pieces_outlast_being_folded)
{
    static struct piece v[PIECES];

    for (unsigned i = 0; i < PIECES; i++) {
        v[i].n = i % 7 ? 400 : i % 2 ? 6000 : 50;
        v[i].fill = (unsigned char)(i % 3 ? 0 : i);
        v[i].p = take(v[i].n);
        ck_assert_ptr_nonnull(v[i].p);
        memset(v[i].p, v[i].fill, v[i].n);
    }
    for (int round = 0; round < 10; round++) {
        fold_and_unfold();
        for (unsigned i = 0; i < PIECES; i++) {
            check(&v[i]);
            if (i % 10 != (unsigned)round)
                continue;
            give(v[i].p); /* and its place is another's */
            v[i].p = take(v[i].n);
            memset(v[i].p, v[i].fill, v[i].n);
        }
    }
    for (unsigned i = 0; i < PIECES; i++)
        give(v[i].p);
    fold_and_unfold();
}
END_TEST

/* Even if they were full of something. */
START_TEST(free_pieces_are_folded_away)
{
    char *v[100];

    for (int i = 0; i < 100; i++)
        v[i] = memset(take(1000), 'x', 1000);
    h2_heap_fold(&heap); /* it is not worth it */
    ck_assert_ptr_null(heap.folded);
    for (int i = 0; i < 100; i++)
        give(v[i]);
    h2_heap_fold(&heap);
    ck_assert_ptr_nonnull(heap.folded);
    ck_assert_uint_le(held(), 8192);
}
END_TEST

START_TEST(without_memory_nothing_is_folded)
{
    memset(take(1000), 0, 1000);
    blocks.max_bytes = blocks.out_bytes;
    h2_heap_fold(&heap);
    ck_assert_ptr_null(heap.folded);
    ck_assert_uint_eq(blocks.rest_bytes, 0);
}
END_TEST

/* ---- a session ------------------------------------------------------------*/

static char to_server[4096];
static size_t n_to_server;

static void
put(unsigned char type, unsigned char flags, unsigned char id, const char *p,
    unsigned char n)
{
    const char head[9] = {0, 0, (char)n, (char)type, (char)flags,
                          0, 0, 0,       (char)id};

    memcpy(to_server + n_to_server, head, sizeof head);
    memcpy(to_server + n_to_server + sizeof head, p, n);
    n_to_server += sizeof head + n;
}

/* A session with that many streams whose requests are not answered yet. */
static nghttp2_session *
session_with(int n_streams)
{
    static char shared[H2_HEAP_SHARED_BYTES];
    nghttp2_session_callbacks *calls;
    nghttp2_session *session;
    const uint8_t *p;

    h2_heap_init(&heap, &blocks, shared);
    ck_assert_int_eq(nghttp2_session_callbacks_new(&calls), 0);
    ck_assert_int_eq(
        nghttp2_session_server_new3(&session, calls, NULL, NULL, &mem), 0);
    nghttp2_session_callbacks_del(calls);
    memcpy(to_server, NGHTTP2_CLIENT_MAGIC, NGHTTP2_CLIENT_MAGIC_LEN);
    n_to_server = NGHTTP2_CLIENT_MAGIC_LEN;
    put(NGHTTP2_SETTINGS, 0, 0, "", 0);
    for (int i = 0; i < n_streams; i++)
        put(NGHTTP2_HEADERS, 5, (unsigned char)(2 * i + 1), "\x82\x86\x84\1\1x",
            6);
    ck_assert_int_eq(nghttp2_session_mem_recv(
                         session, (const uint8_t *)to_server, n_to_server),
                     (ssize_t)n_to_server);
    while (nghttp2_session_mem_send(session, &p) > 0)
        continue;
    return session;
}

START_TEST(a_session_goes_on_where_it_was)
{
    nghttp2_session *session = session_with(50);
    const uint8_t *p;
    ssize_t n = 0, k;

    fold_and_unfold();
    for (int i = 0; i < 50; i++)
        ck_assert_int_eq(
            nghttp2_submit_response(session, 2 * i + 1, NULL, 0, NULL), 0);
    while ((k = nghttp2_session_mem_send(session, &p)) > 0)
        n += k;
    ck_assert_int_eq(n, 50 * 9);
    fold_and_unfold();
    nghttp2_session_del(session);
}
END_TEST

/* It is 10 KiB, of which tables that are empty are half. */
START_TEST(an_idle_session_is_small)
{
    nghttp2_session *session = session_with(0);

    h2_heap_fold(&heap);
    ck_assert_uint_le(held(), 2048);
    h2_heap_unfold(&heap);
    nghttp2_session_del(session);
}
END_TEST

/* The library has 224 bytes for each, the heap 240; and for all of them a block
 * of 8 KiB is just too small. */
START_TEST(streams_that_wait_are_small)
{
    nghttp2_session *session = session_with(100);

    h2_heap_fold(&heap);
    ck_assert_uint_le(held(), 16384);
    h2_heap_unfold(&heap);
    nghttp2_session_del(session);
}
END_TEST

UNIT_MAIN_IN(setup, teardown, h2_heap, pieces_hold_what_was_put_there,
             what_was_freed_is_taken_again, zeros_are_zeros,
             without_memory_there_is_none, little_is_wasted,
             one_piece_of_a_frame_is_shared, pieces_outlast_being_folded,
             free_pieces_are_folded_away, without_memory_nothing_is_folded,
             a_session_goes_on_where_it_was, an_idle_session_is_small,
             streams_that_wait_are_small)
