/* SPDX-License-Identifier: BSD-2-Clause */
/* io_drop.c - the end of a source: whenever, wherever, whatever is going on. */
#include <linux/tcp.h>

#include "harness.h"

static void
drop_self(struct end *e, const char *p, ssize_t n)
{
    (void)p;
    (void)n;
    io_drop(e->io, &e->s);
    ck_assert_int_eq(e->n_released, 0);
}

START_TEST(dropped_inside_its_own_callback)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    char c;
    int fd[2];

    unix_pair(fd);
    end_add(&e, io, fd[0]);
    e.on_data = drop_self;
    io_recv_start(io, &e.s, 0);
    put(fd[1], "x", 1);
    UNTIL(io, e.n_released == 1);
    ck_assert_int_eq(e.n_data, 1);
    ck_assert_int_eq(recv(fd[1], &c, 1, 0), 0);
    end_free(&e);
    close(fd[1]);
    io_close(io);
}
END_TEST

START_TEST(dropped_while_received_from_at_once)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd[2];

    unix_pair(fd);
    put(fd[1], "x", 1);
    end_add(&e, io, fd[0]);
    e.on_data = drop_self;
    io_recv_start(io, &e.s, 1);
    ck_assert_int_eq(e.n_data, 1);
    ck_assert_int_eq(e.n_released, 0);
    UNTIL(io, e.n_released == 1);
    end_free(&e);
    close(fd[1]);
    io_close(io);
}
END_TEST

static int n_others_dropped;

static void
drop_others(struct end *e, const char *p, ssize_t n)
{
    struct end *all = e->other;

    (void)p;
    (void)n;
    for (int i = 0; i < 20; i++)
        if (&all[i] != e && all[i].n_data == 0) {
            io_drop(e->io, &all[i].s);
            n_others_dropped++;
        }
    for (int i = 0; i < 20; i++)
        all[i].on_data = NULL;
}

START_TEST(siblings_with_events_in_the_same_batch_hear_no_more)
{
    OPEN_IO(io, 0);
    static struct end e[20];
    int fd[20][2], n_heard = 0;

    n_others_dropped = 0;
    for (int i = 0; i < 20; i++) {
        unix_pair(fd[i]);
        end_add(&e[i], io, fd[i][0]);
        e[i].on_data = drop_others;
        e[i].other = e;
        io_recv_start(io, &e[i].s, 0);
    }
    settle(io);
    for (int i = 0; i < 20; i++)
        put(fd[i][1], "x", 1);
    UNTIL(io, n_others_dropped == 19);
    for (int i = 0; i < 20; i++)
        n_heard += e[i].n_data > 0;
    ck_assert_int_eq(n_heard, 1);
    for (int i = 0; i < 20; i++) {
        if (e[i].n_data > 0)
            end_drop(&e[i]);
        UNTIL(io, e[i].n_released == 1);
        end_free(&e[i]);
        close(fd[i][1]);
    }
    ck_assert_uint_gt(io_stats(io)->stale, 0);
    io_close(io);
}
END_TEST

/* The owner's memory serves the next source at once: what comes late for the
 * one before must not reach it, though even the descriptor is the same. */
static int next_fd;

static void
reuse(struct end *e)
{
    struct io *io = e->io;
    struct end *other = e->other;

    end_free(e);
    if (next_fd < 0)
        return;
    end_add(e, io, next_fd);
    e->other = other;
    e->on_data = drop_self;
    e->on_released = reuse;
    next_fd = -1;
    io_recv_start(io, &e->s, 0);
}

START_TEST(late_completions_do_not_reach_the_next_source)
{
    OPEN_IO(io, 0);
    static struct end e[16];
    int fd[16][2], peer[16];

    for (int i = 0; i < 16; i++) {
        unix_pair(fd[i]);
        end_add(&e[i], io, fd[i][0]);
        io_recv_start(io, &e[i].s, 0);
    }
    settle(io);
    for (int i = 0; i < 16; i++) {
        int next[2], old = e[i].s.fd;
        put(fd[i][1], "old bytes", 9);
        io_drop(io, &e[i].s);
        close(fd[i][1]);
        unix_pair(next);
        if (next[1] == old)
            next[1] = dup(old);
        if (next[0] != old) {
            ck_assert_int_eq(dup2(next[0], old), old);
            close(next[0]);
        }
        peer[i] = next[1];
        next_fd = old;
        e[i].on_released = reuse;
        UNTIL(io, next_fd == -1);
        put(peer[i], "new", 3);
    }
    for (int i = 0; i < 16; i++) {
        UNTIL(io, e[i].n_released == 1);
        close(peer[i]);
    }
    io_close(io);
}
END_TEST

