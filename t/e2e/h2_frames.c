/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_frames.c - HTTP/2 frame by frame: the preface, the format of frames, their
 * sizes, blocks of fields in pieces (RFC 9113, sections 3 and 4).
 * tags: epoll asan plain */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "t/lib/frames.h"
#include "t/lib/server.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

static struct server s;
static const char zeros[1 << 17];

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

/* That frame on a new connection ends it with code. */
static void
ends_with(int code, unsigned type, unsigned flags, uint32_t stream, size_t n)
{
    struct frames f = frames_open(&s);

    frames_send(&f, type, flags, stream, zeros, n);
    frames_ended(&f, code);
}

/* ---- 3.4: the preface ----------------------------------------------------*/

#define SETTINGS "\0\0\0\4\0\0\0\0\0"

/* The preface and SETTINGS; what follows is held, too. */
static void
begin_held(struct frames *f)
{
    f->is_held = 1;
    frames_raw(f, FRAMES_PREFACE, 24);
    frames_send(f, FRAMES_SETTINGS, 0, 0, "", 0);
}

START_TEST(a_request_may_follow_the_preface_at_once)
{
    struct frames f = frames_connect(&s);

    begin_held(&f);
    frames_get(&f, 1, "/mem/5");
    ck_assert(frames_flush(&f, 5000));
    frames_take(&f, 1, 200, "abcde");
    frames_close(&f);
}
END_TEST

START_TEST(a_connection_may_be_cut_at_every_byte)
{
    struct frames f = frames_connect(&s);
    struct bytes all = {0};

    begin_held(&f);
    frames_post(&f, 1, "/echo", "");
    frames_data(&f, 1, FRAMES_END_STREAM, "hello", 5);
    bytes_put(&all, f.held.p, f.held.n);
    frames_close(&f);
    for (size_t cut = 1; cut < all.n; cut++) {
        f = frames_connect(&s);
        f.next = 3;
        f.n_settings = 1;
        frames_raw(&f, all.p, cut);
        poll(NULL, 0, 1); /* likely, not certain to be a segment */
        frames_raw(&f, all.p + cut, all.n - cut);
        frames_take(&f, 1, 200, "hello");
        frames_close(&f);
    }
    bytes_free(&all);
}
END_TEST

START_TEST(all_of_it_may_drip)
{
    struct frames f = frames_connect(&s);

    begin_held(&f);
    frames_post(&f, 1, "/echo", "");
    frames_data(&f, 1, FRAMES_END_STREAM, "hello", 5);
    client_drip(&f.c, f.held.p, f.held.n);
    f.held.n = 0;
    f.is_held = 0;
    frames_take(&f, 1, 200, "hello");
    frames_serves(&f);
    frames_close(&f);
}
END_TEST

START_TEST(settings_come_first)
{
    static const unsigned types[] = {FRAMES_PING, FRAMES_WINDOW_UPDATE,
                                     FRAMES_HEADERS, FRAMES_DATA,
                                     FRAMES_GOAWAY};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct frames f = frames_connect(&s);
        frames_raw(&f, FRAMES_PREFACE, 24);
        frames_send(&f, types[i], 0, types[i] == FRAMES_HEADERS, zeros, 8);
        frames_ended(&f, FRAMES_PROTOCOL_ERROR);
    }
}
END_TEST

START_TEST(an_acknowledgment_is_no_beginning)
{
    struct frames f = frames_connect(&s);

    frames_raw(&f, FRAMES_PREFACE, 24);
    frames_send(&f, FRAMES_SETTINGS, FRAMES_ACK, 0, "", 0);
    frames_ended(&f, FRAMES_PROTOCOL_ERROR);
}
END_TEST

/* GOAWAY may be omitted then. */
START_TEST(another_preface_is_the_end)
{
    static const char *const wrong[] = {
        "PRI * HTTP/2.0\r\n\r\nSN\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r ",
        "PRI * HTTP/2.1\r\n\r\nSM\r\n\r\n", "pri * HTTP/2.0\r\n\r\nSM\r\n\r\n"};

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct client c = client_open(&s);
        client_puts(&c, wrong[i]);
        client_try_send(&c, SETTINGS, 9);
        shutdown(c.fd, SHUT_WR);
        while (client_more(&c))
            continue;
        ck_assert(c.n == 0 || !memmem(c.buf, c.n, "200", 3));
        client_close(&c);
    }
}
END_TEST

