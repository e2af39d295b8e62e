/* SPDX-License-Identifier: BSD-2-Clause */
/* quarantine.c - a build that crashes too often does not run any more, whatever
 * process serves; another build does.
 * tags: epoll */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nruntime_dir = $DIR\n"
#define BOTH "[plugin life]\n[plugin faulty]\n"
#define GET(path)                                                              \
    "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static struct server s;

/* It crashes, and the process that takes over serves. */
static void
crash(int n)
{
    for (int i = 0; i < n; i++) {
        client_once(&s, GET("/faulty/null"), 500, NULL);
        server_wait_log(&s, " takes over from ");
        server_wait_log(&s, " has left");
    }
}

START_TEST(three_crashes_are_one_too_many)
{
    server_start(&s, SERVER BOTH);
    crash(2);
    client_once(&s, GET("/faulty/none"), 200, "well\n");
    crash(1);
    ck_assert(server_has_log(&s, "is in quarantine after 3 crashes"));
    ck_assert(
        server_has_log(&s, "plugin org.etude.test.faulty 1.2.3, sha256 "));
    client_once(&s, GET("/faulty/none"), 503, NULL);
    client_once(&s, GET("/faulty/null"), 503, NULL);
    client_once(&s, GET("/life"), 200, "life");
    /* Whoever serves. */
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/faulty/none"), 503, NULL);
    ck_assert_int_eq(kill(server_pid(&s), SIGKILL), 0);
    server_wait_log(&s, "starts again");
    client_once(&s, GET("/faulty/none"), 503, NULL);
    server_signal(&s, SIGUSR2);
    server_wait_log(&s, " takes over from ");
    server_wait_log(&s, " has left");
    client_once(&s, GET("/faulty/none"), 503, NULL);
    client_once(&s, GET("/life"), 200, "life");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A middleware is not left out: what it guards is closed. */
START_TEST(what_it_guards_is_closed)
{
    server_start(&s, SERVER "crash_limit = 1\nuse = faulty\n" BOTH);
    crash(1);
    client_once(&s, GET("/life"), 503, NULL);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(another_build_runs)
{
    char path[160];
    FILE *f;

    server_start(&s, SERVER "crash_limit = 1\n" BOTH);
    crash(1);
    client_once(&s, GET("/faulty/none"), 503, NULL);
    snprintf(path, sizeof path, "%s/faulty.so", s.modules);
    f = fopen(path, "ae");
    ck_assert_ptr_nonnull(f);
    fputs("another one", f); /* behind all that the loader reads */
    fclose(f);
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/faulty/none"), 200, "well\n");
    crash(1);
    client_once(&s, GET("/faulty/none"), 503, NULL);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The process ends; another one is started, whose log begins anew. */
static void
start_again(int signo)
{
    ck_assert_int_eq(kill(s.pid, signo), 0);
    while (waitpid(s.pid, NULL, 0) != s.pid)
        continue;
    ck_assert_int_eq(truncate(s.log_path, 0), 0);
    s.log_seen = 0;
    server_serve(&s);
}

/* The ledger outlives the supervisor; a broken one is no reason not to start.
 */
START_TEST(it_is_kept_in_runtime_dir)
{
    server_start(&s, SERVER "crash_limit = 1\n" BOTH);
    crash(1);
    start_again(SIGKILL);
    client_once(&s, GET("/faulty/none"), 503, NULL);
    client_once(&s, GET("/life"), 200, "life");
    server_file(&s, "ledger", "etude-ledger 99\n");
    start_again(SIGTERM);
    ck_assert(server_has_log(&s, "crashes are counted from none on"));
    client_once(&s, GET("/faulty/none"), 200, "well\n");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(quarantine, three_crashes_are_one_too_many, what_it_guards_is_closed,
          another_build_runs, it_is_kept_in_runtime_dir)
