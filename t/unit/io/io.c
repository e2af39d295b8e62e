/* SPDX-License-Identifier: BSD-2-Clause */
/* io.c - bytes and readiness through the event core, on both backends. */
#include <sys/mman.h>

#include "harness.h"

START_TEST(bytes_go_both_ways)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    char back[8];
    int fd[2];

    unix_pair(fd);
    end_add(&e, io, fd[0]);
    io_recv_start(io, &e.s, 0);
    put(fd[1], "hello", 5);
    UNTIL(io, e.n_got == 5);
    ck_assert_mem_eq(e.got, "hello", 5);
    ck_assert_int_eq(end_send(&e, "world!", 6), 6);
    ck_assert_int_eq(recv(fd[1], back, sizeof back, 0), 6);
    ck_assert_mem_eq(back, "world!", 6);
    put(fd[1], "again", 5);
    UNTIL(io, e.n_got == 10);
    end_drop(&e);
    ck_assert_int_eq(recv(fd[1], back, sizeof back, 0), 0);
    io_close(io);
}
END_TEST

START_TEST(end_of_input_is_told_once_after_the_bytes)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd[2];

    tcp_pair(fd);
    end_add(&e, io, fd[0]);
    io_recv_start(io, &e.s, 0);
    put(fd[1], "last", 4);
    close(fd[1]);
    UNTIL(io, e.n_ends == 1);
    ck_assert_uint_eq(e.n_got, 4);
    ck_assert_int_eq(e.error, 0);
    settle(io);
    end_drop(&e);
    io_close(io);
}
END_TEST

START_TEST(a_reset_is_an_error)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    struct linger hard = {.l_onoff = 1};
    int fd[2];

    tcp_pair(fd);
    end_add(&e, io, fd[0]);
    io_recv_start(io, &e.s, 0);
    settle(io);
    setsockopt(fd[1], SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd[1]);
    UNTIL(io, e.n_ends == 1);
    ck_assert_int_eq(e.error, -ECONNRESET);
    ck_assert_int_eq(end_send(&e, "x", 1), -EPIPE);
    end_drop(&e);
    io_close(io);
}
END_TEST

/* Sends what is left of the pattern buffer, whatever the kernel takes. */
#define BIG (4u << 20)
static char big[BIG];

static void
send_rest(struct end *e)
{
    while (e->n_sent < BIG) {
        size_t half = (BIG - e->n_sent) / 2;
        ssize_t n;
        e->op.iov[0] = (struct iovec){big + e->n_sent, half};
        e->op.iov[1] =
            (struct iovec){big + e->n_sent + half, BIG - e->n_sent - half};
        e->op.n_iov = 2;
        n = io_send(e->io, &e->s, &e->op);
        if (n == IO_PENDING)
            return;
        ck_assert_int_gt(n, 0);
        e->n_sent += (size_t)n;
    }
}

static void
on_sent_send_rest(struct end *e, ssize_t n)
{
    ck_assert_int_gt(n, 0);
    send_rest(e);
}

