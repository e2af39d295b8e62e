/* SPDX-License-Identifier: BSD-2-Clause */
/* libraries.c - tests of plug/libraries.h. */
#include "plug/libraries.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/fixture.h"
#include "t/lib/unit.h"

static int n_replaced;
static char replaced[PATH_MAX];

static void
on_replaced(void *arg, const char *path)
{
    ck_assert_ptr_eq(arg, &n_replaced);
    n_replaced++;
    snprintf(replaced, sizeof replaced, "%s", path);
}

static int
check(void)
{
    n_replaced = 0;
    libraries_check(on_replaced, &n_replaced);
    return n_replaced;
}

static void
build(const char *name, const char *id)
{
    char command[3 * PATH_MAX];

    snprintf(command, sizeof command,
             "echo 'int f(void) { return 1; }' | %s -shared -fPIC -x c - "
             "-Wl,--build-id=%s -o %s/%s",
             getenv("CC") ? getenv("CC") : "cc", id, fixture_dir, name);
    ck_assert_int_eq(fixture_run(command), 0);
}

START_TEST(another_build_on_the_disk_is_told)
{
    const char *path;

    fixture_setup();
    build("one.so", "0x0102030405");
    build("two.so", "0x0102030406");
    build("none.so", "none");
    path = fixture_path("one.so");
    ck_assert_int_eq(check(), 0); /* what this program is linked with */
    ck_assert_ptr_nonnull(dlopen(path, RTLD_NOW | RTLD_LOCAL));
    ck_assert_ptr_nonnull(
        dlopen(fixture_path("none.so"), RTLD_NOW | RTLD_LOCAL));
    ck_assert_int_eq(check(), 0);
    /* The same bytes, as another file. */
    ck_assert_int_eq(rename(path, fixture_path("old.so")), 0);
    build("one.so", "0x0102030405");
    ck_assert_int_eq(check(), 0);
    ck_assert_int_eq(rename(fixture_path("two.so"), path), 0);
    ck_assert_int_eq(check(), 1);
    ck_assert_str_eq(replaced, path);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(check(), 1);
    fixture_file("one.so", "no library");
    ck_assert_int_eq(check(), 1);
    ck_assert_int_eq(rename(fixture_path("old.so"), path), 0);
    ck_assert_int_eq(check(), 0);
    fixture_teardown();
}
END_TEST

UNIT_MAIN(libraries, another_build_on_the_disk_is_told)
