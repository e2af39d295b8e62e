/* SPDX-License-Identifier: BSD-2-Clause */
/* repeat.c - a request once more, for nobody (et_repeat): who takes part, what
 * it sees, what bounds it, and how it ends.
 * tags: epoll asan tsan h2 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abi/etude_abi.h"
#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define ASK(method, path, more)                                                \
    method " " path " HTTP/1.1\r\nHost: x\r\n" more "\r\n"
#define GET(path, more) ASK("GET", path, more)
#define ONCE "X-Again: 1\r\n"

static struct server s;

/* ---- the server ----------------------------------------------------------*/

static const char *
ini(const char *more)
{
    static char text[1024];

    snprintf(text, sizeof text,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
             "metrics = /metrics\n%s\n"
             "[plugin origin]\n[plugin writer]\n[plugin filter]\n"
             "[plugin again]\nmount = /again\n"
             "[plugin outer]\nmodule = again\nmount = /outer\nasks = no\n"
             "[plugin inner]\nmodule = again\nmount = /inner\nasks = no\n"
             "[scope o]\nmatch = /o/*\nuse = outer, again, inner\n"
             "[scope w]\nmatch = /writer/*\nuse = again\n"
             "[scope f]\nmatch = /filter/*\nuse = again\n",
             more);
    return text;
}

static void
start(const char *more)
{
    server_start(&s, ini(more));
}

static void
end(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
}

/* ---- what comes of it ----------------------------------------------------*/

static void
nap(void)
{
    const struct timespec t = {0, 10000000};

    nanosleep(&t, NULL);
}

/* Until what path answers has that in it. */
static void
wait_for(const char *path, const char *text)
{
    struct client c = client_open(&s);
    char request[128];

    snprintf(request, sizeof request, GET("%s", ""), path);
    for (int i = 0;; i++) {
        struct answer a;
        int has_it;

        client_puts(&c, request);
        a = client_answer(&c, 0);
        has_it = strstr(a.body, text) != NULL;
        ck_assert_msg(i < 3000, "%s: %s, not %s", path, a.body, text);
        answer_free(&a);
        if (has_it)
            break;
        nap();
    }
    client_close(&c);
}

/* What the call has returned is that. */
static void
ask(struct client *c, const char *request, int rc)
{
    struct answer a;
    const char *said;

    client_puts(c, request);
    a = client_answer(c, 0);
    said = a.status ? answer_field(&a, "X-Rc", 0) : NULL;
    ck_assert_msg(a.status < 500 && said && atoi(said) == rc, "%d %s", a.status,
                  said ? said : "nothing");
    answer_free(&a);
}

static void
ask_once(const char *request, int rc)
{
    struct client c = client_open(&s);

    ask(&c, request, rc);
    client_close(&c);
}

static void
open_gate(void)
{
    client_once(&s, GET("/gate/open", ""), 200, "open");
}

/* ---- who takes part ------------------------------------------------------*/

START_TEST(it_begins_with_the_step_that_asks)
{
    char line[128];

    start("");
    snprintf(line, sizeof line,
             "1 mine, 0 others, 0 gone; status 200, 5 bytes, 1 ends, rc 0: "
             "GET /o/a?x=1 %s://x 127.0.0.1 3",
             transport_here()->scheme);
    ask_once(GET("/o/a?x=1", "X-A: 3\r\nX-Not: 4\r\n" ONCE), 0);
    wait_for("/again/again/seen", line);
    wait_for("/again/again/seen", "2 steps, 2 responses, 2 logs");
    wait_for("/inner/again/seen",
             "2 steps, 2 responses, 2 logs, 0 mine, 1 others");
    wait_for("/outer/again/seen",
             "1 steps, 1 responses, 1 logs, 0 mine, 0 others");
    client_once(&s, GET("/gate/runs", ""), 200, "2 runs, 0 wait");
    end();
}
END_TEST

