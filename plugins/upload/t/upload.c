/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan tsan */
/* ldflags: -Wl,--wrap=pwrite,--wrap=fsync,--wrap=linkat,--wrap=openat */
/* ldflags: -Wl,--wrap=renameat2,--wrap=flock,--wrap=pthread_create */
/* upload.c - what is stored, under which name, and what is left behind when it
 * is not: nothing, whatever fails. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <etude_test.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "t/lib/unit.h"

#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define HELLO64 "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="
#define ZEROS64 "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static char folder[] = "/tmp/upload-test-XXXXXX";

/* ---- calls that fail -----------------------------------------------------*/

enum call { NONE, PWRITE, FSYNC, LINKAT, TMPFILE, OPENAT, RENAME, FLOCK };

static struct {
    enum call call;
    int err;      /* 0: pwrite takes one byte */
    int in;       /* calls until it fails: 1 is the next */
    int is_once;  /* and no later one */
    int is_named; /* the file system has no O_TMPFILE */
} plan;

static int
fails(enum call call)
{
    if (plan.call != call || --plan.in > 0)
        return 0;
    if (plan.is_once)
        plan.call = NONE;
    errno = plan.err;
    return 1;
}

ssize_t __real_pwrite(int fd, const void *p, size_t n, off_t at);
ssize_t __wrap_pwrite(int fd, const void *p, size_t n, off_t at);
int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_linkat(int a, const char *from, int b, const char *to, int flags);
int __wrap_linkat(int a, const char *from, int b, const char *to, int flags);
int __real_renameat2(int a, const char *x, int b, const char *y, unsigned f);
int __wrap_renameat2(int a, const char *x, int b, const char *y, unsigned f);
int __real_openat(int dir, const char *name, int flags, ...);
int __wrap_openat(int dir, const char *name, int flags, ...);
int __real_flock(int fd, int how);
int __wrap_flock(int fd, int how);
int __real_pthread_create(pthread_t *t, const pthread_attr_t *a,
                          void *(*fn)(void *), void *arg);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *a,
                          void *(*fn)(void *), void *arg);

ssize_t
__wrap_pwrite(int fd, const void *p, size_t n, off_t at)
{
    if (!fails(PWRITE))
        return __real_pwrite(fd, p, n, at);
    return plan.err ? -1 : __real_pwrite(fd, p, 1, at);
}

int
__wrap_fsync(int fd)
{
    return fails(FSYNC) ? -1 : __real_fsync(fd);
}

int
__wrap_linkat(int a, const char *from, int b, const char *to, int flags)
{
    return fails(LINKAT) ? -1 : __real_linkat(a, from, b, to, flags);
}

int
__wrap_renameat2(int a, const char *x, int b, const char *y, unsigned f)
{
    return fails(RENAME) ? -1 : __real_renameat2(a, x, b, y, f);
}

int
__wrap_openat(int dir, const char *name, int flags, ...)
{
    const int is_tmp = (flags & O_TMPFILE) == O_TMPFILE;
    va_list ap;
    int mode;

    va_start(ap, flags);
    mode = flags & O_CREAT || is_tmp ? va_arg(ap, int) : 0;
    va_end(ap);
    errno = EOPNOTSUPP;
    if (is_tmp && plan.is_named)
        return -1;
    return fails(is_tmp ? TMPFILE : OPENAT)
               ? -1
               : __real_openat(dir, name, flags, mode);
}

int
__wrap_flock(int fd, int how)
{
    return fails(FLOCK) ? -1 : __real_flock(fd, how);
}

int
__wrap_pthread_create(pthread_t *t, const pthread_attr_t *a,
                      void *(*fn)(void *), void *arg)
{
    return plan.err == EAGAIN ? EAGAIN : __real_pthread_create(t, a, fn, arg);
}

static void
plan_to_fail(enum call call, int err, int in)
{
    plan.call = call;
    plan.err = err;
    plan.in = in;
    plan.is_once = 0;
}

/* ---- the folder ----------------------------------------------------------*/

