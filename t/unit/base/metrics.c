/* SPDX-License-Identifier: BSD-2-Clause */
/* metrics.c - the table, a block, and a reader beside its writer. */
#include "base/metrics.h"

#include <pthread.h>
#include <string.h>

#include "t/lib/unit.h"

START_TEST(each_row_has_a_name_of_its_own_and_help)
{
    for (enum metric i = 0; i < METRIC_COUNT; i++) {
        ck_assert_uint_gt(strlen(metrics_help(i)), 0);
        ck_assert_uint_eq(
            strspn(metrics_name(i), "abcdefghijklmnopqrstuvwxyz0123456789_"),
            strlen(metrics_name(i)));
        for (enum metric k = 0; k < i; k++)
            ck_assert_str_ne(metrics_name(i), metrics_name(k));
    }
    ck_assert_str_eq(metrics_name(METRIC_requests), "requests");
    ck_assert_int_eq(metrics_kind(METRIC_requests), METRIC_COUNTER);
    ck_assert_int_eq(metrics_kind(METRIC_connections_active), METRIC_GAUGE);
}
END_TEST

START_TEST(counters_add_and_gauges_go_both_ways)
{
    static struct metrics m;

    metrics_add(&m, METRIC_requests, 3);
    metrics_add(&m, METRIC_requests, 4);
    metrics_add(&m, METRIC_connections_active, 2);
    metrics_sub(&m, METRIC_connections_active, 1);
    ck_assert_uint_eq(metrics_get(&m, METRIC_requests), 7);
    ck_assert_uint_eq(metrics_get(&m, METRIC_connections_active), 1);
    ck_assert_uint_eq(metrics_get(&m, METRIC_turns), 0);
}
END_TEST

START_TEST(blocks_share_no_cache_line)
{
    ck_assert_uint_eq(_Alignof(struct metrics), 64);
    ck_assert_uint_eq(sizeof(struct metrics) % 64, 0);
}
END_TEST

static struct metrics shared;

static void *
count(void *arg)
{
    for (int i = 0; i < 100000; i++)
        metrics_add(&shared, METRIC_requests, 1);
    return arg;
}

START_TEST(a_reader_sees_it_grow)
{
    pthread_t writer;
    uint64_t seen = 0;

    ck_assert_int_eq(pthread_create(&writer, NULL, count, NULL), 0);
    while (seen < 100000) {
        uint64_t now = metrics_get(&shared, METRIC_requests);

        if (now < seen)
            ck_abort_msg("%ju after %ju", (uintmax_t)now, (uintmax_t)seen);
        seen = now;
    }
    pthread_join(writer, NULL);
    ck_assert_uint_eq(metrics_get(&shared, METRIC_requests), 100000);
}
END_TEST

UNIT_MAIN(metrics, each_row_has_a_name_of_its_own_and_help,
          counters_add_and_gauges_go_both_ways, blocks_share_no_cache_line,
          a_reader_sees_it_grow)
