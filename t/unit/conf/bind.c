/* SPDX-License-Identifier: BSD-2-Clause */
/* Binding: keys to fields, match, handler and options of plugins. */
#include "conf/bind.h"

#include "help.h"
#include "t/lib/unit.h"

/* The messages for a text; *out is its configuration or NULL. */
static const char *
says(const char *text, struct conf **out)
{
    struct diag d;
    const char *messages;

    diag_init(&d);
    *out = help_conf(text, NULL, &d);
    messages = help_messages(&d);
    diag_fini(&d);
    return messages;
}

#define HEAD "[plugin h]\n[route x]\nhandler = h\n"

START_TEST(matches_are_split)
{
    struct conf *c;

    ck_assert_str_eq(says(HEAD "match = GET /a\nmatch = GET, POST   /b/:id\n"
                               "match = *\t/c/*rest\nmatch = M-SEARCH /\n",
                          &c),
                     "");
    ck_assert_uint_eq(c->routes[0].match.n, 4);
    ck_assert_str_eq(c->routes[0].match.v[0].methods.p, "GET");
    ck_assert_str_eq(c->routes[0].match.v[0].path.p, "/a");
    ck_assert_uint_eq(c->routes[0].match.v[0].at.line, 4);
    ck_assert_str_eq(c->routes[0].match.v[1].methods.p, "GET, POST");
    ck_assert_str_eq(c->routes[0].match.v[1].path.p, "/b/:id");
    ck_assert_str_eq(c->routes[0].match.v[2].methods.p, "*");
    ck_assert_str_eq(c->routes[0].match.v[2].path.p, "/c/*rest");
    ck_assert_uint_eq(c->routes[0].match.v[3].at.line, 7);
    conf_free(c);
}
END_TEST

START_TEST(many_matches_are_kept_in_order)
{
    char text[4096];
    struct conf *c;
    size_t i, n;

    n = (size_t)snprintf(text, sizeof(text), HEAD);
    for (i = 0; i < 100; i++)
        n += (size_t)snprintf(text + n, sizeof(text) - n, "match = GET /%zu\n",
                              i);
    ck_assert_str_eq(says(text, &c), "");
    ck_assert_uint_eq(c->routes[0].match.n, 100);
    for (i = 0; i < 100; i++) {
        snprintf(text, sizeof(text), "/%zu", i);
        ck_assert_str_eq(c->routes[0].match.v[i].path.p, text);
    }
    conf_free(c);
}
END_TEST

START_TEST(malformed_matches_are_errors)
{
    static const char *const bad[] = {
        "/a",      "GET",         "GET a", "get /a",   "GET,/a",     "GET, /a",
        ",GET /a", "GET;POST /a", "",      "*,GET /a", "GET POST /a"};
    char text[256];
    struct conf *c;
    size_t i;

    for (i = 0; i < ARRAY_LEN(bad); i++) {
        snprintf(text, sizeof(text), HEAD "match = %s\n", bad[i]);
        ck_assert_msg(strstr(says(text, &c),
                             "a.ini:4: [route x] match: expected METHOD /path, "
                             "GET,POST /path or * /path, found \"") != NULL,
                      "%s", bad[i]);
        ck_assert_ptr_null(c);
    }
}
END_TEST

START_TEST(a_scope_matches_paths)
{
    struct conf *c;

    ck_assert_str_eq(says("[scope s]\nmatch = /api/*\nmatch = /v2/*\n", &c),
                     "");
    ck_assert_str_eq(c->scopes[0].match.v[0].path.p, "/api/*");
    ck_assert_uint_eq(c->scopes[0].match.v[0].methods.n, 0);
    conf_free(c);
    ck_assert_str_eq(says("[scope s]\nmatch = GET /api\n", &c),
                     "a.ini:2: [scope s] match: expected a path such as "
                     "/api/*, found \"GET /api\"\n");
}
END_TEST

