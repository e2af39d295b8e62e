/* SPDX-License-Identifier: BSD-2-Clause */
/* optional_crash.c - a plugin that is not required crashes in the trial: the
 * configuration is tried once more without it.
 * tags: epoll */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define HEAD "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nruntime_dir = $DIR\n"
#define SERVER HEAD "[plugin life]\n"
#define PATIENT HEAD "probe_timeout = 1s\n[plugin life]\n"
#define FAULTY(required, in, how)                                              \
    "[plugin faulty]\nrequired = " required "\nin = " in "\nhow = " how "\n"
#define LOAD(required) "[plugin faulty_load]\nrequired = " required "\n"
#define GET(path)                                                              \
    "GET " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

static struct server s;

static void
closed(int own)
{
    client_once(&s, GET("/life"), 200, "life");
    client_once(&s, GET("/faulty/none"), own, NULL);
}

static void
reloads(const char *ini, int is_good)
{
    server_write(&s, ini);
    ck_assert_int_eq(server_reload(&s), is_good);
}

START_TEST(whatever_ends_the_trial)
{
    server_start(&s, SERVER FAULTY("no", "open", "abort"));
    closed(503);
    ck_assert(server_has_log(&s, "plugin faulty is left out"));
    ck_assert(server_has_log(&s, "the trial load has crashed: open of faulty"));
    reloads(SERVER FAULTY("no", "init", "exit"), 1);
    closed(503);
    reloads(SERVER FAULTY("no", "check", "snprintf"), 1);
    closed(503);
    reloads(SERVER FAULTY("no", "open", "null"), 1); /* the trial goes on */
    closed(503);
    ck_assert_int_eq(kill(server_pid(&s), SIGKILL), 0);
    server_wait_log(&s, "starts again");
    closed(503);
    reloads(SERVER FAULTY("yes", "open", "abort"), 0);
    closed(503);
    reloads(SERVER "[plugin faulty]\nrequired = no\n", 1); /* it is forgiven */
    closed(200);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* One build, and somebody cannot do without it. */
START_TEST(a_build_that_is_required_elsewhere)
{
    server_start(&s, SERVER);
    reloads(SERVER FAULTY(
                "no", "open",
                "abort") "[plugin other]\nmodule = faulty\nmount = /other\n",
            0);
    ck_assert(server_has_log(&s, "the trial load has crashed: open of faulty"));
    client_once(&s, GET("/life"), 200, "life");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(two_of_them)
{
    server_start(&s, SERVER FAULTY("no", "open", "abort") LOAD("no"));
    closed(503);
    client_once(&s, GET("/faulty/load"), 503, NULL); /* by /faulty/:how */
    ck_assert(server_has_log(&s, "plugin faulty is left out"));
    ck_assert(server_has_log(&s, "plugin faulty_load is left out"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(one_that_does_not_return)
{
    server_start(&s, PATIENT);
    reloads(PATIENT FAULTY("no", "open", "loop"), 1);
    closed(503);
    ck_assert(server_has_log(&s, "the trial load took too long: open of"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN_UNLESS(server_is_sanitized(), "a sanitizer reports faults itself",
                 optional_crash, whatever_ends_the_trial,
                 a_build_that_is_required_elsewhere, two_of_them,
                 one_that_does_not_return)
