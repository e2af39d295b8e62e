/* SPDX-License-Identifier: BSD-2-Clause */
/* tree.c - the order of matches, the way back, and how long it can get. */
#include "http/tree.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "http/pattern.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

static struct tree tree;
static struct arena arena;
static uint32_t root;

static void
start(uint32_t max_nodes)
{
    arena_init(&arena, NULL, 0, NULL, 64 << 20);
    ck_assert_int_eq(tree_init(&tree, &arena, max_nodes), 0);
    root = tree_add_root(&tree);
}

static void
add(const char *text, uint32_t end)
{
    struct pattern p;
    char why[256];
    uint32_t *at;

    ck_assert_int_eq(
        pattern_parse(&arena, str_from_z(text), &p, why, sizeof why), 0);
    at = tree_add_pattern(&tree, root, &p);
    ck_assert_uint_eq(*at, 0);
    *at = end;
}

/* "3(a,b) 1()": the ends a walk gives and their values. */
static const char *
walk_str(et_str path)
{
    static char out[4096];
    struct tree_walk w;
    et_str values[32];
    uint32_t end;
    size_t n = 0;

    out[0] = '\0';
    tree_walk_start(&w, &tree, root, path, values);
    while ((end = tree_walk_next(&w)) != 0) {
        n += (size_t)snprintf(out + n, sizeof out - n, "%s%u(", n ? " " : "",
                              end);
        for (uint32_t i = 0; i < w.n_values; i++)
            n += (size_t)snprintf(out + n, sizeof out - n, "%s%.*s",
                                  i ? "," : "", (int)values[i].n, values[i].p);
        n += (size_t)snprintf(out + n, sizeof out - n, ")");
    }
    return out;
}

static const char *
walk(const char *path)
{
    return walk_str(str_from_z(path));
}

START_TEST(text_before_parameter_before_tail)
{
    start(100);
    add("/a/b", 1);
    add("/a/:x", 2);
    add("/:x/b", 3);
    add("/:x/:y", 4);
    add("/a/*t", 5);
    add("/*t", 6);
    add("/:x", 7);
    add("/a/", 8);
    add("/:x/*t", 9);
    ck_assert_str_eq(walk("/a/b"), "1() 2(b) 5(b) 3(a) 4(a,b) 9(a,b) 6(a/b)");
    ck_assert_str_eq(walk("/a"), "7(a) 6(a)");
    ck_assert_str_eq(walk("/a/"), "8() 5() 9(a,) 6(a/)");
    ck_assert_str_eq(walk("/z/c/d"), "9(z,c/d) 6(z/c/d)");
    ck_assert_str_eq(walk("/"), "6()");
    ck_assert_str_eq(walk("//"), "6(/)");
    ck_assert_str_eq(walk("//b"), "6(/b)"); /* a parameter is never empty */
    arena_reset(&arena);
}
END_TEST

START_TEST(a_longer_path_is_no_match)
{
    start(20);
    add("/users/:id", 1);
    add("/users/:id/posts", 2);
    ck_assert_str_eq(walk("/users/7"), "1(7)");
    ck_assert_str_eq(walk("/users/7/"), "");
    ck_assert_str_eq(walk("/users/7/posts"), "2(7)");
    ck_assert_str_eq(walk("/users/7/posts/"), "");
    ck_assert_str_eq(walk("/users/7/post"), "");
    ck_assert_str_eq(walk("/users/"), "");
    ck_assert_str_eq(walk("/users"), "");
    ck_assert_str_eq(walk("/"), "");
    arena_reset(&arena);
}
END_TEST

START_TEST(patterns_share_nodes)
{
    uint32_t n;

    start(20);
    add("/users/:id/posts", 1);
    n = tree.n_nodes;
    add("/users/:user/:post", 2);
    add("/users/*all", 3);
    ck_assert_uint_eq(tree.n_nodes, n + 1);
    ck_assert_str_eq(walk("/users/a/posts"), "1(a) 2(a,posts) 3(a/posts)");
    arena_reset(&arena);
}
END_TEST

