/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* layout.c - the public structs are laid out as they were released.
 *
 * Nearly all of it happens in the compiler: every row of the lists becomes a
 * static assertion.  build.c compiles this file as C++ too.  Of the contract
 * nothing may be missing from the lists: that is looked for in the header's
 * text. */
#include "abi/etude_abi.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
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
#include "../../golden/1.0/layout.h"
#include "gained.h"
#undef EXACT
#undef GROWS
#undef FIELD
#undef VALUE
#undef TEXT

/* The same lists once more, for their strings only. */
#define EXACT(type, bytes)
#define GROWS(type, bytes)
#define FIELD(type, field, offset, bytes)
#define VALUE(name, value)

START_TEST(the_names_of_the_contract_are_as_released)
{
#define TEXT(name, value) ck_assert_str_eq(name, value);
#include "../../golden/1.0/layout.h"
#include "gained.h"
}
END_TEST

#undef EXACT
#undef GROWS
#undef FIELD
#undef VALUE
#undef TEXT

/* And as a table of their names, with the end of each field. */
static const struct row {
    const char *name;
    size_t bytes, end; /* of a struct; of a field, behind its last byte */
} rows[] = {
#define EXACT(type, bytes) {#type, sizeof(type), 0},
#define GROWS(type, bytes) {#type, sizeof(type), 0},
#define FIELD(type, field, offset, bytes) {#type, 0, (offset) + (bytes)},
#define VALUE(name, value) {#name, 0, 0},
#define TEXT(name, value) {#name, 0, 0},
#include "../../golden/1.0/layout.h"
#include "gained.h"
};
#define N_ROWS (sizeof rows / sizeof rows[0])

/* Structs end where their last listed field does, but for padding. */
START_TEST(every_field_is_in_a_list)
{
    for (size_t i = 0; i < N_ROWS; i++) {
        size_t end = 0;
        for (size_t k = 0; rows[i].bytes > 0 && k < N_ROWS; k++) {
            if (rows[k].end > end && strcmp(rows[k].name, rows[i].name) == 0)
                end = rows[k].end;
        }
        ck_assert_msg(rows[i].bytes == (end + 7) / 8 * 8 ||
                          rows[i].bytes == end,
                      "%s has %zu bytes, its fields end after %zu",
                      rows[i].name, rows[i].bytes, end);
    }
}
END_TEST

static int
is_listed(const char *name)
{
    /* These are meant to change. */
    if (strcmp(name, "ET_ABI_MINOR") == 0 || strcmp(name, "ET_ABI_RC") == 0)
        return 1;
    for (size_t i = 0; i < N_ROWS; i++) {
        if (strcmp(rows[i].name, name) == 0)
            return 1;
    }
    return 0;
}

/* What a line of the header defines: a struct or a constant. */
static int
defines(const char *line, char name[80])
{
    char value;

    if (sscanf(line, "#define %79[A-Z0-9_]%*[ ]%c", name, &value) == 2)
        return (value >= '0' && value <= '9') || value == '(' || value == '"';
    return strstr(line, " {") &&
           (sscanf(line, "typedef struct %79[a-z_0-9]", name) == 1 ||
            sscanf(line, "struct %79[a-z_0-9]", name) == 1);
}

START_TEST(every_struct_and_constant_is_in_a_list)
{
    const char *source = getenv("T_SOURCE");
    char path[4096], line[256], name[80];
    unsigned n = 0;
    FILE *f;

    snprintf(path, sizeof path, "%s/core/abi/etude_abi.h",
             source ? source : ".");
    f = fopen(path, "re");
    ck_assert_msg(f != NULL, "%s", path);
    while (fgets(line, sizeof line, f)) {
        if (!defines(line, name))
            continue;
        ck_assert_msg(is_listed(name), "%s is in none", name);
        n++;
    }
    fclose(f);
    ck_assert_uint_gt(n, 100);
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
    tcase_add_test(tcase, every_field_is_in_a_list);
    tcase_add_test(tcase, every_struct_and_constant_is_in_a_list);
    tcase_add_test(tcase, a_field_exists_up_to_the_size_its_maker_says);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
