/* SPDX-License-Identifier: BSD-2-Clause */
/* folder.h - a folder of the test's own that is served. */
#ifndef STATIC_T_FOLDER_H
#define STATIC_T_FOLDER_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/unit.h"

#define OLD 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define OLD_TEXT "Sun, 06 Nov 1994 08:49:37 GMT"

static char root[64];

static inline void
make_folder(void)
{
    strcpy(root, "/tmp/etude-static-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static inline void
remove_folder(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", root);
    ck_assert_int_eq(system(command), 0);
}

/* The path of name in it, in a static buffer. */
static inline const char *
at(const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", root, name);
    return path;
}

/* A file of n bytes, changed last at mtime. */
static inline void
put_at(const char *name, const void *p, size_t n, int64_t mtime)
{
    const struct timespec t[2] = {{mtime, 0}, {mtime, 0}};
    const int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, p, n), (ssize_t)n);
    ck_assert_int_eq(futimens(fd, t), 0);
    close(fd);
}

/* It was changed last at ns of that second. */
static inline void
touch_at(const char *name, int64_t mtime, long ns)
{
    const struct timespec t[2] = {{mtime, ns}, {mtime, ns}};

    ck_assert_int_eq(utimensat(AT_FDCWD, at(name), t, 0), 0);
}

static inline void
put(const char *name, const char *text)
{
    put_at(name, text, strlen(text), OLD);
}

#endif
