/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_floods.c - HTTP/2 frames that cost who sends them little and the server
 * something, without an end: it says ENHANCE_YOUR_CALM and closes, counts that,
 * needs no memory for them, and serves others meanwhile.
 * tags: epoll asan plain */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "t/lib/crowd.h"
#include "t/lib/frames.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

enum { MANY = 300000, BATCH = 100, STEPS = 20000, MORE_KIB = 16 << 10 };

static struct server s;
static struct crowd *crowd;
static long memory_kib;
static const char zeros[16384];

/* A line of /proc/PID/status. */
static long
status(const char *line)
{
    char path[64], text[4096] = "";
    const char *at;
    FILE *file;

    snprintf(path, sizeof path, "/proc/%d/status", (int)server_pid(&s));
    file = fopen(path, "re");
    ck_assert_ptr_nonnull(file);
    (void)!fread(text, 1, sizeof text - 1, file);
    fclose(file);
    at = strstr(text, line);
    ck_assert_ptr_nonnull(at);
    return atol(at + strlen(line));
}

static void
begin(void)
{
    struct frames f;

    server_start(&s, FRAMES_INI);
    crowd = crowd_start(s.port, 2, "GET /mem/5 HTTP/1.1\r\nHost: x\r\n\r\n",
                        "abcde", 0);
    f = frames_open(&s);
    frames_serves(&f);
    frames_close(&f);
    memory_kib = status("VmHWM:");
}

/* Nobody noticed anything, and it was not paid for with memory. */
static void
end(void)
{
    crowd_wait(crowd, 100);
    ck_assert_str_eq(crowd_end(crowd), "");
    if (!server_is_sanitized())
        ck_assert_int_le(status("VmHWM:"), memory_kib + MORE_KIB);
    ck_assert_int_eq(server_stop(&s), 0);
}

/* One of them, the nth. */
typedef void put_fn(struct frames *f, uint32_t n);

/* Send n, and read what comes meanwhile; or until the server takes no more. */
static void
pour(struct frames *f, put_fn *put, uint32_t n)
{
    int is_open = 1;

    for (uint32_t i = 0; i < n && is_open && f->goaway < 0;) {
        f->is_held = 1;
        for (int k = 0; k < BATCH; k++)
            put(f, i++);
        is_open = frames_flush(f, 5000) && frames_poll(f);
    }
}

/* The same, and behind each batch the server has seen all of it: no more
 * streams at a time than it lets. */
static void
pour_in_step(struct frames *f, put_fn *put, uint32_t n)
{
    for (uint32_t i = 0; i < n && f->goaway < 0;) {
        int pongs = f->n_pongs;
        f->is_held = 1;
        for (int k = 0; k < BATCH; k++)
            put(f, i++);
        frames_ping(f, "12345678");
        if (!frames_flush(f, 5000))
            break;
        while (f->n_pongs == pongs && f->goaway < 0 && frames_next(f))
            continue;
    }
}

/* What was poured is more than the server takes. */
static void
ends(struct frames *f, int before)
{
    (void)frames_take_goaway(f, FRAMES_ENHANCE_YOUR_CALM);
    ck_assert_msg(f->goaway == FRAMES_ENHANCE_YOUR_CALM, "GOAWAY %d, \"%s\"",
                  f->goaway, f->why);
    frames_ended(f, FRAMES_ENHANCE_YOUR_CALM);
    ck_assert_int_eq(tally_figure(&s, "h2_floods_total"), before + 1);
}

static void
flood_on(struct frames *f, put_fn *put)
{
    int before = tally_figure(&s, "h2_floods_total");

    pour(f, put, MANY);
    ends(f, before);
}

static void
flood(put_fn *put)
{
    struct frames f = frames_open(&s);

    flood_on(&f, put);
}

static void
flood_in_step(put_fn *put)
{
    struct frames f = frames_open(&s);
    int before = tally_figure(&s, "h2_floods_total");

    pour_in_step(&f, put, STEPS);
    ends(&f, before);
}

/* It is the end, or it does no harm. */
static void
flood_or_not(put_fn *put)
{
    struct frames f = frames_open(&s);

    pour(&f, put, MANY / 3);
    if (f.goaway > 0) {
        frames_ended(&f, FRAMES_ENHANCE_YOUR_CALM);
        return;
    }
    frames_serves(&f);
    frames_close(&f);
}

/* ---- requests that are taken back (CVE-2023-44487, CVE-2025-8671) --------*/

static void
put_request_and_reset(struct frames *f, uint32_t n)
{
    frames_get(f, 2 * n + 1, "/mem/1000");
    frames_reset(f, 2 * n + 1, FRAMES_CANCEL);
}

START_TEST(requests_are_not_taken_back_for_ever)
{
    flood(put_request_and_reset);
}
END_TEST

static void
put_post_and_reset(struct frames *f, uint32_t n)
{
    frames_post(f, 2 * n + 1, "/echo", "");
    frames_reset(f, 2 * n + 1, FRAMES_CANCEL);
}

