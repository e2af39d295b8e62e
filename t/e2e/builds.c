/* SPDX-License-Identifier: BSD-2-Clause */
/* builds.c - what new builds meet: bodies under way in both directions, code
 * that is still referred to from everywhere, workers that do not take them.
 * tags: epoll asan */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/module.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define SERVER "[server]\nlisten = 127.0.0.1:0\n"
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define LARGE ((size_t)8 << 20)

static void
replace(struct server *s, const char *name, int number)
{
    module_stamp(s, name, number);
    ck_assert_int_eq(server_reload(s), 1);
}

START_TEST(an_upload_ends_on_the_build_it_began_on)
{
    struct server s;
    struct client c;

    server_start(&s, SERVER "workers = 1\n[plugin stamp]\n");
    replace(&s, "stamp", 1);
    c = client_open(&s);
    client_puts(&c, "POST /stamp HTTP/1.1\r\nHost: x\r\n"
                    "Content-Length: 10\r\n\r\n01234");
    client_once(&s, GET("/stamp"), 200, "0 00000001"); /* it has been read */
    for (int i = 2; i < 5; i++)
        replace(&s, "stamp", i);
    client_puts(&c, "56789");
    client_take(&c, 0, 200, "00000001 10");
    client_expect(&c, GET("/stamp"), 200, "0 00000004");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Its last act is a call into the old build. */
START_TEST(a_download_ends_on_the_build_it_began_on)
{
    struct server s;
    struct client c;
    struct answer a;
    size_t wrong = 0;

    server_start(&s, SERVER "workers = 1\n[plugin stamp]\n");
    replace(&s, "stamp", 1);
    c = client_open(&s);
    client_puts(&c, GET("/stamp/large"));
    client_once(&s, GET("/stamp"), 200, "0 00000001");
    for (int i = 2; i < 5; i++)
        replace(&s, "stamp", i);
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, LARGE);
    for (size_t i = 0; i < LARGE; i++)
        wrong += a.body[i] != "00000001\n"[i % 9];
    ck_assert_uint_eq(wrong, 0);
    answer_free(&a);
    client_expect(&c, GET("/stamp"), 200, "0 00000004");
    client_close(&c);
    server_signal(&s, SIGHUP); /* nobody has the first one any more */
    ck_assert_ptr_nonnull(
        strstr(server_wait_log(&s, "reload: generation "),
               "; 1 generations alive, 0 retired images mapped"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(code_that_is_referred_to_from_everywhere_stays)
{
    struct server s;
    char text[32];

    server_start(&s, SERVER "workers = 2\n[plugin entangled]\n");
    for (int i = 1; i <= 50; i++) {
        replace(&s, "entangled", i);
        snprintf(text, sizeof text, "%08d", i);
        client_once(&s, GET("/entangled"), 200, text);
    }
    server_signal(&s, SIGRTMIN);
    server_signal(&s, SIGHUP);
    ck_assert_ptr_nonnull(strstr(server_wait_log(&s, "reload: generation "),
                                 ", 50 retired images mapped"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Whichever worker it is, its peers are undone and the old generation serves.
 */
START_TEST(any_worker_may_refuse)
{
    struct server s;
    char text[64];

    server_start(&s, SERVER "workers = 4\n[plugin life]\nsay = old\n");
    for (int k = 0; k < 4; k++) {
        char ini[300];
        snprintf(ini, sizeof ini,
                 SERVER "workers = 4\n[plugin life]\nsay = try%d\n"
                        "fail = init\nworker = %d\n",
                 k, k);
        server_write(&s, ini);
        ck_assert_int_eq(server_reload(&s), 0);
        snprintf(text, sizeof text, "life: close try%d", k);
        for (int i = 0; i < 1000 && server_count_log(&s, text) < 1; i++)
            usleep(2000);
        ck_assert_int_eq(server_count_log(&s, text), 1);
        for (int i = 0;
             i < 1000 && server_count_log(&s, "life: exit try") < 3 * k + 3;
             i++)
            usleep(2000);
        ck_assert_int_eq(server_count_log(&s, "life: init try"), 3 * k + 3);
        ck_assert_int_eq(server_count_log(&s, "life: exit try"), 3 * k + 3);
        client_once(&s, GET("/life"), 200, "old");
    }
    ck_assert_int_eq(server_count_log(&s, "life: exit old"), 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(builds, an_upload_ends_on_the_build_it_began_on,
          a_download_ends_on_the_build_it_began_on,
          code_that_is_referred_to_from_everywhere_stays, any_worker_may_refuse)
