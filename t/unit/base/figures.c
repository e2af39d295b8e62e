/* SPDX-License-Identifier: BSD-2-Clause */
/* figures.c - what is counted by one process after the other. */
#include "base/figures.h"

#include <string.h>

#include "t/lib/unit.h"

#define LANES 3u

static struct region *region;
static struct figures f;

static size_t
bytes(void)
{
    return figures_kind()->bytes(LANES);
}

static void
begin(void)
{
    region = region_new(figures_kind(), LANES);
    ck_assert_ptr_nonnull(region);
    seats_give(&region->seats, 0);
    ck_assert(figures_attach(&f, region, bytes(), 0, LANES));
}

static void
end(void)
{
    region_unmap(region, bytes());
}

/* The process on that seat ends, and the next one comes. */
static void
succeed(struct figures *g, uint32_t seat)
{
    seats_free(&region->seats, seat);
    seats_give(&region->seats, seat);
    ck_assert(figures_attach(g, region, bytes(), seat, LANES));
}

static const struct shelf_name one = {{11, 12}}, two = {{21, 22}};

static void
count(const struct figures *g, uint32_t lane, uint32_t place, int64_t n)
{
    atomic_fetch_add(figures_cell(g, lane, place), n);
}

START_TEST(totals_go_on_and_gauges_begin_anew)
{
    struct figures g;

    for (uint32_t lane = 0; lane < LANES; lane++) {
        metrics_add(figures_own(&f, lane), METRIC_requests, 5);
        metrics_add(figures_own(&f, lane), METRIC_requests_active, 1);
        metrics_add(figures_own(&f, lane), METRIC_store_entries, 2);
        metrics_set(figures_own(&f, lane), METRIC_generation, lane);
    }
    ck_assert_uint_eq(figures_total(&f, METRIC_requests), 15);
    ck_assert_uint_eq(figures_total(&f, METRIC_requests_active), 3);
    ck_assert_uint_eq(figures_total(&f, METRIC_generation), 2);
    seats_free(&region->seats, 0);
    ck_assert_uint_eq(figures_total(&f, METRIC_requests), 15);
    ck_assert_uint_eq(figures_total(&f, METRIC_requests_active), 0);
    seats_give(&region->seats, 0); /* it has not begun */
    ck_assert_uint_eq(figures_total(&f, METRIC_requests_active), 0);
    ck_assert(figures_attach(&g, region, bytes(), 0, 2));
    metrics_add(figures_own(&g, 0), METRIC_requests, 1);
    metrics_sub(figures_own(&g, 0), METRIC_store_entries, 1);
    ck_assert_uint_eq(figures_total(&g, METRIC_requests), 16);
    ck_assert_uint_eq(figures_total(&g, METRIC_requests_active), 0);
    ck_assert_uint_eq(figures_total(&g, METRIC_generation), 0);
    ck_assert_uint_eq(figures_total(&g, METRIC_store_entries), 5);
}
END_TEST

START_TEST(two_that_run_are_one_answer)
{
    struct figures g;

    succeed(&g, 1);
    metrics_add(figures_own(&f, 0), METRIC_requests, 5);
    metrics_add(figures_own(&g, 0), METRIC_requests, 7);
    metrics_add(figures_own(&f, 1), METRIC_connections_active, 1);
    metrics_add(figures_own(&g, 1), METRIC_connections_active, 2);
    metrics_set(figures_own(&f, 0), METRIC_generation, 9);
    metrics_set(figures_own(&g, 0), METRIC_generation, 10);
    ck_assert_ptr_ne(figures_own(&f, 0), figures_own(&g, 0));
    ck_assert_uint_eq(figures_total(&g, METRIC_requests), 12);
    ck_assert_uint_eq(figures_total(&f, METRIC_connections_active), 3);
    ck_assert_uint_eq(figures_total(&f, METRIC_generation), 10);
    seats_free(&region->seats, 0);
    ck_assert_uint_eq(figures_total(&g, METRIC_requests), 12);
    ck_assert_uint_eq(figures_total(&g, METRIC_connections_active), 2);
}
END_TEST

