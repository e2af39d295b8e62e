/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_bombs.c - HTTP/2 requests that are small on the wire and large behind it,
 * windows that never open, streams that never end: bounded in memory and time,
 * and others are served meanwhile.
 * tags: epoll asan plain */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/crowd.h"
#include "t/lib/frames.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

enum { MORE_KIB = 16 << 10 };

static struct server s;
static struct crowd *crowd;
static long memory_kib;

static long
peak_kib(void)
{
    char path[64], text[4096] = "";
    const char *at;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/status", (int)server_pid(&s));
    file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    (void)!fread(text, 1, sizeof text - 1, file);
    fclose(file);
    at = strstr(text, "VmHWM:");
    ck_assert_ptr_nonnull(at);
    return atol(at + 6);
}

static void
begin(void)
{
    struct frames f;

    server_start(&s, FRAMES_SERVER
                 "header_timeout = 2s\nbody_timeout = 2s\n"
                 "write_timeout = 2s\nwait_timeout = 4s\n" FRAMES_ROUTES);
    crowd = crowd_start(s.port, 2, "GET /mem/5 HTTP/1.1\r\nHost: x\r\n\r\n",
                        "abcde", 0);
    f = frames_open(&s);
    frames_serves(&f);
    frames_close(&f);
    memory_kib = peak_kib();
}

static void
end(void)
{
    crowd_wait(crowd, 100);
    ck_assert_str_eq(crowd_end(crowd), "");
    if (!server_is_sanitized())
        ck_assert_int_le(peak_kib(), memory_kib + MORE_KIB);
    ck_assert_int_eq(server_stop(&s), 0);
}

/* ---- heads ---------------------------------------------------------------*/

/* HEADERS and CONTINUATION as large as may be. */
static void
send_block(struct frames *f, uint32_t stream, const struct bytes *block)
{
    size_t at = 0, most = f->peer[FRAMES_MAX_FRAME_SIZE], n;

    for (unsigned type = FRAMES_HEADERS; at < block->n || at == 0;
         type = FRAMES_CONTINUATION, at += n) {
        n = block->n - at < most ? block->n - at : most;
        frames_send(f, type,
                    (at == 0 ? FRAMES_END_STREAM : 0) |
                        (at + n == block->n ? FRAMES_END_HEADERS : 0),
                    stream, block->p + at, n);
    }
}

/* What is too large is answered with 431, or it is an error that says so; if
 * the connection goes on, its table of fields is as it should be. */
static void
is_too_large(struct frames *f, struct bytes *block)
{
    uint32_t stream = f->next;
    struct frames_stream *t;

    send_block(f, stream, block);
    bytes_free(block);
    while (t = frames_stream(f, stream),
           f->goaway <= 0 && t->reset < 0 && !t->is_ended)
        ck_assert_msg(frames_next(f), "the end without a word");
    if (f->goaway > 0) { /* which it does not decompress, 4.3 */
        frames_ended(f, f->goaway == FRAMES_COMPRESSION_ERROR
                            ? FRAMES_COMPRESSION_ERROR
                            : FRAMES_ENHANCE_YOUR_CALM);
        return;
    }
    if (t->reset < 0)
        frames_take(f, stream, 431, NULL);
    else
        ck_assert(t->reset == FRAMES_ENHANCE_YOUR_CALM ||
                  (t->reset == FRAMES_NO_ERROR && t->status == 431));
    frames_serves(f);
    frames_close(f);
}

START_TEST(a_large_field_that_is_named_often_is_too_large)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};
    static char value[3500];

    memset(value, 'v', sizeof value - 1);
    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    hpack_field(&block, HPACK_ADD, "x", value);
    for (int i = 0; i < 12000; i++) /* 42 MB */
        hpack_indexed(&block, 62);
    is_too_large(&f, &block);
}
END_TEST

START_TEST(an_empty_field_that_is_named_often_is_too_large)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    for (int i = 0; i < 100000; i++)
        hpack_indexed(&block, 15); /* accept-charset */
    is_too_large(&f, &block);
}
END_TEST

START_TEST(crumbs_of_cookies_do_not_come_for_ever)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    hpack_field(&block, HPACK_ADD, "cookie", "a=b");
    for (int i = 0; i < 100000; i++)
        hpack_indexed(&block, 62);
    is_too_large(&f, &block);
}
END_TEST

START_TEST(nor_do_empty_ones)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    for (int i = 0; i < 100000; i++)
        hpack_indexed(&block, 32); /* cookie */
    is_too_large(&f, &block);
}
END_TEST

START_TEST(a_field_is_not_as_large_as_it_likes)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};
    static char value[100000];

    memset(value, 'v', sizeof value - 1);
    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    hpack_field(&block, HPACK_PLAIN, "x", value);
    is_too_large(&f, &block);
}
END_TEST

START_TEST(a_table_is_not_filled_again_and_again_for_nothing)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};
    static char value[4000];

    memset(value, 'v', sizeof value - 1);
    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    for (int i = 0; i < 30; i++)
        hpack_field(&block, HPACK_ADD, "x", value);
    is_too_large(&f, &block);
}
END_TEST

