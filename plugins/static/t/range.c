/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* range.c - which parts are asked for. */
#include "plugins/static/range.h"

#include "t/lib/unit.h"

static struct range v[RANGE_MAX];

/* "0+10 50+5", or "all", "none". */
static const char *
of(const char *text, uint64_t size)
{
    static char out[1024];
    const size_t len = strlen(text);
    char *exact = malloc(len); /* no NUL: who reads on is caught */
    int n, i;
    size_t at = 0;

    memcpy(exact, text, len);
    n = range_parse(et_sn(exact, len), size, v);
    free(exact);
    if (n < 0)
        return n == RANGE_ALL ? "all" : "none";
    for (i = 0; i < n; i++)
        at += (size_t)snprintf(out + at, sizeof out - at, "%s%llu+%llu",
                               i ? " " : "", (unsigned long long)v[i].from,
                               (unsigned long long)v[i].n);
    return out;
}

START_TEST(one_part)
{
    ck_assert_str_eq(of("bytes=0-9", 1000), "0+10");
    ck_assert_str_eq(of("bytes=0-0", 1000), "0+1");
    ck_assert_str_eq(of("bytes=990-", 1000), "990+10");
    ck_assert_str_eq(of("bytes=990-2000", 1000), "990+10");
    ck_assert_str_eq(of("bytes=-10", 1000), "990+10");
    ck_assert_str_eq(of("bytes=-5000", 1000), "0+1000");
    ck_assert_str_eq(of("Bytes= 0-9 ", 1000), "0+10");
    ck_assert_str_eq(of("bytes=,0-9,", 1000), "0+10");
    ck_assert_str_eq(of("bytes=0-18446744073709551616", 1000), "0+1000");
}
END_TEST

START_TEST(none_of_it_is_there)
{
    ck_assert_str_eq(of("bytes=1000-", 1000), "none");
    ck_assert_str_eq(of("bytes=1000-1001,5000-", 1000), "none");
    ck_assert_str_eq(of("bytes=-0", 1000), "none");
    ck_assert_str_eq(of("bytes=99999999999999999999999-", 1000), "none");
    ck_assert_str_eq(of("bytes=0-", 0), "none");
    ck_assert_str_eq(of("bytes=-5", 0), "all");
    ck_assert_str_eq(of("bytes=5000-,0-1", 1000), "0+2");
}
END_TEST

START_TEST(what_is_malformed_is_no_range)
{
    static const char *const bad[] = {
        "",           "bytes",      "bytes=",     "bytes=-",     "bytes=a-b",
        "bytes=9-0",  "bytes=0",    "bytes=0-9-", "items=0-9",   "bytes=0 -9",
        "bytes=--5",  "bytes=0-9;", "bytes=,,",   "bytes=0x0-9", "bytes=0-9,x",
        "bytes =0-9", "bytes:0-9",  "bytes=+0-9"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(strcmp(of(bad[i], 1000), "all") == 0, "%s: %s", bad[i],
                      of(bad[i], 1000));
}
END_TEST

START_TEST(several_parts_keep_their_order)
{
    ck_assert_str_eq(of("bytes=0-9,500-509", 1000), "0+10 500+10");
    ck_assert_str_eq(of("bytes=500-509, 0-9", 1000), "500+10 0+10");
    ck_assert_str_eq(of("bytes=-1,0-0", 1000), "999+1 0+1");
}
END_TEST

START_TEST(what_overlaps_or_nearly_touches_is_one)
{
    ck_assert_str_eq(of("bytes=0-9,5-20", 1000), "0+21");
    ck_assert_str_eq(of("bytes=0-9,10-20", 1000), "0+21");
    ck_assert_str_eq(of("bytes=0-9,138-150", 1000), "0+151");
    ck_assert_str_eq(of("bytes=0-9,139-150", 1000), "0+10 139+12");
    ck_assert_str_eq(of("bytes=0-,0-,0-,0-", 1000), "0+1000");
    ck_assert_str_eq(of("bytes=600-609,0-9,5-620", 1000), "0+621");
    ck_assert_str_eq(of("bytes=900-,400-409,0-9,0-950", 1000), "0+1000");
}
END_TEST

START_TEST(too_many_are_all_of_it)
{
    char text[4096] = "bytes=";
    int i;

    for (i = 0; i < RANGE_MAX; i++)
        sprintf(text + strlen(text), "%d-%d,", i * 1000, i * 1000);
    ck_assert_str_ne(of(text, 1000000), "all");
    sprintf(text + strlen(text), "%d-%d", i * 1000, i * 1000);
    ck_assert_str_eq(of(text, 1000000), "all");
    strcpy(text, "bytes=");
    for (i = 0; i < RANGE_SPECS_MAX; i++)
        strcat(text, "0-,");
    ck_assert_str_eq(of(text, 1000000), "0+1000000");
    strcat(text, "0-");
    ck_assert_str_eq(of(text, 1000000), "all");
}
END_TEST

UNIT_MAIN(range, one_part, none_of_it_is_there, what_is_malformed_is_no_range,
          several_parts_keep_their_order,
          what_overlaps_or_nearly_touches_is_one, too_many_are_all_of_it)
