/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_types.c - HTTP/2, the types of frames that are of streams: what each may
 * be, and what is an error (RFC 9113, 6.1 to 6.4).
 * tags: epoll asan tls */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "t/lib/frames.h"
#include "t/lib/server.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static struct server s;
static const char zeros[256];

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

/* Behind a request whose body has not ended, on stream 1, that frame of n zeros
 * ends the connection with code. */
static void
ends_with(int code, unsigned type, unsigned flags, uint32_t stream, size_t n)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "");
    frames_send(&f, type, flags, stream, zeros, n);
    frames_ended(&f, code);
}

/* Any length but that one. */
static void
lengths(int code, unsigned type, uint32_t stream, size_t but)
{
    for (size_t n = 0; n <= 2 * but; n++)
        if (n != but)
            ends_with(code, type, 0, stream, n);
}

/* ---- 6.1: DATA -----------------------------------------------------------*/

START_TEST(data_are_of_a_stream)
{
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_DATA, 0, 0, 5);
}
END_TEST

/* From none to all that a length has room for. */
START_TEST(data_may_be_padded)
{
    struct frames f = frames_open(&s);
    char p[1 + 2 + 255] = {0};

    for (unsigned padding = 0; padding < 256; padding++) {
        uint32_t stream = f.next;
        p[0] = (char)padding;
        memcpy(p + 1, "hi", 2);
        frames_post(&f, stream, "/echo", "");
        frames_data(&f, stream, FRAMES_PADDED | FRAMES_END_STREAM, p,
                    3 + padding);
        frames_take(&f, stream, 200, "hi");
    }
    frames_close(&f);
}
END_TEST

START_TEST(data_may_be_nothing_but_padding)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "");
    frames_data(&f, 1, FRAMES_PADDED, "\2\0\0", 3);
    frames_data(&f, 1, FRAMES_PADDED, "\0", 1);
    frames_data(&f, 1, 0, "hi", 2);
    frames_data(&f, 1, FRAMES_PADDED | FRAMES_END_STREAM, "\0", 1);
    frames_take(&f, 1, 200, "hi");
    frames_close(&f);
}
END_TEST

START_TEST(padding_is_shorter_than_its_frame)
{
    static const unsigned types[] = {FRAMES_DATA, FRAMES_HEADERS};

    for (size_t i = 0; i < 2 * 4; i++) {
        struct frames f = frames_open(&s);
        char p[6] = {(char)(i / 2 == 3 ? 255 : 5 + i / 2)};
        frames_post(&f, 1, "/echo", "");
        frames_send(&f, types[i % 2], FRAMES_PADDED | FRAMES_END_HEADERS,
                    types[i % 2] == FRAMES_DATA ? 1 : 3, p, 5);
        frames_ended(&f, FRAMES_PROTOCOL_ERROR);
    }
}
END_TEST

/* 4.2: too short for what it must have. */
START_TEST(a_padded_frame_has_room_for_the_padding_s_length)
{
    ends_with(FRAMES_FRAME_SIZE_ERROR, FRAMES_DATA, FRAMES_PADDED, 1, 0);
    ends_with(FRAMES_FRAME_SIZE_ERROR, FRAMES_HEADERS,
              FRAMES_PADDED | FRAMES_END_HEADERS, 3, 0);
}
END_TEST

/* ---- 6.2: HEADERS --------------------------------------------------------*/

START_TEST(headers_are_of_a_stream)
{
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_HEADERS, FRAMES_END_HEADERS, 0, 0);
}
END_TEST

