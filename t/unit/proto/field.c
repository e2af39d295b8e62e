/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists, quoted-strings, cookies, preferences, and what may be sent. */
#include <string.h>

#include "base/err.h"
#include "proto/field.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

static et_str
guarded(const char *text)
{
    size_t n = strlen(text);

    return (et_str){guard_end(text, n), n};
}

static int
is(et_str s, const char *text)
{
    return s.n == strlen(text) && memcmp(s.p, text, s.n) == 0;
}

START_TEST(lists_are_cut_at_commas)
{
    static const char *const wanted[] = {"a", "b c", "\"d,e\\\",\"", "f=\"g\""};
    et_str item, list = guarded(" a ,,\t, b c,\"d,e\\\",\" ,f=\"g\" , ");

    for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
        ck_assert_int_eq(field_list_next(&list, &item), 1);
        ck_assert(is(item, wanted[i]));
    }
    ck_assert_int_eq(field_list_next(&list, &item), 0);
    ck_assert_int_eq(field_list_next(&list, &item), 0);
}
END_TEST

START_TEST(an_open_quote_is_an_error)
{
    static const char *const rows[] = {"\"", "a\"b,c", "\"a\\\"", "\"\\"};
    et_str item;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        et_str list = guarded(rows[i]);
        ck_assert_int_eq(field_list_next(&list, &item), ERR_FIELD);
    }
}
END_TEST

START_TEST(tokens_are_found_in_lists)
{
    ck_assert(field_list_has(guarded("a, Close ,b"), "close"));
    ck_assert(field_list_has(guarded("close"), "close"));
    ck_assert(!field_list_has(guarded("closed, x-close"), "close"));
    ck_assert(!field_list_has(guarded("\"close\""), "close"));
    ck_assert(!field_list_has(guarded(""), "close"));
    ck_assert(field_list_has(guarded("close, \"a"), "close"));
    ck_assert(is(field_token(guarded("ab;c")), "ab"));
    ck_assert(is(field_token(guarded(";")), ""));
}
END_TEST

START_TEST(pairs_are_cut_at_the_first_equals_sign)
{
    et_str k, v;

    ck_assert_int_eq(field_pair(guarded("a = \"b=c\" "), &k, &v), 0);
    ck_assert(is(k, "a") && is(v, "\"b=c\""));
    ck_assert_int_eq(field_pair(guarded("="), &k, &v), 0);
    ck_assert(is(k, "") && is(v, ""));
    ck_assert_int_eq(field_pair(guarded("a"), &k, &v), ERR_FIELD);
    ck_assert_int_eq(field_pair((et_str){NULL, 0}, &k, &v), ERR_FIELD);
}
END_TEST

START_TEST(quoted_strings_are_undone)
{
    static const struct {
        const char *raw, *text;
    } rows[] = {
        {"", ""},
        {"abc", "abc"},
        {"\"\"", ""},
        {"\"a b\"", "a b"},
        {"\"a\\\"b\\\\c\"", "a\"b\\c"},
        {"\"", NULL},
        {"\"a", NULL},
        {"\"a\\\"", NULL},
        {"\"a\"b\"", NULL},
        {"\"a\"b", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t len = 0, n = strlen(rows[i].raw);
        char *p = guard_end(rows[i].raw, n);
        int rc = field_unquote((et_str){p, n}, p, &len);

        ck_assert_int_eq(rc, rows[i].text == NULL ? ERR_FIELD : 0);
        if (rc == 0)
            ck_assert(is((et_str){p, len}, rows[i].text));
    }
}
END_TEST

START_TEST(what_would_split_a_response_may_not_be_sent)
{
    static const char bad[] = {'\r', '\n', '\0', '\x01', '\x1f', '\x7f'};

    ck_assert(field_value_is_valid((et_str){"", 0}));
    ck_assert(field_value_is_valid(guarded("a\tb \x80\xff~")));
    ck_assert(field_name_is_valid(guarded("X-Y")));
    ck_assert(!field_name_is_valid((et_str){"", 0}));
    for (size_t i = 0; i < sizeof(bad); i++) {
        char text[] = {'a', bad[i], 'b'};
        ck_assert(!field_value_is_valid((et_str){text, 3}));
        ck_assert(!field_name_is_valid((et_str){text, 3}));
    }
    ck_assert(!field_name_is_valid(guarded("a:")));
    ck_assert(!field_name_is_valid(guarded("a b")));
}
END_TEST

START_TEST(cookies_are_found_by_exact_name)
{
    et_str jar = guarded("a=1; b=\"2\";c=; A=3;broken; a=4;q=\"x;y=z\" ");

    ck_assert(is(field_cookie(jar, (et_str){"a", 1}), "1"));
    ck_assert(is(field_cookie(jar, (et_str){"b", 1}), "2"));
    ck_assert(is(field_cookie(jar, (et_str){"c", 1}), ""));
    ck_assert_ptr_nonnull(field_cookie(jar, (et_str){"c", 1}).p);
    ck_assert(is(field_cookie(jar, (et_str){"A", 1}), "3"));
    ck_assert_ptr_null(field_cookie(jar, (et_str){"broken", 6}).p);
    ck_assert_ptr_null(field_cookie(jar, (et_str){"d", 1}).p);
    ck_assert(is(field_cookie(jar, (et_str){"q", 1}), "\"x"));
    ck_assert_ptr_null(field_cookie((et_str){NULL, 0}, (et_str){"a", 1}).p);
}
END_TEST

START_TEST(preferences_choose_the_form_of_an_error)
{
    static const struct {
        const char *accept;
        enum field_form form;
    } rows[] = {
        {"", FIELD_TEXT},
        {"*/*", FIELD_TEXT},
        {"text/plain", FIELD_TEXT},
        {"text/html", FIELD_HTML},
        {"TEXT/HTML", FIELD_HTML},
        {"application/json", FIELD_JSON},
        {"application/*", FIELD_JSON},
        {"text/*", FIELD_TEXT},
        {"image/png", FIELD_TEXT},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,"
         "image/avif,image/webp,*/*;q=0.8",
         FIELD_HTML},
        {"application/json, text/plain, */*", FIELD_TEXT},
        {"application/json, */*", FIELD_JSON},
        {"text/html, application/json", FIELD_HTML},
        {"text/html;q=0.5, application/json", FIELD_JSON},
        {"text/html;q=0.5, text/plain;q=0.6", FIELD_TEXT},
        {"text/html;level=1;Q=0.7, text/plain;q=0.6", FIELD_HTML},
        {"text/html;q=0", FIELD_TEXT},
        {"text/html;q=0.001", FIELD_HTML},
        {"text/html;q=1.000", FIELD_HTML},
        {"text/html;q=1.001", FIELD_TEXT},
        {"text/html;q=2", FIELD_TEXT},
        {"text/html;q=x", FIELD_TEXT},
        {"text/html;q=", FIELD_TEXT},
        {"text/html;q=0.1234", FIELD_TEXT},
        {"text/html, \"", FIELD_TEXT},
        {"text/html, ;", FIELD_TEXT},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg(field_accept(guarded(rows[i].accept)) == rows[i].form,
                      "%s", rows[i].accept);
}
END_TEST

UNIT_MAIN(field, lists_are_cut_at_commas, an_open_quote_is_an_error,
          tokens_are_found_in_lists, pairs_are_cut_at_the_first_equals_sign,
          quoted_strings_are_undone,
          what_would_split_a_response_may_not_be_sent,
          cookies_are_found_by_exact_name,
          preferences_choose_the_form_of_an_error)
