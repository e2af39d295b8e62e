/* SPDX-License-Identifier: BSD-2-Clause */
/* file.c - whole files read with a bound, and their identities. */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "t/lib/fixture.h"
#include "t/lib/unit.h"

static const char *
make_file(const char *name, const void *p, size_t n)
{
    const char *path = fixture_path(name);
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(file_write_fd(fd, p, n), 0);
    close(fd);
    return path;
}

START_TEST(every_length_around_the_buffer_sizes)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 8192, 100000};
    static char text[100000];

    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const char *path = make_file("f", text, sizes[i]);
        char *p;
        size_t n;

        ck_assert_int_eq(file_read(path, sizeof text, &p, &n), 0);
        ck_assert_uint_eq(n, sizes[i]);
        ck_assert_mem_eq(p, text, n);
        ck_assert_int_eq(p[n], '\0');
        free(p);
    }
}
END_TEST

START_TEST(the_bound_is_exact)
{
    const char *path = make_file("bound", "0123456789", 10);
    char *p;
    size_t n;

    ck_assert_int_eq(file_read(path, 10, &p, &n), 0);
    free(p);
    ck_assert_int_eq(file_read(path, 9, &p, &n), -EFBIG);
    ck_assert_ptr_null(p);
    ck_assert_int_eq(file_read(path, 0, &p, &n), -EFBIG);
}
END_TEST

START_TEST(any_part_of_a_file)
{
    const char *path = make_file("part", "0123456789", 10);
    int fd = open(path, O_RDWR), fds[2];
    char p[12];

    ck_assert_int_eq(file_read_at(fd, 3, p, 4), 0);
    ck_assert_mem_eq(p, "3456", 4);
    ck_assert_int_eq(file_read_at(fd, 0, p, 10), 0);
    ck_assert_mem_eq(p, "0123456789", 10);
    ck_assert_int_eq(file_read_at(fd, 10, p, 0), 0);
    ck_assert_int_eq(file_read_at(fd, 9, p, 2), -ENODATA);
    ck_assert_int_eq(file_read_at(fd, 11, p, 1), -ENODATA);
    ck_assert_int_eq(lseek(fd, 0, SEEK_CUR), 0); /* not moved */
    close(fd);
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(file_read_at(fds[0], 0, p, 1), -ESPIPE);
}
END_TEST

START_TEST(what_cannot_be_read)
{
    char *p;
    size_t n;

    ck_assert_int_eq(file_read(fixture_path("no"), 10, &p, &n), -ENOENT);
    ck_assert_ptr_null(p);
    ck_assert_int_eq(file_read(fixture_dir, 10, &p, &n), -EISDIR);
    ck_assert_int_eq(file_read_fd(-1, 10, &p, &n), -EBADF);
    ck_assert_int_eq(file_write_fd(-1, "x", 1), -EBADF);
}
END_TEST

/* Each would be waited for, or read for ever. */
START_TEST(what_is_no_file_is_refused_at_once)
{
    static const char *const paths[] = {"fifo", "socket", "link", "/dev/zero"};
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0), writer;
    const char *path;
    char *p;
    size_t n;

    snprintf(at.sun_path, sizeof at.sun_path, "%s", fixture_path("socket"));
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(mkfifo(fixture_path("fifo"), 0600), 0);
    ck_assert_int_eq(symlink("fifo", fixture_path("link")), 0);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        path = paths[i][0] == '/' ? paths[i] : fixture_path(paths[i]);
        ck_assert_msg(file_read(path, 10, &p, &n) == -ESPIPE, "%s", path);
        ck_assert_ptr_null(p);
    }
    path = fixture_path("fifo");
    writer = open(path, O_RDWR); /* there is something to read, too */
    ck_assert_int_eq(file_write_fd(writer, "x", 1), 0);
    ck_assert_int_eq(file_read(path, 10, &p, &n), -ESPIPE);
    close(writer);
    close(fd);
    ck_assert_str_eq(file_explain(-ESPIPE),
                     "it is a FIFO, a socket or a device, not a file");
    ck_assert_str_eq(file_explain(-ENOENT), "No such file or directory");
}
END_TEST

START_TEST(the_null_device_is_an_empty_file)
{
    char *p;
    size_t n;

    ck_assert_int_eq(file_read("/dev/null", 0, &p, &n), 0);
    ck_assert_uint_eq(n, 0);
    ck_assert_str_eq(p, "");
    free(p);
}
END_TEST

/* A file whose size says nothing: more than the first buffer through a pipe. */
static void *
feed(void *arg)
{
    static const char text[20000] = {1};
    int fd = *(int *)arg;

    for (size_t i = 0; i < sizeof text; i += 1000)
        ck_assert_int_eq(file_write_fd(fd, text + i, 1000), 0);
    close(fd);
    return NULL;
}

