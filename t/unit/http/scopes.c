/* SPDX-License-Identifier: BSD-2-Clause */
/* scopes.c - which scopes cover a path, and which those of a pattern. */
#include "http/scopes.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "t/lib/unit.h"

static struct arena arena;
static struct vhost vhost;
static struct scopes scopes;
static struct diag diag;

static const struct row {
    const char *name, *match, *host;
} rows[] = {
    {"all", "/*", NULL},
    {"api", "/api/*", NULL},
    {"v1", "/api/v1/*", NULL},
    {"web", "/*", "*.web.org"},
    {"wapi", "/api/*", "*.web.org"},
    {"one", "/api/*", "one.web.org"},
    {"deep", "/x/y/z/*", NULL},
    {"empty", "/e//*", NULL},
};

static int
build(const struct row *row, uint32_t n)
{
    struct scopes_item *items;
    et_str *hosts;

    arena_init(&arena, NULL, 0, NULL, 1 << 20);
    diag_init(&diag);
    items = arena_zalloc(&arena, n * sizeof *items);
    hosts = arena_zalloc(&arena, n * sizeof *hosts);
    ck_assert_int_eq(vhost_init(&vhost, &arena, n), 0);
    for (uint32_t i = 0; i < n; i++) {
        char why[256];
        hosts[i] = str_from_z(row[i].host);
        items[i].hosts = (et_list){&hosts[i], row[i].host != NULL};
        items[i].name = row[i].name;
        items[i].target = (void *)(uintptr_t)row[i].name;
        items[i].at = (struct place){"t.ini", i + 1};
        ck_assert_int_eq(pattern_parse(&arena, str_from_z(row[i].match),
                                       &items[i].pattern, why, sizeof why),
                         0);
        if (row[i].host)
            vhost_add(&vhost, hosts[i]);
    }
    vhost_link(&vhost);
    return scopes_build(&scopes, &arena, items, n, &vhost, &diag);
}

static void
end(void)
{
    diag_fini(&diag);
    arena_reset(&arena);
}

/* "all api": the names of a set. */
static void
tell(uint32_t set, char *out, size_t cap)
{
    void *targets[ARRAY_LEN(rows)];
    uint32_t n = scopes_targets(&scopes, set, targets);
    size_t used = 0;

    out[0] = '\0';
    for (uint32_t i = 0; i < n; i++)
        used += (size_t)snprintf(out + used, cap - used, "%s%s", i ? " " : "",
                                 (const char *)targets[i]);
}

static const char *
cover(const char *host, const char *path)
{
    static char out[256];
    uint32_t group = vhost_find(&vhost, str_from_z(host));

    tell(scopes_find(&scopes, group, str_from_z(path)), out, sizeof out);
    return out;
}

START_TEST(a_path_is_in_all_scopes_above_it)
{
    ck_assert_int_eq(build(rows, ARRAY_LEN(rows)), 0);
    ck_assert_str_eq(cover("x", "/"), "all");
    ck_assert_str_eq(cover("x", "/api"), "all api");
    ck_assert_str_eq(cover("x", "/api/"), "all api");
    ck_assert_str_eq(cover("x", "/api/v1"), "all api v1");
    ck_assert_str_eq(cover("x", "/api/v1/users/7"), "all api v1");
    ck_assert_str_eq(cover("x", "/api/v10"), "all api");
    ck_assert_str_eq(cover("x", "/apis"), "all");
    ck_assert_str_eq(cover("x", "//api/v1"), "all");
    ck_assert_str_eq(cover("x", "/x/y"), "all");
    ck_assert_str_eq(cover("x", "/x/y/z"), "all deep");
    ck_assert_str_eq(cover("x", "/e"), "all");
    ck_assert_str_eq(cover("x", "/e/"), "all empty");
    ck_assert_str_eq(cover("x", "/e//f"), "all empty");
    ck_assert_str_eq(cover("x", "*"), "all");
    ck_assert_str_eq(cover("x", ""), "all");
    end();
}
END_TEST

START_TEST(hosts_add_to_scopes_without)
{
    ck_assert_int_eq(build(rows, ARRAY_LEN(rows)), 0);
    ck_assert_str_eq(cover("a.web.org", "/"), "all web");
    ck_assert_str_eq(cover("a.web.org", "/api/v1/x"), "all web api wapi v1");
    ck_assert_str_eq(cover("one.web.org", "/api/v1/x"),
                     "all web api wapi one v1");
    ck_assert_str_eq(cover("web.org", "/api"), "all api");
    end();
}
END_TEST

