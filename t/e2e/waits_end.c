/* SPDX-License-Identifier: BSD-2-Clause */
/* waits_end.c - all that waits and all that is open at once, and the end of the
 * server: a stop, another process, its death.
 *
 * Not for each check under ASan: who hears the last word of a stop has half a
 * second, which is too little for all of these on a machine that is busy.
 * tags: epoll tsan */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/upstream.h"
#include "t/lib/waiter.h"
#include "t/lib/wsock.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(more)                                                           \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmetrics = /metrics\n"        \
    "ws_queue = 64k\n" more                                                    \
    "\n[plugin waits]\n[plugin talk]\n[plugin dialog]\n"                       \
    "[plugin clock]\ninterval = 1h\n"

static struct server s;
static struct upstream u;

/* All there is; n of the kinds. */
static struct all {
    struct waiter waiters[WAITER_KINDS];
    int n;
    struct client talk, dialog, clock;
} all;

static void
open_all(const char *without)
{
    for (int i = 0; i < WAITER_KINDS; i++) {
        const char *kind = waiter_kinds[i];
        if (without && waiter_is(kind, without))
            continue;
        all.waiters[all.n] = waiter_ask(&s, &u, kind, "", all.n + 1);
        all.n++;
    }
    all.talk = wsock_open(&s, "/talk/hello");
    wsock_take_text(&all.talk, "hello");
    all.dialog = wsock_open(&s, "/dialog/wait");
    wsock_take_text(&all.dialog, "waits");
    all.clock = client_open(&s);
    client_puts(&all.clock, GET("/clock/events"));
    client_gather(&all.clock, strlen("HTTP/1.1 200"));
    ck_assert_int_eq(tally_figure(&s, "ws_active"), 2);
}

static void
start(const char *ini, const char *without)
{
    upstream_open(&u);
    server_start(&s, ini);
    open_all(without);
}

static void
close_all(void)
{
    for (int i = 0; i < all.n; i++)
        waiter_close(&all.waiters[i]);
    client_close(&all.talk);
    client_close(&all.dialog);
    client_close(&all.clock);
    upstream_close(&u);
}

/* Whole, with what it has to say to ET_ERETIRE. */
static void
take_given_up(struct waiter *w)
{
    struct answer a;

    if (!waiter_writes(w->kind)) {
        client_take(&w->c, 0, 200, "- -10 00000000");
        if (waiter_is(w->kind, "body")) /* the rest, which is owed */
            (void)client_try_send(&w->c, "b", 1);
        return;
    }
    a = client_answer(&w->c, 0);
    ck_assert_int_eq(a.status, 200);
    answer_free(&a);
}

static void
take_farewells(void)
{
    client_take(&all.clock, 0, 200, NULL); /* which asks, and is the first */
    for (int i = 0; i < all.n; i++)
        take_given_up(&all.waiters[i]);
    wsock_take_text(&all.dialog, "bye");
    (void)wsock_take_close(&all.dialog, 1012);
    (void)wsock_take_close(&all.talk, 1012);
    wsock_close(&all.dialog, 1012, "");
    wsock_close(&all.talk, 1012, "");
}

START_TEST(a_stop_gives_them_up)
{
    start(SERVER("drain_timeout = 1200ms"), "job");
    server_signal(&s, SIGTERM);
    take_farewells();
    ck_assert_int_eq(server_wait(&s), 0);
    close_all();
}
END_TEST

START_TEST(so_does_another_process)
{
    struct client early;

    start(SERVER("supervise = yes\ndrain_timeout = 1200ms"), "job");
    early = client_open(&s);
    (void)server_upgrade(&s);
    take_farewells();
    server_wait_log(&s, " has left");
    ck_assert(!server_has_log(&s, "cut off"));
    client_come_again(&early, &s);
    client_expect(&early, GET("/talk/count"), 200, NULL);
    ck_assert_int_eq(tally_on(&early, WAITER_COUNT, "ended"), 0);
    client_close(&early);
    ck_assert_int_eq(tally_figure(&s, "ws_active"), 0);
    for (int i = 0; i < all.n; i++) { /* on the same connections */
        client_come_again(&all.waiters[i].c, &s);
        ck_assert_int_eq(tally_on(&all.waiters[i].c, WAITER_COUNT, "waiting"),
                         0);
    }
    client_come_again(&all.clock, &s);
    ck_assert_int_eq(tally_on(&all.clock, WAITER_COUNT, "waiting"), 0);
    close_all();
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Which is a stop for the one that leaves, too. */
START_TEST(and_a_stop_while_it_leaves)
{
    start(SERVER("supervise = yes\ndrain_timeout = 1200ms"), "job");
    (void)server_upgrade(&s);
    server_signal(&s, SIGTERM);
    take_farewells();
    ck_assert_int_eq(server_wait(&s), 0);
    close_all();
}
END_TEST

/* A job cannot be given up: the process that leaves does so all the same. */
START_TEST(a_job_does_not_hold_it)
{
    struct waiter w;

    if (server_is_sanitized()) /* which takes a second more than there is to end
                                */
        return;
    upstream_open(&u);
    server_start(&s, SERVER("supervise = yes\ndrain_timeout = 100ms"));
    w = waiter_ask(&s, &u, "job", "", 1);
    (void)server_upgrade(&s);
    ck_assert(client_is_closed(&w.c)); /* without an answer */
    server_wait_log(&s, " has left, and cut off");
    client_once(&s, GET("/waits/go"), 200, "gone");
    waiter_close(&w);
    upstream_close(&u);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- death ---------------------------------------------------------------*/

/* Nothing has come that looks like the end of an answer. */
static void
is_cut(struct waiter *w)
{
    size_t n = client_read_all(&w->c);

    if (!waiter_writes(w->kind))
        ck_assert_uint_eq(n, 0);
    else if (n >= 5)
        ck_assert_str_ne(w->c.buf + n - 5, "0\r\n\r\n");
    if (w->upstream_fd >= 0)
        upstream_wait_closed(w->upstream_fd);
}

static const int signals[] = {SIGKILL, SIGSEGV};

START_TEST(its_death_ends_them_all)
{
    for (int i = 0; i < (server_is_sanitized() ? 1 : 2); i++) {
        memset(&all, 0, sizeof all);
        start(SERVER("supervise = yes\ncrash_limit = 0"), NULL);
        ck_assert_int_eq(kill(server_pid(&s), signals[i]), 0);
        for (int k = 0; k < all.n; k++)
            is_cut(&all.waiters[k]);
        ck_assert(client_is_closed(&all.talk)); /* 1006, as RFC 6455 says */
        ck_assert(client_is_closed(&all.dialog));
        (void)client_read_all(&all.clock);
        close_all();
        server_wait_log(&s, " serves: ");
        ck_assert_int_eq(tally_figure(&s, "ws_active"), 0);
        ck_assert_int_eq(tally_figure(&s, "tasks_active"), 0);
        ck_assert_int_eq(tally_figure(&s, "fetches_active"), 0);
        memset(&all, 0, sizeof all);
        upstream_open(&u);
        open_all(NULL); /* the next one can do all that, too */
        client_once(&s, GET("/waits/go"), 200, "gone");
        close_all();
        tally_wait(&s, GET("/metrics"), "\netude_tasks_active", 0);
        ck_assert_int_eq(server_stop(&s), 0);
    }
}
END_TEST

UNIT_MAIN(waits_end, a_stop_gives_them_up, so_does_another_process,
          and_a_stop_while_it_leaves, a_job_does_not_hold_it,
          its_death_ends_them_all)
