/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* ldflags: -Wl,--wrap=clock_gettime */
/* chat.c - the plugin against the mock server, at a time of the test's. */
#define _GNU_SOURCE
#include <etude_test.h>
#include <time.h>

#include "plugins/chat/wire.h"

#include "t/lib/unit.h"

#define START_MS 1000000000250

static int64_t passed_ms;

int __real_clock_gettime(clockid_t which, struct timespec *t);
int __wrap_clock_gettime(clockid_t which, struct timespec *t);

int
__wrap_clock_gettime(clockid_t which, struct timespec *t)
{
    const int64_t ms = START_MS + passed_ms;

    if (which == CLOCK_MONOTONIC) /* Check measures, too */
        return __real_clock_gettime(which, t);
    t->tv_sec = (time_t)(ms / 1000);
    t->tv_nsec = ms % 1000 * 1000000;
    return 0;
}

static void
begin(void)
{
    passed_ms = 0;
}

static void
open_with(const char *name, const char *value)
{
    if (name)
        et_test_option(name, value);
    ck_assert_msg(et_test_open() == 0, "%s", et_test_why());
}

static void
connect_to(const char *target)
{
    et_test_request("GET", target);
    ck_assert_uint_eq(et_test_run(), 101);
}

static const char *
last_sent(void)
{
    size_t i = 0;

    while (et_test_ws_sent(i + 1))
        i++;
    return et_test_ws_sent(i);
}

static size_t
count_sent(void)
{
    size_t i = 0;

    while (et_test_ws_sent(i))
        i++;
    return i;
}

START_TEST(two_talk)
{
    open_with(NULL, NULL);
    connect_to("/chat/a");
    et_test_ws_text("{\"hello\":\"Ann\"}");
    ck_assert_str_eq(et_test_ws_sent(0), "{\"welcome\":\"Ann\",\"max\":2048}");
    ck_assert_str_eq(et_test_ws_sent(1),
                     "{\"id\":1024000000256000,\"time\":1000000000250,"
                     "\"name\":\"Ann\",\"event\":\"join\"}");
    connect_to("/chat/a");
    et_test_ws_text("{\"hello\":\"Bob\"}");
    et_test_ws_text("{\"text\":\"hi \\\"\"}");
    et_test_ws_pick(0);
    ck_assert_str_eq(last_sent(),
                     "{\"id\":1024000000258048,\"time\":1000000000252,"
                     "\"name\":\"Bob\",\"text\":\"hi \\\"\"}");
    et_test_ws_pick(1);
    et_test_ws_close(1001, "");
    et_test_ws_pick(0);
    unit_has(last_sent(), "\"event\":\"leave\"");
    ck_assert_str_eq(et_test_published("chat/a", 0), et_test_ws_sent(1));
    connect_to("/chat/b");
    et_test_ws_text("{\"hello\":\"Eve\"}");
    ck_assert_uint_eq(count_sent(), 2); /* nothing of the other room's */
}
END_TEST

START_TEST(who_comes_is_told_what_was_said_even_after_a_reload)
{
    open_with("history", "2");
    connect_to("/chat/a");
    et_test_ws_text("{\"hello\":\"Ann\"}");
    et_test_ws_text("{\"text\":\"1\"}");
    et_test_ws_text("{\"text\":\"2\"}");
    et_test_ws_text("{\"text\":\"3\"}");
    et_test_ws_retire();
    ck_assert_uint_eq(et_test_ws_closed(), 1012);
    ck_assert_int_eq(et_test_reload("history=5"), 0);
    ck_assert_ptr_null(et_test_published("chat/a", 4)); /* nobody has left */
    connect_to("/chat/a");
    et_test_ws_text("{\"hello\":\"Ann\"}");
    unit_has(et_test_ws_sent(0), "\"text\":\"2\"");
    unit_has(et_test_ws_sent(1), "\"text\":\"3\"");
    unit_has(et_test_ws_sent(2), "welcome");
    ck_assert_int_eq(et_test_reload("history=0"), 0);
    connect_to("/chat/a");
    et_test_ws_text("{\"hello\":\"Ann\"}");
    unit_has(et_test_ws_sent(0), "welcome");
    et_test_ws_text("{\"text\":\"4\"}");
    /* Three texts, two marks of who came in while there was a log. */
    ck_assert_ptr_null(et_test_published("chat", 5));
}
END_TEST

START_TEST(one_that_is_fast_waits)
{
    open_with("rate", "2/s");
    connect_to("/chat/a");
    et_test_ws_text("{\"hello\":\"Ann\"}");
    et_test_ws_text("{\"text\":\"1\"}");
    et_test_ws_text("{\"text\":\"2\"}");
    unit_has(last_sent(), "slowly");
    et_test_ws_text("{\"text\":\"3\"}");
    ck_assert_uint_eq(count_sent(), 4); /* it is said once */
    passed_ms = 499;
    et_test_ws_text("{\"text\":\"4\"}");
    ck_assert_uint_eq(count_sent(), 4);
    passed_ms = 500;
    et_test_ws_text("{\"text\":\"5\"}");
    unit_has(last_sent(), "\"text\":\"5\"");
    passed_ms = 3600000; /* that much credit there is not */
    for (int i = 0; i < 3; i++)
        et_test_ws_text("{\"text\":\"6\"}");
    ck_assert_uint_eq(count_sent(), 4 + 1 + 2 + 1);
}
END_TEST

