/* SPDX-License-Identifier: BSD-2-Clause */
/* clock.c - dates against the C library's, over 10,000 years. */
#include "base/clock.h"

#include <limits.h>
#include <string.h>
#include <time.h>

#include "t/lib/unit.h"

static void
same_as_library(int64_t wall_s)
{
    struct clock c;
    struct tm tm;
    char want[64], got[CLOCK_TEXT_LEN];
    time_t t = wall_s;
    size_t n;

    gmtime_r(&t, &tm);
    clock_set(&c, 0, wall_s, 987654321);
    strftime(want, sizeof want, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    ck_assert_str_eq(c.date, want);
    n = strftime(want, sizeof want, "%Y-%m-%dT%H:%M:%S.987Z", &tm);
    ck_assert_int_eq(clock_iso(got, wall_s, 987654321), (int)n);
    ck_assert_str_eq(got, want);
    n = strftime(want, sizeof want, "%d/%b/%Y:%H:%M:%S +0000", &tm);
    ck_assert_int_eq(clock_clf(got, wall_s), (int)n);
    ck_assert_str_eq(got, want);
}

START_TEST(the_examples_of_the_rfc_and_of_the_header)
{
    struct clock c = {0};
    char out[CLOCK_TEXT_LEN];

    clock_set(&c, 5000000, 784111777, 0);
    ck_assert_str_eq(c.date, "Sun, 06 Nov 1994 08:49:37 GMT");
    ck_assert_uint_eq(strlen(c.date), CLOCK_DATE_LEN);
    ck_assert_uint_eq(c.mono_ms, 5);
    ck_assert_int_eq(clock_iso(out, 1795227660, 123456789), 24);
    ck_assert_str_eq(out, "2026-11-21T02:21:00.123Z");
    ck_assert_int_eq(clock_clf(out, 1795227660), 26);
    ck_assert_str_eq(out, "21/Nov/2026:02:21:00 +0000");
    ck_assert_int_eq(clock_iso(out, 0, 0), 24);
    ck_assert_str_eq(out, "1970-01-01T00:00:00.000Z");
}
END_TEST

START_TEST(each_third_day_of_500_years)
{
    for (int64_t day = -25000; day < 160000; day += 3)
        same_as_library(day * 86400 + (day * 7919 % 86400 + 86400) % 86400);
}
END_TEST

START_TEST(both_ends_of_each_month_around_leap_days)
{
    static const int64_t years[] = {1600, 1700, 1900, 1999, 2000, 2001,
                                    2004, 2100, 2399, 2400, 4000, 9996};

    for (size_t i = 0; i < sizeof years / sizeof *years; i++) {
        struct tm tm = {.tm_year = (int)years[i] - 1900, .tm_mday = 1};
        int64_t first = timegm(&tm);

        for (int day = -1; day < 368; day++) {
            same_as_library(first + day * 86400);
            same_as_library(first + day * 86400 + 86399);
        }
    }
}
END_TEST

START_TEST(times_out_of_range_are_their_ends)
{
    char out[CLOCK_TEXT_LEN];

    same_as_library(253402300799);
    clock_iso(out, 253402300800, 0);
    ck_assert_str_eq(out, "9999-12-31T23:59:59.000Z");
    clock_iso(out, INT64_MAX, 999999999);
    ck_assert_str_eq(out, "9999-12-31T23:59:59.999Z");
    clock_iso(out, INT64_MIN, 0);
    ck_assert_str_eq(out, "0000-01-01T00:00:00.000Z");
    clock_iso(out, -62167219200 + 86400 * 60, 0);
    ck_assert_str_eq(out, "0000-03-01T00:00:00.000Z");
}
END_TEST

START_TEST(update_reads_both_clocks)
{
    struct clock c = {0};
    time_t before = time(NULL);
    uint64_t mono = clock_mono_ns();

    clock_update(&c);
    ck_assert_int_ge(c.wall_s, before);
    ck_assert_int_le(c.wall_s, time(NULL) + 1); /* it lags by a tick */
    ck_assert_uint_lt(c.wall_ns, 1000000000);
    ck_assert_uint_ge(c.mono_ns, mono);
    ck_assert_uint_le(c.mono_ns, clock_mono_ns());
    ck_assert_uint_eq(c.mono_ms, c.mono_ns / 1000000);
    ck_assert_uint_eq(strlen(c.date), CLOCK_DATE_LEN);
}
END_TEST

START_TEST(the_date_follows_the_second)
{
    struct clock c = {0};
    char was[CLOCK_DATE_LEN + 1];

    clock_update(&c);
    clock_set(&c, 0, 784111777, 0);
    strcpy(was, c.date);
    clock_update(&c);
    ck_assert_str_ne(c.date, was);
}
END_TEST

START_TEST(a_span_is_told_from_its_largest_part_on)
{
    char out[CLOCK_SPAN_LEN];

    ck_assert_str_eq(clock_span(out, 0), "0s");
    ck_assert_str_eq(clock_span(out, 60), "1m 0s");
    ck_assert_str_eq(clock_span(out, 3599), "59m 59s");
    ck_assert_str_eq(clock_span(out, 86400 + 3 * 3600), "1d 3h 0m 0s");
    clock_span(out, UINT64_MAX); /* has room */
}
END_TEST

START_TEST(a_wait_is_rounded_up)
{
    ck_assert_int_eq(clock_wait_ms(0, 5), -1);
    ck_assert_int_eq(clock_wait_ms(5, 5), 0);
    ck_assert_int_eq(clock_wait_ms(4, 5), 0);
    ck_assert_int_eq(clock_wait_ms(6, 5), 1);
    ck_assert_int_eq(clock_wait_ms(2500005, 5), 3);
    ck_assert_int_eq(clock_wait_ms(UINT64_MAX, 5), INT_MAX);
}
END_TEST

START_TEST(for_ever_is_the_longest_wait)
{
    ck_assert_int_eq(clock_sooner(-1, -1), -1);
    ck_assert_int_eq(clock_sooner(-1, 0), 0);
    ck_assert_int_eq(clock_sooner(0, -1), 0);
    ck_assert_int_eq(clock_sooner(7, 8), 7);
    ck_assert_int_eq(clock_sooner(8, 7), 7);
}
END_TEST

UNIT_MAIN(clock, the_examples_of_the_rfc_and_of_the_header,
          each_third_day_of_500_years, both_ends_of_each_month_around_leap_days,
          times_out_of_range_are_their_ends, update_reads_both_clocks,
          the_date_follows_the_second, a_span_is_told_from_its_largest_part_on,
          a_wait_is_rounded_up, for_ever_is_the_longest_wait)
