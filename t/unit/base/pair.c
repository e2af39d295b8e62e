/* SPDX-License-Identifier: BSD-2-Clause */
/* pair.c - two words change as one, or neither does. */
/* tags: asan tsan */
#include "base/pair.h"

#include <pthread.h>

#include "t/lib/unit.h"

#define N_TIMES 20000u

static struct pair pair;

START_TEST(both_have_to_be_as_they_were_said_to_be)
{
    ck_assert(!pair_swap(&pair, 0, 1, 5, 6));
    ck_assert(!pair_swap(&pair, 1, 0, 5, 6));
    ck_assert(pair_swap(&pair, 0, 0, 5, UINT64_MAX));
    ck_assert_uint_eq(atomic_load(&pair.a), 5);
    ck_assert_uint_eq(atomic_load(&pair.b), UINT64_MAX);
    ck_assert(pair_swap(&pair, 5, UINT64_MAX, UINT64_MAX, 5));
    ck_assert(!pair_swap(&pair, 5, UINT64_MAX, 0, 0));
}
END_TEST

static void *
count(void *arg)
{
    for (uint32_t i = 0; i < N_TIMES;) {
        const uint64_t a = atomic_load(&pair.a), b = atomic_load(&pair.b);
        i += (uint32_t)pair_swap(&pair, a, b, a + 1, b - 1);
    }
    return arg;
}

START_TEST(no_change_is_lost_among_threads)
{
    pthread_t threads[3];

    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, count, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(atomic_load(&pair.a), 3 * N_TIMES);
    ck_assert_uint_eq(atomic_load(&pair.b), (uint64_t)0 - 3 * N_TIMES);
}
END_TEST

UNIT_MAIN(pair, both_have_to_be_as_they_were_said_to_be,
          no_change_is_lost_among_threads)
