/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* small.c - paths, patterns, types, hashes. */
#include "plugins/static/hash.h"
#include "plugins/static/mime.h"
#include "plugins/static/path.h"
#include "t/lib/unit.h"

#define MANY "0123456789012345678901234567890123456789012345678901234567890123"

/* ---- paths ---------------------------------------------------------------*/

static int
is_good(const char *path, int with_hidden)
{
    return path_is_good(et_s(path), with_hidden);
}

START_TEST(paths_that_may_name_a_file)
{
    static const char *const good[] = {
        "",    "a",         "a/",          "a/b.c", "a b",  ".well-known/x",
        "a..", "a/b..html", "gr\xc3\xbcn", "100%",  "a%41", "\xf0\x9f\x8e\xb5",
        "a:b", "~x"};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert_msg(is_good(good[i], 0), "%s", good[i]);
    ck_assert(is_good(".a/.b", 1));
}
END_TEST

START_TEST(paths_that_may_not)
{
    static const char *const bad[] = {"/",
                                      "//",
                                      "a//b",
                                      "/a",
                                      "..",
                                      ".",
                                      "a/..",
                                      "a/./b",
                                      "../x",
                                      "a/../../x",
                                      "..%2fx",
                                      "%2Fetc",
                                      "a%2fb",
                                      "..\\x",
                                      "a\\b",
                                      "\x01",
                                      "a\nb",
                                      "\x7f",
                                      "\xc0\xae",
                                      "\xc0\xae\xc0\xae/x",
                                      "\xe0\x80\xae",
                                      "\xf0\x80\x80\xae",
                                      "\xed\xa0\x80",
                                      "\xff",
                                      "\xc3",
                                      "\xf5\x80\x80\x80",
                                      "a/\xe2\x82"};

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!is_good(bad[i], 1), "%zu: %s", i, bad[i]);
    ck_assert(!is_good(".a", 0));
    ck_assert(!is_good("a/.b", 0));
    ck_assert(!is_good("a/.well-known", 0));
    ck_assert(!is_good(".well-known/.x", 0));
    ck_assert(!is_good(MANY MANY MANY MANY, 0));
}
END_TEST

START_TEST(paths_are_encoded)
{
    char out[64];
    size_t n = path_encode(et_s("/a b/\xc3\xbc?#%\"<.~"), out);

    ck_assert(et_eq(et_sn(out, n), et_s("/a%20b/%C3%BC%3F%23%25%22%3C.~")));
}
END_TEST

START_TEST(patterns_match)
{
    static const struct {
        const char *pattern, *path;
        int does;
    } v[] = {{"*.css", "a.css", 1},
             {"*.css", "b/c/a.css", 1},
             {"*.css", "a.css.br", 0},
             {"*", "", 1},
             {"*", "x/y", 1},
             {"/a/*", "a/b", 1},
             {"/a/*", "a/b/c", 0},
             {"/a/**", "a/b/c", 1},
             {"a/*.js", "a/x.js", 1},
             {"a/*.js", "b/a/x.js", 0},
             {"**/x.js", "b/a/x.js", 1},
             {"?.js", "a.js", 1},
             {"?.js", "ab.js", 0},
             {"/a?b", "a/b", 0},
             {"*.*.js", "app.1f2e.js", 1},
             {"app.*.js", "app.js", 0},
             {"index.html", "a/index.html", 1},
             {"*a*b*c*", "xxaxxbxxcxx", 1},
             {"*a*b*c", "xxaxxbxxcxx", 0},
             {"", "a", 0}};

    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++)
        ck_assert_msg(path_matches(et_s(v[i].pattern), et_s(v[i].path)) ==
                          v[i].does,
                      "%s of %s", v[i].pattern, v[i].path);
}
END_TEST

/* ---- types and hashes ----------------------------------------------------*/

static struct mime *mime;

static const char *
type_of(const char *name)
{
    static char out[128];
    const et_str type = mime_find(mime, et_s(name));

    snprintf(out, sizeof out, "%.*s", (int)type.n, type.p);
    return type.p ? out : NULL;
}

START_TEST(types_are_found_by_the_longest_end)
{
    unsigned line;

    mime = mime_new(et_s("utf-8"));
    ck_assert_int_eq(mime_read(mime, et_s(mime_table), &line), 0);
    ck_assert_str_eq(type_of("index.html"), "text/html; charset=utf-8");
    ck_assert_str_eq(type_of("A.B.JPG"), "image/jpeg");
    ck_assert_str_eq(type_of("x.svg"), "image/svg+xml; charset=utf-8");
    ck_assert_str_eq(type_of("x.json"), "application/json");
    ck_assert_str_eq(type_of("x.js"), "text/javascript; charset=utf-8");
    ck_assert_str_eq(type_of("x.wasm"), "application/wasm");
    ck_assert_str_eq(type_of("x.tar.gz"), "application/gzip");
    ck_assert_ptr_null(type_of("html"));
    ck_assert_ptr_null(type_of(".html"));
    ck_assert_ptr_null(type_of("x."));
    ck_assert_ptr_null(type_of("x.nobody"));
    ck_assert_int_eq(mime_read(mime,
                               et_s("# mine\n\ntext/x-log  log .out # all\r\n"
                                    "image/special\tjpg"),
                               &line),
                     0);
    ck_assert_str_eq(type_of("x.log"), "text/x-log; charset=utf-8");
    ck_assert_str_eq(type_of("x.out"), "text/x-log; charset=utf-8");
    ck_assert_str_eq(type_of("x.jpg"), "image/special");
    mime_free(mime);
}
END_TEST

START_TEST(a_malformed_table_says_where)
{
    static const char *const bad[] = {"text/html html\nhtml", "a/b\na/ c",
                                      "a/b c\na/b d/e",       "\n/b c",
                                      "\na/b c\x01/ .",       "\na/b " MANY};
    unsigned line;

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        mime = mime_new(et_s(""));
        ck_assert_int_eq(mime_read(mime, et_s(bad[i]), &line), ET_EINVAL);
        ck_assert_uint_eq(line, 2);
        mime_free(mime);
    }
}
END_TEST

START_TEST(hashes_tell_contents_apart)
{
    struct hash a, b;
    char text[64], other[64];

    hash_init(&a);
    hash_text(&a, text);
    ck_assert_str_eq(text, "\"6c62272e07bb014262b821756295c58d-0\"");
    hash_add(&a, "foobar", 6);
    hash_text(&a, text); /* as the authors of FNV have it */
    ck_assert_str_eq(text, "\"343e1662793c64bf6f0d3597ba446f18-6\"");
    hash_init(&b);
    hash_add(&b, "foo", 3);
    hash_add(&b, "bar", 3);
    hash_text(&b, other);
    ck_assert_str_eq(other, text);
}
END_TEST

UNIT_MAIN(small, paths_that_may_name_a_file, paths_that_may_not,
          paths_are_encoded, patterns_match, types_are_found_by_the_longest_end,
          a_malformed_table_says_where, hashes_tell_contents_apart)
