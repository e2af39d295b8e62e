/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_states.c - HTTP/2, the life of a stream: what may come in each of its
 * states, its number, how many there are (RFC 9113, 5.1).
 * tags: epoll asan tls */
#include <stdio.h>
#include <string.h>

#include "t/lib/frames.h"
#include "t/lib/server.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static struct server s;
static const char zeros[16384];

static void
begin(void)
{
    server_start(&s, FRAMES_INI);
}

static void
end(void)
{
    struct frames f = frames_open(&s);

    frames_serves(&f);
    frames_close(&f);
    ck_assert_int_eq(server_stop(&s), 0);
}

static const uint32_t no_window[][2] = {{FRAMES_INITIAL_WINDOW_SIZE, 0}};

/* A stream 1 that is half-closed (remote): of its answer nothing but the head
 * has come. */
static struct frames
half_closed(void)
{
    struct frames f = frames_open_with(&s, 1, no_window);

    frames_get(&f, 1, "/mem/1000");
    while (!frames_stream(&f, 1)->has_head)
        ck_assert(frames_next(&f));
    return f;
}

/* The rest of it comes. */
static void
half_closed_ends(struct frames *f)
{
    struct answer a;

    frames_window(f, 1, 1000);
    a = frames_answer(f, 1);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, 1000);
    answer_free(&a);
    frames_setting(f, FRAMES_INITIAL_WINDOW_SIZE, 65535);
    frames_serves(f);
    frames_close(f);
}

/* A stream 1 that is closed, by the ends of both. */
static struct frames
closed(void)
{
    struct frames f = frames_open(&s);

    frames_get(&f, 1, "/mem/5");
    frames_take(&f, 1, 200, "abcde");
    return f;
}

/* ---- idle ----------------------------------------------------------------*/

START_TEST(nothing_but_headers_and_priority_begins_a_stream)
{
    static const struct {
        unsigned type;
        size_t n;
    } wrong[] = {{FRAMES_DATA, 5},
                 {FRAMES_RST_STREAM, 4},
                 {FRAMES_WINDOW_UPDATE, 4},
                 {FRAMES_CONTINUATION, 5}};

    for (size_t i = 0; i < 2 * sizeof wrong / sizeof wrong[0]; i++) {
        struct frames f = frames_open(&s);
        frames_get(&f, 1, "/mem/5");
        frames_send(&f, wrong[i / 2].type, 0, i % 2 ? 3 : 2, "\0\0\0\1\0",
                    wrong[i / 2].n);
        frames_ended(&f, FRAMES_PROTOCOL_ERROR);
    }
}
END_TEST

/* ---- half-closed (remote) ------------------------------------------------*/

START_TEST(data_behind_the_end_are_an_error)
{
    struct frames f = half_closed();

    frames_send(&f, FRAMES_DATA, 0, 1, "more", 4);
    frames_refused(&f, 1, FRAMES_STREAM_CLOSED);
    f = half_closed();
    frames_send(&f, FRAMES_DATA, FRAMES_END_STREAM, 1, "", 0);
    frames_refused(&f, 1, FRAMES_STREAM_CLOSED);
}
END_TEST

START_TEST(headers_behind_the_end_are_an_error)
{
    struct frames f = half_closed();

    frames_head(&f, 1, FRAMES_END_STREAM, "x-trailer: 1\n");
    frames_refused(&f, 1, FRAMES_STREAM_CLOSED);
    f = half_closed();
    frames_get(&f, 1, "/mem/5");
    frames_refused(&f, 1, FRAMES_STREAM_CLOSED);
}
END_TEST

START_TEST(a_continuation_behind_the_end_is_an_error)
{
    struct frames f = half_closed();

    frames_send(&f, FRAMES_CONTINUATION, FRAMES_END_HEADERS, 1, "", 0);
    frames_ended(&f, FRAMES_PROTOCOL_ERROR);
}
END_TEST

START_TEST(windows_and_priorities_behind_the_end_are_taken)
{
    struct frames f = half_closed();

    frames_priority(&f, 1, 0, 9);
    frames_window(&f, 1, 10);
    frames_take_data(&f, 1, 10);
    frames_update(&f, 1, "u=1");
    half_closed_ends(&f);
}
END_TEST

