/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_limits.c - limits and deadlines hold for streams of HTTP/2 as they do for
 * requests of HTTP/1.
 * tags: epoll asan plain */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/frames.h"
#include "t/lib/server.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static struct server s;
static struct frames f;

static void
begin(const char *settings)
{
    char ini[2048];

    snprintf(ini, sizeof ini, FRAMES_SERVER "%s\n" FRAMES_ROUTES, settings);
    server_start(&s, ini);
    f = frames_open(&s);
}

static void
end(void)
{
    frames_close(&f);
    ck_assert_int_eq(server_stop(&s), 0);
}

static void
take_status(uint32_t stream, int status)
{
    struct answer a = frames_answer(&f, stream);

    ck_assert_int_eq(a.status, status);
    answer_free(&a);
}

/* What a metric says, asked for on that stream. */
static long
metric(uint32_t stream, const char *name)
{
    char line[64], *at;
    struct answer a;
    long n = -1;

    frames_get(&f, stream, "/metrics");
    a = frames_answer(&f, stream);
    snprintf(line, sizeof line, "\netude_%s ", name);
    at = strstr(a.body, line);
    if (at)
        n = atol(strchr(at + 1, ' '));
    answer_free(&a);
    return n;
}

START_TEST(heads_that_are_too_large)
{
    static char text[20000];
    int n;

    begin("max_header = 4k\nmax_headers = 20\nmax_request_line = 1k");
    n = snprintf(text, sizeof text, FRAMES_GET("/mem/1") "x: %03000d\n", 7);
    ck_assert_int_gt(n, 3000);
    frames_head(&f, 1, FRAMES_END_STREAM, text);
    take_status(1, 200);
    snprintf(text, sizeof text, FRAMES_GET("/mem/1") "x: %05000d\n", 7);
    frames_head(&f, 3, FRAMES_END_STREAM, text);
    take_status(3, 431);
    n = snprintf(text, sizeof text, FRAMES_GET("/mem/1"));
    for (int i = 0; i < 25; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "x-%d: y\n", i);
    frames_head(&f, 5, FRAMES_END_STREAM, text);
    take_status(5, 431);
    snprintf(text, sizeof text,
             ":method: GET\n:scheme: http\n:path: /%02000d\n:authority: x\n",
             7);
    frames_head(&f, 7, FRAMES_END_STREAM, text);
    take_status(7, 414);
    frames_serves(&f);
    end();
}
END_TEST

/* A request with a body of "abc" and trailers of n bytes; what answers it. */
static struct answer
answer_to_trailers(uint32_t stream, const char *path, int n)
{
    char text[6000];

    frames_post(&f, stream, path, "");
    frames_data(&f, stream, 0, "abc", 3);
    snprintf(text, sizeof text, "x: %0*d\n", n, 7);
    frames_head(&f, stream, FRAMES_END_STREAM, text);
    return frames_answer(&f, stream);
}

/* Whoever reads the body, or nobody; and what is in front of them is good. */
START_TEST(trailers_that_are_too_large)
{
    static const struct {
        const char *path;
        int n, status;
        const char *body;
    } all[] = {
        {"/echo", 3000, 200, "abc"},
        {"/echo", 5000, 431, NULL},
        {"/task/body", 3000, 200, "3 294 0"},
        {"/task/body", 5000, 200, "3 294 -4"}, /* ET_EINVAL */
        {"/task/some?n=2", 3000, 200, "2"},
        {"/task/some?n=2", 5000, 200, "2"},
        {"/task/some?n=0", 5000, 200, "0"},
    };

    begin("max_header = 4k");
    for (uint32_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct answer a = answer_to_trailers(1 + 2 * i, all[i].path, all[i].n);
        ck_assert_int_eq(a.status, all[i].status);
        if (all[i].body)
            ck_assert_str_eq(a.body, all[i].body);
        answer_free(&a);
    }
    frames_serves(&f);
    end();
}
END_TEST

START_TEST(bodies_that_are_too_large)
{
    static char large[3000];

    begin("max_body = 2000");
    frames_post(&f, 1, "/echo", "content-length: 3000\n");
    take_status(1, 413);
    frames_post(&f, 3, "/echo", "");
    frames_data(&f, 3, 0, large, sizeof large);
    take_status(3, 413);
    frames_take_reset(&f, 3, FRAMES_NO_ERROR);
    frames_serves(&f);
    end();
}
END_TEST

