/* SPDX-License-Identifier: BSD-2-Clause */
/* balance.c - who gets a connection, and who stays where when workers come or
 * are full. */
#include "work/balance.h"

#include "t/lib/unit.h"

#define CLIENTS 20000u
#define WORKERS 32u

static uint64_t loads[WORKERS + 1];

static uint64_t
load(const void *ctx, uint32_t i)
{
    return ((const uint64_t *)ctx)[i];
}

static int
pick(enum balance kind, uint32_t n, uint32_t next, uint64_t key)
{
    const struct balance_workers w = {
        .n = n, .next = next, .load = load, .ctx = loads};

    return balance_pick(kind, &w, key);
}

/* Addresses as they are: one behind the other. */
static uint64_t
client(uint32_t i)
{
    return UINT64_C(0x0a00000000ffff00) + ((uint64_t)i << 32);
}

START_TEST(by_turns_passes_over_who_is_full)
{
    loads[1] = BALANCE_FULL;
    ck_assert_int_eq(pick(BALANCE_ROUND_ROBIN, 3, 0, 7), 0);
    ck_assert_int_eq(pick(BALANCE_ROUND_ROBIN, 3, 1, 7), 2);
    ck_assert_int_eq(pick(BALANCE_ROUND_ROBIN, 3, 2, 7), 2);
}
END_TEST

START_TEST(the_fewest_wins_and_of_equals_the_next)
{
    loads[0] = 5;
    loads[1] = 3;
    loads[2] = 9;
    loads[3] = 3;
    ck_assert_int_eq(pick(BALANCE_LEAST, 4, 0, 7), 1);
    ck_assert_int_eq(pick(BALANCE_LEAST, 4, 2, 7), 3);
    ck_assert_int_eq(pick(BALANCE_LEAST, 3, 2, 7), 1);
    loads[1] = loads[3] = BALANCE_FULL;
    ck_assert_int_eq(pick(BALANCE_LEAST, 4, 2, 7), 0);
}
END_TEST

START_TEST(nobody_has_room)
{
    for (uint32_t i = 0; i < 3; i++)
        loads[i] = BALANCE_FULL;
    for (int kind = BALANCE_ROUND_ROBIN; kind <= BALANCE_HASH; kind++)
        ck_assert_int_eq(pick((enum balance)kind, 3, 1, 7), -1);
}
END_TEST

START_TEST(an_unknown_client_is_hashed_nowhere)
{
    ck_assert_int_eq(pick(BALANCE_HASH, 3, 1, 0), 1);
    ck_assert_int_eq(pick(BALANCE_HASH, 3, 2, 0), 2);
}
END_TEST

/* Whose turn it is does not matter, and each has its share. */
START_TEST(a_client_has_its_worker)
{
    for (uint32_t n = 1; n <= WORKERS; n++) {
        uint32_t count[WORKERS] = {0}, mean = CLIENTS / n;
        for (uint32_t i = 0; i < CLIENTS; i++) {
            int at = pick(BALANCE_HASH, n, 0, client(i));
            UNIT_HOLDS(at == pick(BALANCE_HASH, n, i % n, client(i)));
            count[at]++;
        }
        for (uint32_t i = 0; i < n; i++) {
            ck_assert_uint_gt(count[i], mean - mean / 5);
            ck_assert_uint_lt(count[i], mean + mean / 5);
        }
    }
}
END_TEST

START_TEST(one_worker_more_moves_its_share_and_nobody_else)
{
    for (uint32_t n = 1; n < WORKERS; n++) {
        uint32_t moved = 0, share = CLIENTS / (n + 1);
        for (uint32_t i = 0; i < CLIENTS; i++) {
            int before = pick(BALANCE_HASH, n, 0, client(i));
            int after = pick(BALANCE_HASH, n + 1, 0, client(i));
            UNIT_HOLDS(after == before || after == (int)n);
            moved += after != before;
        }
        ck_assert_uint_gt(moved, share - share / 5);
        ck_assert_uint_lt(moved, share + share / 5);
    }
}
END_TEST

START_TEST(a_full_worker_s_clients_alone_move)
{
    enum { N = 5, FULL = 2 };
    uint32_t moved[N] = {0};

    for (uint32_t i = 0; i < CLIENTS; i++) {
        int before, after;
        loads[FULL] = 0;
        before = pick(BALANCE_HASH, N, 0, client(i));
        loads[FULL] = BALANCE_FULL;
        after = pick(BALANCE_HASH, N, 0, client(i));
        UNIT_HOLDS(before == FULL || after == before);
        moved[after] += before == FULL;
    }
    ck_assert_uint_eq(moved[FULL], 0);
    for (uint32_t i = 0; i < N; i++) /* and not all to the same one */
        ck_assert(i == FULL || moved[i] > CLIENTS / N / N / 2);
}
END_TEST

UNIT_MAIN(balance, by_turns_passes_over_who_is_full,
          the_fewest_wins_and_of_equals_the_next, nobody_has_room,
          an_unknown_client_is_hashed_nowhere, a_client_has_its_worker,
          one_worker_more_moves_its_share_and_nobody_else,
          a_full_worker_s_clients_alone_move)
