/* SPDX-License-Identifier: BSD-2-Clause */
/* faults.c - the block, its ring, and its words. */
/* tags: asan */
#include "ctl/faults.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "t/lib/unit.h"

static struct faults *f;
static int fd;

static void
setup(void)
{
    fd = faults_new();
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(faults_map(fd, &f), 0);
}

static void
teardown(void)
{
    faults_unmap(f);
    close(fd);
}

static uint64_t
add(int signo)
{
    uint64_t serial;
    struct faults_record *r = faults_begin(f, &serial);

    r->signo = signo;
    faults_end(r, serial);
    return serial;
}

START_TEST(another_mapping_reads_what_one_has_written)
{
    struct faults *theirs;
    struct faults_record r;

    ck_assert_uint_eq(faults_count(f), 0);
    ck_assert_uint_eq(add(SIGBUS), 1);
    ck_assert_int_eq(faults_map(fd, &theirs), 0);
    ck_assert_uint_eq(faults_count(theirs), 1);
    ck_assert_int_eq(faults_read(theirs, 1, &r), 1);
    ck_assert_int_eq(r.signo, SIGBUS);
    ck_assert_int_eq(faults_read(theirs, 2, &r), 0);
    faults_unmap(theirs);
}
END_TEST

START_TEST(one_of_its_own_needs_no_descriptor)
{
    struct faults *own;
    struct faults_record r;
    uint64_t serial;
    struct faults_record *at;

    ck_assert_int_eq(faults_private(&own), 0);
    at = faults_begin(own, &serial);
    faults_end(at, serial);
    ck_assert_int_eq(faults_read(own, serial, &r), 1);
    faults_unmap(own);
}
END_TEST

START_TEST(the_oldest_gives_way)
{
    struct faults_record r;

    for (unsigned i = 1; i <= FAULTS_RECORDS + 2; i++)
        ck_assert_uint_eq(add((int)i), i);
    ck_assert_int_eq(faults_read(f, 2, &r), 0);
    for (unsigned i = 3; i <= FAULTS_RECORDS + 2; i++) {
        ck_assert_int_eq(faults_read(f, i, &r), 1);
        ck_assert_int_eq(r.signo, (int)i);
    }
}
END_TEST

START_TEST(one_that_is_not_whole_is_not_there)
{
    struct faults_record r;
    uint64_t serial;

    for (unsigned i = 0; i < FAULTS_RECORDS; i++)
        (void)add(1);
    (void)faults_begin(f, &serial);
    ck_assert_int_eq(faults_read(f, serial, &r), 0);
    ck_assert_int_eq(faults_read(f, serial - FAULTS_RECORDS, &r), 0);
}
END_TEST

START_TEST(what_is_no_block_is_refused)
{
    struct faults *none;
    int other = memfd_create("other", MFD_CLOEXEC);

    ck_assert_int_eq(faults_map(other, &none), -EPROTO);
    ck_assert_int_eq(ftruncate(other, sizeof *f), 0);
    ck_assert_int_eq(faults_map(other, &none), -EPROTO);
    ck_assert_ptr_null(none);
    close(other);
    ck_assert_int_eq(faults_map(-1, &none), -EBADF);
}
END_TEST

static struct faults_record
example(void)
{
    struct faults_record r = {
        .result = FAULTS_RECOVERED,
        .signo = SIGSEGV,
        .code = SEGV_MAPERR,
        .address = 0x10,
        .request = 7,
        .pid = 1,
        .tid = 2,
        .thread = "worker 0",
        .plugin = "org.example.boom",
        .version = "1.0.0",
        .sha256 = "0123456789abcdef",
        .build_id = "beef",
        .instance = "boom",
        .callback = "handler",
        .route = "explode",
        .target = "GET /boom",
        .n_frames = 2,
        .frames = {{0x123, 3, "boom.so", "write"}, {0x456, 0, "", ""}},
    };

    return r;
}

START_TEST(a_record_in_words)
{
    struct faults_record r = example();
    char text[FAULTS_TEXT_MAX + 1];

    text[faults_write(&r, text, FAULTS_TEXT_MAX)] = '\0';
    ck_assert_str_eq(
        text,
        "fault: SIGSEGV (nothing is mapped there) at 0x10; recovered: this "
        "request alone is answered with 500\n"
        "  plugin    org.example.boom 1.0.0, sha256 0123456789ab, build beef\n"
        "  callback  handler of boom, route explode\n"
        "  request   7 GET /boom\n"
        "  thread    worker 0 (2) of process 1\n"
        "  #0        boom.so+0x123 write+0x3\n"
        "  #1        0x456\n");
}
END_TEST

static void
says(const struct faults_record *r, const char *part)
{
    char text[FAULTS_TEXT_MAX + 1];

    text[faults_write(r, text, FAULTS_TEXT_MAX)] = '\0';
    unit_has(text, part);
}

START_TEST(what_is_known_of_a_signal)
{
    struct faults_record r = example();

    snprintf(r.what, sizeof r.what, "the end of a task's stack");
    says(&r, "fault: SIGSEGV (the end of a task's stack) at 0x10; ");
}
END_TEST

START_TEST(an_answer_that_had_begun_is_cut_off)
{
    struct faults_record r = example();

    r.has_begun = 1;
    says(&r, "recovered: the answer, which had begun, alone is cut off");
}
END_TEST

START_TEST(who_has_an_answer_already_gets_no_500)
{
    struct faults_record r = example();

    snprintf(r.callback, sizeof r.callback, "log step");
    says(&r, "recovered: the callback is given up\n");
}
END_TEST

/* Whoever wrote it went wrong. */
START_TEST(whatever_a_record_holds_it_stays_in_its_bounds)
{
    struct faults_record r;
    char text[FAULTS_TEXT_MAX];
    size_t n;

    memset(&r, 0xff, sizeof r);
    n = faults_write(&r, text, sizeof text);
    ck_assert_uint_gt(n, 0);
    memset(&r, 'x', sizeof r);
    ck_assert_uint_le(faults_write(&r, text, sizeof text), sizeof text);
    r = example();
    strcpy(r.target, "GET /a\nb\033[0m");
    n = faults_write(&r, text, sizeof text - 1);
    text[n] = '\0';
    unit_has(text, "GET /a?b?[0m\n");
    for (size_t cap = 0; cap < 300; cap++)
        ck_assert_uint_le(faults_write(&r, text, cap), cap);
}
END_TEST

static void *
add_many(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++)
        (void)add(SIGFPE);
    return NULL;
}

START_TEST(threads_have_records_of_their_own)
{
    pthread_t t[4];

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, add_many, NULL), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    ck_assert_uint_eq(faults_count(f), 4000);
}
END_TEST

UNIT_MAIN_IN(setup, teardown, faults,
             another_mapping_reads_what_one_has_written,
             one_of_its_own_needs_no_descriptor, the_oldest_gives_way,
             one_that_is_not_whole_is_not_there, what_is_no_block_is_refused,
             a_record_in_words, an_answer_that_had_begun_is_cut_off,
             what_is_known_of_a_signal, who_has_an_answer_already_gets_no_500,
             whatever_a_record_holds_it_stays_in_its_bounds,
             threads_have_records_of_their_own)
