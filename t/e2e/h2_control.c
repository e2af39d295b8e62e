/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_control.c - HTTP/2, the types of frames that are of connections: what each
 * may be, and what is an error (RFC 9113, 6.5 to 6.8; RFC 9218, 7.1).
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

/* ---- 6.5: SETTINGS -------------------------------------------------------*/

START_TEST(settings_are_acknowledged_each)
{
    struct frames f = frames_open(&s);

    for (int i = 0; i < 5; i++)
        frames_send(&f, FRAMES_SETTINGS, 0, 0, "", 0);
    frames_settle(&f);
    ck_assert_int_eq(f.n_settings_acks, 6);
    frames_serves(&f);
    frames_close(&f);
}
END_TEST

START_TEST(settings_are_of_the_connection)
{
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_SETTINGS, 0, 1, 0);
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_SETTINGS, 0, 1, 6);
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_SETTINGS, 0, 3, 6);
}
END_TEST

START_TEST(settings_have_six_bytes_each)
{
    for (size_t n = 1; n < 20; n++)
        if (n % 6)
            ends_with(FRAMES_FRAME_SIZE_ERROR, FRAMES_SETTINGS, 0, 0, n);
}
END_TEST

START_TEST(an_acknowledgment_has_no_settings)
{
    ends_with(FRAMES_FRAME_SIZE_ERROR, FRAMES_SETTINGS, FRAMES_ACK, 0, 1);
    ends_with(FRAMES_FRAME_SIZE_ERROR, FRAMES_SETTINGS, FRAMES_ACK, 0, 6);
}
END_TEST

static void
setting_ends(unsigned name, uint32_t value, int code)
{
    struct frames f = frames_open(&s);

    frames_setting(&f, name, value);
    frames_ended(&f, code);
}

START_TEST(settings_out_of_range_are_errors)
{
    setting_ends(FRAMES_ENABLE_PUSH, 2, FRAMES_PROTOCOL_ERROR);
    setting_ends(FRAMES_ENABLE_PUSH, UINT32_MAX, FRAMES_PROTOCOL_ERROR);
    setting_ends(FRAMES_INITIAL_WINDOW_SIZE, 1u << 31,
                 FRAMES_FLOW_CONTROL_ERROR);
    setting_ends(FRAMES_INITIAL_WINDOW_SIZE, UINT32_MAX,
                 FRAMES_FLOW_CONTROL_ERROR);
    setting_ends(FRAMES_MAX_FRAME_SIZE, 0, FRAMES_PROTOCOL_ERROR);
    setting_ends(FRAMES_MAX_FRAME_SIZE, 16383, FRAMES_PROTOCOL_ERROR);
    setting_ends(FRAMES_MAX_FRAME_SIZE, 1 << 24, FRAMES_PROTOCOL_ERROR);
    setting_ends(FRAMES_ENABLE_CONNECT, 2, FRAMES_PROTOCOL_ERROR);
}
END_TEST

START_TEST(settings_at_their_bounds_are_taken)
{
    static const uint32_t bounds[][2] = {
        {FRAMES_HEADER_TABLE_SIZE, 0},
        {FRAMES_HEADER_TABLE_SIZE, UINT32_MAX},
        {FRAMES_ENABLE_PUSH, 0},
        {FRAMES_ENABLE_PUSH, 1},
        {FRAMES_MAX_CONCURRENT_STREAMS, 0},
        {FRAMES_MAX_CONCURRENT_STREAMS, UINT32_MAX},
        {FRAMES_INITIAL_WINDOW_SIZE, 0},
        {FRAMES_INITIAL_WINDOW_SIZE, INT32_MAX},
        {FRAMES_MAX_FRAME_SIZE, 16384},
        {FRAMES_MAX_FRAME_SIZE, (1 << 24) - 1},
        {FRAMES_MAX_HEADER_LIST_SIZE, UINT32_MAX},
        {FRAMES_ENABLE_CONNECT, 0},
    };
    struct frames f = frames_open(&s);

    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        frames_setting(&f, bounds[i][0], bounds[i][1]);
        frames_settle(&f);
    }
    frames_serves(&f);
    frames_close(&f);
}
END_TEST

START_TEST(unknown_settings_are_ignored)
{
    struct frames f = frames_open(&s);

    frames_setting(&f, 0, 1);
    frames_setting(&f, 7, UINT32_MAX);
    frames_setting(&f, 0xfafa, 12345);
    frames_setting(&f, 0xffff, 0);
    frames_settle(&f);
    frames_serves(&f);
    frames_close(&f);
}
END_TEST