static void
keep_data(struct end *e)
{
    ck_assert_uint_eq(e->n_got, 3);
    ck_assert_mem_eq(e->got, "new", 3);
}

START_TEST(a_receive_not_submitted_yet_is_not_the_next_descriptors)
{
    OPEN_IO(io, 0);
    struct end a = {0}, b = {0};
    int fa[2], fb[2], old;

    unix_pair(fa);
    end_add(&a, io, fa[0]);
    old = a.s.fd;
    io_recv_start(io, &a.s, 0); /* only in the submission queue */
    io_drop(io, &a.s);
    close(fa[1]);
    unix_pair(fb);
    ck_assert_int_eq(fb[0], old);
    put(fb[1], "new", 3);
    end_add(&b, io, fb[0]);
    settle(io);
    ck_assert_int_eq(a.n_data, 0);
    ck_assert_int_eq(a.n_released, 1);
    io_recv_start(io, &b.s, 0);
    UNTIL(io, b.n_got == 3);
    b.on_released = keep_data;
    end_drop(&b);
    close(fb[1]);
    io_close(io);
}
END_TEST

START_TEST(the_peer_sees_the_end_at_once)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    char c;
    int fd[2];

    tcp_pair(fd);
    end_add(&e, io, fd[0]);
    io_recv_start(io, &e.s, 0);
    settle(io);
    io_drop(io, &e.s);
    ck_assert_int_eq(has_input(fd[1], 100), 1); /* without another turn */
    ck_assert_int_eq(recv(fd[1], &c, 1, 0), 0);
    UNTIL(io, e.n_released == 1);
    close(fd[1]);
    io_close(io);
}
END_TEST

/* How many packets came to fd. */
static uint32_t
n_packets(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof info;

    ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
    return info.tcpi_segs_in;
}

START_TEST(the_last_bytes_leave_with_the_end)
{
    OPEN_IO(io, 0);
    char back[8];

    for (int has_unread = 0; has_unread < 2; has_unread++) {
        struct end e = {0};
        uint32_t before;
        int fd[2];
        tcp_pair(fd);
        end_add(&e, io, fd[0]);
        before = n_packets(fd[1]);
        ck_assert_int_eq(end_send_flags(&e, "last", 4, IO_LAST), 4);
        ck_assert_int_eq(has_input(fd[1], 20), 0);
        if (has_unread)
            put(fd[1], "more", 4);
        shutdown(fd[0], SHUT_WR);
        io_drop(io, &e.s);
        if (!has_unread)
            ck_assert_uint_eq(n_packets(fd[1]) - before, 1);
        ck_assert_int_eq(recv(fd[1], back, 8, MSG_DONTWAIT), 4);
        ck_assert_int_le(recv(fd[1], back, 8, MSG_DONTWAIT), 0);
        UNTIL(io, e.n_released == 1);
        close(fd[1]);
    }
    io_close(io);
}
END_TEST

/* A send in flight: its bytes are the kernel's until on_released. */
START_TEST(a_send_in_flight_keeps_its_bytes_until_released)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    size_t n = 8u << 20;
    char *bytes = malloc(n);
    ssize_t sent = 0;
    int fd[2];

    memset(bytes, 'b', n);
    tcp_pair(fd);
    end_add(&e, io, fd[0]);
    io_recv_start(io, &e.s, 0);
    while (sent != IO_PENDING) {
        sent = end_send(&e, bytes, n);
        ck_assert(sent > 0 || sent == IO_PENDING);
    }
    settle(io);
    io_drop(io, &e.s);
    ck_assert_int_eq(e.n_released, 0);
    UNTIL(io, e.n_released == 1);
    ck_assert_int_eq(e.n_sends, 0);
    memset(bytes, 'X', n); /* ours again */
    free(bytes);
    for (;;) {
        static char back[65536];
        ssize_t got = recv(fd[1], back, sizeof back, 0);
        if (got <= 0)
            break;
        ck_assert_ptr_null(memchr(back, 'X', (size_t)got));
    }
    close(fd[1]);
    io_close(io);
}
END_TEST

static void
drop_on_sent(struct end *e, ssize_t n)
{
    ck_assert_int_gt(n, 0);
    io_drop(e->io, &e->s);
}

START_TEST(dropped_when_a_send_is_over)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    size_t n = 8u << 20;
    char *bytes = calloc(1, n);
    static char back[65536];
    ssize_t sent = 0;
    int fd[2];

    tcp_pair(fd);
    end_add(&e, io, fd[0]);
    e.on_sent = drop_on_sent;
    io_recv_start(io, &e.s, 0);
    while (sent != IO_PENDING)
        sent = end_send(&e, bytes, n);
    while (e.n_released == 0) {
        turn(io, 1);
        (void)!recv(fd[1], back, sizeof back, MSG_DONTWAIT);
    }
    ck_assert_int_eq(e.n_sends, 1);
    free(bytes);
    close(fd[1]);
    io_close(io);
}
END_TEST

