/* SPDX-License-Identifier: BSD-2-Clause */
/* descriptors.c - a process that has no descriptor left still takes orders:
 * each test with and without a supervisor.
 * tags: epoll asan tsan */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/admin.h"
#include "t/lib/client.h"
#include "t/lib/server.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER                                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nruntime_dir = $DIR\n"        \
    "max_files = 400\nsupervise = ${T_SUPERVISE}\n"
#define HOARD SERVER "[plugin orders]\n[plugin hoard]\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static struct server s;
static char out[1 << 16];

static void
etude(int code, const char *a, const char *b, const char *c)
{
    const char *args[4] = {a, b, c};

    admin_run(&s, code, args, out, sizeof out);
}

/* How many descriptors the process that serves may have. */
static long
soft_limit(void)
{
    char path[64], line[256];
    long n = -1;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/limits", (int)server_pid(&s));
    f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "Max open files %ld", &n) == 1)
            break;
    if (f)
        fclose(f);
    return n;
}

/* Until what is kept for orders is out of reach again: an order ends a moment
 * after its answer, and who hoards until then has what it was kept for. */
static void
wait_kept(long limit)
{
    for (int i = 0; i < 2000 && soft_limit() != limit; i++)
        usleep(5000);
    ck_assert_int_eq(soft_limit(), limit);
}

/* On a connection that is there: there is no room for another one. */
static struct client
serve_hoarder(int n)
{
    struct client c;

    ck_assert_int_eq(setenv("T_SUPERVISE", n ? "yes" : "no", 1), 0);
    server_start(&s, HOARD);
    c = client_open(&s);
    client_expect(&c, GET("/hoard"), 200, "all of them");
    return c;
}

START_TEST(every_order_is_carried_out)
{
    struct client c = serve_hoarder(_i);
    long limit = soft_limit();

    for (int i = 0; i < 3; i++) {
        etude(0, "status", NULL, NULL);
        unit_has(out, "org.etude.test.hoard");
        etude(0, "plugins", "--live", NULL);
        unit_has(out, "org.etude.test.hoard");
        etude(0, "routes", "--live", NULL);
        unit_has(out, "/hoard");
        etude(0, "command", "orders", "say");
        etude(0, "reopen", NULL, NULL);
        etude(0, "reload", NULL, NULL);
        wait_kept(limit);
        client_expect(&c, GET("/hoard"), 200, "all of them");
    }
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_reload_says_what_is_wrong_or_new)
{
    struct client c = serve_hoarder(_i);

    server_write(&s, HOARD "[route x]\n[route y]\n");
    etude(1, "reload", NULL, NULL);
    unit_has(out, "[route x]");
    unit_has(out, "[route y]");
    server_write(&s, HOARD "[plugin hello]\n");
    etude(0, "reload", NULL, NULL);
    unit_has(out, "routes 4 added");
    client_expect(&c, GET("/hoard"), 200, "all of them");
    client_expect(&c, GET("/hello/you"), 200, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_RUN(((struct unit){.name = "descriptors", .times = 2}),
         every_order_is_carried_out, a_reload_says_what_is_wrong_or_new)
