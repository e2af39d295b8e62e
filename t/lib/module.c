/* SPDX-License-Identifier: BSD-2-Clause */
/* module.c - files in modules/; see module.h. */
#include "t/lib/module.h"

#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/server.h"

#define IMAGE_MAX (1 << 22)
#define DIGITS 8

int
module_is_built(const char *name)
{
    const char *modules = getenv("T_MODULES");
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/%s.so", modules ? modules : "modules",
             name);
    if (access(path, F_OK) == 0)
        return 1;
    fprintf(stderr, "skipped: the plugin %s is not built\n", name);
    return 0;
}

const char *
module_path(const struct server *s, const char *name)
{
    static char path[160];

    snprintf(path, sizeof path, "%s/%s.so", s->modules, name);
    return path;
}

static char *
read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "re");
    char *p = malloc(IMAGE_MAX);

    ck_assert_msg(f != NULL, "%s: %s", path, strerror(errno));
    ck_assert_ptr_nonnull(p);
    *n = fread(p, 1, IMAGE_MAX, f);
    fclose(f);
    return p;
}

char *
module_read(const struct server *s, const char *name, size_t *n)
{
    return read_file(module_path(s, name), n);
}

void
module_write(const struct server *s, const char *name, const char *p, size_t n,
             mode_t mode)
{
    char next[170];
    FILE *f;

    snprintf(next, sizeof next, "%s.next", module_path(s, name));
    f = fopen(next, "we");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(p, 1, n, f), n);
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(chmod(next, mode), 0);
    ck_assert_int_eq(rename(next, module_path(s, name)), 0);
}

void
module_add(const struct server *s, const char *from, const char *name)
{
    size_t n;
    char *p = read_file(from, &n);

    module_write(s, name, p, n, 0755);
    free(p);
}

void
module_stamp_bytes(char *p, size_t n, int number)
{
    char *at = memmem(p, n, "STAMP:", 6);

    ck_assert_ptr_nonnull(at);
    snprintf(at + 6, DIGITS + 1, "%0*d", DIGITS, number);
}

void
module_stamp(const struct server *s, const char *name, int number)
{
    module_stamp_as(s, name, name, number);
}

void
module_stamp_as(const struct server *s, const char *name, const char *to,
                int number)
{
    size_t n;
    char *p = module_read(s, name, &n);

    module_stamp_bytes(p, n, number);
    module_write(s, to, p, n, 0755);
    free(p);
}