START_TEST(a_preface_that_is_cut_is_no_request)
{
    for (size_t n = 1; n < 24; n++) {
        struct client c = client_open(&s);
        client_send(&c, FRAMES_PREFACE, n);
        client_shut(&c);
        while (client_more(&c))
            continue;
        ck_assert(c.n == 0 || !memmem(c.buf, c.n, "200", 3));
        client_close(&c);
    }
}
END_TEST

START_TEST(http_1_is_spoken_beside_it)
{
    client_once(&s, "GET /mem/5 HTTP/1.1\r\nHost: x\r\n\r\n", 200, "abcde");
    client_once(&s,
                "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
                "hi",
                200, "hi");
}
END_TEST

/* 3.1: the token h2c of an Upgrade is of RFC 7540. */
START_TEST(an_upgrade_to_it_is_not_offered)
{
    client_once(&s,
                "GET /mem/5 HTTP/1.1\r\nHost: x\r\n"
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n",
                200, "abcde");
}
END_TEST

START_TEST(it_is_not_spoken_unless_it_is_asked_for)
{
    struct server plain;
    struct client c;

    server_start(&plain, "[server]\nlisten = 127.0.0.1:0\n[plugin answers]\n");
    c = client_open(&plain);
    client_send(&c, FRAMES_PREFACE SETTINGS, 24 + 9);
    client_read_all(&c);
    ck_assert_int_eq(strncmp(c.buf, "HTTP/1.1 ", 9), 0);
    ck_assert(c.buf[9] == '4' || c.buf[9] == '5');
    client_close(&c);
    ck_assert_int_eq(server_stop(&plain), 0);
}
END_TEST

/* ---- 4.1: the format -----------------------------------------------------*/

START_TEST(frames_of_unknown_types_are_ignored)
{
    struct frames f = frames_open(&s);

    for (unsigned type = 10; type < 256; type++)
        if (type != FRAMES_PRIORITY_UPDATE)
            frames_send(&f, type, type, type % 5, zeros, type % 3 * 5000);
    frames_post(&f, 1, "/echo", "");
    frames_send(&f, 0xbb, 0xff, 1, zeros, 9);
    frames_data(&f, 1, 0, "a", 1);
    frames_send(&f, 0xbc, 0xff, 1, zeros, 16384);
    frames_data(&f, 1, FRAMES_END_STREAM, "b", 1);
    frames_take(&f, 1, 200, "ab");
    frames_close(&f);
}
END_TEST

START_TEST(flags_without_a_meaning_are_ignored)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    frames_send(&f, FRAMES_PING, 0xfe, 0, "12345678", 8);
    frames_send(&f, FRAMES_SETTINGS, 0xfe, 0, "", 0);
    frames_send(&f, FRAMES_WINDOW_UPDATE, 0xff, 0, "\0\0\0\1", 4);
    hpack_fields(&block, HPACK_PLAIN, FRAMES_POST("/echo"));
    frames_block(&f, 1, 0xd2, &block);
    frames_send(&f, FRAMES_WINDOW_UPDATE, 0xff, 1, "\0\0\0\1", 4);
    frames_send(&f, FRAMES_PRIORITY, 0xff, 1, "\0\0\0\0\1", 5);
    frames_data(&f, 1, 0xf6, "a", 1);
    frames_data(&f, 1, 0xf7, "b", 1);
    frames_take(&f, 1, 200, "ab");
    frames_settle(&f);
    ck_assert_int_eq(f.n_pongs, 1);
    bytes_free(&block);
    frames_close(&f);
}
END_TEST

START_TEST(the_reserved_bit_is_ignored)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    hpack_fields(&block, HPACK_PLAIN, FRAMES_POST("/echo"));
    frames_send_as(&f, block.n, FRAMES_HEADERS, FRAMES_END_HEADERS,
                   1u << 31 | 1, block.p, block.n);
    f.next = 3;
    frames_send_as(&f, 2, FRAMES_DATA, FRAMES_END_STREAM, 1u << 31 | 1, "hi",
                   2);
    frames_send_as(&f, 8, FRAMES_PING, 0, 1u << 31, "12345678", 8);
    frames_send_as(&f, 4, FRAMES_WINDOW_UPDATE, 0, 0, "\x80\0\0\1", 4);
    frames_take(&f, 1, 200, "hi");
    frames_sync(&f);
    ck_assert_int_eq(f.n_pongs, 2);
    bytes_free(&block);
    frames_close(&f);
}
END_TEST

