/* SPDX-License-Identifier: BSD-2-Clause */
/* io_uring.c - what only rings do: overflow, run out of slots, count entries;
 * and what io_uring_enter may answer. */
/* ldflags: -Wl,--wrap=syscall -Wl,--wrap=shutdown */
#include <stdarg.h>
#include <sys/syscall.h>

#include "harness.h"

static int enter_errno; /* what io_uring_enter fails with, if not 0 */
static int n_refusals;  /* how often */

long __real_syscall(long n, ...);
long __wrap_syscall(long n, ...);

long
__wrap_syscall(long n, ...)
{
    long a[6];
    va_list ap;

    va_start(ap, n);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(ap, long);
    va_end(ap);
    if (n == SYS_io_uring_enter && n_refusals > 0) {
        n_refusals--;
        errno = enter_errno;
        return -1;
    }
    return __real_syscall(n, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static struct end ends[200];
static int fds[200][2];

static void
open_ends(struct io *io, int n)
{
    for (int i = 0; i < n; i++) {
        unix_pair(fds[i]);
        end_add(&ends[i], io, fds[i][0]);
        io_recv_start(io, &ends[i].s, 0);
    }
}

static void
drop_ends(struct io *io, int n)
{
    for (int i = 0; i < n; i++)
        io_drop(io, &ends[i].s);
    for (int i = 0; i < n; i++) {
        UNTIL(io, ends[i].n_released == 1);
        end_free(&ends[i]);
        close(fds[i][1]);
    }
}

static void
echo_one(struct end *e, const char *p, ssize_t n)
{
    ssize_t rc;

    (void)p;
    (void)n;
    rc = end_send(e, "pong", 4);
    ck_assert(rc == 4 || rc == IO_PENDING);
}

START_TEST(a_completion_queue_that_overflows_loses_nothing)
{
    OPEN_IO(io, .entries = 2, .n_buffers = 128);
    char back[8];

    open_ends(io, 200);
    settle(io);
    for (int i = 0; i < 200; i++) {
        ends[i].on_data = echo_one;
        put(fds[i][1], "ping", 4);
    }
    for (int i = 0; i < 200; i++) {
        UNTIL(io, ends[i].n_got == 4 && has_input(fds[i][1], 0));
        ck_assert_int_eq(recv(fds[i][1], back, 8, 0), 4);
    }
    ck_assert_uint_gt(io_stats(io)->overflows, 0);
    drop_ends(io, 200);
    io_close(io);
}
END_TEST

START_TEST(one_slot_for_all_submissions_is_enough)
{
    OPEN_IO(io, .entries = 1);
    char back[8];

    open_ends(io, 50);
    for (int i = 0; i < 50; i++) {
        ends[i].on_data = echo_one;
        put(fds[i][1], "ping", 4);
    }
    for (int i = 0; i < 50; i++) {
        UNTIL(io, ends[i].n_got == 4 && has_input(fds[i][1], 0));
        ck_assert_int_eq(recv(fds[i][1], back, 8, 0), 4);
        io_recv_stop(io, &ends[i].s);
        io_poll(io, &ends[i].s, POLLIN);
    }
    drop_ends(io, 50);
    io_close(io);
}
END_TEST

START_TEST(a_request_is_one_entry)
{
    OPEN_IO(io, 0);
    uint64_t before;

    open_ends(io, 1);
    ends[0].on_data = echo_one;
    settle(io);
    before = io_stats(io)->enters;
    for (int i = 0; i < 100; i++) {
        char back[8];
        put(fds[0][1], "ping", 4);
        turn(io, 1000);
        ck_assert_int_eq(recv(fds[0][1], back, 8, MSG_DONTWAIT), 4);
    }
    ck_assert_uint_eq(io_stats(io)->enters - before, 100);
    ck_assert_uint_eq(io_stats(io)->rearms, 0);
    drop_ends(io, 1);
    io_close(io);
}
END_TEST

static int n_shutdowns;

int __real_shutdown(int fd, int how);
int __wrap_shutdown(int fd, int how);

int
__wrap_shutdown(int fd, int how)
{
    n_shutdowns++;
    return __real_shutdown(fd, how);
}

static void
drop_on_sent(struct end *e, ssize_t n)
{
    ck_assert_int_eq(n, 4);
    io_drop(e->io, &e->s);
}

static void
answer_and_drop(struct end *e, const char *p, ssize_t n)
{
    ssize_t rc = end_send_flags(e, "pong", 4, IO_LAST);

    (void)p;
    (void)n;
    if (rc == IO_PENDING)
        e->on_sent = drop_on_sent;
    else
        drop_on_sent(e, rc);
}

/* Nothing is armed any more after the first bytes: nothing to shut down, to
 * cancel, to wait for. */
START_TEST(a_connection_of_one_request_is_released_in_the_turn_of_its_drop)
{
    OPEN_IO(io, 0);
    char back[8];
    uint64_t before;

    open_ends(io, 1);
    ends[0].on_data = answer_and_drop;
    settle(io);
    before = io_stats(io)->enters;
    put(fds[0][1], "ping", 4);
    turn(io, 1000);
    ck_assert_int_eq(ends[0].n_released, 1);
    ck_assert_uint_eq(io_stats(io)->enters - before, 1);
    ck_assert_int_eq(n_shutdowns, 0);
    ck_assert_int_eq(recv(fds[0][1], back, 8, MSG_DONTWAIT), 4);
    ck_assert_int_eq(recv(fds[0][1], back, 8, MSG_DONTWAIT), 0);
    settle(io);
    ck_assert_uint_eq(io_stats(io)->stale, 0);
    end_free(&ends[0]);
    close(fds[0][1]);
    io_close(io);
}
END_TEST

START_TEST(a_last_send_that_is_submitted_leaves_nothing_armed)
{
    OPEN_IO(io, 0);
    char back[8];
    uint64_t before;

    open_ends(io, 20);
    settle(io);
    before = io_stats(io)->enters;
    for (int i = 0; i < 20; i++) {
        ends[i].on_data = answer_and_drop;
        put(fds[i][1], "ping", 4);
    }
    turn(io, 1000);
    turn(io, 1000);
    ck_assert_uint_eq(io_stats(io)->enters - before, 2);
    ck_assert_int_eq(n_shutdowns, 0);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(ends[i].n_released, 1);
        ck_assert_int_eq(recv(fds[i][1], back, 8, MSG_DONTWAIT), 4);
        ck_assert_int_eq(recv(fds[i][1], back, 8, MSG_DONTWAIT), 0);
        end_free(&ends[i]);
        close(fds[i][1]);
    }
    io_close(io);
}
END_TEST

START_TEST(an_entry_that_fails_for_now_is_repeated)
{
    static const int passing[] = {EINTR, EAGAIN, EBUSY, ETIME};
    OPEN_IO(io, .entries = 1);

    for (size_t i = 0; i < ARRAY_LEN(passing); i++) {
        enter_errno = passing[i];
        n_refusals = 3;
        open_ends(io, 10);
        put(fds[7][1], "x", 1);
        n_refusals = 3;
        UNTIL(io, ends[7].n_got == 1);
        drop_ends(io, 10);
    }
    enter_errno = EBADF;
    n_refusals = 1;
    ck_assert_int_eq(io_wait(io, 0), -EBADF);
    io_close(io);
}
END_TEST

static int n_starts;

static void
start_many(struct end *e, const char *p, ssize_t n)
{
    (void)p;
    (void)n;
    for (int i = 100; i < 150; i++, n_starts++) {
        unix_pair(fds[i]);
        end_add(&ends[i], e->io, fds[i][0]);
        put(fds[i][1], "early", 5);
        io_recv_start(e->io, &ends[i].s, 0);
    }
}

START_TEST(a_batch_may_submit_more_than_fits)
{
    OPEN_IO(io, .entries = 4, .n_buffers = 2);

    open_ends(io, 40);
    settle(io);
    ends[0].on_data = start_many;
    for (int i = 0; i < 40; i++)
        put(fds[i][1], "data", 4);
    for (int i = 0; i < 40; i++)
        UNTIL(io, ends[i].n_got == 4);
    for (int i = 100; i < 150; i++) {
        UNTIL(io, ends[i].n_got == 5);
        ck_assert_mem_eq(ends[i].got, "early", 5);
        end_drop(&ends[i]);
        close(fds[i][1]);
    }
    drop_ends(io, 40);
    io_close(io);
}
END_TEST

/* ---- much at once --------------------------------------------------------*/

#define FLOOD 60000u

static char flood[FLOOD];
static ssize_t largest; /* piece that came */

static void
keep_largest(struct end *e, const char *p, ssize_t n)
{
    (void)e;
    (void)p;
    largest = n > largest ? n : largest;
}

static void
put_flood(struct io *io, struct end *e, int fd)
{
    const size_t before = e->n_got;

    for (size_t i = 0; i < FLOOD; i++)
        flood[i] = (char)(i * 7 + before);
    put(fd, flood, FLOOD);
    UNTIL(io, e->n_got == before + FLOOD);
    ck_assert_mem_eq(e->got + before, flood, FLOOD);
}

/* One end, which is received in bulk. */
static void
open_flooded(struct io *io)
{
    largest = 0;
    open_ends(io, 1);
    ends[0].on_data = keep_largest;
    put_flood(io, &ends[0], fds[0][1]);
    ck_assert_int_eq(largest, 2048);
    put_flood(io, &ends[0], fds[0][1]);
    ck_assert_int_eq(largest, 16384);
}

START_TEST(much_at_once_comes_in_larger_pieces_until_it_ebbs)
{
    OPEN_IO(io, .n_buffers = 64, .buffer_bytes = 2048);
    uint64_t rearms;

    open_flooded(io);
    for (size_t i = 0; i < 3; i++) { /* by buffers again, and back */
        largest = 0;
        put(fds[0][1], "ping", 4);
        UNTIL(io, largest == 4);
        rearms = io_stats(io)->rearms;
        put(fds[0][1], "ping", 4);
        settle(io);
        put(fds[0][1], "ping", 4);
        settle(io);
        ck_assert_uint_eq(io_stats(io)->rearms, rearms);
        put_flood(io, &ends[0], fds[0][1]);
        ck_assert_int_eq(largest, 2048);
        put_flood(io, &ends[0], fds[0][1]);
        ck_assert_int_eq(largest, 16384);
    }
    close(fds[0][1]);
    UNTIL(io, ends[0].n_ends == 1);
    ck_assert_int_eq(ends[0].error, 0);
    settle(io);
    end_drop(&ends[0]);
    io_close(io);
}
END_TEST

static void
stop_and_keep(struct end *e, const char *p, ssize_t n)
{
    keep_largest(e, p, n);
    io_recv_stop(e->io, &e->s);
}

START_TEST(much_at_once_may_be_stopped_and_started)
{
    OPEN_IO(io, .n_buffers = 64, .buffer_bytes = 2048);
    size_t before;

    open_flooded(io);
    before = ends[0].n_got;
    ends[0].on_data = stop_and_keep;
    put(fds[0][1], flood, FLOOD);
    UNTIL(io, ends[0].n_got > before);
    settle(io);
    ck_assert_uint_eq(ends[0].n_got, before + 16384);
    io_idle(io, &ends[0].s);
    io_recv_start(io, &ends[0].s, 0);
    io_recv_stop(io, &ends[0].s);
    ends[0].on_data = NULL;
    io_recv_start(io, &ends[0].s, 0);
    io_idle(io, &ends[0].s);
    UNTIL(io, ends[0].n_got == before + FLOOD);
    ck_assert_mem_eq(ends[0].got + before, flood, FLOOD);
    drop_ends(io, 1);
    io_close(io);
}
END_TEST

static void
drop_at_once(struct end *e, const char *p, ssize_t n)
{
    (void)p;
    (void)n;
    io_drop(e->io, &e->s);
}

START_TEST(what_is_received_in_bulk_may_be_dropped)
{
    OPEN_IO(io, .n_buffers = 64, .buffer_bytes = 2048);
    int n_data;

    open_flooded(io); /* within the callback */
    n_data = ends[0].n_data;
    ends[0].on_data = drop_at_once;
    put(fds[0][1], flood, FLOOD);
    UNTIL(io, ends[0].n_released == 1);
    ck_assert_int_eq(ends[0].n_data, n_data + 1);
    end_free(&ends[0]);
    close(fds[0][1]);

    open_flooded(io); /* outside */
    end_drop(&ends[0]);
    close(fds[0][1]);

    largest = 0; /* on the way there */
    open_ends(io, 1);
    ends[0].on_data = keep_largest;
    put(fds[0][1], flood, FLOOD);
    UNTIL(io, ends[0].n_data > 2);
    end_drop(&ends[0]);
    close(fds[0][1]);
    io_close(io);
}
END_TEST

/* clang-format off */
IO_MAIN(io_uring, 1,
    a_completion_queue_that_overflows_loses_nothing,
    one_slot_for_all_submissions_is_enough,
    a_request_is_one_entry,
    a_connection_of_one_request_is_released_in_the_turn_of_its_drop,
    a_last_send_that_is_submitted_leaves_nothing_armed,
    an_entry_that_fails_for_now_is_repeated,
    a_batch_may_submit_more_than_fits,
    much_at_once_comes_in_larger_pieces_until_it_ebbs,
    much_at_once_may_be_stopped_and_started,
    what_is_received_in_bulk_may_be_dropped)
/* clang-format on */
