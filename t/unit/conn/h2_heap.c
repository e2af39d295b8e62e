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

static void
setup(void)
{
    blocks_init(&blocks, 64u << 20);
    h2_heap_init(&heap, &blocks, NULL);
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
    return heap.mem.malloc(n, heap.mem.mem_user_data);
}

static void
give(void *p)
{
    heap.mem.free(p, heap.mem.mem_user_data);
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
                x->p = heap.mem.realloc(x->p, n, heap.mem.mem_user_data);
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
    p = heap.mem.calloc(10, 10, heap.mem.mem_user_data);
    ck_assert_ptr_nonnull(p);
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(p[i], 0);
    give(p);
    ck_assert_ptr_null(
        heap.mem.calloc(SIZE_MAX / 2, 4, heap.mem.mem_user_data));
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
    p = heap.mem.realloc(NULL, 16394, heap.mem.mem_user_data);
    ck_assert_ptr_eq(p, shared);
    other = take(16394);
    ck_assert_ptr_ne(other, shared);
    memset(p, 'x', sizeof shared);
    ck_assert_ptr_eq(heap.mem.realloc(p, sizeof shared, &heap), shared);
    p = heap.mem.realloc(p, 30000, heap.mem.mem_user_data);
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

UNIT_MAIN_IN(setup, teardown, h2_heap, pieces_hold_what_was_put_there,
             what_was_freed_is_taken_again, zeros_are_zeros,
             without_memory_there_is_none, little_is_wasted,
             one_piece_of_a_frame_is_shared)