START_TEST(what_cannot_be_told_is_said)
{
    open_with("max_message", "3");
    connect_to("/chat/a");
    et_test_ws_text("{\"text\":\"a\"}");
    ck_assert_str_eq(last_sent(), "{\"error\":\"who are you?\"}");
    et_test_ws_text("{\"hello\":\"\\u202e\"}");
    unit_has(last_sent(), "a name has");
    et_test_ws_text("{\"hello\":\"A\"}");
    et_test_ws_text("{\"text\":\"abcd\"}");
    ck_assert_str_eq(last_sent(), "{\"error\":\"too long\"}");
    et_test_fail_channel(ET_ELIMIT);
    et_test_ws_text("{\"text\":\"abc\"}");
    unit_has(last_sent(), "try again");
    passed_ms = 1000;
    et_test_fail_channel(0);
    et_test_ws_text("{\"text\":\"abc\"}");
    unit_has(last_sent(), "\"text\":\"abc\"");
    et_test_fail_channel(ET_ELIMIT);
    connect_to("/chat/a");
    et_test_ws_text("{\"hello\":\"B\"}");
    ck_assert_uint_eq(et_test_ws_closed(), 1013);
    et_test_ws_close(1013, "");
}
END_TEST

START_TEST(rooms_are_bounded)
{
    open_with("max_rooms", "1");
    et_test_publish("chat", "");
    et_test_publish("chat", "\x05"
                            "abc");
    et_test_publish("chat", "\x7f");
    et_test_publish("chat", "\x01"
                            "a{}");
    connect_to("/chat/a");
    et_test_ws_text("{\"hello\":\"Ann\"}");
    ck_assert_str_eq(et_test_ws_sent(0), "{}");
    et_test_publish("chat", "\x01"
                            "b{}"); /* of another worker's room */
    et_test_request("GET", "/chat/b");
    ck_assert_uint_eq(et_test_run(), 503);
    et_test_request("GET", "/chat/%01");
    ck_assert_uint_eq(et_test_run(), 404);
    et_test_ws_close(1006, "");
    connect_to("/chat/b");
}
END_TEST

START_TEST(a_room_is_not_another_one)
{
    static const char *const none[] = {
        "/chat/%ff",       "/chat/a%2fb",    "/chat/a%2Fb", "/chat/a%252Fb",
        "/chat/%c2",       "/chat/%0a",      "/chat/%7f",   "/chat/%20",
        "/chat/%e2%80%ae", "/chat/%e2%80%8b"};

    open_with(NULL, NULL);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        et_test_request("GET", none[i]);
        ck_assert_msg(et_test_run() == 404, "%s", none[i]);
        unit_has(et_test_text(), "a room's name has");
    }
    connect_to("/chat/%25ff");
    et_test_ws_text("{\"hello\":\"Ann\"}");
    connect_to("/chat/%C3%BF");
    et_test_ws_text("{\"hello\":\"Bob\"}");
    ck_assert_uint_eq(count_sent(), 2);
    unit_has(et_test_published("chat/%ff", 0), "Ann");
    unit_has(et_test_published("chat/\xc3\xbf", 0), "Bob");
}
END_TEST

/* That somebody comes or goes is not kept: texts would have to go for it. */
START_TEST(who_comes_and_goes_leaves_what_was_said)
{
    open_with("history", "2");
    connect_to("/chat/a");
    et_test_ws_text("{\"hello\":\"Ann\"}");
    et_test_ws_text("{\"text\":\"1\"}");
    et_test_ws_text("{\"text\":\"2\"}");
    for (int i = 0; i < 5; i++) {
        connect_to("/chat/a");
        et_test_ws_text("{\"hello\":\"Bob\"}");
        et_test_ws_close(1006, "");
    }
    connect_to("/chat/a");
    et_test_ws_text("{\"hello\":\"Eve\"}");
    unit_has(et_test_ws_sent(0), "\"text\":\"1\"");
    unit_has(et_test_ws_sent(1), "\"text\":\"2\"");
    unit_has(et_test_ws_sent(2), "welcome");
}
END_TEST

START_TEST(the_page_is_one_piece)
{
    char bounds[64];

    open_with(NULL, NULL);
    et_test_request("GET", "/chat");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_type(), "text/html; charset=utf-8");
    unit_has(et_test_field("Content-Security-Policy", 0),
             "default-src 'none'; ");
    ck_assert_str_eq(et_test_field("X-Content-Type-Options", 0), "nosniff");
    ck_assert_ptr_null(strstr(et_test_text(), "src="));
    ck_assert_ptr_null(strstr(et_test_text(), "innerHTML"));
    snprintf(bounds, sizeof bounds, "nameMax = %u, roomMax = %u;",
             WIRE_NAME_MAX, WIRE_ROOM_MAX);
    unit_has(et_test_text(), bounds);
    snprintf(bounds, sizeof bounds, "textMax = %u,", WIRE_TEXT_MAX);
    unit_has(et_test_text(), bounds);
}
END_TEST

START_TEST(without_channels_there_is_no_chat)
{
    et_test_fail_channel(ET_ELIMIT);
    ck_assert_int_eq(et_test_open(), ET_ENOMEM);
    et_test_fail_channel(0);
    ck_assert_int_eq(et_test_open(), 0);
}
END_TEST

UNIT_MAIN_IN(begin, et_test_end, chat, two_talk,
             who_comes_is_told_what_was_said_even_after_a_reload,
             one_that_is_fast_waits, what_cannot_be_told_is_said,
             rooms_are_bounded, a_room_is_not_another_one,
             who_comes_and_goes_leaves_what_was_said, the_page_is_one_piece,
             without_channels_there_is_no_chat)
