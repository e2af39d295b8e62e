/* SPDX-License-Identifier: BSD-2-Clause */
/* router.c - who is found: tables, the words of conflicts, and a naive matcher
 * that random routers must agree with. */
#include "http/router.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"
#include "proto/method.h"
#define UNIT_SECONDS 100 /* random routers take a while on a busy machine */
#include "t/lib/unit.h"

#define MAX_VALUES 64

static struct arena arena;
static struct diag diag;
static struct router *router;

static void
start(void)
{
    arena_init(&arena, NULL, 0, NULL, (size_t)1 << 30);
    diag_init(&diag);
    router = router_new(&arena);
    ck_assert_ptr_nonnull(router);
}

static void
end(void)
{
    diag_fini(&diag);
    arena_reset(&arena);
}

/* Add a rule on line line of t.ini; its target is its name. hosts: "a,b". */
static void
add(uint32_t line, const char *name, const char *methods, const char *hosts,
    const char *pattern)
{
    et_str list[4];
    struct router_rule rule = {
        .methods = str_from_z(methods),
        .pattern = str_from_z(pattern),
        .target = (void *)(uintptr_t)name,
        .at = {"t.ini", line},
        .name = name,
    };

    rule.hosts.v = list;
    while (hosts && *hosts) {
        size_t n = strcspn(hosts, ",");
        list[rule.hosts.n++] = (et_str){hosts, n};
        hosts += n + (hosts[n] == ',');
    }
    router_add(router, &rule, &diag);
}

static void
add_scope(uint32_t line, const char *name, const char *host,
          const char *pattern)
{
    et_str text = str_from_z(host);
    struct router_scope scope = {
        .pattern = str_from_z(pattern),
        .hosts = {&text, host != NULL},
        .target = (void *)(uintptr_t)name,
        .at = {"t.ini", line},
        .name = name,
    };

    router_add_scope(router, &scope, &diag);
}

static enum router_result
find(const char *method, const char *host, const char *path,
     struct router_match *m)
{
    et_req q = {.method = method_parse(str_from_z(method)),
                .method_s = str_from_z(method),
                .host = str_from_z(host),
                .path = str_from_z(path)};

    return router_find(router, &q, m);
}

/* "users id=7": what is found, or "405 GET, HEAD", "404", "308". */
static const char *
told(const char *method, const char *host, const char *path)
{
    static char out[2048];
    et_str values[MAX_VALUES];
    struct router_match m = {.values = values};
    enum router_result result = find(method, host, path, &m);
    size_t n;

    if (result == ROUTER_METHOD) {
        n = router_allow(router, m.allow, out + 4, sizeof out - 5);
        memcpy(out, "405 ", 4);
        out[4 + n] = '\0';
        return out;
    }
    if (result != ROUTER_FOUND)
        return result == ROUTER_SLASH ? "308" : "404";
    ck_assert_uint_eq(m.n_values, m.rule->n_params);
    n = (size_t)snprintf(out, sizeof out, "%s", (const char *)m.target);
    for (uint32_t i = 0; i < m.n_values; i++) {
        et_str name = m.rule->params[i];
        ck_assert_ptr_eq(router_param(m.rule, values, name).p, values[i].p);
        n +=
            (size_t)snprintf(out + n, sizeof out - n, " %.*s=%.*s", (int)name.n,
                             name.p, (int)values[i].n, values[i].p);
    }
    return out;
}

static void
build(void)
{
    ck_assert_int_eq(router_build(router, NULL, NULL, &diag), 0);
    ck_assert_uint_eq(diag.n_errors, 0);
}

#define CHECK_FOUND(method, host, path, what)                                  \
    ck_assert_str_eq(told(method, host, path), what)

START_TEST(paths_and_parameters)
{
    start();
    add(1, "root", "GET", NULL, "/");
    add(2, "user", "GET", NULL, "/users/:id");
    add(3, "posts", "GET", NULL, "/users/:uid/posts");
    add(4, "me", "GET", NULL, "/users/me");
    add(5, "files", "GET", NULL, "/files/*rest");
    add(6, "colon", "GET", NULL, "/v1/x\\:cancel");
    add(7, "w", "GET", NULL, "/w/*p");
    build();
    CHECK_FOUND("GET", "", "/", "root");
    CHECK_FOUND("GET", "", "/users/7", "user id=7");
    CHECK_FOUND("GET", "", "/users/a%2Fb", "user id=a%2Fb");
    CHECK_FOUND("GET", "", "/users/me", "me");
    CHECK_FOUND("GET", "", "/users/me/posts", "posts uid=me");
    CHECK_FOUND("GET", "", "/files/", "files rest=");
    CHECK_FOUND("GET", "", "/files/a/b/", "files rest=a/b/");
    CHECK_FOUND("GET", "", "/files//", "files rest=/");
    CHECK_FOUND("GET", "", "/v1/x:cancel", "colon");
    CHECK_FOUND("GET", "", "/w/1/2/3", "w p=1/2/3");
    CHECK_FOUND("GET", "", "//", "404");
    CHECK_FOUND("GET", "", "//users/7", "404");
    CHECK_FOUND("GET", "", "/users//posts", "404");
    CHECK_FOUND("GET", "", "/v1/xy", "404");
    CHECK_FOUND("OPTIONS", "", "*", "404");
    CHECK_FOUND("GET", "", "", "404");
    CHECK_FOUND("GET", "", "users/me", "404");
    ck_assert_uint_eq(router_max_params(router), 1);
    end();
}
END_TEST

