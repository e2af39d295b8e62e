/* SPDX-License-Identifier: BSD-2-Clause */
/* bufring.c - how many receive buffers are in the kernel's hands, and which. */
#include "io/bufring.h"

#include <stdio.h>
#include <string.h>

#include "t/lib/unit.h"

static struct io_uring ring;

/* False, with a message, where there is no io_uring. */
static int
open_buffers(struct bufring *p, uint32_t n, uint32_t bytes)
{
    int rc = io_uring_queue_init(4, &ring, 0);

    if (rc == 0)
        rc = bufring_open(p, &ring, n, bytes);
    if (rc < 0)
        fprintf(stderr, "skipped: %s\n", strerror(-rc));
    return rc == 0;
}

static void
close_buffers(struct bufring *p)
{
    io_uring_queue_exit(&ring);
    bufring_close(p);
}

START_TEST(it_begins_with_what_was_asked_for)
{
    struct bufring p;

    if (!open_buffers(&p, 3, 100))
        return;
    ck_assert_uint_eq(p.n, 4);
    ck_assert_uint_eq(p.tail, 4);
    ck_assert_uint_eq(p.ring->tail, 4);
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(p.ring->bufs[i].bid, i);
        ck_assert_uint_eq(p.ring->bufs[i].len, 100);
        ck_assert_uint_eq(p.ring->bufs[i].addr, (uintptr_t)bufring_at(&p, i));
    }
    ck_assert_ptr_eq(bufring_at(&p, 3), bufring_at(&p, 2) + 100);
    memset(bufring_at(&p, 63), 1, 100);
    close_buffers(&p);
}
END_TEST

START_TEST(what_is_given_is_seen_when_published)
{
    struct bufring p;

    if (!open_buffers(&p, 2, 64))
        return;
    for (unsigned i = 0; i < 100000; i++) { /* past every wrap */
        unsigned before = p.tail;
        bufring_give(&p, i % 2);
        ck_assert_uint_eq(p.ring->tail, before);
        bufring_publish(&p);
        ck_assert_uint_eq(p.ring->tail, (before + 1) & 0xffff);
        ck_assert_uint_eq(p.ring->bufs[before % 32].bid, i % 2);
    }
    close_buffers(&p);
}
END_TEST

START_TEST(it_grows_when_it_starves_again_soon)
{
    struct bufring p;

    if (!open_buffers(&p, 2, 64))
        return;
    bufring_starve(&p, 10);
    ck_assert_uint_eq(p.n, 2);
    bufring_starve(&p, 10); /* the same turn */
    ck_assert_uint_eq(p.n, 2);
    bufring_starve(&p, 500);
    ck_assert_uint_eq(p.n, 2);
    bufring_starve(&p, 501);
    ck_assert_uint_eq(p.n, 4);
    ck_assert_uint_eq(p.tail, 4);
    for (unsigned turn = 502; turn < 520; turn++)
        bufring_starve(&p, turn);
    ck_assert_uint_eq(p.n, 32);
    ck_assert_uint_eq(p.tail, 32);
    close_buffers(&p);
}
END_TEST

START_TEST(it_shrinks_when_it_has_long_been_enough)
{
    struct bufring p;

    if (!open_buffers(&p, 2, 64))
        return;
    for (unsigned turn = 1; turn <= 3; turn++)
        bufring_starve(&p, turn);
    ck_assert_uint_eq(p.n, 8);
    bufring_rest(&p, 3 + BUFRING_REST_TURNS - 1);
    ck_assert_uint_eq(p.n, 8);
    bufring_rest(&p, 3 + BUFRING_REST_TURNS);
    ck_assert_uint_eq(p.n, 4);
    bufring_give(&p, 5); /* kept back */
    bufring_give(&p, 7);
    ck_assert_uint_eq(p.tail, 8);
    bufring_give(&p, 3);
    ck_assert_uint_eq(p.tail, 9);
    /* Growing again gives those two, not the ones still out. */
    bufring_starve(&p, 10000);
    bufring_starve(&p, 10001);
    ck_assert_uint_eq(p.n, 8);
    ck_assert_uint_eq(p.tail, 11);
    ck_assert_uint_eq(p.ring->bufs[9].bid, 5);
    ck_assert_uint_eq(p.ring->bufs[10].bid, 7);
    bufring_give(&p, 4);
    ck_assert_uint_eq(p.tail, 12);
    for (unsigned i = 0; i < 10; i++)
        bufring_rest(&p, 100000);
    ck_assert_uint_eq(p.n, 2);
    close_buffers(&p);
}
END_TEST

/* clang-format off */
UNIT_MAIN(bufring,
    it_begins_with_what_was_asked_for,
    what_is_given_is_seen_when_published,
    it_grows_when_it_starves_again_soon,
    it_shrinks_when_it_has_long_been_enough)
/* clang-format on */
