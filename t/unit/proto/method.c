/* SPDX-License-Identifier: BSD-2-Clause */
/* Methods: token to number and back, and the Allow list. */
#include <string.h>

#include "proto/method.h"
#include "t/lib/guard.h"
#include "t/lib/unit.h"

START_TEST(numbers_and_names_agree)
{
    for (uint32_t m = ET_M_GET; m < METHOD_COUNT; m++) {
        et_str name = method_name(m);

        ck_assert_uint_gt(name.n, 0);
        ck_assert_uint_eq(
            method_parse((et_str){guard_end(name.p, name.n), name.n}), m);
        ck_assert(METHOD_ALL & method_bit(m));
    }
    ck_assert_uint_eq(method_name(ET_M_OTHER).n, 0);
    ck_assert_uint_eq(method_name(METHOD_COUNT).n, 0);
    ck_assert(!(METHOD_ALL & method_bit(ET_M_OTHER)));
}
END_TEST

START_TEST(anything_else_is_other)
{
    static const char *const rows[] = {
        "",     "G",      "GE",      "GEX",      "get",      "PUX",
        "HEAX", "POSX",   "PATCX",   "TRACX",    "DELETX",   "OPTIONX",
        "BREW", "CONNEC", "CONNECX", "CONNECTS", "PROPFIND",
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t n = strlen(rows[i]);
        ck_assert_uint_eq(method_parse((et_str){guard_end(rows[i], n), n}),
                          ET_M_OTHER);
    }
}
END_TEST

START_TEST(tokens_are_not_empty_and_hold_no_separator)
{
    ck_assert(method_is_token((et_str){"M-SEARCH", 8}));
    ck_assert(!method_is_token((et_str){"", 0}));
    ck_assert(!method_is_token((et_str){"A B", 3}));
    ck_assert(!method_is_token((et_str){"A/B", 3}));
}
END_TEST

START_TEST(allow_lists_are_in_order_and_fit)
{
    char out[METHOD_LIST_MAX + 1];

    out[method_list(out, method_bit(ET_M_POST) | method_bit(ET_M_GET))] = '\0';
    ck_assert_str_eq(out, "GET, POST");
    ck_assert_uint_eq(method_list(out, 0), 0);
    ck_assert_uint_eq(method_list(out, method_bit(ET_M_OTHER)), 0);
    out[method_list(out, METHOD_ALL)] = '\0';
    ck_assert_str_eq(out, "GET, HEAD, POST, PUT, DELETE, PATCH, OPTIONS, "
                          "TRACE, CONNECT");
}
END_TEST

UNIT_MAIN(method, numbers_and_names_agree, anything_else_is_other,
          tokens_are_not_empty_and_hold_no_separator,
          allow_lists_are_in_order_and_fit)
