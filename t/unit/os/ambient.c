/* SPDX-License-Identifier: BSD-2-Clause */
/* ambient.c - tests of os/ambient.h. */
/* tags: asan */
#include "os/ambient.h"

#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define UNIT_SECONDS 30
#include "t/lib/unit.h"

static char words[AMBIENT_WORDS_MAX];

START_TEST(what_is_left_alone_is_not_named)
{
    struct ambient a;

    ambient_take(&a, 1);
    ck_assert_int_eq(ambient_restore(&a, words, sizeof words), 0);
    ck_assert_str_eq(words, "");
}
END_TEST

static void
change_all(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGURG);
    ck_assert_int_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
    ck_assert_int_eq(chdir("/tmp"), 0);
    umask(0123);
    ck_assert_ptr_nonnull(setlocale(LC_ALL, "C.UTF-8"));
}

START_TEST(all_of_it_is_put_back)
{
    struct ambient a;
    sigset_t set;
    char folder[PATH_MAX];

    ck_assert_int_eq(chdir("/"), 0);
    umask(027);
    ambient_take(&a, 1);
    change_all();
    ck_assert_int_eq(ambient_restore(&a, words, sizeof words), 4);
    ck_assert_str_eq(words, "its thread's signal mask, the umask, "
                            "the working folder, the locale");
    ck_assert_int_eq(ambient_restore(&a, words, sizeof words), 0);
    ck_assert_str_eq(getcwd(folder, sizeof folder), "/");
    ck_assert_uint_eq(umask(0), 027);
    ck_assert_str_eq(setlocale(LC_ALL, NULL), "C");
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    ck_assert_int_eq(sigismember(&set, SIGURG), 0);
}
END_TEST

START_TEST(of_a_thread_only_what_is_its_own)
{
    struct ambient a;
    char folder[PATH_MAX];

    ambient_take(&a, 0);
    change_all();
    ck_assert_int_eq(ambient_restore(&a, words, sizeof words), 1);
    ck_assert_str_eq(getcwd(folder, sizeof folder), "/tmp");
}
END_TEST

#ifdef __x86_64__
START_TEST(rounding_is_put_back_and_flags_are_nobodys)
{
    volatile double zero = 0, one = 1;
    struct ambient a;
    unsigned now, changed;

    ambient_take(&a, 0);
    zero = one / zero; /* leaves a flag */
    ck_assert_int_eq(ambient_restore(&a, words, sizeof words), 0);
    __asm__ volatile("stmxcsr %0" : "=m"(now));
    changed = now | 0x6000;
    __asm__ volatile("ldmxcsr %0" : : "m"(changed));
    ck_assert_int_eq(ambient_restore(&a, words, sizeof words), 1);
    __asm__ volatile("stmxcsr %0" : "=m"(changed));
    ck_assert_uint_eq(changed & 0x6000, 0);
}
END_TEST
#else
#define rounding_is_put_back_and_flags_are_nobodys                             \
    what_is_left_alone_is_not_named
#endif

START_TEST(a_folder_without_a_way_back)
{
    char dir[] = "/tmp/etude-ambient-XXXXXX";
    struct ambient a;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    ck_assert_int_eq(chdir(dir), 0);
    ambient_take(&a, 1);
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_int_eq(rmdir(dir), 0);
    ck_assert_int_eq(ambient_restore(&a, words, sizeof words), 1);
    ck_assert_str_eq(words, "the working folder (there is no way back)");
    ck_assert_int_eq(ambient_restore(&a, words, 4), 1); /* cut, and no more */
    ck_assert_str_eq(words, "the");
}
END_TEST

UNIT_MAIN(ambient, what_is_left_alone_is_not_named, all_of_it_is_put_back,
          of_a_thread_only_what_is_its_own,
          rounding_is_put_back_and_flags_are_nobodys,
          a_folder_without_a_way_back)
