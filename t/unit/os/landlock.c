/* SPDX-License-Identifier: BSD-2-Clause */
/* landlock.c - what may be written to and executed, in a process that holds
 * itself to it. */
#include "os/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/identity.h"
#include "t/lib/fixture.h"
#include "t/lib/unit.h"

static char in[128], out[128], path[192];

static int
has_it(void)
{
    if (landlock_abi() > 0)
        return 1;
    ck_assert_int_lt(landlock_new(), 0);
    fprintf(stderr, "skipped: this kernel has no Landlock\n");
    return 0;
}

static const char *
below(const char *folder, const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int
make(const char *at)
{
    int fd = open(at, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd < 0)
        return errno;
    close(fd);
    return 0;
}

/* 0, or the error of executing /bin/true. */
static int
run(void)
{
    int status = -1;
    pid_t pid = fork();

    if (pid == 0) {
        execl("/bin/true", "true", (char *)NULL);
        _exit(errno);
    }
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void
hold(int runs)
{
    int rules = landlock_new();

    if (rules < 0 || landlock_allow_folder(rules, in) < 0 ||
        landlock_allow_file(rules, "/dev/null") < 0 ||
        (runs && landlock_allow_exec(rules, "/") < 0) ||
        landlock_allow_folder(rules, "/no/such/folder") != -ENOENT ||
        identity_renounce() < 0 || landlock_apply(rules) < 0)
        _exit(100);
}

static int
check_writes(void)
{
    char from[192];

    hold(0);
    if (make(below(in, "file")) != 0 || make("/dev/null") != 0)
        return 1;
    if (make(below(out, "file")) != EACCES)
        return 2;
    if (mkdir(below(out, "folder"), 0700) == 0 || errno != EACCES)
        return 3;
    if (unlink(below(out, "old")) == 0 || errno != EACCES)
        return 4;
    if (truncate(below(out, "old"), 0) == 0 && landlock_abi() >= 3)
        return 5;
    snprintf(from, sizeof from, "%s", below(in, "file"));
    if (rename(from, below(in, "renamed")) < 0 || unlink(path) < 0)
        return 6;
    return access(below(out, "old"), R_OK) == 0 ? 0 : 7;
}

static int
check_no_program(void)
{
    hold(0);
    return run() == EACCES ? 0 : 1;
}

static int
check_program(void)
{
    hold(1);
    return run();
}

static int
in_child(int (*check)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(check());
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    return WEXITSTATUS(status);
}

START_TEST(only_what_is_named)
{
    if (!has_it())
        return;
    fixture_setup();
    snprintf(in, sizeof in, "%s/in", fixture_dir);
    snprintf(out, sizeof out, "%s/out", fixture_dir);
    ck_assert_int_eq(mkdir(in, 0700), 0);
    ck_assert_int_eq(mkdir(out, 0700), 0);
    ck_assert_int_eq(make(below(out, "old")), 0);
    ck_assert_int_eq(in_child(check_writes), 0);
    ck_assert_int_eq(in_child(check_no_program), 0);
    ck_assert_int_eq(in_child(check_program), 0);
    fixture_teardown();
}
END_TEST

UNIT_MAIN(landlock, only_what_is_named)
