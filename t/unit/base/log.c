/* SPDX-License-Identifier: BSD-2-Clause */
/* log.c - the log as its users see it: lines in files, rings that are full,
 * a consumer that sleeps, files that will not take their lines. */
/* ldflags: -Wl,--wrap=mmap,--wrap=calloc,--wrap=aligned_alloc,--wrap=strdup */
/* ldflags: -Wl,--wrap=write */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <regex.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "t/lib/fixture.h"
#include "t/lib/unit.h"

static int fail_at = -1; /* the fail_at-th request for memory fails */

void *__real_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);
void *__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_aligned_alloc(size_t align, size_t n);
void *__wrap_aligned_alloc(size_t align, size_t n);
char *__real_strdup(const char *s);
char *__wrap_strdup(const char *s);

static int
fails(void)
{
    return fail_at >= 0 && fail_at-- == 0;
}

void *
__wrap_mmap(void *p, size_t n, int prot, int flags, int fd, off_t off)
{
    if (fails()) {
        errno = ENOMEM;
        return MAP_FAILED;
    }
    return __real_mmap(p, n, prot, flags, fd, off);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_aligned_alloc(size_t align, size_t n)
{
    return fails() ? NULL : __real_aligned_alloc(align, n);
}

char *
__wrap_strdup(const char *s)
{
    return fails() ? NULL : __real_strdup(s);
}

static int n_full; /* so many writes find the disk full */

ssize_t __real_write(int fd, const void *p, size_t n);
ssize_t __wrap_write(int fd, const void *p, size_t n);

ssize_t
__wrap_write(int fd, const void *p, size_t n)
{
    if (n_full > 0) {
        n_full--;
        errno = ENOSPC;
        return -1;
    }
    return __real_write(fd, p, n);
}

#define STAMP                                                                  \
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "

static const char *path; /* the server's log */

static void
begin(void)
{
    static char name[64];

    fixture_setup();
    snprintf(name, sizeof name, "%s", fixture_path("etude.log"));
    path = name;
    ck_assert_int_eq(log_server_open(path), 0);
}

static void
end(void)
{
    ck_assert_int_eq(log_server_open(NULL), 0);
    fixture_teardown();
}

static const char *
content(const char *file)
{
    static char text[1 << 20];
    int fd = open(file, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);

    ck_assert_int_ge(n, 0);
    close(fd);
    text[n] = '\0';
    return text;
}

static unsigned
n_lines(const char *text)
{
    unsigned n = 0;

    while (*text)
        n += *text++ == '\n';
    return n;
}

/* What the log has said to be lost. */
static uint64_t
said_lost(const char *text)
{
    uint64_t n = 0;

    for (const char *at = text; (at = strstr(at, " lost\n")); at++) {
        const char *p = at - strlen(" lines were");

        while (p[-1] >= '0' && p[-1] <= '9')
            p--;
        n += strtoull(p, NULL, 10);
    }
    for (const char *at = text; (at = strstr(at, " log records dropped"));
         at++) {
        const char *p = at;

        while (p[-1] >= '0' && p[-1] <= '9')
            p--;
        n += strtoull(p, NULL, 10);
    }
    return n;
}

static unsigned
count(const char *text, const char *what)
{
    unsigned n = 0;

    for (; (text = strstr(text, what)); text++)
        n++;
    return n;
}

/* The text matches an extended regular expression. */
static void
matches(const char *text, const char *expression)
{
    regex_t re;
    int rc;

    ck_assert_int_eq(regcomp(&re, expression, REG_EXTENDED | REG_NOSUB), 0);
    rc = regexec(&re, text, 0, NULL, 0);
    regfree(&re);
    if (rc != 0)
        ck_abort_msg("\"%s\" does not match \"%s\"", text, expression);
}

START_TEST(without_a_ring_a_record_is_written_at_once)
{
    begin();
    log_info("listening on %s", "127.0.0.1:8080");
    matches(content(path), STAMP "info  listening on 127.0.0.1:8080\n$");
    log_printf(LOG_ERROR, "plugin=x", "line\nbreak");
    matches(content(path), "Z error plugin=x: line\\\\nbreak\n$");
    end();
}
END_TEST

START_TEST(records_above_the_level_are_dropped)
{
    begin();
    ck_assert_int_eq(log_get_level(), LOG_INFO);
    log_debug("not %s", "this");
    log_write(LOG_DEBUG, NULL, "nor this", 8);
    log_set_level(LOG_DEBUG);
    log_debug("this");
    log_set_level(LOG_ERROR);
    log_warn("not this");
    log_error("and this");
    log_write((enum log_level)0, NULL, "odd", 3);
    matches(content(path), "^[^\n]* debug this\n[^\n]* error and this\n"
                           "[^\n]* error odd\n$");
    end();
}
END_TEST

START_TEST(records_of_a_ring_are_written_by_drain)
{
    struct log_ring *r;

    begin();
    r = log_ring_new("worker 1", 1 << 16);
    ck_assert_ptr_nonnull(r);
    log_use_ring(r);
    log_info("first");
    log_printf(LOG_WARN, "plugin=limit@users", "second");
    ck_assert_str_eq(content(path), "");
    ck_assert_uint_eq(log_drain(), 2);
    matches(content(path),
            STAMP "info  worker=1: first\n"
                  "[^\n]* warn  worker=1 plugin=limit@users: second\n$");
    ck_assert_uint_eq(log_drain(), 0);
    log_use_ring(NULL);
    log_info("direct");
    matches(content(path), "info  direct\n$");
    log_ring_free(r);
    end();
}
END_TEST

START_TEST(json)
{
    begin();
    log_set_format(LOG_JSON);
    log_printf(LOG_WARN, "plugin=\"x\"", "a \"b\"");
    matches(content(path),
            "^\\{\"time\":\"[^\"]*Z\",\"level\":\"warn\",\"where\":"
            "\"plugin=\\\\\"x\\\\\"\",\"text\":\"a \\\\\"b\\\\\"\"\\}\n$");
    end();
}
END_TEST

START_TEST(a_long_record_is_cut)
{
    static char text[10000];
    const char *cut;

    begin();
    memset(text, 'x', sizeof text - 1);
    log_info("%s", text);
    cut = strchr(content(path), 'x');
    ck_assert_uint_eq(strspn(cut, "x"), LOG_TEXT_MAX);
    ck_assert_str_eq(cut + LOG_TEXT_MAX, "\n");
    /* where a character would be torn, before it */
    memcpy(text + LOG_TEXT_MAX - 1, "\xc3\xbc", 2);
    log_printf(LOG_INFO, text, "%s", text);
    cut = content(path);
    cut = strrchr(cut, ' ') + 1;
    ck_assert_uint_eq(strspn(cut, "x"), LOG_TEXT_MAX - 1);
    ck_assert_str_eq(cut + LOG_TEXT_MAX - 1, "\n");
    end();
}
END_TEST

START_TEST(a_full_ring_drops_counts_and_says_so)
{
    struct log_ring *r;
    uint64_t before;
    unsigned kept;

    begin();
    before = log_dropped();
    r = log_ring_new("worker 3", LOG_RING_MIN);
    log_use_ring(r);
    for (int i = 0; i < 100; i++)
        log_info("record %d of a hundred", i);
    ck_assert_uint_gt(log_dropped(), before);
    kept = 100 - (unsigned)(log_dropped() - before);
    ck_assert_uint_gt(kept, 5);
    ck_assert_uint_eq(log_drain(), kept);
    ck_assert_uint_eq(n_lines(content(path)), kept + 1);
    matches(content(path),
            "warn  worker=3: [0-9]+ log records dropped: no room\n$");
    ck_assert_uint_eq(log_dropped() - before, 100 - kept);
    log_info("again");
    ck_assert_uint_eq(log_drain(), 1);
    ck_assert_uint_eq(n_lines(content(path)), kept + 2);
    log_use_ring(NULL);
    log_ring_free(r);
    ck_assert_uint_eq(log_dropped() - before, 100 - kept);
    end();
}
END_TEST

START_TEST(a_ring_that_is_freed_is_written_out)
{
    struct log_ring *r;

    begin();
    log_ring_free(NULL);
    r = log_ring_new("a name that is far too long for a thread", 1024);
    ck_assert_ptr_nonnull(log_ring_new("another", 1024));
    log_use_ring(r);
    log_info("last words");
    log_use_ring(NULL);
    log_ring_free(r);
    matches(content(path), "a=name that is far too long for: last words\n$");
    end();
}
END_TEST

START_TEST(channels_get_lines_as_they_are)
{
    const char *access;
    struct log_ring *r;
    int a, again, s;

    begin();
    access = fixture_path("access.log");
    a = log_channel_open(access);
    ck_assert_int_gt(a, 0);
    again = log_channel_open(access);
    ck_assert_int_eq(again, a);
    s = log_channel_open("");
    ck_assert_int_gt(s, 0);
    ck_assert_int_ne(s, a);
    ck_assert_int_eq(log_line((uint32_t)a, "direct \x01", 8), 0);
    r = log_ring_new("worker 0", 1 << 16);
    log_use_ring(r);
    ck_assert_int_eq(log_line((uint32_t)a, "queued", 6), 0);
    ck_assert_int_eq(log_line((uint32_t)a, "", 0), 0);
    ck_assert_int_eq(log_line((uint32_t)s, "to the server", 13), 0);
    ck_assert_int_eq(log_line(0, "to the server too", 17), 0);
    log_drain();
    ck_assert_str_eq(content(access), "direct \x01\nqueued\n\n");
    ck_assert_str_eq(content(path), "to the server\nto the server too\n");
    log_channel_close(again);
    log_line((uint32_t)a, "still open", 10);
    log_channel_close(a); /* writes out what is queued */
    matches(content(access), "\nstill open\n$");
    log_channel_close(s);
    log_use_ring(NULL);
    log_ring_free(r);
    end();
}
END_TEST

START_TEST(a_line_to_no_channel_is_lost_and_counted)
{
    uint64_t before;

    begin();
    before = log_dropped();
    ck_assert_int_eq(log_line(17, "x", 1), ERR_LIMIT);
    ck_assert_int_eq(log_line(LOG_CHANNELS_MAX, "x", 1), ERR_LIMIT);
    ck_assert_int_eq(log_line(UINT32_MAX, "x", 1), ERR_LIMIT);
    ck_assert_uint_eq(log_dropped() - before, 3);
    ck_assert_uint_eq(said_lost(content(path)), 3);
    ck_assert_int_eq(log_is_behind(), 0);
    end();
}
END_TEST

START_TEST(a_line_may_be_8000_bytes_and_no_more)
{
    static char text[LOG_LINE_MAX + 1];
    uint64_t before;
    struct log_ring *r;
    int c;

    begin();
    c = log_channel_open(fixture_path("a.log"));
    before = log_dropped();
    memset(text, 'x', sizeof text);
    ck_assert_int_eq(log_line((uint32_t)c, text, LOG_LINE_MAX), 0);
    ck_assert_int_eq(log_line((uint32_t)c, text, LOG_LINE_MAX + 1), ERR_LIMIT);
    r = log_ring_new("worker 0", 1 << 15);
    log_use_ring(r);
    ck_assert_int_eq(log_line((uint32_t)c, text, LOG_LINE_MAX), 0);
    ck_assert_int_eq(log_line((uint32_t)c, text, LOG_LINE_MAX + 1), ERR_LIMIT);
    log_drain();
    ck_assert_uint_eq(strlen(content(fixture_path("a.log"))),
                      2 * (LOG_LINE_MAX + 1));
    ck_assert_uint_eq(log_dropped() - before, 2);
    ck_assert_uint_eq(said_lost(content(path)), 2);
    log_use_ring(NULL);
    log_ring_free(r);
    log_channel_close(c);
    end();
}
END_TEST

START_TEST(channels_are_found_again_and_their_numbers_used_again)
{
    int ids[LOG_CHANNELS_MAX], last;
    char name[32];

    begin();
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "log%d", i);
        ids[i] = log_channel_open(fixture_path(name));
        ck_assert_int_gt(ids[i], 0);
        for (int k = 0; k < i; k++)
            ck_assert_int_ne(ids[i], ids[k]);
    }
    ck_assert_int_eq(log_channel_open(fixture_path("log7")), ids[7]);
    log_channel_close(ids[7]);
    log_channel_close(ids[7]);
    last = log_channel_open(fixture_path("another"));
    ck_assert_int_eq(last, ids[7]);
    ids[7] = last;
    for (int i = 0; i < 40; i++)
        log_channel_close(ids[i]);
    end();
}
END_TEST

