/* SPDX-License-Identifier: BSD-2-Clause */
/* balance.c - a server stops behind a balancer that learns of it late: nobody
 * notices.
 *
 * Constant load goes through a balancer to two servers.  One is told to stop,
 * with a shutdown_delay that outlasts the time the balancer takes to remove it:
 * until then it accepts and answers like the other, but with Connection: close,
 * so that the connections it has move over as well.
 *
 * The balancer removes it when it has seen enough of that, not after a time,
 * and a request fails for the client whatever it was that failed on the way.
 * tags: epoll asan tsan */
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/lib/balancer.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define N_CLIENTS 6
#define PAUSE_US 2000   /* of a client, between requests */
#define DELAY "4s"      /* outlasts what is waited for before removal */
#define ENOUGH 20u      /* of everything that is waited for */
#define WAIT_SECONDS 20 /* at most, for anything */

/* ---- load ----------------------------------------------------------------*/

/* What the clients have seen; by backend where it says which. */
static atomic_uint n_answered[2], n_closing[2], n_failed;
static atomic_int is_over;
static char first_failure[256];

struct load {
    uint16_t port;
    int is_kept; /* its connections, for as long as the server keeps them */
    int fd;      /* -1: none */
    pthread_t thread;
};

/* A request whose answer names the backend: its body is "a" or "b". */
static const char request[] = "POST /who HTTP/1.1\r\nHost: x\r\n"
                              "Content-Length: 5\r\n\r\nhello";

static void
note_failure(const char *what, const char *text)
{
    if (n_failed++ == 0)
        snprintf(first_failure, sizeof first_failure, "%s: %.200s", what, text);
}

static int
open_connection(struct load *l)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(l->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval most = {.tv_sec = WAIT_SECONDS};

    l->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return -1;
    if (connect(l->fd, (struct sockaddr *)&to, sizeof to) < 0)
        return -1;
    l->fd = transport_open(l->fd);
    setsockopt(l->fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    return 0;
}

/* Read one answer, of one byte; false if the connection ends before. */
static int
read_answer(const struct load *l, char *text, size_t cap)
{
    size_t n = 0;
    ssize_t k;

    do {
        k = recv(l->fd, text + n, cap - 1 - n, 0);
        n += k > 0 ? (size_t)k : 0;
        text[n] = '\0';
    } while (k > 0 && (!strstr(text, "\r\n\r\n") ||
                       strlen(strstr(text, "\r\n\r\n")) < 5));
    return k > 0;
}

/* Count an answer; whether the connection may be used again. */
static int
count_answer(const char *text)
{
    char who = strstr(text, "\r\n\r\n")[4];
    int is_closing = strstr(text, "\r\nConnection: close\r\n") != NULL;

    if (strncmp(text, "HTTP/1.1 200 ", 13) != 0 || (who != 'a' && who != 'b')) {
        note_failure("answer", text);
        return 0;
    }
    n_answered[who - 'a']++;
    n_closing[who - 'a'] += (unsigned)is_closing;
    return !is_closing;
}

static void
ask(struct load *l)
{
    char text[2048] = "";
    int is_kept = 0;

    if (l->fd < 0 && open_connection(l) < 0)
        note_failure("connect", strerror(errno));
    else if (send(l->fd, request, sizeof request - 1, MSG_NOSIGNAL) < 0)
        note_failure("send", strerror(errno));
    else if (!read_answer(l, text, sizeof text))
        note_failure("no answer", text);
    else
        is_kept = count_answer(text) && l->is_kept;
    if (!is_kept) {
        close(l->fd);
        l->fd = -1;
    }
}

static void *
run_load(void *arg)
{
    struct load *l = arg;

    l->fd = -1;
    while (!is_over) {
        ask(l);
        usleep(PAUSE_US);
    }
    if (l->fd >= 0)
        close(l->fd);
    return NULL;
}

static void
start_load(struct load *l, uint16_t port)
{
    for (int i = 0; i < N_CLIENTS; i++) {
        l[i] = (struct load){.port = port, .is_kept = i % 2};
        ck_assert_int_eq(pthread_create(&l[i].thread, NULL, run_load, &l[i]),
                         0);
    }
}

static void
end_load(struct load *l)
{
    is_over = 1;
    for (int i = 0; i < N_CLIENTS; i++)
        pthread_join(l[i].thread, NULL);
}

/* ---- waiting -------------------------------------------------------------*/

/* Until a counter has reached n; fails with the first failure of a client. */
static void
wait_until(atomic_uint *counter, unsigned n, const char *what)
{
    for (int i = 0; i < WAIT_SECONDS * 1000 && *counter < n; i++) {
        ck_assert_msg(n_failed == 0, "%s", first_failure);
        usleep(1000);
    }
    ck_assert_msg(*counter >= n, "%s: %u, not %u", what, *counter, n);
}

static void
wait_more(atomic_uint *counter, const char *what)
{
    wait_until(counter, *counter + ENOUGH, what);
}

static void
wait_none_open(struct balancer *b, int backend)
{
    for (int i = 0; i < WAIT_SECONDS * 1000 && b->n_open[backend] > 0; i++)
        usleep(1000);
    ck_assert_uint_eq(b->n_open[backend], 0);
}

/* ---- the test ------------------------------------------------------------*/

static void
start_backend(struct server *s, char name, const char *delay)
{
    char ini[512];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
             "shutdown_delay = %s\nidle_grace = 100ms\n[plugin respond]\n"
             "[route who]\nmatch = POST /who\nhandler = respond\n"
             "respond.body = %c\n",
             delay, name);
    server_start(s, ini);
}

START_TEST(nobody_fails_while_a_backend_is_stopped_and_then_removed)
{
    struct server a, z;
    struct balancer b;
    struct load load[N_CLIENTS];

    start_backend(&a, 'a', DELAY);
    start_backend(&z, 'b', "0");
    balancer_start(&b, (const uint16_t[]){a.port, z.port});
    start_load(load, b.port);
    wait_more(&n_answered[0], "answers of a");
    wait_more(&n_answered[1], "answers of b");

    server_signal(&a, SIGTERM);
    server_wait_log(&a, "stopping: ");
    wait_more(&b.n_given[0], "connections of a that stops");
    wait_more(&n_closing[0], "its answers with Connection: close");
    balancer_remove(&b, 0);
    wait_none_open(&b, 0);

    ck_assert_int_eq(server_wait(&a), 0);
    wait_more(&n_answered[1], "answers of b alone");
    end_load(load);
    balancer_stop(&b);
    ck_assert_msg(n_failed == 0, "%u failed, of %u; first %s", n_failed,
                  n_answered[0] + n_answered[1], first_failure);
    ck_assert_uint_eq(n_closing[1], 0);
    ck_assert_int_eq(server_stop(&z), 0);
}
END_TEST

UNIT_MAIN(balance, nobody_fails_while_a_backend_is_stopped_and_then_removed)
