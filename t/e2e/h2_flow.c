/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_flow.c - HTTP/2, windows: what the server may send, what it takes, and
 * windows that are out of range (RFC 9113, 5.2 and 6.9).
 * tags: epoll asan tls */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "t/lib/frames.h"
#include "t/lib/server.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static struct server s;

static void
begin(void)
{
    server_start(&s, FRAMES_SERVER "write_timeout = 10m\n" FRAMES_ROUTES);
}

static void
end(void)
{
    struct frames f = frames_open(&s);

    frames_serves(&f);
    frames_close(&f);
    ck_assert_int_eq(server_stop(&s), 0);
}

/* A connection whose streams begin with that window, and nothing gives more by
 * itself. */
static struct frames
open_mean(uint32_t window)
{
    const uint32_t settings[][2] = {{FRAMES_INITIAL_WINDOW_SIZE, window}};
    struct frames f = frames_open_with(&s, 1, settings);

    f.is_mean = 1;
    return f;
}

/* The body on that stream has n bytes, and no more come. */
static void
has(struct frames *f, uint32_t stream, size_t n)
{
    frames_take_data(f, stream, n);
    frames_sync(f);
    ck_assert_uint_eq(frames_stream(f, stream)->body.n, n);
}

/* The answer of /mem/n on that stream is whole. */
static void
is_whole(struct frames *f, uint32_t stream, size_t n)
{
    struct answer a = frames_answer(f, stream);

    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, n);
    for (size_t i = 0; i < n; i++)
        UNIT_HOLDS(a.body[i] == (char)('a' + i % 23));
    answer_free(&a);
}

/* ---- what the server sends -----------------------------------------------*/

START_TEST(an_answer_fills_the_window_and_waits)
{
    struct frames f = open_mean(1000);

    frames_get(&f, 1, "/mem/10000");
    has(&f, 1, 1000);
    frames_window(&f, 1, 1);
    has(&f, 1, 1001);
    frames_window(&f, 1, 500);
    frames_window(&f, 1, 499);
    has(&f, 1, 2000);
    frames_window(&f, 1, 8000);
    is_whole(&f, 1, 10000);
    frames_close(&f);
}
END_TEST

/* Its head does not count. */
START_TEST(an_answer_without_a_body_needs_no_window)
{
    struct frames f = open_mean(0);

    frames_get(&f, 1, "/none");
    frames_take(&f, 1, 200, "");
    frames_get(&f, 3, "/mem/5");
    has(&f, 3, 0);
    frames_get(&f, 5, "/none");
    frames_take(&f, 5, 200, "");
    frames_close(&f);
}
END_TEST

/* Nor does the end of one that is written, when all of it has gone. */
START_TEST(the_end_of_an_answer_needs_no_window)
{
    struct frames f = open_mean(0);

    frames_head(&f, 1, FRAMES_END_STREAM,
                ":method: HEAD\n:scheme: http\n:authority: x\n"
                ":path: /writer/pieces?n=1&size=10\n");
    frames_take(&f, 1, 200, "");
    frames_get(&f, 3, "/writer/pieces?n=0&size=10");
    frames_take(&f, 3, 200, "");
    frames_get(&f, 5, "/writer/status?s=204");
    frames_take(&f, 5, 204, "");
    frames_get(&f, 7, "/writer/pieces?n=3&size=2&ms=20");
    frames_window(&f, 7, 6);
    frames_take(&f, 7, 200, "abcdef");
    frames_close(&f);
}
END_TEST

START_TEST(nor_do_trailers)
{
    struct frames f = open_mean(0);
    struct answer a;

    frames_get(&f, 1, "/writer/trailer");
    has(&f, 1, 0);
    frames_window(&f, 1, 1);
    a = frames_answer(&f, 1);
    ck_assert_str_eq(a.body, "x");
    ck_assert_ptr_nonnull(answer_field(&a, "X-Rc", 0));
    answer_free(&a);
    frames_get(&f, 3, "/mem/5");
    has(&f, 3, 0);
    frames_close(&f);
}
END_TEST

