/* SPDX-License-Identifier: BSD-2-Clause */
/* acceptor.c - a worker that does not empty its pipe: others get what is its,
 * nothing is lost, and it gets its share again when it does.
 *
 * The acceptor and its socket are real; the workers are mailboxes which the
 * test empties, or does not.
 * tags: asan tsan */
#define _GNU_SOURCE /* memfd_create */
#include "work/acceptor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn/census.h"
#include "t/lib/unit.h"
#include "work/order.h"
#include "work/parcel.h"

#define WORKERS 2
#define PIPE_RECORDS 256 /* of a pipe of one page */

static struct worker workers[WORKERS];
static struct metrics figures[WORKERS];
static struct acceptor acceptor;
static struct census census;
static struct mailbox control;
static struct order order;
static int is_out;
static struct sockaddr_in at;
static socklen_t at_len = sizeof at;
static int clients[4 * PIPE_RECORDS], n_clients;

static void
on_reply(struct order *o)
{
    (void)o;
    is_out = 0;
}

static void
expect_reply(void)
{
    struct record v[MAILBOX_BATCH];

    while (is_out) {
        struct pollfd p = {.fd = control.read_fd, .events = POLLIN};
        ck_assert(poll(&p, 1, -1) == 1 || errno == EINTR);
        while (mailbox_recv(&control, v) > 0)
            continue;
        mailbox_deliver(&control, NULL);
    }
    ck_assert_msg(order.result == 0, "%s", order.why);
}

static struct order *
new_order(void)
{
    order = (struct order){.reply_to = &control, .on_reply = on_reply};
    is_out = 1;
    return &order;
}

static void
start(enum balance balance, uint32_t slots)
{
    struct acceptor_options o = {.event = "epoll",
                                 .workers = workers,
                                 .n_workers = WORKERS,
                                 .slab_capacity = slots,
                                 .balance = balance,
                                 .census = &census};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(fd, 1024), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &at_len), 0);
    ck_assert_int_eq(census_init(&census), 0);
    ck_assert_int_eq(mailbox_open(&control), 0);
    for (int i = 0; i < WORKERS; i++) {
        workers[i].options.metrics = &figures[i];
        ck_assert_int_eq(mailbox_open(&workers[i].mailbox), 0);
        ck_assert_int_ge(fcntl(workers[i].mailbox.write_fd, F_SETPIPE_SZ, 4096),
                         0);
    }
    ck_assert_int_eq(acceptor_start(&acceptor, &o, new_order()), 0);
    expect_reply();
    new_order()->fd = fd;
    acceptor_listen(&acceptor, &order);
    expect_reply();
}

static void
connect_one(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    clients[n_clients++] = fd;
}

/* What worker i has been given, at least n, and no more comes at once. */
static int
take(int i, int n)
{
    struct record v[MAILBOX_BATCH];
    struct pollfd p = {.fd = workers[i].mailbox.read_fd, .events = POLLIN};
    int taken = 0;

    while (poll(&p, 1, taken < n ? 10000 : 0) == 1) {
        size_t k = mailbox_recv(&workers[i].mailbox, v);
        for (size_t j = 0; j < k; j++) {
            ck_assert_int_eq(v[j].kind, RECORD_CONN);
            close(v[j].fd);
            taken++;
        }
        atomic_fetch_add(&workers[i].n_arrived, k);
    }
    return taken;
}

static int
in_pipe(int i)
{
    int n = 0;

    UNIT_HOLDS(ioctl(workers[i].mailbox.read_fd, FIONREAD, &n) == 0);
    return n / (int)sizeof(struct record);
}

static void
end(void)
{
    acceptor_stop(&acceptor);
    ck_assert_int_eq(acceptor_join(&acceptor, 10000), 0);
    for (int i = 0; i < WORKERS; i++)
        mailbox_close(&workers[i].mailbox, parcel_drop_record);
    mailbox_close(&control, parcel_drop_record);
    census_fini(&census);
    for (int i = 0; i < n_clients; i++)
        close(clients[i]);
}

