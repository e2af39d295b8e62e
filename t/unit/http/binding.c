/* SPDX-License-Identifier: BSD-2-Clause */
/* binding.c - one target a rule, or one a set of scopes. */
#include "http/binding.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/rules.h"
#include "t/lib/unit.h"

static struct arena arena;
static struct diag diag;
static struct rules rules;
static struct vhost vhost;
static struct scopes scopes;
static struct bindings bindings;
static uint32_t n_calls, max_calls;

static void
add(const char *pattern, char *target)
{
    struct router_rule rule = {.methods = str_lit("GET"),
                               .pattern = str_from_z(pattern),
                               .target = target,
                               .name = "r"};

    rules_add(&rules, &rule, &diag);
}

static void
add_scope(const char *pattern, char *target)
{
    struct router_scope scope = {
        .pattern = str_from_z(pattern), .target = target, .name = "s"};

    rules_add_scope(&rules, &scope, &diag);
}

/* "r" in "ab" is "rab"; a miss is "-". */
static void *
bind(void *arg, void *target, void *const *in, uint32_t n)
{
    const char *names[3] = {"", "", ""};

    if (n_calls == max_calls)
        return NULL;
    n_calls++;
    for (uint32_t i = 0; i < n; i++)
        names[i] = in[i];
    return arena_printf(arg, "%s%s%s%s", target ? (char *)target : "-",
                        names[0], names[1], names[2]);
}

static int
build(router_bind *with)
{
    const struct binding_source source = {.rules = &rules,
                                          .scopes = &scopes,
                                          .vhost = &vhost,
                                          .bind = with,
                                          .arg = &arena};
    static char r[] = "r", w[] = "w", a[] = "A", b[] = "B";

    arena_init(&arena, NULL, 0, NULL, 1 << 20);
    diag_init(&diag);
    rules_init(&rules, &arena);
    add("/a/x", r);
    add("/*all", w);
    add_scope("/a/*", a);
    add_scope("/a/b/*", b);
    ck_assert_uint_eq(diag.n_errors, 0);
    ck_assert_int_eq(vhost_init(&vhost, &arena, 0), 0);
    ck_assert_int_eq(
        scopes_build(&scopes, &arena, rules.scopes, 2, &vhost, &diag), 0);
    n_calls = 0;
    return binding_build(&bindings, &arena, &source);
}

static uint32_t
set_of(const char *path)
{
    return scopes_find(&scopes, 0, str_from_z(path));
}

START_TEST(each_combination_has_a_target)
{
    const struct binding *wide;

    max_calls = 100;
    ck_assert_int_eq(build(bind), 0);
    ck_assert_uint_eq(n_calls, 7); /* misses 3, r 1, w 3 */
    ck_assert_uint_eq(bindings.rules[0].n_cases, 1);
    ck_assert_str_eq(bindings.rules[0].target, "rA");
    wide = &bindings.rules[1];
    ck_assert_uint_eq(wide->n_cases, 3);
    ck_assert_str_eq(binding_target(wide, set_of("/x")), "w");
    ck_assert_str_eq(binding_target(wide, set_of("/a/y")), "wA");
    ck_assert_str_eq(binding_target(wide, set_of("/a/b")), "wAB");
    ck_assert_str_eq(bindings.misses[set_of("/x")], "-");
    ck_assert_str_eq(bindings.misses[set_of("/a/b/c")], "-AB");
    arena_reset(&arena);
}
END_TEST

START_TEST(without_bind_rules_have_their_own)
{
    ck_assert_int_eq(build(NULL), 0);
    ck_assert_uint_eq(bindings.rules[1].n_cases, 0);
    ck_assert_str_eq(bindings.rules[0].target, "r");
    ck_assert_str_eq(bindings.rules[1].target, "w");
    ck_assert_ptr_null(bindings.misses[set_of("/a/y")]);
    ck_assert_ptr_eq(bindings.rules[1].rule, &rules.rules[1].said);
    arena_reset(&arena);
}
END_TEST

START_TEST(a_refusal_at_any_call_ends_it)
{
    for (max_calls = 0; max_calls < 7; max_calls++) {
        ck_assert_int_eq(build(bind), ERR_INVALID);
        ck_assert_uint_eq(n_calls, max_calls);
        arena_reset(&arena);
    }
}
END_TEST

UNIT_MAIN(binding, each_combination_has_a_target,
          without_bind_rules_have_their_own, a_refusal_at_any_call_ends_it)
