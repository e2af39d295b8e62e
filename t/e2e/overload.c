/* SPDX-License-Identifier: BSD-2-Clause */
/* overload.c - limits on connections and what is shed when there is too much to
 * do: who is over is told so, the others notice nothing, and it passes.
 * tags: epoll asan tsan */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define XFF(who)                                                               \
    "GET /normal HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113." who       \
    "\r\n\r\n"
#define TRIES 2000 /* at 5 ms: until what has been let go is noticed */

static struct server s;

static void
write_ini(char *ini, size_t cap, const char *settings)
{
    snprintf(ini, cap,
             "[server]\nlisten = 127.0.0.1:0\nhealth = /healthz\n"
             "ready = /readyz\nmetrics = /metrics\n%s\n"
             "[plugin respond]\n[plugin echo]\n[plugin slow]\n"
             "shed_priority = high\n"
             "[route low]\nmatch = * /low\nhandler = respond\n"
             "respond.body = low\npriority = low\n"
             "[route normal]\nmatch = * /normal\nhandler = respond\n"
             "respond.body = normal\n"
             "[route high]\nmatch = * /high\nhandler = respond\n"
             "respond.body = high\npriority = high\n"
             "[route hold]\nmatch = POST /hold\nhandler = echo\n"
             "priority = high\n",
             settings);
}

static void
start(const char *settings)
{
    char ini[2048];

    write_ini(ini, sizeof ini, settings);
    server_start(&s, ini);
}

static void
reload(const char *settings)
{
    char ini[2048];

    write_ini(ini, sizeof ini, settings);
    server_write(&s, ini);
    ck_assert_int_eq(server_reload(&s), 1);
}

/* Turned away: 503 and when to come again; closing: with the connection. */
static void
expect_503(struct client *c, const char *request, int closing)
{
    struct answer a;
    const char *connection;

    client_puts(c, request);
    a = client_answer(c, 0);
    ck_assert_int_eq(a.status, 503);
    ck_assert_str_eq(answer_field(&a, "Retry-After", 0), "1");
    connection = answer_field(&a, "Connection", 0);
    ck_assert_int_eq(connection && strcmp(connection, "close") == 0, closing);
    answer_free(&a);
    if (closing)
        ck_assert(client_is_closed(c));
}

/* Not let in, and that is the end: where it costs no more it is told why. */
static void
is_turned_away(struct client *c)
{
    if (transport_here()->is_plain)
        expect_503(c, GET("/normal"), 1);
    else
        ck_assert(client_is_closed(c));
    client_close(c);
}

/* A connection that says something in front of all, or "". */
static struct client
open_behind(const char *first)
{
    struct client c = client_dial(s.port);

    client_puts(&c, first);
    client_enter(&c);
    return c;
}

static int
status_of(struct client *c, const char *request)
{
    struct answer a;
    int status;

    client_try_send(c, request, strlen(request));
    a = client_answer(c, 0);
    status = a.status;
    answer_free(&a);
    return status;
}

/* A connection that is let in, as soon as one is. */
static struct client
get_in(const char *first, const char *request)
{
    for (int i = 0; i < TRIES; i++) {
        struct client c = open_behind(first);
        if (status_of(&c, request) == 200)
            return c;
        client_close(&c);
        usleep(5000);
    }
    ck_abort_msg("nobody is let in");
}

static int
metric(const char *name)
{
    struct client c = client_open(&s);
    struct answer a;
    const char *p;
    char line[128];
    int value;

    client_puts(&c, GET("/metrics"));
    a = client_answer(&c, 0);
    snprintf(line, sizeof line, "\netude_%s_total ", name);
    p = strstr(a.body, line);
    ck_assert_msg(p != NULL, "no %s in\n%s", name, a.body);
    value = atoi(p + strlen(line));
    answer_free(&a);
    client_close(&c);
    return value;
}

/* ---- connections ----------------------------------------------------------*/

enum { MOST = 5 };

