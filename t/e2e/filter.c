/* SPDX-License-Identifier: BSD-2-Clause */
/* filter.c - body steps: what they do to answers on their way out.
 * tags: epoll asan tsan tls h2 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD(path) "HEAD " path " HTTP/1.1\r\nHost: x\r\n\r\n"
/* One or two of them around everything: use says which. */
#define SERVER(use, one, two, more)                                            \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n" more                       \
    "\n[plugin writer]\n[plugin filter]\n"                                     \
    "[plugin one]\nmodule = filter\nact = " one                                \
    "\nmount = /one\n[plugin two]\nmodule = filter\nact = " two                \
    "\nwith = +\nmount = /two\n[scope all]\nmatch = /*\nuse = " use "\n"

static struct server s;

static void
take_alphabet(struct client *c, const char *request, size_t n, const char *edge)
{
    size_t k = strlen(edge);
    struct answer a;

    client_puts(c, request);
    a = client_answer(c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, n + 2 * k);
    ck_assert_mem_eq(a.body, edge, k);
    ck_assert_mem_eq(a.body + k + n, edge, k);
    for (size_t i = 0; i < n; i++)
        UNIT_HOLDS(a.body[k + i] == (char)('a' + i % 26));
    ck_assert_ptr_null(answer_field(&a, "Content-Length", 0));
    answer_free(&a);
}

