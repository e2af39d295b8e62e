/* SPDX-License-Identifier: BSD-2-Clause */
/* sockfile.c - the file that a Unix socket is found by; see sockfile.h. */
#include "os/sockfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "os/file.h"

/* ---- is it served? -------------------------------------------------------*/

/* Whether a process has ended, and perhaps nobody has waited for it yet. */
static int
is_gone(pid_t pid)
{
    char path[32], stat[512];
    const char *state;
    ssize_t n = -1;
    int fd;

    if (kill(pid, 0) < 0 && errno == ESRCH)
        return 1;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        n = read(fd, stat, sizeof stat - 1);
        close(fd);
    }
    stat[n < 0 ? 0 : n] = '\0';
    state = strrchr(stat, ')'); /* "17 (name) Z ..." */
    return state && (strncmp(state, ") Z", 3) == 0);
}

/* Whether the one who listens at the other end may have ended: an io_uring of
 * its that is not yet undone holds the socket. */
static int
may_be_gone(int fd)
{
    struct ucred owner;
    socklen_t n = sizeof owner;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &n) < 0)
        return 0;
    return owner.pid == 0 || is_gone(owner.pid); /* 0: not of our namespace */
}

/* Whether somebody listens at path; as sockfile_clear. */
static int
knock(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc;

    if (fd < 0)
        return -errno;
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    rc = connect(fd, (const struct sockaddr *)&to, sizeof to) < 0 ? -errno : 0;
    if (rc == 0)
        rc = may_be_gone(fd) ? -EADDRINUSE : SOCKFILE_LIVE;
    close(fd);
    switch (rc) {
    case -ENOENT:
    case -ECONNREFUSED: return 0;
    case -EAGAIN: return -EADDRINUSE;       /* its queue is full */
    case -EPROTOTYPE: return SOCKFILE_LIVE; /* not a stream */
    default: return rc;
    }
}

int
sockfile_clear(const char *path)
{
    struct stat st;
    int rc;

    if (lstat(path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EEXIST;
    rc = knock(path);
    if (rc < 0)
        return rc;
    return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

/* ---- looking at it -------------------------------------------------------*/

int
sockfile_check(const char *path)
{
    struct stat st;
    int rc = file_check_folder(path);

    if (rc == 0 && lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode))
        rc = -EEXIST;
    return rc;
}

struct sockfile
sockfile_of(const char *path)
{
    struct stat st;

    if (lstat(path, &st) < 0)
        return (struct sockfile){0, 0};
    return (struct sockfile){.dev = st.st_dev, .ino = st.st_ino};
}

void
sockfile_remove(const char *path, struct sockfile file)
{
    const struct sockfile now = sockfile_of(path);

    if (now.ino != 0 && now.ino == file.ino && now.dev == file.dev)
        (void)unlink(path);
}