START_TEST(short_sends_to_a_slow_reader_keep_order)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    static char part[50000];
    size_t got = 0;
    int fd[2], room = 64 << 10; /* or a generous kernel takes all at once */

    for (size_t i = 0; i < BIG; i++)
        big[i] = pattern(i);
    tcp_pair(fd);
    ck_assert_int_eq(
        setsockopt(fd[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof room), 0);
    ck_assert_int_eq(
        setsockopt(fd[1], SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
    end_add(&e, io, fd[0]);
    e.on_sent = on_sent_send_rest;
    send_rest(&e);
    ck_assert_uint_lt(e.n_sent, BIG);
    while (got < BIG) {
        ssize_t n;
        turn(io, 0);
        if (!has_input(fd[1], 0))
            continue;
        n = recv(fd[1], part, sizeof part, 0);
        ck_assert_int_gt(n, 0);
        ck_assert_mem_eq(part, big + got, (size_t)n);
        got += (size_t)n;
    }
    ck_assert_int_gt(e.n_sends, 0);
    end_drop(&e);
    close(fd[1]);
    io_close(io);
}
END_TEST

/* Echoes each piece; on_sent follows when it could not leave at once. */
static int n_pending;

static void
echo(struct end *e, const char *p, ssize_t n)
{
    static char kept[64][16];
    static int k;
    char *copy = kept[k++ % 64];
    ssize_t rc;

    ck_assert_int_eq(n, 4);
    memcpy(copy, p, 4);
    rc = end_send(e, copy, 4);
    if (rc == IO_PENDING)
        n_pending++;
    else
        ck_assert_int_eq(rc, 4);
}

START_TEST(sends_of_a_full_batch_are_submitted)
{
    OPEN_IO(io, 0);
    static struct end e[32];
    int fd[32][2];

    n_pending = 0;
    for (int i = 0; i < 32; i++) {
        unix_pair(fd[i]);
        end_add(&e[i], io, fd[i][0]);
        e[i].on_data = echo;
        io_recv_start(io, &e[i].s, 0);
    }
    settle(io);
    for (int i = 0; i < 32; i++)
        put(fd[i][1], "ping", 4);
    for (int i = 0; i < 32; i++)
        UNTIL(io, e[i].n_got == 4 && has_input(fd[i][1], 0));
    settle(io);
    ck_assert_int_eq(n_pending, _i == 0 ? 32 : 0);
    for (int i = 0; i < 32; i++) {
        char back[8];
        ck_assert_int_eq(recv(fd[i][1], back, 8, MSG_DONTWAIT), 4);
        ck_assert_int_eq(e[i].n_sends, _i == 0 ? 1 : 0);
        end_drop(&e[i]);
        close(fd[i][1]);
    }
    io_close(io);
}
END_TEST

START_TEST(receiving_at_once_calls_back_from_inside)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd[2];

    unix_pair(fd);
    put(fd[1], "early", 5);
    end_add(&e, io, fd[0]);
    io_recv_start(io, &e.s, 1);
    ck_assert_uint_eq(e.n_got, 5);
    settle(io);
    put(fd[1], "late", 4);
    UNTIL(io, e.n_got == 9);
    ck_assert_mem_eq(e.got, "earlylate", 9);
    end_drop(&e);
    close(fd[1]);
    io_close(io);
}
END_TEST

START_TEST(receiving_at_once_from_an_empty_socket_waits)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd[2];

    unix_pair(fd);
    end_add(&e, io, fd[0]);
    io_recv_start(io, &e.s, 1);
    ck_assert_int_eq(e.n_data, 0);
    put(fd[1], "late", 4); /* before it is armed */
    UNTIL(io, e.n_got == 4);
    end_drop(&e);
    close(fd[1]);
    io_close(io);
}
END_TEST

START_TEST(receiving_at_once_takes_more_than_one_buffer)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd[2];

    for (size_t i = 0; i < 100000; i++)
        big[i] = pattern(i);
    unix_pair(fd);
    put(fd[1], big, 100000);
    end_add(&e, io, fd[0]);
    io_recv_start(io, &e.s, 1);
    ck_assert_int_eq(e.n_data, 1);
    UNTIL(io, e.n_got == 100000);
    ck_assert_mem_eq(e.got, big, 100000);
    end_drop(&e);
    close(fd[1]);
    io_close(io);
}
END_TEST

START_TEST(receiving_at_once_tells_the_end)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd[2];

    unix_pair(fd);
    close(fd[1]);
    end_add(&e, io, fd[0]);
    io_recv_start(io, &e.s, 1);
    ck_assert_int_eq(e.n_ends, 1);
    settle(io);
    end_drop(&e);
    io_close(io);
}
END_TEST

static void
start_other_at_once(struct end *e, const char *p, ssize_t n)
{
    char before[5];

    memcpy(before, p, 5);
    io_recv_start(e->io, &e->other->s, 1);
    ck_assert_int_eq(n, 5);
    ck_assert_mem_eq(before, p, 5);
}

