/* SPDX-License-Identifier: BSD-2-Clause */
/* shedding_stops.c - with overload = shed a worker that accepts told clients
 * 503 for 16 ms after it was full: then it looked for room, found none and
 * accepted nobody any more, so that the others waited.
 * tags: epoll */
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#include "t/lib/unit.h"

#define GET "GET /none HTTP/1.1\r\nHost: x\r\n\r\n"

enum { SLOTS = 16, SEVERAL_LOOKS_US = 100000 };

static void
all_are_turned_away(const char *ini)
{
    struct server s;
    struct client c[SLOTS], late;

    server_start(&s, ini);
    for (int i = 0; i < SLOTS; i++) {
        c[i] = client_open(&s);
        client_expect(&c[i], GET, 200, "");
    }
    for (int i = 0; i < 3; i++) {
        late = client_open(&s);
        /* It is told so, or at least sees the end. */
        ck_assert(client_more(&late) || !transport_here()->is_plain);
        client_close(&late);
        usleep(SEVERAL_LOOKS_US);
    }
    ck_assert_int_eq(server_count_log(&s, "no room for more"), 1);
    ck_assert_int_eq(server_count_log(&s, "connections again"), 0);
    for (int i = 0; i < SLOTS; i++)
        client_close(&c[i]);
    ck_assert_int_eq(server_stop(&s), 0);
}

#define INI(more)                                                              \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\nslab_capacity = 16\n"        \
    "overload = shed\n" more "[plugin answers]\n"

START_TEST(of_a_worker_that_accepts)
{
    all_are_turned_away(INI("accept = reuseport\n"));
}
END_TEST

START_TEST(of_the_acceptor)
{
    all_are_turned_away(INI(""));
}
END_TEST

UNIT_MAIN(shedding_stops, of_a_worker_that_accepts, of_the_acceptor)
