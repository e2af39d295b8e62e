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

START_TEST(links_to_folders_are_followed)
{
    et_str a, b;

    help_enter();
    mkdir("t", 0700);
    mkdir("far", 0700);
    fixture_file("far/x", "1");
    mkdir("far/sub", 0700);
    fixture_file("far/sub/y", "2");
    ck_assert_int_eq(symlink("../far", "t/link"), 0);
    a = identity("t", 4);
    ck_assert(str_eq(a, identity("t", 4)));
    fixture_file("far/sub/y", "22");
    b = identity("t", 4);
    ck_assert(!str_eq(a, b));
    ck_assert_int_eq(symlink("../../far/x", "far/sub/z"), 0);
    a = identity("t", 5);
    fixture_file("far/x", "11"); /* by two ways */
    ck_assert(!str_eq(a, identity("t", 5)));
    help_leave();
}
END_TEST

START_TEST(a_link_may_lead_nowhere_and_to_what_is_no_folder)
{
    et_str a;

    help_enter();
    mkdir("t", 0700);
    ck_assert_int_eq(symlink("../later", "t/link"), 0);
    ck_assert_int_eq(symlink("loop", "t/loop"), 0);
    ck_assert_int_eq(mkfifo("fifo", 0600), 0);
    ck_assert_int_eq(symlink("../fifo", "t/fifo"), 0);
    a = identity("t", 3);
    ck_assert(str_eq(a, identity("t", 3)));
    fixture_file("later", "");
    ck_assert(!str_eq(a, identity("t", 3)));
    help_leave();
}
END_TEST

/* Each is an entry and no more: the bound says that none is entered. */
START_TEST(a_link_to_a_folder_it_is_in_is_not_entered)
{
    et_str a;

    help_enter();
    mkdir("t", 0700);
    mkdir("t/sub", 0700);
    ck_assert_int_eq(symlink(".", "t/here"), 0);
    ck_assert_int_eq(symlink("..", "t/sub/up"), 0);
    ck_assert_int_eq(symlink(".", "t/sub/here"), 0);
    a = identity("t", 4);
    ck_assert(str_eq(a, identity("t", 4)));
    fixture_file("t/sub/x", "");
    ck_assert(!str_eq(a, identity("t", 5)));
    ck_assert_int_eq(symlink("t", "top"), 0); /* the tree itself by a link */
    identity("top", 5);
    help_leave();
}
END_TEST

/* From above the tree it is found again, and not entered again. */
START_TEST(a_link_to_a_folder_above_is_entered_once)
{
    et_str a;

    help_enter();
    mkdir("t", 0700);
    ck_assert_int_eq(symlink("..", "t/up"), 0);
    fixture_file("x", "1");
    a = identity("t", 3); /* up, x and t in it */
    fixture_file("x", "11");
    ck_assert(!str_eq(a, identity("t", 3)));
    help_leave();
}
END_TEST

/* Two folders that link to one another end at the first that comes again; many
 * that link to all others end at the bound. */
START_TEST(cycles_of_links_end)
{
    char name[32], to[32];
    et_str s;
    int i, k;

    help_enter();
    mkdir("a", 0700);
    mkdir("b", 0700);
    ck_assert_int_eq(symlink("../b", "a/l"), 0);
    ck_assert_int_eq(symlink("../a", "b/l"), 0);
    identity("a", 2);
    mkdir("m", 0700);
    for (i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "m/%d", i);
        mkdir(name, 0700);
        for (k = 0; k < 20; k++) {
            snprintf(name, sizeof(name), "m/%d/%d", i, k);
            snprintf(to, sizeof(to), "../%d", k);
            ck_assert_int_eq(symlink(to, name), 0);
        }
    }
    ck_assert_int_eq(tree_identity(&arena, "m", 10000, &s), ERR_LIMIT);
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
          a_tree_is_known_by_all_below_it, links_to_folders_are_followed,
          a_link_may_lead_nowhere_and_to_what_is_no_folder,
          a_link_to_a_folder_it_is_in_is_not_entered,
          a_link_to_a_folder_above_is_entered_once, cycles_of_links_end,
          entries_and_levels_have_a_bound)
