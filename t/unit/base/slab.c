/* SPDX-License-Identifier: BSD-2-Clause */
/* slab.c - the pool of objects: a model test, what survives being free, and
 * that no page is touched early. */
/* tags: asan */
/* ldflags: -Wl,--wrap=mmap */
#include "base/slab.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/asan.h"
#include "base/err.h"
#include "t/lib/unit.h"

static int fail_mmap;

void *__real_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);

void *
__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off)
{
    if (fail_mmap) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mmap(p, n, prot, flags, fd, off);
}

START_TEST(all_are_taken_once_and_then_none)
{
    struct slab s;
    char *items[100];

    ck_assert_int_eq(slab_init(&s, 100, 100), 0);
    for (uint32_t i = 0; i < 100; i++) {
        items[i] = slab_take(&s);
        ck_assert_ptr_nonnull(items[i]);
        ck_assert_uint_eq((uintptr_t)items[i] % 64, 0);
        ck_assert_uint_eq(slab_index(&s, items[i]), i);
        ck_assert_uint_eq(slab_index(&s, items[i] + 99), i);
        ck_assert_ptr_eq(slab_at(&s, i), items[i]);
        for (size_t k = 0; k < 100; k++)
            ck_assert_int_eq(items[i][k], 0);
        memset(items[i], 'x', 100);
    }
    ck_assert_uint_eq(s.n_used, 100);
    ck_assert_ptr_null(slab_take(&s));
    slab_give(&s, items[41]);
    slab_give(&s, items[7]);
    ck_assert_ptr_eq(slab_take(&s), items[7]);
    ck_assert_ptr_eq(slab_take(&s), items[41]);
    ck_assert_ptr_null(slab_take(&s));
    slab_fini(&s);
}
END_TEST

START_TEST(a_generation_survives_being_free)
{
    struct slab s;
    char *item;
    uint16_t gen = 77;

    ck_assert_int_eq(slab_init(&s, 200, 8), 0);
    item = slab_take(&s);
    memset(item, 'x', 200);
    memcpy(item + 12, &gen, sizeof gen);
    slab_give(&s, item);
    ck_assert_int_eq(memcmp(item + 12, &gen, sizeof gen), 0);
    ck_assert_ptr_eq(slab_take(&s), item);
    ck_assert_int_eq(memcmp(item + 12, &gen, sizeof gen), 0);
    ck_assert_int_eq(item[199], 'x');
    slab_fini(&s);
}
END_TEST

START_TEST(a_free_item_is_poisoned_but_for_what_survives)
{
#if ASAN_ON
    struct slab s;
    char *item;

    ck_assert_int_eq(slab_init(&s, 100, 8), 0);
    item = slab_take(&s);
    ck_assert(!ASAN_IS_POISONED(item + 99));
    ck_assert(ASAN_IS_POISONED(item + 100));
    ck_assert(ASAN_IS_POISONED(item + s.stride));
    slab_give(&s, item);
    ck_assert(!ASAN_IS_POISONED(item));
    ck_assert(!ASAN_IS_POISONED(item + SLAB_KEPT_END - 1));
    ck_assert(ASAN_IS_POISONED(item + SLAB_KEPT_END));
    ck_assert(ASAN_IS_POISONED(item + 99));
    ck_assert_ptr_eq(slab_take(&s), item);
    ck_assert(!ASAN_IS_POISONED(item + 99));
    slab_fini(&s);
    ck_assert(!ASAN_IS_POISONED(item + 100));
#endif
}
END_TEST

START_TEST(the_smallest_item_has_room_for_what_survives)
{
    struct slab s;

    ck_assert_int_eq(slab_init(&s, 1, 2), 0);
    ck_assert_uint_ge(s.stride, SLAB_KEPT_END);
    ck_assert_uint_ge(s.item_len, SLAB_KEPT_END);
    slab_fini(&s);
}
END_TEST

