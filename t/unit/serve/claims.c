/* SPDX-License-Identifier: BSD-2-Clause */
/* claims.c - tests of serve/claims.h: which declared routes give way. */
/* tags: asan */
#include "serve/claims.h"

#include "base/arena.h"
#include "base/str.h"
#include "t/lib/unit.h"

static struct arena arena;
static struct claims claims;

static void
begin(void)
{
    arena_init(&arena, NULL, 0, NULL, 1 << 20);
    claims = (struct claims){.arena = &arena};
}

/* What is left of the methods, NUL-terminated. */
static const char *
left(int64_t priority, const char *methods, const char *host,
     const char *pattern)
{
    et_str out;

    ck_assert_int_eq(claims_add(&claims, priority, str_from_z(methods),
                                str_from_z(host), str_from_z(pattern), &out),
                     0);
    return arena_dup(&arena, out).p;
}

START_TEST(only_what_a_higher_priority_has_is_taken_away)
{
    begin();
    ck_assert_str_eq(left(5, "GET,PUT", "", "/a"), "GET,PUT");
    ck_assert_str_eq(left(4, "GET,POST,PUT,PURGE", "", "/a"), "POST,PURGE");
    ck_assert_str_eq(left(4, "POST", "", "/a"), "POST"); /* a conflict */
    ck_assert_str_eq(left(3, "POST,GET", "", "/a"), "");
    ck_assert_str_eq(left(3, "GET", "", "/b"), "GET");
    arena_reset(&arena);
}
END_TEST

START_TEST(hosts_are_told_apart)
{
    begin();
    ck_assert_str_eq(left(5, "GET", "a.example", "/"), "GET");
    ck_assert_str_eq(left(4, "GET", "", "/"), "GET");
    ck_assert_str_eq(left(3, "GET", "b.example", "/"), "GET");
    ck_assert_str_eq(left(2, "GET", "a.example", "/"), "");
    arena_reset(&arena);
}
END_TEST

START_TEST(names_of_parameters_do_not_tell_patterns_apart)
{
    begin();
    ck_assert_str_eq(left(5, "GET", "", "/a/:x/b/*rest"), "GET");
    ck_assert_str_eq(left(4, "GET", "", "/a/:other/b/*all"), "");
    ck_assert_str_eq(left(4, "GET", "", "/a/:x/c/*rest"), "GET");
    ck_assert_str_eq(left(4, "GET", "", "/a/:x/b/:rest"), "GET");
    ck_assert_str_eq(left(4, "GET", "", "/a/x:y/b/*rest"), "GET");
    ck_assert_str_eq(left(3, "GET", "", "/a/x:z/b/*rest"), "GET");
    arena_reset(&arena);
}
END_TEST

START_TEST(any_method_is_a_method_of_its_own)
{
    begin();
    ck_assert_str_eq(left(5, "*", "", "/a"), "*");
    ck_assert_str_eq(left(4, "GET", "", "/a"), "GET");
    ck_assert_str_eq(left(3, "*", "", "/a"), "");
    arena_reset(&arena);
}
END_TEST

START_TEST(without_memory_it_says_so)
{
    et_str out;

    arena_init(&arena, NULL, 0, NULL, 1);
    claims = (struct claims){.arena = &arena};
    ck_assert_int_lt(claims_add(&claims, 0, str_from_z("GET"), str_from_z(""),
                                str_from_z("/"), &out),
                     0);
    arena_reset(&arena);
}
END_TEST

UNIT_MAIN(claims, only_what_a_higher_priority_has_is_taken_away,
          hosts_are_told_apart, names_of_parameters_do_not_tell_patterns_apart,
          any_method_is_a_method_of_its_own, without_memory_it_says_so)
