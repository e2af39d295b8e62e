/* SPDX-License-Identifier: BSD-2-Clause */
/* Targets taken apart, paths normalised, queries walked, hosts checked; all
 * against a guard page. */
#include <string.h>

#include "base/err.h"
#include "proto/uri.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

static et_str
guarded(const char *text)
{
    size_t n = strlen(text);

    return (et_str){guard_end(text, n), n};
}

static void
is_slice(et_str s, const char *text)
{
    if (text == NULL) {
        ck_assert_ptr_null(s.p);
        return;
    }
    ck_assert_msg(s.p != NULL && s.n == strlen(text) &&
                      memcmp(s.p, text, s.n) == 0,
                  "'%.*s' is not '%s'", (int)s.n, s.p, text);
}

START_TEST(targets_have_four_forms)
{
    static const struct {
        const char *target;
        uint32_t method;
        enum uri_form form;
        const char *scheme, *authority, *path, *query;
        int is_plain;
    } rows[] = {
        {"/", ET_M_GET, URI_ORIGIN, NULL, NULL, "/", NULL, 1},
        {"/a/b", ET_M_GET, URI_ORIGIN, NULL, NULL, "/a/b", NULL, 1},
        {"/a?", ET_M_GET, URI_ORIGIN, NULL, NULL, "/a", "", 1},
        {"/a?b?c/../%", ET_M_GET, URI_ORIGIN, NULL, NULL, "/a", "b?c/../%", 1},
        {"//a//b", ET_M_GET, URI_ORIGIN, NULL, NULL, "//a//b", NULL, 1},
        {"/a%20b", ET_M_GET, URI_ORIGIN, NULL, NULL, "/a%20b", NULL, 0},
        {"/a/./b", ET_M_GET, URI_ORIGIN, NULL, NULL, "/a/./b", NULL, 0},
        {"/..", ET_M_GET, URI_ORIGIN, NULL, NULL, "/..", NULL, 0},
        {"/.?a", ET_M_GET, URI_ORIGIN, NULL, NULL, "/.", "a", 0},
        {"/.a/..b/c.d/e./...", ET_M_GET, URI_ORIGIN, NULL, NULL,
         "/.a/..b/c.d/e./...", NULL, 1},
        {"/[a]|^", ET_M_GET, URI_ORIGIN, NULL, NULL, "/[a]|^", NULL, 1},
        {"/?[a]{b}|^`\\", ET_M_GET, URI_ORIGIN, NULL, NULL, "/", "[a]{b}|^`\\",
         1},
        {"/?100%", ET_M_GET, URI_ORIGIN, NULL, NULL, "/", "100%", 1},
        {"http://a", ET_M_GET, URI_ABSOLUTE, "http", "a", "/", NULL, 1},
        {"http://a?b", ET_M_GET, URI_ABSOLUTE, "http", "a", "/", "b", 1},
        {"http://a/", ET_M_OPTIONS, URI_ABSOLUTE, "http", "a", "/", NULL, 1},
        {"http://a", ET_M_OPTIONS, URI_ABSOLUTE, "http", "a", "*", NULL, 1},
        {"HTTPS://[::1]:8/b?c", ET_M_GET, URI_ABSOLUTE, "HTTPS", "[::1]:8",
         "/b", "c", 1},
        {"*", ET_M_OPTIONS, URI_ASTERISK, NULL, NULL, "*", NULL, 1},
        {"a.b:443", ET_M_CONNECT, URI_AUTHORITY, NULL, "a.b:443", NULL, NULL,
         0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct uri u;
        int rc = uri_split(guarded(rows[i].target), rows[i].method, &u);

        ck_assert_msg(rc == 0, "%s", rows[i].target);
        ck_assert_int_eq(u.form, rows[i].form);
        is_slice(u.scheme, rows[i].scheme);
        is_slice(u.authority, rows[i].authority);
        is_slice(u.path, rows[i].path);
        is_slice(u.query, rows[i].query);
        ck_assert_int_eq(u.path_is_plain, rows[i].is_plain);
    }
}
END_TEST

START_TEST(malformed_targets_are_refused)
{
    static const struct {
        const char *target;
        uint32_t method;
    } rows[] = {
        {"", ET_M_GET},
        {"a", ET_M_GET},
        {"a/b", ET_M_GET},
        {"?a", ET_M_GET},
        {"*", ET_M_GET},
        {"*a", ET_M_OPTIONS},
        {"/a b", ET_M_GET},
        {"/a#b", ET_M_GET},
        {"/a?b#c", ET_M_GET},
        {"/\"", ET_M_GET},
        {"/<", ET_M_GET},
        {"/>", ET_M_GET},
        {"/{a", ET_M_GET},
        {"/a}", ET_M_GET},
        {"/`", ET_M_GET},
        {"/a\\b", ET_M_GET},
        {"/..\\b", ET_M_GET},
        {"http://a/{", ET_M_GET},
        {"/a?>", ET_M_GET},
        {"/\xc3\xa4", ET_M_GET},
        {"/?\xc3\xa4", ET_M_GET},
        {"/\x7f", ET_M_GET},
        {"http:", ET_M_GET},
        {"http://", ET_M_GET},
        {"http:///a", ET_M_GET},
        {"http://:80/a", ET_M_GET},
        {"http:/a", ET_M_GET},
        {"http://a b/", ET_M_GET},
        {"http://u@a/", ET_M_GET},
        {"http://u:p@a/", ET_M_GET},
        {"http://a:b/", ET_M_GET},
        {"http://a#", ET_M_GET},
        {"http://a/#", ET_M_GET},
        {"ftp://a/", ET_M_GET},
        {"httpss://a/", ET_M_GET},
        {"a.b:443", ET_M_GET},
        {"a.b", ET_M_CONNECT},
        {":443", ET_M_CONNECT},
        {"a.b:", ET_M_CONNECT},
        {"/", ET_M_CONNECT},
        {"http://a/", ET_M_CONNECT},
    };
    struct uri u;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(uri_split(guarded(rows[i].target), rows[i].method, &u) ==
                          ERR_TARGET,
                      "%s", rows[i].target);
}
END_TEST

START_TEST(paths_are_normalised)
{
    static const struct {
        const char *raw, *clean;
    } rows[] = {
        {"/", "/"},
        {"/a", "/a"},
        {"/a/", "/a/"},
        {"//", "//"},
        {"//a///b", "//a///b"},
        {"/.", "/"},
        {"/./", "/"},
        {"/..", "/"},
        {"/../", "/"},
        {"/../../a", "/a"},
        {"/a/.", "/a/"},
        {"/a/./b", "/a/b"},
        {"/a/..", "/"},
        {"/a/../b", "/b"},
        {"/a/b/..", "/a/"},
        {"/a/b/c/./../../g", "/a/g"},
        {"/mid/content=5/../6", "/mid/6"},
        {"/a//../b", "/a/b"},
        {"//..", "/"},
        {"/...", "/..."},
        {"/.a/..b/c.", "/.a/..b/c."},
        {"/%61%62", "/ab"},
        {"/%2e", "/"},
        {"/a/%2E%2e/b", "/b"},
        {"/a/.%2e", "/"},
        {"/a%2fb", "/a%2Fb"},
        {"/a%2Fb", "/a%2Fb"},
        {"/a/..%2fb", "/a/..%2Fb"},
        {"/a%2f..", "/a%2F.."},
        {"/a%252fb", "/a%2fb"},
        {"/%252e%252e/", "/%2e%2e/"},
        {"/a%25", "/a%"},
        {"/%C3%A4%ff", "/\xc3\xa4\xff"},
        {"/a%20b+c", "/a b+c"},
        {"/%0d%0a", "/\r\n"},
        {"/%5c..%5c", "/\\..\\"},
        {"/%3f%23", "/?#"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = strlen(rows[i].raw), len, in_place;
        et_str raw = {guard_end(rows[i].raw, n), n};
        char *out = guard_begin("", 0);

        ck_assert_int_eq(uri_normalise(raw, out, &len), 0);
        is_slice((et_str){out, len}, rows[i].clean);
        ck_assert_uint_le(len, n);
        ck_assert_int_eq(uri_is_plain(raw),
                         strcmp(rows[i].raw, rows[i].clean) == 0 &&
                             strchr(rows[i].raw, '%') == NULL);
        out = guard_end(rows[i].raw, n);
        ck_assert_int_eq(uri_normalise((et_str){out, n}, out, &in_place), 0);
        is_slice((et_str){out, in_place}, rows[i].clean);
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char bare[64], again[64], clean[64];
        size_t n = uri_remove_dots(guarded(rows[i].raw), bare), len;

        ck_assert_uint_le(n, strlen(rows[i].raw));
        ck_assert_uint_eq(uri_remove_dots((et_str){bare, n}, again), n);
        ck_assert_mem_eq(again, bare, n);
        ck_assert_int_eq(uri_normalise((et_str){bare, n}, clean, &len), 0);
        is_slice((et_str){clean, len}, rows[i].clean);
    }
}
END_TEST

START_TEST(malformed_paths_are_refused)
{
    static const char *const rows[] = {
        "",      "a",     "*",    "/%",    "/%1",  "/%zz",   "/%1g",
        "/%g1",  "/a%00", "/%00", "/%2",   "/%%",  "/%25%0", "/a/%",
        "/%-1f", "/% 1",  "/%+1", "/%0x1", "/%u1",
    };
    char out[16];
    size_t len;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(uri_normalise(guarded(rows[i]), out, &len) == ERR_TARGET,
                      "%s", rows[i]);
}
END_TEST

START_TEST(queries_are_walked)
{
    et_str q = guarded("a=1&b&&=c&d=&e=f=g&%61=2&"), k, v;
    static const char *const wanted[][2] = {
        {"a", "1"}, {"b", ""}, {"", "c"}, {"d", ""}, {"e", "f=g"}, {"%61", "2"},
    };

    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        ck_assert_int_eq(uri_query_next(&q, &k, &v), 1);
        is_slice(k, wanted[i][0]);
        is_slice(v, wanted[i][1]);
    }
    ck_assert_int_eq(uri_query_next(&q, &k, &v), 0);
    q = (et_str){NULL, 0};
    ck_assert_int_eq(uri_query_next(&q, &k, &v), 0);
}
END_TEST

START_TEST(query_values_are_found_by_decoded_key)
{
    et_str q = guarded("a=1&%61=2&a+b=3&c&a=4");

    is_slice(uri_query_find(q, (et_str){"a", 1}, 0), "1");
    is_slice(uri_query_find(q, (et_str){"a", 1}, 1), "2");
    is_slice(uri_query_find(q, (et_str){"a", 1}, 2), "4");
    is_slice(uri_query_find(q, (et_str){"a", 1}, 3), NULL);
    is_slice(uri_query_find(q, (et_str){"a b", 3}, 0), "3");
    is_slice(uri_query_find(q, (et_str){"c", 1}, 0), "");
    is_slice(uri_query_find(q, (et_str){"%61", 3}, 0), NULL);
    is_slice(uri_query_find((et_str){NULL, 0}, (et_str){"a", 1}, 0), NULL);
}
END_TEST

START_TEST(form_values_are_decoded)
{
    static const struct {
        const char *raw, *text;
        int is_coded;
    } rows[] = {
        {"", "", 0},         {"abc", "abc", 0},
        {"a+b", "a b", 1},   {"%41%2b", "A+", 1},
        {"100%", "100%", 0}, {"%4", "%4", 0},
        {"%zz", "%zz", 0},   {"%%41", "%A", 1},
        {"%2F", "/", 1},     {"%C3%A4", "\xc3\xa4", 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t n = strlen(rows[i].raw);
        char *p = guard_end(rows[i].raw, n);

        ck_assert_int_eq(uri_form_is_coded((et_str){p, n}), rows[i].is_coded);
        ck_assert_int_eq(
            uri_form_eq((et_str){p, n},
                        (et_str){rows[i].text, strlen(rows[i].text)}),
            1);
        ck_assert_int_eq(uri_form_eq((et_str){p, n}, (et_str){"no", 2}), 0);
        n = uri_form_decode((et_str){p, n}, p);
        is_slice((et_str){p, n}, rows[i].text);
    }
    ck_assert_uint_eq(uri_form_decode((et_str){"%00", 3}, guard_begin("", 0)),
                      1);
}
END_TEST

START_TEST(hosts_are_taken_apart)
{
    static const struct {
        const char *text, *name;
        int port, is_v6, has_upper;
    } rows[] = {
        {"", "", -1, 0, 0},
        {":80", "", 80, 0, 0},
        {"a", "a", -1, 0, 0},
        {"a.", "a", -1, 0, 0},
        {"a..", "a.", -1, 0, 0},
        {"a.:", "a", -1, 0, 0},
        {"Ab.C:0", "Ab.C", 0, 0, 1},
        {"a:65535", "a", 65535, 0, 0},
        {"a:0000080", "a", 80, 0, 0},
        {"1.2.3.4:5", "1.2.3.4", 5, 0, 0},
        {"%41b", "%41b", -1, 0, 0},
        {"%4Ab", "%4Ab", -1, 0, 1},
        {"[::1]", "[::1]", -1, 1, 0},
        {"[2001:DB8::1]:443", "[2001:DB8::1]", 443, 1, 1},
        {"[::ffff:1.2.3.4]:", "[::ffff:1.2.3.4]", -1, 1, 0},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct uri_host host;

        ck_assert_int_eq(uri_host_parse(guarded(rows[i].text), &host), 0);
        is_slice(host.name, rows[i].name);
        ck_assert_int_eq(host.port, rows[i].port);
        ck_assert_int_eq(host.is_v6, rows[i].is_v6);
        ck_assert_int_eq(host.has_upper, rows[i].has_upper);
    }
}
END_TEST

START_TEST(malformed_hosts_are_refused)
{
    static const char *const rows[] = {
        ".",
        ".:80",
        "a b",
        "a/b",
        "a@b",
        "a:b",
        "a:1:2",
        "a:-1",
        "a:+1",
        "a:1 ",
        "a:65536",
        "[",
        "[]",
        "[::1",
        "[::1]a",
        "[::1]]",
        "[1:2]",
        "[a]",
        "[1.2.3.4]",
        "[::1%25eth0]",
        "[v1.a]",
        "::1",
        "%4",
        "%",
        "%gg",
        "a\"",
        "a\\",
        "\xc3\xa4",
        "a\x7f",
        "a[",
        "a:99999999999999999999",
    };
    struct uri_host host;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(uri_host_parse(guarded(rows[i]), &host) == ERR_HOST, "%s",
                      rows[i]);
}
END_TEST

START_TEST(hosts_are_lower_cased)
{
    char out[] = "eXample.[FF]9-_~@Z";

    uri_host_lower((et_str){out, sizeof(out) - 1}, out);
    ck_assert_str_eq(out, "example.[ff]9-_~@z");
}
END_TEST

UNIT_MAIN(uri, targets_have_four_forms, malformed_targets_are_refused,
          paths_are_normalised, malformed_paths_are_refused, queries_are_walked,
          query_values_are_found_by_decoded_key, form_values_are_decoded,
          hosts_are_taken_apart, malformed_hosts_are_refused,
          hosts_are_lower_cased)