/* Whoever reads the body, or nobody. */
START_TEST(trailers_are_not_either)
{
    static const char *const paths[] = {"/echo", "/task/body",
                                        "/task/some?n=0"};
    static char value[3500];

    memset(value, 'v', sizeof value - 1);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct frames f = frames_open(&s);
        struct bytes block = {0};
        frames_post(&f, 1, paths[i], "");
        frames_data(&f, 1, 0, "hello", 5);
        hpack_field(&block, HPACK_ADD, "x", value);
        for (int k = 0; k < 12000; k++)
            hpack_indexed(&block, 62);
        send_block(&f, 1, &block);
        bytes_free(&block);
        frames_ended(&f, FRAMES_ENHANCE_YOUR_CALM);
    }
}
END_TEST

/* Of many streams: the same, one behind the other, on one connection. */
START_TEST(bombs_on_many_streams_are_not_kept)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};
    static char value[3500];

    memset(value, 'v', sizeof value - 1);
    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    hpack_field(&block, HPACK_ADD, "x", value);
    frames_block(&f, 1, FRAMES_END_STREAM, &block);
    block.n = 0;
    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    for (int i = 0; i < 12000; i++)
        hpack_indexed(&block, 62);
    for (int i = 0; i < 50 && f.goaway <= 0 && frames_poll(&f); i++)
        send_block(&f, f.next, &block);
    while (f.goaway <= 0 && !frames_stream(&f, f.next - 2)->is_ended &&
           frames_stream(&f, f.next - 2)->reset < 0)
        ck_assert(frames_next(&f));
    ck_assert(f.goaway < 0 || f.goaway == FRAMES_ENHANCE_YOUR_CALM);
    bytes_free(&block);
    frames_close(&f);
}
END_TEST

/* ---- windows -------------------------------------------------------------*/

static const uint32_t closed[][2] = {{FRAMES_INITIAL_WINDOW_SIZE, 0}};

/* The server gives the streams of f up, or f: so much time is its
 * write_timeout. */
static void
are_given_up(struct frames *f)
{
    int n = 0;

    while (f->goaway <= 0 && n < (int)f->next / 2) {
        if (!frames_next(f))
            break;
        n = 0;
        for (uint32_t stream = 1; stream < f->next; stream += 2)
            n += frames_stream(f, stream)->reset >= 0;
    }
    frames_close(f);
}

START_TEST(windows_that_never_open_are_given_up)
{
    struct frames f = frames_open_with(&s, 1, closed);

    for (int i = 0; i < 100; i++)
        frames_get(&f, f.next, "/mem/10000");
    are_given_up(&f);
    ck_assert_int_ge(tally_figure(&s, "timeouts_total"), 1);
}
END_TEST

START_TEST(the_window_of_the_connection_has_to_open_too)
{
    static const uint32_t wide[][2] = {{FRAMES_INITIAL_WINDOW_SIZE, 1 << 20}};
    struct frames f = frames_open_with(&s, 1, wide);

    f.is_mean = 1;
    for (int i = 0; i < 100; i++)
        frames_get(&f, f.next, "/mem/100000");
    are_given_up(&f);
}
END_TEST

/* PING is no progress. */
START_TEST(a_client_that_only_pings_is_given_up)
{
    struct frames f = frames_open_with(&s, 1, closed);
    int is_over = 0;

    frames_get(&f, 1, "/mem/10000");
    for (int i = 0; i < 200 && !is_over; i++) {
        frames_ping(&f, "12345678");
        poll(NULL, 0, 50);
        is_over = !frames_poll(&f) || frames_stream(&f, 1)->reset >= 0;
    }
    ck_assert(is_over);
    frames_close(&f);
}
END_TEST

/* A byte at a time is slow and no more, or too much to ask for. */
START_TEST(tiny_windows_are_served_or_not)
{
    enum { N = 20, BYTES = 400 };
    struct frames f = frames_open_with(&s, 1, closed);

    for (int i = 0; i < N; i++)
        frames_get(&f, f.next, "/mem/400");
    for (int i = 0; i < BYTES && f.goaway < 0; i++) {
        f.is_held = 1;
        for (uint32_t k = 0; k < N; k++)
            frames_window(&f, 2 * k + 1, 1);
        if (!frames_flush(&f, 5000) || !frames_poll(&f))
            break;
    }
    for (uint32_t k = 0; k < N && f.goaway < 0; k++)
        while (!frames_stream(&f, 2 * k + 1)->is_ended && frames_next(&f))
            continue;
    if (f.goaway > 0) {
        frames_ended(&f, FRAMES_ENHANCE_YOUR_CALM);
        return;
    }
    for (uint32_t k = 0; k < N; k++)
        ck_assert_uint_eq(frames_stream(&f, 2 * k + 1)->body.n, BYTES);
    frames_close(&f);
}
END_TEST

