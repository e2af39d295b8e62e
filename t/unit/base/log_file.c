/* SPDX-License-Identifier: BSD-2-Clause */
/* log_file.c - files that may not take what they are given: full pipes, full
 * disks, short writes; lines stay whole and nobody waits. */
/* ldflags: -Wl,--wrap=write,--wrap=pwritev2,--wrap=malloc,--wrap=strdup */
#include "base/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "t/lib/fixture.h"
#include "t/lib/unit.h"

/* What the wrapped calls do instead of their work. */
static int write_errno, pwritev2_errno, fail_at = -1;
static size_t write_at_most = SIZE_MAX;
static int n_writes;

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __real_pwritev2(int fd, const struct iovec *v, int n, off_t off,
                        int flags);
ssize_t __wrap_pwritev2(int fd, const struct iovec *v, int n, off_t off,
                        int flags);
void *__real_malloc(size_t n);
void *__wrap_malloc(size_t n);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
    n_writes++;
    if (write_errno) {
        errno = write_errno;
        if (write_errno == EINTR)
            write_errno = 0;
        return -1;
    }
    return __real_write(fd, p, n < write_at_most ? n : write_at_most);
}

ssize_t
__wrap_pwritev2(int fd, const struct iovec *v, int n, off_t off, int flags)
{
    if (pwritev2_errno) {
        errno = pwritev2_errno;
        return -1;
    }
    return __real_pwritev2(fd, v, n, off, flags);
}

void *
__wrap_malloc(size_t n)
{
    return fail_at >= 0 && fail_at-- == 0 ? NULL : __real_malloc(n);
}

char *
__wrap_strdup(const char *s)
{
    return fail_at >= 0 && fail_at-- == 0 ? NULL : __real_strdup(s);
}

static struct log_file f;

static int
put(const char *text)
{
    size_t n = strlen(text);
    char *p = log_file_room(&f, n);

    if (!p)
        return 0;
    memcpy(p, text, n);
    log_file_added(&f, n);
    return 1;
}

/* Everything in a file, NUL-terminated. */
static const char *
content(const char *path)
{
    static char text[1 << 20];
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);

    ck_assert_int_ge(n, 0);
    close(fd);
    text[n] = '\0';
    return text;
}

START_TEST(lines_are_appended)
{
    const char *path;
    struct stat st;

    fixture_setup();
    umask(0);
    path = fixture_path("log");
    ck_assert_int_eq(log_file_open(&f, path), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0640);
    ck_assert(put("one\n") && put("two\n"));
    ck_assert_str_eq(content(path), "");
    ck_assert_int_eq(log_file_flush(&f), 1);
    ck_assert_str_eq(content(path), "one\ntwo\n");
    log_file_close(&f);
    ck_assert_int_eq(log_file_open(&f, path), 0);
    ck_assert(put("three\n"));
    log_file_close(&f);
    ck_assert_str_eq(content(path), "one\ntwo\nthree\n");
    log_file_close(&f);
    fixture_teardown();
}
END_TEST

START_TEST(a_truncated_file_begins_anew)
{
    const char *path;

    fixture_setup();
    path = fixture_path("log");
    ck_assert_int_eq(log_file_open(&f, path), 0);
    ck_assert(put("old\n") && log_file_flush(&f));
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert(put("new\n") && log_file_flush(&f));
    ck_assert_str_eq(content(path), "new\n");
    log_file_close(&f);
    fixture_teardown();
}
END_TEST

START_TEST(a_renamed_file_is_left_at_reopen)
{
    const char *path, *old;

    fixture_setup();
    path = fixture_path("log");
    old = fixture_path("log.1");
    ck_assert_int_eq(log_file_open(&f, path), 0);
    ck_assert_int_eq(rename(path, old), 0);
    ck_assert(put("to the old one\n"));
    ck_assert_int_eq(log_file_reopen(&f), 0);
    ck_assert(put("to the new one\n") && log_file_flush(&f));
    ck_assert_str_eq(content(old), "to the old one\n");
    ck_assert_str_eq(content(path), "to the new one\n");
    log_file_close(&f);
    fixture_teardown();
}
END_TEST