START_TEST(whatever_the_answer_is_made_of)
{
    struct client c;

    server_start(&s, SERVER("one", "mark", "mark", ""));
    c = client_open(&s);
    take_alphabet(&c, GET("/filter/big?n=5"), 5, "-");
    take_alphabet(&c, GET("/filter/big?n=0"), 0, "-");
    take_alphabet(&c, GET("/filter/big?n=1000000"), 1000000, "-");
    take_alphabet(&c, GET("/filter/file?n=5"), 5, "-");
    take_alphabet(&c, GET("/filter/file?n=1000000"), 1000000, "-");
    take_alphabet(&c, GET("/writer/pieces?n=3&size=7"), 21, "-");
    take_alphabet(&c, GET("/writer/pieces?n=3&size=7&len=21"), 21, "-");
    take_alphabet(&c, GET("/writer/pieces?n=2&size=500000"), 1000000, "-");
    client_expect(&c, GET("/nothing/here"), 404, "-404 Not Found\n-");
    client_expect(&c, GET("/filter/early"), 200, "--3 -3-");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(from_the_inside_out)
{
    struct client c;

    server_start(&s, SERVER("one, two", "mark", "mark", ""));
    c = client_open(&s);
    client_expect(&c, GET("/filter/big?n=5"), 200, "-+abcde+-");
    client_close(&c);
    server_write(&s, SERVER("two, one", "mark", "double", ""));
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/filter/big?n=3"), 200, "--abcabc--");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(where_there_is_no_body_they_see_none)
{
    struct client c;

    server_start(&s, SERVER("one", "mark", "mark", ""));
    c = client_open(&s);
    client_puts(&c, HEAD("/filter/big?n=5"));
    client_take(&c, 1, 200, "");
    client_puts(&c, HEAD("/writer/pieces?n=5"));
    client_take(&c, 1, 200, "");
    client_puts(&c, GET("/writer/status?s=304"));
    client_take(&c, 1, 304, "");
    client_expect(&c, GET("/writer/status?s=200"), 200, "-body-");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_is_held_goes_when_it_is_flushed)
{
    struct client c;

    server_start(&s, SERVER("one", "hold", "mark", ""));
    c = client_open(&s);
    client_puts(&c, GET("/writer/sse?n=1000"));
    client_gather(&c, 1000); /* while it goes on */
    client_close(&c);
    c = client_open(&s);
    client_expect(&c, GET("/filter/big?n=3"), 200, "abc");
    take_alphabet(&c, GET("/filter/file?n=300000"), 300000, "");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(they_may_wait)
{
    struct client c, d;

    server_start(&s, SERVER("one", "sleep", "mark", ""));
    c = client_open(&s);
    d = client_open(&s);
    client_puts(&d, GET("/filter/file?n=300000"));
    take_alphabet(&c, GET("/filter/file?n=200000"), 200000, "");
    take_alphabet(&c, GET("/writer/pieces?n=5&size=3"), 15, "");
    client_close(&d); /* in the middle */
    take_alphabet(&c, GET("/filter/big?n=100000"), 100000, "");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

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

START_TEST(one_that_fails_cuts_the_answer_off)
{
    server_start(&s, SERVER("one", "fail", "mark", ""));
    is_cut(GET("/filter/big?n=20000"));
    is_cut(GET("/filter/file?n=20000"));
    is_cut(GET("/writer/pieces?n=2&size=5"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(one_piece_at_a_time)
{
    server_start(&s, SERVER("one", "sleep", "mark", ""));
    client_once(&s, GET("/filter/parts"), 200, "A 0 -4 1");
    server_write(&s, SERVER("one", "again", "mark", ""));
    ck_assert_int_eq(server_reload(&s), 1);
    client_once(&s, GET("/filter/parts"), 200, "AB 0 0 1");
    client_once(&s, GET("/filter/big?n=3"), 200, "abc");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_file_that_has_become_shorter_cuts_it_off)
{
    server_start(&s, SERVER("one", "mark", "mark", ""));
    is_cut(GET("/filter/file?n=20000&cut=1"));
    client_once(&s, GET("/filter/big?n=1"), 200, "-a-");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(without_a_stack_it_is_503)
{
    struct client c[4];

    server_start(&s, SERVER("one", "mark", "mark", "max_tasks = 1\n"));
    c[0] = client_open(&s);
    c[1] = client_open(&s);
    client_puts(&c[0], GET("/writer/pieces?n=1&ms=60000"));
    client_gather(&c[0], 1);
    client_puts(&c[1], GET("/filter/big?n=5"));
    client_take(&c[1], 0, 503, NULL);
    client_close(&c[0]);
    client_close(&c[1]);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Fields behind an answer, in front of a request with a body and its own. */
START_TEST(what_is_behind_an_answer_stays_there)
{
    static const char text[] =
        GET("/writer/trailer") "POST /writer/collected HTTP/1.1\r\nHost: x\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n"
                               "1\r\na\r\n0\r\nX-One: a b\r\nX-Two: c\r\n\r\n";
    struct client c;

    server_start(&s, SERVER("one", "mark", "mark", ""));
    c = client_open(&s);
    for (int i = 0; i < 20; i++) {
        struct answer a;
        client_puts(&c, text);
        a = client_answer(&c, 0);
        ck_assert_str_eq(a.body, "-x-");
        ck_assert_str_eq(answer_field(&a, "X-Rc", 0), "-3 -4 -4 -4");
        answer_free(&a);
        client_take(&c, 0, 200, "-a b|c|none-");
    }
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(old_clients_see_the_end_of_the_connection)
{
    struct client c;

    if (transport_here()->is_h2) /* HTTP/1.0 */
        return;
    server_start(&s, SERVER("one", "mark", "mark", ""));
    c = client_open(&s);
    client_puts(&c, "GET /filter/big?n=3 HTTP/1.0\r\n"
                    "Connection: keep-alive\r\n\r\n");
    client_read_all(&c);
    ck_assert_ptr_nonnull(strstr(c.buf, "\r\n\r\n-abc-"));
    ck_assert_ptr_null(strstr(c.buf, "Content-Length"));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(filter, whatever_the_answer_is_made_of, from_the_inside_out,
          where_there_is_no_body_they_see_none,
          what_is_held_goes_when_it_is_flushed, they_may_wait,
          one_that_fails_cuts_the_answer_off, one_piece_at_a_time,
          a_file_that_has_become_shorter_cuts_it_off, without_a_stack_it_is_503,
          what_is_behind_an_answer_stays_there,
          old_clients_see_the_end_of_the_connection)
