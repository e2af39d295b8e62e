/* SPDX-License-Identifier: BSD-2-Clause */
/* pipeline.c - answers in order, each made once, of any size, from memory and
 * files, to quick and slow readers.
 * tags: epoll asan */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/transport.h"
#define UNIT_SECONDS 40
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static const char ini[] = "[server]\n"
                          "listen = 127.0.0.1:0\n"
                          "workers = 1\n"
                          "[plugin hello]\n"
                          "[plugin answers]\n"
                          "file = $DIR/data\n"
                          "[plugin echo]\n"
                          "[route echo]\n"
                          "match = * /echo\n"
                          "handler = echo\n";

static char
letter(size_t i)
{
    return (char)('a' + i % 23);
}

/* A server beside a file of n bytes; beyond `real` they are zeros on no disk.
 */
static void
start(struct server *s, size_t real, size_t n)
{
    char path[128], block[23 * 1024];
    FILE *f;

    server_prepare(s, ini);
    snprintf(path, sizeof path, "%s/data", s->dir);
    f = fopen(path, "we");
    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = letter(i);
    for (size_t i = 0; i < real; i += sizeof block) {
        size_t k = real - i < sizeof block ? real - i : sizeof block;
        ck_assert_uint_eq(fwrite(block, 1, k, f), k);
    }
    ck_assert_int_eq(fclose(f), 0);
    ck_assert_int_eq(truncate(path, (off_t)n), 0);
    ck_assert_int_eq(server_launch(s), -1);
}

/* One answer whose body is n letters. */
static void
take_letters(struct client *c, size_t n)
{
    struct answer a = client_answer(c, 0);

    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, n);
    for (size_t i = 0; i < n; i++) {
        if (a.body[i] != letter(i))
            ck_abort_msg("byte %zu of %zu is %d", i, n, a.body[i]);
    }
    answer_free(&a);
}

static void
expect_letters(struct client *c, const char *kind, size_t n)
{
    client_printf(c, "GET /%s/%zu HTTP/1.1\r\nHost: x\r\n\r\n", kind, n);
    take_letters(c, n);
}

START_TEST(three_hundred_gets_in_one_send)
{
    struct server s;
    struct client c;
    char text[64], *all = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&all, &n);

    start(&s, 0, 0);
    for (int i = 0; i < 300; i++)
        fprintf(f, "GET /hello/%d HTTP/1.1\r\nHost: x\r\n\r\n", i);
    fclose(f);
    for (int round = 0; round < 3; round++) {
        c = client_open(&s);
        client_send(&c, all, n);
        for (int i = 0; i < 300; i++) {
            snprintf(text, sizeof text, "Hello, %d!\n", i);
            client_take(&c, 0, 200, text);
        }
        client_close(&c);
    }
    free(all);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(file_text_file_in_order)
{
    static const size_t sizes[] = {1, 100, 16383, 16384, 16385, 3 << 20};
    struct server s;
    struct client c;

    start(&s, 3 << 20, 3 << 20);
    c = client_open(&s);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        client_printf(&c,
                      "GET /file/%zu HTTP/1.1\r\nHost: x\r\n\r\n" GET(
                          "/hello/a") "GET /file/%zu HTTP/1.1\r\nHost: x\r\n"
                                      "\r\n" GET("/ref/70000") GET("/hello/b"),
                      sizes[i], sizes[i]);
        take_letters(&c, sizes[i]);
        client_take(&c, 0, 200, "Hello, a!\n");
        take_letters(&c, sizes[i]);
        take_letters(&c, 70000);
        client_take(&c, 0, 200, "Hello, b!\n");
    }
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* More than both sockets' buffers hold: the server has to wait for a client
 * that does not read. */
#define LARGE (12u << 20)
#define LARGE_S "12582912"

static void
a_get_during(const char *kind)
{
    struct server s;
    struct client c, other;

    start(&s, LARGE, LARGE);
    c = client_open(&s);
    client_printf(&c, "GET /%s/" LARGE_S " HTTP/1.1\r\nHost: x\r\n\r\n", kind);
    other = client_open(&s);
    for (int i = 0; i < 5; i++) {
        client_puts(&c, GET("/hello/late"));
        client_expect(&other, GET("/hello/other"), 200, "Hello, other!\n");
    }
    take_letters(&c, LARGE);
    for (int i = 0; i < 5; i++)
        client_take(&c, 0, 200, "Hello, late!\n");
    client_close(&other);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}

