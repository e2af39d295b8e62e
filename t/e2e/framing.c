/* SPDX-License-Identifier: BSD-2-Clause */
/* framing.c - where a request ends: cut anywhere, dripped, chunked, pipelined,
 * and everything that must be refused so that nobody smuggles.
 * tags: epoll asan */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static const char ini[] = "[server]\n"
                          "listen = 127.0.0.1:0\n"
                          "workers = 2\n"
                          "max_body = 4m\n"
                          "[plugin answers]\n"
                          "[plugin echo]\n"
                          "[route echo]\n"
                          "match = * /echo\n"
                          "handler = echo\n";

#define NEXT "GET /count/ref HTTP/1.1\r\nHost: x\r\n\r\n"

/* Let the server take what was sent; only to make it likely that a cut stays
 * one, nothing depends on it. */
static void
let_it_read(void)
{
    poll(NULL, 0, 1);
}

/* Send text in two segments, cut at each offset; the answers must be body and
 * then that of NEXT. */
static void
cut_everywhere(struct server *s, const char *request, const char *body)
{
    size_t n;
    char *all;

    ck_assert_int_ge(asprintf(&all, "%s%s", request, NEXT), 0);
    n = strlen(all);
    for (size_t cut = 1; cut < n; cut++) {
        struct client c = client_open(s);
        client_send(&c, all, cut);
        let_it_read();
        client_send(&c, all + cut, n - cut);
        client_take(&c, 0, 200, body);
        client_take(&c, 0, 200, "0");
        client_close(&c);
    }
    free(all);
}

static const char sized[] = "POST /echo HTTP/1.1\r\nHost: x\r\n"
                            "Content-Length: 5\r\n\r\nhello";
static const char chunked[] = "POST /echo HTTP/1.1\r\nHost: x\r\n"
                              "Transfer-Encoding: chunked\r\n\r\n"
                              "3;ext=\"q;\\\"\"\r\nhel\r\n"
                              "2 ; a ; b = c\r\nlo\r\n"
                              "0;last\r\nX-Trailer: 1\r\nY: 2\r\n\r\n";

