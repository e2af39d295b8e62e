/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_fields.c - HTTP/2's compression of fields: every way to write one is read,
 * and what is no way is the end of the connection (RFC 7541).
 * tags: epoll asan tls */
#include <stdio.h>
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

#define START ":method: GET\n:scheme: http\n:authority: x\n"

/* A request of that block is answered by /mem/5; the block is empty then. */
static void
is_read(struct frames *f, struct bytes *block)
{
    uint32_t stream = f->next;

    frames_block(f, stream, FRAMES_END_STREAM, block);
    frames_take(f, stream, 200, "abcde");
    block->n = 0;
}

/* A request and these bytes in its block end the connection. */
static void
is_the_end(const char *p, size_t n)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    bytes_put(&block, p, n);
    frames_block(&f, 1, FRAMES_END_STREAM, &block);
    bytes_free(&block);
    frames_ended(&f, FRAMES_COMPRESSION_ERROR);
}
#define IS_THE_END(text) is_the_end(text, sizeof text - 1)

/* ---- every way to write a field ------------------------------------------*/

START_TEST(literals_may_be_written_in_each_way)
{
    static const int hows[] = {HPACK_PLAIN, HPACK_NEVER, HPACK_ADD};
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    for (size_t i = 0; i < 6; i++) {
        int how = hows[i % 3] | (i < 3 ? 0 : HPACK_HUFFMAN);
        hpack_fields(&block, how, FRAMES_GET("/mem/5") "x-field: value\n");
        is_read(&f, &block);
        hpack_indexed(&block, 2);
        hpack_indexed(&block, 6);
        hpack_named(&block, how, 4, "/mem/5"); /* :path */
        hpack_named(&block, how, 1, "x");
        is_read(&f, &block);
    }
    bytes_free(&block);
    frames_close(&f);
}
END_TEST

START_TEST(all_of_the_static_table_can_be_named)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    for (uint64_t index = 15; index <= 61; index++) {
        if (index == 28 || index == 35 || index == 38 || index == 57)
            continue; /* content-length, expect, host, transfer-encoding */
        hpack_fields(&block, HPACK_PLAIN, START ":path: /mem/5\n");
        hpack_named(&block, HPACK_PLAIN, index, "1");
        is_read(&f, &block);
    }
    bytes_free(&block);
    frames_close(&f);
}
END_TEST

START_TEST(what_was_added_can_be_named)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    hpack_fields(&block, HPACK_PLAIN, START);
    hpack_field(&block, HPACK_ADD, ":path", "/mem/5");
    is_read(&f, &block);
    for (int i = 0; i < 3; i++) {
        hpack_fields(&block, HPACK_PLAIN, START);
        hpack_indexed(&block, 62);
        is_read(&f, &block);
        hpack_fields(&block, HPACK_PLAIN, START);
        hpack_named(&block, HPACK_PLAIN, 62, "/mem/5");
        is_read(&f, &block);
    }
    bytes_free(&block);
    frames_close(&f);
}
END_TEST

/* 4,096 bytes: 64 of 62 bytes and 2, the oldest of which go. */
START_TEST(the_oldest_make_room)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};
    char value[32];

    hpack_fields(&block, HPACK_PLAIN, START);
    hpack_field(&block, HPACK_ADD, ":path", "/mem/5"); /* 43 bytes */
    for (int i = 0; i < 65; i++) {
        snprintf(value, sizeof value, "%025d", i);
        hpack_field(&block, HPACK_ADD, "x-abc", value); /* 62 bytes */
    }
    is_read(&f, &block); /* 4,073 */
    hpack_fields(&block, HPACK_PLAIN, START);
    hpack_indexed(&block, 62 + 65);
    is_read(&f, &block);
    hpack_fields(&block, HPACK_PLAIN, START ":path: /mem/5\n");
    hpack_field(&block, HPACK_ADD, "x-abc", "1"); /* 38: too much */
    is_read(&f, &block);
    hpack_fields(&block, HPACK_PLAIN, START);
    hpack_indexed(&block, 62 + 66);
    frames_block(&f, f.next, FRAMES_END_STREAM, &block);
    bytes_free(&block);
    frames_ended(&f, FRAMES_COMPRESSION_ERROR);
}
END_TEST

/* Larger than the table: it is read, and the table is empty (4.4). */
START_TEST(a_field_that_is_too_large_empties_the_table)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};
    static char value[4100];

    memset(value, 'v', sizeof value - 1);
    hpack_fields(&block, HPACK_PLAIN, START);
    hpack_field(&block, HPACK_ADD, ":path", "/mem/5");
    hpack_field(&block, HPACK_ADD, "x", value);
    is_read(&f, &block);
    hpack_fields(&block, HPACK_PLAIN, START);
    hpack_indexed(&block, 62);
    frames_block(&f, f.next, FRAMES_END_STREAM, &block);
    bytes_free(&block);
    frames_ended(&f, FRAMES_COMPRESSION_ERROR);
}
END_TEST

