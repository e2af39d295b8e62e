/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* layout.c - the public structs are laid out as they were released.
 *
 * Nearly all of it happens in the compiler: every row of the released list
 * becomes a static assertion.  build.c compiles this file as C++ too. */
#include "abi/etude_abi.h"

#include <check.h>
#include <string.h>

#ifdef __cplusplus
#define HOLDS(condition, text) static_assert(condition, text)
#else
#define HOLDS(condition, text) _Static_assert(condition, text)
#endif

#define EXACT(type, bytes)                                                     \
    HOLDS(sizeof(type) == (bytes), #type " is embedded: its size is fixed");
#define GROWS(type, bytes)                                                     \
    HOLDS(sizeof(type) >= (bytes), #type " may only grow at its end");
#define FIELD(type, field, offset, bytes)                                      \
    HOLDS(offsetof(type, field) == (offset) &&                                 \
              sizeof(((type *)0)->field) == (bytes),                           \
          #type "." #field " was moved or retyped");
#define VALUE(name, value)                                                     \
    HOLDS((long)(int)(name) == (value), #name " changed");
#define TEXT(name, value)
#include "../../golden/1.0-rc1/layout.h"
#undef EXACT
#undef GROWS
#undef FIELD
#undef VALUE
#undef TEXT

/* The same list once more, for its strings only. */
#define EXACT(type, bytes)
#define GROWS(type, bytes)
#define FIELD(type, field, offset, bytes)
#define VALUE(name, value)

START_TEST(the_names_of_the_contract_are_as_released)
{
#define TEXT(name, value) ck_assert_str_eq(name, value);
#include "../../golden/1.0-rc1/layout.h"
}
END_TEST

START_TEST(a_field_exists_up_to_the_size_its_maker_says)
{
    et_host host;

    memset(&host, 0, sizeof host);
    host.size = offsetof(et_host, iface);
    ck_assert(ET_HAS(&host, et_host, product));
    ck_assert(!ET_HAS(&host, et_host, iface));
    host.size = sizeof host;
    ck_assert(ET_HAS(&host, et_host, log));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("abi layout");
    TCase *tcase = tcase_create("layout");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tcase, the_names_of_the_contract_are_as_released);
    tcase_add_test(tcase, a_field_exists_up_to_the_size_its_maker_says);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
