/* SPDX-License-Identifier: BSD-2-Clause */
/* midway.c - uploads that are half sent and downloads that are half read while
 * their plugin is replaced again and again: each ends on the build it began on,
 * and the same connection goes on with the newest.
 * tags: epoll asan tsan */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "t/lib/client.h"
#include "t/lib/module.h"
#include "t/lib/server.h"

#define UNIT_SECONDS 60
#include "t/lib/unit.h"

#define BUILDS 5
#define HALF 300000u /* of an upload: more than is kept in memory */
#define LARGE (8u << 20)
#define GET(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static const char ini[] =
    "[server]\nlisten = 127.0.0.1:0\nworkers = 2\nlog_level = debug\n"
    "metrics = /metrics\n[plugin stamp]\n";

static struct server s;
static char half[HALF];

/* What began on one build: a body with its length, one in chunks, a download
 * through small buffers. */
struct begun {
    struct client sized, chunked, download;
};

static struct begun
begin(void)
{
    struct begun b = {client_open(&s), client_open(&s), client_open(&s)};
    int small = 65536;

    client_printf(&b.sized,
                  "POST /stamp HTTP/1.1\r\nHost: x\r\n"
                  "Content-Length: %u\r\n\r\n",
                  2 * HALF);
    client_send(&b.sized, half, HALF);
    client_printf(&b.chunked,
                  "POST /stamp HTTP/1.1\r\nHost: x\r\n"
                  "Transfer-Encoding: chunked\r\n\r\n%x\r\n",
                  2 * HALF);
    client_send(&b.chunked, half, HALF);
    ck_assert_int_eq(
        setsockopt(b.download.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small),
        0);
    client_puts(&b.download, GET("/stamp/large"));
    client_gather(&b.download, 100000);
    return b;
}

static void
expect_build(struct client *c, int build)
{
    struct answer a;
    int worker, by;

    client_puts(c, GET("/stamp"));
    a = client_answer(c, 0);
    ck_assert_int_eq(a.status, 200);
    ck_assert_int_eq(sscanf(a.body, "%d %d", &worker, &by), 2);
    ck_assert_int_eq(by, build);
    answer_free(&a);
}

/* Every byte of it is of that build. */
static void
expect_download(struct client *c, int build)
{
    struct answer a = client_answer(c, 0);
    char digits[16];

    snprintf(digits, sizeof digits, "%08d\n", build);
    ck_assert_int_eq(a.status, 200);
    ck_assert_ptr_null(answer_field(&a, "connection", 0));
    ck_assert_uint_eq(a.n, LARGE);
    ck_assert_mem_eq(a.body, digits, 9);
    ck_assert_mem_eq(a.body, a.body + 9, LARGE - 9);
    answer_free(&a);
}

static void
finish(struct begun *b, int build)
{
    char said[32];

    snprintf(said, sizeof said, "%08d %u", build, 2 * HALF);
    client_send(&b->sized, half, HALF);
    client_take(&b->sized, 0, 200, said);
    client_send(&b->chunked, half, HALF);
    client_puts(&b->chunked, "\r\n0\r\n\r\n");
    client_take(&b->chunked, 0, 200, said);
    expect_download(&b->download, build);
    expect_build(&b->sized, BUILDS);
    expect_build(&b->chunked, BUILDS);
    expect_build(&b->download, BUILDS);
    client_close(&b->sized);
    client_close(&b->chunked);
    client_close(&b->download);
}

START_TEST(what_is_half_done_ends_on_the_build_it_began_on)
{
    struct begun begun[BUILDS];
    struct client c;

    server_start(&s, ini);
    c = client_open(&s);
    for (int i = 0; i < BUILDS; i++) {
        begun[i] = begin();
        client_wait_active(&s, 3 * (i + 1));
        module_stamp(&s, "stamp", i + 1);
        ck_assert_int_eq(server_reload(&s), 1);
        expect_build(&c, i + 1);
    }
    ck_assert(!server_has_log(&s, "is gone")); /* all of them are alive */
    for (int i = 0; i < BUILDS; i++)
        finish(&begun[i], i);
    expect_build(&c, BUILDS);
    client_close(&c);
    /* And then nothing of them is left. */
    for (int i = 0; i < BUILDS; i++)
        server_wait_log(&s, "is gone");
    server_signal(&s, SIGHUP);
    ck_assert_ptr_nonnull(
        strstr(server_wait_log(&s, "reload: generation "),
               "; 1 generations alive, 0 retired images mapped"));
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

UNIT_MAIN(midway, what_is_half_done_ends_on_the_build_it_began_on)
