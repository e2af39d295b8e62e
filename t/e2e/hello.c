/* SPDX-License-Identifier: BSD-2-Clause */
/* hello.c - the thinnest slice: ini, dlopen, acceptor, pipe, worker, answer.
 * tags: epoll asan tsan */
#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/unit.h"

static const char ini[] = "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n"
                          "[plugin hello]\n";

START_TEST(a_plugin_enabled_in_the_ini_answers)
{
    struct server s;

    server_start(&s, ini);
    client_once(&s, "GET /hello/you HTTP/1.1\r\nHost: x\r\n\r\n", 200,
                "Hello, you!\n");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_signal_enables_another)
{
    struct server s;
    struct client c;

    server_start(&s, "[server]\nlisten = 127.0.0.1:0\n");
    c = client_open(&s);
    client_expect(&c, "GET /hello/you HTTP/1.1\r\nHost: x\r\n\r\n", 404, NULL);
    server_write(&s, ini);
    ck_assert_int_eq(server_reload(&s), 1); /* workers: in another process */
    client_come_again(&c, &s);
    client_expect(&c, "GET /hello/you HTTP/1.1\r\nHost: x\r\n\r\n", 200, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(hello, a_plugin_enabled_in_the_ini_answers, a_signal_enables_another)
