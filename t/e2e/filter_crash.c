/* SPDX-License-Identifier: BSD-2-Clause */
/* filter_crash.c - body steps that crash, and response steps that do so when
 * they have asked for one.  A crash is one for a sanitizer, too.
 * tags: epoll */
#include <string.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define ERROR_500 "500 Internal Server Error\n"
#define SERVER(use, act)                                                       \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"                            \
    "[plugin writer]\n[plugin filter]\n"                                       \
    "[plugin one]\nmodule = filter\nact = " act "\nmount = /one\n"             \
    "[plugin two]\nmodule = filter\nact = mark\nmount = /two\n"                \
    "[scope all]\nmatch = /*\nuse = " use "\n"

static struct server s;

static void
is_cut(const char *request)
{
    struct client c = client_open(&s);

    client_puts(&c, request);
    client_read_all(&c);
    /* A stream that is reset may take its head along. */
    ck_assert(transport_here()->is_h2 || strstr(c.buf, "200 OK"));
    ck_assert_ptr_null(strstr(c.buf, "\r\n0\r\n"));
    client_close(&c);
}

START_TEST(one_that_crashes_cuts_it_off)
{
    server_start(&s, SERVER("one", "crash"));
    is_cut(GET("/filter/big?n=20000"));
    is_cut(GET("/writer/pieces?n=2&size=5"));
    is_cut(GET("/filter/parts")); /* in one of them, the other goes on */
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(whose_response_step_crashes_sees_nothing)
{
    server_start(&s, SERVER("one, two", "die"));
    client_once(&s, GET("/filter/big?n=5"), 500, ERROR_500);
    client_once(&s, GET("/writer/pieces?n=2"), 500, ERROR_500);
    client_once(&s, GET("/nothing/here"), 500, ERROR_500);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(filter_crash, one_that_crashes_cuts_it_off,
          whose_response_step_crashes_sees_nothing)
