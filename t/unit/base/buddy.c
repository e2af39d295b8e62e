/* SPDX-License-Identifier: BSD-2-Clause */
/* buddy.c - blocks do not overlap, and what is given back joins again. */
/* tags: asan */
#include "base/buddy.h"

#include <stdlib.h>
#include <string.h>

#include "base/asan.h"
#include "t/lib/unit.h"

#define N_TOP 4u
#define BYTES (N_TOP * BUDDY_MAX_BYTES)

static _Alignas(64) char region[BYTES + 1000];
static uint8_t tags[BYTES / BUDDY_UNIT];

static void
begin(struct buddy *b)
{
    ASAN_UNPOISON(region, sizeof region);
    memset(tags, 0, sizeof tags);
    buddy_init(b, region, sizeof region, tags);
}

/* All of it can be had in largest blocks, and then nothing. */
static void
expect_whole(struct buddy *b)
{
    uint32_t v[N_TOP];

    for (uint32_t i = 0; i < N_TOP; i++) {
        v[i] = buddy_take(b, BUDDY_MAX_BYTES);
        ck_assert_uint_ne(v[i], BUDDY_NONE);
    }
    ck_assert_uint_eq(buddy_take(b, 0), BUDDY_NONE);
    for (uint32_t i = 0; i < N_TOP; i++)
        buddy_give(b, v[i], BUDDY_MAX_BYTES);
}

START_TEST(sizes_are_powers_of_two_from_a_unit_on)
{
    static const size_t v[][2] = {{0, 64},        {1, 64},       {64, 64},
                                  {65, 128},      {128, 128},    {129, 256},
                                  {1024, 1024},   {1025, 2048},  {32769, 65536},
                                  {65535, 65536}, {65536, 65536}};

    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
        ck_assert_uint_eq(buddy_bytes(v[i][0]), v[i][1]);
}
END_TEST

START_TEST(units_fill_the_region_and_join_again)
{
    enum { N = BYTES / BUDDY_UNIT };
    static uint32_t v[N];
    struct buddy b;

    begin(&b);
    expect_whole(&b);
    for (uint32_t i = 0; i < N; i++) {
        v[i] = buddy_take(&b, 1);
        ck_assert_uint_ne(v[i], BUDDY_NONE);
    }
    ck_assert_uint_eq(buddy_take(&b, 1), BUDDY_NONE);
    for (uint32_t i = 0; i < N; i += 2)
        buddy_give(&b, v[i], 1);
    ck_assert_uint_eq(buddy_take(&b, 65), BUDDY_NONE);
    for (uint32_t i = 1; i < N; i += 2)
        buddy_give(&b, v[i], 1);
    expect_whole(&b);
}
END_TEST

static void
expect_filled(const struct buddy *b, uint32_t block, size_t n, char with)
{
    const char *p = buddy_at(b, block);
    size_t k = 0;

    while (k < buddy_bytes(n) && p[k] == with)
        k++;
    ck_assert_uint_eq(k, buddy_bytes(n));
}

START_TEST(what_is_taken_is_nobody_elses)
{
    enum { N = 300 };
    static struct {
        uint32_t block;
        size_t n;
    } v[N];
    struct buddy b;

    srand(1);
    begin(&b);
    for (int i = 0; i < N; i++)
        v[i].block = BUDDY_NONE;
    for (int round = 0; round < 30000; round++) {
        int i = rand() % N;
        if (v[i].block == BUDDY_NONE) {
            v[i].n = (size_t)rand() % (1u << rand() % 15) + 1;
            v[i].block = buddy_take(&b, v[i].n);
            if (v[i].block != BUDDY_NONE)
                memset(buddy_at(&b, v[i].block), i & 0x7f, buddy_bytes(v[i].n));
            continue;
        }
        expect_filled(&b, v[i].block, v[i].n, (char)(i & 0x7f));
        buddy_give(&b, v[i].block, v[i].n);
        v[i].block = BUDDY_NONE;
    }
    for (int i = 0; i < N; i++) {
        if (v[i].block != BUDDY_NONE)
            buddy_give(&b, v[i].block, v[i].n);
    }
    expect_whole(&b);
}
END_TEST

START_TEST(a_free_block_must_not_be_read)
{
#if ASAN_ON
    struct buddy b;
    uint32_t block;
    char *p;

    begin(&b);
    block = buddy_take(&b, 1000);
    p = buddy_at(&b, block);
    ck_assert(!ASAN_IS_POISONED(p + 1000));
    buddy_give(&b, block, 1000);
    ck_assert(ASAN_IS_POISONED(p + 1000));
    block = buddy_take(&b, 1000);
    ck_assert(!ASAN_IS_POISONED(p + 1000));
#endif
}
END_TEST

UNIT_MAIN(buddy, sizes_are_powers_of_two_from_a_unit_on,
          units_fill_the_region_and_join_again, what_is_taken_is_nobody_elses,
          a_free_block_must_not_be_read)
