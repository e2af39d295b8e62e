/* SPDX-License-Identifier: BSD-2-Clause */
/* Units: every one of them, both ways. */
#include "conf/unit.h"

#include "base/err.h"
#include "help.h"
#include "t/lib/unit.h"

static void
is(uint32_t type, const char *text, int64_t expected)
{
    int64_t n = -1;

    ck_assert_int_eq(unit_parse(type, str_from_z(text), &n), 0);
    ck_assert_int_eq(n, expected);
}

static void
is_not(uint32_t type, const char *text)
{
    int64_t n;

    ck_assert_int_eq(unit_parse(type, str_from_z(text), &n), ERR_INVALID);
}

START_TEST(sizes)
{
    is(VALUE_SIZE, "0", 0);
    is(VALUE_SIZE, "4096", 4096);
    is(VALUE_SIZE, "64k", 65536);
    is(VALUE_SIZE, "64K", 65536);
    is(VALUE_SIZE, "3m", 3 << 20);
    is(VALUE_SIZE, "3M", 3 << 20);
    is(VALUE_SIZE, "2g", INT64_C(2) << 30);
    is(VALUE_SIZE, "2G", INT64_C(2) << 30);
    is(VALUE_SIZE, "1KiB", 1024);
    is(VALUE_SIZE, "1MiB", 1 << 20);
    is(VALUE_SIZE, "1GiB", 1 << 30);
    is_not(VALUE_SIZE, "");
    is_not(VALUE_SIZE, "k");
    is_not(VALUE_SIZE, "1kb");
    is_not(VALUE_SIZE, "1KB");
    is_not(VALUE_SIZE, "1 k");
    is_not(VALUE_SIZE, "1.5m");
    is_not(VALUE_SIZE, "-1");
    is_not(VALUE_SIZE, "8589934592g");
    is_not(VALUE_SIZE, "99999999999999999999");
}
END_TEST

START_TEST(times)
{
    is(VALUE_TIME, "0", 0);
    is(VALUE_TIME, "0s", 0);
    is(VALUE_TIME, "250ms", 250);
    is(VALUE_TIME, "10s", 10000);
    is(VALUE_TIME, "5m", 300000);
    is(VALUE_TIME, "2h", 7200000);
    is(VALUE_TIME, "365d", INT64_C(31536000000));
    is_not(VALUE_TIME, "10");
    is_not(VALUE_TIME, "1y");
    is_not(VALUE_TIME, "1w");
    is_not(VALUE_TIME, "10S");
    is_not(VALUE_TIME, "1m30s");
    is_not(VALUE_TIME, "s");
    is_not(VALUE_TIME, "9223372036854775807d");
}
END_TEST

START_TEST(numbers_are_written_the_shortest_way)
{
    static const struct {
        uint32_t type;
        int64_t n;
        const char *text;
    } rows[] = {
        {VALUE_SIZE, 0, "0"},           {VALUE_SIZE, 1000, "1000"},
        {VALUE_SIZE, 65536, "64k"},     {VALUE_SIZE, 1 << 20, "1m"},
        {VALUE_SIZE, 3 << 29, "1536m"}, {VALUE_TIME, 0, "0"},
        {VALUE_TIME, 250, "250ms"},     {VALUE_TIME, 90000, "90s"},
        {VALUE_TIME, 86400000, "1d"},   {VALUE_RATE, 3600000, "3600000"},
        {VALUE_INT, -1024, "-1024"}};
    char text[32];
    int64_t back;
    size_t i;

    for (i = 0; i < ARRAY_LEN(rows); i++) {
        unit_write(rows[i].type, rows[i].n, text, sizeof(text));
        ck_assert_str_eq(text, rows[i].text);
        if (rows[i].type == VALUE_INT || rows[i].type == VALUE_RATE)
            continue;
        ck_assert_int_eq(unit_parse(rows[i].type, str_from_z(text), &back), 0);
        ck_assert_int_eq(back, rows[i].n);
    }
}
END_TEST

UNIT_MAIN(unit, sizes, times, numbers_are_written_the_shortest_way)
