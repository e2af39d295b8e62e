/* SPDX-License-Identifier: BSD-2-Clause */
/* pieces.c - answers of several pieces, fields without a copy, the tail.
 * tags: epoll asan tsan */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define FILE_BYTES 300000

static struct server s;
static char bytes[FILE_BYTES];

static void
start(void)
{
    char path[128];
    FILE *f;

    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (char)('a' + i % 23);
    server_prepare(&s, "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
                       "[plugin answers]\nfile = it\n");
    snprintf(path, sizeof path, "%s/it", s.dir);
    f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bytes, 1, sizeof bytes, f), sizeof bytes);
    ck_assert_int_eq(fclose(f), 0);
    server_serve(&s);
}

static void
stop(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
}

static int
n_released(void)
{
    struct client c = client_open(&s);
    struct answer a;
    int n;

    client_puts(&c, GET("/count/release"));
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 200);
    n = atoi(a.body);
    answer_free(&a);
    client_close(&c);
    return n;
}

/* The client of an answer that was cut off hears of it before what is under
 * way with its file has ended. */
static void
released(int n)
{
    for (int turns = 0; turns < 500 && n_released() < n; turns++)
        usleep(10000);
    ck_assert_int_eq(n_released(), n);
}

/* begin, n bytes of the file ,middle, n bytes of the file */
static void
check_pieces(const struct answer *a, size_t n)
{
    ck_assert_int_eq(a->status, 200);
    ck_assert_uint_eq(a->n, 6 + n + 8 + n);
    ck_assert_int_eq(memcmp(a->body, "begin,", 6), 0);
    ck_assert_int_eq(memcmp(a->body + 6, bytes, n), 0);
    ck_assert_int_eq(memcmp(a->body + 6 + n, ",middle,", 8), 0);
    ck_assert_int_eq(memcmp(a->body + 14 + n, bytes, n), 0);
}

START_TEST(pieces_come_in_their_order_and_are_released_once)
{
    static const size_t sizes[] = {0, 1, 100, 5000, 16384, 16385, FILE_BYTES};
    struct client c;

    start();
    c = client_open(&s);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct answer a;
        client_printf(&c, "GET /pieces/%zu HTTP/1.1\r\nHost: x\r\n\r\n",
                      sizes[i]);
        a = client_answer(&c, 0);
        check_pieces(&a, sizes[i]);
        answer_free(&a);
        released((int)(2 * (i + 1)));
    }
    client_close(&c);
    stop();
}
END_TEST

START_TEST(head_has_their_length_and_releases_them)
{
    struct client c;
    struct answer a;

    start();
    c = client_open(&s);
    client_puts(&c, "HEAD /pieces/20000 HTTP/1.1\r\nHost: x\r\n\r\n");
    a = client_answer(&c, 1);
    ck_assert_str_eq(answer_field(&a, "Content-Length", 0), "40014");
    answer_free(&a);
    client_close(&c);
    released(2);
    stop();
}
END_TEST

START_TEST(what_is_refused_is_released)
{
    start();
    client_once(&s, GET("/pieces/bad/x"), 200, "refused");
    released(1);
    stop();
}
END_TEST

/* Its length was promised: the client sees that it is not all. */
START_TEST(a_file_that_is_shorter_cuts_the_answer_off)
{
    struct client c;
    size_t n;

    start();
    c = client_open(&s);
    client_puts(&c, GET("/pieces/400000"));
    n = client_read_all(&c);
    ck_assert(transport_here()->is_h2 || /* where a reset takes some along */
              n > FILE_BYTES);
    ck_assert_uint_lt(n, 400000);
    client_close(&c);
    released(2);
    stop();
}
END_TEST

START_TEST(fields_are_added_all_or_none)
{
    struct client c;
    struct answer a;

    start();
    c = client_open(&s);
    client_puts(&c, GET("/added"));
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_str_eq(a.body, "0 slipped");
    ck_assert_str_eq(answer_field(&a, "X-One", 0), "0");
    ck_assert_str_eq(answer_field(&a, "X-One", 1), "1");
    ck_assert_str_eq(answer_field(&a, "X-Two", 0), "two");
    ck_assert_ptr_null(answer_field(&a, "X-Two", 1));
    ck_assert_ptr_null(answer_field(&a, "X-Three", 0));
    answer_free(&a);
    client_close(&c);
    stop();
}
END_TEST

START_TEST(the_tail_is_what_follows)
{
    start();
    client_once(&s, GET("/tail/"), 200, "tail []");
    client_once(&s, GET("/tail/a/b%20c"), 200, "tail [a/b c]");
    client_once(&s, GET("/tail//x"), 200, "tail [/x]");
    stop();
}
END_TEST

UNIT_MAIN(pieces, pieces_come_in_their_order_and_are_released_once,
          head_has_their_length_and_releases_them, what_is_refused_is_released,
          a_file_that_is_shorter_cuts_the_answer_off,
          fields_are_added_all_or_none, the_tail_is_what_follows)