START_TEST(roots_are_apart)
{
    uint32_t other;

    start(20);
    other = tree_add_root(&tree);
    ck_assert_uint_eq(tree_child(&tree, root, str_from_z("a")), 0);
    tree_add_child(&tree, other, str_from_z("a"));
    ck_assert_uint_eq(tree_child(&tree, root, str_from_z("a")), 0);
    ck_assert_uint_ne(tree_child(&tree, other, str_from_z("a")), 0);
    ck_assert_uint_eq(tree_child(&tree, other, str_from_z("")), 0);
    tree_add_child(&tree, other, str_from_z(""));
    ck_assert_uint_ne(tree_child(&tree, other, str_from_z("")), 0);
    arena_reset(&arena);
}
END_TEST

START_TEST(many_children_are_all_found)
{
    static char names[10000][8];

    start(10001);
    for (uint32_t i = 0; i < 10000; i++) {
        snprintf(names[i], sizeof names[i], "n%u", i);
        ck_assert_uint_eq(tree_add_child(&tree, root, str_from_z(names[i])),
                          i + 2);
    }
    for (uint32_t i = 0; i < 10000; i++)
        ck_assert_uint_eq(tree_child(&tree, root, str_from_z(names[i])), i + 2);
    ck_assert_uint_eq(tree_child(&tree, root, str_from_z("n10000")), 0);
    arena_reset(&arena);
}
END_TEST

/* All patterns of depth segments, each "a" or a parameter, and then "/z". */
static void
add_all(uint32_t depth)
{
    for (uint32_t bits = 0; bits < 1u << depth; bits++) {
        char text[128];
        size_t n = 0;
        for (uint32_t i = 0; i < depth; i++) {
            if (bits >> i & 1)
                n += (size_t)snprintf(text + n, sizeof text - n, "/:p%u", i);
            else
                n += (size_t)snprintf(text + n, sizeof text - n, "/a");
        }
        snprintf(text + n, sizeof text - n, "/z");
        add(text, bits + 1);
    }
}

START_TEST(ways_bound_the_nodes_of_a_walk)
{
    struct tree_way *ways;
    struct tree_walk w;
    et_str values[16];

    start(2000);
    add_all(8);
    ways = tree_ways(&tree, &arena);
    ck_assert_ptr_nonnull(ways);
    ck_assert_uint_eq(ways[root].ways, 256);
    ck_assert_uint_ne(ways[root].end, 0);
    tree_walk_start(&w, &tree, root, str_from_z("/a/a/a/a/a/a/a/a/y"), values);
    ck_assert_uint_eq(tree_walk_next(&w), 0);
    ck_assert_uint_eq(w.n_visited, 511); /* each node down to depth 8 once */
    ck_assert_uint_le(w.n_visited, ways[root].ways * (9 + 1));
    arena_reset(&arena);
}
END_TEST

START_TEST(text_alone_has_one_way)
{
    struct tree_way *ways;

    start(100);
    add("/a/b/c", 1);
    add("/a/d/:x", 2);
    add("/b/*", 3);
    ways = tree_ways(&tree, &arena);
    ck_assert_uint_eq(ways[root].ways, 1);
    add("/a/:x", 4);
    ways = tree_ways(&tree, &arena);
    ck_assert_uint_eq(ways[root].ways, 2);
    arena_reset(&arena);
}
END_TEST

/* No byte behind the path is read. */
START_TEST(paths_at_the_end_of_memory)
{
    static const char *const paths[] = {"/",    "/a",    "/a/",
                                        "/a/b", "/x/y/", "/x/y/z"};

    start(100);
    add("/a/b", 1);
    add("/a/:x", 2);
    add("/:x/:y/", 3);
    add("/*t", 4);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        size_t n = strlen(paths[i]);
        char copy[64];
        strcpy(copy, walk(paths[i]));
        ck_assert_str_eq(walk_str((et_str){guard_end(paths[i], n), n}), copy);
    }
    arena_reset(&arena);
}
END_TEST

START_TEST(without_memory_it_says_so)
{
    arena_init(&arena, NULL, 0, NULL, 0);
    ck_assert_int_eq(tree_init(&tree, &arena, 1000), ERR_NOMEM);
}
END_TEST

UNIT_MAIN(tree, text_before_parameter_before_tail, a_longer_path_is_no_match,
          patterns_share_nodes, roots_are_apart, many_children_are_all_found,
          ways_bound_the_nodes_of_a_walk, text_alone_has_one_way,
          paths_at_the_end_of_memory, without_memory_it_says_so)