START_TEST(its_client_may_go)
{
    struct client c;

    start("");
    c = client_open(&s);
    client_puts(&c, GET("/o/a", "X-Do: midway\r\nX-Size: 95\r\n" ONCE));
    wait_for("/gate/runs", " 2 wait");
    client_close(&c);
    wait_for("/gate/runs", " 1 wait");
    open_gate();
    wait_for("/again/again/seen", "status 200, 100 bytes, 1 ends");
    end();
}
END_TEST

/* RC: ET_EPHASE and its kin. */
START_TEST(where_it_cannot_be)
{
    struct client c;

    start("");
    c = client_open(&s);
    ask(&c, ASK("POST", "/o/a", "Content-Length: 0\r\n" ONCE), ET_EPHASE);
    ask(&c, GET("/o/a", ONCE "Content-Length: 1\r\n") "x", ET_EPHASE);
    if (!transport_here()->is_h2)
        ask(&c, GET("/o/a", ONCE "Connection: upgrade\r\nUpgrade: x\r\n"),
            ET_EPHASE);
    ask(&c, GET("/o/a", ONCE "Content-Length: 0\r\n"), 0);
    /* not in itself; but a member further in may */
    ask(&c, GET("/o/deep", ONCE "X-Deep: 1\r\n"), 0);
    wait_for("/again/again/seen", "rc -3: GET /o/deep");
    wait_for("/inner/again/seen", "1 mine, 2 others");
    wait_for("/inner/again/seen", "rc -3: GET /o/deep");
    client_close(&c);
    end();
}
END_TEST

/* ---- what it sees --------------------------------------------------------*/

START_TEST(whatever_the_answer_is_made_of)
{
    struct client c;

    start("");
    c = client_open(&s);
    ask(&c, GET("/filter/big?n=1000000", ONCE), 0);
    wait_for("/again/again/seen", "status 200, 1000000 bytes, 1 ends");
    ask(&c, GET("/filter/file?n=300000", ONCE), 0);
    wait_for("/again/again/seen", "status 200, 300000 bytes, 1 ends");
    ask(&c, GET("/writer/pieces?n=100&size=40000", ONCE), 0);
    wait_for("/again/again/seen", "status 200, 4000000 bytes, 1 ends");
    ask(&c, GET("/writer/pieces?n=3&size=7&len=21", ONCE), 0);
    wait_for("/again/again/seen", "status 200, 21 bytes, 1 ends");
    ask(&c, GET("/writer/status?s=204", ONCE), 0);
    wait_for("/again/again/seen", "status 204, 0 bytes, 0 ends");
    client_close(&c);
    end();
}
END_TEST

START_TEST(nobody_needs_to_look)
{
    struct client c;

    start("");
    c = client_open(&s);
    ask(&c, GET("/filter/big?n=1000000", "X-Blind: 1\r\n" ONCE), 0);
    wait_for("/again/again/seen", "2 logs, 1 mine");
    /* who writes it is told that nobody takes it */
    ask(&c, GET("/writer/pieces?n=9&size=7", "X-Blind: 1\r\n" ONCE), 0);
    wait_for("/writer/count", "active 0 ended 2 cancelled 1");
    client_close(&c);
    end();
}
END_TEST

START_TEST(one_that_ends_badly)
{
    struct client c;

    start("");
    open_gate();
    c = client_open(&s);
    client_puts(&c, GET("/o/a", "X-Do: fail\r\n" ONCE));
    client_take(&c, 0, 500, NULL);
    wait_for("/again/again/seen",
             "2 logs, 1 mine, 0 others, 0 gone; status 500");
    client_puts(&c, GET("/o/a", "X-Do: cut\r\nX-Size: 95\r\n" ONCE));
    client_read_all(&c);
    client_close(&c);
    wait_for("/again/again/seen", "status 200, 50 bytes, 0 ends");
    c = client_open(&s);
    client_puts(&c, GET("/o/a", "X-Do: drop\r\n" ONCE));
    client_read_all(&c);
    client_close(&c);
    wait_for("/again/again/seen", "6 steps, 4 responses, 6 logs, 3 mine");
    end();
}
END_TEST