START_TEST(a_reset_behind_the_end_stops_the_answer)
{
    struct frames f = half_closed();

    frames_reset(&f, 1, FRAMES_CANCEL);
    frames_window(&f, 1, 1000);
    frames_sync(&f);
    ck_assert_uint_eq(frames_stream(&f, 1)->body.n, 0);
    frames_setting(&f, FRAMES_INITIAL_WINDOW_SIZE, 65535);
    frames_serves(&f);
    frames_close(&f);
}
END_TEST

/* ---- closed --------------------------------------------------------------*/

START_TEST(what_may_come_late_is_no_error)
{
    struct frames f = closed();

    frames_window(&f, 1, 10);
    frames_reset(&f, 1, FRAMES_CANCEL);
    frames_priority(&f, 1, 0, 9);
    frames_update(&f, 1, "u=1");
    frames_serves(&f);
    frames_window(&f, 1, 10);
    frames_reset(&f, 1, FRAMES_CANCEL);
    frames_serves(&f);
    frames_close(&f);
}
END_TEST

START_TEST(data_on_a_closed_stream_do_no_harm)
{
    struct frames f = closed();

    frames_send(&f, FRAMES_DATA, 0, 1, "more", 4);
    frames_closed(&f, 1);
    f = closed();
    frames_serves(&f);
    frames_send(&f, FRAMES_DATA, FRAMES_END_STREAM, 1, "more", 4);
    frames_closed(&f, 1);
}
END_TEST

/* A number that has been used: never a second answer. */
START_TEST(headers_on_a_closed_stream_are_not_answered)
{
    struct frames f = closed();

    frames_get(&f, 1, "/mem/5");
    frames_closed(&f, 1);
    f = closed();
    frames_head(&f, 1, FRAMES_END_STREAM, "x-trailer: 1\n");
    frames_closed(&f, 1);
}
END_TEST

START_TEST(data_behind_a_reset_do_no_harm)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "");
    frames_reset(&f, 1, FRAMES_CANCEL);
    frames_send(&f, FRAMES_DATA, 0, 1, "more", 4);
    frames_closed(&f, 1);
}
END_TEST

START_TEST(headers_behind_a_reset_are_not_answered)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "");
    frames_reset(&f, 1, FRAMES_CANCEL);
    frames_head(&f, 1, FRAMES_END_STREAM, "x-trailer: 1\n");
    frames_closed(&f, 1);
}
END_TEST

/* 5.4.2: neither on a stream that is open nor on one that is not. */
START_TEST(a_reset_is_not_answered_by_one)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "");
    for (int i = 0; i < 3; i++)
        frames_reset(&f, 1, FRAMES_CANCEL);
    frames_sync(&f);
    ck_assert_int_eq(frames_stream(&f, 1)->reset, FRAMES_NO_CODE);
    frames_close(&f);
}
END_TEST

/* What a stream that was reset by the server gets before its client knows:
 * 100 KiB, which the window of the connection must not lose. */
START_TEST(data_nobody_waits_for_give_the_window_back)
{
    struct frames f = frames_open(&s);
    struct answer a;

    frames_post(&f, 1, "/echo", "te: gzip\n"); /* malformed */
    frames_sync(&f);
    for (int i = 0; i < 100; i++) {
        while (f.send < 1024)
            ck_assert_msg(frames_next(&f), "the end");
        f.send -= 1024;
        frames_send(&f, FRAMES_DATA, 0, 1, zeros, 1024);
    }
    frames_post(&f, 3, "/echo", "");
    frames_upload(&f, 3, zeros, sizeof zeros);
    a = frames_answer(&f, 3);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, sizeof zeros);
    answer_free(&a);
    frames_close(&f);
}
END_TEST

/* ---- 5.1.1: numbers ------------------------------------------------------*/

START_TEST(streams_of_clients_have_odd_numbers)
{
    struct frames f = frames_open(&s);

    frames_get(&f, 2, "/mem/5");
    frames_ended(&f, FRAMES_PROTOCOL_ERROR);
}
END_TEST