static void
drop_on_ready(struct end *e)
{
    io_drop(e->io, &e->s);
}

START_TEST(dropped_when_ready)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd[2];

    ck_assert_int_eq(pipe2(fd, O_CLOEXEC), 0);
    end_add(&e, io, fd[0]);
    e.on_ready = drop_on_ready;
    io_watch(io, &e.s, POLLIN);
    settle(io);
    ck_assert_int_eq(write(fd[1], "x", 1), 1);
    UNTIL(io, e.n_released == 1);
    ck_assert_int_eq(e.n_ready, 1);
    close(fd[1]);
    io_close(io);
}
END_TEST

START_TEST(a_pipe_another_holds_is_forgotten)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    int fd[2], other;

    ck_assert_int_eq(pipe2(fd, O_CLOEXEC), 0);
    other = dup(fd[0]); /* so that closing ours changes nothing */
    end_add(&e, io, fd[0]);
    io_watch(io, &e.s, POLLIN);
    settle(io);
    end_drop(&e);
    ck_assert_int_eq(write(fd[1], "x", 1), 1);
    settle(io);
    ck_assert_uint_eq(io_stats(io)->stale, 0);
    close(other);
    close(fd[1]);
    io_close(io);
}
END_TEST

START_TEST(a_released_descriptor_has_lost_no_byte)
{
    OPEN_IO(io, .n_buffers = 4, .buffer_bytes = 128);
    static char all[200000];
    int fd[2];

    for (size_t i = 0; i < sizeof all; i++)
        all[i] = pattern(i);
    for (int round = 0; round < 50; round++) {
        struct end e = {0};
        static char rest[sizeof all];
        size_t put_in = 0, got;
        unix_pair(fd);
        end_add(&e, io, fd[0]);
        io_recv_start(io, &e.s, round % 2);
        for (int i = 0; i < round % 5; i++) {
            put(fd[1], all + put_in, 1000);
            put_in += 1000;
            if (i % 2)
                turn(io, 0);
        }
        if (round % 3 == 0)
            io_idle(io, &e.s);
        if (round % 4 == 0)
            turn(io, 1);
        io_release(io, &e.s);
        put(fd[1], all + put_in, 77);
        put_in += 77;
        UNTIL(io, e.n_released == 1);
        ck_assert_int_eq(e.s.fd, fd[0]);
        ck_assert_int_eq(e.n_ends, 0);
        got = e.n_got;
        while (got < put_in) {
            ssize_t n = recv(fd[0], rest, sizeof rest, MSG_DONTWAIT);
            ck_assert_int_gt(n, 0);
            ck_assert_mem_eq(rest, all + got, (size_t)n);
            got += (size_t)n;
        }
        if (e.n_got > 0)
            ck_assert_mem_eq(e.got, all, e.n_got);
        put(fd[1], "!", 1);
        settle(io);
        ck_assert_int_eq(recv(fd[0], rest, 9, MSG_DONTWAIT), 1);
        end_free(&e);
        close(fd[0]);
        close(fd[1]);
    }
    io_close(io);
}
END_TEST

static void
release_others(struct end *e, const char *p, ssize_t n)
{
    struct end *all = e->other;

    (void)p;
    (void)n;
    for (int i = 0; i < 8; i++) {
        all[i].on_data = NULL;
        if (&all[i] != e)
            io_release(e->io, &all[i].s);
    }
}

START_TEST(bytes_of_the_same_batch_survive_a_release)
{
    OPEN_IO(io, 0);
    static struct end e[8];
    int fd[8][2];

    for (int i = 0; i < 8; i++) {
        unix_pair(fd[i]);
        end_add(&e[i], io, fd[i][0]);
        e[i].on_data = release_others;
        e[i].other = e;
        io_recv_start(io, &e[i].s, 0);
    }
    settle(io);
    for (int i = 0; i < 8; i++)
        put(fd[i][1], "bytes", 5);
    UNTIL(io, e[0].n_released + e[7].n_released > 0);
    settle(io);
    for (int i = 0; i < 8; i++) {
        char rest[8];
        size_t got = e[i].n_got;
        if (e[i].n_released == 0) {
            end_drop(&e[i]);
        } else {
            ssize_t n = recv(fd[i][0], rest, sizeof rest, MSG_DONTWAIT);
            got += n > 0 ? (size_t)n : 0;
            close(fd[i][0]);
            end_free(&e[i]);
        }
        ck_assert_uint_eq(got, 5);
        close(fd[i][1]);
    }
    io_close(io);
}
END_TEST