static const char *
path_of(const char *name)
{
    static char path[sizeof folder + 256];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static int
count_files(void)
{
    DIR *dir = opendir(folder);
    const struct dirent *e;
    int n = 0;

    ck_assert_ptr_nonnull(dir);
    while ((e = readdir(dir)))
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    closedir(dir);
    return n;
}

static void
put(const char *name, const char *text)
{
    FILE *f = fopen(path_of(name), "we");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

static void
holds(const char *name, const char *text)
{
    char got[64] = "";
    FILE *f = fopen(path_of(name), "re");

    ck_assert_msg(f != NULL, "%s is not there", name);
    got[fread(got, 1, sizeof got - 1, f)] = '\0';
    fclose(f);
    ck_assert_str_eq(got, text);
}

static void
make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void
remove_folder(void)
{
    char command[sizeof folder + 16];

    et_test_end();
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void
begin(void)
{
    et_test_option("folder", folder);
    ck_assert_msg(et_test_open() == 0, "%s", et_test_why());
}

/* What is left behind when all is over. */
static void
end_with(int n_files)
{
    et_test_end();
    plan.call = NONE;
    ck_assert_int_eq(count_files(), n_files);
}

static uint32_t
send(const char *target, const char *body)
{
    et_test_request("PUT", target);
    et_test_body(body, strlen(body));
    return et_test_run();
}

static uint32_t
send_with(const char *field, const char *value)
{
    et_test_request("PUT", "/upload/x");
    et_test_header(field, value);
    et_test_body("hello", 5);
    return et_test_run();
}

/* ---- names ---------------------------------------------------------------*/

START_TEST(it_is_named_by_its_hash)
{
    begin();
    ck_assert_uint_eq(send("/upload", "hello"), 201);
    ck_assert_str_eq(et_test_type(), "application/json");
    ck_assert_str_eq(et_test_text(),
                     "{\"name\":\"" HELLO "\",\"bytes\":5,\"sha256\":\"" HELLO
                     "\"}\n");
    holds(HELLO, "hello");
    ck_assert_uint_eq(send("/upload", "hello"), 200); /* it is there */
    et_test_request("POST", "/upload");
    ck_assert_uint_eq(et_test_run(), 201); /* nothing is a file, too */
    ck_assert_int_eq(et_test_metric("stored"), 3);
    ck_assert_int_eq(et_test_metric("received"), 10);
    end_with(2);
}
END_TEST

START_TEST(or_by_the_path)
{
    static const char *const bad[] = {
        "/upload/.x",    "/upload/..",    "/upload/-x",    "/upload/a%2fb",
        "/upload/a%00b", "/upload/a%0ab", "/upload/a%20b", "/upload/%c3%a4",
        "/upload/a%5cb", "/upload/a:b",   "/upload/a%22",  "/upload/%2e%2e%2fx",
        "/upload/_x",    "/upload/a~",    "/upload/a%7f",  "/upload/%2e%2e",
    };
    char longest[256] = "/upload/";

    begin();
    ck_assert_uint_eq(send("/upload/a-B_9.tar.gz", "hello"), 201);
    ck_assert_str_eq(et_test_text(), "{\"name\":\"a-B_9.tar.gz\",\"bytes\":5,"
                                     "\"sha256\":\"" HELLO "\"}\n");
    holds("a-B_9.tar.gz", "hello");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        ck_assert_msg(send(bad[i], "hello") == 400, "%s", bad[i]);
        ck_assert(!et_test_body_was_read());
    }
    memset(longest + 8, 'a', 128);
    ck_assert_uint_eq(send(longest, "hello"), 201);
    memset(longest + 8, 'b', 129);
    ck_assert_uint_eq(send(longest, "hello"), 400);
    end_with(2);
}
END_TEST

START_TEST(what_is_there_stays_unless_it_may_be_replaced)
{
    begin();
    put("a", "before");
    ck_assert_uint_eq(send("/upload/a", "hello"), 409);
    ck_assert(!et_test_body_was_read());
    holds("a", "before");
    et_test_end();
    et_test_option("replace", "yes");
    begin();
    ck_assert_uint_eq(send("/upload/a", "hello"), 201);
    holds("a", "hello");
    put("b", "before");
    ck_assert_int_eq(symlink("b", path_of("c")), 0);
    ck_assert_uint_eq(send("/upload/c", "hello"), 201);
    holds("b", "before"); /* the link was replaced, and not followed */
    ck_assert_int_eq(mkdir(path_of("d"), 0755), 0);
    ck_assert_uint_eq(send("/upload/d", "hello"), 409);
    end_with(4);
}
END_TEST

static int n_waits;

static void
another_comes(void)
{
    if (++n_waits == 2) /* behind the look at what is there */
        put("a", "faster");
}

START_TEST(of_two_at_once_one_has_the_name)
{
    begin();
    et_test_meanwhile(another_comes);
    ck_assert_uint_eq(send("/upload/a", "hello"), 409);
    et_test_meanwhile(NULL);
    holds("a", "faster");
    end_with(1);
}
END_TEST

/* So that nothing else is ever found under a hash. */
START_TEST(a_name_that_is_a_hash_is_that_of_the_content)
{
    begin();
    ck_assert_uint_eq(send("/upload/" HELLO, "hullo"), 422);
    ck_assert_int_eq(count_files(), 0);
    ck_assert_uint_eq(send("/upload/" HELLO, "hello"), 201);
    ck_assert_uint_eq(send("/upload/" HELLO, "hello"), 200);
    et_test_end();
    et_test_option("replace", "yes");
    begin();
    ck_assert_uint_eq(send("/upload/" HELLO, "hello"), 200);
    put(HELLO, "no"); /* not by us */
    ck_assert_uint_eq(send("/upload/" HELLO, "hello"), 409);
    end_with(1);
}
END_TEST

/* ---- what is expected, and what is not taken -----------------------------*/

START_TEST(a_digest_is_compared)
{
    begin();
    ck_assert_uint_eq(send_with("Repr-Digest", "sha-256=:" ZEROS64 ":"), 422);
    ck_assert_uint_eq(send_with("Content-Digest", "sha-256=:" ZEROS64 ":"),
                      422);
    ck_assert_uint_eq(send_with("Repr-Digest", "sha-256=:AA:"), 400);
    ck_assert(!et_test_body_was_read());
    et_test_request("PUT", "/upload/x");
    et_test_header("Repr-Digest", "sha-256=:" ZEROS64 ":");
    et_test_header("Content-Digest", "sha-256=:" HELLO64 ":");
    ck_assert_uint_eq(et_test_run(), 400); /* never both */
    et_test_request("PUT", "/upload/" HELLO);
    et_test_header("Content-Digest", "sha-256=:" ZEROS64 ":");
    ck_assert_uint_eq(et_test_run(), 400);
    ck_assert_int_eq(count_files(), 0);
    ck_assert_uint_eq(send_with("Repr-Digest", "sha-256=:" HELLO64 ":"), 201);
    end_with(1);
}
END_TEST

START_TEST(some_requests_are_refused_unread)
{
    static const struct {
        const char *name, *value;
        uint32_t status;
    } of[] = {
        {"Content-Encoding", "gzip", 415},
        {"Content-Type", "Multipart/form-data; boundary=x", 415},
        {"Content-Range", "bytes 0-4/10", 400},
        {"Sec-Fetch-Site", "cross-site", 403},
        {"Origin", "http://evil.example", 403},
        {"Content-Length", "11", 413},
        {"Content-Length", "99999999999999999999", 413},
    };

    et_test_option("max", "10");
    begin();
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        ck_assert_uint_eq(send_with(of[i].name, of[i].value), of[i].status);
        ck_assert(!et_test_body_was_read());
        ck_assert(et_test_is_dressed());
    }
    ck_assert_uint_eq(send_with("Content-Encoding", "identity"), 201);
    end_with(1);
}
END_TEST

START_TEST(a_body_that_turns_out_too_large_is_not_stored)
{
    et_test_option("max", "10");
    begin();
    et_test_request("PUT", "/upload");
    et_test_header("Transfer-Encoding", "chunked");
    et_test_body("0123456789a", 11);
    ck_assert_uint_eq(et_test_run(), 413);
    et_test_request("PUT", "/upload");
    et_test_header("Transfer-Encoding", "chunked");
    et_test_body("0123456789", 10);
    ck_assert_uint_eq(et_test_run(), 201);
    end_with(1);
}
END_TEST

/* ---- what fails ----------------------------------------------------------*/

static char large[200000];

static void
build(void)
{
    et_test_request("PUT", "/upload/large");
    et_test_body(large, sizeof large);
}

static void
check_large(void)
{
    static char got[sizeof large + 1];
    FILE *f = fopen(path_of("large"), "re");

    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fread(got, 1, sizeof got, f), sizeof large);
    fclose(f);
    ck_assert(memcmp(got, large, sizeof large) == 0);
    ck_assert_int_eq(unlink(path_of("large")), 0);
}