START_TEST(eighteen_segments_and_many_parameters)
{
    start();
    add(1, "long", "GET", NULL,
        "/:s1/b/:s3/d/:s5/f/:s7/h/:s9/j/k/l/m/n/o/p/q/*s18");
    add(2, "static", "GET", NULL, "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r");
    build();
    CHECK_FOUND("GET", "", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r", "static");
    CHECK_FOUND("GET", "", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/s",
                "long s1=a s3=c s5=e s7=g s9=i s18=s");
    CHECK_FOUND("GET", "", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/z", "404");
    ck_assert_uint_eq(router_max_params(router), 6);
    end();
}
END_TEST

START_TEST(methods_are_part_of_the_match)
{
    start();
    add(1, "get-any", "GET", NULL, "/a/:x");
    add(2, "post-b", "POST", NULL, "/a/b");
    add(3, "put-tail", "PUT", NULL, "/a/*t");
    add(4, "star", "*", NULL, "/s");
    add(5, "get-s", "GET", NULL, "/s");
    add(6, "head-s", "HEAD", NULL, "/h");
    add(7, "get-h", "GET", NULL, "/h");
    add(8, "purge", "PURGE,BAN", NULL, "/cache");
    build();
    CHECK_FOUND("GET", "", "/a/b", "get-any x=b");
    CHECK_FOUND("HEAD", "", "/a/b", "get-any x=b");
    CHECK_FOUND("POST", "", "/a/b", "post-b");
    CHECK_FOUND("PUT", "", "/a/b", "put-tail t=b");
    CHECK_FOUND("DELETE", "", "/a/b", "405 GET, HEAD, POST, PUT");
    CHECK_FOUND("OPTIONS", "", "/a/b", "405 GET, HEAD, POST, PUT");
    CHECK_FOUND("POST", "", "/a/c", "405 GET, HEAD, PUT");
    CHECK_FOUND("GET", "", "/s", "get-s");
    CHECK_FOUND("HEAD", "", "/s", "get-s");
    CHECK_FOUND("DELETE", "", "/s", "star");
    CHECK_FOUND("PROPFIND", "", "/s", "star");
    CHECK_FOUND("BAN", "", "/s", "star");
    CHECK_FOUND("HEAD", "", "/h", "head-s");
    CHECK_FOUND("GET", "", "/h", "get-h");
    CHECK_FOUND("BAN", "", "/cache", "purge");
    CHECK_FOUND("MOVE", "", "/cache", "405 PURGE, BAN");
    CHECK_FOUND("GET", "", "/cache", "405 PURGE, BAN");
    end();
}
END_TEST

START_TEST(hosts_from_exact_to_none)
{
    start();
    add(1, "exact", "GET", "api.example.com", "/a");
    add(2, "wild", "GET", "*.example.com", "/:x");
    add(3, "wild-b", "GET", "*.example.com", "/b");
    add(4, "wider", "GET", "*.com", "/c/:y");
    add(5, "any", "GET", NULL, "/a");
    add(6, "any-post", "POST", NULL, "/a");
    add(7, "any-z", "GET", NULL, "/z/z");
    add(8, "two", "GET", "one.org,*.two.org", "/a");
    build();
    CHECK_FOUND("GET", "api.example.com", "/a", "exact");
    CHECK_FOUND("GET", "api.example.com", "/b", "wild-b");
    CHECK_FOUND("GET", "api.example.com", "/c/1", "wider y=1");
    CHECK_FOUND("GET", "api.example.com", "/z/z", "any-z");
    CHECK_FOUND("GET", "x.example.com", "/a", "wild x=a");
    CHECK_FOUND("GET", "example.com", "/a", "any");
    CHECK_FOUND("GET", "", "/a", "any");
    CHECK_FOUND("POST", "api.example.com", "/a", "any-post");
    CHECK_FOUND("PUT", "api.example.com", "/a", "405 GET, HEAD, POST");
    CHECK_FOUND("GET", "api.example.com", "/q/q", "404");
    CHECK_FOUND("GET", "one.org", "/a", "two");
    CHECK_FOUND("GET", "x.y.two.org", "/a", "two");
    CHECK_FOUND("GET", "two.org", "/a", "any");
    end();
}
END_TEST

START_TEST(the_final_slash_is_looked_for_on_a_miss_only)
{
    static char path[ROUTER_SLASH_MAX_BYTES + 3];

    start();
    add(1, "a", "GET", NULL, "/a");
    add(2, "b", "GET", NULL, "/b/");
    add(3, "user", "GET", NULL, "/users/:id");
    add(4, "tail", "GET", NULL, "/files/*rest");
    add(5, "post", "POST", NULL, "/a/");
    add(6, "host", "GET", "h", "/h");
    build();
    CHECK_FOUND("GET", "", "/a/", "405 POST");
    CHECK_FOUND("GET", "", "/b", "308");
    CHECK_FOUND("POST", "", "/b", "404");
    CHECK_FOUND("GET", "", "/users/7/", "308");
    CHECK_FOUND("GET", "", "/users/", "404");
    CHECK_FOUND("GET", "", "/files", "308");
    CHECK_FOUND("GET", "", "/b//", "404");
    CHECK_FOUND("GET", "", "b", "404");
    CHECK_FOUND("GET", "h", "/h/", "308");
    CHECK_FOUND("GET", "", "/h/", "404");
    memset(path, 'x', sizeof path - 1);
    memcpy(path, "/users/", 7);
    path[ROUTER_SLASH_MAX_BYTES - 1] = '/';
    path[ROUTER_SLASH_MAX_BYTES] = '\0';
    CHECK_FOUND("GET", "", path, "308");
    path[ROUTER_SLASH_MAX_BYTES - 1] = 'x';
    path[ROUTER_SLASH_MAX_BYTES] = '/';
    path[ROUTER_SLASH_MAX_BYTES + 1] = '\0';
    CHECK_FOUND("GET", "", path, "404");
    end();
}
END_TEST

START_TEST(an_empty_router_finds_nothing)
{
    start();
    build();
    CHECK_FOUND("GET", "a", "/", "404");
    ck_assert_uint_eq(router_max_params(router), 0);
    ck_assert_ptr_null(router_rule_at(router, 0));
    end();
}
END_TEST

START_TEST(rules_can_be_listed)
{
    const struct router_rule *rule;

    start();
    add(1, "a", "GET", NULL, "/a/:b/*c");
    add(2, "bad", "GET", NULL, "/a/:b:c");
    add(3, "d", "POST", "h", "/d");
    rule = router_rule_at(router, 0);
    ck_assert_str_eq(rule->name, "a");
    ck_assert_uint_eq(rule->n_params, 2);
    ck_assert(str_eq(rule->params[1], str_lit("c")));
    rule = router_rule_at(router, 1);
    ck_assert_str_eq(rule->name, "d");
    ck_assert(str_eq(rule->hosts.v[0], str_lit("h")));
    ck_assert_ptr_null(router_rule_at(router, 2));
    end();
}
END_TEST

/* ---- faults --------------------------------------------------------------*/

static void
check_faults(const char *const *texts, size_t n)
{
    const struct diag_item *item = diag.first;

    for (size_t i = 0; i < n; i++) {
        ck_assert_ptr_nonnull(item);
        ck_assert_str_eq(item->text, texts[i]);
        item = item->next;
    }
    ck_assert_ptr_null(item);
}

START_TEST(conflicts_name_both_places)
{
    static const char *const texts[] = {
        "t.ini:2: [route b] match: GET /users/:uid is served already, as "
        "GET,POST /users/:id of [route a] at t.ini:1",
        "t.ini:4: [route d] match: PUT /x is served already, as GET,PUT /x of "
        "[route c] at t.ini:3",
        "t.ini:6: [route f] match: * a.org/y is served already, as * /y of "
        "[route e] at t.ini:5",
        "t.ini:9: [route i] match: GET /t/*b is served already, as GET /t/*a "
        "of [route g] at t.ini:7",
        "t.ini:9: [route i] match: POST /t/*b is served already, as POST "
        "/t/*z of [route h] at t.ini:8",
        "t.ini:11: [route k] match: GET, HEAD /z is served already, as "
        "GET,HEAD /z of [route j] at t.ini:10",
        "t.ini:12: [route l] match: PURGE /z is served already, as PURGE /z "
        "of [route l] at t.ini:12",
    };

    start();
    add(1, "[route a]", "GET,POST", NULL, "/users/:id");
    add(2, "[route b]", "GET", NULL, "/users/:uid");
    add(3, "[route c]", "GET,PUT", NULL, "/x");
    add(4, "[route d]", "POST,PUT", NULL, "/x");
    add(5, "[route e]", "*", "a.org,b.org", "/y");
    add(6, "[route f]", "*", "a.org", "/y");
    add(7, "[route g]", "GET", NULL, "/t/*a");
    add(8, "[route h]", "POST", NULL, "/t/*z");
    add(9, "[route i]", "GET,POST", NULL, "/t/*b");
    add(10, "[route j]", "GET,HEAD", NULL, "/z");
    add(11, "[route k]", "GET,HEAD", NULL, "/z");
    add(12, "[route l]", "PURGE", NULL, "/z");
    add(12, "[route l]", "PURGE", NULL, "/z");
    ck_assert_int_eq(router_build(router, NULL, NULL, &diag), ERR_INVALID);
    check_faults(texts, ARRAY_LEN(texts));
    end();
}
END_TEST

START_TEST(what_cannot_be_added_is_reported_and_fails_the_build)
{
    static const char *const texts[] = {
        "t.ini:1: [route a] match: expected a path that begins with '/', "
        "found \"users\"",
        "t.ini:2: [route b] match: methods are written in capitals: GET, not "
        "get",
        "t.ini:3: [route c] match: expected a host such as example.com or "
        "*.example.com, found \"*\"",
        "t.ini:4: [scope d] match: expected a prefix without parameters that "
        "ends in /*, such as /api/*, found \"/api\"",
        "t.ini:5: [scope e] match: expected a prefix without parameters that "
        "ends in /*, such as /api/*, found \"/:x/*\"",
        "t.ini:6: [scope f] match: expected a prefix without parameters that "
        "ends in /*, such as /api/*, found \"/x/*rest\"",
        "t.ini:7: [scope g] match: '*' in the middle of \"api*\": a parameter "
        "is a whole segment (write \\* for the character)",
        "t.ini:8: [scope h] match: expected a host such as example.com or "
        "*.example.com, found \"a.*\"",
    };

    start();
    add(1, "[route a]", "GET", NULL, "users");
    add(2, "[route b]", "get", NULL, "/users");
    add(3, "[route c]", "GET", "*", "/users");
    add_scope(4, "[scope d]", NULL, "/api");
    add_scope(5, "[scope e]", NULL, "/:x/*");
    add_scope(6, "[scope f]", NULL, "/x/*rest");
    add_scope(7, "[scope g]", NULL, "/api*");
    add_scope(8, "[scope h]", "a.*", "/api/*");
    ck_assert_int_eq(router_build(router, NULL, NULL, &diag), ERR_INVALID);
    check_faults(texts, ARRAY_LEN(texts));
    end();
}
END_TEST

START_TEST(memory_may_end_anywhere)
{
    int rc = ERR_NOMEM;

    for (size_t max = 0; rc == ERR_NOMEM; max += 128) {
        static char first[4096];
        arena_init(&arena, first, sizeof first, NULL, max);
        diag_init(&diag);
        router = router_new(&arena);
        ck_assert_ptr_nonnull(router);
        for (uint32_t i = 0; i < 40; i++) {
            static char pattern[40][16];
            snprintf(pattern[i], sizeof pattern[i], "/p%u/:x", i);
            add(i + 1, "r", "GET", "a.b,*.c", pattern[i]);
        }
        add_scope(99, "s", "a.b", "/p3/*");
        rc = router_build(router, NULL, NULL, &diag);
        ck_assert_int_eq(rc<0, diag.n_errors> 0);
        if (rc == 0)
            CHECK_FOUND("GET", "x.c", "/p39/7", "r x=7");
        else if (rc == ERR_INVALID) /* a rule could not be added */
            rc = ERR_NOMEM;
        end();
    }
    ck_assert_int_eq(rc, 0);
}
END_TEST

/* ---- bounds --------------------------------------------------------------*/

/* All patterns of depth segments, each "a" or a parameter, then "/z". */
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
        add(bits + 1, "[route x]", "GET", NULL, text);
    }
}