START_TEST(there_is_a_last_channel)
{
    struct rlimit files;
    char name[32];
    int id = 1;

    begin();
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    for (int i = 1; i < LOG_CHANNELS_MAX && id > 0; i++) {
        snprintf(name, sizeof name, "log%d", i);
        id = log_channel_open(fixture_path(name));
    }
    if (id > 0) /* else the system has too few descriptors for this test */
        id = log_channel_open(fixture_path("one more"));
    ck_assert_int_eq(id, -EMFILE);
    end();
}
END_TEST

START_TEST(what_cannot_be_opened_says_why_and_changes_nothing)
{
    begin();
    ck_assert_int_eq(log_channel_open(fixture_path("no/such")), -ENOENT);
    ck_assert_int_eq(log_channel_open(fixture_dir), -EISDIR);
    ck_assert_int_eq(log_server_open(fixture_path("no/such")), -ENOENT);
    log_info("still here");
    matches(content(path), "still here\n$");
    end();
}
END_TEST

START_TEST(without_memory_nothing_is_opened)
{
    int id = -1;

    begin();
    for (int i = 0; id < 0; i++) {
        fail_at = i;
        id = log_channel_open(fixture_path("a.log"));
        fail_at = -1;
        ck_assert(id == -ENOMEM || i > 1);
    }
    log_channel_close(id);
    for (int i = 0; i < 2; i++) {
        fail_at = i;
        ck_assert_ptr_null(log_ring_new("x", 1024));
    }
    fail_at = -1;
    end();
}
END_TEST

