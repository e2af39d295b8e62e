/* SPDX-License-Identifier: BSD-2-Clause */
/* err.c - the table of errors, row by row and outside of it. */
#include "base/err.h"

#include <string.h>

#include "t/lib/unit.h"

START_TEST(each_error_has_its_name_text_and_status)
{
#define X(name, words, http)                                                   \
    ck_assert_str_eq(err_name(name), #name);                                   \
    ck_assert_str_eq(err_text(name), words);                                   \
    ck_assert_int_eq(err_status(name), http);
    ERR_TABLE(X)
#undef X
}
END_TEST

START_TEST(errors_are_negative_and_below_any_errno)
{
    ck_assert_int_lt(ERR_NOMEM, 0);
    ck_assert_int_lt(ERR_END_, -200);
}
END_TEST

START_TEST(statuses_are_errors_of_http)
{
    for (int err = ERR_BASE_ + 1; err < ERR_END_; err++) {
        ck_assert_int_ge(err_status(err), 400);
        ck_assert_int_lt(err_status(err), 600);
        ck_assert_uint_gt(strlen(err_text(err)), 0);
    }
}
END_TEST

START_TEST(a_number_outside_the_table_is_unknown)
{
    static const int outside[] = {0, 1, -1, -22, ERR_BASE_, ERR_END_, -100000};

    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        ck_assert_str_eq(err_text(outside[i]), "unknown error");
        ck_assert_str_eq(err_name(outside[i]), "ERR_UNKNOWN");
        ck_assert_int_eq(err_status(outside[i]), 500);
    }
}
END_TEST

UNIT_MAIN(err, each_error_has_its_name_text_and_status,
          errors_are_negative_and_below_any_errno, statuses_are_errors_of_http,
          a_number_outside_the_table_is_unknown)