START_TEST(cells_are_found_by_name)
{
    uint32_t a = figures_place(&f, &one, 4, 0);
    uint32_t b = figures_place(&f, &two, 1, 1);
    struct figures g;

    ck_assert_uint_ne(a, FIGURES_NONE);
    ck_assert_uint_ne(b, FIGURES_NONE);
    ck_assert_uint_eq(figures_place(&f, &one, 4, 0), a);
    count(&f, 1, a + 3, 5);
    count(&f, 2, a + 3, 5);
    count(&f, 1, b, 7);
    ck_assert_int_eq(figures_sum(&f, a + 3, 0), 10);
    ck_assert_int_eq(figures_sum(&f, b, 1), 7);
    succeed(&g, 0);
    ck_assert_uint_eq(figures_place(&g, &one, 4, 0), a);
    ck_assert_uint_eq(figures_place(&g, &two, 1, 1), b);
    ck_assert_int_eq(figures_sum(&g, a + 3, 0), 10);
    ck_assert_int_eq(figures_sum(&g, b, 1), 0);
    count(&g, 1, a + 3, 1);
    ck_assert_int_eq(figures_sum(&g, a + 3, 0), 11);
    figures_zero(&g, a + 3);
    ck_assert_int_eq(figures_sum(&g, a + 3, 0), 0);
}
END_TEST

START_TEST(there_is_a_bound_on_cells)
{
    uint32_t n = 0;

    for (uint64_t i = 1;; i++) {
        const struct shelf_seeds seeds = {{1, 2}};
        const struct shelf_name name =
            shelf_hash(&seeds, (et_str){(const char *)&i, sizeof i});
        uint32_t place = figures_place(&f, &name, 66, i % 2 == 0);
        if (place == FIGURES_NONE)
            break;
        ck_assert_uint_le(place + 66, FIGURES_CELLS);
        n++;
    }
    ck_assert_uint_eq(n, FIGURES_CELLS / 66);
    ck_assert_uint_ne(figures_place(&f, &two, 2, 0), FIGURES_NONE);
}
END_TEST

START_TEST(more_lanes_than_there_is_room_for_are_refused)
{
    struct figures g;

    seats_give(&region->seats, 1);
    ck_assert(!figures_attach(&g, region, bytes(), 1, LANES + 1));
}
END_TEST

START_TEST(what_makes_no_sense_stays_within_the_memory)
{
    struct shelf_view v;
    uint32_t place = figures_place(&f, &one, 4, 0);

    ck_assert_uint_ne(place, FIGURES_NONE);
    ck_assert(shelf_find(&f.series, &one, &v));
    ck_assert(shelf_set(&f.series, &v, FIGURES_CELLS - 3, 0));
    ck_assert_uint_eq(figures_place(&f, &one, 4, 0), FIGURES_NONE);
    ck_assert(shelf_set(&f.series, &v, UINT64_MAX, 0));
    ck_assert_uint_eq(figures_place(&f, &one, 4, 0), FIGURES_NONE);
    memset((void *)region->words, 0xff, sizeof region->words);
    ck_assert_uint_eq(figures_place(&f, &two, 1, 0), FIGURES_NONE);
    atomic_store(&region->seats.lanes[2], UINT32_MAX);
    (void)figures_total(&f, METRIC_requests);
    (void)figures_sum(&f, FIGURES_CELLS - 1, 0);
    seats_give(&region->seats, 3);
    ck_assert(figures_attach(&f, region, bytes(), 3, LANES));
}
END_TEST

START_TEST(generations_are_counted_over_all_processes)
{
    struct figures g;

    ck_assert_uint_eq(figures_last_generation(&f), 0);
    figures_note_generation(&f, 7);
    figures_note_generation(&f, 3);
    succeed(&g, 0);
    ck_assert_uint_eq(figures_last_generation(&g), 7);
}
END_TEST

START_TEST(lanes_share_no_cache_line)
{
    const char *a = (const char *)figures_own(&f, 0);
    const char *b = (const char *)figures_own(&f, 1);

    ck_assert_uint_eq((uintptr_t)a % 64, 0);
    ck_assert_uint_eq((uintptr_t)(b - a) % 64, 0);
    ck_assert_ptr_eq(figures_cell(&f, 0, 0) + FIGURES_CELLS,
                     figures_cell(&f, 1, 0));
    ck_assert_uint_eq((uintptr_t)figures_cell(&f, 0, 0) % 64, 0);
}
END_TEST

UNIT_MAIN_IN(begin, end, figures, totals_go_on_and_gauges_begin_anew,
             two_that_run_are_one_answer, cells_are_found_by_name,
             there_is_a_bound_on_cells,
             more_lanes_than_there_is_room_for_are_refused,
             what_makes_no_sense_stays_within_the_memory,
             generations_are_counted_over_all_processes,
             lanes_share_no_cache_line)
