/* SPDX-License-Identifier: BSD-2-Clause */
/* pidfile.c - see pidfile.h. */
#include "os/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"
#include "os/follow.h"

#define PID_TEXT 32

static int
fail(int rc, char *why, size_t cap)
{
    snprintf(why, cap, "%s",
             rc == -EEXIST ? "it exists and is no pid file" : strerror(-rc));
    return rc;
}

/* The number in the file, 0 if it is empty; -EEXIST if it is something else. */
static long
read_number(int fd)
{
    char text[PID_TEXT], *end;
    struct stat st;
    long pid;
    ssize_t n;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    if (!S_ISREG(st.st_mode) || st.st_size >= PID_TEXT)
        return -EEXIST;
    n = pread(fd, text, sizeof text - 1, 0);
    if (n < 0)
        return -errno;
    if (n == 0)
        return 0;
    text[n] = '\0';
    pid = strtol(text, &end, 10);
    end += strspn(end, " \n");
    return *end || pid < 0 ? -EEXIST : pid;
}

static int
write_number(int fd)
{
    char text[PID_TEXT];
    int n = snprintf(text, sizeof text, "%d\n", (int)getpid());

    if (ftruncate(fd, 0) < 0)
        return -errno;
    return file_write_fd(fd, text, (size_t)n);
}

int
pidfile_check(const char *path, char *why, size_t cap)
{
    int fd = follow_open(path, O_RDONLY, 0);
    int rc = fd < 0 ? 0 : (int)read_number(fd);

    if (fd == -ELOOP)
        rc = fd;
    if (fd >= 0)
        close(fd);
    if (rc >= 0)
        rc = file_check_write(path);
    return rc < 0 ? fail(rc, why, cap) : 0;
}

int
pidfile_put(const char *path, char *why, size_t cap)
{
    int rc = pidfile_check(path, why, cap), fd;

    if (rc < 0)
        return rc;
    fd = follow_open(path, O_RDWR | O_CREAT, 0644);
    rc = fd < 0 ? fd : (int)read_number(fd); /* it is what was checked */
    if (rc >= 0)
        rc = write_number(fd);
    if (fd >= 0)
        close(fd);
    return rc < 0 ? fail(rc, why, cap) : 0;
}

void
pidfile_drop(const char *path)
{
    int fd = follow_open(path, O_RDONLY, 0);
    long pid = fd < 0 ? 0 : read_number(fd);

    if (fd >= 0)
        close(fd);
    if (pid == (long)getpid())
        unlink(path);
}