START_TEST(receiving_at_once_inside_a_callback_keeps_its_bytes)
{
    OPEN_IO(io, 0);
    struct end a = {0}, b = {0};
    int fa[2], fb[2];

    unix_pair(fa);
    unix_pair(fb);
    put(fa[1], "first", 5);
    put(fb[1], "SECOND", 6);
    end_add(&a, io, fa[0]);
    end_add(&b, io, fb[0]);
    a.on_data = start_other_at_once;
    a.other = &b;
    io_recv_start(io, &a.s, 1);
    UNTIL(io, b.n_got == 6);
    ck_assert_mem_eq(a.got, "first", 5);
    end_drop(&a);
    end_drop(&b);
    close(fa[1]);
    close(fb[1]);
    io_close(io);
}
END_TEST

static void
stop_after_data(struct end *e, const char *p, ssize_t n)
{
    (void)p;
    (void)n;
    io_recv_stop(e->io, &e->s);
}

START_TEST(a_stopped_receive_holds_the_sender_back)
{
    OPEN_IO(io, .n_buffers = 4);
    struct end e = {0};
    size_t put_in = 0, stood;
    int fd[2];

    for (size_t i = 0; i < BIG; i++)
        big[i] = pattern(i);
    unix_pair(fd);
    end_add(&e, io, fd[0]);
    e.on_data = stop_after_data;
    io_recv_start(io, &e.s, 0);
    for (int quiet = 0; quiet < 20; quiet++) {
        ssize_t n = send(fd[1], big + put_in, BIG - put_in, MSG_DONTWAIT);
        if (n > 0) {
            put_in += (size_t)n;
            quiet = 0;
        }
        turn(io, 2);
    }
    ck_assert_uint_lt(put_in, BIG);
    stood = e.n_got;
    ck_assert_uint_gt(stood, 0);
    ck_assert_uint_lt(stood, put_in);
    e.on_data = NULL;
    io_recv_start(io, &e.s, 0);
    UNTIL(io, e.n_got == put_in);
    ck_assert_mem_eq(e.got, big, put_in);
    end_drop(&e);
    close(fd[1]);
    io_close(io);
}
END_TEST

START_TEST(stops_and_starts_in_one_turn_lose_nothing)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd[2];
    size_t n = 0;

    unix_pair(fd);
    end_add(&e, io, fd[0]);
    for (int i = 0; i < 200; i++) {
        char c = (char)i;
        for (int k = 0; k < i % 4; k++) {
            io_recv_start(io, &e.s, k % 2);
            io_recv_stop(io, &e.s);
        }
        put(fd[1], &c, 1);
        n++;
        io_recv_start(io, &e.s, i % 3 == 0);
        if (i % 5 == 0)
            turn(io, 1);
        if (i % 7 == 0)
            io_recv_stop(io, &e.s);
    }
    io_recv_start(io, &e.s, 0);
    UNTIL(io, e.n_got == n);
    for (size_t i = 0; i < n; i++)
        ck_assert_int_eq(e.got[i], (char)i);
    end_drop(&e);
    close(fd[1]);
    io_close(io);
}
END_TEST

START_TEST(the_end_waits_while_stopped)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd[2];

    unix_pair(fd);
    end_add(&e, io, fd[0]);
    io_recv_start(io, &e.s, 0);
    settle(io);
    io_recv_stop(io, &e.s);
    close(fd[1]);
    settle(io);
    ck_assert_int_eq(e.n_ends, 0);
    io_recv_start(io, &e.s, 0);
    UNTIL(io, e.n_ends == 1);
    end_drop(&e);
    io_close(io);
}
END_TEST

