/* SPDX-License-Identifier: BSD-2-Clause */
/* fetch_crash.c - who crashes in the middle of asking another server: what he
 * has opened is closed.
 * tags: epoll */
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/upstream.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define HEAD "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"

static struct server s;
static struct upstream u;
static struct client c;

static void
ask(const char *how)
{
    upstream_open(&u);
    server_start(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                     "crash_limit = 0\n[plugin fetch]\n");
    c = client_open(&s);
    client_printf(&c, "GET /fetch/%s?port=%u HTTP/1.1\r\nHost: x\r\n\r\n", how,
                  u.port);
}

static void
tear_down(void)
{
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
    upstream_close(&u);
}

START_TEST(a_step_that_crashes_leaves_no_connection)
{
    int fd;

    ask("crash");
    fd = upstream_take(&u);
    upstream_say(fd, HEAD);
    client_take(&c, 0, 500, NULL);
    upstream_wait_closed(fd);
    close(fd);
    client_printf(&c, "GET /fetch/whole?port=%u HTTP/1.1\r\nHost: x\r\n\r\n",
                  u.port);
    fd = upstream_take(&u);
    upstream_say(fd, HEAD "hello");
    client_take(&c, 0, 200, "0 200 5 5 - hello");
    close(fd);
    tear_down();
}
END_TEST

START_TEST(a_part_that_crashes_leaves_none_behind_its_step)
{
    int fd[2];

    ask("partcrash");
    for (int i = 0; i < 2; i++)
        fd[i] = upstream_take(&u);
    for (int i = 0; i < 2; i++)
        upstream_say(fd[i], HEAD);
    for (int i = 0; i < 2; i++) /* one of them is waited for */
        upstream_say(fd[i], "hello");
    client_take(&c, 0, 200, "-9 0");
    upstream_wait_closed(fd[0]); /* the other one may be kept */
    for (int i = 0; i < 2; i++)
        close(fd[i]);
    tear_down();
}
END_TEST

UNIT_MAIN(fetch_crash, a_step_that_crashes_leaves_no_connection,
          a_part_that_crashes_leaves_none_behind_its_step)
