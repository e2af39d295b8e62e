/* SPDX-License-Identifier: BSD-2-Clause */
/* streamed.c - whatever pieces an answer is written in, and whatever the kernel
 * takes of it at a time: what arrives is framed, and is what was written.
 *
 * The kernel is played by the test, which takes what it likes.
 * tags: asan */
/* ldflags: -Wl,--wrap=out_flush,--wrap=out_yield,--wrap=conn_close */
#include "conn/streamed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "conn/conn.h"
#include "conn/env.h"
#include "conn/out.h"
#include "http/req.h"
#include "proto/chunked.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define WIRE_MAX (16u << 20)
#define CHUNK_MAX 0xffffu

static struct env env;
static struct metrics metrics;
static struct conn conn;
static struct req *r;
static uint32_t seed; /* of what is random */

/* What has left. */
static char *wire;
static size_t n_wire;
static size_t in_flight; /* of the block */
static int takes_all, fails, n_yields;

static uint32_t
any(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)seed * below) >> 32);
}

/* ---- the kernel ----------------------------------------------------------*/

int __wrap_out_flush(struct conn *c);
int __wrap_out_yield(struct conn *c);
void __wrap_conn_close(struct conn *c);

static void
leave(const char *p, size_t n)
{
    ck_assert_uint_le(n_wire + n, WIRE_MAX);
    memcpy(wire + n_wire, p, n);
    n_wire += n;
}

/* The first n bytes of the block leave. */
static void
take(struct conn *c, size_t n)
{
    leave(c->out->data + c->out->start, n);
    out_sent(c, n);
}

int
__wrap_out_flush(struct conn *c)
{
    size_t n = c->out ? c->out->end - c->out->start : 0, k;

    ck_assert(!out_is_pending(c));
    ck_assert_uint_eq(r->resp.at, UINT32_MAX); /* no chunk is open */
    if (fails)
        return -EPIPE;
    k = takes_all || any(3) == 0 ? n : any((uint32_t)n + 1);
    if (k > 0)
        take(c, k);
    if (k == n) {
        out_free(c);
        return OUT_DONE;
    }
    in_flight = n - k;
    c->out->waits = OUT_WAITS_SENT;
    return OUT_PENDING;
}

int
__wrap_out_yield(struct conn *c)
{
    n_yields++;
    if (!c->out && !out_room(c, 1))
        return -ENOMEM;
    c->out->waits = OUT_WAITS_WRITABLE;
    return OUT_PENDING;
}

void
__wrap_conn_close(struct conn *c)
{
    c->phase = CONN_CLOSED;
}

/* What was pending is no more. */
static void
arrive(void)
{
    if (!out_is_pending(&conn))
        return;
    if (conn.out->waits == OUT_WAITS_SENT)
        take(&conn, in_flight);
    else
        out_writable(&conn);
    in_flight = 0;
}

/* ---- who writes ----------------------------------------------------------*/

static void
begin(uint32_t write_buffer, uint32_t version, uint64_t length)
{
    env = (struct env){.metrics = &metrics};
    env.limits.write_buffer = write_buffer;
    blocks_init(&env.blocks, 1 << 22);
    memset(r, 0, REQ_SLOT_BYTES);
    arena_init(&r->arena, r + 1, REQ_SLOT_BYTES - sizeof *r, &env.blocks,
               1 << 22);
    resp_init(&r->resp);
    resp_write(&r->resp, 200, (et_str){NULL, 0}, length);
    r->pub.method = ET_M_GET;
    r->head.version = (uint8_t)version;
    conn = (struct conn){.env = &env, .req = r, .phase = CONN_WAIT};
    n_wire = in_flight = 0;
    takes_all = fails = n_yields = 0;
    streamed_begin(&conn);
}

static void
end(void)
{
    out_free(&conn);
    segment_clear(&r->resp.body);
    arena_reset(&r->arena);
    blocks_fini(&env.blocks);
}

static char
byte_at(size_t i)
{
    return (char)(i * 2654435761u >> 24);
}

/* What a block is to have room for; it is of the next power of two. */
static uint32_t
block_bytes(void)
{
    return (uint32_t)sizeof(struct out) + env.limits.write_buffer;
}

/* n more bytes, as http/writer.c writes them: 0, or why not. */
static int64_t
put(size_t at, size_t n)
{
    static char piece[1 << 18];
    int64_t k;

    ck_assert_uint_le(n, sizeof piece);
    for (size_t i = 0; i < n; i++)
        piece[i] = byte_at(at + i);
    for (size_t done = 0; done < n; done += (size_t)k) {
        while ((k = streamed_write(&conn, piece + done, n - done)) == -EAGAIN)
            arrive();
        if (k < 0)
            return k;
        ck_assert_int_gt(k, 0);
        ck_assert_uint_lt(conn.out->cap, 2 * block_bytes());
    }
    return 0;
}

static int64_t
flush(void)
{
    int64_t k;

    while ((k = streamed_write(&conn, NULL, 0)) == -EAGAIN)
        arrive();
    if (k == 0)
        ck_assert(!out_has_bytes(&conn));
    return k;
}