START_TEST(nor_does_an_end_when_the_connection_has_none)
{
    struct frames f = open_mean(1000000);

    frames_get(&f, 1, "/mem/100000");
    has(&f, 1, 65535);
    frames_get(&f, 3, "/writer/pieces?n=0&size=10");
    frames_take(&f, 3, 200, "");
    frames_window(&f, 0, 1000000);
    is_whole(&f, 1, 100000);
    frames_close(&f);
}
END_TEST

/* A window that is shut when its client goes is never opened: nothing waits for
 * that as long as for a client who may open it. */
START_TEST(what_nobody_will_take_goes_with_its_client)
{
    for (int i = 0; i < 10; i++) {
        struct frames f = open_mean(i % 3);
        frames_get(&f, 1, "/mem/1000");
        frames_get(&f, 3, "/writer/pieces?n=2&size=2&ms=20");
        frames_get(&f, 5, "/writer/flood");
        has(&f, 1, (size_t)(i % 3));
        frames_close(&f);
    }
    client_wait_active(&s, 0);
}
END_TEST

START_TEST(the_connection_has_a_window_too)
{
    struct frames f = open_mean(1000000);

    frames_get(&f, 1, "/mem/100000");
    has(&f, 1, 65535);
    frames_get(&f, 3, "/mem/5");
    has(&f, 3, 0);
    frames_window(&f, 0, 1000000);
    is_whole(&f, 1, 100000);
    is_whole(&f, 3, 5);
    frames_close(&f);
}
END_TEST

START_TEST(streams_share_the_window_of_the_connection)
{
    enum { N = 10, BYTES = 20000 };
    struct frames f = open_mean(1000000);
    size_t sum = 0;

    for (uint32_t i = 0; i < N; i++)
        frames_get(&f, 2 * i + 1, "/mem/20000");
    while (f.give > 0)
        ck_assert(frames_next(&f));
    frames_sync(&f);
    for (uint32_t i = 0; i < N; i++)
        sum += frames_stream(&f, 2 * i + 1)->body.n;
    ck_assert_uint_eq(sum, 65535);
    while (f.give + (int64_t)sum < N * BYTES)
        frames_window(&f, 0, 1000);
    for (uint32_t i = 0; i < N; i++)
        is_whole(&f, 2 * i + 1, BYTES);
    frames_close(&f);
}
END_TEST

START_TEST(one_that_waits_does_not_hold_others_up)
{
    struct frames f = open_mean(100);

    frames_get(&f, 1, "/mem/1000");
    has(&f, 1, 100);
    for (uint32_t stream = 3; stream < 101; stream += 2) {
        frames_get(&f, stream, "/mem/100");
        is_whole(&f, stream, 100);
    }
    frames_window(&f, 1, 900);
    is_whole(&f, 1, 1000);
    frames_close(&f);
}
END_TEST

START_TEST(a_window_may_grow_byte_by_byte)
{
    struct frames f = open_mean(0);

    frames_get(&f, 1, "/mem/300");
    for (int i = 0; i < 300; i++) {
        frames_window(&f, 1, 1);
        frames_take_data(&f, 1, (size_t)i + 1);
    }
    is_whole(&f, 1, 300);
    frames_close(&f);
}
END_TEST

START_TEST(frames_are_as_long_as_we_take)
{
    static const uint32_t most[][2] = {{FRAMES_MAX_FRAME_SIZE, 100000},
                                       {FRAMES_INITIAL_WINDOW_SIZE, 1000000}};
    struct frames f = frames_open(&s);

    f.is_mean = 1;
    frames_get(&f, 1, "/mem/65535"); /* frames_next holds them to 16384 */
    is_whole(&f, 1, 65535);
    frames_close(&f);
    f = frames_open_with(&s, 2, most);
    frames_window(&f, 0, 1000000);
    frames_get(&f, 1, "/mem/300000");
    is_whole(&f, 1, 300000);
    frames_close(&f);
}
END_TEST

/* ---- 6.9.2: the window that streams begin with ---------------------------*/

START_TEST(another_beginning_moves_the_windows_that_are_there)
{
    struct frames f = open_mean(100);

    frames_get(&f, 1, "/mem/1000");
    has(&f, 1, 100);
    frames_setting(&f, FRAMES_INITIAL_WINDOW_SIZE, 300);
    has(&f, 1, 300);
    frames_get(&f, 3, "/mem/1000");
    has(&f, 3, 300);
    frames_setting(&f, FRAMES_INITIAL_WINDOW_SIZE, 1000);
    is_whole(&f, 1, 1000);
    is_whole(&f, 3, 1000);
    frames_close(&f);
}
END_TEST

