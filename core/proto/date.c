/* SPDX-License-Identifier: BSD-2-Clause */
/* date.c - see date.h.
 *
 * Days are counted from 1 March of year 0 in eras of 400 years (146,097 days),
 * so that the leap day is the last of its year. */
#include "proto/date.h"

#include <string.h>

#include "base/err.h"
#include "proto/ascii.h"

#define DAY INT64_C(86400)
#define ERA_DAYS 146097
#define EPOCH_DAYS 719468 /* 0000-03-01 to 1970-01-01 */

static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char days[] = "SunMonTueWedThuFriSat";

struct moment {
    int64_t year;
    int month, day, hour, minute, second; /* month 1..12 */
};

/* Days from 1970-01-01 to a date of year 0 or later. */
static int64_t
to_days(int64_t year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1 + 400;
    int64_t era = y / 400, of_era = y % 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t n = of_era * 365 + of_era / 4 - of_era / 100 + of_year;

    return era * ERA_DAYS + n - EPOCH_DAYS - (month > 2 ? 0 : ERA_DAYS);
}

static struct moment
to_moment(int64_t wall_s)
{
    int64_t z = wall_s / DAY + EPOCH_DAYS;
    int64_t era = z / ERA_DAYS, n = z % ERA_DAYS;
    int64_t of_era = (n - n / 1460 + n / 36524 - n / 146096) / 365;
    int64_t of_year = n - (365 * of_era + of_era / 4 - of_era / 100);
    int64_t march = (5 * of_year + 2) / 153; /* months since March */
    struct moment m;

    m.day = (int)(of_year - (153 * march + 2) / 5 + 1);
    m.month = (int)(march < 10 ? march + 3 : march - 9);
    m.year = of_era + era * 400 + (m.month <= 2);
    m.hour = (int)(wall_s % DAY / 3600);
    m.minute = (int)(wall_s % 3600 / 60);
    m.second = (int)(wall_s % 60);
    return m;
}

static void
put2(char *out, int64_t v)
{
    out[0] = (char)('0' + v / 10);
    out[1] = (char)('0' + v % 10);
}

void
date_format(char out[DATE_LEN], int64_t wall_s)
{
    struct moment m;

    if (wall_s < 0)
        wall_s = 0;
    if (wall_s > DATE_LAST)
        wall_s = DATE_LAST;
    m = to_moment(wall_s);
    memcpy(out, "ddd, DD mmm YYYY HH:MM:SS GMT", DATE_LEN);
    memcpy(out, days + (wall_s / DAY + 4) % 7 * 3, 3);
    put2(out + 5, m.day);
    memcpy(out + 8, months + (m.month - 1) * 3, 3);
    put2(out + 12, m.year / 100);
    put2(out + 14, m.year % 100);
    put2(out + 17, m.hour);
    put2(out + 20, m.minute);
    put2(out + 23, m.second);
}

/* ---- reading -------------------------------------------------------------*/

/* Does s look like model?  There 'd' is a digit, 'b' a digit or a blank, 'a' a
 * letter, and any other byte itself. */
static int
looks_like(et_str s, const char *model)
{
    if (s.n != strlen(model))
        return 0;
    for (size_t i = 0; i < s.n; i++) {
        char m = model[i], c = s.p[i];
        int ok = m == 'd'   ? ascii_is(c, ASCII_DIGIT)
                 : m == 'b' ? ascii_is(c, ASCII_DIGIT) || c == ' '
                 : m == 'a' ? ascii_is(c, ASCII_ALPHA)
                            : c == m;
        if (!ok)
            return 0;
    }
    return 1;
}

static int
get2(const char *p)
{
    return (p[0] == ' ' ? 0 : p[0] - '0') * 10 + p[1] - '0';
}

/* 0-based place of a three-letter name in names, or -1. */
static int
find3(const char *names, const char *p)
{
    for (int i = 0; names[i * 3] != 0; i++)
        if (memcmp(names + i * 3, p, 3) == 0)
            return i;
    return -1;
}

static void
get_time(struct moment *m, const char *p)
{
    m->hour = get2(p);
    m->minute = get2(p + 3);
    m->second = get2(p + 6);
}

static int
parse_imf(et_str s, struct moment *m)
{
    if (!looks_like(s, "aaa, dd aaa dddd dd:dd:dd GMT"))
        return ERR_INVALID;
    m->day = get2(s.p + 5);
    m->month = find3(months, s.p + 8) + 1;
    m->year = get2(s.p + 12) * 100 + get2(s.p + 14);
    get_time(m, s.p + 17);
    return find3(days, s.p) < 0 ? ERR_INVALID : 0;
}

static int
parse_asctime(et_str s, struct moment *m)
{
    if (!looks_like(s, "aaa aaa bd dd:dd:dd dddd"))
        return ERR_INVALID;
    m->month = find3(months, s.p + 4) + 1;
    m->day = get2(s.p + 8);
    get_time(m, s.p + 11);
    m->year = get2(s.p + 20) * 100 + get2(s.p + 22);
    return find3(days, s.p) < 0 ? ERR_INVALID : 0;
}

static int
is_long_day(et_str s)
{
    static const char *const names[] = {
        "sunday",   "monday", "tuesday",  "wednesday",
        "thursday", "friday", "saturday",
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (ascii_eq_lit(s, names[i]))
            return 1;
    return 0;
}

static int
parse_rfc850(et_str s, int64_t now_s, struct moment *m)
{
    const char *comma = memchr(s.p, ',', s.n);
    size_t n = comma != NULL ? (size_t)(comma - s.p) : s.n;
    et_str rest = {s.p + n, s.n - n};
    int64_t latest;

    if (!looks_like(rest, ", dd-aaa-dd dd:dd:dd GMT"))
        return ERR_INVALID;
    m->day = get2(rest.p + 2);
    m->month = find3(months, rest.p + 5) + 1;
    get_time(m, rest.p + 12);
    latest = to_moment(now_s > 0 ? now_s : 0).year + 50;
    m->year = latest - latest % 100 + get2(rest.p + 9);
    if (m->year > latest)
        m->year -= 100;
    return is_long_day((et_str){s.p, n}) ? 0 : ERR_INVALID;
}

static int
is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int
is_real(const struct moment *m)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30,
                                  31, 31, 30, 31, 30, 31};
    int last;

    if (m->month < 1 || m->month > 12)
        return 0;
    last = lengths[m->month - 1] + (m->month == 2 && is_leap(m->year));
    return m->day >= 1 && m->day <= last && m->hour < 24 && m->minute < 60 &&
           m->second <= 60;
}

int
date_parse(et_str s, int64_t now_s, int64_t *wall_s)
{
    struct moment m;

    if (s.n == 0)
        return ERR_INVALID;
    if (parse_imf(s, &m) < 0 && parse_asctime(s, &m) < 0 &&
        parse_rfc850(s, now_s, &m) < 0)
        return ERR_INVALID;
    if (!is_real(&m))
        return ERR_INVALID;
    *wall_s = to_days(m.year, m.month, m.day) * DAY + m.hour * 3600 +
              m.minute * 60 + m.second;
    return 0;
}