/* The step waits: what there is goes, as far as it does. */
static void
pause_(void)
{
    streamed_seal(&conn);
    if (!out_is_pending(&conn))
        ck_assert_int_ge(__wrap_out_flush(&conn), 0);
}

static void
finish(void)
{
    const struct segment *s;

    ck_assert_int_eq(streamed_end(&conn, 1), 0);
    arrive();
    if (out_has_bytes(&conn))
        take(&conn, conn.out->end - conn.out->start);
    while ((s = segment_peek(&r->resp.body)) != NULL) {
        leave(s->p, s->n);
        r->resp.sent_bytes += s->n;
        segment_consume(&r->resp.body, s->n);
    }
}

/* ---- who reads -----------------------------------------------------------*/

/* How many of n bytes, the first of which is byte_at(at), are right. */
static size_t
same(const char *p, size_t n, size_t at)
{
    size_t i = 0;

    while (i < n && p[i] == byte_at(at + i))
        i++;
    return i;
}

static void
expect_bytes(size_t n)
{
    ck_assert_uint_eq(n_wire, n);
    ck_assert_uint_eq(same(wire, n, 0), n);
}

/* n bytes in chunks, and these lines behind them. */
static void
expect_chunks(size_t n, const char *trailers)
{
    struct chunked d;
    size_t at = 0, got = 0, used;
    char lines[200] = "";
    int rc = CHUNKED_MORE;

    chunked_init(&d, UINT64_MAX, 1000);
    while (rc != CHUNKED_DONE) {
        size_t feed = 1 + any(5000);
        et_str data;
        ck_assert_uint_lt(at, n_wire);
        rc =
            chunked_next(&d, wire + at, feed < n_wire - at ? feed : n_wire - at,
                         &used, &data);
        ck_assert_int_ge(rc, 0);
        ck_assert_uint_le(d.left, CHUNK_MAX);
        at += used;
        if (d.trailer.n)
            strncat(lines, d.trailer.p, d.trailer.n);
        if (rc != CHUNKED_DATA)
            continue;
        ck_assert_uint_eq(same(data.p, data.n, got), data.n);
        got += data.n;
    }
    ck_assert_uint_eq(at, n_wire);
    ck_assert_uint_eq(got, n);
    ck_assert_str_eq(lines, trailers);
}

/* ---- tests ---------------------------------------------------------------*/

/* Around the edges more often than elsewhere. */
static size_t
any_size(void)
{
    uint32_t room = 1024;

    while (room < block_bytes())
        room *= 2;
    room -= (uint32_t)sizeof(struct out);
    switch (any(8)) {
    case 0: return 1;
    case 1: return 1 + any(16);
    case 2: return (size_t)room - 16 + any(24);
    case 3: return (size_t)room / 2 - 16 + any(32);
    case 4: return CHUNK_MAX - 16 + any(32);
    case 5: return 1 + any(200000);
    default: return 1 + any(3000);
    }
}

static size_t
write_anyhow(void)
{
    size_t n = 0;

    for (uint32_t i = any(40); i > 0 && n < 1 << 19; i--) {
        size_t k = any_size();
        ck_assert_int_eq(put(n, k), 0);
        n += k;
        if (any(4) == 0)
            ck_assert_int_eq(flush(), 0);
        if (any(4) == 0)
            pause_();
        if (any(2) == 0)
            arrive();
    }
    return n;
}

static uint32_t
any_buffer(void)
{
    static const uint32_t usual[] = {1024, 4096, 16384, 65536};

    return any(2) ? usual[any(4)] : 1024 + any(65536 - 1024);
}

START_TEST(in_chunks_it_is_what_was_written)
{
    static const et_str name = {"X-Sum", 5}, value = {"7", 1};

    for (seed = 1; seed < 600 * 2654435u; seed += 2654435u) {
        uint32_t was = seed;
        int has_trailer;
        size_t n;
        begin(any_buffer(), 11, RESP_ANY_LENGTH);
        ck_assert_int_eq(r->resp.framing, STREAMED_CHUNKED);
        ck_assert(!conn.closes);
        n = write_anyhow();
        has_trailer = any(3) == 0;
        if (has_trailer)
            ck_assert_int_eq(resp_trailer(&r->resp, &r->arena, name, value), 0);
        finish();
        expect_chunks(n, has_trailer ? "X-Sum: 7\r\n" : "");
        ck_assert_uint_eq(r->resp.sent_bytes, n);
        end();
        seed = was;
    }
}
END_TEST

