/* SPDX-License-Identifier: BSD-2-Clause */
/* optional.c - a plugin that is not required and of no use costs what needs it,
 * and nothing else.
 * tags: epoll asan tsan */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nruntime_dir = $DIR\n"
#define GOOD                                                                   \
    "[plugin hello]\n[route good]\nmatch = GET /good\nhandler = hello:hello\n"
/* It has a route of its own, /life, guards /guarded and serves /served. */
#define OPTIONAL(more)                                                         \
    "[plugin life]\nrequired = no\n" more GOOD                                 \
    "[route guarded]\nmatch = GET /guarded\nuse = life\nhandler = "            \
    "hello:hello\n"                                                            \
    "[route served]\nmatch = GET /served\nhandler = life:life\n"
#define OTHERS                                                                 \
    GOOD "[route guarded]\nmatch = GET /guarded\nuse = away\nhandler = "       \
         "hello:hello\n"                                                       \
         "[route served]\nmatch = GET /served\nhandler = away:any\n"
#define GET(path)                                                              \
    "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static struct server s;

static void
closed(int own)
{
    client_once(&s, GET("/good"), 200, NULL);
    client_once(&s, GET("/guarded"), 503, NULL);
    client_once(&s, GET("/served"), 503, NULL);
    client_once(&s, GET("/life"), own, NULL);
}

static void
explained(const char *why)
{
    const char *args[] = {"routes", "--explain", "/guarded", NULL};
    const char *test[] = {"-t", NULL};
    char out[8192];

    ck_assert_int_eq(server_run(&s, test, out, sizeof out), 0);
    unit_has(out, "warning: ");
    unit_has(out, why);
    unit_has(out, "is left out (required = no)");
    ck_assert_int_eq(server_run(&s, args, out, sizeof out), 0);
    unit_has(out, "is left out (required = no): ");
}

START_TEST(a_module_that_is_not_there)
{
    server_start(&s, SERVER "[plugin away]\nrequired = no\n" OTHERS);
    closed(404);
    server_wait_log(&s, "plugin away is left out (required = no)");
    explained("there is no ");
    ck_assert_int_eq(kill(server_pid(&s), SIGKILL), 0);
    server_wait_log(&s, "starts again");
    closed(404);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(one_that_is_no_plugin)
{
    server_prepare(&s, SERVER "[plugin away]\nrequired = no\n" OTHERS);
    server_file(&s, "modules/away.so", "this is no ELF file");
    server_serve(&s);
    closed(404);
    explained("away.so");
    server_write(&s, SERVER "[plugin away]\n" OTHERS);
    ck_assert_int_eq(server_reload(&s), 0); /* by default it is required */
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What it declares is known: its own route is closed too. */
START_TEST(one_that_does_not_open)
{
    server_start(&s, SERVER OPTIONAL("fail = open\n"));
    closed(503);
    explained("told to fail in open");
    server_write(&s, SERVER OPTIONAL(""));
    ck_assert_int_eq(server_reload(&s), 1); /* and the next one is tried anew */
    client_once(&s, GET("/life"), 200, NULL);
    client_once(&s, GET("/served"), 200, NULL);
    server_write(&s, SERVER OPTIONAL("fail = init\n"));
    ck_assert_int_eq(server_reload(&s), 1);
    ck_assert(server_has_log(&s, "plugins org.etude.test.life left out"));
    closed(503);
    ck_assert(server_has_log(&s, "told to fail in init; plugin life is left"));
    server_write(&s, SERVER OPTIONAL("nonsense = 1\n"));
    ck_assert_int_eq(server_reload(&s), 1);
    closed(503);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(without_a_supervisor_too)
{
    server_start(&s, SERVER "supervise = no\n" OPTIONAL("fail = open\n"));
    closed(503);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(optional, a_module_that_is_not_there, one_that_is_no_plugin,
          one_that_does_not_open, without_a_supervisor_too)
