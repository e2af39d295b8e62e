/* SPDX-License-Identifier: BSD-2-Clause */
/* task_body.c - request bodies that a task reads piece by piece.
 * tags: epoll asan tsan */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/client.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#include "t/lib/transport.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"
#define SERVER(more)                                                           \
    "[server]\nlisten = 127.0.0.1:0\nworkers = 1\n" more "\n[plugin task]\n"
#define POST(path, fields) "POST " path " HTTP/1.1\r\nHost: x\r\n" fields "\r\n"

static struct server s;

static void
take(struct client *c, int status, const char *body)
{
    client_take(c, 0, status, body);
}

START_TEST(it_is_read_as_it_comes)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = client_open(&s);
    client_puts(&c, POST("/task/body", "Content-Length: 5\r\n") "abcde");
    take(&c, 200, "5 495 0");
    client_puts(&c, POST("/task/body", "Content-Length: 0\r\n"));
    take(&c, 200, "0 0 0");
    client_puts(&c, POST("/task/body?n=2", "Content-Length: 5\r\n") "ab");
    ck_assert(client_is_quiet(&c, 30));
    client_drip(&c, "cde", 3);
    take(&c, 200, "5 495 0");
    client_puts(&c, POST("/task/body", "Transfer-Encoding: chunked\r\n"));
    client_drip(&c, "3;x=y\r\nabc\r\n1\r\nd\r\n0\r\nA: b\r\n\r\n", 29);
    take(&c, 200, "4 394 0");
    client_puts(
        &c, POST("/task/body?n=1",
                 "Transfer-Encoding: chunked\r\n") "5\r\nabcde\r\n0\r\n\r"
                                                   "\n" GET("/task/steps/2"));
    take(&c, 200, "5 495 0");
    take(&c, 200, "2");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(who_asks_is_told_to_go_on_when_it_is_read)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = client_open(&s);
    client_puts(&c, POST("/task/body", "Content-Length: 2\r\n"
                                       "Expect: 100-continue\r\n"));
    take(&c, 100, NULL);
    client_puts(&c, "ab");
    take(&c, 200, "2 195 0");
    client_puts(&c, POST("/task/some?n=0", "Content-Length: 2\r\n"
                                           "Expect: 100-continue\r\n"));
    take(&c, 200, "0"); /* it is not read */
    ck_assert(client_is_closed(&c));
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_is_not_read_is_dropped)
{
    struct client c;

    server_start(&s, SERVER(""));
    c = client_open(&s);
    client_puts(&c, POST("/task/some?n=2", "Content-Length: 5\r\n") "abcde");
    take(&c, 200, "2");
    client_puts(&c, POST("/task/some?n=2", "Content-Length: 5\r\n") "abc");
    take(&c, 200, "2");
    client_puts(&c, "de" GET("/task/steps/1"));
    take(&c, 200, "1");
    client_puts(
        &c,
        POST("/task/some?n=1",
             "Transfer-Encoding: chunked\r\n") "3\r\nabc\r\n2\r\nde\r\n0\r\n\r"
                                               "\n" GET("/task/steps/3"));
    take(&c, 200, "1");
    take(&c, 200, "3");
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(what_is_wrong_with_it_is_told)
{
    struct client c;

    if (transport_here()->is_h2) /* chunks */
        return;
    server_start(&s, SERVER("max_body = 10\nbody_timeout = 100ms"));
    client_once(&s, POST("/task/body", "Content-Length: 11\r\n"), 413, NULL);
    client_once(&s,
                POST("/task/body",
                     "Transfer-Encoding: chunked\r\n") "6\r\nabcdef\r\n6\r\n",
                413, NULL);
    client_once(&s,
                POST("/task/body", "Transfer-Encoding: chunked\r\n") "1\r\naX",
                200, "1 97 -4"); /* ET_EINVAL */
    c = client_open(&s);
    client_puts(&c, POST("/task/body", "Content-Length: 5\r\n") "ab");
    take(&c, 200, "2 195 -8"); /* ET_ETIME */
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
    server_start(&s, SERVER("max_body = 10"));
    c = client_open(&s);
    client_puts(&c, POST("/task/body", "Content-Length: 5\r\n") "ab");
    tally_wait(&s, GET("/task/count"), "waiting", 1);
    client_close(&c); /* ET_ECANCEL */
    tally_wait(&s, GET("/task/count"), "cancelled", 1);
    tally_wait(&s, GET("/task/count"), "waiting", 0);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Of the process that serves. */
static long
pss_kib(void)
{
    char path[64], line[128];
    long kib = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)server_pid(&s));
    f = fopen(path, "re");
    ck_assert_ptr_nonnull(f);
    while (fgets(line, sizeof line, f) && sscanf(line, "Pss: %ld", &kib) != 1)
        ;
    fclose(f);
    return kib;
}

/* A reader that is slow keeps the client waiting, and not the bytes. */
START_TEST(a_slow_reader_holds_the_client_back)
{
    enum { MIB = 64 };
    char *block = calloc(1, 1 << 20), head[160];
    struct client c;
    size_t took;
    long before;

    server_start(&s, SERVER("max_body = 1g\ndrain_timeout = 200ms"));
    c = client_open(&s);
    snprintf(head, sizeof head,
             "POST /task/body?ms=300 HTTP/1.1\r\nHost: x\r\n"
             "Content-Length: %d\r\n\r\n",
             MIB << 20);
    client_puts(&c, head);
    before = pss_kib();
    took = 0;
    for (int i = 0; i < MIB; i++) {
        size_t n = client_pour(&c, block, 1 << 20, 200);
        took += n;
        if (n < 1 << 20)
            break;
    }
    ck_assert_uint_lt(took, (size_t)MIB << 20); /* the kernel's buffers */
    if (!server_is_sanitized())
        ck_assert_int_lt(pss_kib(), before + 1024);
    client_close(&c);
    ck_assert_int_eq(server_stop(&s), 0);
    free(block);
}
END_TEST

START_TEST(a_large_one_comes_whole)
{
    enum { MIB = 64 };
    char *block = calloc(1, 1 << 20), head[160];
    struct client c;

    server_start(&s, SERVER("max_body = 1g"));
    c = client_open(&s);
    snprintf(
        head, sizeof head,
        "POST /task/body HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n",
        MIB << 20);
    client_puts(&c, head);
    for (int i = 0; i < MIB; i++)
        client_send(&c, block, 1 << 20);
    take(&c, 200, "67108864 0 0");
    client_close(&c);
    free(block);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(task_body, it_is_read_as_it_comes,
          who_asks_is_told_to_go_on_when_it_is_read,
          what_is_not_read_is_dropped, what_is_wrong_with_it_is_told,
          a_slow_reader_holds_the_client_back, a_large_one_comes_whole)
