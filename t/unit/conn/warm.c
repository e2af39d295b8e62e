/* SPDX-License-Identifier: BSD-2-Clause */
/* warm.c - what is known of a file that is in memory, and for how long.
 * tags: asan */
#include "conn/warm.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "conn/env.h"
#include "http/segment.h"
#include "t/lib/unit.h"

#define PIECE (256u << 10)
#define BYTES (3 * PIECE)
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

static uint64_t
bytes_at(struct warm_state *w, uint64_t now_ms)
{
    static struct env env;

    env.clock.mono_ms = now_ms;
    return warm_bytes(w, &env, &s);
}

static void
end(void)
{
    close(s.fd);
}

/* n bytes from off on are thrown out; false: what lies here cannot be. */
static int
forget_some(off_t off, off_t n)
{
    char byte;
    struct iovec iov = {&byte, 1};

    ck_assert_int_eq(posix_fadvise(s.fd, off, n, POSIX_FADV_DONTNEED), 0);
    return preadv2(s.fd, &iov, 1, off, RWF_NOWAIT) < 0;
}

static int
forget(void)
{
    return forget_some(0, 0);
}

START_TEST(what_was_seen_counts_for_a_while)
{
    struct warm_state w = {0};

    ck_assert_uint_eq(bytes_at(&w, NOW), BYTES);
    if (!forget())
        return;
    ck_assert_uint_eq(bytes_at(&w, NOW + WARM_TRUST_MS - 1), BYTES);
    ck_assert_uint_eq(bytes_at(&w, NOW + WARM_TRUST_MS), 0);
}
END_TEST

START_TEST(unless_a_read_has_found_it_gone)
{
    struct warm_state w = {0};

    ck_assert_uint_eq(bytes_at(&w, NOW), BYTES);
    if (!forget())
        return;
    warm_doubt(&w, NOW);
    ck_assert_uint_eq(bytes_at(&w, NOW), 0);
}
END_TEST

START_TEST(what_was_lent_is_asked_for_again)
{
    struct warm_state w = {0};

    ck_assert_uint_eq(bytes_at(&w, NOW), BYTES);
    if (!forget())
        return;
    w.is_lent = 1;
    ck_assert_uint_eq(bytes_at(&w, NOW + 1000), BYTES);
    w.is_lent = 0;
    ck_assert_uint_eq(bytes_at(&w, NOW + 1000), 0);
}
END_TEST

START_TEST(the_front_may_be_there_and_no_more)
{
    struct warm_state w = {0};

    if (!forget_some(PIECE, PIECE))
        return;
    ck_assert_uint_eq(bytes_at(&w, NOW), PIECE);
    s.off = PIECE; /* that was sent */
    s.n -= PIECE;
    ck_assert_uint_eq(bytes_at(&w, NOW), 0);
    s.off += PIECE;
    s.n -= PIECE;
    ck_assert_uint_eq(bytes_at(&w, NOW), PIECE);
}
END_TEST

START_TEST(while_it_is_read_it_is_not_there)
{
    struct warm_state w = {.job = (struct warm *)&s};

    ck_assert_uint_eq(bytes_at(&w, NOW), 0);
}
END_TEST

UNIT_MAIN_IN(begin, end, warm, what_was_seen_counts_for_a_while,
             unless_a_read_has_found_it_gone, what_was_lent_is_asked_for_again,
             the_front_may_be_there_and_no_more,
             while_it_is_read_it_is_not_there)
