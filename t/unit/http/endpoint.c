/* SPDX-License-Identifier: BSD-2-Clause */
/* endpoint.c - methods at one end: who claims, who wins. */
#include "http/endpoint.h"

#include "base/arena.h"
#include "base/err.h"
#include "http/methods.h"
#include "t/lib/unit.h"

#define FURTHER METHOD_COUNT /* one token beyond the known methods */

static struct endpoint ends;
static struct arena arena;

static uint32_t
claim(uint32_t end, uint32_t mask, uint32_t rule)
{
    uint32_t owner = 0;

    while (mask != 0 && owner == 0)
        owner = endpoint_claim(&ends, end, &mask, rule);
    return owner;
}

static void
start(void)
{
    arena_init(&arena, NULL, 0, NULL, 1 << 20);
    ck_assert_int_eq(endpoint_init(&ends, &arena, 3, METHOD_COUNT + 1), 0);
}

static uint32_t
rule(uint32_t end, uint32_t method)
{
    uint32_t allow = 0;

    return endpoint_rule(&ends, end, method, &allow);
}

START_TEST(named_before_head_by_get_before_any)
{
    uint32_t end, allow = 0;

    start();
    end = endpoint_add(&ends);
    ck_assert_uint_eq(end, 1);
    ck_assert_uint_eq(claim(end, METHODS_ANY, 7), 0);
    ck_assert_uint_eq(claim(end, method_bit(ET_M_GET), 8), 0);
    ck_assert_uint_eq(claim(end, method_bit(FURTHER), 9), 0);
    endpoint_seal(&ends);
    ck_assert_uint_eq(rule(end, ET_M_GET), 8);
    ck_assert_uint_eq(rule(end, ET_M_HEAD), 8);
    ck_assert_uint_eq(rule(end, ET_M_POST), 7);
    ck_assert_uint_eq(rule(end, ET_M_OTHER), 7);
    ck_assert_uint_eq(rule(end, FURTHER), 9);
    endpoint_rule(&ends, end, ET_M_GET, &allow);
    ck_assert_uint_eq(allow, METHOD_ALL | method_bit(FURTHER));
    arena_reset(&arena);
}
END_TEST

START_TEST(without_any_the_rest_is_not_allowed)
{
    uint32_t a, b, allow = 0;

    start();
    a = endpoint_add(&ends);
    b = endpoint_add(&ends);
    ck_assert_uint_eq(claim(a, method_bit(ET_M_GET) | method_bit(ET_M_HEAD), 1),
                      0);
    ck_assert_uint_eq(claim(b, method_bit(ET_M_POST), 2), 0);
    endpoint_seal(&ends);
    ck_assert_uint_eq(rule(a, ET_M_HEAD), 1);
    ck_assert_uint_eq(endpoint_rule(&ends, a, ET_M_OTHER, &allow), 0);
    ck_assert_uint_eq(allow, method_bit(ET_M_GET) | method_bit(ET_M_HEAD));
    ck_assert_uint_eq(endpoint_rule(&ends, b, ET_M_GET, &allow), 0);
    ck_assert_uint_eq(allow, method_bit(ET_M_GET) | method_bit(ET_M_HEAD) |
                                 method_bit(ET_M_POST));
    arena_reset(&arena);
}
END_TEST

START_TEST(a_second_claim_names_the_first)
{
    uint32_t end, mask = method_bit(ET_M_GET) | method_bit(ET_M_PUT);

    start();
    end = endpoint_add(&ends);
    ck_assert_uint_eq(claim(end, method_bit(ET_M_PUT), 4), 0);
    ck_assert_uint_eq(endpoint_claim(&ends, end, &mask, 5), 0);
    ck_assert_uint_eq(mask, method_bit(ET_M_PUT));
    ck_assert_uint_eq(endpoint_claim(&ends, end, &mask, 5), 4);
    ck_assert_uint_eq(mask, 0);
    ck_assert_uint_eq(claim(end, METHODS_ANY, 5), 0);
    ck_assert_uint_eq(claim(end, METHODS_ANY, 6), 5);
    arena_reset(&arena);
}
END_TEST

START_TEST(without_memory_it_says_so)
{
    arena_init(&arena, NULL, 0, NULL, 0);
    ck_assert_int_eq(endpoint_init(&ends, &arena, 3, 10), ERR_NOMEM);
}
END_TEST

UNIT_MAIN(endpoint, named_before_head_by_get_before_any,
          without_any_the_rest_is_not_allowed, a_second_claim_names_the_first,
          without_memory_it_says_so)
