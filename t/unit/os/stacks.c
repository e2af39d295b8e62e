/* SPDX-License-Identifier: BSD-2-Clause */
/* stacks.c - the pool of stacks: order, bounds, guards, what trim takes away,
 * and calls of the system that fail. */
/* tags: asan tsan */
/* ldflags: -Wl,--wrap=mmap,--wrap=madvise,--wrap=mprotect,--wrap=calloc */
#include "os/stacks.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/unit.h"

#define MARK 102 /* MADV_GUARD_INSTALL */

/* The call of each that fails, counted from 0; -1: none does. */
static int fail_mmap = -1, fail_mark = -1, fail_mprotect = -1;
static int fail_calloc = -1, fail_with = ENOMEM;
static int is_emulated; /* madvise says yes and does nothing */
static int n_marks, n_trims, n_protects;

static int
fails(int *n)
{
    if (*n < 0 || (*n)-- > 0)
        return 0;
    errno = fail_with;
    return 1;
}

void *__real_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);
int __real_madvise(void *p, size_t n, int advice);
int __wrap_madvise(void *p, size_t n, int advice);
int __real_mprotect(void *p, size_t n, int prot);
int __wrap_mprotect(void *p, size_t n, int prot);
void *__real_calloc(size_t n, size_t bytes);
void *__wrap_calloc(size_t n, size_t bytes);

void *
__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off)
{
    return fails(&fail_mmap) ? MAP_FAILED
                             : __real_mmap(p, n, prot, flags, fd, off);
}

int
__wrap_madvise(void *p, size_t n, int advice)
{
    n_marks += advice == MARK;
    n_trims += advice == MADV_DONTNEED;
    if (advice == MARK && fails(&fail_mark))
        return -1;
    return is_emulated ? 0 : __real_madvise(p, n, advice);
}

int
__wrap_mprotect(void *p, size_t n, int prot)
{
    n_protects++;
    return fails(&fail_mprotect) ? -1 : __real_mprotect(p, n, prot);
}

void *
__wrap_calloc(size_t n, size_t bytes)
{
    return fails(&fail_calloc) ? NULL : __real_calloc(n, bytes);
}

/* ---- order and bounds --------------------------------------------------- */

static struct stacks pool;

static void
open_pool(size_t bytes, uint32_t max, enum stacks_guard guard)
{
    ck_assert_int_eq(stacks_init(&pool, bytes, max, guard), 0);
}

static char *
take(void)
{
    char *stack = stacks_take(&pool);

    UNIT_HOLDS(stack != NULL);
    return stack;
}

START_TEST(the_last_one_given_is_the_next_one_taken)
{
    char *a, *b, *c;

    open_pool(16384, 10, STACKS_MARKED);
    a = take();
    b = take();
    c = take();
    stacks_give(&pool, a);
    stacks_give(&pool, c);
    stacks_give(&pool, b);
    ck_assert_ptr_eq(take(), b);
    ck_assert_ptr_eq(take(), c);
    ck_assert_ptr_eq(take(), a);
    ck_assert_uint_eq(pool.n_made, 3);
    stacks_fini(&pool);
}
END_TEST

START_TEST(sizes_are_whole_pages)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *stack;

    open_pool(page + 1, 1, STACKS_MARKED);
    ck_assert_uint_eq(pool.bytes, 2 * page);
    stack = take();
    ck_assert_uint_eq((uintptr_t)stack % page, 0);
    memset(stack, 1, pool.bytes);
    stacks_fini(&pool);
}
END_TEST

/* Three slabs, the last one of a single stack. */
START_TEST(it_grows_up_to_max_and_no_two_are_the_same)
{
    static char *all[129];

    open_pool(4096, 129, STACKS_MARKED);
    for (int again = 0; again < 2; again++) {
        for (uint32_t i = 0; i < 129; i++) {
            all[i] = take();
            memset(all[i], (int)i, pool.bytes);
            ck_assert_uint_eq(pool.n_out, i + 1);
        }
        ck_assert_ptr_null(stacks_take(&pool));
        ck_assert_uint_eq(pool.n_made, 129);
        for (uint32_t i = 0; i < 129; i++) {
            UNIT_HOLDS((unsigned char)all[i][0] == i);
            UNIT_HOLDS((unsigned char)all[i][pool.bytes - 1] == i);
            stacks_give(&pool, all[i]);
        }
        ck_assert_uint_eq(pool.n_out, 0);
    }
    stacks_fini(&pool);
}
END_TEST

