/* SPDX-License-Identifier: BSD-2-Clause */
/* memfd.c - sealed copies, private files, and what a crash leaves behind. */
/* ldflags: -Wl,--wrap=memfd_create,--wrap=fcntl,--wrap=fcntl64 */
/* ldflags: -Wl,--wrap=fchmod,--wrap=flock,--wrap=write */
#include "os/memfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "t/lib/fixture.h"
#include "t/lib/unit.h"

/* The call that fails, and how. */
static enum { NONE, CREATE, SEAL, CHMOD, LOCK, WRITE } failing;
static int fail_errno, n_failed;

static int
fails(int call)
{
    if (call != (int)failing)
        return 0;
    n_failed++;
    errno = fail_errno;
    return 1;
}

int __real_memfd_create(const char *name, unsigned flags);
int __wrap_memfd_create(const char *name, unsigned flags);
int __real_fcntl(int fd, int cmd, long arg);
int __wrap_fcntl(int fd, int cmd, long arg);
int __wrap_fcntl64(int fd, int cmd, long arg);
int __real_fchmod(int fd, mode_t mode);
int __wrap_fchmod(int fd, mode_t mode);
int __real_flock(int fd, int operation);
int __wrap_flock(int fd, int operation);
ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);

/* An older kernel refuses flags it does not know. */
int
__wrap_memfd_create(const char *name, unsigned flags)
{
    if (fails(CREATE) && (fail_errno != EINVAL || flags & 0x10))
        return -1;
    return __real_memfd_create(name, flags);
}

int
__wrap_fcntl(int fd, int cmd, long arg)
{
    return cmd == F_ADD_SEALS && fails(SEAL) ? -1 : __real_fcntl(fd, cmd, arg);
}

int
__wrap_fcntl64(int fd, int cmd, long arg)
{
    return __wrap_fcntl(fd, cmd, arg);
}

int
__wrap_fchmod(int fd, mode_t mode)
{
    return fails(CHMOD) ? -1 : __real_fchmod(fd, mode);
}

int
__wrap_flock(int fd, int operation)
{
    return fails(LOCK) ? -1 : __real_flock(fd, operation);
}

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
    return fails(WRITE) ? -1 : __real_write(fd, p, n);
}

static void
let_fail(int call, int with)
{
    failing = call;
    fail_errno = with;
    n_failed = 0;
}

START_TEST(a_kernel_that_does_not_know_exec_is_asked_without)
{
    int fd;

    let_fail(CREATE, EINVAL);
    fd = memfd_new("name", "content", 7);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(n_failed, 2);
    close(fd);
    let_fail(CREATE, ENFILE);
    ck_assert_int_eq(memfd_new("name", "content", 7), -ENFILE);
}
END_TEST

/* Whatever fails, no descriptor and no file is left. */
START_TEST(what_fails_leaves_nothing_behind)
{
    static const struct {
        int call, with;
    } cases[] = {{WRITE, ENOSPC}, {CHMOD, EPERM}, {LOCK, ENOLCK}};
    char path[PATH_MAX];
    int next = dup(0);

    close(next);
    let_fail(SEAL, EPERM);
    ck_assert_int_eq(memfd_new("name", "content", 7), -EPERM);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        let_fail(cases[i].call, cases[i].with);
        ck_assert_int_eq(memfd_file_new(fixture_dir, "x.so", "x", 1, path),
                         -cases[i].with);
        ck_assert_int_eq(n_failed, 1);
        ck_assert_int_eq(access(path, F_OK), -1);
    }
    let_fail(WRITE, ENOSPC);
    ck_assert_int_eq(memfd_new("name", "content", 7), -ENOSPC);
    let_fail(NONE, 0);
    ck_assert_int_eq(dup(0), next);
    close(next);
}
END_TEST

START_TEST(a_memfd_holds_the_bytes_and_refuses_every_change)
{
    char back[8] = "";
    int fd = memfd_new("name", "content", 7);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, back, sizeof back, 0), 7);
    ck_assert_str_eq(back, "content");
    ck_assert_int_eq(pwrite(fd, "x", 1, 0), -1);
    ck_assert_int_eq(errno, EPERM);
    ck_assert_int_eq(ftruncate(fd, 3), -1);
    ck_assert_int_eq(ftruncate(fd, 30), -1);
    ck_assert_ptr_eq(mmap(NULL, 7, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
                     MAP_FAILED);
    ck_assert_int_eq(fcntl(fd, F_ADD_SEALS, 0), -1);
    ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
}
END_TEST

