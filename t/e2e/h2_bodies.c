/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_bodies.c - bodies, trailers and answers over HTTP/2, and CONNECT, which
 * has none of them (RFC 9113, 8.1 and 8.5).
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

#define SCHEME ":scheme: http\n"
#define PATH ":path: /method\n"
#define AUTHORITY ":authority: x\n"
#define POST ":method: POST\n:scheme: http\n:path: /echo\n:authority: x\n"

/* A request of these fields and no body is malformed. */
static void
malformed(const char *fields)
{
    struct frames f = frames_open(&s);

    frames_head(&f, 1, FRAMES_END_STREAM, fields);
    frames_malformed(&f, 1);
}

#define ALL_MALFORMED(...)                                                     \
    do {                                                                       \
        static const char *const all[] = {__VA_ARGS__};                        \
        for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)                \
            malformed(all[i]);                                                 \
    } while (0)

/* ---- 8.1: framing --------------------------------------------------------*/

static const struct {
    const char *length, *body;
} wrong[] = {{"content-length: 5\n", "hell"},
             {"content-length: 5\n", "hello!"},
             {"content-length: 1\n", ""},
             {"content-length: 0\n", "x"},
             {"content-length: 5\n", NULL}};

START_TEST(a_body_has_the_length_it_says)
{
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct frames f = frames_open(&s);
        struct bytes block = {0};
        const char *body = wrong[i].body;
        hpack_fields(&block, HPACK_PLAIN, POST);
        hpack_fields(&block, HPACK_PLAIN, wrong[i].length);
        f.is_held = 1;
        frames_block(&f, 1, body ? 0 : FRAMES_END_STREAM, &block);
        if (body)
            frames_data(&f, 1, FRAMES_END_STREAM, body, strlen(body));
        bytes_free(&block);
        ck_assert(frames_flush(&f, 5000));
        frames_malformed(&f, 1);
    }
}
END_TEST

/* That there are as many bytes as it says is no end: more may follow, or
 * trailers. */
START_TEST(a_body_ends_with_its_stream)
{
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct frames f = frames_open(&s);
        const char *at = wrong[i].body;
        frames_post(&f, 1, "/echo", wrong[i].length);
        for (; at && *at && frames_stream(&f, 1)->reset < 0; at++) {
            frames_sync(&f);
            ck_assert_int_eq(frames_stream(&f, 1)->status, 0);
            frames_data(&f, 1, 0, at, 1);
        }
        frames_data(&f, 1, FRAMES_END_STREAM, "", 0);
        frames_malformed(&f, 1);
    }
}
END_TEST

START_TEST(a_length_is_one_number)
{
    ALL_MALFORMED(POST "content-length: x\n", POST "content-length: -1\n",
                  POST "content-length: +0\n", POST "content-length: 0x0\n",
                  POST "content-length: 0\ncontent-length: 1\n",
                  POST "content-length: 0, 1\n",
                  POST "content-length: 99999999999999999999999\n");
}
END_TEST

START_TEST(a_body_of_the_right_length_is_taken)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "content-length: 5\n");
    frames_data(&f, 1, 0, "he", 2);
    frames_data(&f, 1, 0, "", 0);
    frames_data(&f, 1, 0, "llo", 3);
    frames_data(&f, 1, FRAMES_END_STREAM, "", 0);
    frames_take(&f, 1, 200, "hello");
    frames_post(&f, 3, "/echo", "content-length: 0\n");
    frames_data(&f, 3, FRAMES_END_STREAM, "", 0);
    frames_take(&f, 3, 200, "");
    frames_head(&f, 5, FRAMES_END_STREAM, POST "content-length: 0\n");
    frames_take(&f, 5, 200, "");
    frames_head(&f, 7, FRAMES_END_STREAM, POST);
    frames_take(&f, 7, 200, "");
    frames_close(&f);
}
END_TEST

START_TEST(trailers_end_a_body)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "");
    frames_data(&f, 1, 0, "hello", 5);
    frames_head(&f, 1, FRAMES_END_STREAM, "x-trailer: 1\nx-more: 2\n");
    frames_take(&f, 1, 200, "hello");
    frames_post(&f, 3, "/echo", "content-length: 5\n");
    frames_data(&f, 3, 0, "hello", 5);
    frames_send(&f, FRAMES_HEADERS, FRAMES_END_STREAM, 3, "", 0);
    frames_send(&f, FRAMES_CONTINUATION, FRAMES_END_HEADERS, 3, "", 0);
    frames_take(&f, 3, 200, "hello");
    frames_post(&f, 5, "/echo", "");
    frames_head(&f, 5, FRAMES_END_STREAM, "x-trailer: 1\n");
    frames_take(&f, 5, 200, "");
    frames_close(&f);
}
END_TEST