START_TEST(after_logrotate_all_files_are_new)
{
    const char *access;
    int a;

    begin();
    access = fixture_path("access.log");
    a = log_channel_open(access);
    log_info("old");
    log_line((uint32_t)a, "old", 3);
    ck_assert_int_eq(rename(path, fixture_path("etude.log.1")), 0);
    ck_assert_int_eq(rename(access, fixture_path("access.log.1")), 0);
    log_info("old");
    ck_assert_int_eq(log_reopen(), 0);
    log_info("new");
    log_line((uint32_t)a, "new", 3);
    ck_assert_uint_eq(n_lines(content(fixture_path("etude.log.1"))), 2);
    ck_assert_str_eq(content(fixture_path("access.log.1")), "old\n");
    ck_assert_uint_eq(n_lines(content(path)), 1);
    ck_assert_str_eq(content(access), "new\n");

    ck_assert_int_eq(unlink(access), 0);
    ck_assert_int_eq(mkdir(access, 0700), 0);
    ck_assert_int_eq(log_reopen(), 1);
    matches(content(path), "error cannot reopen [^ ]*/access.log: Is a dir");
    ck_assert_int_eq(log_line((uint32_t)a, "x", 1), 0);
    log_channel_close(a);
    end();
}
END_TEST

START_TEST(a_disk_that_is_full_and_then_is_not)
{
    uint64_t before;
    int a;
    char line[1000];

    begin();
    memset(line, 'x', sizeof line);
    before = log_dropped();
    a = log_channel_open("/dev/full");
    ck_assert_int_gt(a, 0);
    for (int i = 0; i < 100; i++)
        log_line((uint32_t)a, line, sizeof line);
    ck_assert_uint_eq(log_dropped() - before, 35);
    ck_assert_uint_eq(n_lines(content(path)), 1);
    matches(content(path), "error cannot write /dev/full: No space left");
    ck_assert_int_eq(log_is_behind(), 1);
    log_channel_close(a);
    ck_assert_int_eq(log_is_behind(), 0);
    /* What was still to be written is lost with the file. */
    ck_assert_uint_eq(log_dropped() - before, 100);
    matches(content(path), "warn  closed /dev/full: 100 lines were lost\n$");
    end();
}
END_TEST

