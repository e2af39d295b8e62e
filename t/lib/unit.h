/* SPDX-License-Identifier: BSD-2-Clause */
/* unit.h - what every test program has in common: its main().
 *
 *     #include "t/lib/unit.h"
 *     START_TEST(an_empty_list_has_no_first)
 *     {
 *         ck_assert_ptr_null(list_first(&list));
 *     }
 *     END_TEST
 *     UNIT_MAIN(list, an_empty_list_has_no_first)
 *
 * The test cases run in the order given, each in a process of its own (set
 * CK_FORK=no to stay in one, for a debugger), each for UNIT_SECONDS at most:
 * define it before the include to ask for more.  CK_RUN_CASE=NAME runs one.
 * With UNIT_MAIN_IN each has a setup before it and a teardown behind it.
 * For unit, e2e, regress and plugin tests alike; includes nothing of core. */
#ifndef T_LIB_UNIT_H
#define T_LIB_UNIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef UNIT_SECONDS
#define UNIT_SECONDS 30
#endif

struct unit {
    const char *name;
    void (*setup)(void), (*teardown)(void); /* or NULL */
    int times; /* of each test case, with _i from 0 on; 0: once */
};

/* clang-format off */
#define UNIT_RUN_UNLESS(reason, why, unit, ...)                                \
    int main(void)                                                             \
    {                                                                          \
        const TTest *tests[] = { __VA_ARGS__ };                                \
        if (reason) {                                                          \
            puts(why);                                                         \
            return 77;                                                         \
        }                                                                      \
        return unit_run(&unit, tests, sizeof tests / sizeof tests[0]);         \
    }
#define UNIT_RUN(unit, ...) UNIT_RUN_UNLESS(0, "", unit, __VA_ARGS__)
#define UNIT_MAIN(what, ...)                                                   \
    UNIT_RUN(((struct unit){.name = #what}), __VA_ARGS__)
#define UNIT_MAIN_IN(before, behind, what, ...)                                \
    UNIT_RUN(((struct unit){                                                   \
        .name = #what, .setup = before, .teardown = behind}), __VA_ARGS__)
/* Nothing to test here if reason holds: why, in words. */
#define UNIT_MAIN_UNLESS(reason, why, what, ...)                               \
    UNIT_RUN_UNLESS(reason, why, ((struct unit){.name = #what}), __VA_ARGS__)
/* clang-format on */

/* The program itself is built with ASan or TSan; of a server: server.h. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define UNIT_SANITIZED 1
#else
#define UNIT_SANITIZED 0
#endif

/* How often to do what is done again and again: n times in the full product
 * ($T_FULL is set), a quarter of it in make check. */
static inline int
unit_rounds(int n)
{
    return getenv("T_FULL") != NULL ? n : (n + 3) / 4;
}

/* Fail unless x holds, in a hot loop or a thread of the test's: an assertion of
 * Check's writes down each passing. */
#define UNIT_HOLDS(x) ((x) ? (void)0 : ck_abort_msg("%s does not hold", #x))

/* Fail unless part is in text, which the message shows. [any] */
static inline void
unit_has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in\n%s", part, text);
}

/* Run all of suite, and forget it: 0, or 1 if a test has failed. */
static inline int
unit_suite(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

/* Run them all; what main() returns: 0, or 1 if one failed. [any] */
static inline int
unit_run(const struct unit *u, const TTest *const *tests, size_t n)
{
    Suite *suite = suite_create(u->name);
    for (size_t i = 0; i < n; i++) {
        TCase *one = tcase_create(tests[i]->name);
        tcase_set_timeout(one, UNIT_SECONDS);
        tcase_add_checked_fixture(one, u->setup, u->teardown);
        tcase_add_loop_test(one, tests[i], 0, u->times ? u->times : 1);
        suite_add_tcase(suite, one);
    }
    return unit_suite(suite);
}

#endif
