/* SPDX-License-Identifier: BSD-2-Clause */
/* blocks.c - a worker's memory: sizes, the bound, reuse, failure. */
/* tags: asan */
/* ldflags: -Wl,--wrap=mmap */
#include "base/blocks.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/asan.h"
#include "t/lib/unit.h"

static int n_maps, fail_at = -1; /* the fail_at-th mmap from now fails */

void *__real_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);

void *
__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off)
{
    n_maps++;
    if (fail_at >= 0 && fail_at-- == 0) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mmap(p, n, prot, flags, fd, off);
}

START_TEST(a_block_is_the_next_power_of_two)
{
    struct blocks b;
    size_t got, want = BLOCKS_MIN_BYTES;

    blocks_init(&b, SIZE_MAX);
    for (size_t n = 0; n <= BLOCKS_MAX_BYTES; n += n < 5000 ? 1 : n / 7) {
        char *p = blocks_take(&b, n, &got);

        while (want < n)
            want *= 2;
        ck_assert_ptr_nonnull(p);
        ck_assert_uint_eq(got, want);
        ck_assert_uint_eq((uintptr_t)p % 64, 0);
        p[0] = p[got - 1] = 'x';
        blocks_give(&b, p, got);
    }
    ck_assert_uint_eq(b.out_bytes, 0);
    ck_assert_ptr_null(blocks_take(&b, BLOCKS_MAX_BYTES + 1, &got));
    ck_assert_ptr_null(blocks_take(&b, SIZE_MAX, &got));
    blocks_fini(&b);
}
END_TEST

START_TEST(every_exact_class_is_its_own_size)
{
    struct blocks b;
    size_t got;

    blocks_init(&b, SIZE_MAX);
    for (size_t n = BLOCKS_MIN_BYTES; n <= BLOCKS_MAX_BYTES; n *= 2) {
        void *p = blocks_take(&b, n, &got), *q;

        ck_assert_uint_eq(got, n);
        q = blocks_take(&b, n / 2 + 1, &got);
        ck_assert_uint_eq(got, n);
        blocks_give(&b, p, n);
        blocks_give(&b, q, n);
    }
    blocks_fini(&b);
}
END_TEST

START_TEST(nothing_is_mapped_before_the_first_take_and_little_after)
{
    struct blocks b;
    void *p[64];
    size_t got;

    n_maps = 0;
    blocks_init(&b, SIZE_MAX);
    ck_assert_int_eq(n_maps, 0);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 64; i++)
            p[i] = blocks_take(&b, 4096, &got);
        ck_assert_int_eq(n_maps, 1);
        for (int i = 0; i < 64; i++)
            blocks_give(&b, p[i], got);
    }
    p[0] = blocks_take(&b, 1, &got);
    ck_assert_int_eq(n_maps, 2);
    blocks_give(&b, p[0], got);
    blocks_fini(&b);
}
END_TEST

START_TEST(the_last_given_is_the_next_taken)
{
    struct blocks b;
    size_t got;
    void *p, *q;

    blocks_init(&b, SIZE_MAX);
    p = blocks_take(&b, 2000, &got);
    q = blocks_take(&b, 2000, &got);
    blocks_give(&b, p, got);
    blocks_give(&b, q, got);
    ck_assert_ptr_eq(blocks_take(&b, 2000, &got), q);
    ck_assert_ptr_eq(blocks_take(&b, 2000, &got), p);
    blocks_fini(&b);
}
END_TEST

START_TEST(the_bound_is_exact)
{
    struct blocks b;
    size_t got;
    void *p, *q;

    blocks_init(&b, 5 * 1024);
    p = blocks_take(&b, 4096, &got);
    ck_assert_ptr_nonnull(p);
    ck_assert_ptr_null(blocks_take(&b, 1025, &got));
    q = blocks_take(&b, 1024, &got);
    ck_assert_ptr_nonnull(q);
    ck_assert_ptr_null(blocks_take(&b, 1, &got));
    blocks_give(&b, p, 4096);
    ck_assert_ptr_null(blocks_take(&b, 4097, &got));
    ck_assert_ptr_nonnull(blocks_take(&b, 2049, &got));
    blocks_fini(&b);
    blocks_init(&b, 4000); /* it is what is taken that counts */
    ck_assert_ptr_null(blocks_take(&b, 3000, &got));
    ck_assert_ptr_nonnull(blocks_take(&b, 2000, &got));
    blocks_fini(&b);
}
END_TEST

START_TEST(without_memory_a_take_fails_and_the_next_may_not)
{
    struct blocks b;
    size_t got = 42;
    void *p;

    blocks_init(&b, SIZE_MAX);
    fail_at = 0;
    ck_assert_ptr_null(blocks_take(&b, 1, &got));
    ck_assert_uint_eq(b.out_bytes, 0);
    p = blocks_take(&b, 1, &got);
    ck_assert_ptr_nonnull(p);
    blocks_give(&b, p, got);
    fail_at = 0;
    ck_assert_ptr_null(blocks_take(&b, BLOCKS_MAX_BYTES, &got));
    ck_assert_uint_eq(b.out_bytes, 0);
    blocks_fini(&b);
}
END_TEST