static void
those_beyond_wait(const char *settings)
{
    struct client c[MOST + 1];

    start(settings);
    for (int i = 0; i < MOST; i++) {
        c[i] = client_open(&s);
        client_expect(&c[i], GET("/normal"), 200, "normal");
    }
    for (int round = 0; round < 3; round++) {
        c[MOST] = client_open(&s);
        client_puts(&c[MOST], GET("/normal"));
        ck_assert(client_is_quiet(&c[MOST], 50));
        client_close(&c[round]);
        client_take(&c[MOST], 0, 200, "normal");
        c[round] = c[MOST];
    }
    server_wait_log(&s, "wait");
    for (int i = 0; i < MOST; i++) {
        client_expect(&c[i], GET("/normal"), 200, "normal");
        client_close(&c[i]);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(those_beyond_max_connections_wait)
{
    those_beyond_wait("workers = 2\nmax_connections = 5");
}
END_TEST

START_TEST(those_beyond_max_connections_of_workers_that_accept_wait)
{
    those_beyond_wait("workers = 2\nmax_connections = 5\naccept = reuseport");
}
END_TEST

static void
those_beyond_are_told(const char *settings, int n_sayers)
{
    struct client c[MOST], late;
    int said;

    start(settings);
    for (int i = 0; i < MOST; i++) {
        c[i] = client_open(&s);
        client_expect(&c[i], GET("/normal"), 200, "normal");
    }
    for (int i = 0; i < 3; i++) {
        late = client_open(&s);
        is_turned_away(&late);
    }
    server_wait_log(&s, "max_connections are open");
    client_close(&c[0]);
    c[0] = get_in("", GET("/normal"));
    for (int i = 0; i < MOST; i++)
        client_close(&c[i]);
    server_wait_log(&s, "room for connections again");
    said = server_count_log(&s, "max_connections are open");
    ck_assert_int_le(said, n_sayers);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(those_beyond_max_connections_may_be_told)
{
    those_beyond_are_told("workers = 2\nmax_connections = 5\noverload = shed",
                          1);
}
END_TEST

START_TEST(those_beyond_max_connections_may_be_told_by_workers)
{
    those_beyond_are_told("workers = 2\nmax_connections = 5\noverload = shed\n"
                          "accept = reuseport",
                          2);
}
END_TEST

START_TEST(max_connections_may_change)
{
    struct client c[MOST], late;

    start("workers = 2");
    for (int i = 0; i < MOST; i++) {
        c[i] = client_open(&s);
        client_expect(&c[i], GET("/normal"), 200, "normal");
    }
    reload("workers = 2\nmax_connections = 5\noverload = shed");
    late = client_open(&s);
    is_turned_away(&late);
    reload("workers = 2");
    late = client_open(&s);
    client_expect(&late, GET("/normal"), 200, "normal");
    client_close(&late);
    for (int i = 0; i < MOST; i++)
        client_close(&c[i]);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_connection_has_so_many_requests)
{
    struct client c;

    start("max_requests_per_connection = 3");
    c = client_open(&s);
    for (int i = 0; i < 2; i++)
        client_expect(&c, GET("/normal"), 200, "normal");
    client_puts(&c, GET("/normal"));
    client_take_last(&c);
    ck_assert(client_is_closed(&c));
    client_close(&c);

    c = client_open(&s); /* and not one more of those that wait behind it */
    client_puts(&c, GET("/normal") GET("/normal") GET("/normal") GET("/normal")
                        GET("/normal"));
    client_take(&c, 0, 200, "normal");
    client_take(&c, 0, 200, "normal");
    client_take_last(&c);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- of one client --------------------------------------------------------*/

static void
of_one_client(const char *settings)
{
    struct client c[2], late;

    start(settings);
    for (int i = 0; i < 2; i++) {
        c[i] = client_open(&s);
        client_expect(&c[i], GET("/normal"), 200, "normal");
    }
    for (int i = 0; i < 3; i++) {
        late = client_open(&s);
        is_turned_away(&late);
    }
    client_expect(&c[0], GET("/normal"), 200, "normal");
    client_close(&c[0]);
    c[0] = get_in("", GET("/normal"));
    client_close(&c[0]);
    client_close(&c[1]);
    late = get_in("", GET("/normal"));
    client_close(&late);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(a_client_has_so_many_connections)
{
    of_one_client("workers = 2\nmax_connections_per_ip = 2");
}
END_TEST

START_TEST(a_client_has_so_many_of_workers_that_accept)
{
    of_one_client("workers = 2\nmax_connections_per_ip = 2\n"
                  "accept = reuseport");
}
END_TEST

/* Who the client is says the PROXY header. */
START_TEST(a_client_of_a_proxy_has_so_many_connections)
{
    static const char one[] = "PROXY TCP4 192.0.2.1 192.0.2.9 1 2\r\n";
    static const char other[] = "PROXY TCP6 2001:db8::1 ::1 1 2\r\n";
    static const char same_64[] = "PROXY TCP6 2001:db8::2 ::1 1 2\r\n";
    char ini[2048];
    struct client a, b, late;

    write_ini(ini, sizeof ini, "workers = 2\nmax_connections_per_ip = 1");
    memcpy(strstr(ini, "listen = 127.0.0.1:0\n"), ";", 1);
    strcat(ini, "[listen p]\naddress = 127.0.0.1:0\nproxy_protocol = v1\n");
    server_start(&s, ini);
    a = get_in(one, GET("/normal"));
    b = get_in(other, GET("/normal"));
    late = open_behind(one);
    is_turned_away(&late);
    late = open_behind(same_64);
    is_turned_away(&late);
    client_close(&a);
    a = get_in(one, GET("/normal"));
    client_close(&a);
    client_close(&b);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

#define UPLOAD(who)                                                            \
    "POST /hold HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113." who        \
    "\r\nContent-Length: 5\r\n\r\nhe"

/* Behind trusted proxies it is requests that count; the connection, which is
 * the proxy's, goes on. */
START_TEST(a_client_behind_trusted_proxies_has_so_many_requests)
{
    struct client up[2], c;

    start("workers = 1\nmax_connections_per_ip = 2\n"
          "trusted_proxies = 127.0.0.1");
    for (int i = 0; i < 2; i++) {
        up[i] = client_open(&s);
        client_puts(&up[i], UPLOAD("5"));
    }
    client_wait_active(&s, 2);
    c = client_open(&s);
    for (int i = 0; i < 3; i++) {
        expect_503(&c, XFF("5"), 0);
        client_expect(&c, XFF("6"), 200, "normal");
        client_expect(&c, GET("/healthz"), 200, NULL);
    }
    ck_assert_int_eq(metric("clients_limited"), 3);
    client_puts(&up[0], "llo");
    client_take(&up[0], 0, 200, "hello");
    client_expect(&c, XFF("5"), 200, "normal");
    client_expect(&up[0], XFF("5"), 200, "normal");
    client_puts(&up[0], UPLOAD("5"));
    client_wait_active(&s, 2);
    client_close(&up[1]); /* in the middle: counted no longer */
    client_wait_active(&s, 1);
    client_expect(&c, XFF("5"), 200, "normal");
    client_close(&c);
    client_close(&up[0]);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- balance -------------------------------------------------------------*/

START_TEST(a_balance_that_does_nothing_is_warned_of)
{
    static const char *const v[][2] = {
        {"balance = hash\ntrusted_proxies = 10.0.0.0/8",
         "address of the proxy"},
        {"balance = least-connections\naccept = reuseport", "the kernel deals"},
        {"balance = hash", NULL},
        {"balance = least-connections", NULL},
    };

    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        start(v[i][0]);
        client_once(&s, GET("/normal"), 200, "normal");
        ck_assert_int_eq(server_count_log(&s, "[server] balance"),
                         v[i][1] != NULL);
        ck_assert(!v[i][1] || server_has_log(&s, v[i][1]));
        ck_assert_int_eq(server_stop(&s), 0);
    }
}
END_TEST

/* ---- shedding -------------------------------------------------------------*/

static void
hold(struct client *c, int from, int to)
{
    for (int i = from; i < to; i++) {
        c[i] = client_open(&s);
        client_puts(&c[i], "POST /hold HTTP/1.1\r\nHost: x\r\n"
                           "Content-Length: 5\r\n\r\nhe");
    }
    client_wait_active(&s, to);
}

START_TEST(requests_in_flight_shed_low_first_and_high_last)
{
    struct client up[8], c;

    start("workers = 1\nshed_requests = 2");
    c = client_open(&s);
    client_expect(&c, GET("/low"), 200, "low");
    hold(up, 0, 2);
    expect_503(&c, GET("/low"), 0);
    client_expect(&c, GET("/normal"), 200, "normal");
    client_expect(&c, GET("/high"), 200, "high");
    hold(up, 2, 4);
    expect_503(&c, GET("/low"), 0);
    expect_503(&c, GET("/normal"), 0);
    client_expect(&c, GET("/high"), 200, "high");
    client_expect(&c, GET("/slow/0"), 200, "slept"); /* a declared route */
    hold(up, 4, 8);
    expect_503(&c, GET("/high"), 0);
    expect_503(&c, GET("/slow/0"), 0);
    client_expect(&c, GET("/healthz"), 200, NULL);
    client_expect(&c, GET("/readyz"), 200, NULL);
    ck_assert_int_eq(metric("requests_shed"), 5);
    for (int i = 0; i < 8; i++) { /* who is in is served to the end */
        client_puts(&up[i], "llo");
        client_take(&up[i], 0, 200, "hello");
        client_close(&up[i]);
    }
    client_expect(&c, GET("/low"), 200, "low");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_is_shed_may_have_a_body)
{
    struct client up[2], c;

    start("workers = 1\nshed_requests = 2");
    hold(up, 0, 2);
    c = client_open(&s);
    for (int i = 0; i < 2; i++) {
        expect_503(&c,
                   "POST /low HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
                   "hello",
                   0);
        expect_503(&c,
                   "POST /low HTTP/1.1\r\nHost: x\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n"
                   "5\r\nhello\r\n0\r\n\r\n",
                   0);
        client_expect(&c, GET("/normal"), 200, "normal");
    }
    /* Who waits for 100 gets the answer instead, and then the end. */
    expect_503(&c,
               "POST /low HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
               "Expect: 100-continue\r\n\r\n",
               1);
    client_close(&c);
    for (int i = 0; i < 2; i++)
        client_close(&up[i]);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The worker's next turn finds what has waited for this one's end. */
START_TEST(a_loop_that_lags_sheds_low_first)
{
    struct client busy, c[3], health;

    start("workers = 1\nshed_lag = 1s");
    for (int i = 0; i < 3; i++) {
        c[i] = client_open(&s);
        client_expect(&c[i], GET("/low"), 200, "low");
    }
    health = client_open(&s);
    client_expect(&health, GET("/healthz"), 200, NULL);
    busy = client_open(&s);
    client_puts(&busy, GET("/slow/2500"));
    server_wait_log(&s, "slow: begins");
    client_puts(&c[0], GET("/low"));
    client_puts(&c[1], GET("/normal"));
    client_puts(&c[2], GET("/high"));
    client_puts(&health, GET("/healthz"));
    client_take(&busy, 0, 200, "slept");
    client_take(&c[0], 0, 503, NULL);
    client_take(&c[1], 0, 503, NULL);
    client_take(&c[2], 0, 200, "high");
    client_take(&health, 0, 200, NULL);
    for (int i = 0; i < TRIES && status_of(&c[0], GET("/low")) != 200; i++)
        usleep(5000);
    client_expect(&c[0], GET("/low"), 200, "low");
    for (int i = 0; i < 3; i++)
        client_close(&c[i]);
    client_close(&busy);
    client_close(&health);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(nothing_is_shed_unless_it_is_asked_for)
{
    struct client up[8], c;

    start("workers = 1");
    hold(up, 0, 8);
    c = client_open(&s);
    client_expect(&c, GET("/low"), 200, "low");
    reload("workers = 1\nshed_requests = 1");
    expect_503(&c, GET("/low"), 0);
    reload("workers = 1");
    client_expect(&c, GET("/low"), 200, "low");
    client_close(&c);
    for (int i = 0; i < 8; i++)
        client_close(&up[i]);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* How many of them have something to be read. */
static int
count_answered(const struct client *c, int n)
{
    int n_answered = 0;

    for (int i = 0; i < n; i++) {
        struct pollfd p = {.fd = c[i].fd, .events = POLLIN};
        n_answered += poll(&p, 1, 0) == 1;
    }
    return n_answered;
}

/* Many come while their worker has other things to do, and each costs it
 * something at once: who is there already has a turn before the last of them.
 */
static void
new_ones_take_turns(const char *settings)
{
    enum { N = 300 };
    static struct client fresh[N];
    struct client c, busy;

    if (!transport_here()->is_plain) /* their first bytes are a handshake's */
        return;
    start(settings);
    busy = client_open(&s);
    c = client_open(&s);
    client_expect(&c, GET("/normal"), 200, "normal");
    client_puts(&busy, GET("/slow/500"));
    (void)server_wait_log(&s, "slow: begins");
    for (int i = 0; i < N; i++) {
        fresh[i] = client_open(&s);
        client_puts(&fresh[i], GET("/slow/5"));
    }
    client_expect(&c, GET("/normal"), 200, "normal");
    ck_assert_int_lt(count_answered(fresh, N), N / 2);
    for (int i = 0; i < N; i++) {
        client_take(&fresh[i], 0, 200, "slept");
        client_close(&fresh[i]);
    }
    client_close(&busy);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(new_connections_leave_a_turn_to_old_ones)
{
    new_ones_take_turns("workers = 1");
}
END_TEST

START_TEST(so_they_do_where_workers_accept)
{
    new_ones_take_turns("workers = 1\naccept = reuseport");
}
END_TEST

UNIT_MAIN(overload, new_connections_leave_a_turn_to_old_ones,
          so_they_do_where_workers_accept, those_beyond_max_connections_wait,
          those_beyond_max_connections_of_workers_that_accept_wait,
          those_beyond_max_connections_may_be_told,
          those_beyond_max_connections_may_be_told_by_workers,
          max_connections_may_change, a_connection_has_so_many_requests,
          a_client_has_so_many_connections,
          a_client_has_so_many_of_workers_that_accept,
          a_client_of_a_proxy_has_so_many_connections,
          a_client_behind_trusted_proxies_has_so_many_requests,
          a_balance_that_does_nothing_is_warned_of,
          requests_in_flight_shed_low_first_and_high_last,
          what_is_shed_may_have_a_body, a_loop_that_lags_sheds_low_first,
          nothing_is_shed_unless_it_is_asked_for)
