/* SPDX-License-Identifier: BSD-2-Clause */
/* ws_task_end.c - a task that is a WebSocket, given up wherever it waits.
 * tags: epoll asan tsan */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/wsock.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(more)                                                           \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nmetrics = /metrics\n" more   \
    "\n"
#define DIALOG "[plugin dialog]\n"

#define BINARY 0x82

#define CANCEL (-7)
#define RETIRE (-10)

static struct server s;

static int
count(const char *what)
{
    return tally(&s, GET("/dialog/count"), what);
}

static void
wait_count(const char *what, int n)
{
    tally_wait(&s, GET("/dialog/count"), what, n);
}

static void
end(void)
{
    ck_assert_int_eq(count("defers"), 1);
    ck_assert_int_eq(tally(&s, GET("/metrics"), "\netude_tasks_active"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}

static const char *const places[] = {"recv",  "sleep", "put", "offload",
                                     "await", "join",  "next"};

static void
start_waiting(const char *place, const char *server)
{
    char ini[512];

    snprintf(ini, sizeof ini, "%s%swaits = %s\n", server, DIALOG, place);
    server_start(&s, ini);
}

static struct client
open_waiting(const char *place)
{
    struct client c = wsock_open(&s, "/dialog/wait");

    wsock_take_text(&c, "waits");
    if (strcmp(place, "offload") == 0) /* else it is not run at all */
        tally_wait(&s, GET("/dialog/jobs"), "begun", 1);
    return c;
}

/* While its job runs the step is not over, and there is nobody any more. */
static void
maybe_end_job(const char *place)
{
    if (strcmp(place, "offload") != 0)
        return;
    ck_assert_int_eq(count("over"), 0);
    client_once(&s, GET("/dialog/end"), 200, NULL);
}

START_TEST(the_client_goes)
{
    const char *place = places[_i];
    struct client c;

    start_waiting(place, SERVER("ws_queue = 64k"));
    c = open_waiting(place);
    client_close(&c);
    tally_wait(&s, GET("/metrics"), "\netude_ws_active", 0);
    maybe_end_job(place);
    wait_count("over", 1);
    ck_assert_int_eq(count("rc"), CANCEL);
    end();
}
END_TEST

START_TEST(the_generation_goes)
{
    const char *place = places[_i];
    struct client c;
    struct wsock_got g;

    start_waiting(place, SERVER("drain_timeout = 50ms\nws_queue = 64k"));
    c = open_waiting(place);
    server_write(&s, SERVER("drain_timeout = 50ms\nws_queue = 64k") DIALOG
                 "say = new\n");
    ck_assert_int_eq(server_reload(&s), 1);
    if (strcmp(place, "offload") == 0) {
        (void)wsock_take_close(&c, 1012);
        maybe_end_job(place);
    } else if (strcmp(place, "put") == 0) { /* as one that is closed */
        while ((g = wsock_next(&c)).first == BINARY)
            continue;
        ck_assert_uint_eq(g.first, 0x88);
    } else {
        if (strcmp(place, "join") == 0)
            wsock_take_text(&c, "in");
        wsock_take_text(&c, "bye");
        (void)wsock_take_close(&c, 1012);
    }
    wsock_close(&c, 1012, "");
    client_close(&c);
    wait_count("over", 1);
    ck_assert_int_eq(count("rc"), RETIRE);
    end();
}
END_TEST

START_TEST(the_server_stops)
{
    const char *place = places[_i];
    struct client c;

    if (strcmp(place, "offload") == 0)
        return; /* who would end it? */
    start_waiting(place, SERVER("drain_timeout = 50ms\nws_queue = 64k"));
    c = open_waiting(place);
    ck_assert_int_eq(server_stop(&s), 0);
    if (strcmp(place, "put") == 0) {
        client_close(&c);
        return;
    }
    if (strcmp(place, "join") == 0)
        wsock_take_text(&c, "in");
    wsock_take_text(&c, "bye");
    wsock_ended(&c, 1012);
}
END_TEST

static const struct unit unit = {.name = "ws_task_end",
                                 .times = ARRAY_LEN(places)};

UNIT_RUN(unit, the_client_goes, the_generation_goes, the_server_stops)
