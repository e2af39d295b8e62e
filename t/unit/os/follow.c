/* SPDX-License-Identifier: BSD-2-Clause */
/* follow.c - which links are followed.
 * tags: asan */
#include "os/follow.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "t/lib/fixture.h"
#include "t/lib/unit.h"

#define WRITE (O_WRONLY | O_CREAT)

static int
exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void
open_new(const char *path)
{
    int fd = follow_open(path, WRITE, 0640);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

START_TEST(ours_are_wherever_they_lead)
{
    ck_assert_int_eq(mkdir("sub", 0700), 0);
    ck_assert_int_eq(symlink("target", "sub/link"), 0);
    open_new("sub/link");
    ck_assert(exists("sub/target"));
    ck_assert_int_eq(symlink("plain", "link"), 0);
    open_new("link");
    ck_assert(exists("plain"));
    ck_assert_int_eq(symlink("round", "round"), 0);
    ck_assert_int_eq(follow_open("round", WRITE, 0640), -ELOOP);
}
END_TEST

START_TEST(somebody_else_s_are_not)
{
    if (geteuid() != 0)
        return;
    ck_assert_int_eq(symlink("target", "link"), 0);
    ck_assert_int_eq(lchown("link", 4242424, 4242424), 0);
    ck_assert_int_eq(follow_open("link", WRITE, 0640), -ELOOP);
    ck_assert(!exists("target"));
    open_new("target");
    ck_assert_int_eq(follow_open("link", O_RDONLY, 0), -ELOOP);
}
END_TEST

START_TEST(what_is_no_link_is_opened_as_ever)
{
    struct stat st;

    umask(0);
    open_new("file");
    ck_assert_int_eq(stat("file", &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0640);
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    ck_assert_int_eq(follow_open("fifo", O_WRONLY, 0), -ENXIO);
    ck_assert_int_eq(follow_open("nothing", O_RDONLY, 0), -ENOENT);
}
END_TEST

static void
setup(void)
{
    fixture_setup();
    ck_assert_int_eq(chdir(fixture_dir), 0);
}

UNIT_MAIN_IN(setup, fixture_teardown, follow, ours_are_wherever_they_lead,
             somebody_else_s_are_not, what_is_no_link_is_opened_as_ever)
