/* SPDX-License-Identifier: BSD-2-Clause */
/* io_open.c - which backend is opened, and what is said when it is not the
 * best one. */
/* ldflags: -Wl,--wrap=io_uring_queue_init_params */
/* ldflags: -Wl,--wrap=io_uring_register_buf_ring */
/* ldflags: -Wl,--wrap=io_uring_register_ring_fd -Wl,--wrap=epoll_create1 */
/* ldflags: -Wl,--wrap=syscall */
#include <liburing.h>
#include <stdarg.h>
#include <sys/epoll.h>
#include <sys/syscall.h>

#include "harness.h"

static int refuse_ring, refuse_buffers, refuse_fd, refuse_epoll, refuse_enter;
static unsigned refuse_flags;

int __real_io_uring_queue_init_params(unsigned n, struct io_uring *r,
                                      struct io_uring_params *p);
int __wrap_io_uring_queue_init_params(unsigned n, struct io_uring *r,
                                      struct io_uring_params *p);
int __real_io_uring_register_buf_ring(struct io_uring *r,
                                      struct io_uring_buf_reg *reg,
                                      unsigned flags);
int __wrap_io_uring_register_buf_ring(struct io_uring *r,
                                      struct io_uring_buf_reg *reg,
                                      unsigned flags);
int __real_io_uring_register_ring_fd(struct io_uring *r);
int __wrap_io_uring_register_ring_fd(struct io_uring *r);
int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);

int
__wrap_io_uring_queue_init_params(unsigned n, struct io_uring *r,
                                  struct io_uring_params *p)
{
    if (refuse_ring)
        return refuse_ring;
    if (p->flags & refuse_flags)
        return -EINVAL;
    return __real_io_uring_queue_init_params(n, r, p);
}

int
__wrap_io_uring_register_buf_ring(struct io_uring *r,
                                  struct io_uring_buf_reg *reg, unsigned flags)
{
    if (refuse_buffers)
        return refuse_buffers;
    return __real_io_uring_register_buf_ring(r, reg, flags);
}

int
__wrap_io_uring_register_ring_fd(struct io_uring *r)
{
    return refuse_fd ? refuse_fd : __real_io_uring_register_ring_fd(r);
}

int
__wrap_epoll_create1(int flags)
{
    if (refuse_epoll) {
        errno = refuse_epoll;
        return -1;
    }
    return __real_epoll_create1(flags);
}

long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

/* Those that are made here have six arguments at most. */
long
__wrap_syscall(long number, ...)
{
    long a[6];
    va_list ap;

    if (number == __NR_io_uring_enter && refuse_enter) {
        errno = refuse_enter;
        return -1;
    }
    va_start(ap, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(ap, long);
    va_end(ap);
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static const struct io_options defaults;

/* A byte there and back. */
static void
works(struct io *io)
{
    struct end e = {0};
    int fd[2];

    unix_pair(fd);
    end_add(&e, io, fd[0]);
    io_recv_start(io, &e.s, 0);
    put(fd[1], "x", 1);
    UNTIL(io, e.n_got == 1);
    io_idle(io, &e.s);
    settle(io);
    put(fd[1], "y", 1);
    UNTIL(io, e.n_got == 2);
    end_drop(&e);
    close(fd[1]);
}

START_TEST(a_name_chooses)
{
    struct io *io;
    char why[200] = "?";

    ck_assert_int_eq(io_open(&io, "epoll", &defaults, why, sizeof why), 0);
    ck_assert_str_eq(io_name(io), "epoll");
    ck_assert_str_eq(why, "");
    works(io);
    io_close(io);
    ck_assert_int_eq(io_open(&io, "kqueue", &defaults, why, sizeof why),
                     -EINVAL);
    ck_assert_str_eq(why, "kqueue: no such event backend");
}
END_TEST

START_TEST(auto_falls_back_and_says_why)
{
    static const struct {
        int rc;
        const char *part;
    } cases[] = {
        {-EPERM, "io_uring: Operation not permitted"},
        {-ENOSYS, "(not in this kernel)"},
        {-ENOMEM, "RLIMIT_MEMLOCK"},
        {-EINVAL, "(needs Linux 6.0)"},
    };
    struct io *io;
    char why[200];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        refuse_ring = cases[i].rc;
        ck_assert_int_eq(io_open(&io, "auto", &defaults, why, sizeof why), 0);
        ck_assert_str_eq(io_name(io), "epoll");
        ck_assert_msg(strstr(why, cases[i].part) != NULL, "%s", why);
        works(io);
        io_close(io);
        ck_assert_int_eq(io_open(&io, "io_uring", &defaults, why, sizeof why),
                         cases[i].rc);
        ck_assert_msg(strstr(why, cases[i].part) != NULL, "%s", why);
    }
    refuse_ring = 0;
    refuse_buffers = -ENOMEM;
    ck_assert_int_eq(io_open(&io, "auto", &defaults, why, sizeof why), 0);
    ck_assert_str_eq(io_name(io), "epoll");
    io_close(io);
    refuse_buffers = 0;
    refuse_enter = EPERM; /* made, but not to be used */
    ck_assert_int_eq(io_open(&io, "auto", &defaults, why, sizeof why), 0);
    ck_assert_str_eq(io_name(io), "epoll");
    ck_assert_msg(strstr(why, "io_uring: Operation not permitted") != NULL,
                  "%s", why);
    io_close(io);
}
END_TEST

START_TEST(nothing_opens)
{
    struct io *io;
    char why[200];

    refuse_ring = -EPERM;
    refuse_epoll = EMFILE;
    ck_assert_int_eq(io_open(&io, "auto", &defaults, why, sizeof why), -EMFILE);
    ck_assert_ptr_eq(strstr(why, "epoll: Too many open files"), why);
    ck_assert_int_eq(io_open(&io, "auto", &defaults, why, 8), -EMFILE);
    ck_assert_str_eq(why, "epoll: ");
    ck_assert_int_eq(io_open(&io, "auto", &defaults, NULL, 0), -EMFILE);
}
END_TEST

START_TEST(an_older_kernel_gets_a_plainer_ring)
{
    struct io *io;
    char why[200];

    refuse_flags = IORING_SETUP_DEFER_TASKRUN;
    refuse_fd = -EINVAL;
    if (io_open(&io, "io_uring", &defaults, why, sizeof why) < 0) {
        fprintf(stderr, "skipped: %s\n", why);
        return;
    }
    works(io);
    io_close(io);
}
END_TEST

/* clang-format off */
IO_MAIN(io_open, 1,
    a_name_chooses,
    auto_falls_back_and_says_why,
    nothing_opens,
    an_older_kernel_gets_a_plainer_ring)
/* clang-format on */