START_TEST(numbers_go_up)
{
    static const uint32_t left_out[] = {1, 3, 7, 99, 103};

    for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++) {
        struct frames f = frames_open(&s);
        frames_get(&f, 5, "/mem/5");
        frames_take(&f, 5, 200, "abcde");
        frames_post(&f, 101, "/echo", "");
        frames_get(&f, 105, "/mem/5");
        frames_take(&f, 105, 200, "abcde");
        frames_get(&f, left_out[i], "/mem/5");
        frames_ended(&f, FRAMES_PROTOCOL_ERROR);
    }
}
END_TEST

/* What comes late on one that the server has reset, or that is over. */
START_TEST(numbers_that_were_used_are_no_error)
{
    struct frames f = frames_open(&s);

    frames_get(&f, 3, "/mem/5");
    frames_take(&f, 3, 200, "abcde");
    frames_post(&f, 5, "/echo", "te: gzip\n"); /* malformed */
    frames_sync(&f);
    frames_get(&f, 9, "/mem/5");
    frames_take(&f, 9, 200, "abcde");
    frames_head(&f, 5, FRAMES_END_STREAM, "x-trailer: 1\n");
    frames_serves(&f);
    frames_head(&f, 3, FRAMES_END_STREAM, "x-trailer: 1\n");
    frames_closed(&f, 3);
}
END_TEST

START_TEST(numbers_may_be_left_out)
{
    struct frames f = frames_open(&s);

    frames_get(&f, 3, "/mem/5");
    frames_get(&f, 1001, "/mem/5");
    frames_get(&f, 0x7ffffffd, "/mem/5");
    frames_take(&f, 3, 200, "abcde");
    frames_take(&f, 1001, 200, "abcde");
    frames_take(&f, 0x7ffffffd, 200, "abcde");
    frames_get(&f, 0x7fffffff, "/mem/5");
    frames_take(&f, 0x7fffffff, 200, "abcde");
    frames_close(&f);
}
END_TEST

/* Those that were left out are closed, not idle. */
START_TEST(a_number_left_out_is_not_idle)
{
    struct frames f = frames_open(&s);

    frames_get(&f, 7, "/mem/5");
    frames_take(&f, 7, 200, "abcde");
    frames_priority(&f, 5, 0, 9);
    frames_serves(&f);
    frames_data(&f, 5, 0, "x", 1);
    frames_closed(&f, 5);
}
END_TEST

/* ---- 5.1.2: how many -----------------------------------------------------*/

/* Some requests that are not over, the first on stream `from`. */
static void
begin_many(struct frames *f, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        frames_post(f, f->next, "/echo", "");
}

START_TEST(as_many_streams_as_said_are_served)
{
    struct frames f = frames_open(&s);
    uint32_t n = f.peer[FRAMES_MAX_CONCURRENT_STREAMS];

    ck_assert_uint_ge(n, 100); /* 6.5.2 recommends that */
    ck_assert_uint_le(n, 10000);
    begin_many(&f, n);
    for (uint32_t i = 0; i < n; i++)
        frames_data(&f, 2 * i + 1, FRAMES_END_STREAM, "hi", 2);
    for (uint32_t i = 0; i < n; i++)
        frames_take(&f, 2 * i + 1, 200, "hi");
    frames_close(&f);
}
END_TEST

/* An error of the stream, which may be treated as one of the connection. */
static int
is_refused(struct frames *f, uint32_t stream)
{
    while (f->goaway <= 0 && frames_stream(f, stream)->reset < 0)
        ck_assert(frames_next(f));
    ck_assert_int_eq(frames_stream(f, stream)->status, 0);
    if (f->goaway > 0) {
        frames_ended(f, FRAMES_PROTOCOL_ERROR);
        return 0;
    }
    frames_take_reset(f, stream, FRAMES_REFUSED_STREAM);
    return 1;
}

START_TEST(one_more_is_refused_and_may_come_again)
{
    struct frames f = frames_open(&s);
    uint32_t late;

    begin_many(&f, f.peer[FRAMES_MAX_CONCURRENT_STREAMS]);
    late = f.next;
    frames_get(&f, late, "/mem/5");
    if (!is_refused(&f, late))
        return;
    frames_data(&f, 1, FRAMES_END_STREAM, "hi", 2);
    frames_take(&f, 1, 200, "hi");
    frames_serves(&f);
    frames_data(&f, 3, FRAMES_END_STREAM, "hi", 2);
    frames_take(&f, 3, 200, "hi");
    frames_close(&f);
}
END_TEST

