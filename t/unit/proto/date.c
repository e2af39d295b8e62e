/* SPDX-License-Identifier: BSD-2-Clause */
/* HTTP dates against the C library's calendar. */
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "proto/date.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

#define NOW INT64_C(784111777) /* Sun, 06 Nov 1994 08:49:37 GMT */

static int
parse(const char *text, int64_t now, int64_t *out)
{
    size_t n = strlen(text);

    return date_parse((et_str){guard_end(text, n), n}, now, out);
}

static void
round_trip(int64_t t)
{
    char out[DATE_LEN + 1], wanted[64];
    time_t libc = (time_t)t;
    struct tm tm;
    int64_t back = -1;

    date_format(out, t);
    out[DATE_LEN] = '\0';
    gmtime_r(&libc, &tm);
    strftime(wanted, sizeof(wanted), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    ck_assert_str_eq(out, wanted);
    ck_assert_int_eq(parse(out, 0, &back), 0);
    ck_assert_int_eq(back, t);
}

START_TEST(every_day_is_written_as_libc_does_and_read_back)
{
    for (int64_t t = 0; t < 86400 * INT64_C(366) * 140; t += 86399)
        round_trip(t);
    for (int64_t t = DATE_LAST; t > DATE_LAST - 86400 * 1000; t -= 86399)
        round_trip(t);
    round_trip(951782399); /* 2000-02-28 23:59:59 and the leap day */
    round_trip(951782400);
    round_trip(INT64_C(4107542400)); /* 2100-03-01 */
}
END_TEST

START_TEST(what_cannot_be_told_is_clamped)
{
    char out[DATE_LEN];

    date_format(out, -1);
    ck_assert_mem_eq(out, "Thu, 01 Jan 1970 00:00:00 GMT", DATE_LEN);
    date_format(out, INT64_MAX);
    ck_assert_mem_eq(out, "Fri, 31 Dec 9999 23:59:59 GMT", DATE_LEN);
}
END_TEST

START_TEST(all_three_formats_are_read)
{
    static const char *const rows[] = {
        "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",      "Sun Nov 06 08:49:37 1994",
        "Mon, 06 Nov 1994 08:49:37 GMT",
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        int64_t t = 0;
        ck_assert_int_eq(parse(rows[i], NOW, &t), 0);
        ck_assert_int_eq(t, NOW);
    }
}
END_TEST

START_TEST(two_digit_years_are_near_now)
{
    int64_t t;

    ck_assert_int_eq(parse("Sunday, 06-Nov-94 08:49:37 GMT", 1700000000, &t),
                     0);
    ck_assert_int_eq(t, NOW);
    ck_assert_int_eq(parse("Friday, 06-Nov-44 08:49:37 GMT", NOW, &t), 0);
    ck_assert_int_eq(t, NOW + INT64_C(18263) * 86400);
    ck_assert_int_eq(parse("Friday, 06-Nov-45 08:49:37 GMT", NOW, &t), 0);
    ck_assert_int_lt(t, 0);
    ck_assert_int_eq(parse("Tuesday, 06-Nov-73 08:49:37 GMT", 1700000000, &t),
                     0);
    ck_assert_int_gt(t, 1700000000);
    ck_assert_int_eq(parse("Tuesday, 06-Nov-74 08:49:37 GMT", 1700000000, &t),
                     0);
    ck_assert_int_lt(t, 1700000000);
}
END_TEST

START_TEST(what_is_no_date_is_refused)
{
    static const char *const rows[] = {
        "",
        "now",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Abc 1994 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun,  6 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Tue, 29 Feb 1994 08:49:37 GMT",
        "Thu, 29 Feb 1900 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Someday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov   08:49:37 1994",
        "Xyz Nov  6 08:49:37 1994",
    };
    int64_t t;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(parse(rows[i], NOW, &t) == ERR_INVALID, "%s", rows[i]);
    ck_assert_int_eq(parse("Thu, 29 Feb 2024 23:59:60 GMT", NOW, &t), 0);
    ck_assert_int_eq(parse("Sun, 02 Jan 0001 00:00:00 GMT", NOW, &t), 0);
    ck_assert_int_eq(t, INT64_C(-62135510400));
}
END_TEST

UNIT_MAIN(date, every_day_is_written_as_libc_does_and_read_back,
          what_cannot_be_told_is_clamped, all_three_formats_are_read,
          two_digit_years_are_near_now, what_is_no_date_is_refused)
