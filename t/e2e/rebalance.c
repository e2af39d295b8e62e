/* SPDX-License-Identifier: BSD-2-Clause */
/* rebalance.c - all heavy clients are on one worker: it gives some of them to
 * the other one, and each request has one answer, in order, whatever moment it
 * comes at.  (Each moment by itself: unit/conn/conn_give.c.)
 * tags: epoll asan tsan plain */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#define UNIT_SECONDS 90
#include "t/lib/unit.h"

#define HEAVY 16
#define ROUNDS 2000 /* at most */
#define SAMPLES 100
#define TOIL_US 2000

static struct server s;
static struct client heavy[HEAVY], light[HEAVY];
static int n_asked; /* the text of the next request */

static void
start(const char *settings)
{
    char ini[512];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
             "metrics = /metrics\n%s\n[plugin toil]\n",
             settings);
    server_start(&s, ini);
}

static int
worker_of(const struct answer *a)
{
    ck_assert_int_eq(a->status, 200);
    return a->body[0] - '0';
}

/* Send n requests, in one piece or in two. */
static void
ask(struct client *c, int us, int n, int is_split)
{
    char text[512] = "";
    size_t len = 0, half;

    for (int i = 0; i < n; i++)
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "GET /toil/%d?%d HTTP/1.1\r\nHost: x\r\n\r\n",
                                us, n_asked + i);
    half = is_split ? (size_t)rand() % len : len;
    client_send(c, text, half);
    if (half < len)
        client_send(c, text + half, len - half);
}

/* Read the n answers to it: the worker of the last one. */
static int
take(struct client *c, int n)
{
    char expected[32];
    int worker = -1;

    for (int i = 0; i < n; i++) {
        struct answer a = client_answer(c, 0);
        worker = worker_of(&a);
        snprintf(expected, sizeof expected, "%d %d", worker, n_asked + i);
        ck_assert_str_eq(a.body, expected);
        answer_free(&a);
    }
    return worker;
}

/* HEAVY connections on worker 0, as many light ones on worker 1. */
static void
open_all(void)
{
    int n[2] = {0};

    while (n[0] < HEAVY || n[1] < HEAVY) {
        struct client c = client_open(&s);
        int worker;
        ask(&c, 0, 1, 0);
        worker = take(&c, 1);
        if (n[worker] == HEAVY)
            client_close(&c);
        else
            (worker ? light : heavy)[n[worker]++] = c;
    }
}

static void
close_all(void)
{
    for (int i = 0; i < HEAVY; i++) {
        client_close(&heavy[i]);
        client_close(&light[i]);
    }
}

static int64_t
now_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* All heavy clients ask at once, in pieces and several in a row if mixed; how
 * many were answered by worker 1.  *us: until the last answer. */
static int
round_of(int mixed, int64_t *us)
{
    int64_t began = now_us();
    int moved = 0, n[HEAVY];

    for (int i = 0; i < HEAVY; i++) {
        n[i] = mixed ? 1 + rand() % 3 : 1;
        ask(&heavy[i], TOIL_US, n[i], mixed);
    }
    for (int i = 0; i < HEAVY; i++)
        moved += take(&heavy[i], n[i]) == 1;
    n_asked += 3;
    *us = now_us() - began;
    return moved;
}

static int
metric(const char *name)
{
    struct client c = client_open(&s);
    struct answer a;
    const char *p;
    int value = -1;
    char line[128];

    client_puts(&c, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    a = client_answer(&c, 0);
    snprintf(line, sizeof line, "\netude_%s_total ", name);
    p = strstr(a.body, line);
    ck_assert_msg(p != NULL, "no %s in\n%s", name, a.body);
    value = atoi(p + strlen(line));
    answer_free(&a);
    client_close(&c);
    return value;
}

static int
by_time(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

/* How long the slowest of all answers of n <= SAMPLES rounds took but for one
 * round in a hundred; with that many moved, at the end. */
static int64_t
slowest(int mixed, int n, int *moved)
{
    static int64_t us[SAMPLES];

    for (int i = 0; i < n; i++)
        *moved = round_of(mixed, &us[i]);
    qsort(us, (size_t)n, sizeof *us, by_time);
    return us[n - 1 - n / 100];
}

/* Until the load is even, but for an eighth of it. */
static void
moves_away(const char *settings, int mixed)
{
    int64_t first, last;
    int moved = 0;

    start(settings);
    open_all();
    first = slowest(mixed, 3, &moved);
    for (int i = 0; i < ROUNDS && moved < 3 * HEAVY / 8; i++)
        moved = round_of(mixed, &last);
    ck_assert_int_ge(moved, 3 * HEAVY / 8);
    last = slowest(mixed, SAMPLES, &moved);
    printf("the slowest of %d clients: %lld us at first, %lld us (99 of 100 "
           "rounds) with %d moved\n",
           HEAVY, (long long)first, (long long)last, moved);
    ck_assert_int_ge(moved, 3 * HEAVY / 8);
    ck_assert_int_le(moved, 5 * HEAVY / 8);
    ck_assert_int_ge(metric("connections_given"), moved);
    ck_assert_int_ge(metric("connections_taken"), moved);
    for (int i = 0; i < HEAVY; i++) { /* who was quiet stayed */
        ask(&light[i], 0, 1, 0);
        ck_assert_int_eq(take(&light[i], 1), 1);
    }
    close_all();
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(heavy_clients_of_one_worker_move_to_the_other)
{
    moves_away("", 0);
}
END_TEST

START_TEST(so_they_do_with_requests_in_pieces_and_in_a_row)
{
    moves_away("", 1);
}
END_TEST

START_TEST(the_kernel_s_choice_is_mended_too)
{
    moves_away("accept = reuseport", 1);
}
END_TEST

START_TEST(rebalance_may_be_off)
{
    int64_t us;

    start("rebalance = no");
    open_all();
    for (int i = 0; i < 30; i++)
        ck_assert_int_eq(round_of(0, &us), 0);
    ck_assert_int_eq(metric("connections_given"), 0);
    close_all();
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(it_may_be_turned_on_and_off_by_a_reload)
{
    int64_t us;
    int moved = 0;

    start("rebalance = no");
    open_all();
    (void)round_of(0, &us);
    server_write(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
                     "metrics = /metrics\n[plugin toil]\n");
    ck_assert_int_eq(server_reload(&s), 1);
    for (int i = 0; i < ROUNDS && moved == 0; i++)
        moved = round_of(0, &us);
    ck_assert_int_gt(moved, 0);
    close_all();
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The stop comes at any moment of it: each request sent before is answered. */
START_TEST(a_stop_in_the_middle_cuts_nothing)
{
    int64_t us;

    for (int rounds = 0; rounds < 3; rounds++) {
        start("idle_grace = 100ms");
        open_all();
        for (int i = 0; i < 10 + 10 * rounds; i++)
            (void)round_of(0, &us);
        for (int i = 0; i < HEAVY; i++)
            ask(&heavy[i], TOIL_US, 1, 0);
        server_signal(&s, SIGTERM);
        for (int i = 0; i < HEAVY; i++)
            (void)take(&heavy[i], 1);
        ck_assert_int_eq(server_wait(&s), 0);
        close_all();
    }
}
END_TEST

UNIT_MAIN(rebalance, heavy_clients_of_one_worker_move_to_the_other,
          so_they_do_with_requests_in_pieces_and_in_a_row,
          the_kernel_s_choice_is_mended_too, rebalance_may_be_off,
          it_may_be_turned_on_and_off_by_a_reload,
          a_stop_in_the_middle_cuts_nothing)