START_TEST(an_idle_source_gets_its_bytes)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd[2];
    size_t n = 0;

    unix_pair(fd);
    end_add(&e, io, fd[0]);
    io_recv_start(io, &e.s, 0);
    for (int i = 0; i < 100; i++) {
        if (i % 3 == 0)
            settle(io);
        if (i % 2 == 0)
            put(fd[1], "a", 1);
        io_idle(io, &e.s);
        if (i % 5 == 0)
            turn(io, 1);
        put(fd[1], "bc", 2);
        n += i % 2 == 0 ? 3 : 2;
        if (i % 7 != 0)
            UNTIL(io, e.n_got == n);
        if (i % 11 == 0) {
            io_recv_stop(io, &e.s);
            io_recv_start(io, &e.s, 0);
        }
    }
    UNTIL(io, e.n_got == n);
    settle(io);
    io_idle(io, &e.s);
    settle(io);
    close(fd[1]);
    UNTIL(io, e.n_ends == 1);
    end_drop(&e);
    io_close(io);
}
END_TEST

START_TEST(an_idle_source_may_be_stopped_and_dropped)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd[2];

    unix_pair(fd);
    end_add(&e, io, fd[0]);
    io_recv_start(io, &e.s, 0);
    settle(io);
    io_idle(io, &e.s);
    settle(io);
    io_recv_stop(io, &e.s);
    put(fd[1], "x", 1);
    settle(io);
    ck_assert_uint_eq(e.n_got, 0);
    io_recv_start(io, &e.s, 0);
    UNTIL(io, e.n_got == 1);
    io_idle(io, &e.s);
    settle(io);
    end_drop(&e);
    ck_assert_int_eq(has_input(fd[1], 0), 1);
    close(fd[1]);
    io_close(io);
}
END_TEST

START_TEST(a_poll_fires_once_with_what_is_true)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd[2];

    unix_pair(fd);
    end_add(&e, io, fd[0]);
    io_poll(io, &e.s, POLLOUT);
    UNTIL(io, e.n_ready == 1);
    ck_assert_uint_eq(e.ready, POLLOUT);
    settle(io);
    ck_assert_int_eq(e.n_ready, 1);
    io_poll(io, &e.s, POLLIN);
    settle(io);
    ck_assert_int_eq(e.n_ready, 1);
    put(fd[1], "x", 1);
    UNTIL(io, e.n_ready == 2);
    ck_assert_uint_eq(e.ready, POLLIN);
    io_poll(io, &e.s, POLLIN); /* still true */
    UNTIL(io, e.n_ready == 3);
    close(fd[1]);
    io_poll(io, &e.s, POLLOUT);
    UNTIL(io, e.n_ready == 4);
    ck_assert_uint_ne(e.ready & POLLHUP, 0);
    end_drop(&e);
    io_close(io);
}
END_TEST

START_TEST(a_new_poll_replaces_the_old)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd[2];

    unix_pair(fd);
    end_add(&e, io, fd[0]);
    io_poll(io, &e.s, POLLIN);
    settle(io);
    io_poll(io, &e.s, POLLOUT);
    UNTIL(io, e.n_ready == 1);
    ck_assert_uint_eq(e.ready, POLLOUT);
    io_poll(io, &e.s, POLLIN);
    settle(io);
    io_poll_stop(io, &e.s);
    put(fd[1], "x", 1);
    settle(io);
    ck_assert_int_eq(e.n_ready, 1);
    io_poll(io, &e.s, POLLIN);
    io_poll_stop(io, &e.s);
    io_poll(io, &e.s, POLLIN);
    UNTIL(io, e.n_ready == 2);
    end_drop(&e);
    close(fd[1]);
    io_close(io);
}
END_TEST

static void
drain_pipe(struct end *e)
{
    char b[64];
    ssize_t n;

    while ((n = read(e->s.fd, b, sizeof b)) > 0)
        e->n_got += (size_t)n;
}