START_TEST(backtracking_is_bounded)
{
    et_str values[MAX_VALUES];
    struct router_match m = {.values = values};

    start();
    add_all(6);
    build();
    ck_assert_int_eq(find("GET", "", "/a/a/a/a/a/a/y", &m), ROUTER_NOT_FOUND);
    ck_assert_uint_eq(m.n_visited, 126); /* all but one are patterns */
    ck_assert_uint_le(m.n_visited, ROUTER_MAX_WAYS * (7 + 1));
    CHECK_FOUND("GET", "", "/b/b/b/b/b/b/z",
                "[route x] p0=b p1=b p2=b p3=b p4=b p5=b");
    end();
}
END_TEST

START_TEST(routes_that_overlap_too_much_are_refused)
{
    static const char *const texts[] = {
        "t.ini:65: [route x] match: /a/a/a/a/a/a/:p6/z and others like it, "
        "with "
        "text and parameters at the same places, overlap too much: a request "
        "would have to be tried in 127 ways (at most 64)",
    };

    start();
    add_all(7);
    ck_assert_int_eq(router_build(router, NULL, NULL, &diag), ERR_INVALID);
    check_faults(texts, 1);
    end();
}
END_TEST

/* Nodes visited do not depend on how many routes there are. */
START_TEST(ten_thousand_routes)
{
    et_str values[MAX_VALUES];
    struct router_match m = {.values = values};
    char text[64];

    start();
    for (uint32_t i = 0; i < 10000; i++) {
        snprintf(text, sizeof text, i % 2 ? "/r%u/items" : "/r%u/:id/items", i);
        add(i + 1, "r", "GET", NULL, text);
    }
    build();
    for (uint32_t i = 0; i < 10000; i++) {
        snprintf(text, sizeof text, i % 2 ? "/r%u/items" : "/r%u/7/items", i);
        ck_assert_int_eq(find("GET", "h", text, &m), ROUTER_FOUND);
        ck_assert_ptr_eq(m.rule, router_rule_at(router, i));
        ck_assert_uint_eq(m.n_visited, i % 2 ? 0 : 4);
    }
    CHECK_FOUND("GET", "", "/r10000/items", "404");
    end();
}
END_TEST

