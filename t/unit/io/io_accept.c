/* SPDX-License-Identifier: BSD-2-Clause */
/* io_accept.c - accepting: many at once, out of descriptors, shared, stopped.
 */
#include "harness.h"

static void
close_accepted(struct end *e, int fd)
{
    (void)e;
    if (fd >= 0)
        close(fd);
}

START_TEST(connections_come_as_plain_descriptors)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    struct sockaddr_in a;
    int fd[40];

    end_add(&e, io, tcp_listener(&a));
    io_accept_start(io, &e.s);
    for (int i = 0; i < 20; i++)
        fd[i] = tcp_connect(&a);
    UNTIL(io, e.n_accepts == 20);
    for (int i = 20; i < 40; i++)
        fd[i] = tcp_connect(&a);
    UNTIL(io, e.n_accepts == 40);
    for (int i = 0; i < 40; i++) {
        ck_assert_int_ne(fcntl(e.fds[i], F_GETFD) & FD_CLOEXEC, 0);
        ck_assert_int_eq(fcntl(e.fds[i], F_GETFL) & O_NONBLOCK, 0);
        close(e.fds[i]);
        close(fd[i]);
    }
    end_drop(&e);
    io_close(io);
}
END_TEST

START_TEST(a_burst_longer_than_a_turn_is_accepted)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    struct sockaddr_in a;
    static int fd[300];

    end_add(&e, io, tcp_listener(&a));
    e.on_accept = close_accepted;
    for (int i = 0; i < 300; i++)
        fd[i] = tcp_connect(&a);
    io_accept_start(io, &e.s);
    UNTIL(io, e.n_accepts == 300);
    for (int i = 0; i < 300; i++)
        close(fd[i]);
    end_drop(&e);
    io_close(io);
}
END_TEST

START_TEST(without_descriptors_it_stops_and_starts_again)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    struct sockaddr_in a;
    struct rlimit few, old;
    int fd[10], n;

    end_add(&e, io, tcp_listener(&a));
    for (int i = 0; i < 10; i++)
        fd[i] = tcp_connect(&a);
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = old;
    few.rlim_cur = (rlim_t)fd[9] + 4;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    io_accept_start(io, &e.s);
    UNTIL(io, e.error < 0);
    ck_assert_int_eq(e.error, -EMFILE);
    n = e.n_accepts;
    ck_assert_int_eq(n, 3);
    settle(io);
    ck_assert_int_eq(e.n_accepts, n);
    e.error = 0;
    io_accept_start(io, &e.s); /* still none */
    UNTIL(io, e.error == -EMFILE);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
    io_accept_start(io, &e.s);
    UNTIL(io, e.n_accepts == 10);
    for (int i = 0; i < 10; i++) {
        close(e.fds[i]);
        close(fd[i]);
    }
    end_drop(&e);
    io_close(io);
}
END_TEST

START_TEST(a_stopped_listener_keeps_its_queue)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    struct sockaddr_in a;
    int fd[3], n;

    end_add(&e, io, tcp_listener(&a));
    io_accept_start(io, &e.s);
    fd[0] = tcp_connect(&a);
    UNTIL(io, e.n_accepts == 1);
    io_accept_stop(io, &e.s);
    settle(io);
    fd[1] = tcp_connect(&a);
    settle(io);
    ck_assert_int_eq(e.n_accepts, 1);
    io_accept_start(io, &e.s);
    UNTIL(io, e.n_accepts == 2);
    io_accept_stop(io, &e.s);
    io_accept_start(io, &e.s);
    fd[2] = tcp_connect(&a);
    UNTIL(io, e.n_accepts == 3);
    n = e.n_accepts;
    for (int i = 0; i < n; i++) {
        close(e.fds[i]);
        close(fd[i]);
    }
    end_drop(&e);
    io_close(io);
}
END_TEST

