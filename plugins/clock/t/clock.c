/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* ldflags: -Wl,--wrap=clock_gettime */
/* clock.c - the plugin against the mock server, at a time of the test's. */
#define _GNU_SOURCE
#include <etude_test.h>
#include <time.h>

#include "t/lib/unit.h"

/* 2001-09-09T01:46:40Z, and a bit. */
#define START_MS 1000000000250

static int64_t set_ms;   /* somebody sets the clock: so much ahead */
static int n_naps, last; /* after the last one it is retired */

int __real_clock_gettime(clockid_t which, struct timespec *t);
int __wrap_clock_gettime(clockid_t which, struct timespec *t);

int
__wrap_clock_gettime(clockid_t which, struct timespec *t)
{
    const int64_t ms = START_MS + set_ms + (int64_t)et_test_m_.now_ms - 1;

    if (which != CLOCK_REALTIME) /* Check measures, too */
        return __real_clock_gettime(which, t);
    t->tv_sec = (time_t)(ms / 1000);
    t->tv_nsec = ms % 1000 * 1000000;
    return 0;
}

static void
retire_after_last(void)
{
    if (++n_naps == last)
        et_test_retire();
}

static void
begin(void)
{
    set_ms = 0;
    n_naps = 0;
    last = 3;
}

static void
open_with(const char *interval, const char *retry)
{
    if (interval)
        et_test_option("interval", interval);
    if (retry)
        et_test_option("retry", retry);
    ck_assert_msg(et_test_open() == 0, "%s", et_test_why());
    et_test_meanwhile(retire_after_last);
}

static const char *
listen_from(const char *last_id)
{
    n_naps = 0;
    et_test_request("GET", "/clock/events");
    if (last_id)
        et_test_header("Last-Event-ID", last_id);
    ck_assert_uint_eq(et_test_run(), 200);
    return et_test_text();
}

START_TEST(it_ticks_with_the_second)
{
    open_with(NULL, NULL);
    ck_assert_str_eq(listen_from(NULL),
                     "retry: 1000\n\n"
                     "id: 1000000000\n"
                     "data: {\"time\":\"2001-09-09T01:46:40Z\"}\n\n"
                     "id: 1000000001\n"
                     "data: {\"time\":\"2001-09-09T01:46:41Z\"}\n\n"
                     "id: 1000000002\n"
                     "data: {\"time\":\"2001-09-09T01:46:42Z\"}\n\n");
    ck_assert_uint_eq(et_test_m_.now_ms, 1 + 750 + 2000);
    ck_assert_str_eq(et_test_type(), "text/event-stream");
    ck_assert(!et_test_is_cut());
    ck_assert_int_eq(et_test_metric("ticks"), 3);
    ck_assert_int_eq(et_test_metric("streams"), 0);
}
END_TEST

START_TEST(or_with_what_the_options_say)
{
    open_with("100ms", "2m");
    last = 2;
    ck_assert_str_eq(listen_from(NULL),
                     "retry: 120000\n\n"
                     "id: 1000000000.200\n"
                     "data: {\"time\":\"2001-09-09T01:46:40.200Z\"}\n\n"
                     "id: 1000000000.300\n"
                     "data: {\"time\":\"2001-09-09T01:46:40.300Z\"}\n\n");
    ck_assert_uint_eq(et_test_m_.now_ms, 1 + 50 + 100);
    et_test_reload("interval=1h");
    last = 3600;
    listen_from(NULL); /* not at 01:00 but at 02:00: 01:46:40 is in between */
    unit_has(et_test_text(), "retry: 1000\n\nid: 999997200\n"
                             "data: {\"time\":\"2001-09-09T01:00:00Z\"}\n\n"
                             ":\n\n:\n\n");
    unit_has(et_test_text(), ":\n\nid: 1000000800\n"
                             "data: {\"time\":\"2001-09-09T02:00:00Z\"}\n\n"
                             ":\n\n");
    ck_assert_int_eq(et_test_metric("ticks"), 4);
}
END_TEST

START_TEST(options_outside_their_range_are_refused)
{
    static const char *const bad[][2] = {{"interval", "99ms"},
                                         {"interval", "61m"},
                                         {"interval", "0"},
                                         {"retry", "99ms"},
                                         {"retry", "61m"}};

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        et_test_option(bad[i][0], bad[i][1]);
        ck_assert_int_lt(et_test_open(), 0);
        unit_has(et_test_why(), "bad value of option");
        et_test_end();
    }
}
END_TEST

START_TEST(what_was_seen_is_not_repeated)
{
    open_with(NULL, NULL);
    last = 2;
    ck_assert_str_eq(listen_from("1000000000"),
                     "retry: 1000\n\n"
                     "id: 1000000001\n"
                     "data: {\"time\":\"2001-09-09T01:46:41Z\"}\n\n");
    last = 1;
    ck_assert_str_eq(listen_from("1000000001"), /* one later: none was missed */
                     "retry: 1000\n\n"
                     "id: 1000000002\n"
                     "data: {\"time\":\"2001-09-09T01:46:42Z\"}\n\n");
}
END_TEST