/* ---- scopes --------------------------------------------------------------*/

/* "rule[outer inner]" */
static void *
bind_text(void *arg, void *target, void *const *scopes, uint32_t n_scopes)
{
    char *text = arena_alloc(&arena, 512);
    size_t n;

    ++*(uint32_t *)arg;
    n = (size_t)snprintf(text, 512, "%s[", target ? (char *)target : "miss");
    for (uint32_t i = 0; i < n_scopes; i++)
        n += (size_t)snprintf(text + n, 512 - n, "%s%s", i ? " " : "",
                              (char *)scopes[i]);
    snprintf(text + n, 512 - n, "]");
    return text;
}

static const char *
bound(const char *method, const char *host, const char *path)
{
    et_str values[MAX_VALUES];
    struct router_match m = {.values = values};

    find(method, host, path, &m);
    return m.target;
}

START_TEST(scopes_cover_routes_and_misses)
{
    uint32_t n_calls = 0;

    start();
    add(1, "hello", "GET", NULL, "/hello");
    add(2, "user", "GET", NULL, "/api/users/:id");
    add(3, "site", "GET", NULL, "/*path");
    add(4, "hosted", "GET", "h", "/api/x");
    add_scope(5, "all", NULL, "/*");
    add_scope(6, "api", NULL, "/api/*");
    add_scope(7, "admin", NULL, "/admin/*");
    add_scope(8, "h-api", "h", "/api/*");
    ck_assert_int_eq(router_build(router, bind_text, &n_calls, &diag), 0);
    ck_assert_str_eq(bound("GET", "", "/hello"), "hello[all]");
    ck_assert_str_eq(bound("GET", "", "/api/users/7"), "user[all api]");
    ck_assert_str_eq(bound("GET", "h", "/api/users/7"), "user[all api h-api]");
    ck_assert_str_eq(bound("GET", "h", "/api/x"), "hosted[all api h-api]");
    /* A rule wider than a scope does not open what the scope guards. */
    ck_assert_str_eq(bound("GET", "", "/index.html"), "site[all]");
    ck_assert_str_eq(bound("GET", "", "/admin/keys"), "site[all admin]");
    ck_assert_str_eq(bound("GET", "", "/admin"), "site[all admin]");
    ck_assert_str_eq(bound("GET", "h", "/api/y"), "site[all api h-api]");
    ck_assert_str_eq(bound("POST", "", "/hello"), "miss[all]");
    ck_assert_str_eq(bound("POST", "", "/api/z"), "miss[all api]");
    ck_assert_str_eq(bound("POST", "h", "/api"), "miss[all api h-api]");
    ck_assert_str_eq(bound("OPTIONS", "", "*"), "miss[all]");
    /* misses 5 (one of them unscoped), hello 1, user 2, site 4, hosted 1 */
    ck_assert_uint_eq(n_calls, 13);
    end();
}
END_TEST

