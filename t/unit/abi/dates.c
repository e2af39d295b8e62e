/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* dates.c - et_date_to and et_to_date, against the C library's calendar. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "abi/etude.h"
#include "t/lib/unit.h"

#define MOMENT INT64_C(784111777) /* Sun, 06 Nov 1994 08:49:37 GMT */
#define DAY INT64_C(86400)
#define LAST_DATE INT64_C(253402300799) /* of the year 9999 */

/* From a copy of its exact size, so that ASan sees who reads too far. */
static int32_t
read_date(const char *text, int64_t *t)
{
    const size_t n = strlen(text);
    char *exact = malloc(n ? n : 1);
    int32_t rc;

    ck_assert_ptr_nonnull(exact);
    memcpy(exact, text, n);
    rc = et_to_date(et_sn(exact, n), t);
    free(exact);
    return rc;
}

/* As the C library writes it, and back. */
static void
check_date(int64_t t)
{
    char text[ET_DATE_LEN + 1], wanted[64];
    time_t libc = (time_t)t;
    int64_t back = -1;
    struct tm tm;

    et_date_to(text, t);
    ck_assert_ptr_nonnull(gmtime_r(&libc, &tm));
    strftime(wanted, sizeof wanted, "%a, %d %b %Y %H:%M:%S GMT", &tm);
    ck_assert_str_eq(text, wanted);
    ck_assert_int_eq(read_date(text, &back), 0);
    ck_assert_int_eq(back, t);
}

START_TEST(every_day_is_written_as_libc_does_and_read_back)
{
    char text[ET_DATE_LEN + 1];

    for (int64_t t = 0; t < DAY * 366 * 140; t += DAY - 1)
        check_date(t);
    for (int64_t t = LAST_DATE; t > LAST_DATE - DAY * 1000; t -= DAY - 1)
        check_date(t);
    check_date(951782399); /* 2000-02-28 23:59:59 and the leap day */
    check_date(951782400);
    check_date(INT64_C(4107542400)); /* 2100-03-01 */
    et_date_to(text, -5);
    ck_assert_str_eq(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    et_date_to(text, INT64_MIN);
    ck_assert_str_eq(text, "Thu, 01 Jan 1970 00:00:00 GMT");
    et_date_to(text, INT64_MAX);
    ck_assert_str_eq(text, "Fri, 31 Dec 9999 23:59:59 GMT");
}
END_TEST

START_TEST(dates_are_read_in_three_forms)
{
    static const struct {
        const char *text;
        int64_t t;
    } rows[] = {{"Sun, 06 Nov 1994 08:49:37 GMT", MOMENT},
                {"Sunday, 06-Nov-94 08:49:37 GMT", MOMENT},
                {"Sun Nov  6 08:49:37 1994", MOMENT},
                {"Sun Nov 06 08:49:37 1994", MOMENT},
                {"Mon, 06 Nov 1994 08:49:37 GMT", MOMENT},
                {"Wednesday, 06-Nov-94 08:49:37 GMT", MOMENT},
                {"Thu, 01 Jan 1970 00:00:00 GMT", 0},
                {"Tue, 29 Feb 2000 23:59:60 GMT", 951868800},
                {"Sun, 02 Jan 0001 00:00:00 GMT", INT64_C(-62135510400)},
                {"Fri, 31 Dec 9999 23:59:59 GMT", LAST_DATE}};
    int64_t t;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        ck_assert_msg(read_date(rows[i].text, &t) == 0, "%s", rows[i].text);
        ck_assert_int_eq(t, rows[i].t);
    }
}
END_TEST

static int64_t
year_of(int64_t t)
{
    time_t libc = (time_t)t;
    struct tm tm;

    ck_assert_ptr_nonnull(gmtime_r(&libc, &tm));
    return tm.tm_year + 1900;
}

START_TEST(a_year_of_two_digits_is_at_most_50_from_now)
{
    for (int yy = 0; yy < 100; yy++) {
        const int64_t before = year_of(time(NULL));
        char text[64];
        int64_t t, year;
        snprintf(text, sizeof text, "Monday, 02-Jan-%02d 00:00:00 GMT", yy);
        ck_assert_int_eq(read_date(text, &t), 0);
        year = year_of(t);
        ck_assert_int_eq(year % 100, yy);
        ck_assert_int_gt(year, before - 50);
        ck_assert_int_le(year, year_of(time(NULL)) + 50);
    }
}
END_TEST

START_TEST(what_is_no_date_is_refused)
{
    static const char *const bad[] = {
        "",
        "0",
        "now",
        ", 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        " Sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 06 Nov 1994 08:49:37 GMT, and so on and so on",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Abc 1994 08:49:37 GMT",
        "Xyz, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun,  6 Nov 1994 08:49:37 GMT",
        "Sun, dd Nov 1994 08:49:37 GMT",
        "Sun, 06 aaa 1994 08:49:37 GMT",
        "Sun, 06 Nov dddd 08:49:37 GMT",
        "Sun, 06 Nov 1994 -8:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 32 Dec 1994 08:49:37 GMT",
        "Tue, 29 Feb 1994 08:49:37 GMT",
        "Thu, 29 Feb 1900 08:49:37 GMT",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sunday, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sunday 06-Nov-94 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Someday, 06-Nov-94 08:49:37 GMT",
        "Sundays, 06-Nov-94 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov   08:49:37 1994",
        "Sun Nov _6 08:49:37 1994",
        "Sun Nov 06 08:49:37 94",
        "Xyz Nov  6 08:49:37 1994",
        "Sunday Nov  6 08:49:37 1994",
        "06 Nov 1994 08:49:37 GMT, Sun",
        "1994-11-06T08:49:37Z00000000",
    };
    int64_t t = 42;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(read_date(bad[i], &t) == ET_EINVAL, "%s", bad[i]);
    ck_assert_int_eq(et_to_date(et_s(NULL), &t), ET_EINVAL);
    ck_assert_int_eq(t, 42);
}
END_TEST

UNIT_MAIN(dates, every_day_is_written_as_libc_does_and_read_back,
          dates_are_read_in_three_forms,
          a_year_of_two_digits_is_at_most_50_from_now,
          what_is_no_date_is_refused)
