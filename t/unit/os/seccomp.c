/* SPDX-License-Identifier: BSD-2-Clause */
/* seccomp.c - which calls are denied, and who is asked. */
#include "os/seccomp.h"

#include <errno.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/identity.h"
#include "t/lib/unit.h"

#define ALL (SECCOMP_NEVER | SECCOMP_EXEC | SECCOMP_RINGS)

START_TEST(each_call_has_a_name)
{
    ck_assert_str_eq(seccomp_name(SYS_bpf), "bpf");
    ck_assert_str_eq(seccomp_name(SYS_execve), "execve");
    ck_assert_ptr_nonnull(seccomp_name(SYS_clone));
    ck_assert_ptr_null(seccomp_name(SYS_read));
    ck_assert_uint_eq(seccomp_set_of(SYS_mount), SECCOMP_NEVER);
    ck_assert_uint_eq(seccomp_set_of(SYS_execveat), SECCOMP_EXEC);
    ck_assert_uint_eq(seccomp_set_of(SYS_io_uring_setup), SECCOMP_RINGS);
    ck_assert_uint_eq(seccomp_set_of(SYS_read), 0);
}
END_TEST

static int
in_child(int (*check)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(check());
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status), "signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

/* Answers what is asked: rings pass, the rest is denied. */
static void *
answer(void *arg)
{
    int fd = *(int *)arg;
    union {
        struct seccomp_notif notif;
        char room[1024];
    } asked;
    union {
        struct seccomp_notif_resp resp;
        char room[1024];
    } a;

    for (;;) {
        memset(&asked, 0, sizeof asked);
        memset(&a, 0, sizeof a);
        if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &asked) < 0)
            return NULL;
        a.resp.id = asked.notif.id;
        if (seccomp_set_of(asked.notif.data.nr) == SECCOMP_RINGS)
            a.resp.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
        else
            a.resp.error = -EPERM;
        ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &a);
    }
}

static int
call(long nr, long arg)
{
    return syscall(nr, arg, 0, 0, 0, 0) < 0 ? errno : 0;
}

static int
check_all(void)
{
    static int fd;
    pthread_t t;

    if (identity_renounce() < 0 || seccomp_deny(ALL, &fd) < 0)
        return 1;
    if (fd < 0)
        return 77;
    /* clone3 is not there, clone is. */
    if (pthread_create(&t, NULL, answer, &fd) != 0)
        return 2;
    if (call(SYS_bpf, -1) != EPERM || call(SYS_unshare, 0) != EPERM)
        return 3;
    if (call(SYS_execve, 0) != EPERM)
        return 4;
    if (call(SYS_io_uring_setup, 0) == EPERM) /* EINVAL, or ENOSYS */
        return 5;
    if (call(SYS_clone, CLONE_NEWUSER | CLONE_THREAD) != EPERM)
        return 6;
    if (call(SYS_clone3, 0) != ENOSYS)
        return 7;
    return call(SYS_getpid, 0) == 0 ? 0 : 8;
}

START_TEST(it_is_asked_for)
{
    int rc = in_child(check_all);

    if (rc == 77)
        fprintf(stderr, "skipped: this kernel does not ask\n");
    else
        ck_assert_int_eq(rc, 0);
}
END_TEST

/* The kernel knows one listener only: the second is denied without asking. */
static int
check_without(void)
{
    int fd;

    if (identity_renounce() < 0 || seccomp_deny(SECCOMP_NEVER, &fd) < 0)
        return 1;
    if (fd < 0)
        return 77;
    if (seccomp_deny(ALL, &fd) < 0 || fd != -1)
        return 2;
    if (call(SYS_execve, 0) != EPERM || call(SYS_bpf, -1) != EPERM)
        return 3;
    return call(SYS_io_uring_setup, 0) == EPERM ? 4 : 0;
}

START_TEST(without_a_listener_it_is_denied_at_once)
{
    int rc = in_child(check_without);

    if (rc == 77)
        fprintf(stderr, "skipped: this kernel does not ask\n");
    else
        ck_assert_int_eq(rc, 0);
}
END_TEST

/* Programs that are allowed, and no new privileges that are missing. */
static int
check_exec(void)
{
    int fd;

    if (geteuid() != 0 && seccomp_deny(ALL, &fd) != -EACCES)
        return 1;
    if (identity_renounce() < 0 || seccomp_deny(SECCOMP_NEVER, &fd) < 0)
        return 2;
    execl("/bin/true", "true", (char *)NULL);
    return 3;
}

START_TEST(a_set_that_is_not_denied)
{
    ck_assert_int_eq(in_child(check_exec), 0);
}
END_TEST

UNIT_MAIN(seccomp, each_call_has_a_name, it_is_asked_for,
          without_a_listener_it_is_denied_at_once, a_set_that_is_not_denied)