START_TEST(without_scopes_each_rule_is_bound_once)
{
    uint32_t n_calls = 0;

    start();
    add(1, "a", "GET,POST", "x,*.y", "/a");
    add(2, "b", "*", NULL, "/:b");
    ck_assert_int_eq(router_build(router, bind_text, &n_calls, &diag), 0);
    ck_assert_uint_eq(n_calls, 3);
    ck_assert_str_eq(bound("GET", "z.y", "/a"), "a[]");
    ck_assert_str_eq(bound("PUT", "z.y", "/a"), "b[]");
    ck_assert_str_eq(bound("PUT", "z.y", "/a/a"), "miss[]");
    end();
}
END_TEST

static void *
bind_not(void *arg, void *target, void *const *scopes, uint32_t n_scopes)
{
    (void)arg;
    (void)scopes;
    (void)n_scopes;
    return target;
}

START_TEST(a_refused_binding_fails_the_build)
{
    start();
    ck_assert_int_eq(router_build(router, bind_not, NULL, &diag), ERR_INVALID);
    end();
}
END_TEST

static void *
bind_counted(void *arg, void *target, void *const *scopes, uint32_t n_scopes)
{
    (void)scopes;
    (void)n_scopes;
    *(unsigned *)arg += target != NULL;
    return arg;
}

START_TEST(what_conflicts_is_bound_too_and_fails_the_build)
{
    unsigned n = 0;

    start();
    add(1, "[route a]", "GET", NULL, "/a");
    add(2, "[route b]", "GET", NULL, "/a");
    add(3, "[route c]", "get", NULL, "/c");
    ck_assert_int_eq(router_build(router, bind_counted, &n, &diag),
                     ERR_INVALID);
    ck_assert_uint_eq(n, 2);
    ck_assert_uint_eq(diag.n_errors, 2);
    end();
}
END_TEST

