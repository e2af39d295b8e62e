/* SPDX-License-Identifier: BSD-2-Clause */
/* vhost.c - from hosts to groups. */
#include "http/vhost.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "t/lib/unit.h"

static struct vhost vhost;
static struct arena arena;

static const char *const names[] = {
    "example.com",     "*.example.com",   "*.com", "a.b.example.com",
    "*.b.example.com", "b.c.example.com", "[::1]", "*.example.com",
};

static void
build(void)
{
    arena_init(&arena, NULL, 0, NULL, 1 << 20);
    ck_assert_int_eq(vhost_init(&vhost, &arena, ARRAY_LEN(names)), 0);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        uint32_t g = vhost_add(&vhost, str_from_z(names[i]));
        ck_assert_uint_eq(g, vhost_of(&vhost, str_from_z(names[i])));
    }
    vhost_link(&vhost);
}

/* "a > b": the groups of a host, most specific first. */
static const char *
groups_of(const char *host)
{
    static char out[256];
    uint32_t g = vhost_find(&vhost, str_from_z(host));

    out[0] = '\0';
    for (; g != VHOST_END; g = vhost.groups[g].next) {
        et_str name = vhost.groups[g].host;
        if (name.n > 0)
            strncat(out, name.p, name.n);
        else
            strcat(out, "any");
        if (g != 0)
            strcat(out, " > ");
    }
    return out;
}

START_TEST(exact_then_the_longest_suffix_then_any)
{
    build();
    ck_assert_uint_eq(vhost.n_groups, ARRAY_LEN(names)); /* one is twice */
    ck_assert_str_eq(groups_of("example.com"), "example.com > *.com > any");
    ck_assert_str_eq(groups_of("x.example.com"), "*.example.com > *.com > any");
    ck_assert_str_eq(groups_of("a.b.example.com"),
                     "a.b.example.com > *.b.example.com > *.example.com > "
                     "*.com > any");
    ck_assert_str_eq(groups_of("z.b.example.com"),
                     "*.b.example.com > *.example.com > *.com > any");
    ck_assert_str_eq(groups_of("b.c.example.com"),
                     "b.c.example.com > *.example.com > *.com > any");
    ck_assert_str_eq(groups_of("y.z.b.c.example.com"),
                     "*.example.com > *.com > any");
    ck_assert_str_eq(groups_of("com"), "any");
    ck_assert_str_eq(groups_of(".com"), "any");
    ck_assert_str_eq(groups_of("*.com"), "*.com > any");
    ck_assert_str_eq(groups_of("[::1]"), "[::1] > any");
    ck_assert_str_eq(groups_of("other.org"), "any");
    ck_assert_str_eq(groups_of(""), "any");
    arena_reset(&arena);
}
END_TEST

START_TEST(a_group_includes_itself_and_what_follows)
{
    uint32_t star, exact;

    build();
    star = vhost_of(&vhost, str_from_z("*.com"));
    exact = vhost_of(&vhost, str_from_z("example.com"));
    ck_assert(vhost_includes(&vhost, exact, star));
    ck_assert(vhost_includes(&vhost, exact, exact));
    ck_assert(vhost_includes(&vhost, exact, 0));
    ck_assert(!vhost_includes(&vhost, star, exact));
    ck_assert(!vhost_includes(&vhost, 0, star));
    arena_reset(&arena);
}
END_TEST

START_TEST(which_hosts_may_stand_in_rules)
{
    ck_assert(vhost_is_valid(str_from_z("a")));
    ck_assert(vhost_is_valid(str_from_z("a.b")));
    ck_assert(vhost_is_valid(str_from_z("*.b")));
    ck_assert(vhost_is_valid(str_from_z("[::1]")));
    ck_assert(!vhost_is_valid(str_from_z("")));
    ck_assert(!vhost_is_valid(str_from_z("*")));
    ck_assert(!vhost_is_valid(str_from_z("*.")));
    ck_assert(!vhost_is_valid(str_from_z("*b")));
    ck_assert(!vhost_is_valid(str_from_z("**.b")));
    ck_assert(!vhost_is_valid(str_from_z("*..b")));
    ck_assert(!vhost_is_valid(str_from_z("*.*.b")));
    ck_assert(!vhost_is_valid(str_from_z("a.*.b")));
    ck_assert(!vhost_is_valid(str_from_z(".b")));
    ck_assert(!vhost_is_valid(str_from_z("a/b")));
}
END_TEST

UNIT_MAIN(vhost, exact_then_the_longest_suffix_then_any,
          a_group_includes_itself_and_what_follows,
          which_hosts_may_stand_in_rules)