START_TEST(a_window_may_be_negative)
{
    struct frames f = open_mean(500);

    frames_get(&f, 1, "/mem/1000");
    has(&f, 1, 500);
    frames_setting(&f, FRAMES_INITIAL_WINDOW_SIZE, 100);
    frames_settle(&f);
    ck_assert_int_eq(frames_stream(&f, 1)->give, -400);
    frames_window(&f, 1, 400); /* 0 */
    has(&f, 1, 500);
    frames_window(&f, 1, 1);
    has(&f, 1, 501);
    frames_setting(&f, FRAMES_INITIAL_WINDOW_SIZE, 0);
    frames_settle(&f);
    frames_window(&f, 1, 101);
    has(&f, 1, 502);
    frames_window(&f, 1, 498);
    is_whole(&f, 1, 1000);
    frames_close(&f);
}
END_TEST

START_TEST(the_connection_s_window_is_not_moved)
{
    struct frames f = open_mean(1000000);

    frames_get(&f, 1, "/mem/100000");
    has(&f, 1, 65535);
    frames_setting(&f, FRAMES_INITIAL_WINDOW_SIZE, 2000000);
    has(&f, 1, 65535);
    frames_window(&f, 0, 100000);
    is_whole(&f, 1, 100000);
    frames_close(&f);
}
END_TEST

/* ---- errors --------------------------------------------------------------*/

START_TEST(an_increment_of_nothing_is_an_error)
{
    struct frames f = frames_open(&s);

    frames_window(&f, 0, 0);
    frames_ended(&f, FRAMES_PROTOCOL_ERROR);
    f = frames_open(&s);
    frames_post(&f, 1, "/echo", "");
    frames_window(&f, 1, 0);
    frames_refused(&f, 1, FRAMES_PROTOCOL_ERROR);
    f = frames_open(&s);
    frames_post(&f, 1, "/echo", "");
    frames_window(&f, 1, 1u << 31); /* the reserved bit */
    frames_refused(&f, 1, FRAMES_PROTOCOL_ERROR);
}
END_TEST

START_TEST(an_increment_has_four_bytes)
{
    for (size_t n = 0; n <= 8; n++) {
        struct frames f = frames_open(&s);
        frames_post(&f, 1, "/echo", "");
        frames_send(&f, FRAMES_WINDOW_UPDATE, 0, n % 2, "\0\0\0\1\0\0\0\1", n);
        if (n == 4)
            frames_close(&f);
        else
            frames_ended(&f, FRAMES_FRAME_SIZE_ERROR);
    }
}
END_TEST

START_TEST(a_stream_s_window_has_an_end)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "");
    frames_window(&f, 1, INT32_MAX - 65535);
    frames_sync(&f);
    ck_assert_int_eq(frames_stream(&f, 1)->reset, FRAMES_NO_CODE);
    frames_window(&f, 1, 1);
    frames_refused(&f, 1, FRAMES_FLOW_CONTROL_ERROR);
}
END_TEST

START_TEST(the_connection_s_window_has_an_end)
{
    struct frames f = frames_open(&s);

    frames_window(&f, 0, INT32_MAX - 65535);
    frames_serves(&f);
    frames_close(&f);
    f = frames_open(&s);
    frames_window(&f, 0, INT32_MAX - 65534);
    frames_ended(&f, FRAMES_FLOW_CONTROL_ERROR);
    f = frames_open(&s);
    frames_window(&f, 0, INT32_MAX);
    frames_ended(&f, FRAMES_FLOW_CONTROL_ERROR);
}
END_TEST

START_TEST(a_beginning_that_bursts_a_window_is_the_end)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "");
    frames_window(&f, 1, 1);
    frames_setting(&f, FRAMES_INITIAL_WINDOW_SIZE, INT32_MAX);
    frames_ended(&f, FRAMES_FLOW_CONTROL_ERROR);
}
END_TEST

/* ---- what the server takes -----------------------------------------------*/