START_TEST(what_cannot_be_opened_leaves_the_file_as_it_was)
{
    const char *path;
    char folder[64];

    fixture_setup();
    path = fixture_path("log");
    ck_assert_int_eq(log_file_open(&f, path), 0);
    ck_assert_int_eq(log_file_open(&f, fixture_path("no/such")), -ENOENT);
    ck_assert_int_eq(log_file_open(&f, fixture_dir), -EISDIR);
    ck_assert_int_eq(mkfifo(fixture_path("fifo"), 0600), 0);
    ck_assert_int_eq(log_file_open(&f, fixture_path("fifo")), -ENXIO);
    ck_assert(put("still\n") && log_file_flush(&f));
    ck_assert_str_eq(content(path), "still\n");
    ck_assert_int_eq(unlink(path), 0);
    snprintf(folder, sizeof folder, "%s", path);
    ck_assert_int_eq(mkdir(folder, 0700), 0);
    ck_assert_int_eq(log_file_reopen(&f), -EISDIR);
    ck_assert(put("still\n") && log_file_flush(&f));
    log_file_close(&f);
    fixture_teardown();
}
END_TEST

/* A file with a buffer counts as open: its descriptor would be 0. */
START_TEST(what_could_never_be_opened_is_no_file)
{
    fixture_setup();
    ck_assert_int_eq(log_file_open(&f, fixture_path("no/such")), -ENOENT);
    ck_assert_ptr_null(f.buffer);
    ck_assert_ptr_null(f.path);
    ck_assert_int_eq(log_file_open(&f, fixture_path("log")), 0);
    ck_assert(put("a line\n") && log_file_flush(&f));
    ck_assert_str_eq(content(fixture_path("log")), "a line\n");
    log_file_close(&f);
    fixture_teardown();
}
END_TEST

START_TEST(without_memory_there_is_no_file)
{
    fixture_setup();
    for (fail_at = 0; fail_at < 2; fail_at++) {
        int nth = fail_at;

        ck_assert_int_eq(log_file_open(&f, fixture_path("log")), -ENOMEM);
        ck_assert_ptr_null(f.buffer);
        fail_at = nth;
        log_file_close(&f);
    }
    fail_at = -1;
    fixture_teardown();
}
END_TEST

START_TEST(a_full_disk_keeps_what_it_can_and_counts_the_rest)
{
    const char *path;
    char line[1001];
    int kept = 0, lost = 0;

    fixture_setup();
    path = fixture_path("log");
    ck_assert_int_eq(log_file_open(&f, path), 0);
    memset(line, 'x', 999);
    strcpy(line + 999, "\n");
    write_errno = ENOSPC;
    for (int i = 0; i < 100; i++)
        *(put(line) ? &kept : &lost) += 1;
    ck_assert_int_eq(log_file_flush(&f), 0);
    ck_assert_int_eq(f.error, ENOSPC);
    ck_assert_int_eq(kept, 65);
    ck_assert_uint_eq(f.n_lost, (uint64_t)lost);
    write_errno = 0;
    ck_assert_int_eq(log_file_flush(&f), 1);
    ck_assert_int_eq(f.error, 0);
    ck_assert_uint_eq(strlen(content(path)), 65000);
    ck_assert(put(line) && put("abc\n"));
    write_errno = ENOSPC;
    ck_assert_uint_eq(log_file_close(&f), 2);
    ck_assert_uint_eq(log_file_close(&f), 0);
    write_errno = 0;
    fixture_teardown();
}
END_TEST

START_TEST(short_and_interrupted_writes_are_finished)
{
    const char *path;

    fixture_setup();
    path = fixture_path("log");
    ck_assert_int_eq(log_file_open(&f, path), 0);
    write_at_most = 3;
    write_errno = EINTR;
    ck_assert(put("a line of some length\n"));
    ck_assert_int_eq(log_file_flush(&f), 1);
    ck_assert_str_eq(content(path), "a line of some length\n");
    write_at_most = 0;
    ck_assert(put("x\n"));
    ck_assert_int_eq(log_file_flush(&f), 0);
    write_at_most = SIZE_MAX;
    log_file_close(&f);
    fixture_teardown();
}
END_TEST

