/* SPDX-License-Identifier: BSD-2-Clause */
/* pressure.c - too many connections, too few descriptors, a log nobody reads:
 * who is in is served, who is not waits or is told, and it passes.
 * tags: epoll asan tsan */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

enum { SLOTS = 16 };

static void
start(struct server *s, const char *settings)
{
    char ini[512];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\n%s\n[plugin answers]\n"
             "[plugin echo]\n[route echo]\nmatch = * /echo\nhandler = echo\n",
             settings);
    server_start(s, ini);
}

/* Those beyond the slots wait in the kernel's queue and get theirs later. */
static void
wait_for_slots(const char *settings)
{
    enum { N = 4 * SLOTS };
    struct server s;
    struct client c[N];
    int answered = 0;

    start(&s, settings);
    for (int i = 0; i < N; i++) {
        c[i] = client_open(&s);
        client_puts(&c[i], GET("/none"));
    }
    for (int i = 0; i < SLOTS; i++)
        client_take(&c[i], 0, 200, "");
    for (int i = SLOTS; i < N; i++)
        answered += !client_is_quiet(&c[i], i == SLOTS ? 100 : 0);
    ck_assert_int_le(answered, 1);
    for (int i = 0; i < N; i++) {
        if (i >= SLOTS)
            client_take(&c[i], 0, 200, "");
        client_close(&c[i]);
    }
    client_once(&s, GET("/none"), 200, "");
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(who_finds_no_slot_waits)
{
    wait_for_slots("workers = 1\nslab_capacity = 16");
}
END_TEST

START_TEST(who_finds_no_slot_of_a_worker_that_accepts_waits)
{
    wait_for_slots("workers = 1\nslab_capacity = 16\naccept = reuseport");
}
END_TEST

/* A client that was answered with 200, as soon as there is a slot for it. */
static struct client
client_let_in(const struct server *s)
{
    for (int i = 0; i < 1000; i++) {
        struct client c = client_open(s);
        struct answer a;
        int status;
        client_try_send(&c, GET("/none"), strlen(GET("/none")));
        a = client_answer(&c, 0);
        status = a.status;
        answer_free(&a);
        if (status == 200)
            return c;
        client_close(&c);
        usleep(5000);
    }
    ck_abort_msg("no slot becomes free");
}

static void
is_told_503(struct client *c)
{
    struct answer a;

    client_puts(c, GET("/none"));
    a = client_answer(c, 0);
    ck_assert_int_eq(a.status, 503);
    ck_assert_ptr_nonnull(answer_field(&a, "Retry-After", 0));
    ck_assert_str_eq(answer_field(&a, "Connection", 0), "close");
    answer_free(&a);
}

/* With n workers' slots taken, whoever is next is told so. */
static void
shed(const char *settings, int n)
{
    struct server s;
    struct client c[2 * SLOTS], late;

    start(&s, settings);
    for (int i = 0; i < n * SLOTS; i++) {
        c[i] = client_open(&s);
        client_expect(&c[i], GET("/none"), 200, "");
    }
    for (int i = 0; i < 20; i++) {
        if (i == 10)
            usleep(50000); /* they look for room every 16 ms */
        late = client_open(&s);
        if (transport_here()->is_plain) /* else there is no more than the end */
            is_told_503(&late);
        ck_assert(client_is_closed(&late));
        client_close(&late);
    }
    for (int i = 0; i < n * SLOTS; i++) {
        client_expect(&c[i], GET("/none"), 200, "");
        client_close(&c[i]);
    }
    late = client_let_in(&s);
    client_close(&late);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(who_finds_no_slot_may_be_shed)
{
    shed("workers = 2\nslab_capacity = 16\noverload = shed", 2);
}
END_TEST

START_TEST(a_worker_that_accepts_sheds_too)
{
    shed("workers = 1\nslab_capacity = 16\noverload = shed\n"
         "accept = reuseport",
         1);
}
END_TEST

/* A full house that changes all the time. */
START_TEST(slots_are_used_again)
{
    const int n = transport_here()->is_plain ? 2000 : 400;
    struct server s;

    start(&s, "workers = 2\nslab_capacity = 16");
    for (int i = 0; i < n; i++)
        client_once(&s, GET("/none"), 200, "");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The limit has to stand before the start: a ring remembers the one it was
 * asked to accept under. */
START_TEST(without_descriptors_it_recovers_by_itself)
{
    enum { N = 16, ROOM = 6 };
    struct server s;
    struct client c[N];
    struct rlimit limit;
    int served = 0, n_fds;

    if (!transport_here()->is_plain) /* and the client would have none left */
        return;
    start(&s, "workers = 1\nslab_capacity = 100");
    n_fds = server_count_fds(server_pid(&s));
    limit.rlim_cur = limit.rlim_max = (rlim_t)(n_fds + ROOM);
    ck_assert_int_eq(server_stop(&s), 0);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
    start(&s, "workers = 1\nslab_capacity = 100");
    for (int i = 0; i < N; i++) {
        c[i] = client_open(&s);
        client_puts(&c[i], GET("/none"));
    }
    server_wait_log(&s, "accept: ");
    for (int i = 0; i < N; i++) {
        struct pollfd p = {.fd = c[i].fd, .events = POLLIN};
        if (poll(&p, 1, i ? 0 : 1000) == 1) {
            struct answer a = client_answer(&c[i], 0);
            served += a.status == 200;
            answer_free(&a);
        }
    }
    ck_assert_int_ge(served, 1);
    ck_assert_int_lt(served, N);
    for (int i = 0; i < N; i++)
        client_close(&c[i]);
    server_wait_log(&s, "again");
    /* Of those that have gone some may wait to be accepted still. */
    for (int n = 0, i = 0; n < 4 * N; i++) {
        struct client one = client_open(&s);
        struct answer a;
        ck_assert_int_lt(i, 2000);
        client_puts(&one, GET("/none"));
        a = client_answer(&one, 0);
        n = a.status == 200 ? n + 1 : 0;
        answer_free(&a);
        client_close(&one);
        for (int k = 0; k < 5000 && server_count_fds(server_pid(&s)) > n_fds;
             k++)
            usleep(1000); /* it may not be closed yet */
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* More clients than one turn of a loop holds, all alive. */
START_TEST(five_hundred_connections_are_all_served)
{
    enum { N = 512 };
    struct client *c = calloc(N, sizeof *c);
    struct server s;

    start(&s, "workers = 2");
    for (int i = 0; i < N; i++)
        c[i] = client_open(&s);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < N; i++)
            client_puts(&c[i], GET("/ref/3000"));
        for (int i = 0; i < N; i++)
            client_take(&c[i], 0, 200, NULL);
    }
    for (int i = 0; i < N; i++)
        client_close(&c[i]);
    free(c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Sixteen thousand slots of which none is used cost next to nothing. */
START_TEST(an_idle_server_is_small)
{
    struct server s;
    char path[64], line[256];
    long kib = 0;
    FILE *f;

    start(&s, "workers = 2\nslab_capacity = 16384");
    client_once(&s, GET("/none"), 200, "");
    snprintf(path, sizeof path, "/proc/%d/status", (int)server_pid(&s));
    f = fopen(path, "re");
    while (fgets(line, sizeof line, f))
        sscanf(line, "VmRSS: %ld", &kib);
    fclose(f);
    if (!server_is_sanitized())
        ck_assert_int_lt(kib, 20 * 1024);
    ck_assert_int_gt(kib, 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Clients that leave in every phase, by an end or by a reset: no slot, request
 * or buffer stays behind. */
START_TEST(who_leaves_at_any_moment_takes_nothing_along)
{
    static const char *const v[] = {
        "",
        "G",
        "\r\n",
        GET("/none"),
        GET("/none") "GET /no",
        GET("/ref/4000000"),
        GET("/ref/4000000") GET("/none"),
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 90000\r\n\r\nabc",
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        "5\r\nab",
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
        "Expect: 100-continue\r\n\r\n",
        "POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nabc",
        "POST /none HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\nab",
        "GET / FOO\r\n\r\n",
        GET("/drop"),
    };
    enum { N = sizeof v / sizeof v[0] };
    struct server s;
    struct client c[SLOTS];

    start(&s, "workers = 1\nslab_capacity = 16\n");
    for (int i = 0; i < 40 * N; i++) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};
        c[0] = client_open(&s);
        client_try_send(&c[0], v[i % N], strlen(v[i % N]));
        if (i & 1)
            usleep(500);
        if (i / N & 1)
            setsockopt(c[0].fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        client_close(&c[0]);
        if (i % N == N - 1) { /* before more of them than it can do in time */
            c[0] = client_let_in(&s);
            client_close(&c[0]);
        }
    }
    for (int i = 0; i < SLOTS; i++)
        c[i] = client_let_in(&s);
    for (int i = 0; i < SLOTS; i++) {
        client_expect(&c[i], GET("/none"), 200, "");
        client_close(&c[i]);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(pressure, who_finds_no_slot_waits,
          who_finds_no_slot_of_a_worker_that_accepts_waits,
          who_finds_no_slot_may_be_shed, a_worker_that_accepts_sheds_too,
          slots_are_used_again, without_descriptors_it_recovers_by_itself,
          five_hundred_connections_are_all_served, an_idle_server_is_small,
          who_leaves_at_any_moment_takes_nothing_along)