static void
take_over_others(struct end *e, const char *p, ssize_t n)
{
    struct end *all = e->other;

    (void)p;
    (void)n;
    for (int i = 0; i < 8; i++) {
        all[i].on_data = NULL;
        if (&all[i] != e)
            io_add(e->io, &all[i].s, all[i].s.fd, &end_handler);
    }
}

/* The owner is wrong to use a source again before on_released.  Even so the
 * new source hears nothing of the old one. */
START_TEST(events_of_another_generation_are_counted_and_dropped)
{
    OPEN_IO(io, 0);
    static struct end e[8];
    int fd[8][2], n_heard = 0;

    for (int i = 0; i < 8; i++) {
        unix_pair(fd[i]);
        end_add(&e[i], io, fd[i][0]);
        e[i].on_data = take_over_others;
        e[i].other = e;
        io_recv_start(io, &e[i].s, 0);
    }
    settle(io);
    for (int i = 0; i < 8; i++)
        put(fd[i][1], "old", 3);
    UNTIL(io, io_stats(io)->stale == 7);
    for (int i = 0; i < 8; i++)
        n_heard += e[i].n_data;
    ck_assert_int_eq(n_heard, 1);
    io_close(io);
    for (int i = 0; i < 8; i++) {
        end_free(&e[i]);
        close(fd[i][0]);
        close(fd[i][1]);
    }
}
END_TEST

START_TEST(a_released_source_may_serve_on_another_io)
{
    OPEN_IO(io, 0);
    struct io *second = open_io(_i, (struct io_options){0});
    struct end e = {0};
    int fd[2];

    unix_pair(fd);
    end_add(&e, io, fd[0]);
    io_recv_start(io, &e.s, 0);
    settle(io);
    io_release(io, &e.s);
    UNTIL(io, e.n_released == 1);
    put(fd[1], "moved", 5);
    end_add(&e, second, fd[0]);
    io_recv_start(second, &e.s, 1);
    UNTIL(second, e.n_got == 5);
    end_drop(&e);
    close(fd[1]);
    io_close(second);
    io_close(io);
}
END_TEST

START_TEST(a_source_being_released_may_be_dropped)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    char c;
    int fd[2];

    for (int armed = 0; armed < 2; armed++) {
        unix_pair(fd);
        end_add(&e, io, fd[0]);
        if (armed)
            io_recv_start(io, &e.s, 0);
        settle(io);
        io_release(io, &e.s);
        io_drop(io, &e.s);
        UNTIL(io, e.n_released == 1);
        settle(io);
        ck_assert_int_eq(recv(fd[1], &c, 1, 0), 0);
        close(fd[1]);
    }
    io_close(io);
}
END_TEST

START_TEST(sources_may_be_open_when_it_closes)
{
    OPEN_IO(io, 0);
    static struct end e[3];
    size_t n = 8u << 20;
    char *bytes = calloc(1, n);
    ssize_t sent = 0;
    int fd[3][2];

    for (int i = 0; i < 3; i++) {
        tcp_pair(fd[i]);
        end_add(&e[i], io, fd[i][0]);
        io_recv_start(io, &e[i].s, 0);
    }
    while (sent != IO_PENDING)
        sent = end_send(&e[0], bytes, n);
    settle(io);
    put(fd[1][1], "x", 1);
    io_close(io);
    free(bytes);
    put(fd[2][1], "kept", 4);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(e[i].n_released, 0);
    bytes = calloc(1, 64);
    ck_assert_int_eq(recv(fd[2][0], bytes, 64, MSG_DONTWAIT), 4);
    free(bytes);
}
END_TEST

/* clang-format off */
IO_MAIN(io_drop, 2,
    dropped_inside_its_own_callback,
    dropped_while_received_from_at_once,
    siblings_with_events_in_the_same_batch_hear_no_more,
    late_completions_do_not_reach_the_next_source,
    a_receive_not_submitted_yet_is_not_the_next_descriptors,
    the_peer_sees_the_end_at_once,
    the_last_bytes_leave_with_the_end,
    a_send_in_flight_keeps_its_bytes_until_released,
    dropped_when_a_send_is_over,
    dropped_when_ready,
    a_pipe_another_holds_is_forgotten,
    a_released_descriptor_has_lost_no_byte,
    bytes_of_the_same_batch_survive_a_release,
    events_of_another_generation_are_counted_and_dropped,
    a_released_source_may_serve_on_another_io,
    a_source_being_released_may_be_dropped,
    sources_may_be_open_when_it_closes)
/* clang-format on */