static uint32_t
run_large(void)
{
    build();
    return et_test_run();
}

static void
fill(void)
{
    for (size_t i = 0; i < sizeof large; i++)
        large[i] = (char)(i * 7 + i / 251);
}

START_TEST(a_large_one_comes_in_pieces)
{
    static const size_t pieces[] = {0, 1000, 65536, 65537, 199999};

    fill();
    begin();
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        et_test_pieces(pieces[i]);
        ck_assert_uint_eq(run_large(), 201);
        check_large();
    }
    et_test_pieces(0);
    plan_to_fail(PWRITE, 0, 1); /* short writes, all of them */
    build();
    et_test_body(large, 300);
    ck_assert_uint_eq(et_test_run(), 201);
    ck_assert_int_eq(unlink(path_of("large")), 0);
    plan_to_fail(PWRITE, EINTR, 2);
    plan.is_once = 1;
    ck_assert_uint_eq(run_large(), 201);
    check_large();
    end_with(0);
}
END_TEST

/* With a file that has no name yet, and with one that has. */
START_TEST(whatever_call_fails_nothing_is_left)
{
    static const struct {
        enum call call;
        int err;
        uint32_t status;
    } of[] = {
        {PWRITE, ENOSPC, 507},  {PWRITE, EDQUOT, 507},  {PWRITE, EFBIG, 507},
        {PWRITE, EIO, 500},     {FSYNC, EIO, 500},      {FSYNC, ENOSPC, 507},
        {LINKAT, ENOSPC, 507},  {LINKAT, EACCES, 500},  {LINKAT, EEXIST, 409},
        {TMPFILE, ENOSPC, 507}, {TMPFILE, EMFILE, 500},
    };

    fill();
    begin();
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++)
        for (int in = 1; in <= (of[i].call == PWRITE ? 4 : 1); in++) {
            plan_to_fail(of[i].call, of[i].err, in);
            ck_assert_uint_eq(run_large(), of[i].status);
            ck_assert(of[i].status == 409 ||
                      et_test_logged(ET_L_ERROR, strerror(of[i].err)));
        }
    end_with(0);
    /* the folder's own fsync: it is whole, but who knows for how long */
    begin();
    plan_to_fail(FSYNC, EIO, 2);
    ck_assert_uint_eq(run_large(), 500);
    check_large();
    et_test_end();
    et_test_option("sync", "no");
    begin();
    plan_to_fail(FSYNC, EIO, 1);
    ck_assert_uint_eq(run_large(), 201);
    check_large();
    end_with(0);
}
END_TEST

