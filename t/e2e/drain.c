/* SPDX-License-Identifier: BSD-2-Clause */
/* drain.c - what clients see of a server that stops: whoever was let in gets
 * the answer, whole, and nobody is reset.
 * tags: epoll asan tsan */
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#define UNIT_SECONDS 40
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static const char plugins[] = "[plugin answers]\n[plugin slow]\n[plugin echo]\n"
                              "[route echo]\nmatch = * /echo\nhandler = echo\n";

static void
start(struct server *s, const char *settings)
{
    char ini[1024];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n%s\n%s", settings,
             plugins);
    server_start(s, ini);
}

/* Until nobody listens any more. */
static void
wait_refused(const struct server *s)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons(s->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    for (int i = 0; i < 2000; i++) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int rc = connect(fd, (struct sockaddr *)&to, sizeof to);
        close(fd);
        if (rc < 0)
            return;
        usleep(5000);
    }
    ck_abort_msg("somebody still listens");
}

/* One answer that says Connection: close, then the end. */
static void
take_last(struct client *c, const char *body)
{
    struct answer a = client_answer(c, 0);

    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.body, body);
    ck_assert_str_eq(answer_field(&a, "Connection", 0), "close");
    answer_free(&a);
    ck_assert(client_is_closed(c));
    client_close(c);
}

static void
stops_with(int signo)
{
    struct server s;
    struct client idle, active;

    start(&s, "idle_grace = 100ms\nmetrics = /metrics");
    idle = client_open(&s);
    client_expect(&idle, GET("/none"), 200, "");
    active = client_open(&s);
    client_puts(&active, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                         "Content-Length: 5\r\n\r\nhel");
    client_wait_active(&s, 1);
    client_expect(&idle, GET("/none"), 200, "");
    server_signal(&s, signo);
    ck_assert(client_is_closed(&idle));
    client_close(&idle);
    client_puts(&active, "lo");
    take_last(&active, "hello");
    ck_assert_int_eq(server_wait(&s), 0);
}

START_TEST(term_lets_the_idle_go_and_the_active_finish)
{
    stops_with(SIGTERM);
}
END_TEST

START_TEST(int_lets_the_idle_go_and_the_active_finish)
{
    stops_with(SIGINT);
}
END_TEST

START_TEST(a_request_within_the_grace_is_answered)
{
    struct server s;
    struct client c;

    if (transport_here()->is_h2) /* no request behind GOAWAY */
        return;
    start(&s, "idle_grace = 5s");
    c = client_open(&s);
    client_expect(&c, GET("/none"), 200, "");
    server_signal(&s, SIGTERM);
    wait_refused(&s);
    client_puts(&c, GET("/none"));
    take_last(&c, "");
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

/* A balancer that looks every now and then, under load: nobody fails. */
START_TEST(while_the_balancer_looks_all_is_served)
{
    struct server s;
    int is_closing = 0;

    start(&s, "shutdown_delay = 3s\nready = /readyz\nhealth = /healthz");
    client_once(&s, GET("/readyz"), 200, NULL);
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "stopping");
    for (int i = 0; i < 50; i++) {
        struct client c = client_open(&s);
        struct answer a;
        client_puts(&c, GET("/none"));
        a = client_answer(&c, 0);
        ck_assert_int_eq(a.status, 200);
        is_closing = answer_field(&a, "Connection", 0) != NULL;
        answer_free(&a);
        client_close(&c);
    }
    ck_assert(is_closing);
    client_once(&s, GET("/readyz"), 503, NULL);
    client_once(&s, GET("/healthz"), 200, NULL);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

/* Connected while the workers are busy: accepted and answered. */
START_TEST(who_is_queued_is_still_served)
{
    enum { N = 50 };
    struct server s;
    struct client c[N], busy[2];

    start(&s, "");
    for (int i = 0; i < 2; i++) {
        busy[i] = client_open(&s);
        client_puts(&busy[i], GET("/slow/300"));
        server_wait_log(&s, "slow: begins");
    }
    for (int i = 0; i < N; i++)
        c[i] = client_open(&s);
    server_signal(&s, SIGTERM);
    for (int i = 0; i < N; i++)
        client_puts(&c[i], GET("/none"));
    for (int i = 0; i < N; i++) {
        client_take(&c[i], 0, 200, "");
        client_close(&c[i]);
    }
    for (int i = 0; i < 2; i++) {
        client_take(&busy[i], 0, 200, "slept");
        client_close(&busy[i]);
    }
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

/* More is in the socket than is answered: the last answer is not lost to a
 * reset. */
START_TEST(a_pipeline_is_not_reset)
{
    struct server s;
    struct client c;
    struct answer a;
    char byte;

    start(&s, "");
    c = client_open(&s);
    client_puts(&c, GET("/slow/200"));
    server_wait_log(&s, "slow: begins");
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "stopping: "); /* or all could be answered before */
    for (int i = 0; i < 2000; i++)
        client_puts(&c, GET("/none"));
    for (int is_last = 0; !is_last;) {
        a = client_answer(&c, 0);
        ck_assert_int_eq(a.status, 200);
        is_last = answer_field(&a, "Connection", 0) != NULL;
        answer_free(&a);
    }
    ck_assert_int_eq(recv(c.fd, &byte, 1, 0), 0);
    client_close(&c);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

START_TEST(what_does_not_end_is_cut_and_told_by_the_exit_code)
{
    struct server s;
    struct client c;

    start(&s, "drain_timeout = 300ms");
    c = client_open(&s);
    client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                    "Content-Length: 5\r\n\r\nhel");
    client_once(&s, GET("/none"), 200, "");
    client_once(&s, GET("/none"), 200, "");
    server_signal(&s, SIGTERM);
    ck_assert_int_eq(server_wait(&s), 3);
    client_close(&c);
}
END_TEST

START_TEST(a_second_signal_ends_it_at_once)
{
    struct server s;
    struct client c;

    start(&s, "drain_timeout = 1h\nshutdown_delay = 1h");
    c = client_open(&s);
    client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                    "Content-Length: 5\r\n\r\nhel");
    client_once(&s, GET("/none"), 200, "");
    client_once(&s, GET("/none"), 200, "");
    server_signal(&s, SIGTERM);
    server_wait_log(&s, "stopping");
    server_signal(&s, SIGINT);
    ck_assert_int_eq(server_wait(&s), 3);
    client_close(&c);
}
END_TEST

START_TEST(a_download_ends_before_the_server_does)
{
    struct server s;
    struct client c;
    struct answer a;

    start(&s, "");
    c = client_open(&s);
    client_puts(&c, GET("/ref/33554432"));
    client_once(&s, GET("/none"), 200, "");
    server_signal(&s, SIGTERM);
    wait_refused(&s);
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, 33554432);
    answer_free(&a);
    client_close(&c);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

UNIT_MAIN(drain, term_lets_the_idle_go_and_the_active_finish,
          int_lets_the_idle_go_and_the_active_finish,
          a_request_within_the_grace_is_answered,
          while_the_balancer_looks_all_is_served, who_is_queued_is_still_served,
          a_pipeline_is_not_reset,
          what_does_not_end_is_cut_and_told_by_the_exit_code,
          a_second_signal_ends_it_at_once,
          a_download_ends_before_the_server_does)