/* Every byte a value may have, in Huffman's code. */
START_TEST(huffman_s_code_is_that_of_the_rfc)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};
    char value[2] = {0};

    for (int c = 0x21; c < 256; c++)
        if (c != 0x7f) {
            hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
            value[0] = (char)c;
            hpack_field(&block, HPACK_PLAIN | HPACK_HUFFMAN, "x", value);
            is_read(&f, &block);
        }
    hpack_fields(&block, HPACK_PLAIN | HPACK_HUFFMAN,
                 ":method: GET\n:scheme: http\n:path: /request\n"
                 ":authority: x\nx-long: The quick brown fox, 0123456789 "
                 "{jumps} <over> the lazy dog?!~\n");
    frames_block(&f, f.next, FRAMES_END_STREAM, &block);
    bytes_free(&block);
    {
        struct answer a = frames_answer(&f, f.next - 2);
        unit_has(a.body, "x-long: The quick brown fox, 0123456789 {jumps} "
                         "<over> the lazy dog?!~\n");
        answer_free(&a);
    }
    frames_close(&f);
}
END_TEST

START_TEST(integers_may_be_longer_than_they_need_be)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    bytes_put(&block, "\0\x7f\x81\x80\x80\0", 6); /* a name of 128 bytes */
    for (int i = 0; i < 128; i++)
        bytes_put(&block, "n", 1);
    bytes_put(&block, "\1v", 2);
    is_read(&f, &block);
    bytes_free(&block);
    frames_close(&f);
}
END_TEST

/* ---- the size of the table -----------------------------------------------*/

START_TEST(a_smaller_table_forgets)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    hpack_fields(&block, HPACK_PLAIN, START);
    hpack_field(&block, HPACK_ADD, ":path", "/mem/5");
    is_read(&f, &block);
    hpack_size(&block, 0);
    hpack_size(&block, 100); /* two at most are needed, 4.2 */
    hpack_fields(&block, HPACK_PLAIN, START);
    hpack_field(&block, HPACK_ADD, ":path", "/mem/5");
    is_read(&f, &block);
    hpack_fields(&block, HPACK_PLAIN, START);
    hpack_indexed(&block, 62);
    is_read(&f, &block);
    hpack_size(&block, 42); /* the field has 43 */
    hpack_fields(&block, HPACK_PLAIN, START);
    hpack_indexed(&block, 62);
    frames_block(&f, f.next, FRAMES_END_STREAM, &block);
    bytes_free(&block);
    frames_ended(&f, FRAMES_COMPRESSION_ERROR);
}
END_TEST

START_TEST(a_table_may_be_as_large_as_is_said)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    hpack_size(&block, f.peer[FRAMES_HEADER_TABLE_SIZE]);
    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    is_read(&f, &block);
    hpack_size(&block, f.peer[FRAMES_HEADER_TABLE_SIZE] + 1);
    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    frames_block(&f, f.next, FRAMES_END_STREAM, &block);
    bytes_free(&block);
    frames_ended(&f, FRAMES_COMPRESSION_ERROR);
}
END_TEST

START_TEST(a_size_comes_before_all_fields)
{
    IS_THE_END("\x20");
    IS_THE_END("\x3f\x01");
    IS_THE_END("\x20\0\1a\1b");
}
END_TEST

START_TEST(a_size_without_a_bound_is_the_end)
{
    struct frames f = frames_open(&s);

    frames_send(&f, FRAMES_HEADERS, FRAMES_END_HEADERS | FRAMES_END_STREAM, 1,
                "\x3f\xff\xff\xff\xff\xff\xff\xff\x7f", 9);
    frames_ended(&f, FRAMES_COMPRESSION_ERROR);
}
END_TEST

/* 4.2: what we say of the table that we keep is what the server goes by, and
 * it says so before the next block. */
START_TEST(the_table_we_keep_is_as_small_as_we_say)
{
    static const uint32_t none[][2] = {{FRAMES_HEADER_TABLE_SIZE, 0}};
    struct frames f = frames_open_with(&s, 1, none);

    for (int i = 0; i < 5; i++)
        frames_serves(&f);
    ck_assert_uint_eq(f.table.n, 0);
    ck_assert_uint_eq(f.table.most, 0);
    frames_setting(&f, FRAMES_HEADER_TABLE_SIZE, 100);
    frames_settle(&f);
    for (int i = 0; i < 5; i++)
        frames_serves(&f);
    ck_assert_uint_le(f.table.size, 100);
    frames_setting(&f, FRAMES_HEADER_TABLE_SIZE, 10);
    frames_setting(&f, FRAMES_HEADER_TABLE_SIZE, 4096);
    frames_settle(&f);
    for (int i = 0; i < 5; i++)
        frames_serves(&f);
    frames_close(&f);
}
END_TEST

/* ---- errors --------------------------------------------------------------*/

START_TEST(there_is_no_field_of_number_0)
{
    IS_THE_END("\x80");
}
END_TEST

START_TEST(there_is_no_field_beyond_the_table)
{
    IS_THE_END("\xbe");                     /* 62 */
    IS_THE_END("\xff\x80\x01");             /* 255 */
    IS_THE_END("\x7e\1v");                  /* 62, as a name, to be added */
    IS_THE_END("\x0f\x2f\1v");              /* 62, as a name */
    IS_THE_END("\x1f\x2f\1v");              /* and never to be */
    IS_THE_END("\xff\xff\xff\xff\xff\x07"); /* two thousand million */
}
END_TEST

