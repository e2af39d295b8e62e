/* SPDX-License-Identifier: BSD-2-Clause */
/* share.h - the test's end is lib/preload.h. */
#ifndef T_PRELOAD_SHARE_H
#define T_PRELOAD_SHARE_H

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* The n bytes of the file that the environment names there, shared with the
 * test; NULL: no test wants anything.  Calls nothing that takes memory. */
static inline void *
share_map(const char *variable, size_t n)
{
    const char *path = getenv(variable);
    int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *p;

    if (fd < 0)
        return NULL;
    p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    return p == MAP_FAILED ? NULL : p;
}

#endif
