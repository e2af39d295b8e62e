/* SPDX-License-Identifier: BSD-2-Clause */
/* io_epoll.c - what only epoll does: refuse to watch a descriptor. */
/* ldflags: -Wl,--wrap=epoll_ctl -Wl,--wrap=syscall -Wl,--wrap=accept4 */
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "harness.h"

static int ctl_errno, wait_errno; /* fail with these while not 0 */
static int n_recv, n_ctl, n_accept;
static int n_aborted; /* connections that are gone when accepted */

int __real_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev);
int __wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev);
int __real_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags);
int __wrap_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags);
long __real_syscall(long n, ...);
long __wrap_syscall(long n, ...);

int
__wrap_epoll_ctl(int epfd, int op, int fd, struct epoll_event *ev)
{
    n_ctl++;
    if (ctl_errno) {
        errno = ctl_errno;
        return -1;
    }
    return __real_epoll_ctl(epfd, op, fd, ev);
}

long
__wrap_syscall(long n, ...)
{
    long a[6];
    va_list ap;

    va_start(ap, n);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(ap, long);
    va_end(ap);
    if (n == SYS_epoll_pwait && wait_errno) {
        errno = wait_errno;
        return -1;
    }
    n_recv += n == SYS_recvfrom;
    return __real_syscall(n, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int
__wrap_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
    int got = __real_accept4(fd, a, n, flags);

    n_accept++;
    if (got >= 0 && n_aborted > 0) {
        n_aborted--;
        close(got);
        errno = ECONNABORTED;
        return -1;
    }
    return got;
}

/* A listener on a name of the kernel's choice, in no folder. */
static int
unix_listener(struct sockaddr_un *a, socklen_t *len)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    *len = sizeof *a;
    ck_assert_int_eq(bind(fd, (struct sockaddr *)a, sizeof a->sun_family), 0);
    ck_assert_int_eq(listen(fd, 16), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)a, len), 0);
    return fd;
}

static int
unix_connect(const struct sockaddr_un *a, socklen_t len)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)a, len), 0);
    return fd;
}

static struct io *
open_epoll(void)
{
    return open_io(1, (struct io_options){0});
}

START_TEST(every_operation_refused_is_told)
{
    struct io *io = open_epoll();
    struct end e = {0};
    int fd[2];

    unix_pair(fd);
    end_add(&e, io, fd[0]);
    ctl_errno = ENOSPC;
    io_recv_start(io, &e.s, 0);
    io_poll(io, &e.s, POLLIN);
    io_accept_start(io, &e.s);
    ck_assert_int_eq(e.n_data, 0);
    turn(io, -1); /* does not wait */
    ck_assert_int_eq(e.n_ends, 1);
    ck_assert_int_eq(e.n_ready, 1);
    ck_assert_uint_eq(e.ready, POLLERR);
    ck_assert_int_eq(e.error, -ENOMEM);
    turn(io, 0);
    ck_assert_int_eq(e.n_data, 1);
    ctl_errno = 0;
    end_drop(&e);
    close(fd[1]);
    io_close(io);
}
END_TEST

static void
drop_on_end(struct end *e, const char *p, ssize_t n)
{
    (void)p;
    (void)n;
    io_drop(e->io, &e->s);
}

START_TEST(a_refused_source_may_be_dropped)
{
    struct io *io = open_epoll();
    struct end e[3] = {0};
    int fd[3][2];

    ctl_errno = ENOMEM;
    for (int i = 0; i < 3; i++) {
        unix_pair(fd[i]);
        end_add(&e[i], io, fd[i][0]);
        e[i].on_data = drop_on_end;
        io_recv_start(io, &e[i].s, 0);
        io_poll(io, &e[i].s, POLLIN);
    }
    io_drop(io, &e[1].s); /* before it was told */
    UNTIL(io, e[0].n_released && e[1].n_released && e[2].n_released);
    ck_assert_int_eq(e[0].n_ends, 1);
    ck_assert_int_eq(e[1].n_ends, 0);
    ck_assert_int_eq(e[0].n_ready, 0);
    for (int i = 0; i < 3; i++)
        close(fd[i][1]);
    io_close(io);
}
END_TEST

START_TEST(a_send_that_cannot_wait_fails)
{
    struct io *io = open_epoll();
    struct end e = {0};
    static char bytes[1 << 20];
    ssize_t n;
    int fd[2];

    unix_pair(fd);
    end_add(&e, io, fd[0]);
    ctl_errno = ENOSPC;
    do
        n = end_send(&e, bytes, sizeof bytes);
    while (n > 0);
    ck_assert_int_eq(n, -ENOSPC);
    io_recv_start(io, &e.s, 0);
    ck_assert_int_eq(end_send(&e, bytes, sizeof bytes), -ENOMEM);
    ctl_errno = 0;
    turn(io, 0);
    ck_assert_int_eq(e.n_ends, 1);
    ck_assert_int_eq(end_send(&e, bytes, sizeof bytes), IO_PENDING);
    end_drop(&e);
    close(fd[1]);
    io_close(io);
}
END_TEST

