/* SPDX-License-Identifier: BSD-2-Clause */
/* seats.c - whose turn goes on and whose is over. */
#include "base/seats.h"

#include "t/lib/unit.h"

static struct seats seats;

START_TEST(a_turn_goes_on_until_its_seat_is_free)
{
    uint32_t name;

    ck_assert(!seats_is_on(&seats, seats_name(&seats, 2)));
    ck_assert_uint_eq(seats_give(&seats, 2), 1);
    name = seats_name(&seats, 2);
    ck_assert(seats_is_on(&seats, name));
    ck_assert_uint_lt(name, 1u << SEATS_NAME_BITS);
    ck_assert_uint_eq(seats_give(&seats, 2), SEATS_NONE);
    seats_free(&seats, 2);
    seats_free(&seats, 2);
    ck_assert(!seats_is_on(&seats, name));
    ck_assert_uint_eq(seats_give(&seats, 2), 3);
    ck_assert(!seats_is_on(&seats, name));
    ck_assert(seats_is_on(&seats, seats_name(&seats, 2)));
}
END_TEST

START_TEST(no_name_that_was_not_given_is_on)
{
    ck_assert_uint_eq(seats_give(&seats, 0), 1);
    for (uint32_t name = 0; name < 1u << 16; name++)
        ck_assert_int_eq(seats_is_on(&seats, name),
                         name == seats_name(&seats, 0));
}
END_TEST

START_TEST(whoever_has_a_seat_begins_once)
{
    seats_give(&seats, 1);
    ck_assert(!seats_has_begun(&seats, 1));
    seats_begin(&seats, 1);
    ck_assert(seats_has_begun(&seats, 1));
    seats_free(&seats, 1);
    ck_assert(!seats_has_begun(&seats, 1));
    seats_give(&seats, 1);
    ck_assert(!seats_has_begun(&seats, 1));
}
END_TEST

START_TEST(lanes_are_the_most_there_were_and_bounded)
{
    seats_set_lanes(&seats, 0, 5);
    seats_set_lanes(&seats, 0, 3);
    ck_assert_uint_eq(seats_lanes(&seats, 0), 5);
    atomic_store(&seats.lanes[0], UINT32_MAX);
    ck_assert_uint_eq(seats_lanes(&seats, 0), SEATS_LANES_MAX);
}
END_TEST

UNIT_MAIN(seats, a_turn_goes_on_until_its_seat_is_free,
          no_name_that_was_not_given_is_on, whoever_has_a_seat_begins_once,
          lanes_are_the_most_there_were_and_bounded)