/* HEADERS with what comes before the block, and padding behind it. */
static void
get_with(struct frames *f, unsigned flags, const char *before, size_t n,
         size_t padding)
{
    struct bytes p = {0};

    bytes_put(&p, before, n);
    hpack_fields(&p, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    bytes_put(&p, zeros, padding);
    frames_send(f, FRAMES_HEADERS,
                flags | FRAMES_END_HEADERS | FRAMES_END_STREAM, f->next, p.p,
                p.n);
    bytes_free(&p);
}

START_TEST(headers_may_be_padded_and_prioritized)
{
    struct frames f = frames_open(&s);

    get_with(&f, FRAMES_PADDED, "\0", 1, 0);
    get_with(&f, FRAMES_PADDED, "\xff", 1, 255);
    get_with(&f, FRAMES_PRIORITIZED, "\0\0\0\1\0", 5, 0);
    get_with(&f, FRAMES_PRIORITIZED, "\x80\0\0\0\xff", 5, 0);
    get_with(&f, FRAMES_PRIORITIZED, "\0\0\0\x55\0", 5, 0);
    get_with(&f, FRAMES_PRIORITIZED | FRAMES_PADDED, "\7\0\0\0\0\7", 6, 7);
    for (uint32_t stream = 1; stream <= 11; stream += 2)
        frames_take(&f, stream, 200, "abcde");
    frames_close(&f);
}
END_TEST

START_TEST(headers_are_long_enough_for_their_priority)
{
    struct frames f;

    for (size_t n = 0; n < 5; n++)
        ends_with(FRAMES_FRAME_SIZE_ERROR, FRAMES_HEADERS,
                  FRAMES_PRIORITIZED | FRAMES_END_HEADERS, 3, n);
    f = frames_open(&s);
    frames_send(&f, FRAMES_HEADERS,
                FRAMES_PADDED | FRAMES_PRIORITIZED | FRAMES_END_HEADERS, 1,
                "\6\0\0\0\0\0\0\0", 8); /* 6 of 7, and a priority has 5 */
    frames_ended(&f, FRAMES_PROTOCOL_ERROR);
}
END_TEST

/* ---- 6.3: PRIORITY -------------------------------------------------------*/

START_TEST(priorities_of_any_stream_are_taken)
{
    struct frames f = frames_open(&s);

    frames_priority(&f, 1, 0, 0);
    frames_priority(&f, 1, 3, 255);
    frames_priority(&f, 3, 1u << 31 | 1, 16);
    frames_priority(&f, 1, 1u << 31 | 3, 16);
    frames_priority(&f, 0x7fffffff, 0, 1);
    frames_priority(&f, 2, 1, 1);
    frames_get(&f, 1, "/mem/5");
    frames_take(&f, 1, 200, "abcde");
    frames_priority(&f, 1, 5, 7);
    frames_serves(&f);
    frames_close(&f);
}
END_TEST

START_TEST(a_priority_is_of_a_stream)
{
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_PRIORITY, 0, 0, 5);
}
END_TEST

/* An error of the stream, also of one that is idle. */
START_TEST(a_priority_has_five_bytes)
{
    for (size_t n = 0; n <= 10; n++) {
        struct frames f = frames_open(&s);
        frames_post(&f, 1, "/echo", "");
        frames_send(&f, FRAMES_PRIORITY, 0, 1, zeros, n);
        if (n == 5)
            frames_close(&f);
        else
            frames_refused(&f, 1, FRAMES_FRAME_SIZE_ERROR);
    }
}
END_TEST

/* RFC 7540 had it an error of the stream, RFC 9113 has nothing about it. */
START_TEST(a_stream_that_depends_on_itself_does_no_harm)
{
    struct frames f = frames_open(&s);
    int is_over = 0;

    frames_post(&f, 1, "/echo", "");
    frames_priority(&f, 1, 1, 16);
    frames_ping(&f, "12345678");
    while (f.n_pongs == 0 && !is_over)
        is_over = !frames_next(&f);
    if (is_over)
        ck_assert_int_eq(f.goaway, FRAMES_PROTOCOL_ERROR);
    else
        frames_serves(&f);
    frames_close(&f);
}
END_TEST

/* ---- 6.4: RST_STREAM -----------------------------------------------------*/

START_TEST(a_reset_ends_a_stream_and_nothing_else)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "");
    frames_post(&f, 3, "/echo", "");
    frames_reset(&f, 1, FRAMES_CANCEL);
    frames_data(&f, 3, FRAMES_END_STREAM, "hi", 2);
    frames_take(&f, 3, 200, "hi");
    frames_sync(&f);
    ck_assert_int_eq(frames_stream(&f, 1)->reset, FRAMES_NO_CODE);
    ck_assert_int_eq(frames_stream(&f, 1)->status, 0);
    frames_close(&f);
}
END_TEST

/* Section 7: unknown codes mean nothing. */
START_TEST(a_reset_may_have_any_code)
{
    static const uint32_t codes[] = {0, 1, 7, 13, 14, 1000, 0xffffffff};
    struct frames f = frames_open(&s);

    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        uint32_t stream = f.next;
        frames_post(&f, stream, "/echo", "");
        frames_reset(&f, stream, codes[i]);
    }
    frames_serves(&f);
    frames_close(&f);
}
END_TEST

START_TEST(a_reset_is_of_a_stream_that_has_begun)
{
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_RST_STREAM, 0, 0, 4);
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_RST_STREAM, 0, 3, 4);
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_RST_STREAM, 0, 2, 4);
}
END_TEST

START_TEST(a_reset_has_four_bytes)
{
    lengths(FRAMES_FRAME_SIZE_ERROR, FRAMES_RST_STREAM, 1, 4);
}
END_TEST

UNIT_MAIN_IN(begin, end, h2_types, data_are_of_a_stream, data_may_be_padded,
             data_may_be_nothing_but_padding, padding_is_shorter_than_its_frame,
             a_padded_frame_has_room_for_the_padding_s_length,
             headers_are_of_a_stream, headers_may_be_padded_and_prioritized,
             headers_are_long_enough_for_their_priority,
             priorities_of_any_stream_are_taken, a_priority_is_of_a_stream,
             a_priority_has_five_bytes,
             a_stream_that_depends_on_itself_does_no_harm,
             a_reset_ends_a_stream_and_nothing_else, a_reset_may_have_any_code,
             a_reset_is_of_a_stream_that_has_begun, a_reset_has_four_bytes)
