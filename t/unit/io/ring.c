/* SPDX-License-Identifier: BSD-2-Clause */
/* ring.c - submissions and completions of one io_uring. */
#include "io/ring.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "t/lib/unit.h"

/* False, with a message, where there is no io_uring. */
static int
open_ring(struct ring *r, unsigned n)
{
    int rc = ring_open(r, n);

    if (rc < 0)
        fprintf(stderr, "skipped: %s\n", strerror(-rc));
    return rc == 0;
}

static void
submit_nop(struct ring *r, uint64_t tag)
{
    struct io_uring_sqe *sqe;

    ck_assert(ring_has_room(r));
    sqe = ring_sqe(r);
    io_uring_prep_nop(sqe);
    sqe->user_data = tag;
}

START_TEST(what_is_submitted_completes_in_order)
{
    struct ring r;
    unsigned head;
    uint64_t expected = 0, tag = 0;

    if (!open_ring(&r, 5))
        return;
    ck_assert_uint_eq(r.n_entries, 8);
    for (int turn = 0; turn < 1000; turn++) {
        int n = turn % 9;
        for (int i = 0; i < n; i++)
            submit_nop(&r, tag++);
        ck_assert_int_eq(ring_has_room(&r), n < 8);
        ck_assert_int_eq(ring_enter(&r, n > 0, -1), 0);
        ck_assert_uint_eq(ring_ready(&r, &head), (unsigned)n);
        for (int i = 0; i < n; i++)
            ck_assert_uint_eq(ring_cqe(&r, head++)->user_data, expected++);
        ring_seen(&r, head);
    }
    ring_close(&r);
}
END_TEST

START_TEST(completions_that_do_not_fit_come_later)
{
    struct ring r;
    unsigned head;
    uint64_t expected = 0;

    if (!open_ring(&r, 2))
        return;
    for (uint64_t tag = 0; tag < 40; tag++) {
        submit_nop(&r, tag);
        ck_assert_int_eq(ring_enter(&r, 0, 0), 0);
    }
    ck_assert(ring_is_overflown(&r));
    while (expected < 40) {
        unsigned n = ring_ready(&r, &head);
        ck_assert_uint_gt(n, 0);
        for (; n > 0; n--)
            ck_assert_uint_eq(ring_cqe(&r, head++)->user_data, expected++);
        ring_seen(&r, head);
        ck_assert_int_eq(ring_enter(&r, 0, 0), 0);
    }
    ck_assert(!ring_is_overflown(&r));
    ring_close(&r);
}
END_TEST

START_TEST(a_wait_ends_when_time_is_up)
{
    struct timespec a, b;
    struct ring r;
    unsigned head;
    int64_t ms;

    if (!open_ring(&r, 2))
        return;
    clock_gettime(CLOCK_MONOTONIC, &a);
    ck_assert_int_eq(ring_enter(&r, 1, 20), 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
    ck_assert_int_ge(ms, 19);
    ck_assert_uint_eq(ring_ready(&r, &head), 0);
    ck_assert_int_eq(ring_enter(&r, 0, 0), 0);
    ring_close(&r);
}
END_TEST

/* clang-format off */
UNIT_MAIN(ring,
    what_is_submitted_completes_in_order,
    completions_that_do_not_fit_come_later,
    a_wait_ends_when_time_is_up)
/* clang-format on */
