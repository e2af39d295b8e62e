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
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#if UNIT_SANITIZED
UNIT_SKIP("a sanitizer reports faults itself")
#else

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

    client_puts(c, GET("/life/worker"));
    a = client_answer(c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_ptr_null(answer_field(&a, "Connection", 0));
    worker = a.body[0] - '0';
    answer_free(&a);
    return worker;
}

static struct client clients[CONNECTIONS];
static int of_survivor[CONNECTIONS];

/* Of both workers, and one is lost: with the connection that is returned. */
static struct client
lose_one(void)
{
    struct client c;
    int lost;

    for (int i = 0; i < CONNECTIONS; i++) {
        clients[i] = client_open(&s);
        of_survivor[i] = ask_worker(&clients[i]);
    }
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

/* It begins in time, and is not ready in time. */
START_TEST(without_another_process_it_ends)
{
    struct client c;
    int pid;

    server_start(&s, SERVER "start_timeout = 1s\n" PLUGINS);
    pid = server_pid(&s);
    c = lose_one();
    close_all(&c);
    server_wait_log(&s, "was killed by signal 6");
    ck_assert_int_ne(server_pid(&s), pid);
    (void)server_stop(&s);
}
END_TEST

UNIT_MAIN(survivors, they_serve_until_another_process_does,
          without_another_process_it_ends)
#endif
