/* SPDX-License-Identifier: BSD-2-Clause */
/* A path's identity: equal while nothing changes, different when it does. */
#include "conf/tree.h"

#include "base/err.h"
#include "help.h"
#include "t/lib/unit.h"

static struct arena arena;

static et_str
identity(const char *path, uint32_t max)
{
    et_str s;

    if (!arena.max_bytes)
        arena_init(&arena, NULL, 0, NULL, 1u << 22);
    ck_assert_int_eq(tree_identity(&arena, path, max, &s), 0);
    return s;
}

START_TEST(a_file_is_known_by_its_identity)
{
    et_str before;

    help_enter();
    fixture_file("f", "a");
    before = identity("f", 0);
    ck_assert(str_eq(before, identity("f", 0)));
    ck_assert(str_eq(before, identity("./f", 0)));
    fixture_file("f", "ab");
    ck_assert(!str_eq(before, identity("f", 0)));
    ck_assert(!str_eq(before, identity("none", 0)));
    help_leave();
}
END_TEST

START_TEST(a_tree_is_known_by_all_below_it)
{
    et_str a, b, c, e;

    help_enter();
    fixture_file("t/x", "1");
    mkdir("t/sub", 0700);
    fixture_file("t/sub/y", "2");
    a = identity("t", 100);
    ck_assert(str_eq(a, identity("t", 100)));
    fixture_file("t/sub/y", "22");
    b = identity("t", 100);
    ck_assert(!str_eq(a, b));
    fixture_file("t/sub/z", "");
    c = identity("t", 100);
    ck_assert(!str_eq(b, c));
    ck_assert_int_eq(rename("t/sub/z", "t/sub/zz"), 0);
    e = identity("t", 100);
    ck_assert(!str_eq(c, e));
    help_leave();
}
END_TEST

START_TEST(links_to_folders_are_not_followed)
{
    help_enter();
    mkdir("t", 0700);
    ck_assert_int_eq(symlink("..", "t/up"), 0);
    ck_assert_int_eq(symlink(".", "t/here"), 0);
    ck_assert_uint_gt(identity("t", 10).n, 0);
    help_leave();
}
END_TEST

START_TEST(entries_and_levels_have_a_bound)
{
    char path[1024] = "t";
    et_str s;
    int i;

    help_enter();
    mkdir("t", 0700);
    fixture_file("t/1", "");
    fixture_file("t/2", "");
    ck_assert_int_eq(tree_identity(&arena, "t", 1, &s), ERR_LIMIT);
    identity("t", 2);
    for (i = 0; i < TREE_MAX_DEPTH + 1; i++) {
        strcat(path, "/d");
        ck_assert_int_eq(mkdir(path, 0700), 0);
    }
    ck_assert_int_eq(tree_identity(&arena, "t", 1000, &s), ERR_LIMIT);
    help_leave();
}
END_TEST

UNIT_MAIN(tree, a_file_is_known_by_its_identity,
          a_tree_is_known_by_all_below_it, links_to_folders_are_not_followed,
          entries_and_levels_have_a_bound)