START_TEST(a_get_while_a_file_flows_to_a_slow_reader)
{
    a_get_during("file");
}
END_TEST

START_TEST(a_get_while_memory_flows_to_a_slow_reader)
{
    a_get_during("ref");
}
END_TEST

/* Far more requests behind a slow answer than there is room to keep. */
START_TEST(requests_behind_a_slow_answer_wait_in_the_socket)
{
    const int N = server_is_sanitized() ? 5000 : 20000;
    struct server s;
    struct client c;
    char *all = NULL;
    size_t n = 0, sent;
    FILE *f = open_memstream(&all, &n);
    pid_t pid;
    int status;

    for (int i = 0; i < N; i++)
        fputs(GET("/hello/x"), f);
    fclose(f);
    start(&s, 0, 0);
    c = client_open(&s);
    client_puts(&c, GET("/ref/" LARGE_S));
    sent = client_pour(&c, all, n, 200);
    take_letters(&c, LARGE);
    pid = fork();
    if (pid == 0) /* one sends, one reads */
        _exit(!client_try_send(&c, all + sent, n - sent));
    for (int i = 0; i < N; i++)
        client_take(&c, 0, 200, "Hello, x!\n");
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    client_close(&c);
    free(all);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* The end of input is held back with the input, and found behind it. */
START_TEST(a_half_close_behind_a_full_buffer)
{
    enum { N = 3000 };
    struct server s;
    struct client c;
    char *all = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&all, &n);

    if (transport_here()->is_h2) /* the gateway has a buffer of its own */
        return;
    for (int i = 0; i < N; i++)
        fputs(GET("/hello/x"), f);
    fclose(f);
    start(&s, LARGE, LARGE);
    for (int i = 0; i < 2; i++) {
        c = client_open(&s);
        client_puts(&c, i ? GET("/file/" LARGE_S) : GET("/ref/" LARGE_S));
        client_send(&c, all, n);
        client_shut(&c);
        take_letters(&c, LARGE);
        for (int k = 0; k < N; k++)
            client_take(&c, 0, 200, "Hello, x!\n");
        ck_assert(client_is_closed(&c));
        client_close(&c);
    }
    free(all);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_handler_runs_once_however_large_its_answer)
{
    struct server s;
    struct client c;
    char text[16];

    start(&s, 0, 0);
    c = client_open(&s);
    for (int i = 0; i < 30; i++) { /* fills the output block to its end */
        client_printf(&c,
                      GET("/mem/%d") "POST /echo HTTP/1.1\r\nHost: x\r\n"
                                     "Content-Length: 5\r\n\r\nhello",
                      i * 700);
        take_letters(&c, (size_t)i * 700);
        client_take(&c, 0, 200, "hello");
        snprintf(text, sizeof text, "%d", i + 1);
        client_expect(&c, GET("/count/mem"), 200, text);
    }
    client_printf(&c, "%s",
                  GET("/mem/500") GET("/mem/15000") GET("/mem/2000")
                      GET("/mem/40000"));
    take_letters(&c, 500);
    take_letters(&c, 15000);
    take_letters(&c, 2000);
    take_letters(&c, 40000);
    client_expect(&c, GET("/count/mem"), 200, "34");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(bodies_of_all_sizes)
{
    static const size_t sizes[] = {0,     1,     2047,  2048,    2049,
                                   15000, 16000, 16384, 32768,   33 << 10,
                                   65536, 70001, 99999, 1 << 20, 64 << 20};
    struct server s;
    struct client c;

    start(&s, 1 << 20, 1 << 20);
    c = client_open(&s);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        expect_letters(&c, "ref", sizes[i]);
        if (sizes[i] <= 65536)
            expect_letters(&c, "mem", sizes[i]);
        if (sizes[i] > 0 && sizes[i] <= 1 << 20)
            expect_letters(&c, "file", sizes[i]);
    }
    client_expect(&c, GET("/count/ref"), 200, "15");
    client_expect(&c, GET("/count/release"), 200, "15");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Status and length; then the bytes are read and dropped. */
START_TEST(a_gigabyte_of_file)
{
    static char drop[1 << 20];
    struct server s;
    struct client c;
    size_t n = 0;
    ssize_t k;

    start(&s, 0, (size_t)1 << 30);
    c = client_open(&s);
    client_puts(&c, "GET /file/1073741824 HTTP/1.1\r\nHost: x\r\n"
                    "Connection: close\r\n\r\n");
    while ((k = recv(c.fd, drop, sizeof drop, 0)) > 0)
        n += (size_t)k;
    ck_assert_uint_gt(n, 1073741824);
    ck_assert_uint_lt(n, 1073741824 + 1000);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_reader_who_leaves_is_let_go)
{
    struct server s;
    struct client c;

    if (transport_here()->is_h2) /* the gateway reads on */
        return;
    start(&s, LARGE, LARGE);
    for (int i = 0; i < 20; i++) {
        c = client_open(&s);
        client_puts(&c, i % 2 ? GET("/file/" LARGE_S) : GET("/ref/" LARGE_S));
        client_take(&c, 1, 200, NULL);
        client_close(&c);
    }
    c = client_open(&s);
    for (int i = 0; i < 200; i++) {
        struct answer a;
        int all;
        client_puts(&c, GET("/count/release"));
        a = client_answer(&c, 0);
        all = strcmp(a.body, "10") == 0;
        answer_free(&a);
        if (all)
            break;
        ck_assert_int_lt(i, 199);
        usleep(10000);
    }
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_file_shorter_than_promised_ends_the_connection)
{
    struct server s;
    struct client c;

    start(&s, 100000, 100000);
    c = client_open(&s);
    client_puts(&c, GET("/short/200000") GET("/hello/x"));
    client_read_all(&c);
    ck_assert_ptr_nonnull(strstr(c.buf, "Content-Length: 200000\r\n"));
    ck_assert_ptr_null(strstr(c.buf, "Hello"));
    ck_assert_uint_lt(c.n, 101000);
    client_close(&c);
    client_once(&s, GET("/hello/x"), 200, NULL);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_head_larger_than_the_output_block)
{
    struct server s;
    struct client c;

    start(&s, 0, 0);
    c = client_open(&s);
    for (int n = 0; n <= 60000; n += 5000) {
        struct answer a;
        client_printf(&c, GET("/heads/%d") GET("/hello/x"), n);
        a = client_answer(&c, 0);
        ck_assert_int_eq(a.status, 200);
        ck_assert_uint_ge(strlen(a.head), (size_t)n);
        ck_assert_str_eq(a.body, "behind a long head");
        answer_free(&a);
        client_take(&c, 0, 200, "Hello, x!\n");
    }
    client_puts(&c, "HEAD /heads/30000 HTTP/1.1\r\nHost: x\r\n\r\n");
    client_take(&c, 1, 200, "");
    client_expect(&c, GET("/hello/x"), 200, NULL);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(a_client_that_half_closes_gets_its_answers)
{
    struct server s;
    struct client c;

    start(&s, 1 << 20, 1 << 20);
    c = client_open(&s);
    client_puts(&c, GET("/hello/a") GET("/ref/300000") GET("/file/1048576")
                        GET("/hello/b"));
    client_shut(&c);
    client_take(&c, 0, 200, "Hello, a!\n");
    take_letters(&c, 300000);
    take_letters(&c, 1 << 20);
    client_take(&c, 0, 200, "Hello, b!\n");
    ck_assert(client_is_closed(&c));
    client_close(&c);
    c = client_open(&s);
    client_puts(&c, "GET /hello/a HTTP/1.1\r\nHo");
    client_shut(&c);
    ck_assert(client_is_closed(&c));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(pipeline, three_hundred_gets_in_one_send, file_text_file_in_order,
          a_get_while_a_file_flows_to_a_slow_reader,
          a_get_while_memory_flows_to_a_slow_reader,
          requests_behind_a_slow_answer_wait_in_the_socket,
          a_half_close_behind_a_full_buffer,
          a_handler_runs_once_however_large_its_answer, bodies_of_all_sizes,
          a_gigabyte_of_file, a_reader_who_leaves_is_let_go,
          a_file_shorter_than_promised_ends_the_connection,
          a_head_larger_than_the_output_block,
          a_client_that_half_closes_gets_its_answers)