START_TEST(an_integer_has_an_end)
{
    IS_THE_END("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff");
    IS_THE_END("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f");
    IS_THE_END("\0\x7f\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
               "a");
    IS_THE_END("\xff\xff\xff\xff\xff\x10");
    IS_THE_END("\xff\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80");
}
END_TEST

/* ... is one byte, or so many, of a block that has no more. */
START_TEST(what_is_cut_is_the_end)
{
    IS_THE_END("\xff");
    IS_THE_END("\xff\x80");
    IS_THE_END("\x40");
    IS_THE_END("\0\5abcd");
    IS_THE_END("\0\5abcde");
    IS_THE_END("\0\1a\x7f");
    IS_THE_END("\0\1a\5bcde");
    IS_THE_END("\x0f");
    IS_THE_END("\x10\x7f\xff\xff\x03"
               "a");
    IS_THE_END("\0\x83\x1f\xff");
}
END_TEST

/* A request is cut at each byte of its block. */
START_TEST(a_block_that_is_cut_is_no_request)
{
    struct bytes block = {0};

    hpack_fields(&block, HPACK_PLAIN, ":method: GET\n:scheme: http\n");
    hpack_fields(&block, HPACK_ADD | HPACK_HUFFMAN, ":path: /mem/5\n");
    hpack_named(&block, HPACK_PLAIN, 1, "x");
    for (size_t n = 1; n < block.n; n++) {
        struct frames f = frames_open(&s);
        struct bytes cut = {.p = block.p, .n = n};
        frames_block(&f, 1, FRAMES_END_STREAM, &cut);
        while (f.goaway <= 0 && frames_stream(&f, 1)->reset < 0 &&
               !frames_stream(&f, 1)->is_ended)
            ck_assert(frames_next(&f));
        ck_assert(frames_stream(&f, 1)->status == 0 ||
                  frames_stream(&f, 1)->status / 100 == 4);
        frames_close(&f);
    }
    bytes_free(&block);
}
END_TEST

/* 5.2: a string ends with less than eight bits, ones, and without the symbol
 * that means its end. */
START_TEST(huffman_s_padding_is_ones_and_short)
{
    IS_THE_END("\0\x81\x1e\1v");     /* 'a', then 110 */
    IS_THE_END("\0\x81\x18\1v");     /* 'a', then 000 */
    IS_THE_END("\0\x82\x1f\xff\1v"); /* 'a', then eleven ones */
    IS_THE_END("\0\x81\xff\1v");     /* nothing but eight */
    IS_THE_END("\0\x84\xff\xff\xff\xff\1v");
    IS_THE_END("\0\1n\x82\x1f\xff");
    IS_THE_END("\0\1n\x81\x1e");
}
END_TEST

START_TEST(huffman_s_end_is_not_in_a_string)
{
    IS_THE_END("\0\1n\x84\xff\xff\xff\xfc");
    IS_THE_END("\0\1n\x84\xff\xff\xff\xff");
    IS_THE_END("\0\1n\x85\x1f\xff\xff\xff\xe3");
}
END_TEST

/* Whatever bytes: never a crash, and the next connection is served. */
START_TEST(any_bytes_are_a_block_or_the_end)
{
    unsigned seed = 12345;

    for (int i = 0; i < 300; i++) {
        struct frames f = frames_open(&s);
        char p[64];
        for (size_t k = 0; k < sizeof p; k++) {
            seed = seed * 1103515245 + 12345;
            p[k] = (char)(seed >> 16);
        }
        frames_send(&f, FRAMES_HEADERS, FRAMES_END_HEADERS | FRAMES_END_STREAM,
                    1, p, 1 + (size_t)i % sizeof p);
        frames_ping(&f, "12345678");
        while (f.n_pongs == 0 && frames_next(&f))
            continue;
        ck_assert(f.goaway <= 0 || f.goaway == FRAMES_COMPRESSION_ERROR ||
                  f.goaway == FRAMES_PROTOCOL_ERROR);
        frames_close(&f);
    }
}
END_TEST

UNIT_MAIN_IN(begin, end, h2_fields, literals_may_be_written_in_each_way,
             all_of_the_static_table_can_be_named, what_was_added_can_be_named,
             the_oldest_make_room, a_field_that_is_too_large_empties_the_table,
             huffman_s_code_is_that_of_the_rfc,
             integers_may_be_longer_than_they_need_be, a_smaller_table_forgets,
             a_table_may_be_as_large_as_is_said, a_size_comes_before_all_fields,
             a_size_without_a_bound_is_the_end,
             the_table_we_keep_is_as_small_as_we_say,
             there_is_no_field_of_number_0, there_is_no_field_beyond_the_table,
             an_integer_has_an_end, what_is_cut_is_the_end,
             a_block_that_is_cut_is_no_request,
             huffman_s_padding_is_ones_and_short,
             huffman_s_end_is_not_in_a_string, any_bytes_are_a_block_or_the_end)
