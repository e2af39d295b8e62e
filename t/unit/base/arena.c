/* SPDX-License-Identifier: BSD-2-Clause */
/* arena.c - bump allocation in both its lives: pieces, bounds, failures. */
/* tags: asan */
/* ldflags: -Wl,--wrap=malloc,--wrap=mmap */
#include "base/arena.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/asan.h"
#include "base/blocks.h"
#include "base/str.h"
#include "t/lib/unit.h"

static int fail_at = -1; /* the fail_at-th request for memory fails */

void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
void *__real_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);

void *
__wrap_malloc(size_t n)
{
    return fail_at >= 0 && fail_at-- == 0 ? NULL : __real_malloc(n);
}

void *
__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off)
{
    if (fail_at >= 0 && fail_at-- == 0) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mmap(p, n, prot, flags, fd, off);
}

/* Both lives: from malloc, and from these. */
static struct blocks blocks;
static struct blocks *const lives[] = {NULL, &blocks};
#define EACH_LIFE(b)                                                           \
    for (struct blocks *const *life_ = lives, *b = *life_;                     \
         life_ < lives + 2 ? (b = *life_, 1) : 0; life_++)

static void
begin(void)
{
    blocks_init(&blocks, SIZE_MAX);
}

static void
end(struct arena *a)
{
    arena_reset(a);
    ck_assert_uint_eq(a->bytes, 0);
    ck_assert_uint_eq(blocks.out_bytes, 0);
}

START_TEST(pieces_are_aligned_and_do_not_overlap)
{
    begin();
    EACH_LIFE(b)
    {
        _Alignas(16) char first[500];
        struct arena a;
        uint8_t *pieces[400];

        arena_init(&a, first, sizeof first, b, SIZE_MAX);
        for (size_t n = 0; n < 400; n++) {
            pieces[n] = arena_alloc(&a, n);
            ck_assert_ptr_nonnull(pieces[n]);
            ck_assert_uint_eq((uintptr_t)pieces[n] % 16, 0);
            memset(pieces[n], (int)(n & 255), n);
        }
        for (size_t n = 0; n < 400; n++) {
            for (size_t i = 0; i < n; i++)
                ck_assert_uint_eq(pieces[n][i], n & 255);
        }
        end(&a);
    }
}
END_TEST

START_TEST(the_first_block_is_used_first_and_kept)
{
    _Alignas(16) char first[256];
    struct arena a;
    void *p;

    begin();
    arena_init(&a, first, sizeof first, &blocks, SIZE_MAX);
    p = arena_alloc(&a, 100);
    ck_assert_ptr_eq(p, first);
    ck_assert_uint_eq(a.bytes, 0);
    ck_assert_ptr_nonnull(arena_alloc(&a, 200));
    ck_assert_uint_gt(a.bytes, 0);
    end(&a);
    ck_assert_ptr_eq(arena_alloc(&a, 1), first);
    end(&a);
}
END_TEST

START_TEST(a_crooked_first_block_is_set_straight)
{
    _Alignas(16) char first[64];

    begin();
    for (size_t skew = 0; skew < 16; skew++) {
        for (size_t n = 0; n < 48; n++) {
            struct arena a;
            char *p;

            arena_init(&a, first + skew, n, NULL, 4096);
            p = arena_alloc(&a, 1);
            ck_assert_ptr_nonnull(p);
            ck_assert_uint_eq((uintptr_t)p % 16, 0);
            end(&a);
        }
    }
}
END_TEST

START_TEST(the_bound_holds_and_is_used_up)
{
    begin();
    EACH_LIFE(b)
    {
        struct arena a;
        size_t sum = 0;

        arena_init(&a, NULL, 0, b, 10000);
        ck_assert_ptr_null(arena_alloc(&a, 10000));
        ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX));
        ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX - 15));
        ck_assert_ptr_null(arena_alloc(&a, SIZE_MAX - 40));
        while (arena_alloc(&a, 16)) {
            sum += 16;
            ck_assert_uint_le(a.bytes, 10000);
        }
        if (!ASAN_ON)
            ck_assert_uint_ge(sum, b ? 8000 : 9500);
        end(&a);
    }
}
END_TEST

START_TEST(a_bound_of_nothing_leaves_the_first_block)
{
    _Alignas(16) char first[64];
    struct arena a;

    begin();
    arena_init(&a, first, sizeof first, &blocks, 0);
    ck_assert_ptr_nonnull(arena_alloc(&a, 32));
    ck_assert_ptr_null(arena_alloc(&a, 64));
    end(&a);
}
END_TEST

START_TEST(a_large_piece_does_not_waste_the_current_block)
{
    begin();
    EACH_LIFE(b)
    {
        struct arena a;
        char *small, *next;

        arena_init(&a, NULL, 0, b, SIZE_MAX);
        small = arena_alloc(&a, 16);
        ck_assert_ptr_nonnull(arena_alloc(&a, b ? 131072 - 32 : 100000));
        next = arena_alloc(&a, 16);
        ck_assert_int_eq(next - small, 16 + ASAN_RED_ZONE(16));
        end(&a);
    }
}
END_TEST

START_TEST(any_request_for_memory_may_fail)
{
    begin();
    EACH_LIFE(b)
    {
        for (int i = 0, failed = 1; failed; i++) {
            struct arena a;
            size_t cap;

            failed = 0;
            blocks_init(&blocks, SIZE_MAX);
            arena_init(&a, NULL, 0, b, SIZE_MAX);
            fail_at = i;
            failed |= !arena_alloc(&a, 3000);
            failed |= !arena_zalloc(&a, 5000);
            failed |= !arena_reserve(&a, 300000, &cap);
            failed |= !arena_dup(&a, str_lit("text")).p;
            failed |= !arena_printf(&a, "%0200000d", 1);
            failed |= fail_at < 0; /* it did, and something stood in */
            fail_at = -1;
            ck_assert_int_lt(i, 20);
            end(&a);
            blocks_fini(&blocks);
        }
    }
}
END_TEST