START_TEST(a_long_name_is_cut)
{
    char name[1000];
    int fd;

    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    fd = memfd_new(name, "", 0);
    ck_assert_int_ge(fd, 0);
    close(fd);
}
END_TEST

START_TEST(whether_a_mapping_may_be_executed)
{
    int fd = memfd_new("x", "\xc3", 1), fds[2];

    ck_assert_int_eq(memfd_may_exec(fd), 0);
    close(fd);
    ck_assert_int_eq(memfd_may_exec(-1), -EBADF);
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_lt(memfd_may_exec(fds[0]), 0);
    close(fds[0]);
    close(fds[1]);
}
END_TEST

START_TEST(a_private_file_is_read_only_and_ours)
{
    char path[PATH_MAX], back[8] = "";
    struct stat st;
    int fd = memfd_file_new(fixture_dir, "auth.so", "content", 7, path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0500);
    ck_assert_ptr_nonnull(strstr(path, "/.etude-"));
    ck_assert_ptr_nonnull(strstr(path, "-auth.so"));
    ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    ck_assert_int_eq(read(fd, back, sizeof back), 7);
    ck_assert_str_eq(back, "content");
    unlink(path);
    close(fd);
}
END_TEST

START_TEST(two_private_files_of_one_name_differ)
{
    char a[PATH_MAX], b[PATH_MAX];
    int fda = memfd_file_new(fixture_dir, "x.so", "a", 1, a);
    int fdb = memfd_file_new(fixture_dir, "x.so", "b", 1, b);

    ck_assert_int_ge(fda, 0);
    ck_assert_int_ge(fdb, 0);
    ck_assert_str_ne(a, b);
    unlink(a);
    unlink(b);
    close(fda);
    close(fdb);
}
END_TEST

START_TEST(a_sweep_removes_what_nobody_holds)
{
    char held[PATH_MAX], left[PATH_MAX];
    int fd, fd_left;

    fd = memfd_file_new(fixture_dir, "held.so", "x", 1, held);
    fd_left = memfd_file_new(fixture_dir, "left.so", "x", 1, left);
    ck_assert_int_ge(fd, 0);
    close(fd_left); /* as by a crash: the lock goes, the file stays */
    close(open(fixture_path("other.so"), O_CREAT | O_WRONLY, 0600));
    ck_assert_int_eq(memfd_file_sweep(fixture_dir), 1);
    ck_assert_int_eq(access(held, F_OK), 0);
    ck_assert_int_eq(access(left, F_OK), -1);
    ck_assert_int_eq(access(fixture_path("other.so"), F_OK), 0);
    close(fd);
    ck_assert_int_eq(memfd_file_sweep(fixture_dir), 1);
}
END_TEST

START_TEST(folders_that_take_no_file)
{
    char path[PATH_MAX], *long_dir = malloc(PATH_MAX + 1);

    ck_assert_int_eq(memfd_file_new(fixture_path("none"), "x", "x", 1, path),
                     -ENOENT);
    ck_assert_int_eq(memfd_file_sweep(fixture_path("none")), -ENOENT);
    memset(long_dir, 'd', PATH_MAX);
    long_dir[PATH_MAX] = '\0';
    ck_assert_int_eq(memfd_file_new(long_dir, "x", "x", 1, path),
                     -ENAMETOOLONG);
    free(long_dir);
}
END_TEST

UNIT_MAIN_IN(fixture_setup, fixture_teardown, memfd,
             a_kernel_that_does_not_know_exec_is_asked_without,
             what_fails_leaves_nothing_behind,
             a_memfd_holds_the_bytes_and_refuses_every_change,
             a_long_name_is_cut, whether_a_mapping_may_be_executed,
             a_private_file_is_read_only_and_ours,
             two_private_files_of_one_name_differ,
             a_sweep_removes_what_nobody_holds, folders_that_take_no_file)