/* What it has added to the table is there all the same. */
START_TEST(one_that_is_refused_leaves_the_table_as_it_should)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0}, next = {0};
    uint32_t late;

    begin_many(&f, f.peer[FRAMES_MAX_CONCURRENT_STREAMS]);
    late = f.next;
    hpack_fields(&block, HPACK_ADD, FRAMES_GET("/mem/5"));
    frames_block(&f, late, FRAMES_END_STREAM, &block);
    for (uint64_t index = 65; index >= 62; index--)
        hpack_indexed(&next, index);
    if (is_refused(&f, late)) {
        frames_data(&f, 1, FRAMES_END_STREAM, "hi", 2);
        frames_take(&f, 1, 200, "hi");
        frames_block(&f, late + 2, FRAMES_END_STREAM, &next);
        frames_take(&f, late + 2, 200, "abcde");
        frames_close(&f);
    }
    bytes_free(&block);
    bytes_free(&next);
}
END_TEST

START_TEST(streams_that_are_reset_count_no_more)
{
    struct frames f = frames_open(&s);

    begin_many(&f, f.peer[FRAMES_MAX_CONCURRENT_STREAMS]);
    frames_reset(&f, 1, FRAMES_CANCEL);
    frames_sync(&f);
    frames_serves(&f);
    frames_close(&f);
}
END_TEST

/* ---- many at once --------------------------------------------------------*/

START_TEST(answers_come_on_the_streams_that_asked)
{
    enum { N = 100 };
    struct frames f = frames_open(&s);
    char path[32];

    for (uint32_t i = 0; i < N; i++) {
        snprintf(path, sizeof path, "/mem/%u", i * 100);
        frames_get(&f, 2 * i + 1, path);
    }
    for (uint32_t i = N; i-- > 0;) {
        struct answer a = frames_answer(&f, 2 * i + 1);
        ck_assert_int_eq(a.status, 200);
        ck_assert_uint_eq(a.n, i * 100);
        for (size_t k = 0; k < a.n; k++)
            UNIT_HOLDS(a.body[k] == (char)('a' + k % 23));
        answer_free(&a);
    }
    frames_close(&f);
}
END_TEST

START_TEST(bodies_may_come_by_turns)
{
    enum { N = 20, TIMES = 50 };
    struct frames f = frames_open(&s);

    begin_many(&f, N);
    for (int i = 0; i < TIMES; i++)
        for (uint32_t k = 0; k < N; k++)
            frames_data(&f, 2 * k + 1, i + 1 == TIMES ? FRAMES_END_STREAM : 0,
                        "0123456789abcdefghijklmnopqrstuvwxyz" + k, 10);
    for (uint32_t k = 0; k < N; k++) {
        struct answer a = frames_answer(&f, 2 * k + 1);
        ck_assert_uint_eq(a.n, 10 * TIMES);
        for (size_t at = 0; at < a.n; at += 10)
            ck_assert_mem_eq(a.body + at,
                             "0123456789abcdefghijklmnopqrstuvwxyz" + k, 10);
        answer_free(&a);
    }
    frames_close(&f);
}
END_TEST

UNIT_MAIN_IN(
    begin, end, h2_states, nothing_but_headers_and_priority_begins_a_stream,
    data_behind_the_end_are_an_error, headers_behind_the_end_are_an_error,
    a_continuation_behind_the_end_is_an_error,
    windows_and_priorities_behind_the_end_are_taken,
    a_reset_behind_the_end_stops_the_answer, what_may_come_late_is_no_error,
    data_on_a_closed_stream_do_no_harm,
    headers_on_a_closed_stream_are_not_answered, data_behind_a_reset_do_no_harm,
    headers_behind_a_reset_are_not_answered, a_reset_is_not_answered_by_one,
    data_nobody_waits_for_give_the_window_back,
    streams_of_clients_have_odd_numbers, numbers_go_up,
    numbers_that_were_used_are_no_error, numbers_may_be_left_out,
    a_number_left_out_is_not_idle, as_many_streams_as_said_are_served,
    one_more_is_refused_and_may_come_again,
    one_that_is_refused_leaves_the_table_as_it_should,
    streams_that_are_reset_count_no_more,
    answers_come_on_the_streams_that_asked, bodies_may_come_by_turns)