START_TEST(a_large_body_is_let_in_by_windows)
{
    enum { N = 900000 };
    struct frames f = frames_open(&s);
    struct answer a;
    char *p = malloc(N);

    ck_assert_ptr_nonnull(p);
    for (size_t i = 0; i < N; i++)
        p[i] = (char)('a' + i % 23);
    frames_post(&f, 1, "/echo", "");
    frames_upload(&f, 1, p, N);
    a = frames_answer(&f, 1);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, N);
    ck_assert(memcmp(a.body, p, N) == 0);
    answer_free(&a);
    free(p);
    frames_close(&f);
}
END_TEST

/* Padding is of the window, and comes back. */
START_TEST(padding_is_let_in_by_windows)
{
    enum { TIMES = 1000 };
    static const char p[256] = {(char)254, 'x'};
    struct frames f = frames_open(&s);
    struct answer a;

    frames_post(&f, 1, "/echo", "");
    for (int i = 0; i < TIMES; i++) {
        while (f.send < 256 || frames_stream(&f, 1)->send < 256)
            ck_assert(frames_next(&f));
        frames_data(&f, 1, FRAMES_PADDED, p, 256);
    }
    frames_data(&f, 1, FRAMES_END_STREAM, "", 0);
    a = frames_answer(&f, 1);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, TIMES);
    answer_free(&a);
    frames_close(&f);
}
END_TEST

/* ... of which nobody has read anything. */
START_TEST(more_than_a_window_is_an_error)
{
    static const char zeros[16384];
    struct frames f = frames_open(&s);
    int64_t left = frames_stream(&f, 1)->send + (int64_t)sizeof zeros;

    frames_post(&f, 1, "/task/body?ms=3000&n=1", "");
    f.is_held = 1;
    for (; left > 0; left -= (int64_t)sizeof zeros)
        frames_data(&f, 1, 0, zeros, sizeof zeros);
    (void)frames_flush(&f, 5000);
    frames_refused(&f, 1, FRAMES_FLOW_CONTROL_ERROR);
}
END_TEST

/* A body that is read slowly is sent slowly, and all of it comes. */
START_TEST(who_reads_slowly_is_sent_no_more)
{
    enum { N = 200000 };
    static const char zeros[N];
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/task/body?ms=10&n=4096", "");
    frames_upload(&f, 1, zeros, N);
    frames_take(&f, 1, 200, NULL);
    frames_close(&f);
}
END_TEST

/* Two WINDOW_UPDATE for each frame of DATA, as many clients have it, are no
 * flood, be the frames large or small, or cut by the windows. */
START_TEST(windows_that_are_used_do_no_harm)
{
    enum { N = 30, BYTES = 1000000, PIECES = 10000 };
    struct frames f = frames_open(&s);
    struct answer a;

    for (int i = 0; i < N; i++)
        frames_get(&f, f.next, "/mem/1000000");
    for (uint32_t i = 0; i < N; i++)
        is_whole(&f, 2 * i + 1, BYTES);
    frames_get(&f, f.next, "/writer/pieces?n=10000&size=20");
    a = frames_answer(&f, f.next - 2);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, PIECES * 20);
    answer_free(&a);
    frames_close(&f);
}
END_TEST

UNIT_MAIN_IN(begin, end, h2_flow, an_answer_fills_the_window_and_waits,
             an_answer_without_a_body_needs_no_window,
             the_end_of_an_answer_needs_no_window, nor_do_trailers,
             nor_does_an_end_when_the_connection_has_none,
             what_nobody_will_take_goes_with_its_client,
             the_connection_has_a_window_too,
             streams_share_the_window_of_the_connection,
             one_that_waits_does_not_hold_others_up,
             a_window_may_grow_byte_by_byte, frames_are_as_long_as_we_take,
             another_beginning_moves_the_windows_that_are_there,
             a_window_may_be_negative, the_connection_s_window_is_not_moved,
             an_increment_of_nothing_is_an_error, an_increment_has_four_bytes,
             a_stream_s_window_has_an_end, the_connection_s_window_has_an_end,
             a_beginning_that_bursts_a_window_is_the_end,
             a_large_body_is_let_in_by_windows, padding_is_let_in_by_windows,
             more_than_a_window_is_an_error, who_reads_slowly_is_sent_no_more,
             windows_that_are_used_do_no_harm)
