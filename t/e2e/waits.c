/* SPDX-License-Identifier: BSD-2-Clause */
/* waits.c - each way in which a task can wait, and each end it can come to:
 * what it waits for, its client, its time, a reload, the server's end.
 *
 * tags: epoll asan tsan */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/upstream.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(mark, more)                                                     \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n" more                       \
    "\n[plugin waits]\nmark = " mark "\n"

static const char *const kinds[] = {"sleep", "fd",    "job",  "token", "join",
                                    "next",  "fetch", "body", "write", "flush"};
#define KINDS (sizeof kinds / sizeof *kinds)

static struct server s;
static struct upstream u;
static int asked; /* the upstream's end of it */

static int
is(const char *kind, const char *name)
{
    return strcmp(kind, name) == 0;
}

static int
writes(const char *kind)
{
    return is(kind, "write") || is(kind, "flush");
}

static int
counted(const char *what)
{
    return tally(&s, GET("/waits/count"), what);
}

static void
wait_counted(const char *what, int n)
{
    tally_wait(&s, GET("/waits/count"), what, n);
}

/* A client whose request waits in that way. */
static struct client
ask(const char *kind, const char *query)
{
    struct client c = client_open(&s);

    if (is(kind, "body"))
        client_printf(&c,
                      "POST /waits/in/body?%s HTTP/1.1\r\nHost: x\r\n"
                      "Content-Length: 2\r\n\r\na",
                      query);
    else
        client_printf(&c, GET("/waits/in/%s?port=%d&%s"), kind, u.port, query);
    if (is(kind, "fetch"))
        asked = upstream_take(&u);
    wait_counted("waiting", 1);
    usleep(20000); /* until it waits */
    return c;
}

static void
begin(const char *ini)
{
    upstream_open(&u);
    server_start(&s, ini);
}

static void
end(const char *kind, struct client *c)
{
    client_close(c);
    if (is(kind, "fetch"))
        close(asked);
    ck_assert_int_eq(server_stop(&s), 0);
    upstream_close(&u);
}

static void
go(const char *kind, struct client *c)
{
    client_once(&s, GET("/waits/go"), 200, "gone");
    if (is(kind, "body"))
        client_puts(c, "b");
    if (is(kind, "fetch"))
        upstream_say(asked, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

START_TEST(a_client_that_goes_is_its_end)
{
    const char *kind = kinds[_i];
    struct client c;

    begin(SERVER("-", ""));
    c = ask(kind, "");
    client_close(&c);
    if (is(kind, "job")) { /* that uses its stack */
        usleep(20000);
        ck_assert_int_eq(counted("ended"), 0);
        client_once(&s, GET("/waits/go"), 200, "gone");
    }
    wait_counted("ended", 1);
    ck_assert_int_eq(counted("cancelled"), 1);
    c = client_open(&s);
    end(kind, &c);
}
END_TEST

START_TEST(a_reload_lets_it_end_with_its_own)
{
    const char *kind = kinds[_i];
    struct client c;
    struct answer a;

    begin(SERVER("old", ""));
    c = ask(kind, "");
    for (int i = 0; i < 3; i++) {
        server_write(&s, i % 2 ? SERVER("old", "") : SERVER("new", ""));
        ck_assert_int_eq(server_reload(&s), 1);
    }
    ck_assert_int_eq(counted("waiting"), 1);
    go(kind, &c);
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_msg(strncmp(a.body, "old", 3) == 0, "%s: %s", kind, a.body);
    if (!writes(kind))
        ck_assert_str_eq(a.body, "old 0");
    answer_free(&a);
    wait_counted("waiting", 0);
    client_puts(&c, GET("/waits/in/sleep")); /* on the same connection */
    client_take(&c, 0, 200, "new 0");
    end(kind, &c);
}
END_TEST

START_TEST(its_time_is_its_end)
{
    const char *kind = kinds[_i];
    struct client c;

    begin(SERVER("-", ""));
    c = ask(kind, "timeout=50");
    if (is(kind, "job")) {
        usleep(100000);
        ck_assert_int_eq(counted("ended"), 0);
        client_once(&s, GET("/waits/go"), 200, "gone");
        client_take(&c, 0, 200, "- 0"); /* it has come, however late */
    } else if (writes(kind)) {
        wait_counted("late", 1); /* and it is cut off */
    } else {
        client_take(&c, 0, 200, "- -8");
    }
    wait_counted("ended", 1);
    end(kind, &c);
}
END_TEST

START_TEST(the_server_s_end_is_its_end)
{
    const char *kind = kinds[_i];
    struct client c;

    if (is(kind, "job")) /* as of any other: e2e/later.c */
        return;
    begin(SERVER("-", "drain_timeout = 1200ms"));
    c = ask(kind, "");
    server_signal(&s, SIGTERM);
    if (writes(kind)) {
        struct answer a = client_answer(&c, 0);
        ck_assert_int_eq(a.status, 200);
        answer_free(&a);
    } else {
        client_take(&c, 0, 200, "- -10");
    }
    client_close(&c);
    if (is(kind, "fetch"))
        close(asked);
    ck_assert_int_eq(server_wait(&s), 0);
    upstream_close(&u);
}
END_TEST

UNIT_RUN(((struct unit){.name = "waits", .times = (int)KINDS}),
         a_client_that_goes_is_its_end, a_reload_lets_it_end_with_its_own,
         its_time_is_its_end, the_server_s_end_is_its_end)
