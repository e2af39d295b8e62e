/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_rest.c - sessions of HTTP/2 that nothing happens on give back what they
 * can (idle_demote), and go on where they were.
 * tags: epoll asan plain */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/frames.h"
#include "t/lib/server.h"
#include "t/lib/tally.h"
#define UNIT_SECONDS 60
#include "t/lib/unit.h"

enum { MANY = 20, STREAMS = 50 };

static struct server s;
static struct frames f[MANY];

static void
begin_with(const char *idle_demote)
{
    char ini[2048];

    snprintf(ini, sizeof ini,
             FRAMES_SERVER "idle_demote = %s\nwait_timeout = 1h\n"
                           "write_timeout = 10s\n" FRAMES_ROUTES,
             idle_demote);
    server_start(&s, ini);
}

static void
begin(void)
{
    begin_with("100ms");
}

static void
end(void)
{
    ck_assert_int_eq(server_stop(&s), 0);
}

static int
memory(void)
{
    return tally_figure(&s, "memory");
}

/* Until no more than that is in use. */
static void
wait_memory(int bytes)
{
    for (int i = 0; i < 4000 && memory() > bytes; i++)
        usleep(5000);
    ck_assert_int_le(memory(), bytes);
}

/* Until f rests: its session is more than this before. */
static void
wait_rest(void)
{
    wait_memory(8192);
}

static void
open_many(void)
{
    for (int i = 0; i < MANY; i++)
        f[i] = frames_open(&s);
}

static void
close_many(void)
{
    for (int i = 0; i < MANY; i++) {
        frames_serves(&f[i]);
        frames_close(&f[i]);
    }
}

/* One block of 1 KiB that is ours, one of 2 that it is folded into. */
START_TEST(an_idle_session_has_3_kib)
{
    open_many();
    for (int i = 0; i < MANY; i++)
        frames_serves(&f[i]);
    wait_memory(MANY * 3072);
    close_many();
}
END_TEST

START_TEST(so_it_has_behind_many_streams)
{
    open_many();
    for (int i = 0; i < MANY; i++) {
        for (uint32_t k = 0; k < STREAMS; k++)
            frames_get(&f[i], 2 * k + 1, "/mem/100");
        for (uint32_t k = 0; k < STREAMS; k++) {
            struct answer a = frames_answer(&f[i], 2 * k + 1);
            ck_assert_uint_eq(a.n, 100);
            answer_free(&a);
        }
    }
    wait_memory(MANY * 5120);
    close_many();
}
END_TEST

/* A block of 8 KiB for all of them: 164 bytes a stream. */
START_TEST(a_session_rests_while_its_streams_wait)
{
    open_many();
    for (int i = 0; i < MANY; i++) {
        for (uint32_t k = 0; k < STREAMS; k++)
            frames_get(&f[i], 2 * k + 1, "/task/sleep/1000000");
        frames_sync(&f[i]);
    }
    wait_memory(MANY * (8192 + 1024));
    for (int i = 0; i < MANY; i++) {
        for (uint32_t k = 0; k < STREAMS; k++)
            frames_reset(&f[i], 2 * k + 1, FRAMES_CANCEL);
        frames_sync(&f[i]);
    }
    close_many();
}
END_TEST

START_TEST(answers_that_were_waited_for_come)
{
    struct answer a;

    f[0] = frames_open(&s);
    for (uint32_t k = 0; k < 3; k++)
        frames_get(&f[0], 2 * k + 1,
                   k % 2 ? "/task/sleep/1500" : "/task/sleep/1000");
    wait_rest();
    for (uint32_t k = 0; k < 3; k++) {
        a = frames_answer(&f[0], 2 * k + 1);
        ck_assert_int_eq(a.status, 200);
        answer_free(&a);
    }
    wait_rest();
    frames_serves(&f[0]);
    frames_close(&f[0]);
}
END_TEST

/* Whatever comes, when it rests. */
START_TEST(frames_wake_it)
{
    f[0] = frames_open(&s);
    frames_post(&f[0], 1, "/echo", "");
    frames_upload(&f[0], 1, "abc", 3);
    frames_take(&f[0], 1, 200, "abc");
    for (int i = 0; i < 4; i++) {
        wait_rest();
        switch (i) {
        case 0: frames_sync(&f[0]); break;
        case 1: frames_window(&f[0], 0, 10); break;
        case 2: frames_setting(&f[0], FRAMES_INITIAL_WINDOW_SIZE, 1000); break;
        default: frames_serves(&f[0]); break;
        }
    }
    wait_rest();
    frames_send(&f[0], FRAMES_PING, 0, 1, "12345678", 8); /* of a stream */
    frames_ended(&f[0], FRAMES_PROTOCOL_ERROR);
}
END_TEST

/* What is in the tables that fields are compressed with outlasts it, too. */
START_TEST(compression_goes_on)
{
    f[0] = frames_open(&s);
    for (uint32_t i = 0; i < 5; i++) {
        struct answer a;
        frames_head(&f[0], 2 * i + 1, FRAMES_END_STREAM,
                    FRAMES_GET("/request") "x-first: 1\nx-second: 2\n");
        a = frames_answer(&f[0], 2 * i + 1);
        ck_assert_int_eq(a.status, 200);
        unit_has(a.body, "x-first: 1");
        unit_has(a.body, "x-second: 2");
        answer_free(&a);
        wait_rest();
    }
    frames_close(&f[0]);
}
END_TEST

START_TEST(a_stop_wakes_it)
{
    open_many();
    for (int i = 0; i < MANY; i++)
        frames_serves(&f[i]);
    wait_memory(MANY * 3072);
    ck_assert_int_eq(server_stop(&s), 0);
    for (int i = 0; i < MANY; i++)
        frames_over(&f[i]);
    begin();
}
END_TEST

/* A client that goes, with and without a word. */
START_TEST(it_may_end)
{
    open_many();
    for (int i = 0; i < MANY; i++)
        frames_get(&f[i], 1, i % 2 ? "/task/sleep/1000000" : "/mem/5");
    for (int i = 0; i < MANY; i++)
        frames_sync(&f[i]);
    wait_memory(MANY * 4096);
    for (int i = 0; i < MANY; i++)
        frames_close(&f[i]);
    wait_memory(0);
}
END_TEST

START_TEST(it_does_not_rest_if_it_shall_not)
{
    ck_assert_int_eq(server_stop(&s), 0);
    begin_with("0");
    f[0] = frames_open(&s);
    frames_get(&f[0], 1, "/task/sleep/2500");
    frames_take(&f[0], 1, 200, "slept");
    ck_assert_int_gt(memory(), 16384);
    frames_close(&f[0]);
}
END_TEST

UNIT_MAIN_IN(begin, end, h2_rest, an_idle_session_has_3_kib,
             so_it_has_behind_many_streams,
             a_session_rests_while_its_streams_wait,
             answers_that_were_waited_for_come, frames_wake_it,
             compression_goes_on, a_stop_wakes_it, it_may_end,
             it_does_not_rest_if_it_shall_not)