/* A request with a body of "hello" and these trailers. */
static void
malformed_trailers(unsigned flags, const char *trailers)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "content-length: 5\n");
    frames_data(&f, 1, 0, "hello", 5);
    frames_head(&f, 1, flags, trailers);
    frames_malformed(&f, 1);
}

START_TEST(trailers_are_the_end)
{
    malformed_trailers(0, "x-trailer: 1\n");
}
END_TEST

START_TEST(trailers_have_no_pseudo_fields_and_are_as_fields_are)
{
    malformed_trailers(FRAMES_END_STREAM, ":path: /none\n");
    malformed_trailers(FRAMES_END_STREAM, ":method: GET\nx-trailer: 1\n");
    malformed_trailers(FRAMES_END_STREAM, "x-trailer: 1\n:status: 200\n");
    malformed_trailers(FRAMES_END_STREAM, "X-Trailer: 1\n");
    malformed_trailers(FRAMES_END_STREAM, "connection: close\n");
    malformed_trailers(FRAMES_END_STREAM, "x: a \n");
}
END_TEST

START_TEST(a_body_that_is_short_of_its_length_before_trailers_is_malformed)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "content-length: 5\n");
    frames_data(&f, 1, 0, "hell", 4);
    frames_head(&f, 1, FRAMES_END_STREAM, "x-trailer: 1\n");
    frames_malformed(&f, 1);
}
END_TEST

/* An answer before the body is over: the rest is not wanted, without an error;
 * or it is taken. */
START_TEST(an_answer_may_come_before_the_body_has_ended)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/nothing", "");
    frames_take(&f, 1, 404, NULL);
    frames_data(&f, 1, 0, "hello", 5);
    frames_data(&f, 1, FRAMES_END_STREAM, "hello", 5);
    frames_sync(&f);
    if (frames_stream(&f, 1)->reset != FRAMES_NO_CODE)
        frames_take_reset(&f, 1, FRAMES_NO_ERROR);
    frames_serves(&f);
    frames_close(&f);
}
END_TEST

/* ---- answers -------------------------------------------------------------*/

START_TEST(an_answer_to_head_has_no_body)
{
    struct frames f = frames_open(&s);
    struct answer a;

    frames_head(&f, 1, FRAMES_END_STREAM,
                ":method: HEAD\n:scheme: http\n:path: /mem/1000\n" AUTHORITY);
    a = frames_answer(&f, 1);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, 0);
    ck_assert_str_eq(answer_field(&a, "content-length", 0), "1000");
    answer_free(&a);
    frames_close(&f);
}
END_TEST

START_TEST(an_answer_says_how_long_it_is_and_when_it_was)
{
    struct frames f = frames_open(&s);
    struct answer a;

    frames_get(&f, 1, "/mem/1000");
    a = frames_answer(&f, 1);
    ck_assert_str_eq(answer_field(&a, "content-length", 0), "1000");
    ck_assert_ptr_nonnull(answer_field(&a, "date", 0));
    answer_free(&a);
    frames_close(&f);
}
END_TEST

START_TEST(an_expectation_is_met)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "expect: 100-continue\n");
    while (frames_stream(&f, 1)->n_interim == 0)
        ck_assert(frames_next(&f));
    frames_data(&f, 1, FRAMES_END_STREAM, "hi", 2);
    frames_take(&f, 1, 200, "hi");
    ck_assert_int_eq(frames_stream(&f, 1)->n_interim, 1);
    frames_close(&f);
}
END_TEST

/* ---- 8.5: CONNECT --------------------------------------------------------*/

/* There is nothing to connect to; what it says is looked at all the same. */
START_TEST(connect_has_an_authority_and_no_more)
{
    struct frames f = frames_open(&s);
    struct answer a;

    ALL_MALFORMED(":method: CONNECT\n" SCHEME PATH AUTHORITY,
                  ":method: CONNECT\n" SCHEME AUTHORITY,
                  ":method: CONNECT\n" PATH AUTHORITY, ":method: CONNECT\n");
    frames_head(&f, 1, 0, ":method: CONNECT\n:authority: x:443\n");
    a = frames_answer(&f, 1);
    ck_assert_msg(a.status >= 400, "%d", a.status);
    answer_free(&a);
    frames_serves(&f);
    frames_close(&f);
}
END_TEST

UNIT_MAIN_IN(begin, end, h2_bodies, a_body_has_the_length_it_says,
             a_body_ends_with_its_stream, a_length_is_one_number,
             a_body_of_the_right_length_is_taken, trailers_end_a_body,
             trailers_are_the_end,
             trailers_have_no_pseudo_fields_and_are_as_fields_are,
             a_body_that_is_short_of_its_length_before_trailers_is_malformed,
             an_answer_may_come_before_the_body_has_ended,
             an_answer_to_head_has_no_body,
             an_answer_says_how_long_it_is_and_when_it_was,
             an_expectation_is_met, connect_has_an_authority_and_no_more)