/* "all|all api": the sets that requests for a pattern can meet. */
static const char *
possible(const char *host, const char *pattern)
{
    static char out[512];
    uint8_t seen[64] = {0};
    struct pattern p;
    char why[256];
    size_t n = 0;

    ck_assert_uint_le(scopes.n_sets, sizeof seen);
    ck_assert_int_eq(
        pattern_parse(&arena, str_from_z(pattern), &p, why, sizeof why), 0);
    scopes_mark(&scopes, vhost_find(&vhost, str_from_z(host)), &p, seen);
    out[0] = '\0';
    for (uint32_t set = 0; set < scopes.n_sets; set++) {
        if (!seen[set])
            continue;
        if (n > 0)
            out[n++] = '|';
        tell(set, out + n, sizeof out - n);
        n += strlen(out + n);
    }
    return out;
}

START_TEST(patterns_wider_than_a_scope_meet_several_sets)
{
    ck_assert_int_eq(build(rows, ARRAY_LEN(rows)), 0);
    ck_assert_str_eq(possible("x", "/api/v1/users"), "all api v1");
    ck_assert_str_eq(possible("x", "/api/v1/:x/*y"), "all api v1");
    ck_assert_str_eq(possible("x", "/web/:x"), "all");
    ck_assert_str_eq(possible("x", "/api/:v"), "all api|all api v1");
    ck_assert_str_eq(possible("x", "/:x"), "all|all api");
    ck_assert_str_eq(possible("x", "/*x"),
                     "all|all api|all api v1|all empty|all deep");
    ck_assert_str_eq(possible("x", "/e/:x"), "all");
    ck_assert_str_eq(possible("x", "/x/:y"), "all");
    ck_assert_str_eq(possible("x", "/x/*y"), "all|all deep");
    ck_assert_str_eq(possible("one.web.org", "/api/x"), "all web api wapi one");
    end();
}
END_TEST

START_TEST(groups_without_scopes_of_their_own_share_a_region)
{
    static const struct row two[] = {{"all", "/*", NULL}, {"b", "/b/*", "*.b"}};
    et_str host = str_lit("a.b");

    ck_assert_int_eq(build(two, 2), 0);
    ck_assert_uint_eq(vhost.n_groups, 2);
    ck_assert_ptr_ne(scopes.regions[0], scopes.regions[1]);
    end();
    arena_init(&arena, NULL, 0, NULL, 1 << 20);
    ck_assert_int_eq(vhost_init(&vhost, &arena, 1), 0);
    vhost_add(&vhost, host);
    vhost_link(&vhost);
    ck_assert_int_eq(scopes_build(&scopes, &arena, NULL, 0, &vhost, NULL), 0);
    ck_assert_ptr_eq(scopes.regions[0], scopes.regions[1]);
    ck_assert_uint_eq(scopes_find(&scopes, 1, str_from_z("/a")), 0);
    arena_reset(&arena);
}
END_TEST

START_TEST(one_prefix_and_host_twice_is_a_fault)
{
    static const struct row twice[] = {
        {"[scope a]", "/api/*", NULL}, {"[scope b]", "/x/*", NULL},
        {"[scope c]", "/api/*", NULL}, {"[scope d]", "/api/*", "h"},
        {"[scope e]", "/api/*", "h"},
    };

    ck_assert_int_eq(build(twice, ARRAY_LEN(twice)), 2);
    ck_assert_uint_eq(diag.n_errors, 2);
    ck_assert_str_eq(diag.first->text,
                     "t.ini:3: [scope c] match: /api/* is already the prefix "
                     "of [scope a] at t.ini:1");
    ck_assert_str_eq(diag.first->next->text,
                     "t.ini:5: [scope e] match: /api/* is already the prefix "
                     "of [scope d] at t.ini:4");
    end();
}
END_TEST

/* One [scope] may have several matches that overlap. */
START_TEST(a_target_is_in_a_set_once)
{
    static const char name[] = "same";
    static const struct row same[] = {{name, "/a/*", NULL},
                                      {name, "/a/b/*", NULL}};

    ck_assert_int_eq(build(same, 2), 0);
    ck_assert_str_eq(cover("x", "/a/b/c"), "same");
    end();
}
END_TEST

START_TEST(without_memory_it_says_so)
{
    struct arena none;

    ck_assert_int_eq(build(rows, ARRAY_LEN(rows)), 0);
    for (size_t max = 0; max < 4; max++) {
        arena_init(&none, NULL, 0, NULL, max);
        ck_assert_int_eq(scopes_build(&scopes, &none, scopes.items,
                                      scopes.n_items, &vhost, &diag),
                         ERR_NOMEM);
        arena_reset(&none);
    }
    end();
}
END_TEST

UNIT_MAIN(scopes, a_path_is_in_all_scopes_above_it, hosts_add_to_scopes_without,
          patterns_wider_than_a_scope_meet_several_sets,
          groups_without_scopes_of_their_own_share_a_region,
          one_prefix_and_host_twice_is_a_fault, a_target_is_in_a_set_once,
          without_memory_it_says_so)