/* Takes and gives at random; each block keeps the byte it was filled with. */
START_TEST(blocks_do_not_overlap)
{
    enum { N = 200 };
    struct {
        uint8_t *p;
        size_t got;
    } held[N] = {{0}};
    struct blocks b;
    size_t sum = 0;

    srand(2);
    blocks_init(&b, 64u << 20);
    for (int round = 0; round < 20000; round++) {
        int i = rand() % N;

        if (held[i].p) {
            for (size_t k = 0; k < held[i].got; k += 1023)
                ck_assert_uint_eq(held[i].p[k], (uint8_t)i);
            sum -= held[i].got;
            blocks_give(&b, held[i].p, held[i].got);
            held[i].p = NULL;
        } else {
            size_t n = (size_t)1 << rand() % 19;

            held[i].p = blocks_take(&b, n, &held[i].got);
            ck_assert_ptr_nonnull(held[i].p);
            for (size_t k = 0; k < held[i].got; k += 1023)
                held[i].p[k] = (uint8_t)i;
            sum += held[i].got;
        }
        ck_assert_uint_eq(b.out_bytes, sum);
    }
    for (int i = 0; i < N; i++) {
        if (held[i].p)
            blocks_give(&b, held[i].p, held[i].got);
    }
    ck_assert_uint_eq(b.out_bytes, 0);
    blocks_fini(&b);
}
END_TEST

START_TEST(a_free_block_is_poisoned_and_so_is_what_lies_behind_one)
{
#if ASAN_ON
    struct blocks b;
    size_t got;
    char *p;

    blocks_init(&b, SIZE_MAX);
    p = blocks_take(&b, 1024, &got);
    ck_assert(!ASAN_IS_POISONED(p + 1023));
    ck_assert(ASAN_IS_POISONED(p + 1024));
    blocks_give(&b, p, got);
    ck_assert(ASAN_IS_POISONED(p));
    ck_assert(ASAN_IS_POISONED(p + 1023));
    ck_assert_ptr_eq(blocks_take(&b, 1024, &got), p);
    ck_assert(!ASAN_IS_POISONED(p));
    blocks_fini(&b);
#endif
}
END_TEST

static int
signal_of_give(struct blocks *b, void *p, size_t got)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        close(STDERR_FILENO);
        blocks_give(b, p, got);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(giving_back_another_size_ends_the_program)
{
    struct blocks b;
    size_t got;
    void *p;

    blocks_init(&b, SIZE_MAX);
    p = blocks_take(&b, 4096, &got);
    ck_assert_int_eq(signal_of_give(&b, p, 4095), SIGABRT);
    ck_assert_int_eq(signal_of_give(&b, p, 8192), SIGABRT);
    ck_assert_int_eq(signal_of_give(&b, p, 0), SIGABRT);
    blocks_fini(&b);
}
END_TEST

/* It is still out, and what was in it is not; it may be written again. */
START_TEST(a_block_that_rests_has_no_pages)
{
    struct blocks b;
    size_t got;
    char *p;

    blocks_init(&b, 16384);
    p = blocks_take(&b, 16384, &got);
    ck_assert_ptr_nonnull(p);
    memset(p, 'x', got);
    blocks_rest(&b, p, got);
    ck_assert_uint_eq(b.rest_bytes, 16384);
    ck_assert_uint_eq(b.out_bytes, 16384);
    ck_assert_ptr_null(blocks_take(&b, 1, &got));
    for (size_t i = 4096; i < 8192; i++)
        ck_assert_int_eq(p[i], 0);
    blocks_wake(&b, 16384);
    ck_assert_uint_eq(b.rest_bytes, 0);
    memset(p, 'y', 16384);
    blocks_give(&b, p, 16384);
    blocks_fini(&b);
}
END_TEST

START_TEST(blocks_of_a_page_begin_with_one)
{
    struct blocks b;
    size_t got;

    blocks_init(&b, SIZE_MAX);
    for (size_t n = 4096; !UNIT_SANITIZED && n <= 65536; n *= 2) {
        for (int i = 0; i < 100; i++)
            ck_assert_uint_eq((uintptr_t)blocks_take(&b, n, &got) % 4096, 0);
    }
    blocks_fini(&b);
}
END_TEST

UNIT_MAIN(blocks, a_block_is_the_next_power_of_two,
          a_block_that_rests_has_no_pages, blocks_of_a_page_begin_with_one,
          every_exact_class_is_its_own_size,
          nothing_is_mapped_before_the_first_take_and_little_after,
          the_last_given_is_the_next_taken, the_bound_is_exact,
          without_memory_a_take_fails_and_the_next_may_not,
          blocks_do_not_overlap,
          a_free_block_is_poisoned_and_so_is_what_lies_behind_one,
          giving_back_another_size_ends_the_program)