/* Each moves the windows of all streams there are. */
static void
any_window(struct frames *f)
{
    f->give = f->window = INT32_MAX; /* of those that come, too */
    for (size_t k = 0; k < f->n_streams; k++)
        f->streams[k].give = INT32_MAX;
}

START_TEST(windows_do_not_swing_for_ever)
{
    struct frames f = frames_open_with(&s, 1, closed);

    for (int i = 0; i < 100; i++)
        frames_get(&f, f.next, "/mem/10000");
    for (int i = 0; i < 1000 && f.goaway < 0; i++) {
        f.is_held = 1;
        for (int k = 0; k < 100; k++)
            frames_setting(&f, FRAMES_INITIAL_WINDOW_SIZE, k % 2 ? 0 : 1);
        f.n_changes = 0; /* a byte more or less is not looked at */
        any_window(&f);
        if (!frames_flush(&f, 5000))
            break;
        any_window(&f);
        if (!frames_poll(&f))
            break;
    }
    frames_ended(&f, FRAMES_ENHANCE_YOUR_CALM);
}
END_TEST

/* ---- streams that do not end ---------------------------------------------*/

START_TEST(bodies_that_do_not_come_are_given_up)
{
    struct frames f = frames_open(&s);
    uint32_t n = f.peer[FRAMES_MAX_CONCURRENT_STREAMS];

    for (uint32_t i = 0; i < n; i++) {
        frames_post(&f, f.next, "/echo", "");
        frames_data(&f, f.next - 2, 0, "some", 4);
    }
    for (uint32_t stream = 1; stream < f.next && f.goaway < 0; stream += 2)
        while (!frames_stream(&f, stream)->is_ended &&
               frames_stream(&f, stream)->reset < 0 && frames_next(&f))
            continue;
    frames_close(&f);
    ck_assert_int_ge(tally_figure(&s, "timeouts_total"), 1);
}
END_TEST

/* As much of each as windows let in. */
START_TEST(bodies_that_wait_are_bounded)
{
    enum { CONNECTIONS = 4 };
    static const char zeros[16384];
    struct frames f[CONNECTIONS];

    for (int i = 0; i < CONNECTIONS; i++) {
        f[i] = frames_open(&s);
        for (int k = 0; k < 100; k++)
            frames_post(&f[i], f[i].next, "/task/body?ms=3000&n=1", "");
        for (uint32_t stream = 1; stream < f[i].next; stream += 2)
            for (int64_t n; (n = frames_stream(&f[i], stream)->send) > 0 &&
                            f[i].send > 0;) {
                n = n < f[i].send ? n : f[i].send;
                n = n < (int64_t)sizeof zeros ? n : (int64_t)sizeof zeros;
                frames_data(&f[i], stream, 0, zeros, (size_t)n);
            }
        frames_sync(&f[i]);
    }
    for (int i = 0; i < CONNECTIONS; i++)
        frames_close(&f[i]);
}
END_TEST

START_TEST(a_preface_that_does_not_come_is_not_waited_for)
{
    struct client c = client_open(&s);

    client_send(&c, FRAMES_PREFACE, 20);
    while (client_more(&c))
        continue;
    client_close(&c);
}
END_TEST

START_TEST(settings_that_do_not_come_are_not_waited_for)
{
    struct frames f = frames_connect(&s);

    frames_raw(&f, FRAMES_PREFACE, 24);
    while (frames_next(&f))
        continue;
    frames_close(&f);
}
END_TEST

START_TEST(the_rest_of_a_block_is_not_waited_for)
{
    struct frames f = frames_open(&s);

    frames_send(&f, FRAMES_HEADERS, FRAMES_END_STREAM, 1, "\x82", 1);
    while (frames_next(&f))
        continue;
    frames_close(&f);
}
END_TEST

START_TEST(the_rest_of_a_frame_is_not_waited_for)
{
    struct frames f = frames_open(&s);

    frames_send_as(&f, 100, FRAMES_HEADERS, FRAMES_END_HEADERS, 1, "\x82", 1);
    while (frames_next(&f))
        continue;
    frames_close(&f);
}
END_TEST

UNIT_MAIN_IN(begin, end, h2_bombs,
             a_large_field_that_is_named_often_is_too_large,
             an_empty_field_that_is_named_often_is_too_large,
             crumbs_of_cookies_do_not_come_for_ever, nor_do_empty_ones,
             a_field_is_not_as_large_as_it_likes,
             a_table_is_not_filled_again_and_again_for_nothing,
             trailers_are_not_either, bombs_on_many_streams_are_not_kept,
             windows_that_never_open_are_given_up,
             the_window_of_the_connection_has_to_open_too,
             a_client_that_only_pings_is_given_up,
             tiny_windows_are_served_or_not, windows_do_not_swing_for_ever,
             bodies_that_do_not_come_are_given_up, bodies_that_wait_are_bounded,
             a_preface_that_does_not_come_is_not_waited_for,
             settings_that_do_not_come_are_not_waited_for,
             the_rest_of_a_block_is_not_waited_for,
             the_rest_of_a_frame_is_not_waited_for)