START_TEST(of_a_length_or_to_the_end_it_is_just_that)
{
    for (seed = 1; seed < 600 * 2654435u; seed += 2654435u) {
        uint32_t was = seed;
        int is_counted = any(2);
        size_t n;
        begin(any_buffer(), is_counted ? 11 : 10,
              is_counted ? 1u << 24 : RESP_ANY_LENGTH);
        ck_assert_int_eq(r->resp.framing,
                         is_counted ? STREAMED_COUNTED : STREAMED_CLOSED);
        ck_assert_int_eq(conn.closes, !is_counted);
        n = write_anyhow();
        if (is_counted) {
            ck_assert_uint_eq(r->resp.left, (1u << 24) - n);
            r->resp.left = 0;
        }
        finish();
        expect_bytes(n);
        ck_assert_uint_eq(r->resp.sent_bytes, n);
        end();
        seed = was;
    }
}
END_TEST

/* Two pieces, the edge of the block at each place in the second one. */
START_TEST(at_each_place_of_a_block)
{
    for (uint32_t size = 1024; size <= 2048; size += 1024) {
        for (size_t k = 1; k < 2 * size + 64; k++) {
            seed = (uint32_t)k;
            begin(size, 11, RESP_ANY_LENGTH);
            ck_assert_int_eq(put(0, k), 0);
            ck_assert_int_eq(put(k, 40), 0);
            if (k & 1)
                pause_();
            ck_assert_int_eq(put(k + 40, 1), 0);
            finish();
            expect_chunks(k + 41, "");
            end();
        }
    }
}
END_TEST

START_TEST(small_pieces_share_a_chunk)
{
    begin(16384, 11, RESP_ANY_LENGTH);
    takes_all = 1;
    for (size_t i = 0; i < 100; i++)
        ck_assert_int_eq(put(i, 1), 0);
    finish();
    ck_assert_int_eq(memcmp(wire, "0064\r\n", 6), 0);
    ck_assert_uint_eq(n_wire, 6 + 100 + 2 + 5);
    end();
}
END_TEST

START_TEST(no_more_than_was_promised)
{
    begin(4096, 11, 10);
    ck_assert_int_eq(put(0, 11), -EINVAL);
    ck_assert_int_eq(put(0, 9), 0);
    ck_assert_int_eq(put(9, 2), -EINVAL);
    ck_assert_int_eq(streamed_end(&conn, 1), ERR_LIMIT);
    end();
    begin(4096, 11, RESP_ANY_LENGTH);
    ck_assert_int_eq(put(0, 9), 0);
    ck_assert_int_eq(streamed_end(&conn, 0), ERR_LIMIT); /* given up */
    ck_assert_ptr_null(segment_peek(&r->resp.body));
    end();
}
END_TEST

START_TEST(where_no_body_goes_none_is_taken)
{
    static const uint16_t without[] = {204, 205, 304};

    for (size_t i = 0; i < 4; i++) {
        begin(4096, 11, RESP_ANY_LENGTH);
        if (i < 3)
            r->resp.status = without[i];
        else
            r->pub.method = ET_M_HEAD;
        streamed_begin(&conn);
        ck_assert_int_eq(r->resp.is_bare, 1);
        ck_assert_int_eq(put(0, 1), -ENOTCONN);
        ck_assert_int_eq(flush(), -ENOTCONN);
        ck_assert_int_eq(streamed_end(&conn, 1), 0);
        ck_assert_ptr_null(segment_peek(&r->resp.body));
        end();
    }
}
END_TEST

START_TEST(others_get_their_turn)
{
    begin(16384, 11, RESP_ANY_LENGTH);
    takes_all = 1;
    for (size_t n = 0; n < 10u << 20; n += 100000)
        ck_assert_int_eq(put(n, 100000), 0);
    ck_assert_int_ge(n_yields, 9);
    ck_assert_int_le(n_yields, 10);
    end();
}
END_TEST

START_TEST(a_send_that_fails_is_the_end)
{
    begin(4096, 11, RESP_ANY_LENGTH);
    ck_assert_int_eq(put(0, 10), 0);
    fails = 1;
    ck_assert_int_eq(flush(), -ENOTCONN);
    ck_assert_int_eq(conn.phase, CONN_CLOSED);
    ck_assert_int_eq(put(10, 10), -ENOTCONN);
    end();
}
END_TEST

START_TEST(without_memory_nobody_takes_it)
{
    begin(65536, 11, RESP_ANY_LENGTH);
    blocks_fini(&env.blocks);
    blocks_init(&env.blocks, 0);
    ck_assert_int_eq(put(0, 10), -ENOTCONN);
    ck_assert_int_eq(n_wire, 0);
    end();
}
END_TEST

static void
set_up(void)
{
    wire = malloc(WIRE_MAX);
    r = aligned_alloc(64, REQ_SLOT_BYTES);
    ck_assert(wire && r);
}

static void
tear_down(void)
{
    free(wire);
    free(r);
}

UNIT_MAIN_IN(set_up, tear_down, streamed, in_chunks_it_is_what_was_written,
             of_a_length_or_to_the_end_it_is_just_that,
             at_each_place_of_a_block, small_pieces_share_a_chunk,
             no_more_than_was_promised, where_no_body_goes_none_is_taken,
             others_get_their_turn, a_send_that_fails_is_the_end,
             without_memory_nobody_takes_it)
