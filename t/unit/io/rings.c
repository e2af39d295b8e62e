/* SPDX-License-Identifier: BSD-2-Clause */
/* rings.c - submissions and completions of one io_uring. */
#include "io/rings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "t/lib/unit.h"

/* False, with a message, where there is no io_uring. */
static int
open_rings(struct rings *r, unsigned n)
{
    int rc = rings_open(r, n);

    if (rc < 0)
        fprintf(stderr, "skipped: %s\n", strerror(-rc));
    return rc == 0;
}

static void
submit_nop(struct rings *r, uint64_t tag)
{
    struct io_uring_sqe *sqe;

    ck_assert(rings_has_room(r));
    sqe = rings_sqe(r);
    io_uring_prep_nop(sqe);
    sqe->user_data = tag;
}

START_TEST(what_is_submitted_completes_in_order)
{
    struct rings r;
    unsigned head;
    uint64_t expected = 0, tag = 0;

    if (!open_rings(&r, 5))
        return;
    ck_assert_uint_eq(r.n_entries, 8);
    for (int turn = 0; turn < 1000; turn++) {
        int n = turn % 9;
        for (int i = 0; i < n; i++)
            submit_nop(&r, tag++);
        ck_assert_int_eq(rings_has_room(&r), n < 8);
        ck_assert_int_eq(rings_enter(&r, n > 0, -1), 0);
        ck_assert_uint_eq(rings_ready(&r, &head), (unsigned)n);
        for (int i = 0; i < n; i++)
            ck_assert_uint_eq(rings_cqe(&r, head++)->user_data, expected++);
        rings_seen(&r, head);
    }
    rings_close(&r);
}
END_TEST

START_TEST(completions_that_do_not_fit_come_later)
{
    struct rings r;
    unsigned head;
    uint64_t expected = 0;

    if (!open_rings(&r, 2))
        return;
    for (uint64_t tag = 0; tag < 40; tag++) {
        submit_nop(&r, tag);
        ck_assert_int_eq(rings_enter(&r, 0, 0), 0);
    }
    ck_assert(rings_is_overflown(&r));
    while (expected < 40) {
        unsigned n = rings_ready(&r, &head);
        ck_assert_uint_gt(n, 0);
        for (; n > 0; n--)
            ck_assert_uint_eq(rings_cqe(&r, head++)->user_data, expected++);
        rings_seen(&r, head);
        ck_assert_int_eq(rings_enter(&r, 0, 0), 0);
    }
    ck_assert(!rings_is_overflown(&r));
    rings_close(&r);
}
END_TEST

START_TEST(a_wait_ends_when_time_is_up)
{
    struct timespec a, b;
    struct rings r;
    unsigned head;
    int64_t ms;

    if (!open_rings(&r, 2))
        return;
    clock_gettime(CLOCK_MONOTONIC, &a);
    ck_assert_int_eq(rings_enter(&r, 1, 20), 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
    ck_assert_int_ge(ms, 19);
    ck_assert_uint_eq(rings_ready(&r, &head), 0);
    ck_assert_int_eq(rings_enter(&r, 0, 0), 0);
    rings_close(&r);
}
END_TEST

/* clang-format off */
UNIT_MAIN(rings,
    what_is_submitted_completes_in_order,
    completions_that_do_not_fit_come_later,
    a_wait_ends_when_time_is_up)
/* clang-format on */