START_TEST(a_body_that_does_not_come)
{
    begin("body_timeout = 300ms");
    frames_post(&f, 1, "/echo", "content-length: 3000\n");
    frames_data(&f, 1, 0, "abc", 3);
    take_status(1, 408);
    frames_serves(&f);
    end();
}
END_TEST

START_TEST(a_head_that_does_not_end)
{
    struct bytes block = {0};

    begin("header_timeout = 300ms");
    frames_serves(&f);
    hpack_fields(&block, 0, FRAMES_GET("/mem/1"));
    frames_send(&f, FRAMES_HEADERS, FRAMES_END_STREAM, 9, block.p, block.n - 1);
    bytes_free(&block);
    frames_over(&f);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

START_TEST(an_idle_connection)
{
    begin("keepalive_timeout = 300ms");
    frames_serves(&f);
    frames_over(&f);
    ck_assert_int_eq(server_stop(&s), 0);
}
END_TEST

/* Neither is one with a stream that waits. */
START_TEST(no_connection_before_its_answer)
{
    begin("keepalive_timeout = 300ms");
    frames_get(&f, 1, "/task/sleep/1000");
    take_status(1, 200);
    end();
}
END_TEST

START_TEST(a_window_that_stays_shut)
{
    begin("write_timeout = 300ms");
    f.is_mean = 1;
    frames_setting(&f, FRAMES_INITIAL_WINDOW_SIZE, 10);
    frames_settle(&f);
    frames_get(&f, 1, "/mem/1000");
    frames_take_data(&f, 1, 10);
    frames_take_reset(&f, 1, FRAMES_CANCEL);
    frames_get(&f, 3, "/writer/pieces?n=1&size=1000");
    frames_take_data(&f, 3, 10);
    frames_take_reset(&f, 3, FRAMES_CANCEL);
    f.is_mean = 0;
    frames_setting(&f, FRAMES_INITIAL_WINDOW_SIZE, 65535);
    frames_settle(&f);
    ck_assert_int_eq(metric(5, "timeouts_total"), 2);
    ck_assert_int_eq(metric(7, "tasks_active"), 0);
    end();
}
END_TEST

/* A window that opens by a byte, again and again: as often as the client likes,
 * but not for longer than write_timeout. */
static void
drip(uint32_t stream, uint32_t of, const char *path)
{
    frames_get(&f, stream, path);
    while (frames_stream(&f, stream)->reset == FRAMES_NO_CODE) {
        ck_assert_uint_lt(frames_stream(&f, stream)->body.n, 1000);
        frames_window(&f, of, 1);
        usleep(20000);
        frames_sync(&f);
    }
    ck_assert_int_eq(frames_stream(&f, stream)->reset, FRAMES_CANCEL);
    ck_assert_uint_gt(frames_stream(&f, stream)->body.n, 10);
}

START_TEST(a_window_that_drips)
{
    begin("write_timeout = 1s");
    f.is_mean = 1;
    frames_setting(&f, FRAMES_INITIAL_WINDOW_SIZE, 10);
    frames_settle(&f);
    drip(1, 1, "/mem/100000");
    drip(3, 3, "/writer/pieces?n=1&size=100000");
    frames_setting(&f, FRAMES_INITIAL_WINDOW_SIZE, 100000);
    frames_settle(&f);
    f.is_mean = 0;
    ck_assert_int_eq(metric(5, "timeouts_total"), 2);
    end();
}
END_TEST

/* The same of the connection's, which is as large at first. */
START_TEST(a_window_of_the_connection_that_drips)
{
    begin("write_timeout = 1s");
    f.is_mean = 1;
    frames_setting(&f, FRAMES_INITIAL_WINDOW_SIZE, 1000000);
    frames_settle(&f);
    frames_get(&f, 1, "/mem/65525");
    frames_take_data(&f, 1, 65525);
    drip(3, 0, "/mem/100000");
    end();
}
END_TEST

START_TEST(a_window_that_opens_slowly)
{
    struct answer a;

    begin("write_timeout = 500ms");
    f.is_mean = 1;
    frames_setting(&f, FRAMES_INITIAL_WINDOW_SIZE, 10);
    frames_settle(&f);
    frames_get(&f, 1, "/mem/200000");
    for (size_t n = 10; n < 200000; n += 4000) {
        frames_take_data(&f, 1, n);
        usleep(20000);
        frames_window(&f, 0, 4000);
        frames_window(&f, 1, 4000);
    }
    a = frames_answer(&f, 1);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, 200000);
    answer_free(&a);
    end();
}
END_TEST