START_TEST(a_handler_is_an_instance_or_one_of_its_routes)
{
    struct conf *c;

    ck_assert_str_eq(says("[plugin h]\n[route x]\nmatch = GET /\n"
                          "handler = h:list\n[route y]\nmatch = GET /y\n"
                          "handler = h\n",
                          &c),
                     "");
    ck_assert_str_eq(c->routes[0].handler.p, "h");
    ck_assert_str_eq(c->routes[0].handler_route.p, "list");
    ck_assert_uint_eq(c->routes[1].handler_route.n, 0);
    ck_assert_uint_eq(c->routes[0].handler_at.line, 4);
    conf_free(c);
    ck_assert_str_eq(says("[plugin h]\n[route x]\nmatch = GET /\n"
                          "handler = h:\n",
                          &c),
                     "a.ini:4: [route x] handler: expected INSTANCE or "
                     "INSTANCE:ROUTE, found \"h:\"\n");
}
END_TEST

START_TEST(required_keys_are_missed_once)
{
    struct conf *c;

    ck_assert_str_eq(
        says("[route x]\n[listen l]\n[scope s]\n", &c),
        "a.ini:1: [route x] match: missing (methods and path; :name is one "
        "segment, a final *name all the rest)\n"
        "a.ini:1: [route x] handler: missing (the instance that answers, or "
        "one of the routes it declares)\n"
        "a.ini:2: [listen l] address: missing (as listen of [server])\n"
        "a.ini:3: [scope s] match: missing (paths the scope is about)\n");
}
END_TEST

START_TEST(unknown_keys_are_errors_with_a_suggestion)
{
    struct conf *c;

    ck_assert_str_eq(says("[server]\nworker = 1\nzzz = 2\n[route x]\n"
                          "match = GET /\nhandler = h\nhandlers = h\n"
                          ".a = 1\na. = 1\n[plugin h]\nanything = goes\n",
                          &c),
                     "a.ini:2: [server] worker: unknown key; did you mean "
                     "\"workers\"?\n"
                     "a.ini:3: [server] zzz: unknown key\n"
                     "a.ini:7: [route x] handlers: unknown key; did you mean "
                     "\"handler\"?\n"
                     "a.ini:8: [route x] .a: unknown key\n"
                     "a.ini:9: [route x] a.: unknown key\n");
}
END_TEST

START_TEST(options_keep_instance_key_value_and_place)
{
    struct conf *c;
    const struct conf_entry *e;

    ck_assert_str_eq(says("[plugin limit]\nrate = 100/s\ntls.key = k\n"
                          "[plugin h]\n[route x]\nmatch = GET /\n"
                          "handler = h\nuse = limit\nlimit.rate = 10/s\n"
                          "h.a.b = 1\n[scope s]\nmatch = /*\nh.c = 2\n",
                          &c),
                     "");
    e = c->plugins[0].options.v;
    ck_assert_uint_eq(c->plugins[0].options.n, 2);
    ck_assert_str_eq(e[0].instance.p, "limit");
    ck_assert_str_eq(e[0].key.p, "rate");
    ck_assert_str_eq(e[0].value.p, "100/s");
    ck_assert_str_eq(e[0].section, "[plugin limit]");
    ck_assert_str_eq(e[0].dir, "/etc/x");
    ck_assert_str_eq(e[1].key.p, "tls.key");
    e = c->routes[0].options.v;
    ck_assert_uint_eq(c->routes[0].options.n, 2);
    ck_assert_str_eq(e[0].instance.p, "limit");
    ck_assert_str_eq(e[0].key.p, "rate");
    ck_assert_uint_eq(e[0].at.line, 9);
    ck_assert_str_eq(e[1].instance.p, "h");
    ck_assert_str_eq(e[1].key.p, "a.b");
    ck_assert_str_eq(c->scopes[0].options.v[0].key.p, "c");
    conf_free(c);
}
END_TEST

UNIT_MAIN(bind, matches_are_split, many_matches_are_kept_in_order,
          malformed_matches_are_errors, a_scope_matches_paths,
          a_handler_is_an_instance_or_one_of_its_routes,
          required_keys_are_missed_once,
          unknown_keys_are_errors_with_a_suggestion,
          options_keep_instance_key_value_and_place)
