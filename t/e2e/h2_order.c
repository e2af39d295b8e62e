/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_order.c - whose turn it is when a connection's window is small: priorities
 * as RFC 9218 has them.
 * tags: epoll asan plain */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "t/lib/frames.h"
#include "t/lib/server.h"
#include "t/lib/unit.h"

#define WINDOW 65535u
#define PART 20000u

static struct server s;
static struct frames f;

/* The connection's window is used up, by stream 1. */
static void
begin(void)
{
    server_start(&s, FRAMES_INI);
    f = frames_open(&s);
    f.is_mean = 1;
    frames_get(&f, 1, "/mem/65535");
    frames_take_data(&f, 1, WINDOW);
}

static void
end(void)
{
    frames_close(&f);
    ck_assert_int_eq(server_stop(&s), 0);
}

static void
ask(uint32_t stream, const char *priority)
{
    char text[256];

    snprintf(text, sizeof text, FRAMES_GET("/mem/60000") "priority: %s\n",
             priority);
    frames_head(&f, stream, FRAMES_END_STREAM, text);
    while (!frames_stream(&f, stream)->has_head)
        ck_assert(frames_next(&f));
}

static size_t
got(uint32_t stream)
{
    return frames_stream(&f, stream)->body.n;
}

/* Let n more bytes come, on any of the two streams. */
static void
let(size_t n, uint32_t a, uint32_t b)
{
    size_t all = got(a) + got(b) + n;

    frames_window(&f, 0, (uint32_t)n);
    while (got(a) + got(b) < all)
        ck_assert(frames_next(&f));
}

START_TEST(who_is_more_urgent_comes_first)
{
    begin();
    ask(3, "u=5");
    ask(5, "u=1");
    let(PART, 3, 5);
    ck_assert_uint_eq(got(3), 0);
    ck_assert_uint_eq(got(5), PART);
    end();
}
END_TEST

/* One after the other, in the order of their streams (RFC 9218 10). */
START_TEST(of_the_same_urgency_one_after_the_other)
{
    begin();
    ask(3, "u=3");
    ask(5, "");
    let(PART, 3, 5);
    ck_assert_uint_eq(got(3), PART);
    ck_assert_uint_eq(got(5), 0);
    end();
}
END_TEST

START_TEST(incremental_ones_in_turn)
{
    begin();
    ask(3, "u=3, i");
    ask(5, "u=3, i");
    for (int i = 0; i < 40; i++)
        let(1000, 3, 5);
    ck_assert_uint_ge(got(3), 15000);
    ck_assert_uint_ge(got(5), 15000);
    end();
}
END_TEST

/* A client that thinks better of it: PRIORITY_UPDATE (RFC 9218 7). */
START_TEST(an_order_may_be_changed)
{
    begin();
    ask(3, "u=5");
    ask(5, "u=1");
    frames_update(&f, 3, "u=0");
    frames_sync(&f);
    let(PART, 3, 5);
    ck_assert_uint_eq(got(3), PART);
    ck_assert_uint_eq(got(5), 0);
    end();
}
END_TEST

/* What is less urgent is not late because of that. */
START_TEST(who_has_to_wait_is_not_late)
{
    server_start(&s, FRAMES_SERVER "write_timeout = 300ms\n" FRAMES_ROUTES);
    f = frames_open(&s);
    f.is_mean = 1;
    frames_get(&f, 1, "/mem/65535");
    frames_take_data(&f, 1, WINDOW);
    ask(3, "u=5");
    ask(5, "u=1");
    for (int i = 0; i < 12; i++) { /* twice as long */
        usleep(50000);
        let(1000, 3, 5);
    }
    ck_assert_uint_eq(got(3), 0);
    ck_assert_uint_eq(got(5), 12000);
    ck_assert_int_eq(frames_stream(&f, 3)->reset, FRAMES_NO_CODE);
    let(48000, 3, 5);
    let(1000, 3, 5);
    ck_assert_uint_eq(got(3), 1000);
    end();
}
END_TEST

UNIT_MAIN(h2_order, who_is_more_urgent_comes_first,
          of_the_same_urgency_one_after_the_other, incremental_ones_in_turn,
          an_order_may_be_changed, who_has_to_wait_is_not_late)
