/* SPDX-License-Identifier: BSD-2-Clause */
/* unix_socket_of_another.c - a server that stopped, or whose reload let go of a
 * Unix socket, removed whatever stood at its path: the live socket of its
 * successor, too. */
/* tags: epoll asan */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/unit.h"

#define GET "GET /h HTTP/1.1\r\nHost: x\r\n\r\n"

static struct server old, new;
static char path[128];

/* Two servers, the newer one at the path that was the older one's. */
static void
start_both(const char *accept)
{
    char ini[512];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = unix:$DIR/s, 127.0.0.1:0\nhealth = /h\n"
             "accept = %s\n",
             accept);
    server_start(&old, ini);
    snprintf(path, sizeof path, "%s/s", old.dir);
    ck_assert_int_eq(unlink(path), 0);
    snprintf(ini, sizeof ini,
             "[server]\nlisten = unix:%s, 127.0.0.1:0\nhealth = /h\n", path);
    server_start(&new, ini);
}

static void
the_new_one_answers(void)
{
    struct client c = client_unix(path);

    client_expect(&c, GET, 200, NULL);
    client_close(&c);
}

START_TEST(a_stop_leaves_it)
{
    static const char *const accepts[] = {"pipe", "reuseport"};

    for (size_t i = 0; i < 2; i++) {
        start_both(accepts[i]);
        server_signal(&old, SIGTERM);
        server_wait_log(&old, "stopped");
        the_new_one_answers();
        ck_assert_int_eq(server_wait(&old), 0);
        ck_assert_int_eq(server_stop(&new), 0);
    }
}
END_TEST

START_TEST(a_reload_leaves_it)
{
    start_both("pipe");
    server_write(&old, "[server]\nlisten = 127.0.0.1:0\nhealth = /h\n");
    ck_assert(server_reload(&old));
    the_new_one_answers();
    ck_assert_int_eq(server_stop(&new), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(server_stop(&old), 0);
}
END_TEST

START_TEST(ones_own_is_removed)
{
    server_start(&old, "[server]\nlisten = unix:$DIR/s, 127.0.0.1:0\n"
                       "health = /h\n");
    snprintf(path, sizeof path, "%s/s", old.dir);
    the_new_one_answers();
    server_write(&old, "[server]\nlisten = unix:$DIR/t, 127.0.0.1:0\n");
    ck_assert(server_reload(&old));
    ck_assert_int_ne(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/t", old.dir);
    ck_assert_int_eq(access(path, F_OK), 0);
    server_signal(&old, SIGTERM);
    server_wait_log(&old, "stopped");
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(server_wait(&old), 0);
}
END_TEST

UNIT_MAIN(unix_socket_of_another, a_stop_leaves_it, a_reload_leaves_it,
          ones_own_is_removed)
