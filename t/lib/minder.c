/* SPDX-License-Identifier: BSD-2-Clause */
/* minder.c - see minder.h. */
#include "t/lib/minder.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEP_FD 3 /* of the minder, which has no other */

static void
close_from(unsigned fd)
{
    (void)syscall(SYS_close_range, fd, ~0u, 0);
}

static void
exec_program(const struct minder *m, const char *const *argv)
{
    int log = open(m->log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    close_from(KEEP_FD);
    setenv("HOME", m->dir, 1);
    setenv("TMPDIR", m->dir, 1);
    setenv("XDG_CONFIG_HOME", m->dir, 1);
    setenv("XDG_CACHE_HOME", m->dir, 1);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static void
kill_children(void)
{
    char path[64];
    int pid;
    FILE *f;

    snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
    f = fopen(path, "re");
    while (f && fscanf(f, "%d", &pid) == 1)
        kill(pid, SIGKILL);
    if (f)
        fclose(f);
}

/* The children of one that has ended are this process's next. */
static void
end_all(void)
{
    do
        kill_children();
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR);
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *w)
{
    (void)st;
    (void)type;
    (void)w;
    return remove(path);
}

static void
mind(const struct minder *m, int keep, const char *const *argv)
{
    char c;

    setpgid(0, 0); /* the test's own may be ended all at once */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    dup2(keep, KEEP_FD);
    close_from(KEEP_FD + 1); /* whose closing others wait for */
    if (fork() == 0)
        exec_program(m, argv);
    while (read(KEEP_FD, &c, 1) < 0 && errno == EINTR)
        ;
    end_all();
    nftw(m->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    _exit(0);
}

void
minder_start(struct minder *m, const char *const *argv)
{
    int fds[2];

    memset(m, 0, sizeof *m);
    strcpy(m->dir, "/tmp/etude-minder-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(m->dir));
    snprintf(m->log_path, sizeof m->log_path, "%s/log", m->dir);
    ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
    m->pid = fork();
    ck_assert_int_ge(m->pid, 0);
    if (m->pid == 0)
        mind(m, fds[0], argv);
    close(fds[0]);
    m->keep = fds[1];
}

void
minder_end(struct minder *m)
{
    close(m->keep);
    while (waitpid(m->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    m->pid = 0;
}
