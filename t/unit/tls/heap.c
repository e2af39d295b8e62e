/* SPDX-License-Identifier: BSD-2-Clause */
/* heap.c - blocks come back, whichever thread gives them; what a thread keeps
 * is bounded, and goes with it. */
/* tags: asan tsan */
#include "tls/heap.h"

#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "base/asan.h"
#include "t/lib/unit.h"

START_TEST(a_block_holds_what_was_asked_for)
{
    for (size_t n = 0; n < 2 * HEAP_MAX_BYTES; n += 1 + n / 50) {
        char *p = heap_take(n);
        ck_assert_ptr_nonnull(p);
        ck_assert_uint_ge(malloc_usable_size(p), n);
        memset(p, 'x', n);
        heap_give(p);
    }
    heap_give(NULL);
}
END_TEST

/* Of all sizes that may be kept no block is a ninth too large, and the next
 * taker of one as large has that one. */
START_TEST(it_comes_back_and_little_is_wasted)
{
    for (size_t n = 1; !ASAN_ON && n <= HEAP_MAX_BYTES; n++) {
        char *p = heap_take(n), *q;
        size_t usable = malloc_usable_size(p);
        UNIT_HOLDS(usable <= n + n / 8 + 40);
        heap_give(p);
        UNIT_HOLDS(heap_kept() > 0);
        q = heap_take(n);
        UNIT_HOLDS(p == q);
        free(q); /* it is malloc's own */
        UNIT_HOLDS(heap_kept() == 0);
    }
}
END_TEST

START_TEST(what_malloc_made_may_be_given)
{
    for (size_t n = 1; n < 100000; n += 7)
        heap_give(malloc(n));
    ck_assert_uint_le(heap_kept(), HEAP_THREAD_BYTES);
    for (size_t n = 1; n < 32000; n += 7) {
        char *p = heap_take(n);
        memset(p, 'x', n);
        heap_give(p);
    }
}
END_TEST

START_TEST(what_a_thread_keeps_is_bounded)
{
    enum { N = 3 * HEAP_THREAD_BYTES / 8192 };
    static void *blocks[N];

    for (int i = 0; i < N; i++)
        blocks[i] = heap_take(8192);
    for (int i = 0; i < N; i++)
        heap_give(blocks[i]);
    ck_assert_uint_le(heap_kept(), HEAP_THREAD_BYTES);
    if (!ASAN_ON)
        ck_assert_uint_ge(heap_kept(), HEAP_THREAD_BYTES - 8192);
}
END_TEST

START_TEST(bytes_stay_when_a_block_grows_or_shrinks)
{
    unsigned char *p = NULL;
    size_t n = 0;

    for (int i = 0; i < 3000; i++) {
        size_t to = (size_t)i * 7919 % 70000 + 1, kept = n < to ? n : to;
        p = heap_retake(p, to);
        ck_assert_ptr_nonnull(p);
        for (size_t k = 0; k < kept; k += 97)
            UNIT_HOLDS(p[k] == (unsigned char)(k * 31));
        for (size_t k = 0; k < to; k++)
            p[k] = (unsigned char)(k * 31);
        n = to;
    }
    heap_give(p);
}
END_TEST

static void *
give_all(void *arg)
{
    void **blocks = arg;

    for (int i = 0; i < 100; i++)
        heap_give(blocks[i]);
    if (!ASAN_ON)
        UNIT_HOLDS(heap_kept() > 0);
    return (void *)(uintptr_t)heap_kept();
}

/* Made here, given there; when that thread ends its blocks are free (which
 * LeakSanitizer, or the next line of malloc, would tell). */
START_TEST(blocks_may_be_given_by_another_thread)
{
    void *blocks[100];
    pthread_t t;

    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 100; i++)
            memset(blocks[i] = heap_take((size_t)i * 40 + 1), 1, 1);
        ck_assert_int_eq(pthread_create(&t, NULL, give_all, blocks), 0);
        pthread_join(t, NULL);
    }
    ck_assert_uint_eq(heap_kept(), 0);
}
END_TEST

UNIT_MAIN(heap, a_block_holds_what_was_asked_for,
          it_comes_back_and_little_is_wasted, what_malloc_made_may_be_given,
          what_a_thread_keeps_is_bounded,
          bytes_stay_when_a_block_grows_or_shrinks,
          blocks_may_be_given_by_another_thread)
