/* SPDX-License-Identifier: BSD-2-Clause */
/* dso.c - loading, looking up and letting go. */
#include "os/dso.h"

#include <fcntl.h>
#include <stdint.h>

#include "t/lib/fixture.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

START_TEST(an_image_is_loaded_found_and_let_go)
{
    const char *path = fixture_build("raw.c", "a.so", "");
    char error[DSO_ERROR_LEN];
    uintptr_t start, end, entry;
    void *handle;

    ck_assert_ptr_nonnull(path);
    ck_assert(!dso_is_loaded(path));
    handle = dso_open(path, error);
    ck_assert_msg(handle != NULL, "%s", error);
    ck_assert_str_eq(error, "");
    ck_assert(dso_is_loaded(path));
    ck_assert_ptr_nonnull(dso_symbol(handle, "et_plugins_v1"));
    ck_assert_ptr_null(dso_symbol(handle, "no_such_thing"));
    ck_assert_int_eq(dso_range(handle, &start, &end), 0);
    entry = (uintptr_t)dso_symbol(handle, "et_plugins_v1");
    ck_assert(start < entry && entry < end && end - start < 1 << 20);
    dso_close(handle);
    ck_assert(!dso_is_loaded(path));
}
END_TEST

START_TEST(its_symbols_do_not_become_global)
{
    const char *path = fixture_build("raw.c", "a.so", "");
    char error[DSO_ERROR_LEN];
    void *handle = dso_open(path, error);

    ck_assert_ptr_nonnull(handle);
    ck_assert(!dso_is_global("raw_counter"));
    ck_assert(!dso_is_global("et_plugins_v1"));
    ck_assert(dso_is_global("malloc"));
    dso_close(handle);
}
END_TEST

START_TEST(a_missing_function_is_an_error_at_once)
{
    const char *path = fixture_build("raw.c", "a.so", "-DUNDEFINED");
    char error[DSO_ERROR_LEN];

    ck_assert_ptr_null(dso_open(path, error));
    ck_assert_ptr_nonnull(strstr(error, "jwt_decode"));
    ck_assert_ptr_null(dso_open(fixture_path("none.so"), error));
    ck_assert_ptr_nonnull(strstr(error, "none.so"));
}
END_TEST

START_TEST(the_name_of_a_descriptor_leads_to_its_file)
{
    const char *path = fixture_build("raw.c", "a.so", "");
    char name[DSO_PATH_LEN], error[DSO_ERROR_LEN];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *handle;

    dso_fd_path(name, fd);
    handle = dso_open(name, error);
    ck_assert_msg(handle != NULL, "%s", error);
    ck_assert(dso_is_loaded(name));
    dso_close(handle);
    ck_assert(!dso_is_loaded(name));
    close(fd);
    dso_fd_path(name, INT32_MAX);
    ck_assert_ptr_nonnull(strstr(name, "/fd/2147483647"));
}
END_TEST

START_TEST(what_can_be_read_and_written_of_it)
{
    const char *path = fixture_build("raw.c", "a.so", "-Wl,-z,relro");
    char error[DSO_ERROR_LEN], local = 0;
    void *handle = dso_open(path, error);
    char *counter, *entry;

    ck_assert_msg(handle != NULL, "%s", error);
    counter = dso_symbol(handle, "raw_counter");
    entry = dso_symbol(handle, "et_plugins_v1");
    ck_assert_uint_ge(dso_readable(counter), 4);
    ck_assert_uint_eq(dso_readable(counter), dso_writable(counter));
    ck_assert_uint_eq(dso_readable(counter + 1), dso_readable(counter) - 1);
    ck_assert_uint_eq(dso_readable(counter + dso_readable(counter)), 0);
    ck_assert_uint_ge(dso_readable(entry), 16);
    ck_assert_uint_eq(dso_writable(entry), 0);
    ck_assert_uint_gt(dso_readable("a constant"), 10);
    ck_assert_uint_eq(dso_writable("a constant"), 0);
    ck_assert_uint_eq(dso_readable(&local), 0);
    ck_assert_uint_eq(dso_readable(NULL), 0);
    dso_close(handle);
    ck_assert_uint_eq(dso_readable(counter), 0);
}
END_TEST

UNIT_MAIN_IN(fixture_setup, fixture_teardown, dso,
             an_image_is_loaded_found_and_let_go,
             its_symbols_do_not_become_global,
             a_missing_function_is_an_error_at_once,
             the_name_of_a_descriptor_leads_to_its_file,
             what_can_be_read_and_written_of_it)