START_TEST(a_dropped_listener_goes_on_listening_elsewhere)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    struct sockaddr_in a;
    int listener = tcp_listener(&a), other = dup(listener), client, got;

    end_add(&e, io, listener);
    io_accept_start(io, &e.s);
    settle(io);
    end_drop(&e);
    settle(io);
    client = tcp_connect(&a);
    got = accept(other, NULL, NULL);
    ck_assert_int_ge(got, 0);
    settle(io);
    ck_assert_int_eq(e.n_accepts, 0);
    ck_assert_uint_eq(io_stats(io)->stale, 0);
    close(client);
    close(got);
    close(other);
    io_close(io);
}
END_TEST

START_TEST(connections_accepted_for_a_dropped_listener_are_closed)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    struct sockaddr_in a;
    char c;
    int client;

    end_add(&e, io, tcp_listener(&a));
    io_accept_start(io, &e.s);
    settle(io);
    client = tcp_connect(&a); /* completes with the next turn */
    io_drop(io, &e.s);
    UNTIL(io, e.n_released == 1);
    ck_assert_int_eq(e.n_accepts, 0);
    ck_assert_int_eq(has_input(client, 1000), 1);
    ck_assert_int_le(recv(client, &c, 1, 0), 0);
    close(client);
    io_close(io);
}
END_TEST

START_TEST(a_released_listener_loses_no_connection)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    struct sockaddr_in a;
    int fd[4], listener = tcp_listener(&a), left = 4;

    end_add(&e, io, listener);
    io_accept_start(io, &e.s);
    settle(io);
    for (int i = 0; i < 4; i++)
        fd[i] = tcp_connect(&a);
    io_release(io, &e.s);
    UNTIL(io, e.n_released == 1);
    for (int i = 0; i < e.n_accepts; i++, left--)
        close(e.fds[i]);
    for (; left > 0; left--) {
        int got = accept(listener, NULL, NULL);
        ck_assert_int_ge(got, 0);
        close(got);
    }
    for (int i = 0; i < 4; i++)
        close(fd[i]);
    close(listener);
    io_close(io);
}
END_TEST

static void
release_listener(struct end *e, int fd)
{
    ck_assert_int_ge(fd, 0);
    if (e->n_accepts == 1)
        io_release(e->io, &e->s);
}

START_TEST(connections_of_the_same_batch_survive_a_release)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    struct sockaddr_in a;
    int fd[6], listener = tcp_listener(&a), n;

    end_add(&e, io, listener);
    e.on_accept = release_listener;
    for (int i = 0; i < 6; i++)
        fd[i] = tcp_connect(&a);
    io_accept_start(io, &e.s);
    UNTIL(io, e.n_released == 1);
    for (n = 0; n < e.n_accepts; n++)
        close(e.fds[n]);
    for (; n < 6; n++) {
        int got = accept(listener, NULL, NULL);
        ck_assert_int_ge(got, 0);
        close(got);
    }
    ck_assert_int_eq(accept(listener, NULL, NULL), -1); /* that was all */
    for (int i = 0; i < 6; i++)
        close(fd[i]);
    close(listener);
    io_close(io);
}
END_TEST

static void
drop_listener(struct end *e, int fd)
{
    close(fd);
    io_drop(e->io, &e->s);
}

START_TEST(dropped_inside_on_accept)
{
    OPEN_IO(io, 0);
    struct end e = {0};
    struct sockaddr_in a;
    int fd[5];

    end_add(&e, io, tcp_listener(&a));
    e.on_accept = drop_listener;
    for (int i = 0; i < 5; i++)
        fd[i] = tcp_connect(&a);
    io_accept_start(io, &e.s);
    UNTIL(io, e.n_released == 1);
    ck_assert_int_eq(e.n_accepts, 1);
    for (int i = 0; i < 5; i++)
        close(fd[i]);
    io_close(io);
}
END_TEST

/* clang-format off */
IO_MAIN(io_accept, 2,
    connections_come_as_plain_descriptors,
    a_burst_longer_than_a_turn_is_accepted,
    without_descriptors_it_stops_and_starts_again,
    a_stopped_listener_keeps_its_queue,
    a_dropped_listener_goes_on_listening_elsewhere,
    connections_accepted_for_a_dropped_listener_are_closed,
    a_released_listener_loses_no_connection,
    connections_of_the_same_batch_survive_a_release,
    dropped_inside_on_accept)
/* clang-format on */
