/* SPDX-License-Identifier: BSD-2-Clause */
/* waits.c - each way in which a task can wait, and each end it can come to:
 * what it waits for, whatever has been replaced meanwhile; its client; its
 * time.  All of them at once, when the server ends: waits_end.c.
 *
 * tags: epoll asan tsan */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/module.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/upstream.h"
#include "t/lib/waiter.h"
#include "t/lib/wsock.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(mark, more)                                                     \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n" more                       \
    "\n[plugin waits]\nmark = " mark "\n"

static struct server s;
static struct upstream u;

static int
counted(const char *what)
{
    return tally(&s, WAITER_COUNT, what);
}

static void
wait_counted(const char *what, int n)
{
    tally_wait(&s, WAITER_COUNT, what, n);
}

static struct waiter
begin(const char *ini, const char *kind)
{
    upstream_open(&u);
    server_start(&s, ini);
    return waiter_ask(&s, &u, kind, "", 1);
}

static void
end(struct waiter *w)
{
    waiter_close(w);
    ck_assert_int_eq(server_stop(&s), 0);
    upstream_close(&u);
}

static void
reload(const char *ini)
{
    server_write(&s, ini);
    ck_assert_int_eq(server_reload(&s), 1);
}

/* Its answer, which that instance and that build have begun and ended. */
static void
take_of(struct waiter *w, const char *mark, const char *build)
{
    struct answer a = client_answer(&w->c, 0);
    char text[64];

    ck_assert_int_eq(a.status, 200);
    ck_assert_msg(strncmp(a.body, mark, strlen(mark)) == 0, "%s", a.body);
    ck_assert_uint_ge(a.n, 8);
    ck_assert_str_eq(a.body + a.n - 8, build);
    snprintf(text, sizeof text, "%s 0 %s", mark, build);
    if (!waiter_writes(w->kind))
        ck_assert_str_eq(a.body, text);
    answer_free(&a);
}

START_TEST(a_client_that_goes_is_its_end)
{
    struct waiter w = begin(SERVER("-", ""), waiter_kinds[_i]);

    client_close(&w.c);
    if (waiter_is(w.kind, "job")) { /* that uses its stack */
        usleep(20000);
        ck_assert_int_eq(counted("ended"), 0);
        client_once(&s, GET("/waits/go"), 200, "gone");
    }
    wait_counted("ended", 1);
    ck_assert_int_eq(counted("cancelled"), 1);
    w.c = client_open(&s);
    end(&w);
}
END_TEST

/* A new instance, a new build, both, nothing new. */
START_TEST(a_reload_lets_it_end_with_its_own)
{
    struct waiter w = begin(SERVER("old", ""), waiter_kinds[_i]);
    struct client control = wsock_open(&s, "/waits/ws");

    reload(SERVER("new", ""));
    wsock_take_text(&control, "retiring");
    module_stamp(&s, "waits", 1);
    reload(SERVER("old", ""));
    reload(SERVER("new", ""));
    reload(SERVER("new", ""));
    ck_assert_int_eq(counted("waiting"), 0);
    ck_assert_int_eq(waiter_count(&control, "waiting"), 1);
    waiter_go(&w, &control);
    take_of(&w, "old", "00000000");
    ck_assert_int_eq(waiter_count(&control, "waiting"), 0);
    client_close(&control);
    client_expect(&w.c, GET("/waits/go"), 200, "gone"); /* on the same one */
    client_expect(&w.c, GET("/waits/in/sleep"), 200, "new 0 00000001");
    end(&w);
}
END_TEST

START_TEST(another_process_lets_it_end_in_its_own)
{
    struct waiter w = begin(SERVER("-", "supervise = yes"), waiter_kinds[_i]);
    struct client control = wsock_open(&s, "/waits/ws");

    (void)server_upgrade(&s);
    wsock_take_text(&control, "retiring");
    ck_assert_int_eq(counted("waiting"), 0); /* whoever comes is with it */
    ck_assert_int_eq(waiter_count(&control, "waiting"), 1);
    waiter_go(&w, &control);
    take_of(&w, "-", "00000000");
    ck_assert_int_eq(waiter_count(&control, "ended"), 1);
    client_close(&control);
    server_wait_log(&s, " has left");
    ck_assert(!server_has_log(&s, "cut off"));
    client_come_again(&w.c, &s);
    ck_assert_int_eq(tally_on(&w.c, WAITER_COUNT, "ended"), 0);
    end(&w);
}
END_TEST

START_TEST(its_time_is_its_end)
{
    struct waiter w;

    upstream_open(&u);
    server_start(&s, SERVER("-", ""));
    w = waiter_ask(&s, &u, waiter_kinds[_i], "timeout=500", 0);
    if (waiter_is(w.kind, "job")) {
        usleep(600000);
        ck_assert_int_eq(counted("ended"), 0);
        client_once(&s, GET("/waits/go"), 200, "gone");
        client_take(&w.c, 0, 200, "- 0 00000000"); /* it came, however late */
    } else if (waiter_writes(w.kind)) {
        wait_counted("late", 1); /* and it is cut off */
    } else {
        client_take(&w.c, 0, 200, "- -8 00000000");
    }
    wait_counted("ended", 1);
    end(&w);
}
END_TEST

UNIT_RUN(((struct unit){.name = "waits", .times = WAITER_KINDS}),
         a_client_that_goes_is_its_end, a_reload_lets_it_end_with_its_own,
         another_process_lets_it_end_in_its_own, its_time_is_its_end)