START_TEST(nor_before_they_are_whole)
{
    flood(put_post_and_reset);
}
END_TEST

static void
put_request_and_error(struct frames *f, uint32_t n)
{
    frames_post(f, 2 * n + 1, "/echo", "content-length: 1\n");
    f->send += 2;
    frames_data(f, 2 * n + 1, FRAMES_END_STREAM, "xx", 2);
}

START_TEST(the_server_is_not_made_to_take_them_back)
{
    flood_in_step(put_request_and_error);
}
END_TEST

static void
put_malformed(struct frames *f, uint32_t n)
{
    frames_head(f, 2 * n + 1, FRAMES_END_STREAM, FRAMES_GET("/mem/5") "X: y\n");
}

START_TEST(malformed_requests_do_not_come_for_ever)
{
    flood_in_step(put_malformed);
}
END_TEST

static void
put_post(struct frames *f, uint32_t n)
{
    frames_post(f, 2 * n + 1, "/echo", "");
}

/* The first that is too much may be the end, as an error. */
START_TEST(requests_that_are_refused_do_not_come_for_ever)
{
    struct frames f = frames_open(&s);

    pour(&f, put_post, MANY);
    frames_ended(&f, FRAMES_ENHANCE_YOUR_CALM);
}
END_TEST

/* Some that a client which does not like the answers takes back are no
 * flood. */
START_TEST(some_may_be_taken_back)
{
    struct frames f = frames_open(&s);
    int before = tally_figure(&s, "h2_resets_total");

    for (uint32_t n = 0; n < 50; n++)
        put_post_and_reset(&f, n);
    frames_serves(&f);
    ck_assert_int_eq(tally_figure(&s, "h2_resets_total"), before + 50);
    frames_close(&f);
}
END_TEST

/* ---- blocks without an end (CVE-2024-27316) ------------------------------*/

static void
put_continuation(struct frames *f, uint32_t n)
{
    (void)n;
    frames_send(f, FRAMES_CONTINUATION, 0, 1, zeros, sizeof zeros / 8);
}

static void
put_empty_continuation(struct frames *f, uint32_t n)
{
    (void)n;
    frames_send(f, FRAMES_CONTINUATION, 0, 1, "", 0);
}

static void
put_fields_in_continuation(struct frames *f, uint32_t n)
{
    struct bytes block = {0};

    (void)n;
    hpack_fields(&block, HPACK_PLAIN, "x-field: value\nx-field: value\n");
    frames_send(f, FRAMES_CONTINUATION, 0, 1, block.p, block.n);
    bytes_free(&block);
}

/* A block, of which these are the rest. */
static void
flood_block(put_fn *put)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    frames_send(&f, FRAMES_HEADERS, FRAMES_END_STREAM, 1, block.p, block.n);
    bytes_free(&block);
    flood_on(&f, put);
}

START_TEST(a_block_has_an_end)
{
    flood_block(put_fields_in_continuation);
}
END_TEST

START_TEST(a_block_of_empty_frames_has_an_end)
{
    flood_block(put_empty_continuation);
}
END_TEST

/* Zeros are literals without a name, of which a library may make something
 * else. */
START_TEST(a_block_of_large_frames_has_an_end)
{
    struct frames f = frames_open(&s);
    struct bytes block = {0};

    hpack_fields(&block, HPACK_PLAIN, FRAMES_GET("/mem/5"));
    frames_send(&f, FRAMES_HEADERS, FRAMES_END_STREAM, 1, block.p, block.n);
    bytes_free(&block);
    pour(&f, put_continuation, MANY);
    while (f.goaway < 0 && frames_next(&f))
        ;
    ck_assert_int_ne(f.goaway, 0); /* an error, or no more than an end */
    frames_close(&f);
}
END_TEST

/* ---- frames that are answered, or begin nothing (CVE-2019-9511 to 9518) --*/

static void
put_ping(struct frames *f, uint32_t n)
{
    (void)n;
    frames_ping(f, "12345678");
}

START_TEST(pings_do_not_come_for_ever)
{
    flood(put_ping);
}
END_TEST

static void
put_settings(struct frames *f, uint32_t n)
{
    (void)n;
    frames_send(f, FRAMES_SETTINGS, 0, 0, "", 0);
}

START_TEST(settings_do_not_come_for_ever)
{
    flood(put_settings);
}
END_TEST

static void
put_data(struct frames *f, uint32_t n)
{
    (void)n;
    frames_send(f, FRAMES_DATA, 0, 1, "", 0);
}

static void
put_padding(struct frames *f, uint32_t n)
{
    (void)n;
    frames_send(f, FRAMES_DATA, FRAMES_PADDED, 1, "\0", 1);
}

START_TEST(empty_data_do_not_come_for_ever)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "");
    flood_on(&f, put_data);
}
END_TEST

START_TEST(nor_do_data_that_are_padding)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "");
    flood_on(&f, put_padding);
}
END_TEST

/* Without END_STREAM they are no trailers: each is malformed. */
static void
put_empty_headers(struct frames *f, uint32_t n)
{
    frames_send(f, FRAMES_HEADERS, FRAMES_END_HEADERS, 2 * n + 1, "", 0);
}

