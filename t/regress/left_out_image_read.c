/* SPDX-License-Identifier: BSD-2-Clause */
/* left_out_image_read.c - a generation kept names, patterns and descriptions of
 * routes in the image of the plugin that declares them.  One that was left out
 * (required = no) may be unmapped by the time the reload tells what it has
 * changed: the control thread crashed.
 * tags: epoll asan */
#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\nworkers = 2\n[plugin life]\n"
#define LEAVES SERVER "[plugin leaves]\nrequired = no\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

START_TEST(reloads_go_on_beside_what_is_left_out)
{
    struct server s;
    pid_t pid;

    server_start(&s, SERVER);
    pid = server_pid(&s);
    server_write(&s, LEAVES);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(server_reload(&s), 1);
        client_once(&s, GET("/leaves"), 503, NULL);
        client_once(&s, GET("/life"), 200, NULL);
    }
    server_write(&s, SERVER);
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/leaves"), 404, NULL);
    ck_assert_int_eq(server_pid(&s), pid);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(and_after_a_start_without_it)
{
    struct server s;
    pid_t pid;

    server_start(&s, LEAVES);
    pid = server_pid(&s);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/leaves"), 503, NULL);
    ck_assert_int_eq(server_pid(&s), pid);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(left_out_image_read, reloads_go_on_beside_what_is_left_out,
          and_after_a_start_without_it)