/* ---- the naive matcher ---------------------------------------------------*/

enum { RULES = 24, SCOPES = 6, ROUTERS = 3000, REQUESTS = 60 };

struct naive_rule {
    char pattern[64], methods[32], hosts[64];
    uint32_t n_hosts;
    const char *host[2]; /* NULL: any */
};

static struct naive_rule rules[RULES];
static uint32_t n_rules;
static struct {
    char pattern[32];
    const char *host;
} naive_scopes[SCOPES];
static uint32_t n_scopes;
static char names[RULES][8], scope_names[SCOPES][8];
static uint64_t state;

static uint32_t
random_below(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 33) % n;
}

static const char *const segments[] = {"a", "b", "a", ":p", ":q", ""};
static const char *const hosts[] = {"x.y.z", "*.y.z", "*.z", "z", "w.y.z"};
static const char *const request_hosts[] = {"x.y.z", "v.y.z", "v.z", "z",
                                            "w.y.z", "",      "q"};
static const char *const methods[] = {
    "GET", "POST", "*", "GET,POST", "HEAD,PUT", "PURGE", "GET,PURGE"};
static const char *const request_methods[] = {"GET",   "HEAD", "POST",   "PUT",
                                              "PURGE", "MOVE", "OPTIONS"};

#define PICK(array) (array)[random_below(ARRAY_LEN(array))]

static void
random_rule(struct naive_rule *r)
{
    uint32_t depth = 1 + random_below(4), n_params = 0;
    size_t n = 0;

    for (uint32_t i = 0; i < depth; i++) {
        const char *s = PICK(segments);
        n += (size_t)snprintf(r->pattern + n, sizeof r->pattern - n, "/%s", s);
        if (s[0] == ':')
            n += (size_t)snprintf(r->pattern + n, sizeof r->pattern - n, "%u",
                                  n_params++);
    }
    if (random_below(4) == 0)
        snprintf(r->pattern + n, sizeof r->pattern - n, "/*t");
    strcpy(r->methods, PICK(methods));
    r->n_hosts = random_below(3);
    r->hosts[0] = '\0';
    for (uint32_t i = 0; i < r->n_hosts; i++)
        r->host[i] = PICK(hosts);
    if (r->n_hosts == 2 && r->host[0] == r->host[1])
        r->n_hosts = 1;
    for (uint32_t i = 0; i < r->n_hosts; i++) {
        strcat(r->hosts, i ? "," : "");
        strcat(r->hosts, r->host[i]);
    }
}

/* The next segment behind the slash at *s; 0 at the end. */
static int
next_segment(const char **s, const char **from, size_t *n)
{
    if (**s != '/')
        return 0;
    *from = *s + 1;
    *n = strcspn(*from, "/");
    *s = *from + *n;
    return 1;
}

/* How a pattern matches: "tpt*" kinds as digits 0 1 2, or NULL. */
static const char *
naive_match(const char *pattern, const char *path)
{
    static char kinds[64];
    const char *p, *q;
    size_t n, m, k = 0;

    while (next_segment(&pattern, &p, &n)) {
        const char *rest = path;
        if (!next_segment(&path, &q, &m))
            return NULL;
        if (p[0] == '*') {
            kinds[k++] = '2';
            path = rest + strlen(rest);
        } else if (n > 0 && p[0] == ':') {
            if (m == 0)
                return NULL;
            kinds[k++] = '1';
        } else {
            if (n != m || memcmp(p, q, n) != 0)
                return NULL;
            kinds[k++] = '0';
        }
    }
    kinds[k] = '\0';
    return *path == '\0' ? kinds : NULL;
}

/* 0: does not match; else the higher the more specific. */
static size_t
host_rank(const char *rule, const char *host)
{
    size_t n = rule ? strlen(rule) : 0, m = strlen(host);

    if (!rule)
        return 1;
    if (rule[0] != '*')
        return strcmp(rule, host) == 0 ? 1000 : 0;
    return m > n - 1 && strcmp(host + m - (n - 1), rule + 1) == 0 ? n : 0;
}

static int
names_method(const char *list, const char *method)
{
    size_t n = strlen(method);

    for (const char *p = list; (p = strstr(p, method)); p += n) {
        if ((p == list || p[-1] == ',') && (p[n] == ',' || p[n] == '\0'))
            return 1;
    }
    return 0;
}

/* 0: no; 1: by "*", 2: HEAD by GET, 3: named. */
static char
method_rank(const char *list, const char *method)
{
    if (names_method(list, method))
        return 3;
    if (strcmp(method, "HEAD") == 0 && names_method(list, "GET"))
        return 2;
    return list[0] == '*';
}