START_TEST(what_is_pending_moves_up_to_make_room)
{
    const char *path;
    char line[30001];

    fixture_setup();
    path = fixture_path("log");
    ck_assert_int_eq(log_file_open(&f, path), 0);
    memset(line, 'a', 29999);
    strcpy(line + 29999, "\n");
    ck_assert(put(line) && put(line));
    write_at_most = 1000; /* and then the disk is full */
    ck_assert_int_eq(write(f.fd, f.buffer, 30000), 1000);
    f.start = 1000;
    write_errno = ENOSPC;
    ck_assert(!put(line));
    ck_assert(put("abc\n"));
    f.start = 31000;
    ck_assert(put(line));
    ck_assert_uint_eq(f.start, 0);
    ck_assert_uint_eq(f.n_lost, 1);
    ck_assert_mem_eq(f.buffer + f.end - 30000 - 4, "abc\naaaa", 8);
    write_errno = 0;
    write_at_most = SIZE_MAX;
    log_file_close(&f);
    fixture_teardown();
}
END_TEST

/* ---- descriptors that others share ----------------------------------------
 */

static int saved_stderr = -1;

/* Make fd our stderr, and f write to it. */
static void
open_stderr(int fd)
{
    saved_stderr = dup(STDERR_FILENO);
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
    ck_assert_int_eq(log_file_open(&f, NULL), 0);
}

static void
close_stderr(void)
{
    log_file_close(&f);
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
}

/* Read what is there, at most n bytes; how many. */
static size_t
read_some(int fd, char *p, size_t n)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    size_t got = 0;

    while (got < n && poll(&ready, 1, 0) == 1) {
        ssize_t rc = read(fd, p + got, n - got);

        if (rc <= 0)
            break;
        got += (size_t)rc;
    }
    return got;
}

/* Numbered lines of many lengths, some longer than a pipe writes at once, go
 * into fd while it is read now and then; every line that was not lost must
 * come out whole, and in order. */
static void
never_blocks_never_tears(int write_fd, int read_fd)
{
    static char in[1 << 22], line[8200];
    size_t n_in = 0;
    unsigned n_put = 0, n_seen = 0, last = 0;
    int flags = fcntl(write_fd, F_GETFL);

    open_stderr(write_fd);
    for (unsigned i = 1; i <= 400; i++) {
        unsigned n = i * 379 % 8000;

        snprintf(line, sizeof line, "%u:%u:", i, n);
        memset(line + strlen(line), 'x', n + 1);
        sprintf(strchr(line, 'x') + n, "\n");
        n_put += (unsigned)put(line);
        log_file_flush(&f);
        if (i % 50 == 0)
            n_in += read_some(read_fd, in + n_in, 30000);
    }
    ck_assert_uint_gt(f.n_lost, 0);
    ck_assert_uint_eq(f.n_lost + n_put, 400);
    ck_assert_int_eq(f.error, EAGAIN);
    ck_assert_int_eq(fcntl(write_fd, F_GETFL), flags);
    for (;;) {
        n_in += read_some(read_fd, in + n_in, sizeof in - n_in);
        if (log_file_flush(&f))
            break;
    }
    n_in += read_some(read_fd, in + n_in, sizeof in - n_in);
    close_stderr();

    for (char *p = in, *next; p < in + n_in; p = next + 1, n_seen++) {
        unsigned i, n;

        next = memchr(p, '\n', n_in - (size_t)(p - in));
        ck_assert_ptr_nonnull(next);
        ck_assert_int_eq(sscanf(p, "%u:%u:", &i, &n), 2);
        ck_assert_uint_gt(i, last);
        ck_assert_uint_eq(n, i * 379 % 8000);
        ck_assert_uint_eq(strspn(strchr(strchr(p, ':') + 1, ':') + 1, "x"), n);
        last = i;
    }
    ck_assert_uint_eq(n_seen, n_put);
}