START_TEST(a_watch_goes_on)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd[2];

    ck_assert_int_eq(pipe2(fd, O_CLOEXEC | O_NONBLOCK), 0);
    ck_assert_int_eq(write(fd[1], "abc", 3), 3);
    end_add(&e, io, fd[0]);
    e.on_ready = drain_pipe;
    io_watch(io, &e.s, POLLIN);
    UNTIL(io, e.n_got == 3);
    for (size_t i = 1; i <= 50; i++) {
        ck_assert_int_eq(write(fd[1], "d", 1), 1);
        UNTIL(io, e.n_got == 3 + i);
    }
    io_poll_stop(io, &e.s);
    settle(io);
    ck_assert_int_eq(write(fd[1], "e", 1), 1);
    settle(io);
    ck_assert_uint_eq(e.n_got, 53);
    io_watch(io, &e.s, POLLIN);
    UNTIL(io, e.n_got == 54);
    close(fd[1]);
    UNTIL(io, e.ready & POLLHUP);
    end_drop(&e);
    io_close(io);
}
END_TEST

/* By poll(2) it is ready at any time, whatever epoll says. */
START_TEST(a_file_is_ready)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd = memfd_create("file", MFD_CLOEXEC), nothing = open("/", O_PATH);

    end_add(&e, io, fd);
    io_poll(io, &e.s, POLLIN);
    UNTIL(io, e.ready);
    ck_assert_uint_eq(e.ready, POLLIN);
    end_drop(&e);
    e = (struct end){0};
    end_add(&e, io, nothing);
    io_poll(io, &e.s, POLLIN | POLLOUT);
    UNTIL(io, e.ready);
    ck_assert_uint_eq(e.ready, POLLERR);
    end_drop(&e);
    io_close(io);
}
END_TEST

START_TEST(a_wait_ends_in_time)
{
    OPEN_IO(io, 0);
    struct timespec a, b;
    int64_t ms;

    clock_gettime(CLOCK_MONOTONIC, &a);
    turn(io, 0);
    turn(io, 30);
    clock_gettime(CLOCK_MONOTONIC, &b);
    ms = (b.tv_sec - a.tv_sec) * 1000 + (b.tv_nsec - a.tv_nsec) / 1000000;
    ck_assert_int_ge(ms, 29);
    ck_assert_uint_eq(io_stats(io)->turns, 2);
    ck_assert_uint_eq(io_stats(io)->events, 0);
    io_close(io);
}
END_TEST

START_TEST(many_sources_share_two_buffers)
{
    OPEN_IO(io, .n_buffers = 2, .buffer_bytes = 64);
    static struct end e[100];
    int fd[100][2];

    for (size_t i = 0; i < 1000; i++)
        big[i] = pattern(i);
    for (int i = 0; i < 100; i++) {
        unix_pair(fd[i]);
        end_add(&e[i], io, fd[i][0]);
        io_recv_start(io, &e[i].s, 0);
    }
    settle(io);
    for (int i = 0; i < 100; i++)
        put(fd[i][1], big, 1000);
    for (int i = 0; i < 100; i++)
        UNTIL(io, e[i].n_got == 1000);
    for (int i = 0; i < 100; i++)
        ck_assert_mem_eq(e[i].got, big, 1000);
    if (_i == 0) {
        ck_assert_uint_gt(io_stats(io)->no_buffers, 0);
        /* grown, there is no want any more */
        uint64_t before = io_stats(io)->no_buffers;
        for (int i = 0; i < 16; i++)
            put(fd[i][1], big, 64);
        for (int i = 0; i < 16; i++)
            UNTIL(io, e[i].n_got == 1064);
        ck_assert_uint_eq(io_stats(io)->no_buffers, before);
    }
    for (int i = 0; i < 20000; i++) /* a long time without want */
        turn(io, 0);
    for (int i = 0; i < 100; i++)
        put(fd[i][1], big, 1000);
    for (int i = 0; i < 100; i++) {
        size_t before = _i == 0 && i < 16 ? 1064 : 1000;
        UNTIL(io, e[i].n_got == before + 1000);
        ck_assert_mem_eq(e[i].got + before, big, 1000);
        end_drop(&e[i]);
        close(fd[i][1]);
    }
    io_close(io);
}
END_TEST

static size_t hog_got;

static void
note_hog(struct end *e, const char *p, ssize_t n)
{
    (void)p;
    (void)n;
    if (hog_got == 0)
        hog_got = e->other->n_got;
}

