/* SPDX-License-Identifier: BSD-2-Clause */
/* answer.c - what a response step is told of the answer: its length, and its
 * body where it is one span of memory; and that it may answer with what it
 * makes of it.
 * tags: epoll asan h2 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#include "t/lib/unit.h"

static struct server s;

static void
start(const char *use)
{
    char ini[768];

    snprintf(ini, sizeof ini,
             "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n"
             "[plugin answers]\nfile = etude.ini\n[plugin writer]\n"
             "[plugin measure]\n[plugin filter]\nact = mark\nmount = /f\n"
             "[plugin respond]\nstatus = 200\nbody = constant\n"
             "[route fixed]\nmatch = GET /fixed\nhandler = respond\n"
             "[scope all]\nmatch = /*\nuse = %s\n",
             use);
    server_start(&s, ini);
}

static void
sees(const char *method, const char *path, int status, const char *what,
     const char *body)
{
    struct client c = client_open(&s);
    struct answer a;

    client_printf(&c, "%s %s HTTP/1.1\r\nHost: x\r\n\r\n", method, path);
    a = client_answer(&c, strcmp(method, "HEAD") == 0);
    ck_assert_int_eq(a.status, status);
    ck_assert_str_eq(answer_field(&a, "Answer", 0), what);
    if (body)
        ck_assert_str_eq(a.body, body);
    answer_free(&a);
    client_close(&c);
}

START_TEST(its_length_and_what_it_says)
{
    start("measure");
    sees("GET", "/mem/20", 200, "20 <mnopqrst>", NULL);
    sees("GET", "/ref/3", 200, "3 <abc>", "abc");
    sees("HEAD", "/ref/3", 200, "3 <abc>", NULL);
    sees("GET", "/fixed", 200, "8 <constant>", "constant");
    sees("GET", "/none", 200, "0 <>", "");
    sees("GET", "/nowhere", 404, "14 <ot Found>", "404 Not Found\n");
    sees("GET", "/fail", 500, "26 <er Error>", NULL);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(its_length_alone)
{
    start("measure");
    sees("GET", "/file/20", 200, "20 -", NULL);
    sees("GET", "/writer/pieces?n=3&size=7&len=21", 200, "21 -",
         "abcdefghijklmnopqrstu");
    sees("GET", "/writer/pieces?n=3&size=7", 200, "-1 -",
         "abcdefghijklmnopqrstu");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What a step further in makes of the body is not known yet; one further out
 * has not asked yet. */
START_TEST(nothing_where_it_is_filtered)
{
    start("measure, filter");
    sees("GET", "/ref/3", 200, "-1 -", "-abc-");
    ck_assert_int_eq(server_stop(&s), 0);
    start("filter, measure");
    sees("GET", "/ref/3", 200, "3 <abc>", "-abc-");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(it_may_answer_with_what_it_makes_of_it)
{
    start("measure");
    sees("GET", "/mem/3?shout", 200, "3 <abc>", "ABC");
    sees("GET", "/ref/3?shout", 200, "3 <abc>", "ABC");
    sees("HEAD", "/ref/3?shout", 200, "3 <abc>", NULL);
    sees("GET", "/nowhere?shout", 404, "14 <ot Found>", "404 NOT FOUND\n");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(answer, its_length_and_what_it_says, its_length_alone,
          nothing_where_it_is_filtered, it_may_answer_with_what_it_makes_of_it)