/* The last counts; all in one frame. */
START_TEST(a_setting_may_be_there_twice)
{
    static const uint32_t twice[][2] = {{FRAMES_INITIAL_WINDOW_SIZE, 10},
                                        {FRAMES_INITIAL_WINDOW_SIZE, 0},
                                        {FRAMES_INITIAL_WINDOW_SIZE, 3}};
    struct frames f = frames_open_with(&s, 3, twice);

    f.is_mean = 1;
    frames_get(&f, 1, "/mem/5");
    frames_take_data(&f, 1, 3);
    frames_sync(&f);
    ck_assert_uint_eq(frames_stream(&f, 1)->body.n, 3);
    frames_window(&f, 1, 2);
    frames_take(&f, 1, 200, "abcde");
    frames_close(&f);
}
END_TEST

/* ---- 6.6: PUSH_PROMISE ---------------------------------------------------*/

START_TEST(a_client_does_not_push)
{
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_PUSH_PROMISE, 4, 1, 4);
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_PUSH_PROMISE, 4, 0, 4);
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_PUSH_PROMISE, 4, 3, 4);
}
END_TEST

/* ---- 6.7: PING -----------------------------------------------------------*/

START_TEST(a_ping_comes_back_as_it_is)
{
    static const char *const pings[] = {"\0\0\0\0\0\0\0\0",
                                        "\xff\xfe\1\2\3\4\5\6", "12345678"};
    struct frames f = frames_open(&s);

    for (int i = 0; i < 3; i++) {
        frames_ping(&f, pings[i]);
        while (f.n_pongs == i)
            ck_assert(frames_next(&f));
        ck_assert_mem_eq(f.pong, pings[i], 8);
    }
    frames_close(&f);
}
END_TEST

START_TEST(an_acknowledgment_of_a_ping_is_not_answered)
{
    struct frames f = frames_open(&s);

    frames_send(&f, FRAMES_PING, FRAMES_ACK, 0, "12345678", 8);
    frames_sync(&f);
    ck_assert_int_eq(f.n_pongs, 1);
    frames_close(&f);
}
END_TEST

START_TEST(a_ping_is_of_the_connection)
{
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_PING, 0, 1, 8);
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_PING, FRAMES_ACK, 1, 8);
}
END_TEST

START_TEST(a_ping_has_eight_bytes)
{
    lengths(FRAMES_FRAME_SIZE_ERROR, FRAMES_PING, 0, 8);
}
END_TEST

/* ---- 6.8: GOAWAY ---------------------------------------------------------*/

START_TEST(who_says_goaway_is_answered_what_was_asked)
{
    struct frames f = frames_open(&s);

    frames_post(&f, 1, "/echo", "");
    frames_goaway(&f, 0, FRAMES_NO_ERROR);
    frames_sync(&f);
    frames_data(&f, 1, FRAMES_END_STREAM, "hi", 2);
    frames_take(&f, 1, 200, "hi");
    shutdown(f.c.fd, SHUT_WR);
    frames_over(&f);
}
END_TEST

START_TEST(a_goaway_may_have_any_code_and_more_to_say)
{
    struct frames f = frames_open(&s);

    frames_send(&f, FRAMES_GOAWAY, 0, 0,
                "\0\0\0\0\0\0\x33\x44"
                "text",
                12);
    shutdown(f.c.fd, SHUT_WR);
    frames_over(&f);
}
END_TEST

START_TEST(a_goaway_is_of_the_connection)
{
    ends_with(FRAMES_PROTOCOL_ERROR, FRAMES_GOAWAY, 0, 1, 8);
}
END_TEST

START_TEST(a_goaway_has_eight_bytes_at_least)
{
    for (size_t n = 0; n < 8; n++)
        ends_with(FRAMES_FRAME_SIZE_ERROR, FRAMES_GOAWAY, 0, 0, n);
}
END_TEST

/* ---- RFC 9218, 7.1: PRIORITY_UPDATE --------------------------------------*/

START_TEST(updates_of_priorities_do_no_harm)
{
    struct frames f = frames_open(&s);

    frames_update(&f, 1, "u=0, i");
    frames_update(&f, 1, "");
    frames_update(&f, 1, "u=9, i=\"");
    frames_update(&f, 1, "u=-1");
    frames_get(&f, 1, "/mem/5");
    frames_update(&f, 1, "u=7");
    frames_take(&f, 1, 200, "abcde");
    frames_update(&f, 1, "u=1");
    frames_serves(&f);
    frames_close(&f);
}
END_TEST

UNIT_MAIN_IN(begin, end, h2_control, settings_are_acknowledged_each,
             settings_are_of_the_connection, settings_have_six_bytes_each,
             an_acknowledgment_has_no_settings,
             settings_out_of_range_are_errors,
             settings_at_their_bounds_are_taken, unknown_settings_are_ignored,
             a_setting_may_be_there_twice, a_client_does_not_push,
             a_ping_comes_back_as_it_is,
             an_acknowledgment_of_a_ping_is_not_answered,
             a_ping_is_of_the_connection, a_ping_has_eight_bytes,
             who_says_goaway_is_answered_what_was_asked,
             a_goaway_may_have_any_code_and_more_to_say,
             a_goaway_is_of_the_connection, a_goaway_has_eight_bytes_at_least,
             updates_of_priorities_do_no_harm)