START_TEST(too_many_requests)
{
    begin("shed_requests = 4");
    for (uint32_t i = 0; i < 20; i++)
        frames_get(&f, 1 + 2 * i, "/task/sleep/500");
    frames_sync(&f);
    frames_get(&f, 41, "/mem/1");
    take_status(41, 503);
    for (uint32_t i = 0; i < 4; i++)
        take_status(1 + 2 * i, 200);
    end();
}
END_TEST

/* Behind a proxy each stream is its client's. */
START_TEST(too_many_requests_of_one_client)
{
    static const char ask[] = FRAMES_GET("/task/sleep/500") "x-forwarded-for: ";
    char text[256];

    begin("trusted_proxies = 127.0.0.0/8\nmax_connections_per_ip = 2");
    for (uint32_t i = 0; i < 4; i++) {
        snprintf(text, sizeof text, "%s192.0.2.%u\n", ask, i == 3 ? 8u : 7u);
        frames_head(&f, 1 + 2 * i, FRAMES_END_STREAM, text);
    }
    take_status(5, 503);
    take_status(1, 200);
    take_status(3, 200);
    take_status(7, 200);
    snprintf(text, sizeof text, "%s192.0.2.7\n", ask);
    frames_head(&f, 9, FRAMES_END_STREAM, text);
    take_status(9, 200);
    end();
}
END_TEST

/* Of pid no thread goes on from now on. */
static void
halt(pid_t pid)
{
    char path[64], state = 'R';

    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    ck_assert_int_eq(kill(pid, SIGSTOP), 0);
    while (state != 'T') {
        FILE *stat = fopen(path, "re");
        ck_assert_ptr_nonnull(stat);
        ck_assert_int_eq(fscanf(stat, "%*d (%*[^)]) %c", &state), 1);
        fclose(stat);
        usleep(1000);
    }
}

/* Who has begun with HTTP/2 when it is turned away is told in it: nothing was
 * looked at. */
START_TEST(too_many_connections)
{
    static const char goaway[] = "\0\0\0\x04\0\0\0\0\0"
                                 "\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0";
    struct client late;

    begin("max_connections = 1\noverload = shed");
    frames_get(&f, 1, "/none");
    take_status(1, 200);
    late = client_dial(s.port);
    client_take(&late, 0, 503, NULL);
    client_close(&late);
    halt(server_pid(&s)); /* until it has begun */
    late = client_dial(s.port);
    client_puts(&late, FRAMES_PREFACE);
    kill(server_pid(&s), SIGCONT);
    ck_assert_uint_eq(client_read_all(&late), sizeof goaway - 1);
    ck_assert_mem_eq(late.buf, goaway, sizeof goaway - 1);
    client_close(&late);
    frames_get(&f, 3, "/none");
    take_status(3, 200);
    end();
}
END_TEST

/* A few are begun when those before them have been answered: 100 requests, of
 * which no more than 20 may be open, need no more streams than that. */
START_TEST(what_comes_in_one_read_is_not_begun_all_at_once)
{
    enum { N = 100 };
    struct bytes block = {0}, again = {0};

    begin("h2_streams = 20");
    hpack_fields(&block, HPACK_ADD, FRAMES_GET("/mem/5"));
    for (uint64_t index = 65; index >= 62; index--)
        hpack_indexed(&again, index);
    frames_block(&f, 1, FRAMES_END_STREAM, &block);
    frames_take(&f, 1, 200, "abcde");
    f.is_held = 1;
    for (uint32_t i = 1; i <= N; i++)
        frames_block(&f, 2 * i + 1, FRAMES_END_STREAM, &again);
    ck_assert(frames_flush(&f, 1000));
    for (uint32_t i = 1; i <= N; i++)
        frames_take(&f, 2 * i + 1, 200, "abcde");
    end();
    bytes_free(&block);
    bytes_free(&again);
}
END_TEST

UNIT_MAIN(h2_limits, heads_that_are_too_large, trailers_that_are_too_large,
          bodies_that_are_too_large, a_body_that_does_not_come,
          a_head_that_does_not_end, an_idle_connection,
          no_connection_before_its_answer, a_window_that_stays_shut,
          a_window_that_drips, a_window_of_the_connection_that_drips,
          a_window_that_opens_slowly, too_many_requests,
          too_many_requests_of_one_client, too_many_connections,
          what_comes_in_one_read_is_not_begun_all_at_once)
