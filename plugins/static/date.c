/* SPDX-License-Identifier: BSD-2-Clause */
/* date.c - see date.h. */
#include "date.h"

#define DAY_S 86400
#define LAST INT64_C(253402300799) /* of the year 9999 */

static const char days[] = "SunMonTueWedThuFriSat";
static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

/* Days since 1970, and back: years begin in March, so that what is special
 * comes last (H. Hinnant, "chrono-compatible low-level date algorithms"). */
static int64_t
days_of(int64_t y, unsigned month, unsigned day)
{
    const int64_t year = y - (month <= 2);
    const int64_t era = year / 400;
    const int64_t of_era = year - era * 400;
    const int64_t of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year -
           719468;
}

static void
date_of(int64_t n, int *y, int *month, int *day)
{
    const int64_t z = n + 719468;
    const int64_t era = z / 146097;
    const int64_t of_era = z - era * 146097;
    const int64_t year =
        (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    const int64_t m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *y = (int)(year + era * 400 + (*month <= 2));
}

static char *
put(char *p, int n, int digits)
{
    int i;
    for (i = digits - 1; i >= 0; i--, n /= 10)
        p[i] = (char)('0' + n % 10);
    return p + digits;
}

static char *
put_text(char *p, const char *text, size_t n)
{
    memcpy(p, text, n);
    return p + n;
}

void
date_format(int64_t t, char out[DATE_LEN + 1])
{
    int y, month, day, s;
    char *p = out;
    t = t < 0 ? 0 : t > LAST ? LAST : t;
    s = (int)(t % DAY_S);
    date_of(t / DAY_S, &y, &month, &day);
    p = put_text(p, days + 3 * ((t / DAY_S + 4) % 7), 3);
    p = put(put_text(p, ", ", 2), day, 2);
    p = put_text(put_text(p, " ", 1), months + 3 * (month - 1), 3);
    p = put(put_text(p, " ", 1), y, 4);
    p = put(put_text(p, " ", 1), s / 3600, 2);
    p = put(put_text(p, ":", 1), s / 60 % 60, 2);
    p = put(put_text(p, ":", 1), s % 60, 2);
    memcpy(p, " GMT", 5);
}

/* ---- reading -------------------------------------------------------------*/

struct reader {
    const char *p, *end; /* p NULL: it is none */
};

static void
skip(struct reader *r, const char *text)
{
    const size_t n = strlen(text);
    if (!r->p || (size_t)(r->end - r->p) < n || memcmp(r->p, text, n) != 0)
        r->p = NULL;
    else
        r->p += n;
}

static int
number(struct reader *r, int digits)
{
    int n = 0;
    for (; r->p && digits > 0; digits--, r->p++) {
        if (r->p == r->end || *r->p < '0' || *r->p > '9') {
            r->p = NULL;
            return 0;
        }
        n = n * 10 + (*r->p - '0');
    }
    return n;
}

/* Which of the names, of three letters each; from 0 on. */
static int
name(struct reader *r, const char *names)
{
    size_t i;
    for (i = 0; r->p && r->end - r->p >= 3 && names[i]; i += 3)
        if (memcmp(r->p, names + i, 3) == 0) {
            r->p += 3;
            return (int)(i / 3);
        }
    r->p = NULL;
    return 0;
}

static int
clock_of(struct reader *r)
{
    int h, m, s;
    h = number(r, 2);
    skip(r, ":");
    m = number(r, 2);
    skip(r, ":");
    s = number(r, 2);
    if (h > 23 || m > 59 || s > 60)
        r->p = NULL;
    return h * 3600 + m * 60 + s;
}

struct stamp {
    int year, month, day, s; /* month from 0 on */
};

/* Sun, 06 Nov 1994 08:49:37 GMT */
static void
read_fixed(struct reader *r, struct stamp *d)
{
    name(r, days);
    skip(r, ", ");
    d->day = number(r, 2);
    skip(r, " ");
    d->month = name(r, months);
    skip(r, " ");
    d->year = number(r, 4);
    skip(r, " ");
    d->s = clock_of(r);
    skip(r, " GMT");
}

/* Sunday, 06-Nov-94 08:49:37 GMT */
static void
read_rfc850(struct reader *r, struct stamp *d)
{
    const char *comma = memchr(r->p, ',', (size_t)(r->end - r->p));
    name(r, days);
    if (r->p)
        r->p = comma;
    skip(r, ", ");
    d->day = number(r, 2);
    skip(r, "-");
    d->month = name(r, months);
    skip(r, "-");
    d->year = number(r, 2);
    d->year += d->year < 70 ? 2000 : 1900;
    skip(r, " ");
    d->s = clock_of(r);
    skip(r, " GMT");
}

/* Sun Nov  6 08:49:37 1994 */
static void
read_asctime(struct reader *r, struct stamp *d)
{
    name(r, days);
    skip(r, " ");
    d->month = name(r, months);
    skip(r, " ");
    if (r->p && r->p < r->end && *r->p == ' ') {
        r->p++;
        d->day = number(r, 1);
    } else {
        d->day = number(r, 2);
    }
    skip(r, " ");
    d->s = clock_of(r);
    skip(r, " ");
    d->year = number(r, 4);
}

int
date_parse(et_str s, int64_t *t)
{
    struct stamp d = {0, 0, 0, 0};
    struct reader r;
    if (s.n < 24)
        return -1;
    r.p = s.p;
    r.end = s.p + s.n;
    if (s.p[3] == ',')
        read_fixed(&r, &d);
    else if (s.p[3] == ' ')
        read_asctime(&r, &d);
    else
        read_rfc850(&r, &d);
    if (r.p != r.end || d.day < 1 || d.day > 31 || d.year < 1)
        return -1;
    *t = days_of(d.year, (unsigned)d.month + 1, (unsigned)d.day) * DAY_S + d.s;
    return 0;
}