/* The best rule, or -1; *seen: some rule matches host and path. */
static int
naive_find(const char *method, const char *host, const char *path, int *seen)
{
    char best_key[80] = "";
    int best = -1;

    *seen = 0;
    for (uint32_t i = 0; i < n_rules; i++) {
        const struct naive_rule *r = &rules[i];
        const char *kinds = naive_match(r->pattern, path);
        char rank = method_rank(r->methods, method);
        for (uint32_t h = 0; h < r->n_hosts + (r->n_hosts == 0); h++) {
            size_t on = host_rank(r->n_hosts ? r->host[h] : NULL, host);
            char key[80]; /* the smaller the better */
            if (!kinds || on == 0)
                continue;
            *seen = 1;
            snprintf(key, sizeof key, "%04zu%s-%c", 2000 - on, kinds,
                     '9' - rank);
            if (rank > 0 && (best < 0 || strcmp(key, best_key) < 0)) {
                strcpy(best_key, key);
                best = (int)i;
            }
        }
    }
    return best;
}

static int
naive_covers(const char *scope, const char *path)
{
    size_t n = strlen(scope) - 2; /* without slash and star */

    return path[0] == '/' && strncmp(scope, path, n) == 0 &&
           (path[n] == '/' || path[n] == '\0');
}

static size_t
segments_in(const char *s)
{
    size_t n = 0;

    while (*s)
        n += *s++ == '/';
    return n;
}

/* "[s1 s0]": the scopes of a path by rising length, then host. */
static const char *
naive_cover(const char *host, const char *path)
{
    static char out[256];
    size_t n = 1;

    strcpy(out, "[");
    for (size_t length = 1; length < 6; length++) {
        for (size_t rank = 1; rank <= 1000; rank++) {
            for (uint32_t i = 0; i < n_scopes; i++) {
                if (segments_in(naive_scopes[i].pattern) == length &&
                    host_rank(naive_scopes[i].host, host) == rank &&
                    naive_covers(naive_scopes[i].pattern, path))
                    n += (size_t)snprintf(out + n, sizeof out - n, "%s%s",
                                          n > 1 ? " " : "", scope_names[i]);
            }
            if (rank == 10)
                rank = 999;
        }
    }
    strcat(out, "]");
    return out;
}

static void
random_path(char *path)
{
    static const char *const parts[] = {"a", "b", "a", "c", ""};
    uint32_t depth = 1 + random_below(5);

    path[0] = '\0';
    for (uint32_t i = 0; i < depth; i++) {
        strcat(path, "/");
        strcat(path, PICK(parts));
    }
}

static uint32_t
allow_of(const char *host, const char *path)
{
    uint32_t allow = 0;

    for (uint32_t i = 0; i + 2 < ARRAY_LEN(request_methods); i++) {
        int seen;
        if (naive_find(request_methods[i], host, path, &seen) >= 0)
            allow |= 1u << i;
    }
    return allow;
}

/* The same bits of router_allow's text. */
static uint32_t
allow_told(uint32_t mask)
{
    char text[256];
    size_t n = router_allow(router, mask, text, sizeof text - 1);
    uint32_t allow = 0;

    text[n] = '\0';
    for (uint32_t i = 0; i + 2 < ARRAY_LEN(request_methods); i++) {
        const char *p = strstr(text, request_methods[i]);
        if (p && (p == text || p[-1] == ' '))
            allow |= 1u << i;
    }
    return allow;
}

static void
check_values(const struct router_match *m, const char *pattern,
             const char *path)
{
    const char *p, *q;
    size_t n, k;
    uint32_t i = 0;

    while (next_segment(&pattern, &p, &n)) {
        ck_assert(next_segment(&path, &q, &k));
        if (n == 0 || (p[0] != ':' && p[0] != '*'))
            continue;
        if (p[0] == '*')
            k = strlen(q);
        ck_assert_ptr_eq(m->values[i].p, q);
        ck_assert_uint_eq(m->values[i].n, k);
        i++;
    }
    ck_assert_uint_eq(m->n_values, i);
}

static void
check_request(void)
{
    const char *method = PICK(request_methods), *host = PICK(request_hosts);
    char path[64], other[64], expected[512];
    et_str values[MAX_VALUES];
    struct router_match m = {.values = values};
    enum router_result result;
    int best, seen;

    random_path(path);
    best = naive_find(method, host, path, &seen);
    result = find(method, host, path, &m);
    snprintf(expected, sizeof expected, "%s%s", best < 0 ? "miss" : names[best],
             naive_cover(host, path));
    ck_assert_str_eq(m.target, expected);
    ck_assert_uint_le(m.n_visited,
                      4 * ROUTER_MAX_WAYS * (segments_in(path) + 1));
    if (best >= 0) {
        ck_assert_int_eq(result, ROUTER_FOUND);
        check_values(&m, rules[best].pattern, path);
        return;
    }
    ck_assert_ptr_null(m.rule);
    if (seen) {
        ck_assert_int_eq(result, ROUTER_METHOD);
        ck_assert_uint_eq(allow_told(m.allow), allow_of(host, path));
        return;
    }
    strcpy(other, path);
    if (path[strlen(path) - 1] != '/')
        strcat(other, "/");
    else if (strlen(path) > 1 && path[strlen(path) - 2] != '/')
        other[strlen(path) - 1] = '\0';
    else
        other[0] = '\0';
    best = other[0] ? naive_find(method, host, other, &seen) : -1;
    ck_assert_int_eq(result, best < 0 ? ROUTER_NOT_FOUND : ROUTER_SLASH);
}