static int n_seen;

static void
see_temp(void)
{
    n_seen += count_files();
}

/* NFS has no O_TMPFILE; this is the whole of it that differs. */
START_TEST(a_file_system_may_want_names)
{
    static const struct {
        enum call call;
        int err;
        uint32_t status;
    } of[] = {
        {OPENAT, ENOSPC, 507}, {OPENAT, EEXIST, 503},     {RENAME, EEXIST, 409},
        {RENAME, EIO, 500},    {FLOCK, EWOULDBLOCK, 503}, {PWRITE, ENOSPC, 507},
    };

    fill();
    begin();
    et_test_meanwhile(see_temp);
    plan_to_fail(TMPFILE, EISDIR, 1); /* an old kernel */
    ck_assert_uint_eq(run_large(), 201);
    ck_assert_int_gt(n_seen, 0);
    check_large();
    et_test_meanwhile(NULL);
    plan.is_named = 1;
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        plan_to_fail(of[i].call, of[i].err, 1);
        ck_assert_uint_eq(run_large(), of[i].status);
    }
    plan_to_fail(RENAME, EINVAL, 1); /* without RENAME_NOREPLACE */
    ck_assert_uint_eq(run_large(), 201);
    ck_assert_uint_eq(run_large(), 409);
    check_large();
    plan_to_fail(FLOCK, ENOLCK, 1); /* or without locks */
    ck_assert_uint_eq(run_large(), 201);
    check_large();
    end_with(0);
    et_test_option("replace", "yes");
    begin();
    ck_assert_uint_eq(run_large(), 201);
    ck_assert_uint_eq(run_large(), 201);
    check_large();
    end_with(0);
}
END_TEST

START_TEST(a_client_may_go_at_any_moment)
{
    int n;

    fill();
    begin();
    n = et_test_each_wait(build, ET_ECANCEL);
    ck_assert_int_gt(n, 8);
    check_large(); /* the last time nothing was in the way */
    ck_assert_int_eq(et_test_each_wait(build, ET_ETIME), n);
    check_large();
    end_with(0);
    begin();
    ck_assert_int_eq(et_test_each_wait(build, ET_ECRASH), n);
    check_large();
    end_with(0);
}
END_TEST

