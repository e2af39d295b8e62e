/* SPDX-License-Identifier: BSD-2-Clause */
/* balancer.c - a TCP balancer in a thread of the test; see balancer.h.
 *
 * The thread asserts nothing: Check's assertions work on the test's thread
 * only. */
#include "t/lib/balancer.h"

#include <check.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in
loopback(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int
connect_to(uint16_t port)
{
    struct sockaddr_in to = loopback(port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* The next backend that is not removed; there is one. */
static int
choose(struct balancer *b)
{
    int i;

    do
        i = (int)(b->next++ % BALANCER_BACKENDS);
    while (b->is_removed[i]);
    return i;
}

static void
add_pair(struct balancer *b)
{
    struct balancer_pair *p = &b->pairs[b->n_pairs];

    p->side[0] = accept4(b->listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (p->side[0] < 0)
        return;
    p->backend = choose(b);
    p->side[1] = connect_to(b->to[p->backend]);
    if (p->side[1] < 0) {
        close(p->side[0]);
        return;
    }
    b->n_given[p->backend]++;
    b->n_open[p->backend]++;
    b->n_pairs++;
}

static void
end_pair(struct balancer *b, int i)
{
    close(b->pairs[i].side[0]);
    close(b->pairs[i].side[1]);
    b->n_open[b->pairs[i].backend]--;
    b->pairs[i] = b->pairs[--b->n_pairs];
}

/* Copy what is there; false if a side has ended. */
static int
copy(int from, int to)
{
    char buf[16384];
    ssize_t n = recv(from, buf, sizeof buf, 0);

    for (ssize_t sent = 0, k; sent < n; sent += k) {
        k = send(to, buf + sent, (size_t)(n - sent), MSG_NOSIGNAL);
        if (k <= 0)
            return 0;
    }
    return n > 0;
}

/* One turn; fds are stop, listener, then two of each pair. */
static int
turn(struct balancer *b)
{
    struct pollfd fds[2 + 2 * BALANCER_PAIRS];
    int n = b->n_pairs;

    fds[0] = (struct pollfd){.fd = b->stop[0], .events = POLLIN};
    fds[1] = (struct pollfd){.fd = n < BALANCER_PAIRS ? b->listen_fd : -1,
                             .events = POLLIN};
    for (int i = 0; i < 2 * n; i++)
        fds[2 + i] = (struct pollfd){.fd = b->pairs[i / 2].side[i % 2],
                                     .events = POLLIN};
    poll(fds, (nfds_t)(2 + 2 * n), -1);
    for (int i = n - 1; i >= 0; i--) {
        const int *side = b->pairs[i].side;
        int ok = 1;
        for (int k = 0; ok && k < 2; k++)
            ok = !fds[2 + 2 * i + k].revents || copy(side[k], side[!k]);
        if (!ok)
            end_pair(b, i);
    }
    if (fds[1].revents)
        add_pair(b);
    return fds[0].revents == 0;
}

static void *
run(void *arg)
{
    struct balancer *b = arg;

    while (turn(b))
        continue;
    while (b->n_pairs > 0)
        end_pair(b, b->n_pairs - 1);
    return NULL;
}

void
balancer_start(struct balancer *b, const uint16_t *ports)
{
    struct sockaddr_in at = loopback(0);
    socklen_t len = sizeof at;

    memset(b, 0, sizeof *b);
    memcpy(b->to, ports, sizeof b->to);
    b->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(b->listen_fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(b->listen_fd, 128), 0);
    ck_assert_int_eq(getsockname(b->listen_fd, (struct sockaddr *)&at, &len),
                     0);
    b->port = ntohs(at.sin_port);
    ck_assert_int_eq(pipe(b->stop), 0);
    ck_assert_int_eq(pthread_create(&b->thread, NULL, run, b), 0);
}

void
balancer_remove(struct balancer *b, int backend)
{
    b->is_removed[backend] = 1;
}

void
balancer_stop(struct balancer *b)
{
    close(b->stop[1]);
    pthread_join(b->thread, NULL);
    close(b->stop[0]);
    close(b->listen_fd);
}
