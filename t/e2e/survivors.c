/* SPDX-License-Identifier: BSD-2-Clause */
/* survivors.c - one worker is lost, and the next process takes its time.
 * tags: epoll
 *
 * Until that serves the other workers do, as if nothing were: no connection of
 * theirs ends, then they go over. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/frames.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/transport.h"
#include "t/lib/wsock.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

/* Its open takes a second in each process. */
#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 2\ncrash_limit = 0\n"
#define PLUGINS "[plugin life]\n[plugin faulty]\nin = open\nhow = sleep\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define CONNECTIONS 6
#define PAUSE_US 2000

static struct server s;

/* Which worker answers c: the connection stays. */
static int
ask_worker(struct client *c)
{
    struct answer a;
    int worker;

    a = client_ask(c, &s, GET("/life/worker"));
    ck_assert_int_eq(a.status, 200);
    ck_assert(!answer_field(&a, "Connection", 0) ||
              !transport_here()->is_plain); /* it goes over with its socket */
    worker = a.body[0] - '0';
    answer_free(&a);
    return worker;
}

static struct client clients[CONNECTIONS];
static int of_survivor[CONNECTIONS];

/* Of both workers. */
static void
open_all(void)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        clients[i] = client_open(&s);
        of_survivor[i] = ask_worker(&clients[i]);
    }
}

/* One is lost: with the connection that is returned. */
static struct client
lose_one(void)
{
    struct client c;
    int lost;

    c = client_open(&s);
    lost = ask_worker(&c);
    for (int i = 0; i < CONNECTIONS; i++)
        of_survivor[i] = of_survivor[i] != lost;
    client_puts(&c, GET("/faulty/abort"));
    server_wait_log(&s, "this thread is lost");
    return c;
}

static void
serve_all(void)
{
    for (int i = 0; i < CONNECTIONS; i++) {
        if (of_survivor[i])
            (void)ask_worker(&clients[i]);
    }
    client_once(&s, GET("/life"), 200, "life");
    usleep(PAUSE_US);
}

static void
close_all(struct client *c)
{
    ck_assert(client_is_closed(c));
    client_close(c);
    for (int i = 0; i < CONNECTIONS; i++)
        client_close(&clients[i]);
}

START_TEST(they_serve_until_another_process_does)
{
    struct client c;
    int pid, n = 0;

    server_start(&s, SERVER PLUGINS);
    pid = server_pid(&s);
    open_all();
    c = lose_one();
    for (int i = 0; i < CONNECTIONS; i++)
        n += of_survivor[i];
    ck_assert_int_gt(n, 0);
    while (!server_has_log(&s, " takes over from ")) {
        ck_assert(!server_has_log(&s, "was killed by signal"));
        serve_all();
    }
    while (kill(pid, 0) == 0)
        serve_all();
    serve_all();
    server_wait_log(&s, "was killed by signal 6");
    ck_assert_int_ne(server_pid(&s), pid);
    close_all(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* ---- what goes on --------------------------------------------------------*/

/* A third of them are WebSockets, a third wait, a third write. */
static void
open_more(void)
{
    struct answer a;

    open_all();
    for (int i = 0; i < CONNECTIONS; i++) {
        switch (i / 2) {
        case 0:
            wsock_ask(&clients[i], "/talk/hello", "");
            a = wsock_welcome(&clients[i]);
            answer_free(&a);
            wsock_take_text(&clients[i], "hello");
            break;
        case 1: client_puts(&clients[i], GET("/waits/in/sleep")); break;
        default: client_puts(&clients[i], GET("/waits/in/write")); break;
        }
    }
    tally_wait(&s, GET("/waits/count"), "waiting", CONNECTIONS - 2);
}

static void
take_end(struct client *c, int i)
{
    struct answer a;

    if (i / 2 == 0) {
        (void)wsock_take_close(c, 1012);
        return;
    }
    a = client_answer(c, 0);
    ck_assert_int_eq(a.status, 200);
    if (i / 2 == 1)
        ck_assert_str_eq(a.body, "- -10 00000000");
    answer_free(&a);
}

/* It has crash_drain for that. */
static void
lose_one_of(const char *ini)
{
    struct client c;
    int pid;

    server_start(&s, ini);
    pid = server_pid(&s);
    open_more();
    c = lose_one();
    for (int i = 0; i < CONNECTIONS; i++) {
        if (of_survivor[i])
            take_end(&clients[i], i);
    }
    close_all(&c); /* with those of the one that is lost */
    server_wait_log(&s, "was killed by signal 6");
    ck_assert_int_ne(server_pid(&s), pid);
}

#define MORE "[plugin talk]\n[plugin waits]\n"

START_TEST(what_goes_on_is_told_to_end)
{
    lose_one_of(SERVER "[plugin life]\n[plugin faulty]\n" MORE);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* It begins in time, and is not ready in time. */
START_TEST(without_another_process_it_ends)
{
    lose_one_of(SERVER "start_timeout = 1s\n" PLUGINS MORE);
    (void)server_stop(&s);
}
END_TEST

/* Not by an answer: they have asked for nothing since. */
START_TEST(clients_of_http_2_are_told)
{
    struct frames f[CONNECTIONS];
    int worker[CONNECTIONS], lost;
    struct client c;

    server_start(&s, SERVER "h2c = yes\nstart_timeout = 1s\n" PLUGINS);
    for (int i = 0; i < CONNECTIONS; i++) {
        struct answer a;
        f[i] = frames_open(&s);
        frames_get(&f[i], 1, "/life/worker");
        a = frames_answer(&f[i], 1);
        worker[i] = a.body[0] - '0';
        answer_free(&a);
    }
    c = client_open(&s);
    lost = ask_worker(&c);
    client_puts(&c, GET("/faulty/abort"));
    for (int i = 0; i < CONNECTIONS; i++) {
        if (worker[i] != lost)
            (void)frames_take_goaway(&f[i], FRAMES_NO_ERROR);
        frames_close(&f[i]);
    }
    client_close(&c);
    (void)server_stop(&s);
}
END_TEST

UNIT_MAIN_UNLESS(server_is_sanitized(), "a sanitizer reports faults itself",
                 survivors, they_serve_until_another_process_does,
                 what_goes_on_is_told_to_end, without_another_process_it_ends,
                 clients_of_http_2_are_told)