START_TEST(a_pool_that_is_busy_is_asked_again)
{
    begin();
    et_test_fail_wait(1, ET_ELIMIT);
    ck_assert_uint_eq(send("/upload/a", "hello"), 201);
    end_with(1);
}
END_TEST

START_TEST(memory_may_end_anywhere)
{
    fill();
    begin();
    ck_assert_int_gt(et_test_out_of_memory(build), 3);
    check_large();
    end_with(0);
}
END_TEST

/* ---- the folder ----------------------------------------------------------*/

START_TEST(a_folder_that_has_gone_is_a_500)
{
    char moved[sizeof folder + 8];

    begin();
    snprintf(moved, sizeof moved, "%s.moved", folder);
    ck_assert_int_eq(rename(folder, moved), 0);
    ck_assert_uint_eq(send("/upload/a", "hello"), 500);
    ck_assert(et_test_logged(ET_L_ERROR, "No such file"));
    ck_assert_int_eq(rename(moved, folder), 0);
    ck_assert_uint_eq(send("/upload/a", "hello"), 201);
    end_with(1);
}
END_TEST

START_TEST(one_that_is_none_is_refused)
{
    ck_assert_int_lt(et_test_open(), 0);
    et_test_end();
    et_test_option("folder", "/tmp/no-such-folder");
    ck_assert_int_lt(et_test_open(), 0);
    unit_has(et_test_why(), "folder: /tmp/no-such-folder: No such file");
    et_test_end();
    put("file", "");
    et_test_option("folder", path_of("file"));
    ck_assert_int_lt(et_test_open(), 0);
    unit_has(et_test_why(), "not a folder");
    et_test_end();
    plan.err = EAGAIN; /* of pthread_create */
    et_test_option("folder", folder);
    ck_assert_int_lt(et_test_open(), 0);
    unit_has(et_test_why(), "no thread");
    plan.err = 0;
}
END_TEST

START_TEST(what_a_crash_has_left_is_removed)
{
    int fd;

    put(".upload-0123456789abcdef", "left behind");
    put(".upload-0123456789abcdee", "in use");
    put(".upload-0123456789ABCDEF", "not ours");
    put(".upload-0123456789abcde", "nor this");
    put("upload-0123456789abcdef", "nor this");
    ck_assert_int_eq(
        symlink("upload-0123456789abcdef", path_of(".upload-1111111111111111")),
        0);
    ck_assert_int_eq(mkdir(path_of(".upload-2222222222222222"), 0755), 0);
    ck_assert_int_eq(mkfifo(path_of(".upload-3333333333333333"), 0600), 0);
    fd = open(path_of(".upload-0123456789abcdee"), O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    begin();
    ck_assert(et_test_logged(ET_L_INFO, "removed 1 unfinished file(s)"));
    ck_assert_int_lt(access(path_of(".upload-0123456789abcdef"), F_OK), 0);
    end_with(7);
    close(fd);
}
END_TEST

/* ---- the page ------------------------------------------------------------*/

START_TEST(the_page_is_whole)
{
    begin();
    et_test_request("GET", "/upload");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_type(), "text/html; charset=utf-8");
    unit_has(et_test_text(), "<noscript>");
    unit_has(et_test_text(), "color-scheme:light dark");
    unit_has(et_test_field("Content-Security-Policy", 0), "default-src 'none'");
    ck_assert_ptr_null(strstr(et_test_text(), "http:"));
    ck_assert_ptr_null(strstr(et_test_text(), "https:"));
}
END_TEST

UNIT_MAIN_IN(make_folder, remove_folder, upload, it_is_named_by_its_hash,
             or_by_the_path, what_is_there_stays_unless_it_may_be_replaced,
             of_two_at_once_one_has_the_name,
             a_name_that_is_a_hash_is_that_of_the_content, a_digest_is_compared,
             some_requests_are_refused_unread,
             a_body_that_turns_out_too_large_is_not_stored,
             a_large_one_comes_in_pieces, whatever_call_fails_nothing_is_left,
             a_file_system_may_want_names, a_client_may_go_at_any_moment,
             a_pool_that_is_busy_is_asked_again, memory_may_end_anywhere,
             a_folder_that_has_gone_is_a_500, one_that_is_none_is_refused,
             what_a_crash_has_left_is_removed, the_page_is_whole)
