/* SPDX-License-Identifier: BSD-2-Clause */
/* dynsym.c - exported functions by address. */
/* tags: asan */
#include "os/dynsym.h"

#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/unit.h"

START_TEST(a_function_of_libc_is_found)
{
    uintptr_t at = (uintptr_t)dlsym(RTLD_DEFAULT, "gnu_get_libc_version");
    uint64_t off = 0;

    ck_assert_str_eq(dynsym_find(at, &off), "gnu_get_libc_version");
    ck_assert_uint_eq(off, 0);
    ck_assert_str_eq(dynsym_find(at + 2, &off), "gnu_get_libc_version");
    ck_assert_uint_eq(off, 2);
}
END_TEST

/* Nobody has made its tables' addresses real. */
START_TEST(so_is_one_of_the_vdso)
{
    void *vdso = dlopen("linux-vdso.so.1", RTLD_NOW | RTLD_NOLOAD);
    void *at = vdso ? dlsym(vdso, "__vdso_clock_gettime") : NULL;
    uint64_t off = 1;

    if (!at) /* the machine has none, or one of other names */
        return;
    ck_assert_ptr_nonnull(dynsym_find((uintptr_t)at, &off));
    ck_assert_uint_eq(off, 0);
}
END_TEST

START_TEST(what_is_nobody_s_is_nobody_s)
{
    uint64_t off;
    int here = 0;

    ck_assert_ptr_null(dynsym_find(0, &off));
    ck_assert_ptr_null(dynsym_find((uintptr_t)&here, &off));
    ck_assert_ptr_null(dynsym_find(UINTPTR_MAX, &off));
}
END_TEST

UNIT_MAIN(dynsym, a_function_of_libc_is_found, so_is_one_of_the_vdso,
          what_is_nobody_s_is_nobody_s)
