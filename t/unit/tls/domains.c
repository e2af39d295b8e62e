/* SPDX-License-Identifier: BSD-2-Clause */
/* domains.c - names and wildcards, and what they cover. */
/* tags: asan */
#include "tls/domains.h"

#include <stdio.h>

#include "base/err.h"
#include "base/str.h"
#include "t/lib/unit.h"

/* What host means in d; -1: nothing. */
static int
find(const struct domains *d, const char *host)
{
    uint32_t value;

    return domains_find(d, str_from_z(host), &value) ? (int)value : -1;
}

static void
fill(struct domains *d)
{
    static const char *const names[] = {
        "example.com",       "*.example.com",
        "a.example.com",     "*.b.example.com",
        "xn--mgba3a4fra.ir", "localhost",
        "127.0.0.1",         "*.localhost",
        "example.com", /* again: the first one counts */
    };

    domains_init(d);
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++)
        ck_assert_int_eq(domains_add(d, str_from_z(names[i]), i), 0);
    domains_seal(d);
}

START_TEST(exact_names_are_stronger_than_wildcards)
{
    struct domains d;

    fill(&d);
    ck_assert_int_eq(find(&d, "example.com"), 0);
    ck_assert_int_eq(find(&d, "a.example.com"), 2);
    ck_assert_int_eq(find(&d, "b.example.com"), 1);
    ck_assert_int_eq(find(&d, "c.b.example.com"), 3);
    ck_assert_int_eq(find(&d, "localhost"), 5);
    ck_assert_int_eq(find(&d, "127.0.0.1"), 6);
    ck_assert_int_eq(find(&d, "x.localhost"), 7);
    domains_fini(&d);
}
END_TEST

START_TEST(case_and_a_final_dot_do_not_matter)
{
    struct domains d;

    fill(&d);
    ck_assert_int_eq(find(&d, "EXAMPLE.com."), 0);
    ck_assert_int_eq(find(&d, "Www.Example.Com"), 1);
    ck_assert_int_eq(find(&d, "XN--MGBA3A4FRA.IR"), 4);
    domains_fini(&d);
}
END_TEST

START_TEST(a_wildcard_covers_one_label)
{
    struct domains d;

    fill(&d);
    ck_assert_int_eq(find(&d, "x.a.example.com"), -1);
    ck_assert_int_eq(find(&d, "x.y.b.example.com"), -1);
    ck_assert_int_eq(find(&d, ".example.com"), -1);
    ck_assert_int_eq(find(&d, "notexample.com"), -1);
    ck_assert_int_eq(find(&d, "com"), -1);
    ck_assert_int_eq(find(&d, ""), -1);
    ck_assert_int_eq(find(&d, "."), -1);
    domains_fini(&d);
}
END_TEST

START_TEST(of_the_longest_names)
{
    char name[DOMAINS_NAME_MAX + 2];
    struct domains d;
    uint32_t value;

    memset(name, 'a', sizeof name);
    domains_init(&d);
    ck_assert_int_eq(domains_add(&d, (et_str){name, DOMAINS_NAME_MAX + 1}, 1),
                     ERR_LIMIT);
    ck_assert_int_eq(domains_add(&d, str_lit(""), 1), ERR_LIMIT);
    ck_assert_int_eq(domains_add(&d, (et_str){name, DOMAINS_NAME_MAX}, 1), 0);
    domains_seal(&d);
    ck_assert(domains_find(&d, (et_str){name, DOMAINS_NAME_MAX}, &value));
    ck_assert(!domains_find(&d, (et_str){name, DOMAINS_NAME_MAX + 1}, &value));
    name[DOMAINS_NAME_MAX] = '.';
    ck_assert(domains_find(&d, (et_str){name, DOMAINS_NAME_MAX + 1}, &value));
    domains_fini(&d);
}
END_TEST

START_TEST(in_none_nothing_is_found)
{
    struct domains d;

    domains_init(&d);
    domains_seal(&d);
    ck_assert_int_eq(find(&d, "example.com"), -1);
    domains_fini(&d);
}
END_TEST

START_TEST(a_thousand_of_them)
{
    struct domains d;
    char name[64];

    domains_init(&d);
    for (uint32_t i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "%shost%u.example", i % 2 ? "*." : "",
                 (i * 7919) % 1000);
        ck_assert_int_eq(domains_add(&d, str_from_z(name), i), 0);
    }
    domains_seal(&d);
    for (uint32_t i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "%shost%u.example", i % 2 ? "any." : "",
                 (i * 7919) % 1000);
        ck_assert_int_eq(find(&d, name), (int)i);
    }
    domains_fini(&d);
}
END_TEST

START_TEST(one_name_alone)
{
    ck_assert(domains_covers(str_lit("*.a.b"), str_lit("X.a.B.")));
    ck_assert(domains_covers(str_lit("a.b"), str_lit("a.b")));
    ck_assert(domains_covers(str_lit("*.a.b"), str_lit("*.a.b")));
    ck_assert(!domains_covers(str_lit("*.a.b"), str_lit("a.b")));
    ck_assert(!domains_covers(str_lit("*.a.b"), str_lit("x.y.a.b")));
    ck_assert(!domains_covers(str_lit("a.b"), str_lit("")));
    ck_assert(!domains_covers(str_lit(""), str_lit("")));
}
END_TEST

UNIT_MAIN(domains, exact_names_are_stronger_than_wildcards,
          case_and_a_final_dot_do_not_matter, a_wildcard_covers_one_label,
          of_the_longest_names, in_none_nothing_is_found, a_thousand_of_them,
          one_name_alone)
