/* SPDX-License-Identifier: BSD-2-Clause */
/* h2_ids.c - numbers that were left out are told from those that were used. */
#include "conn/h2_ids.h"

#include <stddef.h>
#include <stdint.h>

#include "t/lib/unit.h"

START_TEST(who_counts_by_two_leaves_nothing_out)
{
    struct h2_ids ids = {0};

    for (int32_t id = 1; id < 2001; id += 2)
        h2_ids_use(&ids, id);
    ck_assert_uint_eq(ids.n, 0);
    for (int32_t id = 1; id < 4001; id += 2)
        ck_assert(!h2_ids_is_gap(&ids, id));
}
END_TEST

START_TEST(gaps_are_known_to_their_ends)
{
    static const int32_t used[] = {5, 7, 15, 17, 21, INT32_MAX};
    struct h2_ids ids = {0};
    size_t at = 0;

    for (size_t i = 0; i < sizeof used / sizeof used[0]; i++)
        h2_ids_use(&ids, used[i]);
    for (int32_t id = 1; id <= 1001; id += 2) {
        int is_used = id == used[at];
        ck_assert_int_eq(h2_ids_is_gap(&ids, id), !is_used);
        at += (size_t)is_used;
    }
    ck_assert(h2_ids_is_gap(&ids, INT32_MAX - 2));
    ck_assert(!h2_ids_is_gap(&ids, INT32_MAX));
}
END_TEST

START_TEST(the_oldest_is_forgotten)
{
    struct h2_ids ids = {0};

    for (int32_t id = 3; id <= 3 + 4 * (int32_t)H2_IDS_GAPS; id += 4)
        h2_ids_use(&ids, id);
    ck_assert(!h2_ids_is_gap(&ids, 1));
    for (int32_t id = 5; id < 3 + 4 * (int32_t)H2_IDS_GAPS; id += 4)
        ck_assert(h2_ids_is_gap(&ids, id));
}
END_TEST

UNIT_MAIN(h2_ids, who_counts_by_two_leaves_nothing_out,
          gaps_are_known_to_their_ends, the_oldest_is_forgotten)