START_TEST(a_request_may_be_cut_at_every_byte)
{
    struct server s;

    server_start(&s, ini);
    cut_everywhere(&s, sized, "hello");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_chunked_request_may_be_cut_at_every_byte)
{
    struct server s;

    server_start(&s, ini);
    cut_everywhere(&s, chunked, "hello");
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_request_may_drip)
{
    struct server s;
    struct client c;

    server_start(&s, ini);
    c = client_open(&s);
    for (int i = 0; i < 3; i++) {
        client_drip(&c, sized, sizeof sized - 1);
        client_take(&c, 0, 200, "hello");
        client_drip(&c, chunked, sizeof chunked - 1);
        client_take(&c, 0, 200, "hello");
    }
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* n chunks, each its own segment. */
START_TEST(chunks_come_in_any_number)
{
    struct server s;
    struct client c;

    server_start(&s, ini);
    c = client_open(&s);
    for (int n = 0; n <= 40; n++) {
        struct answer a;
        client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n");
        for (int i = 0; i < n; i++)
            client_puts(&c, "0000000000000a;x=y\r\n0123456789\r\n");
        client_puts(&c, "0\r\n\r\n" NEXT);
        a = client_answer(&c, 0);
        ck_assert_int_eq(a.status, 200);
        ck_assert_uint_eq(a.n, 10u * (size_t)n);
        answer_free(&a);
        client_take(&c, 0, 200, "0");
    }
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A hundred thousand chunks of one byte. */
START_TEST(many_tiny_chunks_are_one_body)
{
    enum { N = 100000 };
    static char text[N * 6 + 16];
    struct server s;
    struct client c;
    struct answer a;
    size_t n = 0;

    for (int i = 0; i < N; i++, n += 6)
        memcpy(text + n, "1\r\nx\r\n", 6);
    memcpy(text + n, "0\r\n\r\n", 5);
    server_start(&s, ini);
    c = client_open(&s);
    client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n");
    client_send(&c, text, n + 5);
    a = client_answer(&c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, N);
    answer_free(&a);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* A body nobody wants is read over, sized or chunked, and the next request is
 * found behind it. */
START_TEST(an_unwanted_body_is_skipped)
{
    struct server s;
    struct client c;

    server_start(&s, ini);
    c = client_open(&s);
    for (int i = 0; i < 3; i++) {
        client_puts(&c, "POST /method HTTP/1.1\r\nHost: x\r\n"
                        "Content-Length: 5\r\n\r\nhello" NEXT);
        client_take(&c, 0, 200, "POST /method  x");
        client_take(&c, 0, 200, "0");
        client_puts(&c, "POST /nowhere HTTP/1.1\r\nHost: x\r\n"
                        "Transfer-Encoding: chunked\r\n\r\n5\r\nhel");
        client_take(&c, 0, 404, NULL);
        client_puts(&c, "lo\r\n0\r\n\r\n" NEXT);
        client_take(&c, 0, 200, "0");
    }
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

static int
count_answers(const char *text)
{
    int n = 0;

    for (; (text = strstr(text, "HTTP/1.1 ")) != NULL; text++)
        n++;
    return n;
}

/* One answer with that status, then the end, whatever stands behind. */
static void
refuse(struct server *s, int status, const char *head, const char *behind)
{
    struct client c = client_open(s);
    int got = 0;

    client_printf(&c, "%s%s", head, behind);
    client_read_all(&c);
    sscanf(c.buf, "HTTP/1.1 %d", &got);
    ck_assert_msg(got == status, "%s\nwas answered with\n%s", head, c.buf);
    ck_assert_msg(count_answers(c.buf) == 1, "%s\ngot\n%s", head, c.buf);
    ck_assert_ptr_nonnull(strstr(c.buf, "Connection: close\r\n"));
    client_close(&c);
}

#define POST "POST /echo HTTP/1.1\r\nHost: x\r\n"
#define GET "GET /method HTTP/1.1\r\nHost: x\r\n"

static const struct {
    int status;
    const char *head;
} refusals[] = {
    /* lengths */
    {400, POST "Content-Length: abc\r\n\r\n"},
    {400, POST "Content-Length: 5x\r\n\r\nhello"},
    {400, POST "Content-Length: +5\r\n\r\nhello"},
    {400, POST "Content-Length: -5\r\n\r\nhello"},
    {400, POST "Content-Length: 0x5\r\n\r\nhello"},
    {400, POST "Content-Length:\r\n\r\n"},
    {400, POST "Content-Length: 5, 5\r\n\r\nhello"},
    {400, POST "Content-Length: 99999999999999999999\r\n\r\n"},
    {400, POST "Content-Length: 5\r\nContent-Length: 0\r\n\r\nhello"},
    {400, POST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"},
    {400, POST "Content-Length : 5\r\n\r\nhello"},
    /* codings */
    {400, POST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
               "0\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n"
               "0\r\n\r\n"},
    {501, POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"},
    {501, POST "Transfer-Encoding: identity\r\n\r\n"},
    {501, POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\n"
               "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding:\r\n\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"},
    {400, "POST /echo HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"
          "0\r\n\r\n"},
    /* chunks */
    {400, POST "Transfer-Encoding: chunked\r\n\r\nx\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\n\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\n\r\n-1\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\n\r\n 1\r\nx\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\n\r\n1\nx\n0\n\n"},
    {400, POST "Transfer-Encoding: chunked\r\n\r\n1\rx"},
    {400, POST "Transfer-Encoding: chunked\r\n\r\n1\r\nxy\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\n\r\n1\r\nx\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\n\r\n1;a\nb\r\nx\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\n\r\n1;a=b \r\nx\r\n0\r\n\r\n"},
    {413, POST "Transfer-Encoding: chunked\r\n\r\n"
               "fffffffffffffffff\r\nx\r\n0\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX Y: 1\r\n\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\n\r\n0\r\nX: 1\n\r\n"},
    {400, POST "Transfer-Encoding: chunked\r\n\r\n0\r\n X: 1\r\n\r\n"},
    /* lines and fields */
    {400, GET "X: a\r\n b\r\n\r\n"},
    {400, GET "X: a\rb\r\n\r\n"},
    {400, GET "X: a\nY: b\r\n\r\n"},
    {400, GET "X : a\r\n\r\n"},
    {400, GET "X\r\n\r\n"},
    {400, GET ": a\r\n\r\n"},
    {400, GET "X\x01: a\r\n\r\n"},
    {400, GET "X: a\x01\r\n\r\n"},
    {400, GET "X: a\x7f\r\n\r\n"},
    {400, GET "X\xe9: a\r\n\r\n"},
    {400, GET "\n"},
    {400, "GET /method HTTP/1.1\nHost: x\n\n"},
    {400, " GET /method HTTP/1.1\r\nHost: x\r\n\r\n"},
    {400, "GET  /method HTTP/1.1\r\nHost: x\r\n\r\n"},
    {400, "GET /method  HTTP/1.1\r\nHost: x\r\n\r\n"},
    {400, "GET /method HTTP/1.1 \r\nHost: x\r\n\r\n"},
    {400, "GET /meth\x01od HTTP/1.1\r\nHost: x\r\n\r\n"},
    {400, "GET /meth\xe9od HTTP/1.1\r\nHost: x\r\n\r\n"},
    {400, "GET method HTTP/1.1\r\nHost: x\r\n\r\n"},
    {400, "GET * HTTP/1.1\r\nHost: x\r\n\r\n"},
    {400, "G(T /method HTTP/1.1\r\nHost: x\r\n\r\n"},
    {400, "GET /method\r\nHost: x\r\n\r\n"},
    {400, "GET /method http/1.1\r\nHost: x\r\n\r\n"},
    {400, "GET /method HTTP/1.11\r\nHost: x\r\n\r\n"},
    {505, "GET /method FOO/9.9\r\nHost: x\r\n\r\n"},
    {505, "GET /method HTTP/2.0\r\nHost: x\r\n\r\n"},
    {505, "GET /method HTTP/9.9\r\nHost: x\r\n\r\n"},
    /* hosts */
    {400, "GET /method HTTP/1.1\r\n\r\n"},
    {400, GET "Host: x\r\n\r\n"},
    {400, "GET /method HTTP/1.1\r\nHost: a b\r\n\r\n"},
    {400, "GET /method HTTP/1.1\r\nHost: a/b\r\n\r\n"},
    {400, "GET /method HTTP/1.1\r\nHost: a@b\r\n\r\n"},
    {400, "GET /method HTTP/1.1\r\nHost: a:x\r\n\r\n"},
    {400, "GET http://a@b/method HTTP/1.1\r\nHost: a\r\n\r\n"},
    /* targets */
    {400, "GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n"},
    {400, "GET /a%0 HTTP/1.1\r\nHost: x\r\n\r\n"},
    {400, "GET /a%zz HTTP/1.1\r\nHost: x\r\n\r\n"},
    {400, "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n"},
    /* expectations */
    {417, POST "Expect: miracles\r\nContent-Length: 0\r\n\r\n"},
};

/* Trailers of about n bytes; the status of the answer. */
static int
status_with_trailers(struct server *s, int n)
{
    struct client c = client_open(s);
    struct answer a;
    int status;

    client_puts(&c, "POST /echo HTTP/1.1\r\nHost: x\r\n"
                    "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n");
    for (; n > 0; n -= 100)
        client_printf(&c, "X-Trailer: %086d\r\n", n);
    client_puts(&c, "\r\n");
    a = client_answer(&c, 0);
    status = a.status;
    answer_free(&a);
    client_close(&c);
    return status;
}

START_TEST(trailers_have_the_limit_of_a_header)
{
    struct server s;
    char text[512];

    server_start(&s, ini);
    ck_assert_int_eq(status_with_trailers(&s, 7000), 200);
    ck_assert_int_eq(status_with_trailers(&s, 9000), 431);
    for (int k = 1; k <= 64; k *= 64) {
        snprintf(text, sizeof text, "[server]\nmax_header = %dk\n%s", k,
                 ini + strlen("[server]\n"));
        server_write(&s, text);
        ck_assert(server_reload(&s));
        ck_assert_int_eq(status_with_trailers(&s, k * 1000), 200);
        ck_assert_int_eq(status_with_trailers(&s, k * 1100), 431);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_could_be_read_in_two_ways_is_refused)
{
    struct server s;

    if (transport_here()->is_h2) /* framing of HTTP/1 */
        return;
    server_start(&s, ini);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        refuse(&s, refusals[i].status, refusals[i].head, NEXT NEXT);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The same while nobody reads the body: what follows is still not a request. */
START_TEST(a_malformed_body_nobody_wants_smuggles_nothing)
{
    struct server s;
    struct client c;

    if (transport_here()->is_h2) /* framing of HTTP/1 */
        return;
    server_start(&s, ini);
    c = client_open(&s);
    client_puts(&c, "POST /method HTTP/1.1\r\nHost: x\r\n"
                    "Transfer-Encoding: chunked\r\n\r\nzz\r\n" NEXT);
    client_read_all(&c);
    ck_assert_int_eq(count_answers(c.buf), 1);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* What looks odd and is legal. */
static const char *const legal[] = {
    POST "Content-Length: \t 5 \t \r\n\r\nhello",
    POST "Transfer-Encoding:\tchunked\t\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    POST "Transfer-Encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    POST "transfer-encoding: , chunked ,\r\n\r\n5\r\nhello\r\n000\r\n\r\n",
    POST "Content-Length: 0005\r\n\r\nhello",
    "\r\n\r\n" POST "Content-Length: 5\r\n\r\nhello",
    POST "X: \r\nY:\r\nZ: a\tb \xe9\r\nContent-Length: 5\r\n\r\nhello",
    POST "Expect: 100-Continue\r\nContent-Length: 5\r\n\r\nhello",
    "POST /echo HTTP/1.7\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
    "POST http://x:80/echo HTTP/1.1\r\nHost: y\r\nContent-Length: 5\r\n\r\n"
    "hello",
};

START_TEST(what_is_odd_and_legal_is_understood)
{
    struct server s;

    server_start(&s, ini);
    for (size_t i = 0; i < sizeof legal / sizeof legal[0]; i++) {
        struct client c = client_open(&s);
        client_printf(&c, "%s%s", legal[i], NEXT);
        client_take(&c, 0, 200, "hello");
        client_take(&c, 0, 200, "0");
        client_close(&c);
    }
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(framing, a_request_may_be_cut_at_every_byte,
          a_chunked_request_may_be_cut_at_every_byte, a_request_may_drip,
          chunks_come_in_any_number, many_tiny_chunks_are_one_body,
          an_unwanted_body_is_skipped, trailers_have_the_limit_of_a_header,
          what_could_be_read_in_two_ways_is_refused,
          a_malformed_body_nobody_wants_smuggles_nothing,
          what_is_odd_and_legal_is_understood)
