/* SPDX-License-Identifier: BSD-2-Clause */
/* table.c - where rules come to stand.  What is found there and the words of
 * conflicts are tested in router.c. */
#include "http/table.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/rules.h"
#include "t/lib/unit.h"

static struct arena arena;
static struct diag diag;
static struct rules rules;
static struct table table;

static void
start(void)
{
    arena_init(&arena, NULL, 0, NULL, 1 << 20);
    diag_init(&diag);
    rules_init(&rules, &arena);
}

static void
add(const char *methods, const char *host, const char *pattern)
{
    et_str text = str_from_z(host);
    struct router_rule rule = {.methods = str_from_z(methods),
                               .pattern = str_from_z(pattern),
                               .hosts = {&text, host != NULL},
                               .name = "r"};

    rules_add(&rules, &rule, &diag);
}

static uint32_t
rule_at(uint32_t end, uint32_t method)
{
    uint32_t allow = 0;

    return endpoint_rule(&table.endpoint, end, method, &allow);
}

START_TEST(static_paths_and_patterns_are_apart)
{
    const struct table_roots *roots;
    uint32_t node;

    start();
    add("GET", NULL, "/a/b");
    add("POST", NULL, "/a/b");
    add("GET", "h", "/a/:x");
    ck_assert_int_eq(table_build(&table, &arena, &rules, &diag), 0);
    ck_assert_uint_eq(diag.n_errors, 0);
    ck_assert_uint_eq(table.vhost.n_groups, 2);
    roots = &table.roots[0];
    ck_assert_uint_eq(roots->patterns, 0);
    node = tree_child(&table.tree, roots->paths, str_lit("/a/b"));
    ck_assert_uint_ne(node, 0);
    ck_assert_uint_eq(rule_at(table.tree.nodes[node].end, ET_M_GET), 1);
    ck_assert_uint_eq(rule_at(table.tree.nodes[node].end, ET_M_POST), 2);
    roots = &table.roots[vhost_of(&table.vhost, str_lit("h"))];
    ck_assert_uint_eq(tree_child(&table.tree, roots->paths, str_lit("/a/b")),
                      0);
    node = tree_child(&table.tree, roots->patterns, str_lit("a"));
    node = table.tree.nodes[node].param;
    ck_assert_uint_ne(node, 0);
    ck_assert_uint_eq(rule_at(table.tree.nodes[node].end, ET_M_HEAD), 3);
    diag_fini(&diag);
    arena_reset(&arena);
}
END_TEST

START_TEST(faults_are_counted_with_the_rules)
{
    start();
    add("GET", NULL, "/a");
    add("GET", NULL, "/a");
    add("GET", NULL, "/a");
    ck_assert_int_eq(table_build(&table, &arena, &rules, &diag), 0);
    ck_assert_uint_eq(rules.n_faults, 2);
    ck_assert_uint_eq(diag.n_errors, 2);
    diag_fini(&diag);
    arena_reset(&arena);
}
END_TEST

START_TEST(without_memory_it_says_so)
{
    struct arena none;

    start();
    add("GET", NULL, "/a");
    arena_init(&none, NULL, 0, NULL, 0);
    ck_assert_int_eq(table_build(&table, &none, &rules, &diag), ERR_NOMEM);
    diag_fini(&diag);
    arena_reset(&arena);
}
END_TEST

UNIT_MAIN(table, static_paths_and_patterns_are_apart,
          faults_are_counted_with_the_rules, without_memory_it_says_so)