/* ---- what bounds it ------------------------------------------------------*/

START_TEST(no_more_than_so_many)
{
    start("");
    ask_once(GET("/o/a", "X-Again: 70\r\nX-Wait: 1\r\n"), ET_ELIMIT);
    wait_for("/again/again/seen", "65 steps, 1 responses, 1 logs, 64 mine");
    ask_once(GET("/o/a", ONCE), ET_ELIMIT);
    end(); /* which waits for none of them */
}
END_TEST

START_TEST(none_under_load)
{
    struct client c;

    start("shed_requests = 2");
    c = client_open(&s);
    client_puts(&c, GET("/o/a", "X-Do: hold\r\n"));
    wait_for("/gate/runs", "1 wait");
    ask_once(GET("/o/b", ONCE), 0);
    wait_for("/again/again/seen", "1 mine");
    ask_once(GET("/o/b", "X-Again: 3\r\n"), ET_ELIMIT);
    open_gate();
    client_take(&c, 0, 200, "run 1");
    client_close(&c);
    end();
}
END_TEST

START_TEST(no_longer_than_a_while)
{
    start("wait_timeout = 300ms");
    ask_once(GET("/o/a", "X-Wait: 1\r\n" ONCE), 0);
    wait_for("/again/again/seen", "2 logs, 1 mine, 0 others, 1 gone");
    ask_once(GET("/o/a", "X-Again: 64\r\n"), 0); /* it has made room */
    wait_for("/again/again/seen", "65 mine");
    end();
}
END_TEST

START_TEST(who_writes_without_end_holds_up_nobody)
{
    struct client c;

    start("wait_timeout = 1s");
    c = client_open(&s);
    client_puts(&c, GET("/writer/flood", ONCE));
    client_gather(&c, 1000);
    client_close(&c);
    client_once(&s, GET("/gate/runs", ""), 200, "0 runs, 0 wait");
    wait_for("/writer/count", "active 0 ended 2");
    wait_for("/again/again/seen", ", 0 ends");
    end();
}
END_TEST

/* ---- reloads, and the end ------------------------------------------------*/

START_TEST(a_reload_waits_for_it)
{
    struct client c;

    start("");
    c = client_open(&s);
    client_puts(&c, GET("/o/a", "X-Do: hold\r\n" ONCE));
    wait_for("/gate/runs", "2 wait");
    server_write(&s, ini("drain_timeout = 60s"));
    ck_assert_int_eq(server_reload(&s), 1);
    wait_for("/metrics", "etude_generations_active 2\n");
    open_gate();
    client_take(&c, 0, 200, NULL);
    wait_for("/metrics", "etude_generations_active 1\n");
    wait_for("/again/again/seen", "status 200, 5 bytes, 1 ends");
    client_close(&c);
    end();
}
END_TEST

START_TEST(but_not_for_longer_than_it_drains)
{
    start("drain_timeout = 500ms\nwait_timeout = 0");
    ask_once(GET("/o/a", "X-Wait: 1\r\n" ONCE), 0);
    wait_for("/again/again/seen", "1 mine");
    ck_assert_int_eq(server_reload(&s), 1);
    wait_for("/again/again/seen", "1 gone");
    wait_for("/metrics", "etude_generations_active 1\n");
    end();
}
END_TEST

START_TEST(the_end_does_not)
{
    start("wait_timeout = 0\ndrain_timeout = 1h");
    ask_once(GET("/o/a", "X-Wait: 1\r\n" ONCE), 0);
    end();
}
END_TEST

UNIT_MAIN(repeat, it_begins_with_the_step_that_asks, its_client_may_go,
          where_it_cannot_be, whatever_the_answer_is_made_of,
          nobody_needs_to_look, one_that_ends_badly, no_more_than_so_many,
          none_under_load, no_longer_than_a_while,
          who_writes_without_end_holds_up_nobody, a_reload_waits_for_it,
          but_not_for_longer_than_it_drains, the_end_does_not)
