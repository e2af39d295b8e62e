/* SPDX-License-Identifier: BSD-2-Clause */
/* held.c - sockets that outlive the processes they are given to.
 * tags: asan */
#include "super/held.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "os/memfd.h"
#include "super/state.h"
#include "t/lib/unit.h"

static const struct sock_options options = {.backlog = 10};
static struct held held;
static char why[256];

static struct sock_address
loopback(uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET,
                             .sin_port = htons(port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct sock_address a = {.len = sizeof in};

    memcpy(&a.addr, &in, sizeof in);
    return a;
}

static uint16_t
port_of(int fd)
{
    struct sock_address a;
    struct sockaddr_in in;

    ck_assert_int_eq(sock_name(fd, &a), 0);
    memcpy(&in, &a.addr, sizeof in);
    return ntohs(in.sin_port);
}

static int
ask(const struct sock_address *a, uint32_t index, uint32_t *id)
{
    int fd = held_listen(&held, 0, a, &options, index, id, why, sizeof why);

    ck_assert_msg(fd >= 0, "%s", why);
    return fd;
}

static void
take_held(void *arg, const char *word, const char *rest)
{
    if (strcmp(word, "held") == 0)
        held_load(arg, rest);
}

START_TEST(the_next_process_is_given_the_same)
{
    struct sock_address any = loopback(0), here;
    uint32_t id[3], again;
    int fd[3];

    fd[0] = ask(&any, 0, &id[0]);
    fd[1] = ask(&any, 0, &id[1]); /* another one of this address */
    ck_assert_int_ne(fd[0], fd[1]);
    ck_assert_uint_ne(id[0], id[1]);
    here = loopback(port_of(fd[0]));
    ck_assert_int_eq(
        held_listen(&held, 0, &here, &options, 0, &id[2], why, sizeof why),
        -EADDRINUSE);
    ck_assert_ptr_nonnull(strstr(why, "address in use"));
    held_take_back(&held, 0);
    ck_assert_int_eq(ask(&any, 0, &again), fd[0]);
    ck_assert_uint_eq(again, id[0]);
    ck_assert_int_eq(ask(&any, 0, &again), fd[1]);
    fd[2] = ask(&any, 1, &again); /* a second worker's is another */
    ck_assert_int_ne(fd[2], fd[0]);
    held_close(&held);
}
END_TEST

START_TEST(what_nobody_asks_for_is_closed)
{
    struct sock_address any = loopback(0);
    uint32_t id[2];
    int fd[2];

    for (int i = 0; i < 2; i++)
        fd[i] = ask(&any, 0, &id[i]);
    held_take_back(&held, 0);
    ck_assert_int_eq(ask(&any, 0, &id[0]), fd[0]);
    held_settle(&held);
    ck_assert_int_ge(fcntl(fd[0], F_GETFD), 0);
    ck_assert_int_lt(fcntl(fd[1], F_GETFD), 0);
    held_release(&held, 0, id[1]); /* is gone: nothing */
    held_release(&held, 0, id[0]);
    ck_assert_int_lt(fcntl(fd[0], F_GETFD), 0);
    ck_assert_ptr_null(held.first);
}
END_TEST

START_TEST(a_socket_we_were_started_with_is_given_to_who_asks)
{
    struct sock_address any = loopback(0), here;
    int fd = sock_listen(&any, &options, why, sizeof why), plain;
    uint32_t id;

    ck_assert_int_ge(fd, 0);
    here = loopback(port_of(fd));
    ck_assert_int_eq(held_adopt(&held, fd), 0);
    plain = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(held_adopt(&held, plain), -ENOTSOCK);
    ck_assert_int_lt(fcntl(plain, F_GETFD), 0); /* closed */
    ck_assert_int_eq(ask(&here, 0, &id), fd);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    held_close(&held);
}
END_TEST

START_TEST(the_file_of_a_socket_goes_with_it)
{
    struct sock_address a;
    char path[64];
    uint32_t id;

    snprintf(path, sizeof path, "/tmp/etude-held-%d", (int)getpid());
    ck_assert_int_eq(sock_unix(path, &a), 0);
    (void)ask(&a, 0, &id);
    ck_assert_int_eq(access(path, F_OK), 0);
    held_take_back(&held, 0); /* its process has died: the file stays */
    ck_assert_int_eq(access(path, F_OK), 0);
    (void)ask(&a, 0, &id);
    held_release(&held, 0, id);
    ck_assert_int_ne(access(path, F_OK), 0);
    (void)ask(&a, 0, &id);
    held_close(&held);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* Two processes at once have it; it is closed when neither wants it. */
START_TEST(two_processes_have_the_same)
{
    struct sock_address any = loopback(0), other = loopback(0);
    uint32_t id[3];
    int fd = ask(&any, 0, &id[0]), fd2 = ask(&other, 0, &id[1]);

    ck_assert_int_eq(
        held_listen(&held, 1, &any, &options, 0, &id[2], why, sizeof why), fd);
    ck_assert_uint_eq(id[2], id[0]);
    held_release(&held, 0, id[0]); /* the other one has it */
    ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
    held_take_back(&held, 0);
    held_settle(&held);
    ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
    ck_assert_int_lt(fcntl(fd2, F_GETFD), 0);
    held_release(&held, 1, id[0]);
    ck_assert_int_lt(fcntl(fd, F_GETFD), 0);
}
END_TEST

/* Who takes our place knows all of it. */
START_TEST(all_of_it_is_written_down)
{
    struct sock_address any = loopback(0), a;
    struct held next = {0};
    struct state st;
    uint32_t id[2], again;
    char path[64];
    int fd[2];

    snprintf(path, sizeof path, "/tmp/etude-held-%d", (int)getpid());
    ck_assert_int_eq(sock_unix(path, &a), 0);
    fd[0] = ask(&any, 1, &id[0]);
    fd[1] = ask(&a, 0, &id[1]);
    held_take_back(&held, 0);
    ck_assert_int_eq(state_begin(&st), 0);
    held_save(&held, &st);
    ck_assert_int_eq(fcntl(fd[0], F_GETFD), 0); /* survives exec */
    state_put(&st, "nonsense");
    state_put(&st, "held nonsense");
    state_put(&st, "other 1 2 3");
    ck_assert_int_eq(state_finish(&st), 0);
    ck_assert_int_eq(state_read(st.fd, take_held, &next), 0);
    ck_assert_int_eq(fcntl(fd[0], F_GETFD), FD_CLOEXEC);
    ck_assert_int_eq(
        held_listen(&next, 0, &any, &options, 1, &again, why, sizeof why),
        fd[0]);
    ck_assert_uint_eq(again, id[0]);
    ck_assert_int_eq(
        held_listen(&next, 0, &a, &options, 0, &again, why, sizeof why), fd[1]);
    held_close(&next);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(what_is_no_state_is_refused)
{
    struct held next = {0};
    int fd = memfd_open("other");

    ck_assert_int_eq(write(fd, "held 1\n", 7), 7);
    ck_assert_int_eq(state_read(fd, take_held, &next), -EPROTO);
    ck_assert_int_eq(state_read(memfd_open("empty"), take_held, &next),
                     -EPROTO);
    ck_assert_ptr_null(next.first);
}
END_TEST

UNIT_MAIN(held, two_processes_have_the_same, all_of_it_is_written_down,
          what_is_no_state_is_refused, the_next_process_is_given_the_same,
          what_nobody_asks_for_is_closed,
          a_socket_we_were_started_with_is_given_to_who_asks,
          the_file_of_a_socket_goes_with_it)