START_TEST(a_turn_is_shared)
{
    OPEN_IO(io, 0);
    struct end hog = {0}, small = {0};
    int fd[2][2], bytes = 4 << 20;
    size_t put_in = 0;
    ssize_t n;

    for (size_t i = 0; i < BIG; i++)
        big[i] = pattern(i);
    for (int i = 0; i < 2; i++)
        tcp_pair(fd[i]);
    setsockopt(fd[0][0], SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(fd[0][1], SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    end_add(&hog, io, fd[0][0]);
    end_add(&small, io, fd[1][0]);
    small.on_data = note_hog;
    small.other = &hog;
    while ((n = send(fd[0][1], big + put_in, BIG - put_in, MSG_DONTWAIT)) > 0)
        put_in += (size_t)n;
    put(fd[1][1], "x", 1);
    io_recv_start(io, &hog.s, 0);
    io_recv_start(io, &small.s, 0);
    UNTIL(io, small.n_got == 1);
    ck_assert_uint_lt(hog_got, put_in);
    UNTIL(io, hog.n_got == put_in);
    ck_assert_mem_eq(hog.got, big, put_in);
    end_drop(&hog);
    end_drop(&small);
    close(fd[0][1]);
    close(fd[1][1]);
    io_close(io);
}
END_TEST

START_TEST(what_cannot_be_polled_is_an_error)
{
    OPEN_IO(io, 0);
    struct end e = {0};

    end_add(&e, io, 1000); /* no such descriptor */
    io_watch(io, &e.s, POLLIN);
    UNTIL(io, e.n_ready == 1);
    ck_assert_uint_eq(e.ready, POLLERR);
    settle(io);
    ck_assert_int_eq(e.n_ready, 1);
    end_drop(&e);
    io_close(io);
}
END_TEST

START_TEST(a_thousand_sources_come_and_go)
{
    OPEN_IO(io, .entries = 64);
    static struct end e[250];
    static int fd[250][2];

    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 250; i++) {
            unix_pair(fd[i]);
            end_add(&e[i], io, fd[i][0]);
            io_recv_start(io, &e[i].s, i % 2);
            put(fd[i][1], "some bytes", 10);
            if (i % 16 == 0)
                turn(io, 0);
        }
        for (int i = 0; i < 250; i++)
            UNTIL(io, e[i].n_got == 10);
        for (int i = 0; i < 250; i++) {
            if (i % 3 == 0)
                close(fd[i][1]);
            io_drop(io, &e[i].s);
        }
        for (int i = 0; i < 250; i++) {
            UNTIL(io, e[i].n_released == 1);
            end_free(&e[i]);
            if (i % 3 != 0)
                close(fd[i][1]);
        }
    }
    io_close(io);
}
END_TEST

/* clang-format off */
IO_MAIN(io, 2,
    bytes_go_both_ways,
    end_of_input_is_told_once_after_the_bytes,
    a_reset_is_an_error,
    short_sends_to_a_slow_reader_keep_order,
    sends_of_a_full_batch_are_submitted,
    receiving_at_once_calls_back_from_inside,
    receiving_at_once_from_an_empty_socket_waits,
    receiving_at_once_takes_more_than_one_buffer,
    receiving_at_once_tells_the_end,
    receiving_at_once_inside_a_callback_keeps_its_bytes,
    a_stopped_receive_holds_the_sender_back,
    stops_and_starts_in_one_turn_lose_nothing,
    the_end_waits_while_stopped,
    an_idle_source_gets_its_bytes,
    an_idle_source_may_be_stopped_and_dropped,
    a_poll_fires_once_with_what_is_true,
    a_new_poll_replaces_the_old,
    a_watch_goes_on,
    a_file_is_ready,
    a_wait_ends_in_time,
    many_sources_share_two_buffers,
    a_turn_is_shared,
    what_cannot_be_polled_is_an_error,
    a_thousand_sources_come_and_go)
/* clang-format on */