START_TEST(frames_may_end_anywhere_in_a_segment)
{
    enum { N = 500 };
    struct frames f = frames_open(&s);

    f.is_held = 1;
    for (int i = 0; i < N; i++)
        frames_ping(&f, "12345678");
    for (size_t at = 0, n; at < f.held.n; at += n) {
        n = 1 + at % 31;
        n = n < f.held.n - at ? n : f.held.n - at;
        client_send(&f.c, f.held.p + at, n);
    }
    f.held.n = 0;
    f.is_held = 0;
    while (f.n_pongs < N)
        ck_assert(frames_next(&f));
    frames_serves(&f);
    frames_close(&f);
}
END_TEST

/* ---- 4.2: sizes ----------------------------------------------------------*/

START_TEST(data_may_be_as_long_as_is_said)
{
    struct frames f = frames_open(&s);
    uint32_t n = f.peer[FRAMES_MAX_FRAME_SIZE];
    struct answer a;

    if (n > 65535)
        n = 65535;
    frames_post(&f, 1, "/echo", "");
    frames_data(&f, 1, FRAMES_END_STREAM, zeros, n);
    a = frames_answer(&f, 1);
    ck_assert_int_eq(a.status, 200);
    ck_assert_uint_eq(a.n, n);
    answer_free(&a);
    frames_close(&f);
}
END_TEST

START_TEST(longer_data_is_an_error)
{
    struct frames f = frames_open(&s);
    uint32_t n = f.peer[FRAMES_MAX_FRAME_SIZE];

    ck_assert_uint_lt(n, sizeof zeros);
    frames_post(&f, 1, "/echo", "");
    frames_data(&f, 1, 0, zeros, n + 1);
    frames_refused(&f, 1, FRAMES_FRAME_SIZE_ERROR);
}
END_TEST

/* Whatever it is: the length alone tells. */
START_TEST(any_longer_frame_that_concerns_the_connection_is_its_end)
{
    static const unsigned types[] = {FRAMES_HEADERS, FRAMES_SETTINGS,
                                     FRAMES_PING, FRAMES_GOAWAY,
                                     FRAMES_WINDOW_UPDATE};

    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        struct frames f = frames_open(&s);
        frames_send_as(&f, f.peer[FRAMES_MAX_FRAME_SIZE] + 1, types[i], 0,
                       types[i] == FRAMES_HEADERS, zeros, 100);
        frames_ended(&f, FRAMES_FRAME_SIZE_ERROR);
    }
}
END_TEST

START_TEST(a_length_of_sixteen_million_costs_nothing)
{
    for (unsigned type = 0; type <= 20; type++) {
        struct frames f = frames_open(&s);
        frames_post(&f, 1, "/echo", "");
        frames_send_as(&f, 0xffffff, type, 0, type % 2, zeros, 1000);
        shutdown(f.c.fd, SHUT_WR);
        while (frames_next(&f))
            continue;
        frames_close(&f);
    }
}
END_TEST

/* ---- 4.3: blocks of fields -----------------------------------------------*/

/* A request whose block is in two pieces, cut at n. */
static void
cut_block(struct frames *f, const struct bytes *block, size_t n)
{
    uint32_t stream = f->next;

    frames_send(f, FRAMES_HEADERS, FRAMES_END_STREAM, stream, block->p, n);
    frames_send(f, FRAMES_CONTINUATION, FRAMES_END_HEADERS, stream,
                block->p + n, block->n - n);
    frames_take(f, stream, 200, "abcde");
}

START_TEST(a_block_may_be_cut_at_every_byte)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5") "x-a: plain\n");
    hpack_fields(&block, HPACK_PLAIN | HPACK_HUFFMAN, "x-b: huffman\n");
    hpack_fields(&block, HPACK_ADD | HPACK_HUFFMAN, "x-c: indexed\n");
    for (size_t n = 0; n <= block.n; n++)
        cut_block(&f, &block, n);
    bytes_free(&block);
    frames_close(&f);
}
END_TEST

/* Eight: that no more are taken is of h2_abuse.c. */
START_TEST(a_block_may_be_in_many_pieces)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    frames_send(&f, FRAMES_HEADERS, FRAMES_END_STREAM, 1, "", 0);
    for (size_t i = 0; i < 6; i++)
        frames_send(&f, FRAMES_CONTINUATION, 0, 1, block.p + i, 1);
    frames_send(&f, FRAMES_CONTINUATION, 0, 1, block.p + 6, block.n - 6);
    frames_send(&f, FRAMES_CONTINUATION, FRAMES_END_HEADERS, 1, "", 0);
    frames_take(&f, 1, 200, "abcde");
    bytes_free(&block);
    frames_close(&f);
}
END_TEST

