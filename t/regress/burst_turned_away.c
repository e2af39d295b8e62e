/* SPDX-License-Identifier: BSD-2-Clause */
/* burst_turned_away.c - who came with more than a thousand others at once was
 * told 503 (over TLS internal_error) by a worker that accepts for itself: it
 * had room, but no time in that turn, and no place for those who wait for one.
 * tags: epoll */
#include <stdio.h>
#include <sys/resource.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define INI                                                                    \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\naccept = reuseport\n"        \
    "[plugin slow]\n[plugin answers]\n"

enum { MANY = 3000, FILES = MANY + 200 };

static struct client fresh[MANY];

/* False: so many are not to be had. */
static int
raise_files(void)
{
    struct rlimit files;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    return files.rlim_max >= FILES;
}

/* They come while the worker has other things to do; the first of them is all
 * that its next turn has time for. */
START_TEST(all_of_a_burst_are_served)
{
    struct server s;
    struct client busy;

    if (!raise_files())
        return;
    server_start(&s, INI);
    busy = client_open(&s);
    client_puts(&busy, GET("/slow/500"));
    server_wait_log(&s, "slow: begins");
    for (int i = 0; i < MANY; i++) {
        fresh[i] = client_open(&s);
        client_puts(&fresh[i], i == 0 ? GET("/slow/5") : GET("/none"));
    }
    for (int i = 0; i < MANY; i++) {
        client_take(&fresh[i], 0, 200, i == 0 ? "slept" : "");
        client_close(&fresh[i]);
    }
    client_take(&busy, 0, 200, "slept");
    client_close(&busy);
    ck_assert_int_eq(server_count_log(&s, "no room for more"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(burst_turned_away, all_of_a_burst_are_served)
