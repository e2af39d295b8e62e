/* SPDX-License-Identifier: BSD-2-Clause */
/* fold.c - what was folded unfolds to what it was, whatever that is.
 * tags: asan */
#include "base/fold.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/unit.h"

#define WORDS 256u
#define GROUPS 8u /* FOLD_BYTES each */

/* In memory of exactly the size it needs, and onto something else. */
static void
there_and_back(const uint32_t *p, size_t groups, size_t words)
{
    size_t n = groups * FOLD_BYTES, folded_bytes = 4 * (groups + words);
    char *folded = malloc(folded_bytes);
    uint32_t again[WORDS];

    ck_assert_ptr_nonnull(folded);
    ck_assert_uint_eq(fold_size(p, n), folded_bytes);
    ck_assert_ptr_eq(fold_pack(folded, p, n), folded + folded_bytes);
    memset(again, 0xa5, sizeof again);
    ck_assert_ptr_eq(fold_unpack(folded, again, n), folded + folded_bytes);
    ck_assert_mem_eq(again, p, n);
    for (size_t i = n / 4; i < WORDS; i++)
        ck_assert_uint_eq(again[i], 0xa5a5a5a5);
    free(folded);
}

START_TEST(zeros_are_next_to_nothing)
{
    const uint32_t v[WORDS] = {0};

    there_and_back(v, GROUPS, 0);
    there_and_back(v, 1, 0);
}
END_TEST

START_TEST(what_has_no_zeros_is_a_bit_more)
{
    uint32_t v[WORDS];

    memset(v, 0x5a, sizeof v);
    there_and_back(v, GROUPS, WORDS);
}
END_TEST

START_TEST(each_word_comes_back_where_it_was)
{
    for (size_t i = 0; i < WORDS; i++) {
        uint32_t v[WORDS] = {0};
        v[i] = UINT32_C(1) << i % 32;
        there_and_back(v, GROUPS, 1);
        v[0] = v[WORDS - 1] = UINT32_MAX;
        there_and_back(v, GROUPS, i == 0 || i == WORDS - 1 ? 2 : 3);
    }
}
END_TEST

START_TEST(so_does_any_mixture)
{
    uint32_t v[WORDS], seed = 1;

    for (int round = 0; round < 1000; round++) {
        size_t words = 0;
        for (size_t i = 0; i < WORDS; i++) {
            seed = seed * 1664525u + 1013904223u;
            v[i] = (seed >> 16) % 1000 < (unsigned)round ? seed | 1 : 0;
            words += v[i] != 0;
        }
        there_and_back(v, GROUPS, words);
    }
}
END_TEST

UNIT_MAIN(fold, zeros_are_next_to_nothing, what_has_no_zeros_is_a_bit_more,
          each_word_comes_back_where_it_was, so_does_any_mixture)
