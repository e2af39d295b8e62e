/* SPDX-License-Identifier: BSD-2-Clause */
/* beneath.c - see beneath.h. */
#define _GNU_SOURCE
#include "beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "site.h"

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 /* Linux 5.12 */
#endif

static int
call(const struct site *s, const char *path, int flags, uint64_t resolve)
{
    struct open_how how;
    long fd;
    memset(&how, 0, sizeof how);
    how.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC);
    if (!(flags & O_PATH))
        how.flags |= O_NOCTTY | O_NONBLOCK; /* of a FIFO nobody writes to */
    how.resolve = resolve;
    do
        fd = syscall(SYS_openat2, s->root, path, &how, sizeof how);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : (int)fd;
}

int
beneath_open(const struct site *s, const char *path, int flags, int may_wait)
{
    int fd, tries = 0;
    if (!may_wait) {
        if (!s->is_quick)
            return -EAGAIN;
        /* EXDEV: to another device, or out of the root: who may wait tells. */
        fd =
            call(s, path, flags, s->resolve | RESOLVE_CACHED | RESOLVE_NO_XDEV);
        return fd == -EXDEV || fd == -EINVAL ? -EAGAIN : fd;
    }
    /* EAGAIN: something was renamed while ".." of a link was followed. */
    do
        fd = call(s, path, flags, s->resolve);
    while (fd == -EAGAIN && ++tries < 16);
    return fd == -EAGAIN ? -EBUSY : fd;
}

int64_t
beneath_read(int fd, char *p, size_t n, uint64_t off, int may_wait)
{
    size_t done = 0;
    while (done < n) {
        struct iovec iov = {p + done, n - done};
        const ssize_t got = preadv2(fd, &iov, 1, (off_t)(off + done),
                                    may_wait ? 0 : RWF_NOWAIT);
        if (got == 0)
            break;
        if (got > 0)
            done += (size_t)got;
        else if (errno == EOPNOTSUPP && !may_wait)
            return -EAGAIN;
        else if (errno != EINTR)
            return -errno;
    }
    return (int64_t)done;
}
