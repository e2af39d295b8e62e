/* SPDX-License-Identifier: BSD-2-Clause */
/* io.c - which backend; see io.h. */
#include "io/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "io/backend.h"
#include "os/limit.h"

#define IO_ENTRIES 1024u
#define IO_BUFFER_BYTES 2048u
#define IO_BUFFERS 64u

/* In the order of preference. */
static const struct io_backend *const backends[] = {
    &io_uring_backend,
    &io_epoll_backend,
};

/* The first character of /proc/sys/kernel/io_uring_disabled, or '0'. */
static char
uring_disabled(void)
{
    int fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
    char c = '0';

    if (fd < 0)
        return c;
    if (read(fd, &c, 1) != 1)
        c = '0';
    close(fd);
    return c;
}

/* Why a backend would not open, in words an operator can act on. */
static void
explain(const struct io_backend *b, int rc, char *why, size_t cap)
{
    const char *text = "";
    char disabled = '0', reason[LIMIT_TEXT_LEN];

    if (b == &io_uring_backend) {
        disabled = uring_disabled();
        if (rc == -ENOSYS)
            text = " (not in this kernel)";
        else if (rc == -EINVAL)
            text = " (needs Linux 6.0)";
        else if (rc == -ENOMEM)
            text = " (or RLIMIT_MEMLOCK is too small)";
        else if (rc == -EPERM && disabled == '0')
            text = " (a seccomp filter or security policy)";
    }
    if (disabled != '0')
        snprintf(why, cap, "%s: %s (kernel.io_uring_disabled = %c)", b->name,
                 strerror(-rc), disabled);
    else
        snprintf(why, cap, "%s: %s%s", b->name,
                 limit_explain(rc, reason, sizeof reason), text);
}

int
io_open(struct io **io, const char *name, const struct io_options *o, char *why,
        size_t cap)
{
    struct io_options full = *o;
    int is_auto = strcmp(name, "auto") == 0, rc = -EINVAL;

    if (cap > 0)
        why[0] = '\0';
    if (full.entries == 0)
        full.entries = IO_ENTRIES;
    if (full.buffer_bytes == 0)
        full.buffer_bytes = IO_BUFFER_BYTES;
    if (full.n_buffers == 0)
        full.n_buffers = IO_BUFFERS;
    for (size_t i = 0; i < ARRAY_LEN(backends); i++) {
        if (!is_auto && strcmp(name, backends[i]->name) != 0)
            continue;
        rc = backends[i]->open(io, &full);
        if (rc == 0)
            return 0;
        explain(backends[i], rc, why, cap);
    }
    if (rc == -EINVAL && cap > 0 && why[0] == '\0')
        snprintf(why, cap, "%s: no such event backend", name);
    return rc;
}

void
io_close(struct io *io)
{
    io->backend->close(io);
}
