/* SPDX-License-Identifier: BSD-2-Clause */
/* rebalance.c - when a worker gives connections away, how many and which; the
 * giving itself is unit/conn/conn_give.c and e2e/rebalance.c. */
#include "work/rebalance.h"

#include "conn/conn.h"
#include "t/lib/unit.h"
#include "work/worker.h"

#define WORKERS 3
#define NOW UINT64_C(1000000000000)

static struct metrics figures[WORKERS];
static struct worker all[WORKERS], *const w = &all[0];
static struct conn conns[64];

/* The shares of the last window. */
static void
set_shares(uint32_t mine, uint32_t second, uint32_t third)
{
    const uint32_t v[WORKERS] = {mine, second, third};

    for (int i = 0; i < WORKERS; i++) {
        all[i].load.share = v[i];
        all[i].load.seen_share = v[i];
        all[i].load.seen_ns = NOW;
    }
}

static void
setup(void)
{
    for (uint32_t i = 0; i < WORKERS; i++) {
        all[i].options.index = i;
        all[i].options.n_workers = WORKERS;
        all[i].options.all = all;
        all[i].options.slab_capacity = 100;
        all[i].env.metrics = all[i].options.metrics = &figures[i];
        all[i].env.limits.rebalances = 1;
        all[i].env.clock.mono_ms = 100000;
    }
    for (int i = 0; i < 64; i++) {
        conns[i].env = &w->env;
        conns[i].n_requests = 1;
    }
}

static void
window(enum rebalance_state expected)
{
    rebalance_window(w, NOW);
    ck_assert_int_eq(w->rebalance.state, expected);
}

/* How many of the first n connections are wanted, at a boundary each. */
static int
boundaries(int n)
{
    int wanted = 0;

    for (int i = 0; i < n && w->env.giver; i++)
        wanted += w->env.giver->wants(w->env.giver, &conns[i]);
    return wanted;
}

START_TEST(it_counts_and_gives_and_rests)
{
    set_shares(1000, 500, 200);
    window(REBALANCE_COUNTING);
    for (int i = 0; i < 5; i++) /* however often one comes it is one */
        ck_assert_int_eq(boundaries(20), 0);
    window(REBALANCE_GIVING);
    ck_assert_ptr_eq(w->rebalance.to, &all[2]);
    ck_assert_int_eq(boundaries(20), 4); /* half of (1 - 0.2) / 2 of 20 */
    ck_assert_int_eq(boundaries(20), 0);
    window(REBALANCE_RESTING);
    ck_assert_ptr_null(w->env.giver);
    window(REBALANCE_RESTING);
    window(REBALANCE_CALM);
}
END_TEST

START_TEST(who_is_not_busy_gives_nothing)
{
    set_shares(699, 0, 0);
    window(REBALANCE_CALM);
    set_shares(1000, 701, 800); /* the others are, too */
    window(REBALANCE_CALM);
    ck_assert_ptr_null(w->env.giver);
}
END_TEST

START_TEST(one_busy_window_is_not_enough)
{
    set_shares(1000, 0, 0);
    window(REBALANCE_COUNTING);
    boundaries(20);
    set_shares(300, 0, 0);
    window(REBALANCE_CALM);
    ck_assert_ptr_null(w->env.giver);
}
END_TEST

START_TEST(a_lone_busy_connection_stays)
{
    set_shares(1000, 0, 0);
    window(REBALANCE_COUNTING);
    boundaries(1);
    window(REBALANCE_CALM);
}
END_TEST

START_TEST(a_moved_connection_stays_for_a_while)
{
    set_shares(1000, 0, 0);
    for (int i = 0; i < 20; i++)
        conns[i].moved_s = 99;
    window(REBALANCE_COUNTING);
    boundaries(20);
    window(REBALANCE_GIVING);
    ck_assert_int_eq(boundaries(20), 0);
    w->env.clock.mono_ms += 10000;
    ck_assert_int_eq(boundaries(20), 5);
}
END_TEST

START_TEST(who_has_no_room_gets_none)
{
    metrics_set(&figures[1], METRIC_connections_active, 75);
    set_shares(1000, 0, 500);
    window(REBALANCE_COUNTING);
    boundaries(20);
    window(REBALANCE_GIVING);
    ck_assert_ptr_eq(w->rebalance.to, &all[2]);
}
END_TEST

START_TEST(it_ends_when_the_server_does_and_when_it_is_off)
{
    set_shares(1000, 0, 0);
    window(REBALANCE_COUNTING);
    w->env.is_stopping = 1;
    window(REBALANCE_CALM);
    ck_assert_ptr_null(w->env.giver);
    w->env.is_stopping = 0;
    window(REBALANCE_COUNTING);
    w->env.limits.rebalances = 0;
    window(REBALANCE_CALM);
    ck_assert_ptr_null(w->env.giver);
}
END_TEST

START_TEST(another_giver_is_left_alone)
{
    struct giver other = {0};

    set_shares(1000, 0, 0);
    window(REBALANCE_COUNTING);
    conn_give_some(&w->env, &other);
    window(REBALANCE_CALM);
    ck_assert_ptr_eq(w->env.giver, &other);
}
END_TEST

START_TEST(amounts)
{
    ck_assert_uint_eq(rebalance_amount(0, 1000, 0), 0);
    ck_assert_uint_eq(rebalance_amount(1, 1000, 0), 0);
    ck_assert_uint_eq(rebalance_amount(2, 1000, 0), 1);
    ck_assert_uint_eq(rebalance_amount(64, 1000, 0), 16);
    ck_assert_uint_eq(rebalance_amount(64, 800, 400), 8);
    ck_assert_uint_eq(rebalance_amount(100000, 1000, 0), REBALANCE_PARCELS);
}
END_TEST

UNIT_MAIN_IN(setup, NULL, rebalance, it_counts_and_gives_and_rests,
             who_is_not_busy_gives_nothing, one_busy_window_is_not_enough,
             a_lone_busy_connection_stays, a_moved_connection_stays_for_a_while,
             who_has_no_room_gets_none,
             it_ends_when_the_server_does_and_when_it_is_off,
             another_giver_is_left_alone, amounts)