START_TEST(a_pipe_is_read_to_its_end)
{
    int fds[2];
    pthread_t thread;
    char *p;
    size_t n;

    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, feed, &fds[1]), 0);
    ck_assert_int_eq(file_read_fd(fds[0], 100000, &p, &n), 0);
    ck_assert_uint_eq(n, 20000);
    ck_assert_int_eq(p[0], 1);
    free(p);
    pthread_join(thread, NULL);
    close(fds[0]);
}
END_TEST

START_TEST(a_file_is_replaced_as_a_whole)
{
    const char *path = make_file("r", "old", 3);
    int fd = open(path, O_RDONLY);
    char command[128], *p;
    struct stat st;
    size_t n;

    ck_assert_int_eq(file_replace(path, "newer", 5, 0640), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0640);
    ck_assert_int_eq(file_read(path, 10, &p, &n), 0);
    ck_assert_str_eq(p, "newer");
    free(p);
    ck_assert_int_eq(file_read_fd(fd, 10, &p, &n), 0);
    ck_assert_str_eq(p, "old");
    free(p);
    close(fd);
    ck_assert_int_eq(file_replace(fixture_path("no/r"), "x", 1, 0600), -ENOENT);
    ck_assert_int_eq(mkdir(fixture_path("folder"), 0700), 0);
    ck_assert_int_eq(file_replace(fixture_path("folder"), "x", 1, 0600),
                     -EISDIR);
    snprintf(command, sizeof command, "ls %s/folder.* >/dev/null 2>&1",
             fixture_dir);
    ck_assert_int_ne(fixture_run(command), 0);
}
END_TEST

START_TEST(identities)
{
    const char *a = make_file("a", "one", 3), *b = make_file("b", "one", 3);
    struct file_id ida, idb, again;
    int fd = open(a, O_RDONLY);

    ck_assert_int_eq(file_id_path(a, &ida), 0);
    ck_assert_int_eq(file_id_fd(fd, &again), 0);
    ck_assert(file_id_equal(&ida, &again));
    ck_assert_uint_eq(ida.size, 3);
    ck_assert_int_eq(file_id_path(b, &idb), 0);
    ck_assert(!file_id_equal(&ida, &idb));
    make_file("a", "four", 4);
    ck_assert_int_eq(file_id_fd(fd, &again), 0);
    ck_assert(!file_id_equal(&ida, &again));
    close(fd);
    ck_assert_int_eq(file_id_path(fixture_path("none"), &ida), -ENOENT);
    ck_assert_int_eq(file_id_fd(-1, &ida), -EBADF);
}
END_TEST

START_TEST(what_can_be_written_is_told_without_opening_it)
{
    const char *path = make_file("there", "x", 1);
    struct stat st;

    ck_assert_int_eq(file_check_write(path), 0);
    ck_assert_int_eq(file_check_write(fixture_path("new")), 0);
    ck_assert_int_eq(stat(fixture_path("new"), &st), -1);
    ck_assert_int_eq(file_check_write(fixture_dir), -EISDIR);
    ck_assert_int_eq(file_check_write(fixture_path("no/new")), -ENOENT);
    ck_assert_int_eq(file_check_write(fixture_path("there/new")), -ENOTDIR);
    ck_assert_int_eq(file_check_folder("/new"),
                     access("/", W_OK) < 0 ? -errno : 0);
    if (geteuid() != 0) {
        chmod(path, 0400);
        ck_assert_int_eq(file_check_write(path), -EACCES);
    }
}
END_TEST

static int
is_null(int fd)
{
    struct stat st, null;

    return fstat(fd, &st) == 0 && stat("/dev/null", &null) == 0 &&
           st.st_rdev == null.st_rdev;
}

START_TEST(closed_standard_descriptors_are_taken_by_nobody_else)
{
    for (int closed = 1; closed < 8; closed++) {
        int status;
        pid_t pid = fork();
        if (pid == 0) {
            int wrong = 0;
            for (int fd = 0; fd < 3; fd++) {
                if (closed & 1 << fd)
                    close(fd);
            }
            wrong = file_open_standard() != 0;
            for (int fd = 0; fd < 3; fd++)
                wrong |= closed & 1 << fd && !is_null(fd);
            _exit(wrong);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_msg(status == 0, "closed: %d", closed);
    }
}
END_TEST

UNIT_MAIN_IN(fixture_setup, fixture_teardown, file,
             closed_standard_descriptors_are_taken_by_nobody_else,
             what_is_no_file_is_refused_at_once,
             the_null_device_is_an_empty_file, a_pipe_is_read_to_its_end,
             every_length_around_the_buffer_sizes, the_bound_is_exact,
             any_part_of_a_file, what_cannot_be_read, a_pipe_is_read_to_its_end,
             a_file_is_replaced_as_a_whole, identities,
             what_can_be_written_is_told_without_opening_it)