START_TEST(zalloc_is_zero_even_in_used_memory)
{
    _Alignas(16) char first[256];
    struct arena a;
    char *p;

    memset(first, 'x', sizeof first);
    arena_init(&a, first, sizeof first, NULL, 0);
    p = arena_zalloc(&a, 100);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(p[i], 0);
    arena_reset(&a);
}
END_TEST

START_TEST(reserve_shows_the_tail_and_commit_takes_of_it)
{
    begin();
    EACH_LIFE(b)
    {
        struct arena a;
        size_t cap;
        char *p, *q;

        arena_init(&a, NULL, 0, b, SIZE_MAX);
        p = arena_reserve(&a, 0, &cap);
        ck_assert_ptr_nonnull(p);
        ck_assert_uint_ge(cap, 1);
        p = arena_reserve(&a, 1000, &cap);
        ck_assert_uint_ge(cap, 1000);
        memset(p, 'x', cap);
        ck_assert_ptr_eq(arena_reserve(&a, 1000, &cap), p);
        arena_commit(&a, 10);
        q = arena_alloc(&a, 1);
        ck_assert_int_eq(q - p, 16 + ASAN_RED_ZONE(16));
        q = arena_reserve(&a, 100000, &cap);
        ck_assert_uint_ge(cap, 100000);
        memset(q, 'y', cap);
        arena_commit(&a, cap);
        ck_assert_ptr_eq(a.p, a.end);
        ck_assert_int_eq(p[9], 'x');
        ck_assert_ptr_nonnull(arena_alloc(&a, 1));
        ck_assert_ptr_null(arena_reserve(&a, SIZE_MAX, &cap));
        ck_assert_ptr_null(arena_reserve(&a, SIZE_MAX - 20, &cap));
        end(&a);
    }
}
END_TEST

START_TEST(dup_ends_in_nul_and_makes_the_absent_empty)
{
    struct arena a;
    et_str s;

    begin();
    arena_init(&a, NULL, 0, NULL, 100000);
    s = arena_dup(&a, str_lit("a\0b"));
    ck_assert_uint_eq(s.n, 3);
    ck_assert_int_eq(memcmp(s.p, "a\0b", 4), 0);
    s = arena_dup(&a, (et_str){NULL, 0});
    ck_assert_ptr_nonnull(s.p);
    ck_assert_uint_eq(s.n, 0);
    ck_assert_int_eq(s.p[0], 0);
    ck_assert_ptr_null(arena_dup(&a, (et_str){"", SIZE_MAX}).p);
    ck_assert_ptr_null(arena_dup(&a, (et_str){"", 200000}).p);
    end(&a);
}
END_TEST

START_TEST(printf_of_any_length_in_any_tail)
{
    char want[300];

    begin();
    EACH_LIFE(b)
    {
        for (int n = 0; n < 200; n++) {
            _Alignas(16) char first[112];
            struct arena a;

            arena_init(&a, first, sizeof first, b, 100000);
            snprintf(want, sizeof want, "<%*s>", n, "x");
            ck_assert_str_eq(arena_printf(&a, "<%*s>", n, "x"), want);
            ck_assert_str_eq(arena_printf(&a, "<%*s>", n, "x"), want);
            ck_assert_ptr_null(arena_printf(&a, "%0200000d", 1));
            ck_assert_str_eq(arena_printf(&a, "%s", ""), "");
            end(&a);
        }
    }
}
END_TEST

START_TEST(a_red_zone_follows_each_piece)
{
#if ASAN_ON
    _Alignas(16) char first[256];
    struct arena a;
    char *p;
    size_t cap;

    begin();
    arena_init(&a, first, sizeof first, &blocks, SIZE_MAX);
    p = arena_alloc(&a, 20);
    ck_assert(!ASAN_IS_POISONED(p + 19));
    ck_assert(ASAN_IS_POISONED(p + 20));
    ck_assert(ASAN_IS_POISONED(p + 47));
    p = arena_reserve(&a, 100, &cap);
    ck_assert(!ASAN_IS_POISONED(p + cap - 1));
    arena_commit(&a, 3);
    ck_assert(!ASAN_IS_POISONED(p + 2));
    ck_assert(ASAN_IS_POISONED(p + 3));
    p = arena_alloc(&a, 5000);
    ck_assert(ASAN_IS_POISONED(p + 5000));
    arena_reset(&a);
    ck_assert(ASAN_IS_POISONED(p));
    for (size_t i = 0; i < sizeof first; i++)
        ck_assert(!ASAN_IS_POISONED(first + i));
    blocks_fini(&blocks);
#endif
}
END_TEST

UNIT_MAIN(arena, pieces_are_aligned_and_do_not_overlap,
          the_first_block_is_used_first_and_kept,
          a_crooked_first_block_is_set_straight, the_bound_holds_and_is_used_up,
          a_bound_of_nothing_leaves_the_first_block,
          a_large_piece_does_not_waste_the_current_block,
          any_request_for_memory_may_fail, zalloc_is_zero_even_in_used_memory,
          reserve_shows_the_tail_and_commit_takes_of_it,
          dup_ends_in_nul_and_makes_the_absent_empty,
          printf_of_any_length_in_any_tail, a_red_zone_follows_each_piece)
