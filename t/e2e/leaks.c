/* SPDX-License-Identifier: BSD-2-Clause */
/* leaks.c - thousands of requests that wait, in every way, of clients that
 * leave at any moment: nothing is left of them, no descriptor, no block, no
 * place among those that may wait.
 *
 * tags: epoll asan tsan */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/upstream.h"
#include "t/lib/wsock.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define POST(path)                                                             \
    "POST " path " HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na"
/* So few that one place which is not given back is missed. */
#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmetrics = /metrics\n"        \
    "max_tasks = 24\nmax_waits = 32\nmax_fetches = 4\n"                        \
    "max_subscriptions = 6\nfetch_idle = 2\n"                                  \
    "[plugin waits]\n[plugin task]\n[plugin later]\n[plugin talk]\n"           \
    "[plugin dialog]\n"
#define SEED 20261129u
#define CLIENTS 40
#define HELD 6 /* replies that the upstream owes */
#define WARM_UP 300
#define ROUNDS 5000

static struct server s;
static struct upstream u;
static unsigned seed = SEED;

static struct client clients[CLIENTS];
static int held[HELD]; /* 0: none */

static unsigned
any(unsigned n)
{
    return (unsigned)rand_r(&seed) % n;
}

/* ---- what is asked -------------------------------------------------------*/

static const char *const requests[] = {
    GET("/waits/in/sleep"),   GET("/waits/in/fd"),
    GET("/waits/in/token"),   GET("/waits/in/join"),
    GET("/waits/in/next"),    GET("/waits/in/write"),
    GET("/waits/in/flush"),   POST("/waits/in/body"),
    GET("/task/job/1"),       GET("/task/join/5"),
    GET("/task/timeout/1"),   GET("/task/steps/2"),
    GET("/task/pipe/1000"),   GET("/later/hold/1"),
    GET("/later/hold/2"),     GET("/task/steps/1") GET("/task/sleep/9999"),
    GET("/waits/in/nothing"), GET("/task/hold/3"),
    "GET /waits/in/fetch?por"};

static const char *const streams[] = {"/talk/echo", "/dialog/echo",
                                      "/dialog/chat", "/dialog/late"};

static void
use_stream(struct client *c)
{
    char frame[64];

    wsock_ask(c, streams[any(sizeof streams / sizeof *streams)], "");
    if (any(2))
        usleep(any(1000));
    switch (any(4)) {
    case 0: break;
    case 1: /* half a message */
        (void)client_try_send(c, frame, wsock_frame(frame, 0x81, "any", 3) / 2);
        break;
    case 2:
        (void)client_try_send(c, frame, wsock_frame(frame, 0x81, "any", 3));
        break;
    default:
        (void)client_try_send(c, frame,
                              wsock_frame(frame, 0x88, "\x03\xe8", 2));
    }
}

static void
ask(struct client *c)
{
    unsigned n = sizeof requests / sizeof *requests, which = any(n + 8);

    *c = client_open(&s);
    if (which < n)
        client_puts(c, requests[which]);
    else if (which < n + 4)
        client_printf(c, GET("/waits/in/fetch?port=%d"), u.port);
    else
        use_stream(c);
}

/* With a reset, or in order. */
static void
leave(struct client *c)
{
    const struct linger at_once = {1, 0};

    if (any(3) == 0)
        (void)setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once,
                         sizeof at_once);
    client_close(c);
    c->fd = -1;
}

static void
answer_others(void)
{
    int *one = &held[any(HELD)];

    if (*one) {
        if (any(2))
            (void)send(*one, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 38,
                       MSG_NOSIGNAL);
        close(*one);
        *one = 0;
    }
    if (!upstream_is_quiet(&u, 0))
        *one = upstream_accept(&u);
}

static void
come_and_go(int rounds)
{
    for (int i = 0; i < rounds; i++) {
        struct client *c = &clients[any(CLIENTS)];
        if (c->fd >= 0)
            leave(c);
        else
            ask(c);
        answer_others();
        if (any(4) == 0)
            usleep(any(500));
    }
    for (int i = 0; i < CLIENTS; i++)
        if (clients[i].fd >= 0)
            leave(&clients[i]);
    while (!upstream_is_quiet(&u, 20))
        close(upstream_accept(&u));
    for (int i = 0; i < HELD; i++) {
        if (held[i])
            close(held[i]);
        held[i] = 0;
    }
}

/* ---- what is left --------------------------------------------------------*/

static const char *const figures[] = {"connections_active", "requests_active",
                                      "tasks_active",       "fetches_active",
                                      "ws_active",          "memory"};
#define FIGURES (sizeof figures / sizeof *figures)

static void
expect_as_before(const int before[FIGURES], int n_fds)
{
    for (size_t i = 0; i < FIGURES; i++) {
        int now = 0;
        for (int k = 0;
             k < 2000 && (now = tally_figure(&s, figures[i])) != before[i]; k++)
            usleep(5000);
        ck_assert_msg(now == before[i], "%s: %d, not %d", figures[i], now,
                      before[i]);
    }
    for (int k = 0; k < 2000 && server_count_fds(s.pid) > n_fds; k++)
        usleep(5000);
    ck_assert_int_le(server_count_fds(s.pid), n_fds);
}

/* n of it may wait, and what the next one is told. */
static void
expect_room(const char *path, int n, int status, const char *body)
{
    struct client c[32];
    char request[128];

    snprintf(request, sizeof request,
             "GET %s?port=%d HTTP/1.1\r\nHost: x\r\n\r\n", path, u.port);
    for (int i = 0; i < n; i++) {
        c[i] = client_open(&s);
        client_puts(&c[i], request);
    }
    tally_wait(&s, GET("/metrics"), "\netude_requests_active", n + 1);
    client_once(&s, request, status, body);
    for (int i = 0; i < n; i++)
        client_close(&c[i]);
    while (!upstream_is_quiet(&u, 0))
        close(upstream_accept(&u));
    tally_wait(&s, GET("/metrics"), "\netude_requests_active", 1);
}

START_TEST(nothing_is_left_of_those_who_leave)
{
    int before[FIGURES], n_fds;

    for (int i = 0; i < CLIENTS; i++)
        clients[i].fd = -1;
    upstream_open(&u);
    server_start(&s, SERVER);
    come_and_go(WARM_UP);
    tally_wait(&s, GET("/metrics"), "\netude_connections_active", 1);
    tally_wait(&s, GET("/metrics"), "\netude_tasks_active", 0);
    usleep(100000);
    for (size_t i = 0; i < FIGURES; i++)
        before[i] = tally_figure(&s, figures[i]);
    n_fds = server_count_fds(s.pid);
    come_and_go(unit_rounds(ROUNDS));
    expect_as_before(before, n_fds);
    expect_room("/waits/in/sleep", 24, 503, NULL);
    expect_room("/later/hold/3", 32, 503, NULL);
    expect_room("/waits/in/fetch", 4, 200, "- -5 00000000");
    expect_room("/waits/in/next", 6, 200, "- -5 00000000");
    expect_as_before(before, n_fds);
    ck_assert_int_eq(server_stop(&s), 0);
    upstream_close(&u);
}
END_TEST

UNIT_MAIN(leaks, nothing_is_left_of_those_who_leave)
