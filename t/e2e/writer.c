/* SPDX-License-Identifier: BSD-2-Clause */
/* writer.c - answers that a task writes piece by piece.
 * tags: epoll asan tsan tls h2 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define HEAD(path) "HEAD " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define OLD(path) "GET " path " HTTP/1.0\r\n\r\n"
#define SERVER(more)                                                           \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n" more                       \
    "\n[plugin writer]\n[scope all]\nmatch = /*\nuse = writer\n"

static struct server s;

/* n bytes of the alphabet, over and over? */
static void
is_alphabet(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        UNIT_HOLDS(p[i] == (char)('a' + i % 26));
}

static void
take_alphabet(struct client *c, const char *request, size_t n)
{
    struct answer a;

    client_puts(c, request);
    a = client_answer(c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, n);
    is_alphabet(a.body, n);
    ck_assert_str_eq(answer_field(&a, "X-Seen", 0), "200");
    answer_free(&a);
}

START_TEST(in_chunks)
{
    struct client c;

    server_start(&s, SERVER("write_buffer = 4k\n"));
    c = client_open(&s);
    take_alphabet(&c, GET("/writer/pieces?n=3&size=5"), 15);
    take_alphabet(&c, GET("/writer/pieces?n=0"), 0);
    take_alphabet(&c, GET("/writer/pieces?n=1&size=1&ms=1"), 1);
    for (int i = 0; i < 40; i++) { /* around what fits into a block */
        char request[200];
        int size = 900 + i * 101;
        snprintf(request, sizeof request,
                 GET("/writer/pieces?n=2&size=%d&ms=%d"), size, i % 3 - 1);
        take_alphabet(&c, request, (size_t)size * 2);
    }
    take_alphabet(&c, GET("/writer/pieces?n=3&size=1000000"), 3000000);
    take_alphabet(&c, GET("/writer/pieces?n=20000&size=3"), 60000);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(pieces_go_when_the_writer_waits)
{
    struct client c;

    if (transport_here()->is_h2) /* bytes of chunks */
        return;
    server_start(&s, SERVER(""));
    c = client_open(&s);
    client_puts(&c, GET("/writer/pieces?n=3&size=2&ms=60000"));
    client_gather(&c, 1);
    while (!strstr(c.buf, "0002\r\nab\r\n"))
        client_gather(&c, c.n + 1);
    c.n = 0;
    ck_assert(client_is_quiet(&c, 50));
    client_close(&c);
    tally_wait(&s, GET("/writer/count"), "cancelled", 1);
    tally_wait(&s, GET("/writer/count"), "active", 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(with_a_length)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = client_open(&s);
    take_alphabet(&c, GET("/writer/pieces?n=4&size=5&len=20"), 20);
    take_alphabet(&c, GET("/writer/pieces?n=0&len=0"), 0);
    take_alphabet(&c, GET("/writer/pieces?n=2&size=700000&len=1400000"),
                  1400000);
    take_alphabet(&c, GET("/writer/parts"), 2);
    client_puts(&c, GET("/writer/pieces?n=1&size=5&len=6")); /* too short */
    client_read_all(&c);
    ck_assert(transport_here()->is_h2 || /* where a reset may take it along */
              strstr(c.buf, "\r\n\r\nabcde"));
    client_close(&c);
    c = client_open(&s);
    client_puts(&c, GET("/writer/pieces?n=2&size=5&len=6")); /* too long */
    client_read_all(&c);
    if (!transport_here()->is_h2) {
        ck_assert_ptr_nonnull(strstr(c.buf, "\r\n\r\nabcde"));
        ck_assert_uint_eq(strlen(strstr(c.buf, "\r\n\r\n")), 9);
    }
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(until_the_end_for_1_0)
{
    struct client c;
    const char *body;
    char byte[1];

    if (transport_here()->is_h2) /* HTTP/1.0 */
        return;
    server_start(&s, SERVER(""));
    c = client_open(&s);
    client_puts(&c, OLD("/writer/pieces?n=3&size=50000"));
    client_read_all(&c);
    ck_assert_ptr_null(strstr(c.buf, "chunked"));
    ck_assert_ptr_null(strstr(c.buf, "Content-Length"));
    ck_assert_ptr_nonnull(strstr(c.buf, "Connection: close"));
    body = strstr(c.buf, "\r\n\r\n") + 4;
    ck_assert_uint_eq(strlen(body), 150000);
    is_alphabet(body, 150000);
    client_close(&c);
    /* The end of one that is not whole is none. */
    for (int i = 0; i < 2; i++) {
        c = client_open(&s);
        client_puts(&c, i == 0 ? OLD("/writer/end?how=fail")
                               : OLD("/writer/late?ms=20&cut"));
        while (recv(c.fd, byte, 1, 0) > 0)
            continue;
        if (transport_here()->is_plain) /* what carries it has its own end */
            ck_assert_int_eq(errno, ECONNRESET);
        client_close(&c);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(without_a_body)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = client_open(&s);
    client_puts(&c, HEAD("/writer/status"));
    client_take(&c, 1, 200, "");
    client_puts(&c, HEAD("/writer/pieces?n=1&size=5&len=5"));
    client_take(&c, 1, 200, "");
    client_puts(&c, GET("/writer/status?s=204"));
    client_take(&c, 1, 204, "");
    client_puts(&c, GET("/writer/status?s=304"));
    client_take(&c, 1, 304, "");
    ck_assert_int_eq(tally(&s, GET("/writer/count"), "nobody"), 3);
    client_puts(&c, GET("/writer/status?s=99"));
    client_take(&c, 0, 500, NULL);
    client_expect(&c, GET("/writer/plain"), 200, "-3 -3");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(fields_behind_it)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = client_open(&s);
    client_puts(&c, GET("/writer/trailer"));
    client_gather(&c, 1);
    while (!strstr(c.buf, "X-Empty: \r\n\r\n"))
        client_gather(&c, c.n + 1);
    ck_assert_ptr_nonnull(
        strstr(c.buf, "\r\nx\r\n0\r\nX-Rc: -3 -4 -4 -4\r\nX-Empty: \r\n\r\n"));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(fields_behind_the_request_s_body)
{
    static const char text[] = "POST /writer/collected HTTP/1.1\r\nHost: x\r\n"
                               "Transfer-Encoding: chunked\r\n\r\n"
                               "1\r\na\r\n0\r\nX-One:  a b \t\r\nX-Two:c\r\n"
                               "X-One: second\r\n\r\n";
    struct client c;

    server_start(&s, SERVER(""));
    c = client_open(&s);
    for (int i = 0; i < 2; i++) {
        client_puts(&c, text);
        client_take(&c, 0, 200, "a b|c|none");
    }
    client_drip(&c, text, sizeof text - 1);
    client_take(&c, 0, 200, "a b|c|none");
    client_expect(&c,
                  "POST /writer/collected HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: 1\r\n\r\na",
                  200, "||none");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(both_ways_at_once)
{
    enum { N = 300000 };
    char *p = malloc(N);
    struct client c;
    struct answer a;

    server_start(&s, SERVER("write_buffer = 4k\nread_buffer = 4k\n"));
    for (int i = 0; i < N; i++)
        p[i] = (char)('a' + i % 26);
    c = client_open(&s);
    client_printf(&c,
                  "POST /writer/echo HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: %d\r\n\r\n",
                  N);
    client_send(&c, p, N);
    a = client_answer(&c, 0);
    ck_assert_uint_eq(a.n, N);
    is_alphabet(a.body, a.n);
    answer_free(&a);
    client_puts(&c, "POST /writer/echo?n=7 HTTP/1.1\r\nHost: x\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n");
    client_drip(&c, "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", 26);
    client_take(&c, 0, 200, "hello world");
    client_puts(&c, "POST /writer/echo HTTP/1.1\r\nHost: x\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n"
                    "2\r\nhi\r\n0\r\nX-Sum: 17\r\n\r\n");
    a = client_answer(&c, 0);
    ck_assert_str_eq(a.body, "hi");
    ck_assert_str_eq(answer_field(&a, "X-Sum", 0), "17");
    answer_free(&a);
    client_close(&c);
    free(p);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_fails_is_cut_off)
{
    static const char *const how[] = {"fail", "drop", "next", "reply", "panic"};
    struct client c;

    server_start(&s, SERVER(""));
    for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
        c = client_open(&s);
        client_printf(&c, GET("/writer/end?how=%s"), how[i]);
        client_read_all(&c);
        ck_assert(
            transport_here()->is_h2 ||
            (strstr(c.buf, "200 OK") && strstr(c.buf, "0003\r\nabc\r\n")));
        ck_assert_ptr_null(strstr(c.buf, "\r\n0\r\n"));
        ck_assert_ptr_null(strstr(c.buf, "another"));
        client_close(&c);
    }
    client_once(&s, GET("/writer/end?how=two"), 200, "abc");
    tally_wait(&s, GET("/writer/count"), "active", 0);
    ck_assert_int_eq(tally(&s, GET("/writer/count"), "ended"), 6);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(response_steps_may_answer_instead)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = client_open(&s);
    client_expect(&c, GET("/writer/pieces?n=2&size=4&seen=deny"), 403, "no");
    client_expect(&c, GET("/writer/pieces?n=2&size=4&seen=fail"), 500, NULL);
    client_puts(&c, GET("/writer/pieces?n=2&size=4&seen=drop"));
    ck_assert(client_is_closed(&c));
    client_close(&c);
    tally_wait(&s, GET("/writer/count"), "active", 0);
    ck_assert_int_eq(tally(&s, GET("/writer/count"), "cancelled"), 3);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(who_does_not_read_is_waited_for)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = client_open(&s);
    client_puts(&c, GET("/writer/flood"));
    client_gather(&c, 1000000);
    tally_wait(&s, GET("/writer/count"), "active", 1);
    client_close(&c);
    tally_wait(&s, GET("/writer/count"), "cancelled", 1);
    tally_wait(&s, GET("/writer/count"), "active", 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(who_never_reads_is_given_up)
{
    struct client c;

    server_start(&s, SERVER("write_timeout = 200ms\n"));
    c = client_open(&s);
    client_puts(&c, GET("/writer/flood"));
    tally_wait(&s, GET("/writer/count"), "cancelled", 1);
    tally_wait(&s, GET("/writer/count"), "active", 0);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(events)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = client_open(&s);
    client_expect(&c, GET("/writer/sse?n=2"), 200,
                  "retry: 50\nevent: first\nid: 1\ndata: one\ndata: two\n"
                  "data: \ndata: end\n\nid: 2\ndata: one\ndata: two\n"
                  "data: \ndata: end\n\n:\n\n");
    client_expect(&c,
                  "GET /writer/sse?n=2 HTTP/1.1\r\nHost: x\r\n"
                  "Last-Event-ID: 2\r\n\r\n",
                  200, ":\n\n");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(an_old_generation_comes_to_its_end)
{
    struct client polls, sleeps;

    server_start(&s, SERVER("drain_timeout = 300ms\n"));
    polls = client_open(&s);
    sleeps = client_open(&s);
    client_puts(&polls, GET("/writer/farewell?polls=1"));
    client_puts(&sleeps, GET("/writer/farewell"));
    tally_wait(&s, GET("/writer/count"), "active", 2);
    server_write(&s, SERVER("drain_timeout = 300ms\nkeepalive_timeout = 9s\n"));
    ck_assert_int_eq(server_reload(&s), 1);
    client_take(&polls, 0, 200, "onbye 0 0 1");
    client_take(&sleeps, 0, 200, "onbye -10 -10 1");
    client_expect(&sleeps, GET("/writer/pieces?n=1"), 200, "a");
    client_close(&polls);
    client_close(&sleeps);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(so_does_a_server_that_stops)
{
    struct client polls, sleeps;

    server_start(&s, SERVER("drain_timeout = 1s\n"));
    polls = client_open(&s);
    sleeps = client_open(&s);
    client_puts(&polls, GET("/writer/farewell?polls=1"));
    client_puts(&sleeps, GET("/writer/farewell"));
    tally_wait(&s, GET("/writer/count"), "active", 2);
    server_signal(&s, SIGTERM);
    client_take(&polls, 0, 200, "onbye 0 0 1");
    client_take(&sleeps, 0, 200, "onbye -10 -10 1");
    client_close(&polls);
    client_close(&sleeps);
    ck_assert_int_eq(server_wait(&s), 0);
}
END_TEST

UNIT_MAIN(writer, in_chunks, pieces_go_when_the_writer_waits, with_a_length,
          fields_behind_the_request_s_body, until_the_end_for_1_0,
          without_a_body, fields_behind_it, both_ways_at_once,
          what_fails_is_cut_off, response_steps_may_answer_instead,
          who_does_not_read_is_waited_for, who_never_reads_is_given_up, events,
          an_old_generation_comes_to_its_end, so_does_a_server_that_stops)
