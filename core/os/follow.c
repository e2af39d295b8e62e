/* SPDX-License-Identifier: BSD-2-Clause */
/* follow.c - see follow.h. */
#define _GNU_SOURCE /* O_PATH */
#include "os/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int
open_as(const char *path, int flags, unsigned mode)
{
    int fd = open(path, flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, mode);

    return fd < 0 ? -errno : fd;
}

/* The text of the link that fd is, as a path from where we stand. */
static int
read_link(int fd, const char *path, char out[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    char text[PATH_MAX];
    ssize_t n = readlinkat(fd, "", text, sizeof text - 1);
    int folder_len = 0;

    if (n < 0)
        return -errno;
    text[n] = '\0';
    if (text[0] != '/' && slash)
        folder_len = (int)(slash - path) + 1;
    n = snprintf(out, PATH_MAX, "%.*s%s", folder_len, path, text);
    return n < PATH_MAX ? 0 : -ENAMETOOLONG;
}

/* The link at path is looked at and read through one descriptor, so that it is
 * not another one meanwhile. */
static int
open_link(const char *path, int flags, unsigned mode)
{
    int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc;
    char target[PATH_MAX];
    struct stat st;

    if (fd < 0)
        return -errno;
    rc = fstat(fd, &st) < 0 ? -errno : 0;
    if (rc == 0 && st.st_uid != 0 && st.st_uid != geteuid())
        rc = -ELOOP;
    if (rc == 0)
        rc = read_link(fd, path, target);
    close(fd);
    return rc < 0 ? rc : open_as(target, flags, mode);
}

int
follow_open(const char *path, int flags, unsigned mode)
{
    int fd = open_as(path, flags | O_NOFOLLOW, mode);

    return fd == -ELOOP ? open_link(path, flags, mode) : fd;
}
