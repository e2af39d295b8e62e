/* SPDX-License-Identifier: BSD-2-Clause */
/* symbols.c - functions by address, of a whole file and of damaged ones. */
/* tags: asan */
#include "plug/symbols.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/guard.h"
#include "t/lib/unit.h"

static char *
read_self(size_t *n)
{
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat st;
    char *p;

    ck_assert_int_eq(fstat(fd, &st), 0);
    *n = (size_t)st.st_size;
    p = malloc(*n);
    ck_assert_int_eq(read(fd, p, *n), (ssize_t)*n);
    close(fd);
    return p;
}

static int
take_base(struct dl_phdr_info *info, size_t size, void *arg)
{
    (void)size;
    *(uintptr_t *)arg = info->dlpi_addr; /* the program comes first */
    return 1;
}

START_TEST(a_function_is_found_by_any_address_in_it)
{
    size_t n;
    char *p = read_self(&n);
    struct symbols *s = symbols_new(p, n);
    uint64_t off = 0;
    uintptr_t base;

    free(p); /* nothing of the file is needed any more */
    dl_iterate_phdr(take_base, &base);
    ck_assert_ptr_nonnull(s);
    ck_assert_str_eq(symbols_find(s, (uintptr_t)symbols_find - base + 3, &off),
                     "symbols_find");
    ck_assert_uint_eq(off, 3);
    ck_assert_str_eq(symbols_find(s, (uintptr_t)symbols_free - base, &off),
                     "symbols_free");
    ck_assert_uint_eq(off, 0);
    ck_assert_ptr_null(symbols_find(s, 0, &off));
    ck_assert_ptr_null(symbols_find(s, UINT64_MAX, &off));
    symbols_free(s);
}
END_TEST

START_TEST(what_names_nothing_gives_nothing)
{
    uint64_t off;

    ck_assert_ptr_null(symbols_new("", 0));
    ck_assert_ptr_null(symbols_new("no ELF file, but long enough to be one: "
                                   "sixty-four bytes and some",
                                   64));
    ck_assert_ptr_null(symbols_find(NULL, 1, &off));
    symbols_free(NULL);
}
END_TEST

/* Damage leads nowhere: neither beyond the file nor into a crash. */
START_TEST(a_damaged_file_is_read_within_its_bounds)
{
    size_t n;
    char *p = read_self(&n);
    unsigned seed = 1;

    for (int i = 0; i < 300; i++) {
        size_t at;
        char was;
        seed = seed * 1103515245u + 12345u;
        /* The header and the section headers at the end. */
        at = i % 2 ? seed / 3 % 64 : n - 1 - seed / 3 % 3000;
        was = p[at];
        p[at] = (char)(was ^ (1 << seed / 7 % 8));
        symbols_free(symbols_new(p, n));
        p[at] = was;
    }
    for (size_t cut = 0; cut < 64; cut++)
        symbols_free(symbols_new(p, n - cut * (n / 64)));
    free(p);
}
END_TEST

UNIT_MAIN(symbols, a_function_is_found_by_any_address_in_it,
          what_names_nothing_gives_nothing,
          a_damaged_file_is_read_within_its_bounds)