/* Whether two rules are one pattern, host and method. */
static int
naive_conflict(const struct naive_rule *a, const struct naive_rule *b)
{
    static const char *const all[] = {"GET", "HEAD",  "POST",
                                      "PUT", "PURGE", "*"};
    const char *p = a->pattern, *q = b->pattern, *from_p, *from_q;
    size_t n, m;
    int same_host = 0, same_method = 0;

    while (next_segment(&p, &from_p, &n)) {
        if (!next_segment(&q, &from_q, &m))
            return 0;
        if (n > 0 && m > 0 && from_p[0] == ':' && from_q[0] == ':')
            continue;
        if (n != m || memcmp(from_p, from_q, n) != 0)
            return 0;
    }
    for (uint32_t i = 0; i < a->n_hosts; i++) {
        for (uint32_t k = 0; k < b->n_hosts; k++)
            same_host |= strcmp(a->host[i], b->host[k]) == 0;
    }
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        same_method |= names_method(a->methods, all[i]) &&
                       names_method(b->methods, all[i]);
    same_host |= a->n_hosts == 0 && b->n_hosts == 0;
    return *q == '\0' && same_host && same_method;
}

static int
conflicts_with_any(const struct naive_rule *r)
{
    for (uint32_t i = 0; i < n_rules; i++) {
        if (naive_conflict(&rules[i], r))
            return 1;
    }
    return 0;
}

static void
random_scopes(void)
{
    static const char *const prefixes[] = {"/*",     "/a/*",  "/b/*",
                                           "/a/b/*", "/a//*", "/a/a/a/*"};

    n_scopes = 0;
    for (uint32_t tries = random_below(SCOPES + 1); tries > 0; tries--) {
        const char *host = random_below(2) ? PICK(hosts) : NULL;
        const char *prefix = PICK(prefixes);
        int twice = 0;
        for (uint32_t i = 0; i < n_scopes; i++)
            twice |= naive_scopes[i].host == host &&
                     strcmp(naive_scopes[i].pattern, prefix) == 0;
        if (twice)
            continue;
        strcpy(naive_scopes[n_scopes].pattern, prefix);
        naive_scopes[n_scopes].host = host;
        snprintf(scope_names[n_scopes], 8, "s%u", n_scopes);
        add_scope(100 + n_scopes, scope_names[n_scopes], host, prefix);
        n_scopes++;
    }
}

/* A router without conflicts; then, at times, one more rule that has one. */
static int
random_router(void)
{
    uint32_t n = random_below(RULES - 1), n_calls = 0;
    struct naive_rule r;
    int bad = 0;

    n_rules = 0;
    random_scopes();
    for (uint32_t i = 0; i < n; i++) {
        random_rule(&r);
        if (conflicts_with_any(&r) && (bad || random_below(20) != 0))
            continue;
        bad |= conflicts_with_any(&r);
        rules[n_rules] = r;
        snprintf(names[n_rules], 8, "r%u", n_rules);
        add(n_rules + 1, names[n_rules], r.methods, r.hosts, r.pattern);
        n_rules++;
    }
    ck_assert_int_eq(router_build(router, bind_text, &n_calls, &diag),
                     bad ? ERR_INVALID : 0);
    ck_assert_int_eq(diag.n_errors > 0, bad);
    return !bad;
}

START_TEST(random_routers_agree_with_a_naive_matcher)
{
    uint32_t n_built = 0;

    state = 0x9e3779b97f4a7c15;
    for (uint32_t i = 0; i < ROUTERS; i++) {
        start();
        if (random_router()) {
            n_built++;
            for (uint32_t k = 0; k < REQUESTS; k++)
                check_request();
        }
        end();
    }
    ck_assert_uint_gt(n_built, ROUTERS / 2);
}
END_TEST

UNIT_MAIN(router, paths_and_parameters, eighteen_segments_and_many_parameters,
          methods_are_part_of_the_match, hosts_from_exact_to_none,
          the_final_slash_is_looked_for_on_a_miss_only,
          an_empty_router_finds_nothing, rules_can_be_listed,
          conflicts_name_both_places,
          what_cannot_be_added_is_reported_and_fails_the_build,
          memory_may_end_anywhere, backtracking_is_bounded,
          routes_that_overlap_too_much_are_refused, ten_thousand_routes,
          scopes_cover_routes_and_misses,
          without_scopes_each_rule_is_bound_once,
          a_refused_binding_fails_the_build,
          what_conflicts_is_bound_too_and_fails_the_build,
          random_routers_agree_with_a_naive_matcher)
