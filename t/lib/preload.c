/* SPDX-License-Identifier: BSD-2-Clause */
/* preload.c - see preload.h.  What is shared has no name in any folder: others
 * open it by way of this process. */
#include "t/lib/preload.h"

#include <check.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

void *
preload_share(const char *variable, size_t n)
{
    int fd = memfd_create(variable, MFD_CLOEXEC);
    char path[64];
    void *p;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(ftruncate(fd, (off_t)n), 0);
    p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ck_assert(p != MAP_FAILED);
    snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), fd);
    ck_assert_int_eq(setenv(variable, path, 1), 0);
    return p;
}

void
preload_begin(const char *name)
{
    const char *build = getenv("T_BUILD");
    char path[PATH_MAX];

    snprintf(path, sizeof path, "%s/t/preload/%s.so", build ? build : "build",
             name);
    ck_assert_int_eq(access(path, R_OK), 0);
    ck_assert_int_eq(setenv("LD_PRELOAD", path, 1), 0);
}

void
preload_end(void)
{
    unsetenv("LD_PRELOAD");
}