START_TEST(random_takes_and_gives_match_a_model)
{
    enum { N = 64 };
    struct slab s;
    uint8_t is_taken[N] = {0};
    uint32_t n_taken = 0;

    srand(1);
    ck_assert_int_eq(slab_init(&s, 64, N), 0);
    for (int round = 0; round < 20000; round++) {
        uint32_t i = (uint32_t)rand() % N;

        if (is_taken[i]) {
            ck_assert_uint_eq(*(uint64_t *)slab_at(&s, i), i);
            slab_give(&s, slab_at(&s, i));
            is_taken[i] = 0;
            n_taken--;
        } else {
            uint64_t *item = slab_take(&s);

            i = slab_index(&s, item);
            ck_assert(!is_taken[i]);
            *item = i;
            is_taken[i] = 1;
            n_taken++;
        }
        ck_assert_uint_eq(s.n_used, n_taken);
        ck_assert_uint_le(s.n_used, s.fresh);
    }
    slab_fini(&s);
}
END_TEST

/* Pages of the slab that are in memory. */
static size_t
n_resident(const struct slab *s)
{
    static unsigned char vec[70000];
    size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
    size_t pages = ((size_t)s->stride * s->capacity + page - 1) / page;

    ck_assert_uint_le(pages, sizeof vec);
    ck_assert_int_eq(mincore(s->base, pages * page, vec), 0);
    for (size_t i = 0; i < pages; i++)
        n += vec[i] & 1;
    return n;
}

START_TEST(a_page_is_touched_with_its_first_item)
{
    struct slab s;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *items[64];

    ck_assert_int_eq(slab_init(&s, page - 32, 65536), 0);
    ck_assert_uint_eq(n_resident(&s), 0);
    for (size_t i = 0; i < 64; i++) {
        items[i] = slab_take(&s);
        items[i][0] = 1;
    }
    ck_assert_uint_ge(n_resident(&s), 64);
    ck_assert_uint_le(n_resident(&s), 65);
    for (size_t i = 0; i < 64; i++)
        slab_give(&s, items[i]);
    for (size_t i = 0; i < 64; i++)
        ck_assert_ptr_nonnull(slab_take(&s));
    ck_assert_uint_le(n_resident(&s), 65);
    slab_fini(&s);
}
END_TEST

START_TEST(without_address_space_there_is_no_slab)
{
    struct slab s;

    fail_mmap = 1;
    ck_assert_int_eq(slab_init(&s, 64, 64), ERR_NOMEM);
    ck_assert_ptr_null(slab_take(&s));
    slab_fini(&s);
    fail_mmap = 0;
    ck_assert_int_eq(slab_init(&s, SIZE_MAX, 64), ERR_NOMEM);
    ck_assert_int_eq(slab_init(&s, UINT32_MAX, 64), ERR_NOMEM);
    ck_assert_ptr_null(slab_take(&s));
    slab_fini(&s);
}
END_TEST

START_TEST(a_slab_of_none_has_none)
{
    struct slab s;

    ck_assert_int_eq(slab_init(&s, 64, 0), 0);
    ck_assert_ptr_null(slab_take(&s));
    slab_fini(&s);
}
END_TEST

/* The signal that ends a child which gives back a stranger. */
static int
signal_of_stranger(struct slab *s, void *stranger)
{
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        close(STDERR_FILENO);
        slab_give(s, stranger);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

START_TEST(giving_back_what_was_never_taken_ends_the_program)
{
    struct slab s;
    char elsewhere[64];

    ck_assert_int_eq(slab_init(&s, 64, 4), 0);
    ck_assert_ptr_nonnull(slab_take(&s));
    ck_assert_int_eq(signal_of_stranger(&s, elsewhere), SIGABRT);
    ck_assert_int_eq(signal_of_stranger(&s, slab_at(&s, 1)), SIGABRT);
    slab_give(&s, slab_at(&s, 0));
    ck_assert_int_eq(signal_of_stranger(&s, slab_at(&s, 0)), SIGABRT);
    slab_fini(&s);
}
END_TEST

UNIT_MAIN(slab, all_are_taken_once_and_then_none,
          a_generation_survives_being_free,
          a_free_item_is_poisoned_but_for_what_survives,
          the_smallest_item_has_room_for_what_survives,
          random_takes_and_gives_match_a_model,
          a_page_is_touched_with_its_first_item,
          without_address_space_there_is_no_slab, a_slab_of_none_has_none,
          giving_back_what_was_never_taken_ends_the_program)
