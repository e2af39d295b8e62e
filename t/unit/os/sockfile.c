/* SPDX-License-Identifier: BSD-2-Clause */
/* sockfile.c - the file of a Unix socket; who listens on it, t/unit/os/sock.c
 * has. */
#include "os/sockfile.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "t/lib/fixture.h"
#include "t/lib/unit.h"

/* A socket bound to path; it does not listen. */
static int
bind_at(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

START_TEST(what_nobody_listens_on_goes)
{
    const char *path;
    int fd;

    fixture_setup();
    path = fixture_path("s");
    ck_assert_int_eq(sockfile_clear(path), 0);
    fd = bind_at(path);
    ck_assert_int_eq(sockfile_check(path), 0);
    ck_assert_int_eq(sockfile_clear(path), 0);
    ck_assert_uint_eq(sockfile_of(path).ino, 0);
    close(fd);
    fixture_teardown();
}
END_TEST

START_TEST(what_is_no_socket_stays)
{
    const char *path;
    int fd;

    fixture_setup();
    path = fixture_path("s");
    fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    ck_assert_int_eq(sockfile_check(path), -EEXIST);
    ck_assert_int_eq(sockfile_clear(path), -EEXIST);
    ck_assert_uint_ne(sockfile_of(path).ino, 0);
    close(fd);
    ck_assert_int_eq(sockfile_check(fixture_path("no/s")), -ENOENT);
    fixture_teardown();
}
END_TEST

START_TEST(one_is_told_from_another)
{
    struct sockfile first, second;
    const char *path;
    int a, b;

    fixture_setup();
    path = fixture_path("s");
    a = bind_at(path);
    first = sockfile_of(path);
    ck_assert_int_eq(unlink(path), 0);
    b = bind_at(path);
    second = sockfile_of(path);
    sockfile_remove(path, first);
    ck_assert_uint_eq(sockfile_of(path).ino, second.ino);
    sockfile_remove(path, second);
    ck_assert_uint_eq(sockfile_of(path).ino, 0);
    close(a);
    close(b);
    fixture_teardown();
}
END_TEST

UNIT_MAIN(sockfile, what_nobody_listens_on_goes, what_is_no_socket_stays,
          one_is_told_from_another)