START_TEST(a_full_pipe_s_connections_go_to_the_next_worker)
{
    int taken = 0;

    start(BALANCE_ROUND_ROBIN, 100000);
    for (int i = 0; i < 3 * PIPE_RECORDS; i++) {
        connect_one();
        if (i % 16 == 15) /* the other one keeps up */
            taken += take(1, 0);
    }
    while (taken + in_pipe(0) < 3 * PIPE_RECORDS) {
        taken += take(1, 0);
        usleep(1000);
    }
    ck_assert_int_gt(in_pipe(0), 0); /* what is accepted at once goes whole */
    ck_assert_int_ge(taken, 2 * PIPE_RECORDS);
    ck_assert_uint_eq(census.n, 3 * PIPE_RECORDS);

    (void)take(0, in_pipe(0));
    while (in_pipe(0) == 0) { /* it has its turns again */
        connect_one();
        (void)take(1, 0);
        ck_assert_int_lt(n_clients, 4 * PIPE_RECORDS);
        usleep(1000);
    }
    end();
}
END_TEST

/* The line of the log that says text, once it is there: stderr is log_fd. */
static const char *
wait_log(int log_fd, const char *text)
{
    static char all[4096];
    char *line;

    while (!(line = strstr(all, text))) {
        ssize_t n = pread(log_fd, all, sizeof all - 1, 0);
        all[n > 0 ? n : 0] = '\0';
        usleep(1000);
    }
    while (line > all && line[-1] != '\n')
        line--;
    line[strcspn(line, "\n")] = '\0';
    return line;
}

/* Nor is slab_capacity blamed for it. */
START_TEST(with_all_pipes_full_they_wait)
{
    int taken = 0, log_fd = memfd_create("log", MFD_CLOEXEC);

    ck_assert_int_eq(dup2(log_fd, STDERR_FILENO), STDERR_FILENO);
    start(BALANCE_ROUND_ROBIN, 100000);
    for (int i = 0; i < 3 * PIPE_RECORDS; i++)
        connect_one();
    unit_has(wait_log(log_fd, ": others wait"), "their pipes are full");
    while (taken + in_pipe(1) < 3 * PIPE_RECORDS) {
        taken += take(0, 0);
        usleep(1000);
    }
    ck_assert_int_gt(in_pipe(1), 0);
    end();
}
END_TEST

START_TEST(a_client_s_connections_go_to_one_worker)
{
    int i;

    start(BALANCE_HASH, 100000);
    for (int k = 0; k < 32; k++)
        connect_one();
    while (in_pipe(0) + in_pipe(1) < 32)
        usleep(1000);
    i = in_pipe(0) > 0 ? 0 : 1;
    ck_assert_int_eq(in_pipe(i), 32);
    end();
}
END_TEST

START_TEST(no_more_than_max_connections)
{
    start(BALANCE_LEAST, 100000);
    census_limit(&census, 8);
    for (int k = 0; k < 12; k++)
        connect_one();
    while (in_pipe(0) + in_pipe(1) < 8) /* who has taken one has fewer */
        usleep(1000);
    ck_assert_int_eq(take(0, 4), 4);
    ck_assert_int_eq(take(1, 4), 4);
    for (int k = 0; k < 3; k++) { /* for each that leaves one comes */
        ck_assert_uint_eq(census.n, 8);
        ck_assert_int_eq(in_pipe(0) + in_pipe(1), 0);
        census_leave(&census);
        while (in_pipe(0) + in_pipe(1) == 0)
            usleep(1000);
        (void)take(0, 0);
        (void)take(1, 0);
    }
    end();
}
END_TEST

/* accept = reuseport: it has had a hundred that the acceptor knows nothing of,
 * and one comes from another process. */
START_TEST(what_a_worker_accepts_itself_leaves_room)
{
    const struct handed handed = {.is_orphan = 0};
    struct record v[MAILBOX_BATCH];
    struct pollfd p = {.events = POLLIN};
    struct parcel *parcel = parcel_new(dup(STDERR_FILENO), &handed);

    start(BALANCE_ROUND_ROBIN, 8);
    for (int i = 0; i < WORKERS; i++)
        metrics_add(&figures[i], METRIC_connections_accepted, 100);
    acceptor_take(&acceptor, parcel);
    p.fd = workers[0].mailbox.read_fd;
    ck_assert_int_eq(poll(&p, 1, 10000), 1);
    ck_assert_uint_eq(mailbox_recv(&workers[0].mailbox, v), 1);
    ck_assert_ptr_eq(parcel_of(&v[0]), parcel);
    parcel_drop(parcel);
    end();
}
END_TEST

UNIT_MAIN(acceptor, a_full_pipe_s_connections_go_to_the_next_worker,
          with_all_pipes_full_they_wait,
          a_client_s_connections_go_to_one_worker, no_more_than_max_connections,
          what_a_worker_accepts_itself_leaves_room)