START_TEST(a_full_pipe)
{
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    never_blocks_never_tears(ends[1], ends[0]);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_full_pipe_on_a_kernel_that_cannot_be_told_not_to_wait)
{
    int ends[2];

    pwritev2_errno = EOPNOTSUPP;
    ck_assert_int_eq(pipe(ends), 0);
    never_blocks_never_tears(ends[1], ends[0]);
    ck_assert_int_gt(n_writes, 0);
    pwritev2_errno = 0;
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_full_socket)
{
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    never_blocks_never_tears(ends[1], ends[0]);
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_pipe_is_given_whole_lines)
{
    int ends[2], n;
    char in[5000];

    ck_assert_int_eq(pipe(ends), 0);
    open_stderr(ends[1]);
    for (int i = 0; i < 5; i++) {
        char line[1501];

        memset(line, 'x', 1499);
        strcpy(line + 1499, "\n");
        ck_assert(put(line));
    }
    /* Room for one page only: two lines fit, the third stays whole. */
    n = fcntl(ends[1], F_SETPIPE_SZ, 4096);
    ck_assert_int_ge(n, 4096);
    log_file_flush(&f);
    ck_assert_int_eq(ioctl(ends[0], FIONREAD, &n), 0);
    ck_assert_int_eq(n % 1500, 0);
    ck_assert_int_ge(n, 3000);
    ck_assert_uint_eq(read_some(ends[0], in, sizeof in), (size_t)n);
    close_stderr();
    close(ends[0]);
    close(ends[1]);
}
END_TEST

START_TEST(a_descriptor_that_is_closed_only_counts)
{
    int saved = dup(STDERR_FILENO);

    close(STDERR_FILENO);
    ck_assert_int_eq(log_file_open(&f, NULL), 0);
    ck_assert(put("nowhere\n"));
    ck_assert_int_eq(log_file_flush(&f), 0);
    ck_assert_int_eq(f.error, EBADF);
    log_file_close(&f);
    dup2(saved, STDERR_FILENO);
}
END_TEST

START_TEST(dev_stdout_and_dev_stderr_are_the_descriptors)
{
    int ends[2], saved = dup(STDOUT_FILENO);
    char in[16];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    dup2(ends[1], STDOUT_FILENO);
    ck_assert_int_eq(log_file_open(&f, "/dev/stdout"), 0);
    ck_assert_int_eq(f.fd, STDOUT_FILENO);
    ck_assert_int_eq(log_file_reopen(&f), 0);
    ck_assert(put("out\n") && log_file_flush(&f));
    log_file_close(&f);
    ck_assert_int_ge(fcntl(STDOUT_FILENO, F_GETFD), 0);
    dup2(saved, STDOUT_FILENO);
    ck_assert_uint_eq(read_some(ends[0], in, sizeof in), 4);
    ck_assert_int_eq(log_file_open(&f, "/dev/stderr"), 0);
    ck_assert_int_eq(f.fd, STDERR_FILENO);
    log_file_close(&f);
}
END_TEST

START_TEST(the_journal_is_known_by_its_device_and_inode)
{
    struct stat st;
    char name[64];

    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    snprintf(name, sizeof name, "%ju:%ju", (uintmax_t)st.st_dev,
             (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", name, 1);
    ck_assert_int_eq(log_file_open(&f, NULL), 0);
    ck_assert_int_eq(f.is_journal, 1);
    log_file_close(&f);
    setenv("JOURNAL_STREAM", "1:2", 1);
    ck_assert_int_eq(log_file_open(&f, NULL), 0);
    ck_assert_int_eq(f.is_journal, 0);
    log_file_close(&f);
    unsetenv("JOURNAL_STREAM");
    ck_assert_int_eq(log_file_open(&f, NULL), 0);
    ck_assert_int_eq(f.is_journal, 0);
    log_file_close(&f);
}
END_TEST

UNIT_MAIN(log_file, lines_are_appended, a_truncated_file_begins_anew,
          a_renamed_file_is_left_at_reopen,
          what_cannot_be_opened_leaves_the_file_as_it_was,
          what_could_never_be_opened_is_no_file,
          without_memory_there_is_no_file,
          a_full_disk_keeps_what_it_can_and_counts_the_rest,
          short_and_interrupted_writes_are_finished,
          what_is_pending_moves_up_to_make_room, a_full_pipe,
          a_full_pipe_on_a_kernel_that_cannot_be_told_not_to_wait,
          a_full_socket, a_pipe_is_given_whole_lines,
          a_descriptor_that_is_closed_only_counts,
          dev_stdout_and_dev_stderr_are_the_descriptors,
          the_journal_is_known_by_its_device_and_inode)