START_TEST(empty_headers_do_not_come_for_ever)
{
    flood_in_step(put_empty_headers);
}
END_TEST

static void
put_priority(struct frames *f, uint32_t n)
{
    frames_priority(f, 2 * (n % 50) + 1, 2 * (n % 49) + 1001, n % 256);
}

static void
put_update(struct frames *f, uint32_t n)
{
    frames_update(f, 2 * (n % 50) + 1, n % 2 ? "u=1" : "u=7, i");
}

START_TEST(priorities_do_not_come_for_ever)
{
    flood(put_priority);
    flood(put_update);
}
END_TEST

/* Those cost the server no more than they cost who sends them. */

static void
put_window(struct frames *f, uint32_t n)
{
    (void)n;
    frames_window(f, 0, 1);
}

static void
put_unknown(struct frames *f, uint32_t n)
{
    frames_send(f, 0x77, n & 0xff, n % 3, zeros, n % 20);
}

/* Of types that others know (RFC 7838, 8336), and of any. */
static void
put_empty_unknown(struct frames *f, uint32_t n)
{
    static const unsigned types[] = {0xa, 0xb, 0xc, 0xf, 0x11, 0x7f, 0xff};

    frames_send(f, types[n % (sizeof types / sizeof types[0])], 0, 0, "", 0);
}

START_TEST(frames_that_nobody_knows_do_not_come_for_ever)
{
    flood(put_empty_unknown);
    flood(put_unknown);
}
END_TEST

/* Each is decompressed, and nothing else. */
static void
put_late_head(struct frames *f, uint32_t n)
{
    (void)n;
    frames_head(f, 1, FRAMES_END_STREAM, "x-trailer: 1\n");
}

START_TEST(nor_do_heads_of_streams_that_are_over)
{
    struct frames f = frames_open(&s);

    frames_get(&f, 1, "/mem/5");
    frames_take(&f, 1, 200, "abcde");
    flood_on(&f, put_late_head);
}
END_TEST

static void
put_late_reset(struct frames *f, uint32_t n)
{
    if (n == 0)
        frames_get(f, 1, "/mem/5");
    frames_reset(f, 1, FRAMES_CANCEL);
}

START_TEST(what_means_nothing_does_no_harm)
{
    flood_or_not(put_window);
    flood_or_not(put_late_reset);
}
END_TEST

/* Each has a frame of one byte sent, which pays for no other. */
START_TEST(a_window_does_not_open_by_a_byte_for_ever)
{
    const uint32_t settings[][2] = {{FRAMES_INITIAL_WINDOW_SIZE, 0}};
    struct frames f = frames_open_with(&s, 1, settings);
    int before = tally_figure(&s, "h2_floods_total");

    f.is_mean = 1;
    frames_get(&f, 1, "/mem/100000");
    for (size_t n = 1; n < STEPS && f.goaway < 0; n++) {
        frames_window(&f, 1, 1);
        while (frames_stream(&f, 1)->body.n < n && f.goaway < 0)
            ck_assert(frames_next(&f));
    }
    ends(&f, before);
}
END_TEST

/* ---- nobody reads --------------------------------------------------------*/

/* Answers that are not fetched are bounded, too: the server closes, or takes no
 * more. */
static void
pour_deaf(put_fn *put)
{
    struct frames f = frames_open(&s);
    int bytes = 16384;
    uint32_t n = 0;

    setsockopt(f.c.fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    do {
        ck_assert_uint_lt(n, 4 * MANY);
        f.is_held = 1;
        for (int k = 0; k < BATCH; k++)
            put(&f, n++);
    } while (frames_flush(&f, 1000));
    frames_close(&f);
}

static void
put_request(struct frames *f, uint32_t n)
{
    frames_get(f, 2 * n + 1, "/mem/10000");
}

START_TEST(answers_that_nobody_reads_are_bounded)
{
    pour_deaf(put_ping);
    pour_deaf(put_settings);
    pour_deaf(put_request);
    pour_deaf(put_malformed);
}
END_TEST

UNIT_MAIN_IN(begin, end, h2_floods, requests_are_not_taken_back_for_ever,
             nor_before_they_are_whole,
             the_server_is_not_made_to_take_them_back,
             malformed_requests_do_not_come_for_ever,
             requests_that_are_refused_do_not_come_for_ever,
             some_may_be_taken_back, a_block_has_an_end,
             a_block_of_empty_frames_has_an_end,
             a_block_of_large_frames_has_an_end, pings_do_not_come_for_ever,
             settings_do_not_come_for_ever, empty_data_do_not_come_for_ever,
             nor_do_data_that_are_padding, empty_headers_do_not_come_for_ever,
             priorities_do_not_come_for_ever,
             frames_that_nobody_knows_do_not_come_for_ever,
             nor_do_heads_of_streams_that_are_over,
             what_means_nothing_does_no_harm,
             a_window_does_not_open_by_a_byte_for_ever,
             answers_that_nobody_reads_are_bounded)
