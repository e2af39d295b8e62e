/* SPDX-License-Identifier: BSD-2-Clause */
/* look.c - body steps that only look: the answer is what it was, its length
 * included.
 * tags: epoll asan tsan h2 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD(path) "HEAD " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(act, use, more)                                                 \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n" more                       \
    "\n[plugin writer]\n[plugin filter]\n"                                     \
    "[plugin marker]\nmodule = filter\nact = mark\nmount = /marker\n"          \
    "[plugin named]\nmodule = look\nmount = /named\n"                          \
    "[plugin look]\nact = " act "\n[scope all]\nmatch = /*\nuse = " use "\n"

static struct server s;

/* The answer has n bytes of the alphabet, and says so if length is not 0. */
static void
take_alphabet(struct client *c, const char *request, size_t n, int has_length)
{
    struct answer a;
    const char *length;

    client_puts(c, request);
    a = client_answer(c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, n);
    for (size_t i = 0; i < n; i++)
        UNIT_HOLDS(a.body[i] == (char)('a' + i % 26));
    length = answer_field(&a, "Content-Length", 0);
    ck_assert_int_eq(length != NULL, has_length);
    ck_assert(!length || strtoul(length, NULL, 10) == n);
    answer_free(&a);
}

START_TEST(whatever_the_answer_is_made_of)
{
    struct client c;

    server_start(&s, SERVER("look", "look", ""));
    c = client_open(&s);
    take_alphabet(&c, GET("/filter/big?n=5"), 5, 1);
    client_expect(&c, GET("/look/seen"), 200, "5 bytes, 1 ends, ");
    take_alphabet(&c, GET("/filter/big?n=0"), 0, 1);
    client_expect(&c, GET("/look/seen"), 200, "0 bytes, 1 ends, ");
    take_alphabet(&c, GET("/filter/big?n=1000000"), 1000000, 1);
    client_expect(&c, GET("/look/seen"), 200, "1000000 bytes, 1 ends, ");
    take_alphabet(&c, GET("/filter/file?n=300000"), 300000, 1);
    client_expect(&c, GET("/look/seen"), 200, "300000 bytes, 1 ends, ");
    take_alphabet(&c, GET("/writer/pieces?n=3&size=7"), 21, 0);
    client_expect(&c, GET("/look/seen"), 200, "21 bytes, 1 ends, X-Seen=200;");
    take_alphabet(&c, GET("/writer/pieces?n=3&size=7&len=21"), 21, 1);
    client_expect(&c, GET("/look/seen"), 200, "21 bytes, 1 ends, X-Seen=200;");
    client_expect(&c, GET("/nothing"), 404, "404 Not Found\n");
    client_expect(&c, GET("/look/seen"), 200, "14 bytes, 1 ends, ");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(the_fields_are_seen_in_their_order)
{
    struct client c;

    server_start(&s, SERVER("look", "look", ""));
    c = client_open(&s);
    client_expect(&c, GET("/named/look/named"), 200, "named");
    client_expect(&c, GET("/look/seen"), 200, "5 bytes, 1 ends, B=2;B=3;C=;");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(it_may_wait_and_cannot_pass_on)
{
    struct client c;

    server_start(&s, SERVER("sleep", "look", ""));
    c = client_open(&s);
    take_alphabet(&c, GET("/filter/big?n=100000"), 100000, 1);
    take_alphabet(&c, GET("/writer/pieces?n=5&size=3"), 15, 0);
    server_write(&s, SERVER("emit", "look", ""));
    ck_assert_int_eq(server_reload(&s), 1);
    take_alphabet(&c, GET("/filter/big?n=100000"), 100000, 1);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(beside_one_that_filters_nobody_knows_the_length)
{
    struct client c;

    server_start(&s, SERVER("look", "look, marker", ""));
    c = client_open(&s);
    client_expect(&c, GET("/filter/big?n=3"), 200, "-abc-");
    client_expect(&c, GET("/look/seen"), 200, "-5 bytes, 1 ends, -");
    server_write(&s, SERVER("look", "marker, look", ""));
    ck_assert_int_eq(server_reload(&s), 1);
    client_expect(&c, GET("/filter/big?n=3"), 200, "-abc-");
    client_expect(&c, GET("/look/seen"), 200, "-3 bytes, 1 ends, -");
    server_write(&s, SERVER("both", "look", ""));
    ck_assert_int_eq(server_reload(&s), 1);
    client_expect(&c, GET("/filter/big?n=3"), 200, "ABC");
    client_expect(&c, GET("/writer/pieces?n=1&size=3&len=3"), 200, "ABC");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(where_there_is_no_body_it_sees_none)
{
    struct client c;
    struct answer a;

    server_start(&s, SERVER("look", "look", ""));
    c = client_open(&s);
    client_puts(&c, HEAD("/filter/big?n=5"));
    a = client_answer(&c, 1);
    ck_assert_str_eq(answer_field(&a, "Content-Length", 0), "5");
    answer_free(&a);
    client_expect(&c, GET("/look/seen"), 200, "0 bytes, 0 ends, ");
    client_puts(&c, HEAD("/writer/pieces?n=1&size=5&len=5"));
    a = client_answer(&c, 1);
    ck_assert_str_eq(answer_field(&a, "Content-Length", 0), "5");
    answer_free(&a);
    client_puts(&c, GET("/writer/status?s=304"));
    client_take(&c, 1, 304, "");
    client_expect(&c, GET("/look/seen"), 200, "0 bytes, 0 ends, X-Seen=304;");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(one_that_fails_cuts_the_answer_off)
{
    struct client c;

    server_start(&s, SERVER("fail", "look", ""));
    c = client_open(&s);
    client_puts(&c, GET("/filter/big?n=20000"));
    client_read_all(&c);
    ck_assert(transport_here()->is_h2 || strstr(c.buf, "200 OK"));
    ck_assert_uint_lt(c.n, 20000);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(without_a_stack_the_answer_goes_unseen)
{
    struct client c[2];

    server_start(&s, SERVER("look", "look", "max_tasks = 1\n"));
    c[0] = client_open(&s);
    c[1] = client_open(&s);
    client_puts(&c[0], GET("/writer/pieces?n=1&ms=60000"));
    client_gather(&c[0], 1);
    take_alphabet(&c[1], GET("/filter/big?n=5"), 5, 1);
    client_expect(&c[1], GET("/look/seen"), 200, "0 bytes, 0 ends, ");
    client_close(&c[0]);
    client_close(&c[1]);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(look, whatever_the_answer_is_made_of,
          the_fields_are_seen_in_their_order, it_may_wait_and_cannot_pass_on,
          beside_one_that_filters_nobody_knows_the_length,
          where_there_is_no_body_it_sees_none,
          one_that_fails_cuts_the_answer_off,
          without_a_stack_the_answer_goes_unseen)
