/* SPDX-License-Identifier: BSD-2-Clause */
/* ctl.c - messages between two processes, whole or not at all.
 * tags: asan */
#include "ctl/ctl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/lib/unit.h"

static int ends[2];

static void
begin(void)
{
    ck_assert_int_eq(ctl_pair(ends), 0);
}

static void
end(void)
{
    close(ends[0]);
    close(ends[1]);
}

static int
is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(messages_keep_their_order_and_their_descriptors)
{
    struct ctl_message m = {.kind = CTL_READY}, got;
    int fds[2], passed;

    begin();
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(ctl_recv(ends[1], &got, &passed), 0);
    ck_assert_int_eq(ctl_send(ends[0], &m, -1), 0);
    m.kind = CTL_COMMITTED;
    m.id = 7;
    ck_assert_int_eq(ctl_send(ends[0], &m, fds[1]), 0);
    ck_assert_int_eq(ctl_recv(ends[1], &got, &passed), 1);
    ck_assert_uint_eq(got.kind, CTL_READY);
    ck_assert_int_eq(passed, -1);
    ck_assert_int_eq(ctl_recv(ends[1], &got, &passed), 1);
    ck_assert_uint_eq(got.kind, CTL_COMMITTED);
    ck_assert_uint_eq(got.id, 7);
    ck_assert_int_eq(fcntl(passed, F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(write(passed, "x", 1), 1);
    ck_assert_int_eq(read(fds[0], &got, sizeof got), 1);
    close(passed);
    close(fds[0]);
    close(fds[1]);
    end();
}
END_TEST

START_TEST(the_end_of_one_side_is_told)
{
    struct ctl_message m = {.kind = CTL_READY};
    int passed;

    begin();
    ck_assert_int_eq(ctl_send(ends[0], &m, -1), 0);
    close(ends[0]);
    ck_assert_int_eq(ctl_recv(ends[1], &m, &passed), 1);
    ck_assert_int_eq(ctl_recv(ends[1], &m, &passed), -EPIPE);
    ck_assert_int_eq(ctl_send(ends[1], &m, -1), -EPIPE);
    close(ends[1]);
}
END_TEST

START_TEST(who_does_not_read_is_told_of_too)
{
    struct ctl_message m = {.kind = CTL_READY};
    int rc = 0, passed;

    begin();
    for (int i = 0; i < 100000 && rc == 0; i++)
        rc = ctl_send(ends[0], &m, -1);
    ck_assert_int_eq(rc, -EAGAIN);
    ck_assert_int_eq(ctl_recv(ends[1], &m, &passed), 1);
    end();
}
END_TEST

/* What is not a message of ours leaves no descriptor behind. */
START_TEST(what_is_no_message_is_refused)
{
    struct ctl_message m = {.kind = CTL_READY, .version = CTL_VERSION + 1}, got;
    struct {
        struct ctl_message m;
        char more;
    } longer = {.m = {.kind = CTL_READY, .version = CTL_VERSION}};
    int passed, next;

    begin();
    next = dup(ends[0]);
    close(next);
    ck_assert_int_eq(send(ends[0], "x", 1, 0), 1);
    ck_assert_int_eq(ctl_recv(ends[1], &got, &passed), -EPROTO);
    ck_assert_int_eq(send(ends[0], &m, sizeof m, 0), sizeof m);
    ck_assert_int_eq(ctl_recv(ends[1], &got, &passed), -EPROTO);
    ck_assert_int_eq(send(ends[0], &longer, sizeof longer, 0), sizeof longer);
    ck_assert_int_eq(ctl_recv(ends[1], &got, &passed), -EPROTO);
    ck_assert(!is_open(next));
    end();
}
END_TEST

START_TEST(a_socket_is_written_and_read)
{
    const struct sock_options o = {.backlog = 5,
                                   .defer_accept_s = 3,
                                   .reuseport = 1,
                                   .nodelay = 1,
                                   .sets_owner = 1,
                                   .shares = 1,
                                   .mode = 0660,
                                   .owner = 12,
                                   .group = 13,
                                   .patience_ms = 9};
    struct sock_address a, b;
    struct sock_options got;
    struct ctl_listen l;

    ck_assert_int_eq(sock_unix("/run/x", &a), 0);
    ctl_listen_write(&l, &a, &o, 4);
    memset(&got, 0, sizeof got);
    ck_assert_int_eq(ctl_listen_read(&l, &b, &got), 0);
    ck_assert_uint_eq(l.index, 4);
    ck_assert_uint_eq(a.len, b.len);
    ck_assert_mem_eq(&a.addr, &b.addr, sizeof a.addr);
    ck_assert_int_eq(got.backlog, 5);
    ck_assert_int_eq(got.defer_accept_s, 3);
    ck_assert(got.reuseport && got.nodelay && got.sets_owner && got.shares);
    ck_assert_uint_eq(got.mode, 0660);
    ck_assert_uint_eq(got.owner, 12);
    ck_assert_uint_eq(got.group, 13);
    ck_assert_uint_eq(got.patience_ms, 9);
    l.address_len = sizeof l.address + 1;
    ck_assert_int_eq(ctl_listen_read(&l, &b, &got), -EPROTO);
}
END_TEST

UNIT_MAIN(ctl, messages_keep_their_order_and_their_descriptors,
          the_end_of_one_side_is_told, who_does_not_read_is_told_of_too,
          what_is_no_message_is_refused, a_socket_is_written_and_read)