START_TEST(a_disk_that_is_full_for_a_moment_has_its_loss_said_too)
{
    uint64_t before;
    struct log_ring *r;
    char line[1000];
    int a;

    begin();
    memset(line, 'x', sizeof line);
    before = log_dropped();
    a = log_channel_open(fixture_path("access.log"));
    r = log_ring_new("worker 0", 1 << 18);
    log_use_ring(r);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(log_line((uint32_t)a, line, sizeof line), 0);
    n_full = 3;
    log_drain();
    ck_assert_int_eq(n_full, 0);
    ck_assert_uint_eq(n_lines(content(fixture_path("access.log"))), 97);
    ck_assert_uint_eq(log_dropped() - before, 3);
    matches(content(path), "warn  can write [^ ]*access.log again: 3 lines "
                           "were lost\n$");
    ck_assert_int_eq(log_is_behind(), 0);
    log_use_ring(NULL);
    log_ring_free(r);
    log_channel_close(a);
    end();
}
END_TEST

/* ---- stderr ----------------------------------------------------------------
 */

static int saved_stderr;

static void
stderr_is(int fd)
{
    saved_stderr = dup(STDERR_FILENO);
    ck_assert_int_eq(dup2(fd, STDERR_FILENO), STDERR_FILENO);
}

static void
stderr_was(void)
{
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
}

