/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* respond.c - the fixed answer, and what is refused as one. */
#include <check.h>
#include <etude_test.h>

static void
get(void)
{
    et_test_request("GET", "/");
}

START_TEST(by_default_it_is_an_empty_200)
{
    ck_assert_int_eq(et_test_open(), 0);
    get();
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_type(), "text/plain; charset=utf-8");
    ck_assert_uint_eq(et_test_length(), 0);
}
END_TEST

START_TEST(every_part_can_be_set)
{
    et_test_option("status", "418");
    et_test_option("type", "text/html");
    et_test_option("header", "X-One: 1");
    et_test_option("header", "X-Two:  2:2 ");
    et_test_option("header", "X-One: 3");
    et_test_option("body", "<p>tea");
    ck_assert_int_eq(et_test_open(), 0);
    get();
    ck_assert_uint_eq(et_test_run(), 418);
    ck_assert_str_eq(et_test_type(), "text/html");
    ck_assert_str_eq(et_test_text(), "<p>tea");
    ck_assert_str_eq(et_test_field("x-one", 0), "1");
    ck_assert_str_eq(et_test_field("x-one", 1), "3");
    ck_assert_str_eq(et_test_field("x-two", 0), "2:2");
    ck_assert_int_eq(et_test_out_of_memory(get), 3);
}
END_TEST

START_TEST(the_body_is_sent_from_where_it_was_made)
{
    et_test_option("body", "as it is");
    ck_assert_int_eq(et_test_open(), 0);
    get();
    et_test_run();
    ck_assert_uint_eq(et_test_allocations(), 0);
    ck_assert_str_eq(et_test_text(), "as it is");
}
END_TEST

START_TEST(an_answer_that_has_no_body_gets_none)
{
    et_test_option("status", "204");
    et_test_option("body", "text");
    ck_assert_int_lt(et_test_open(), 0);
    ck_assert_str_eq(et_test_why(), "body: an answer with status 204 has none");
    et_test_end();
    et_test_option("status", "205");
    et_test_option("body", "text");
    ck_assert_int_lt(et_test_open(), 0);
    ck_assert_str_eq(et_test_why(), "body: an answer with status 205 has none");
    et_test_end();
    et_test_option("status", "204");
    ck_assert_int_eq(et_test_open(), 0);
    get();
    ck_assert_uint_eq(et_test_run(), 204);
    ck_assert_str_eq(et_test_type(), "");
}
END_TEST

START_TEST(a_line_without_a_colon_is_no_header)
{
    et_test_option("header", "nonsense");
    ck_assert_int_lt(et_test_open(), 0);
}
END_TEST

START_TEST(what_the_server_would_refuse_is_an_error_of_the_ini)
{
    et_test_option("header", "X-One: 1");
    et_test_option("header", "Date: now");
    ck_assert_int_lt(et_test_open(), 0);
    ck_assert_str_eq(et_test_why(), "header[1]: Date belongs to the server");
    et_test_end();
    et_test_option("type", "text/plain\r\nX-Evil: 1");
    ck_assert_int_lt(et_test_open(), 0);
    ck_assert_str_eq(et_test_why(), "type: not a header value");
    et_test_end();
    et_test_option("type", "");
    ck_assert_int_eq(et_test_open(), 0);
}
END_TEST

START_TEST(a_refused_field_is_a_500_with_its_name)
{
    et_test_option("header", "X-One: 1");
    ck_assert_int_eq(et_test_open(), 0);
    et_test_fail_set(ET_EINVAL);
    get();
    ck_assert_uint_eq(et_test_run(), 500);
    ck_assert(et_test_logged(ET_L_ERROR, "X-One"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("respond");
    TCase *tcase = tcase_create("respond");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, NULL, et_test_end);
    tcase_add_test(tcase, by_default_it_is_an_empty_200);
    tcase_add_test(tcase, every_part_can_be_set);
    tcase_add_test(tcase, the_body_is_sent_from_where_it_was_made);
    tcase_add_test(tcase, an_answer_that_has_no_body_gets_none);
    tcase_add_test(tcase, a_line_without_a_colon_is_no_header);
    tcase_add_test(tcase, what_the_server_would_refuse_is_an_error_of_the_ini);
    tcase_add_test(tcase, a_refused_field_is_a_500_with_its_name);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
