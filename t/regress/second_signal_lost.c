/* SPDX-License-Identifier: BSD-2-Clause */
/* second_signal_lost.c - a second signal to stop within 0.2 s was taken for the
 * first one arrived twice, whoever sent it; and one that came while nothing was
 * in progress ended the server with 3, as if it had cut something off.
 *
 * What arrives twice and is one, t/unit/serve/signals.c has. */
/* tags: epoll asan */
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET "GET /h HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nhealth = /h\ndrain_timeout = 1h\n"        \
    "idle_grace = 1m\nmetrics = /metrics\n"
#define ECHO "[plugin echo]\n[route echo]\nmatch = * /echo\nhandler = echo\n"

static void
half_a_request(struct server *s, struct client *c)
{
    *c = client_open(s);
    client_puts(c, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                   "Content-Length: 4\r\n\r\nha");
    client_wait_active(s, 1);
}

static int
wait_cut(struct server *s)
{
    int has_said;

    server_wait_log(s, "stopped");
    has_said = server_has_log(s, "cut off");
    ck_assert_int_eq(server_wait(s), has_said ? 3 : 0);
    return has_said;
}

START_TEST(another_signal_counts_at_once)
{
    struct server s;
    struct client c;

    server_start(&s, SERVER ECHO);
    half_a_request(&s, &c);
    server_signal(&s, SIGTERM);
    server_signal(&s, SIGINT);
    ck_assert(wait_cut(&s));
    client_close(&c);
}
END_TEST

/* 60 ms apart: less than two senders may take to pass on one order. */
START_TEST(so_does_the_same_of_the_same_sender)
{
    const struct timespec gap = {.tv_nsec = 60000000};
    struct server s;
    struct client c;

    server_start(&s, SERVER ECHO);
    half_a_request(&s, &c);
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "no longer listening");
    nanosleep(&gap, NULL);
    server_signal(&s, SIGTERM);
    ck_assert(wait_cut(&s));
    client_close(&c);
}
END_TEST

START_TEST(without_a_connection_nothing_is_cut)
{
    struct server s;

    server_start(&s, SERVER "shutdown_delay = 1h\n");
    client_once(&s, GET, 200, NULL);
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "stopping");
    server_signal(&s, SIGINT);
    ck_assert(!wait_cut(&s));
}
END_TEST

/* Both before the server has looked. */
START_TEST(nor_if_both_come_at_once)
{
    struct server s;

    server_start(&s, SERVER "shutdown_delay = 1h\n");
    server_signal(&s, SIGSTOP);
    server_signal(&s, SIGTERM);
    server_signal(&s, SIGINT);
    server_signal(&s, SIGCONT);
    ck_assert(!wait_cut(&s));
}
END_TEST

START_TEST(nor_with_an_idle_one)
{
    struct server s;
    struct client c;

    server_start(&s, SERVER);
    c = client_open(&s);
    client_expect(&c, GET, 200, NULL);
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "no longer listening");
    server_signal(&s, SIGINT);
    ck_assert(client_is_closed(&c));
    ck_assert(!wait_cut(&s));
    client_close(&c);
}
END_TEST

UNIT_MAIN(second_signal_lost, another_signal_counts_at_once,
          so_does_the_same_of_the_same_sender,
          without_a_connection_nothing_is_cut, nor_if_both_come_at_once,
          nor_with_an_idle_one)