START_TEST(a_full_stderr_stops_nobody_and_says_what_was_lost)
{
    int ends[2];
    static char in[1 << 20];
    struct log_ring *r;
    uint64_t before = log_dropped(), lost, started;
    ssize_t n;

    ck_assert_int_eq(pipe(ends), 0);
    stderr_is(ends[1]);
    ck_assert_int_eq(log_server_open(NULL), 0);
    log_info("direct");
    r = log_ring_new("worker 0", 1 << 16);
    log_use_ring(r);
    started = clock_mono_ns();
    for (int i = 0; i < 20000; i++) {
        log_warn("record %d: nobody reads what is written here", i);
        if (i % 100 == 0)
            log_drain();
    }
    log_drain();
    ck_assert_uint_lt(clock_mono_ns() - started, UINT64_C(20000000000));
    ck_assert_int_eq(fcntl(ends[1], F_GETFL) & O_NONBLOCK, 0);
    lost = log_dropped() - before;
    ck_assert_uint_gt(lost, 10000);
    ck_assert_int_eq(log_is_behind(), 1);

    /* Somebody reads again. */
    for (size_t at = 0; log_is_behind(); at += (size_t)n) {
        n = read(ends[0], in + at, sizeof in - at);
        ck_assert_int_gt(n, 0);
        ck_assert_uint_eq(log_drain(), 0);
    }
    ck_assert_uint_eq(log_dropped() - before, lost);
    log_info("after");
    log_drain();
    n = read(ends[0], in, sizeof in - 1);
    ck_assert_int_gt(n, 0);
    in[n] = '\0';
    matches(in, "warn  can write the log again: [0-9]+ lines were lost\n");
    matches(in, "info  worker=0: after\n$");
    log_use_ring(NULL);
    log_ring_free(r);
    stderr_was();
    close(ends[0]);
    close(ends[1]);
}
END_TEST

static void *
read_slowly(void *arg)
{
    static char in[1 << 20];
    const int *fd = arg;
    size_t at = 0;
    ssize_t n;

    while ((n = read(*fd, in + at, 4096)) > 0)
        at += (size_t)n;
    in[at] = '\0';
    return in;
}

