/* SPDX-License-Identifier: BSD-2-Clause */
/* warm.c - what is known of a file that is in memory, and for how long.
 * tags: asan */
#include "conn/warm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "http/segment.h"
#include "t/lib/unit.h"

#define BYTES 65536u
#define NOW 100000u

static struct segment s;

/* A file, which is in memory because it was just written. */
static void
begin(void)
{
    char path[] = "/tmp/etude-warm-XXXXXX";
    char *p = calloc(1, BYTES);
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    unlink(path);
    ck_assert_int_eq(write(fd, p, BYTES), BYTES);
    ck_assert_int_eq(fsync(fd), 0);
    free(p);
    s = (struct segment){.kind = SEGMENT_FILE, .fd = fd, .n = BYTES};
}

static void
end(void)
{
    close(s.fd);
}

/* It is thrown out; false: what lies here cannot be. */
static int
forget(void)
{
    char byte;
    struct iovec iov = {&byte, 1};

    ck_assert_int_eq(posix_fadvise(s.fd, 0, 0, POSIX_FADV_DONTNEED), 0);
    return preadv2(s.fd, &iov, 1, 0, RWF_NOWAIT) < 0;
}

START_TEST(what_was_seen_counts_for_a_while)
{
    struct warm_state w = {0};

    ck_assert_uint_eq(warm_bytes(&w, &s, NOW), BYTES);
    if (!forget())
        return;
    ck_assert_uint_eq(warm_bytes(&w, &s, NOW + WARM_TRUST_MS - 1), BYTES);
    ck_assert_uint_eq(warm_bytes(&w, &s, NOW + WARM_TRUST_MS), 0);
}
END_TEST

START_TEST(unless_a_read_has_found_it_gone)
{
    struct warm_state w = {0};

    ck_assert_uint_eq(warm_bytes(&w, &s, NOW), BYTES);
    if (!forget())
        return;
    warm_doubt(&w, NOW);
    ck_assert_uint_eq(warm_bytes(&w, &s, NOW), 0);
}
END_TEST

/* So a file that is never kept in memory is sent, too. */
START_TEST(what_was_read_in_vain_so_often_counts)
{
    struct warm_state w = {.of = &s, .end = BYTES / 2, .n_jobs = 1};

    if (!forget())
        return;
    warm_doubt(&w, NOW);
    ck_assert_uint_eq(warm_bytes(&w, &s, NOW), 0);
    w.n_jobs = WARM_JOBS;
    ck_assert_uint_eq(warm_bytes(&w, &s, NOW), BYTES / 2);
}
END_TEST

START_TEST(no_more_than_a_job_has_read)
{
    struct warm_state w = {.of = &s, .end = 4096, .n_jobs = 1};

    warm_doubt(&w, NOW);
    ck_assert_uint_eq(warm_bytes(&w, &s, NOW), 4096);
    ck_assert_uint_eq(w.n_jobs, 0);
    s.off = 4096; /* that was sent */
    s.n -= 4096;
    ck_assert_uint_eq(warm_bytes(&w, &s, NOW), BYTES - 4096);
}
END_TEST

UNIT_MAIN_IN(begin, end, warm, what_was_seen_counts_for_a_while,
             unless_a_read_has_found_it_gone,
             what_was_read_in_vain_so_often_counts, no_more_than_a_job_has_read)