/* ---- guards ------------------------------------------------------------- */

static int
faults(const char *at)
{
    pid_t pid = fork();
    int status;

    if (pid == 0) {
        signal(SIGSEGV, SIG_DFL);
        *(volatile const char *)at;
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void
see_guards(int n)
{
    for (int i = 0; i < n; i++) {
        char *stack = take();
        const uintptr_t at = (uintptr_t)stack;

        memset(stack, 1, pool.bytes);
        ck_assert(faults(stack - 1));
        ck_assert(faults(stack - STACKS_GUARD_BYTES));
        ck_assert(stacks_guard_of(&pool, at - 1));
        ck_assert(stacks_guard_of(&pool, at - STACKS_GUARD_BYTES));
        ck_assert(!stacks_guard_of(&pool, at));
        ck_assert(!stacks_guard_of(&pool, at + pool.bytes - 1));
    }
    ck_assert(!stacks_guard_of(&pool, 0));
    ck_assert(!stacks_guard_of(&pool, (uintptr_t)&pool));
}

START_TEST(below_each_is_a_guard)
{
    open_pool(8192, 70, (enum stacks_guard)_i);
    ck_assert(!stacks_guard_of(&pool, 0));
    see_guards(70);
    stacks_fini(&pool);
    ck_assert(_i == STACKS_MARKED || n_marks == 0);
}
END_TEST

START_TEST(a_kernel_without_marks_is_asked_once)
{
    fail_mark = 0;
    fail_with = EINVAL;
    open_pool(8192, 3, STACKS_MARKED);
    see_guards(3);
    ck_assert_int_eq(n_marks, 1);
    ck_assert_int_eq(n_protects, 3);
    stacks_fini(&pool);
}
END_TEST

START_TEST(who_takes_any_advice_is_not_asked)
{
    is_emulated = 1;
    open_pool(8192, 3, STACKS_MARKED);
    see_guards(3);
    ck_assert_int_eq(n_marks, 0);
    stacks_fini(&pool);
}
END_TEST

/* ---- memory that is given back ------------------------------------------ */

/* Whether a stack's memory is gone: reads as zero. */
static int
is_clean(const char *stack)
{
    return stack[pool.bytes - 1] == 0;
}

static void
give_used(char *stack)
{
    stack[pool.bytes - 1] = 'x';
    stacks_give(&pool, stack);
}

START_TEST(only_idle_stacks_are_trimmed_and_only_once)
{
    char *all[8];

    open_pool(16384, 8, (enum stacks_guard)_i);
    for (int i = 0; i < 8; i++) {
        all[i] = take();
        memset(all[i], 'x', pool.bytes);
    }
    for (int i = 0; i < 6; i++)
        give_used(all[i]);
    ck_assert_uint_eq(stacks_trim(&pool, 100), 0);
    /* Two of them are in use now and then. */
    ck_assert_ptr_eq(take(), all[5]);
    ck_assert_ptr_eq(take(), all[4]);
    give_used(all[4]);
    give_used(all[5]);
    ck_assert_uint_eq(stacks_trim(&pool, 100), 4);
    ck_assert_int_eq(n_trims, 4);
    ck_assert_uint_eq(stacks_trim(&pool, 100), 2);
    ck_assert_uint_eq(stacks_trim(&pool, 100), 0);
    ck_assert_int_eq(n_trims, 6);
    for (int i = 5; i >= 0; i--) {
        ck_assert_ptr_eq(take(), all[i]);
        ck_assert(is_clean(all[i]));
    }
    for (size_t i = 0; i < pool.bytes; i++)
        UNIT_HOLDS(all[6][i] == 'x' && all[7][i] == 'x');
    ck_assert(faults(all[0] - 1));
    stacks_fini(&pool);
}
END_TEST

START_TEST(a_trim_of_many_goes_on_where_it_stopped)
{
    char *all[10];

    open_pool(4096, 10, STACKS_MARKED);
    for (int i = 0; i < 10; i++)
        all[i] = take();
    for (int i = 0; i < 10; i++)
        give_used(all[i]);
    ck_assert_uint_eq(stacks_trim(&pool, 4), 0);
    ck_assert_uint_eq(stacks_trim(&pool, 4), 4);
    ck_assert_ptr_eq(take(), all[9]);
    give_used(all[9]);
    ck_assert_uint_eq(stacks_trim(&pool, 4), 4);
    ck_assert_uint_eq(stacks_trim(&pool, 4), 1);
    ck_assert_ptr_eq(take(), all[9]);
    ck_assert(!is_clean(all[9]));
    ck_assert_ptr_eq(take(), all[8]);
    ck_assert(is_clean(all[8]));
    stacks_fini(&pool);
}
END_TEST

/* Against a model: what is out keeps its contents, whatever happens. */
START_TEST(what_is_out_is_left_alone)
{
    static char *out[200];
    uint32_t n = 0;

    srand(1);
    open_pool(4096, 200, STACKS_MARKED);
    for (int i = 0; i < 20000; i++) {
        const int what = rand() % 100;

        if (what < 50 && n < 200) {
            out[n] = take();
            memcpy(out[n] + 4000, &out[n], sizeof out[n]);
            n++;
        } else if (what < 95 && n > 0) {
            const uint32_t k = (uint32_t)rand() % n;
            UNIT_HOLDS(!memcmp(out[k] + 4000, &out[k], sizeof out[k]));
            stacks_give(&pool, out[k]);
            out[k] = out[--n];
        } else {
            stacks_trim(&pool, (uint32_t)rand() % 20);
        }
        UNIT_HOLDS(pool.n_out == n && pool.n_out + pool.n_free == pool.n_made);
        UNIT_HOLDS(pool.n_clean <= pool.n_idle && pool.n_idle <= pool.n_free);
    }
    stacks_fini(&pool);
}
END_TEST

/* ---- calls that fail ---------------------------------------------------- */

START_TEST(any_mapping_may_fail_and_is_tried_again)
{
    for (int nth = 0; nth < 3; nth++) {
        open_pool(4096, 192, STACKS_MARKED);
        fail_mmap = nth;
        for (int i = 0; i < nth * 64; i++)
            take();
        ck_assert_ptr_null(stacks_take(&pool));
        ck_assert_uint_eq(pool.n_out, nth * 64);
        for (int i = nth * 64; i < 192; i++)
            take();
        ck_assert_ptr_null(stacks_take(&pool));
        stacks_fini(&pool);
    }
}
END_TEST

START_TEST(any_guard_may_fail_and_is_tried_again)
{
    enum stacks_guard guard;

    open_pool(4096, 100, (enum stacks_guard)_i);
    guard = pool.guard;
    for (int nth = 0; nth < 100; nth++) {
        *(guard == STACKS_MARKED ? &fail_mark : &fail_mprotect) = 0;
        ck_assert_ptr_null(stacks_take(&pool));
        ck_assert_int_eq((int)pool.guard, (int)guard);
        take();
    }
    stacks_fini(&pool);
}
END_TEST

START_TEST(without_memory_there_is_no_pool)
{
    for (int nth = 0; nth < 2; nth++) {
        fail_calloc = nth;
        ck_assert_int_eq(stacks_init(&pool, 4096, 10, STACKS_MARKED), -ENOMEM);
    }
}
END_TEST

/* _i is the way of the guards, where it matters. */
UNIT_RUN(((struct unit){.name = "stacks", .times = 2}),
         the_last_one_given_is_the_next_one_taken, sizes_are_whole_pages,
         it_grows_up_to_max_and_no_two_are_the_same, below_each_is_a_guard,
         a_kernel_without_marks_is_asked_once,
         who_takes_any_advice_is_not_asked,
         only_idle_stacks_are_trimmed_and_only_once,
         a_trim_of_many_goes_on_where_it_stopped, what_is_out_is_left_alone,
         any_mapping_may_fail_and_is_tried_again,
         any_guard_may_fail_and_is_tried_again, without_memory_there_is_no_pool)