START_TEST(at_the_end_a_reader_that_reads_gets_all)
{
    int ends[2];
    pthread_t t;
    void *in;

    ck_assert_int_eq(pipe(ends), 0);
    stderr_is(ends[1]);
    ck_assert_int_eq(log_server_open(NULL), 0);
    for (int i = 0; i < 3000; i++)
        log_info("record %d: nobody reads what is written here", i);
    ck_assert_int_eq(log_is_behind(), 1);
    log_finish(10); /* nobody reads: it does not wait for ever */
    ck_assert_int_eq(log_is_behind(), 1);
    ck_assert_int_eq(pthread_create(&t, NULL, read_slowly, &ends[0]), 0);
    log_info("stopped");
    log_finish(20000);
    ck_assert_int_eq(log_is_behind(), 0);
    stderr_was();
    close(ends[1]);
    ck_assert_int_eq(pthread_join(t, &in), 0);
    matches(in, "warn  can write the log again: [0-9]+ lines were lost\n");
    close(ends[0]);
}
END_TEST

/* Whatever is lost where, what is written and what is said to be lost are all
 * there was: a ring that is full, a buffer that is full, a channel that is
 * closed, a ring that goes, reports that find no room themselves. */
START_TEST(what_is_written_and_what_is_said_to_be_lost_is_all)
{
    static char in[1 << 20], line[1000];
    uint64_t before = log_dropped(), lost;
    struct log_ring *r[2];
    unsigned n_put = 0;
    size_t at = 0;
    int ends[2], c[2];

    begin();
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_ge(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
    stderr_is(ends[1]);
    ck_assert_int_eq(log_server_open(NULL), 0);
    memset(line, 'x', sizeof line);
    memcpy(line, "record ", 7);
    c[0] = log_channel_open("");
    c[1] = log_channel_open("/dev/full");
    r[0] = log_ring_new("worker 0", 1 << 14);
    r[1] = log_ring_new("worker 1", 1 << 14);
    for (int i = 0; i < 2000; i++) {
        log_use_ring(r[i % 2]);
        log_warn("record %d", i);
        n_put++;
        log_line((uint32_t)c[0], line, 100);
        n_put++;
        if (i < 100) {
            log_line((uint32_t)c[1], line, sizeof line);
            n_put++;
        }
        if (i % 500 == 499)
            log_drain();
        if (i == 1500)
            log_channel_close(c[1]);
    }
    log_use_ring(NULL);
    log_ring_free(r[1]);
    log_line(77, line, 10);
    n_put++;
    lost = log_dropped() - before;
    ck_assert_uint_gt(lost, 1000);

    /* Somebody reads again, some of it at a time. */
    for (int i = 0; i < 1000 && log_is_behind(); i++) {
        struct pollfd ready = {.fd = ends[0], .events = POLLIN};

        if (poll(&ready, 1, 0) == 1)
            at += (size_t)read(ends[0], in + at, 1 + (size_t)i % 3000);
        log_drain();
    }
    ck_assert_int_eq(log_is_behind(), 0);
    while (poll(&(struct pollfd){.fd = ends[0], .events = POLLIN}, 1, 0) == 1)
        at += (size_t)read(ends[0], in + at, sizeof in - 1 - at);
    in[at] = '\0';
    ck_assert_uint_eq(count(in, "record ") + count(in, "error cannot write ") +
                          said_lost(in),
                      n_put + 1);
    ck_assert_uint_eq(said_lost(in), lost);
    ck_assert_uint_eq(log_dropped() - before, lost);
    log_channel_close(c[0]);
    log_ring_free(r[0]);
    stderr_was();
    close(ends[0]);
    close(ends[1]);
    end();
}
END_TEST

START_TEST(the_journal_gets_priorities)
{
    int ends[2], c;
    char in[1000], name[64];
    struct stat st;
    ssize_t n;

    ck_assert_int_eq(pipe(ends), 0);
    stderr_is(ends[1]);
    ck_assert_int_eq(fstat(STDERR_FILENO, &st), 0);
    snprintf(name, sizeof name, "%ju:%ju", (uintmax_t)st.st_dev,
             (uintmax_t)st.st_ino);
    setenv("JOURNAL_STREAM", name, 1);
    log_warn("careful"); /* the first use of all opens it */
    c = log_channel_open("");
    log_line((uint32_t)c, "GET /", 5);
    log_set_format(LOG_JSON);
    log_error("worse");
    n = read(ends[0], in, sizeof in - 1);
    ck_assert_int_gt(n, 0);
    in[n] = '\0';
    matches(in, "^<4>20[^\n]*Z warn  careful\n<6>GET /\n<3>\\{\"time\"");
    log_channel_close(c);
    stderr_was();
}
END_TEST

/* ---- threads ---------------------------------------------------------------
 */

START_TEST(a_producer_wakes_a_consumer_that_sleeps_and_no_other)
{
    int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    struct log_ring *r;
    uint64_t count;

    begin();
    log_set_wake_fd(wake_fd);
    r = log_ring_new("worker 0", 1 << 16);
    log_use_ring(r);
    log_info("it does not sleep yet");
    ck_assert_int_lt(read(wake_fd, &count, sizeof count), 0);
    ck_assert_uint_eq(log_drain(), 1);
    log_info("nor now: it has not been told that there is nothing");
    ck_assert_int_lt(read(wake_fd, &count, sizeof count), 0);
    ck_assert_uint_eq(log_drain(), 1);
    ck_assert_uint_eq(log_drain(), 0);
    log_info("now");
    log_info("once is enough");
    ck_assert_int_eq(read(wake_fd, &count, sizeof count), 8);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_eq(log_drain(), 2);
    ck_assert_uint_eq(log_drain(), 0);
    ck_assert_int_eq(log_line(0, "", LOG_LINE_MAX + 1), ERR_LIMIT);
    ck_assert_int_eq(read(wake_fd, &count, sizeof count), 8);
    ck_assert_uint_eq(log_drain(), 0);
    matches(content(path), "worker=0: 1 log records dropped: no room\n$");
    log_use_ring(NULL);
    log_ring_free(r);
    log_set_wake_fd(-1);
    close(wake_fd);
    end();
}
END_TEST

#define PRODUCERS 3
#define LINES 3000

static _Atomic int n_running;
static int channel, threads_fd;

static void *
produce(void *arg)
{
    struct log_ring *r = arg;
    char line[64];
    uint64_t one = 1;

    log_use_ring(r);
    for (int i = 0; i < LINES; i++) {
        int n = snprintf(line, sizeof line, "%p %d", arg, i);

        while (log_line((uint32_t)channel, line, (size_t)n) < 0)
            sched_yield();
        if (i % 16 == 0)
            log_info("thread %p at %d", arg, i);
    }
    log_use_ring(NULL);
    log_info("a thread without a ring");
    atomic_fetch_sub(&n_running, 1);
    return write(threads_fd, &one, sizeof one) == sizeof one ? arg : NULL;
}

/* The consumer sleeps on the eventfd: were a wake-up missing, it would sleep
 * for ever, for producers wait when their ring is full. */
START_TEST(threads_and_one_that_writes)
{
    struct pollfd wake = {.events = POLLIN};
    struct log_ring *rings[PRODUCERS];
    pthread_t threads[PRODUCERS];
    const char *lines;
    uint64_t count;
    int next[PRODUCERS] = {0};

    begin();
    wake.fd = threads_fd = eventfd(0, EFD_CLOEXEC);
    log_set_wake_fd(wake.fd);
    channel = log_channel_open(fixture_path("lines"));
    n_running = PRODUCERS;
    for (int i = 0; i < PRODUCERS; i++) {
        rings[i] = log_ring_new("worker 9", 1 << 12);
        ck_assert_int_eq(pthread_create(&threads[i], NULL, produce, rings[i]),
                         0);
    }
    while (atomic_load(&n_running) > 0) {
        while (log_drain() > 0)
            continue;
        ck_assert_int_eq(poll(&wake, 1, 20000), 1);
        ck_assert_int_eq(read(wake.fd, &count, sizeof count), 8);
    }
    for (int i = 0; i < PRODUCERS; i++)
        pthread_join(threads[i], NULL);
    while (log_drain() > 0)
        continue;
    lines = content(fixture_path("lines"));
    ck_assert_uint_eq(n_lines(lines), PRODUCERS * LINES);
    for (; *lines; lines = strchr(lines, '\n') + 1) {
        void *from;
        int serial, i = 0;

        if (sscanf(lines, "%p %d", &from, &serial) != 2)
            ck_abort_msg("torn: %.40s", lines);
        while (rings[i] != from)
            i++;
        if (serial != next[i]++)
            ck_abort_msg("out of order: %.40s", lines);
    }
    for (int i = 0; i < PRODUCERS; i++)
        log_ring_free(rings[i]);
    log_channel_close(channel);
    log_set_wake_fd(-1);
    close(wake.fd);
    end();
}
END_TEST

#define WAKE_UPS ((unsigned)unit_rounds(100000))

static _Atomic unsigned n_taken;

static void *
ask(void *arg)
{
    log_use_ring(arg);
    for (unsigned i = 1; i <= WAKE_UPS; i++) {
        while (atomic_load(&n_taken) < i - 1)
            continue;
        for (volatile unsigned pause = i % 256; pause > 0; pause--)
            continue;
        log_line((uint32_t)channel, "x", 1);
    }
    log_use_ring(NULL);
    return NULL;
}

/* Each line comes about when the consumer goes to sleep. */
START_TEST(no_wake_up_is_missed)
{
    struct pollfd wake = {.events = POLLIN};
    struct log_ring *r;
    pthread_t producer;
    unsigned n = 0;

    begin();
    wake.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    log_set_wake_fd(wake.fd);
    channel = log_channel_open("/dev/null");
    r = log_ring_new("worker 0", 1 << 12);
    ck_assert_int_eq(pthread_create(&producer, NULL, ask, r), 0);
    while (n < WAKE_UPS) {
        uint64_t count;
        size_t got = log_drain();

        if (got == 0) {
            if (poll(&wake, 1, 20000) != 1)
                ck_abort_msg("no wake-up after %u lines", n);
            if (read(wake.fd, &count, sizeof count) < 0)
                ck_abort_msg("no count");
        }
        n += (unsigned)got;
        atomic_store(&n_taken, n);
    }
    pthread_join(producer, NULL);
    log_ring_free(r);
    log_channel_close(channel);
    log_set_wake_fd(-1);
    close(wake.fd);
    end();
}
END_TEST

UNIT_MAIN(log, without_a_ring_a_record_is_written_at_once,
          records_above_the_level_are_dropped,
          records_of_a_ring_are_written_by_drain, json, a_long_record_is_cut,
          a_full_ring_drops_counts_and_says_so,
          a_ring_that_is_freed_is_written_out, channels_get_lines_as_they_are,
          a_line_to_no_channel_is_lost_and_counted,
          a_line_may_be_8000_bytes_and_no_more,
          channels_are_found_again_and_their_numbers_used_again,
          there_is_a_last_channel,
          what_cannot_be_opened_says_why_and_changes_nothing,
          without_memory_nothing_is_opened, after_logrotate_all_files_are_new,
          a_disk_that_is_full_and_then_is_not,
          a_disk_that_is_full_for_a_moment_has_its_loss_said_too,
          a_full_stderr_stops_nobody_and_says_what_was_lost,
          at_the_end_a_reader_that_reads_gets_all,
          what_is_written_and_what_is_said_to_be_lost_is_all,
          the_journal_gets_priorities,
          a_producer_wakes_a_consumer_that_sleeps_and_no_other,
          threads_and_one_that_writes, no_wake_up_is_missed)
