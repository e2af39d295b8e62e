/* SPDX-License-Identifier: BSD-2-Clause */
/* rules.c - what is kept of rules and scopes, and what is refused. */
#include "http/rules.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "t/lib/unit.h"

static struct arena arena;
static struct diag diag;
static struct rules rules;

static void
start(void)
{
    arena_init(&arena, NULL, 0, NULL, 16 << 20);
    diag_init(&diag);
    rules_init(&rules, &arena);
}

static void
end(void)
{
    diag_fini(&diag);
    arena_reset(&arena);
}

START_TEST(texts_are_copied_and_parameters_named)
{
    char methods[] = "GET,PURGE", pattern[] = "/a/:b/*c", host[] = "a.org";
    et_str h = str_from_z(host);
    struct router_rule rule = {.methods = str_from_z(methods),
                               .pattern = str_from_z(pattern),
                               .hosts = {&h, 1},
                               .name = "r"};
    const struct router_rule *said;

    start();
    rules_add(&rules, &rule, &diag);
    memset(methods, 'x', sizeof methods);
    memset(pattern, 'x', sizeof pattern);
    memset(host, 'x', sizeof host);
    ck_assert_uint_eq(rules.n_rules, 1);
    ck_assert_uint_eq(rules.max_params, 2);
    said = &rules.rules[0].said;
    ck_assert(str_eq(said->methods, str_lit("GET,PURGE")));
    ck_assert(str_eq(said->pattern, str_lit("/a/:b/*c")));
    ck_assert(str_eq(said->hosts.v[0], str_lit("a.org")));
    ck_assert(str_eq(said->params[0], str_lit("b")));
    ck_assert(str_eq(said->params[1], str_lit("c")));
    ck_assert_uint_eq(methods_further(&rules.methods, str_lit("PURGE")),
                      METHOD_COUNT);
    end();
}
END_TEST

START_TEST(many_rules_keep_their_order)
{
    struct router_rule rule = {
        .methods = str_lit("GET"), .pattern = str_lit("/"), .name = "r"};
    struct router_scope scope = {.pattern = str_lit("/a/*"), .name = "s"};

    start();
    for (uint32_t i = 0; i < 1000; i++) {
        rule.at.line = scope.at.line = i;
        rules_add(&rules, &rule, &diag);
        rules_add_scope(&rules, &scope, &diag);
    }
    ck_assert_uint_eq(rules.n_rules, 1000);
    ck_assert_uint_eq(rules.n_scopes, 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        ck_assert_uint_eq(rules.rules[i].said.at.line, i);
        ck_assert_uint_eq(rules.scopes[i].at.line, i);
    }
    end();
}
END_TEST

START_TEST(faults_are_counted_and_left_out)
{
    struct router_rule rule = {.methods = str_lit("GET"),
                               .pattern = str_lit("a"),
                               .at = {"t.ini", 4},
                               .name = "[route a]"};
    struct router_scope scope = {
        .pattern = str_lit("/:a/*"), .at = {"t.ini", 5}, .name = "[scope b]"};

    start();
    rules_add(&rules, &rule, &diag);
    rules_add_scope(&rules, &scope, &diag);
    ck_assert_uint_eq(rules.n_rules, 0);
    ck_assert_uint_eq(rules.n_scopes, 0);
    ck_assert_uint_eq(rules.n_faults, 2);
    ck_assert_uint_eq(diag.n_errors, 2);
    ck_assert_str_eq(diag.first->text,
                     "t.ini:4: [route a] match: expected a path that begins "
                     "with '/', found \"a\"");
    end();
}
END_TEST

START_TEST(without_memory_it_says_so)
{
    struct router_rule rule = {
        .methods = str_lit("GET"), .pattern = str_lit("/a"), .name = "r"};
    struct router_scope scope = {.pattern = str_lit("/a/*"), .name = "s"};

    arena_init(&arena, NULL, 0, NULL, 0);
    diag_init(&diag);
    rules_init(&rules, &arena);
    rules_add(&rules, &rule, &diag);
    rules_add_scope(&rules, &scope, &diag);
    ck_assert_uint_eq(rules.n_faults, 2);
    ck_assert_str_eq(diag.first->text, "routes: out of memory");
    end();
}
END_TEST

UNIT_MAIN(rules, texts_are_copied_and_parameters_named,
          many_rules_keep_their_order, faults_are_counted_and_left_out,
          without_memory_it_says_so)