/* Also of another stream, and of a type that is not known (5.5). */
START_TEST(nothing_comes_between_the_pieces_of_a_block)
{
    static const struct {
        unsigned type, flags;
        uint32_t stream;
        size_t n;
    } between[] = {
        {FRAMES_DATA, 0, 1, 5},
        {FRAMES_HEADERS, 4, 3, 5},
        {FRAMES_HEADERS, 4, 1, 5},
        {FRAMES_PRIORITY, 0, 1, 5},
        {FRAMES_RST_STREAM, 0, 1, 4},
        {FRAMES_SETTINGS, 0, 0, 0},
        {FRAMES_PING, 0, 0, 8},
        {FRAMES_GOAWAY, 0, 0, 8},
        {FRAMES_WINDOW_UPDATE, 0, 0, 4},
        {FRAMES_CONTINUATION, 4, 3, 5},
        {FRAMES_CONTINUATION, 4, 0, 5},
        {0x77, 0, 0, 5},
        {0x77, 0, 1, 5},
        {FRAMES_PRIORITY_UPDATE, 0, 0, 5},
    };

    for (size_t i = 0; i < sizeof between / sizeof between[0]; i++) {
        struct frames f = frames_open(&s);
        struct bytes block = {0};
        hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
        frames_send(&f, FRAMES_HEADERS, FRAMES_END_STREAM, 1, block.p, 9);
        frames_send(&f, between[i].type, between[i].flags, between[i].stream,
                    zeros, between[i].n);
        frames_send(&f, FRAMES_CONTINUATION, FRAMES_END_HEADERS, 1, block.p + 9,
                    block.n - 9);
        bytes_free(&block);
        frames_ended(&f, FRAMES_PROTOCOL_ERROR);
    }
}
END_TEST

START_TEST(a_continuation_continues_something)
{
    struct frames f;

    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_CONTINUATION, 4, 1, 5);
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_CONTINUATION, 4, 0, 5);
    f = frames_open(&s);
    frames_post(&f, 1, "/echo", "");
    frames_send(&f, FRAMES_CONTINUATION, FRAMES_END_HEADERS, 1, "", 0);
    frames_ended(&f, FRAMES_PROTOCOL_ERROR);
    f = frames_open(&s);
    frames_post(&f, 1, "/echo", "");
    frames_data(&f, 1, 0, "a", 1);
    frames_send(&f, FRAMES_CONTINUATION, FRAMES_END_HEADERS, 1, "", 0);
    frames_ended(&f, FRAMES_PROTOCOL_ERROR);
}
END_TEST

/* Its block is read all the same: what it adds to the table is there. */
START_TEST(a_request_that_is_refused_leaves_the_table_as_it_should)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0}, next = {0};

    hpack_fields(&block, HPACK_ADD, ":path: /mem/5\nX-BAD: 1\n");
    frames_block(&f, 1, FRAMES_END_STREAM, &block);
    frames_sync(&f);
    hpack_fields(&next, HPACK_PLAIN, ":method: GET\n:scheme: http\n");
    hpack_indexed(&next, 63); /* the older of the two */
    hpack_fields(&next, HPACK_PLAIN, ":authority: x\n");
    frames_block(&f, 3, FRAMES_END_STREAM, &next);
    frames_take(&f, 3, 200, "abcde");
    bytes_free(&block);
    bytes_free(&next);
    frames_close(&f);
}
END_TEST

UNIT_MAIN_IN(begin, end, h2_frames, a_request_may_follow_the_preface_at_once,
             a_connection_may_be_cut_at_every_byte, all_of_it_may_drip,
             settings_come_first, an_acknowledgment_is_no_beginning,
             another_preface_is_the_end, a_preface_that_is_cut_is_no_request,
             http_1_is_spoken_beside_it, an_upgrade_to_it_is_not_offered,
             it_is_not_spoken_unless_it_is_asked_for,
             frames_of_unknown_types_are_ignored,
             flags_without_a_meaning_are_ignored, the_reserved_bit_is_ignored,
             frames_may_end_anywhere_in_a_segment,
             data_may_be_as_long_as_is_said, longer_data_is_an_error,
             any_longer_frame_that_concerns_the_connection_is_its_end,
             a_length_of_sixteen_million_costs_nothing,
             a_block_may_be_cut_at_every_byte, a_block_may_be_in_many_pieces,
             nothing_comes_between_the_pieces_of_a_block,
             a_continuation_continues_something,
             a_request_that_is_refused_leaves_the_table_as_it_should)