START_TEST(what_was_missed_is_counted_and_no_more)
{
    open_with(NULL, NULL);
    last = 2;
    ck_assert_str_eq(
        listen_from("999999990"),
        "retry: 1000\n\n"
        "id: 1000000000\n"
        "data: {\"time\":\"2001-09-09T01:46:40Z\",\"missed\":9}\n\n"
        "id: 1000000001\n"
        "data: {\"time\":\"2001-09-09T01:46:41Z\"}\n\n");
    et_test_reload("interval=100ms");
    last = 1;
    set_ms = 1000000000000 - (START_MS + (int64_t)et_test_m_.now_ms - 1);
    unit_has(listen_from("999999999.800"), "00Z\",\"missed\":1}");
}
END_TEST

START_TEST(ids_that_are_none_are_as_if_there_were_none)
{
    static const char *const ids[] = {"",
                                      "-1",
                                      "x",
                                      "1000000001",
                                      "1000000000.999",
                                      "999999999.",
                                      "999999999.1",
                                      "999999999.12x",
                                      "999999999.1234",
                                      ".123",
                                      "99999999999999999999999",
                                      "1e3"};

    open_with(NULL, NULL);
    last = 1;
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        set_ms = -(int64_t)(et_test_m_.now_ms - 1);
        ck_assert_str_eq(listen_from(ids[i]),
                         "retry: 1000\n\n"
                         "id: 1000000000\n"
                         "data: {\"time\":\"2001-09-09T01:46:40Z\"}\n\n");
    }
    set_ms = -(int64_t)(et_test_m_.now_ms - 1);
    unit_has(listen_from("0"), "\"missed\":999999999}");
}
END_TEST

static void
set_back(void)
{
    if (++n_naps == 2)
        set_ms -= 3600000;
    if (n_naps == 3)
        et_test_retire();
}

START_TEST(a_clock_that_is_set_is_followed)
{
    open_with(NULL, NULL);
    et_test_meanwhile(set_back);
    listen_from(NULL);
    unit_has(et_test_text(), "id: 1000000001\n"
                             "data: {\"time\":\"2001-09-09T01:46:41Z\"}\n\n"
                             "id: 999996402\n"
                             "data: {\"time\":\"2001-09-09T00:46:42Z\"}\n\n");
}
END_TEST

static void
listen_for_long(void)
{
    n_naps = 0;
    et_test_request("GET", "/clock/events");
}

START_TEST(whatever_fails_no_stream_stays)
{
    open_with("100ms", NULL);
    /* begin, retry, three events and naps */
    ck_assert_int_eq(et_test_each_wait(listen_for_long, ET_ECANCEL), 8);
    ck_assert_int_eq(et_test_each_wait(listen_for_long, ET_ELIMIT), 8);
    ck_assert_int_eq(et_test_out_of_memory(listen_for_long), 4);
    ck_assert_int_eq(et_test_metric("streams"), 0);
    et_test_fail_wait(6, ET_ERETIRE); /* in a nap */
    listen_for_long();
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert(!et_test_is_cut());
    et_test_fail_wait(4, ET_ECANCEL);
    listen_for_long();
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert(et_test_is_cut());
    et_test_request("HEAD", "/clock/events");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert(!et_test_is_cut());
    ck_assert_uint_eq(et_test_length(), 0);
    ck_assert_int_eq(et_test_metric("streams"), 0);
}
END_TEST

START_TEST(one_that_comes_late_is_told_to_come_again)
{
    open_with(NULL, NULL);
    et_test_request("GET", "/clock/events");
    et_test_retire();
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_text(), "retry: 1000\n\n");
    ck_assert(!et_test_is_cut());
}
END_TEST

START_TEST(the_page_is_one_piece)
{
    open_with(NULL, NULL);
    et_test_request("GET", "/clock");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_type(), "text/html; charset=utf-8");
    unit_has(et_test_field("Content-Security-Policy", 0),
             "default-src 'none'; ");
    ck_assert_str_eq(et_test_field("X-Content-Type-Options", 0), "nosniff");
    ck_assert_str_eq(et_test_field("Referrer-Policy", 0), "no-referrer");
    ck_assert_ptr_null(strstr(et_test_text(), "http")); /* of no other place */
    ck_assert_ptr_null(strstr(et_test_text(), "src="));
    et_test_request("POST", "/clock");
    ck_assert_uint_eq(et_test_run(), 405);
}
END_TEST

UNIT_MAIN_IN(begin, et_test_end, clock, it_ticks_with_the_second,
             or_with_what_the_options_say,
             options_outside_their_range_are_refused,
             what_was_seen_is_not_repeated,
             what_was_missed_is_counted_and_no_more,
             ids_that_are_none_are_as_if_there_were_none,
             a_clock_that_is_set_is_followed, whatever_fails_no_stream_stays,
             one_that_comes_late_is_told_to_come_again, the_page_is_one_piece)