START_TEST(aborted_connections_do_not_stop_accepting)
{
    struct io *io = open_epoll();
    struct end e = {0};
    struct sockaddr_in a;
    int fd[5];

    end_add(&e, io, tcp_listener(&a));
    for (int i = 0; i < 5; i++)
        fd[i] = tcp_connect(&a);
    n_aborted = 3;
    io_accept_start(io, &e.s);
    UNTIL(io, e.n_accepts == 2);
    ck_assert_int_eq(e.error, 0);
    for (int i = 0; i < 5; i++)
        close(fd[i]);
    close(e.fds[0]);
    close(e.fds[1]);
    end_drop(&e);
    io_close(io);
}
END_TEST

START_TEST(no_accept_is_made_in_vain)
{
    struct io *io = open_epoll();
    struct end e = {0};
    struct sockaddr_in a;
    int fd[20];

    end_add(&e, io, tcp_listener(&a));
    io_accept_start(io, &e.s);
    settle(io);
    for (int i = 0; i < 20; i++) {
        fd[i] = tcp_connect(&a);
        if (i % 3 == 0)
            turn(io, 1000);
    }
    UNTIL(io, e.n_accepts == 20);
    settle(io);
    ck_assert_int_eq(n_accept, 20);
    for (int i = 0; i < 20; i++) {
        close(e.fds[i]);
        close(fd[i]);
    }
    end_drop(&e);
    io_close(io);
}
END_TEST

/* A socket that cannot say how many wait is asked until it has no more. */
START_TEST(a_unix_listener_is_accepted_empty)
{
    struct io *io = open_epoll();
    struct end e = {0};
    struct sockaddr_un a;
    socklen_t len;
    int fd[5], listener = unix_listener(&a, &len);

    end_add(&e, io, listener);
    io_accept_start(io, &e.s);
    for (int i = 0; i < 5; i++)
        fd[i] = unix_connect(&a, len);
    UNTIL(io, e.n_accepts == 5);
    for (int i = 0; i < 5; i++) {
        close(e.fds[i]);
        close(fd[i]);
    }
    end_drop(&e);
    io_close(io);
}
END_TEST

START_TEST(a_listener_that_was_shut_says_so)
{
    struct io *io = open_epoll();
    struct end e = {0};
    struct sockaddr_in a;

    end_add(&e, io, tcp_listener(&a));
    io_accept_start(io, &e.s);
    settle(io);
    ck_assert_int_eq(shutdown(e.s.fd, SHUT_RD), 0);
    UNTIL(io, e.error == -EINVAL);
    end_drop(&e);
    io_close(io);
}
END_TEST

START_TEST(an_interrupted_wait_is_no_error)
{
    struct io *io = open_epoll();

    wait_errno = EINTR;
    turn(io, 1000);
    wait_errno = EBADF;
    ck_assert_int_eq(io_wait(io, 0), -EBADF);
    wait_errno = 0;
    io_close(io);
}
END_TEST

START_TEST(a_request_is_one_receive_and_no_registration)
{
    struct io *io = open_epoll();
    struct end e = {0};
    int fd[2];

    unix_pair(fd);
    put(fd[1], "x", 1);
    end_add(&e, io, fd[0]);
    io_recv_start(io, &e.s, 1);
    ck_assert_int_eq(n_recv, 1);
    ck_assert_int_eq(n_ctl, 1);
    n_ctl = n_recv = 0;
    for (size_t i = 1; i <= 100; i++) {
        put(fd[1], "x", 1);
        turn(io, 1000);
        ck_assert_uint_eq(e.n_got, i + 1);
        if (i % 10 == 0) { /* nothing came meanwhile: nothing to ask for */
            io_recv_stop(io, &e.s);
            io_recv_start(io, &e.s, 0);
        }
    }
    ck_assert_int_eq(n_recv, 100);
    ck_assert_int_eq(n_ctl, 0);
    end_drop(&e);
    ck_assert_int_eq(n_ctl, 0);
    close(fd[1]);
    io_close(io);
}
END_TEST

/* clang-format off */
IO_MAIN(io_epoll, 1,
    every_operation_refused_is_told,
    a_refused_source_may_be_dropped,
    a_send_that_cannot_wait_fails,
    aborted_connections_do_not_stop_accepting,
    no_accept_is_made_in_vain,
    a_unix_listener_is_accepted_empty,
    a_listener_that_was_shut_says_so,
    an_interrupted_wait_is_no_error,
    a_request_is_one_receive_and_no_registration)
/* clang-format on */
