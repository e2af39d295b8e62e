/* SPDX-License-Identifier: BSD-2-Clause */
/* clock.c - see clock.h. */
#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/check.h"

#define DAY_S 86400
#define SINCE_MARCH_0 719468        /* days from 0000-03-01 to 1970-01-01 */
#define ERA_DAYS 146097             /* of 400 years */
#define WALL_MIN_S (-62167219200LL) /* 0000-01-01T00:00:00Z */
#define WALL_MAX_S 253402300799LL   /* 9999-12-31T23:59:59Z */

static const char weekdays[7][4] = {"Sun", "Mon", "Tue", "Wed",
                                    "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

struct civil {
    unsigned year, month, day; /* month 0..11, day 1..31 */
    unsigned weekday;          /* 0: Sunday */
    unsigned hour, minute, second;
};

/* The Gregorian date, counted in years that begin in March, so that the leap
 * day is the last of its year. */
static struct civil
civil_of(int64_t wall_s)
{
    struct civil c;
    unsigned days, era, of_era, year, of_year, month, s;
    uint64_t since;

    if (wall_s < WALL_MIN_S)
        wall_s = WALL_MIN_S;
    if (wall_s > WALL_MAX_S)
        wall_s = WALL_MAX_S;
    /* From the first of March before year 0, so that nothing is negative. */
    since = (uint64_t)(wall_s + (int64_t)DAY_S * (SINCE_MARCH_0 + ERA_DAYS));
    days = (unsigned)(since / DAY_S);
    s = (unsigned)(since % DAY_S);
    era = days / ERA_DAYS;
    of_era = days % ERA_DAYS;
    year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    of_year = of_era - (365 * year + year / 4 - year / 100);
    month = (5 * of_year + 2) / 153; /* 0: March */
    c.day = of_year - (153 * month + 2) / 5 + 1;
    c.month = (month + 2) % 12;
    c.year = year + era * 400 + (month >= 10) - 400;
    c.weekday = (days + 3) % 7; /* day 0 was a Wednesday */
    c.hour = s / 3600;
    c.minute = s / 60 % 60;
    c.second = s % 60;
    return c;
}

/* v in n digits; the end. */
static char *
put_number(char *p, unsigned v, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        p[i] = (char)('0' + v % 10);
        v /= 10;
    }
    return p + n;
}

static char *
put_text(char *p, const char *text)
{
    size_t n = strlen(text);

    memcpy(p, text, n);
    return p + n;
}

static char *
put_time(char *p, const struct civil *c)
{
    p = put_number(p, c->hour, 2);
    *p++ = ':';
    p = put_number(p, c->minute, 2);
    *p++ = ':';
    return put_number(p, c->second, 2);
}

static void
make_date(struct clock *k)
{
    struct civil c = civil_of(k->wall_s);
    char *p = k->date;

    p = put_text(p, weekdays[c.weekday]);
    p = put_text(p, ", ");
    p = put_number(p, c.day, 2);
    *p++ = ' ';
    p = put_text(p, months[c.month]);
    *p++ = ' ';
    p = put_number(p, c.year, 4);
    *p++ = ' ';
    p = put_time(p, &c);
    p = put_text(p, " GMT");
    *p = '\0';
    CHECK(p - k->date == CLOCK_DATE_LEN);
}

static void
set_mono(struct clock *c, uint64_t mono_ns)
{
    c->mono_ns = mono_ns;
    c->mono_ms = mono_ns / 1000000;
}

void
clock_update(struct clock *c)
{
    struct timespec wall;

    set_mono(c, clock_mono_ns());
    clock_gettime(CLOCK_REALTIME, &wall);
    c->wall_ns = (uint32_t)wall.tv_nsec;
    if (UNLIKELY(c->wall_s != wall.tv_sec || !c->date[0])) {
        c->wall_s = wall.tv_sec;
        make_date(c);
    }
}

void
clock_set(struct clock *c, uint64_t mono_ns, int64_t wall_s, uint32_t wall_ns)
{
    set_mono(c, mono_ns);
    c->wall_s = wall_s;
    c->wall_ns = wall_ns;
    make_date(c);
}

static uint64_t
read_ns(clockid_t which)
{
    struct timespec ts;

    clock_gettime(which, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

uint64_t
clock_mono_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t
clock_coarse_ns(void)
{
    return read_ns(CLOCK_MONOTONIC_COARSE);
}

int
clock_iso(char out[CLOCK_TEXT_LEN], int64_t wall_s, uint32_t wall_ns)
{
    struct civil c = civil_of(wall_s);
    char *p = put_number(out, c.year, 4);

    *p++ = '-';
    p = put_number(p, c.month + 1, 2);
    *p++ = '-';
    p = put_number(p, c.day, 2);
    *p++ = 'T';
    p = put_time(p, &c);
    *p++ = '.';
    p = put_number(p, wall_ns / 1000000, 3);
    *p++ = 'Z';
    *p = '\0';
    return (int)(p - out);
}

int
clock_clf(char out[CLOCK_TEXT_LEN], int64_t wall_s)
{
    struct civil c = civil_of(wall_s);
    char *p = put_number(out, c.day, 2);

    *p++ = '/';
    p = put_text(p, months[c.month]);
    *p++ = '/';
    p = put_number(p, c.year, 4);
    *p++ = ':';
    p = put_time(p, &c);
    p = put_text(p, " +0000");
    *p = '\0';
    return (int)(p - out);
}

const char *
clock_span(char out[CLOCK_SPAN_LEN], uint64_t s)
{
    unsigned long long t = s;
    int n = 0;

    if (t >= 86400)
        n += snprintf(out, CLOCK_SPAN_LEN, "%llud ", t / 86400);
    if (t >= 3600)
        n += snprintf(out + n, CLOCK_SPAN_LEN - (size_t)n, "%lluh ",
                      t / 3600 % 24);
    if (t >= 60)
        n += snprintf(out + n, CLOCK_SPAN_LEN - (size_t)n, "%llum ",
                      t / 60 % 60);
    snprintf(out + n, CLOCK_SPAN_LEN - (size_t)n, "%llus", t % 60);
    return out;
}

int
clock_wait_ms(uint64_t due_ns, uint64_t now_ns)
{
    uint64_t ms = due_ns > now_ns ? (due_ns - now_ns) / 1000000u + 1 : 0;

    if (due_ns == 0)
        return -1;
    return ms < INT_MAX ? (int)ms : INT_MAX;
}

int
clock_sooner(int a_ms, int b_ms)
{
    return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}
