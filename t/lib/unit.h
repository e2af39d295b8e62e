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
 * For unit, e2e, regress and plugin tests alike; includes nothing of core. */
#ifndef T_LIB_UNIT_H
#define T_LIB_UNIT_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#ifndef UNIT_SECONDS
#define UNIT_SECONDS 30
#endif

/* clang-format off */
#define UNIT_MAIN(name, ...)                                                   \
    int main(void)                                                             \
    {                                                                          \
        const TTest *tests[] = { __VA_ARGS__ };                                \
        return unit_run(#name, tests, sizeof tests / sizeof tests[0]);         \
    }
/* clang-format on */

/* Fail unless part is in text, which the message shows. [any] */
static inline void
unit_has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in\n%s", part, text);
}

/* Run them all; what main() returns: 0, or 1 if one failed. [any] */
static inline int
unit_run(const char *name, const TTest *const *tests, size_t n)
{
    Suite *suite = suite_create(name);
    SRunner *runner;
    int failed;
    for (size_t i = 0; i < n; i++) {
        TCase *one = tcase_create(tests[i]->name);
        tcase_set_timeout(one, UNIT_SECONDS);
        tcase_add_test(one, tests[i]);
        suite_add_tcase(suite, one);
    }
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#endif
