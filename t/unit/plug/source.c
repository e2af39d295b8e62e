/* SPDX-License-Identifier: BSD-2-Clause */
/* source.c - what may stand in modules/, whose it must be, and files that
 * change while they are read. */
/* tags: asan */
#include "plug/source.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"
#include "t/lib/fixture.h"
#include "t/lib/unit.h"

static char why[2 * PATH_MAX];

static const char *
make_file(const char *name, mode_t mode)
{
    const char *path = fixture_path(name);
    int fd;

    unlink(path);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(file_write_fd(fd, "content", 7), 0);
    ck_assert_int_eq(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

static int
read_source(const char *path, enum conf_owner owner)
{
    et_err e = {why, sizeof why, 0};
    struct source s;
    int rc;

    why[0] = '\0';
    rc = source_read(path, owner, &s, &e);
    if (rc == 0) {
        ck_assert_uint_eq(s.n, s.id.size);
        source_fini(&s);
    }
    ck_assert_int_eq(s.fd, -1);
    ck_assert_ptr_null(s.p);
    return rc;
}

static void
refused(const char *path, const char *text)
{
    ck_assert_int_eq(read_source(path, CONF_OWNER_STRICT), ERR_INVALID);
    ck_assert_msg(strstr(why, text) != NULL, "%s", why);
}

START_TEST(a_plain_file_is_read)
{
    const char *path = make_file("a.so", 0644);
    et_err e = {why, sizeof why, 0};
    struct source s;

    ck_assert_int_eq(source_read(path, CONF_OWNER_STRICT, &s, &e), 0);
    ck_assert_str_eq(s.p, "content");
    ck_assert_uint_eq(s.n, 7);
    ck_assert_int_ge(s.fd, 0);
    source_fini(&s);
}
END_TEST

START_TEST(a_link_to_a_file_is_followed)
{
    ck_assert_int_eq(
        symlink(make_file("target.so", 0644), fixture_path("link.so")), 0);
    ck_assert_int_eq(read_source(fixture_path("link.so"), CONF_OWNER_STRICT),
                     0);
}
END_TEST

START_TEST(what_is_no_file_is_refused)
{
    const char *fifo = fixture_path("fifo.so");
    const char *loop = fixture_path("loop.so");

    refused(fixture_path("none.so"), "cannot be opened: No such file");
    refused(fixture_dir, "is a folder, not a regular file");
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    refused(fifo, "is a FIFO, not a regular file");
    ck_assert_int_eq(symlink("loop.so", loop), 0);
    refused(loop, "is a loop of symbolic links");
    refused("/dev/null", "is a device, not a regular file");
}
END_TEST

START_TEST(a_file_that_others_can_write_is_refused)
{
    const char *path = make_file("w.so", 0666);

    refused(path, "is writable by everybody (mode 0666): chmod go-w it, or "
                  "set module_owner = any");
    ck_assert_int_eq(read_source(path, CONF_OWNER_ANY), 0);
    path = make_file("g.so", 0664);
    ck_assert_int_eq(read_source(path, CONF_OWNER_STRICT), 0);
    if (chown(path, (uid_t)-1, 12345) == 0)
        refused(path, "is writable by a group (mode 0664)");
}
END_TEST

START_TEST(a_file_of_somebody_else_is_refused)
{
    const char *path = make_file("o.so", 0644);

    if (chown(path, 12345, (gid_t)-1) < 0)
        return; /* only root can give files away */
    refused(path, "belongs to uid 12345, neither root nor the server's user");
    ck_assert_int_eq(read_source(path, CONF_OWNER_ANY), 0);
}
END_TEST

START_TEST(a_folder_that_others_can_write_is_refused)
{
    const char *dir = fixture_path("open");
    const char *link = fixture_path("to-open.so"), *path;

    ck_assert_int_eq(mkdir(dir, 0700), 0);
    path = make_file("open/a.so", 0644);
    ck_assert_int_eq(chmod(dir, 0777), 0);
    refused(path, "is writable by everybody (mode 0777)");
    ck_assert_ptr_nonnull(strstr(why, "its folder "));
    ck_assert_int_eq(symlink(path, link), 0);
    refused(link, "/open is writable by everybody"); /* behind the link */
    ck_assert_int_eq(chmod(dir, 01777), 0);
    ck_assert_int_eq(read_source(path, CONF_OWNER_STRICT), 0);
}
END_TEST

START_TEST(a_huge_file_is_not_read)
{
    const char *path = make_file("huge.so", 0644);

    ck_assert_int_eq(truncate(path, (off_t)SOURCE_MAX_BYTES + 1), 0);
    refused(path, "is larger than 512 MiB");
}
END_TEST

START_TEST(a_file_that_may_not_be_read)
{
    const char *path = make_file("secret.so", 0000);

    ck_assert_int_eq(chmod(fixture_dir, 0755), 0);
    if (geteuid() == 0)
        ck_assert_int_eq(seteuid(12345), 0);
    refused(path, "may not be read by this server (uid ");
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

/* A writer that changes the file over and over until told to stop. */
struct writer {
    const char *path;
    atomic_int stop;
};

#define BUSY_BYTES 8000000

static void *
keep_writing(void *arg)
{
    struct writer *w = arg;
    int fd = open(w->path, O_WRONLY);

    for (int i = 0; !atomic_load(&w->stop); i++)
        UNIT_HOLDS(ftruncate(fd, (i % 2 + 1) * BUSY_BYTES) == 0);
    close(fd);
    return NULL;
}

/* A read may slip in between two changes; four in a row do so rarely. */
START_TEST(a_file_being_written_is_refused_and_taken_when_it_is_done)
{
    struct writer w = {make_file("busy.so", 0644), 0};
    pthread_t thread;
    int rc = 0;

    ck_assert_int_eq(truncate(w.path, BUSY_BYTES), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, keep_writing, &w), 0);
    for (int i = 0; i < 1000 && rc == 0; i++)
        rc = read_source(w.path, CONF_OWNER_STRICT);
    atomic_store(&w.stop, 1);
    ck_assert_int_eq(rc, ERR_INVALID);
    ck_assert_msg(strstr(why, "is still being written") != NULL, "%s", why);
    pthread_join(thread, NULL);
    ck_assert_int_eq(read_source(w.path, CONF_OWNER_STRICT), 0);
}
END_TEST

UNIT_MAIN_IN(fixture_setup, fixture_teardown, source, a_plain_file_is_read,
             a_link_to_a_file_is_followed, what_is_no_file_is_refused,
             a_file_that_others_can_write_is_refused,
             a_file_of_somebody_else_is_refused, a_huge_file_is_not_read,
             a_file_that_may_not_be_read,
             a_folder_that_others_can_write_is_refused,
             a_file_being_written_is_refused_and_taken_when_it_is_done)
