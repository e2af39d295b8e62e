/* SPDX-License-Identifier: BSD-2-Clause */
/* corefile.c - see corefile.h. */
#define _GNU_SOURCE /* __WALL */
#include "os/corefile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATTERN "/proc/sys/kernel/core_pattern"
#define PATTERN_MAX 128

/* "" if it cannot be read. */
static void
read_pattern(char out[PATTERN_MAX])
{
    int fd = open(PATTERN, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, out, PATTERN_MAX - 1);

    if (fd >= 0)
        close(fd);
    out[n < 0 ? 0 : n] = '\0';
    out[strcspn(out, "\n")] = '\0';
}

const char *
corefile_trouble(char *out, size_t cap)
{
    struct rlimit limit;
    char pattern[PATTERN_MAX];

    read_pattern(pattern);
    if (getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_max == 0)
        snprintf(out, cap,
                 "RLIMIT_CORE allows none: raise its hard limit (ulimit -Hc, "
                 "LimitCORE= of systemd)");
    else if (pattern[0] == '|')
        snprintf(out, cap,
                 "the kernel gives them to a program (" PATTERN "): "
                 "look there (coredumpctl)");
    else if (strchr(pattern, '/'))
        snprintf(out, cap, "the kernel writes them to %s (" PATTERN ")",
                 pattern);
    else
        return NULL;
    return out;
}

int
corefile_hold_files(void)
{
    static const char kinds[] = "0x37"; /* the default, and bit 2 */
    int fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC), rc = 0;

    if (fd < 0 || write(fd, kinds, sizeof kinds - 1) < 0)
        rc = -errno;
    if (fd >= 0)
        close(fd);
    return rc;
}

/* fork() without what libc does at one, some of which may wait for a lock that
 * this very thread holds. */
static pid_t
fork_bare(void)
{
    return (pid_t)syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);
}

/* The copy: 1, or it ends. */
static int
settle(const char *folder)
{
    struct rlimit limit;

    if (chdir(folder) < 0 || getrlimit(RLIMIT_CORE, &limit) < 0)
        _exit(1);
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_CORE, &limit) < 0)
        _exit(1);
    /* While it is written nobody's connection is to hang on it. */
    (void)!syscall(SYS_close_range, 0u, ~0u, 0u);
    return 1;
}

int
corefile_fork(const char *folder)
{
    pid_t pid;

    if (mkdir(folder, 0700) < 0)
        return -errno;
    pid = fork_bare();
    if (pid < 0)
        return -errno;
    if (pid == 0) { /* so that the copy is not our child */
        pid = fork_bare();
        if (pid != 0)
            _exit(pid < 0);
        return settle(folder);
    }
    while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
        continue;
    return 0;
}
