/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* hello.c - the tutorial plugin against the mock server. */
#include <check.h>
#include <etude_test.h>

START_TEST(it_greets_the_name_in_the_path)
{
    ck_assert_int_eq(et_test_open(), 0);
    et_test_request("GET", "/hello/you");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_type(), "text/plain; charset=utf-8");
    ck_assert_str_eq(et_test_text(), "Hello, you!\n");
    et_test_request("HEAD", "/hi/J%C3%BCrg%20B");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_text(), "Hello, J\xc3\xbcrg B!\n");
}
END_TEST

START_TEST(its_options_change_the_words)
{
    et_test_option("word", "Hi");
    et_test_option("times", "3");
    et_test_option("shout", "yes");
    ck_assert_int_eq(et_test_open(), 0);
    et_test_request("GET", "/hello/you");
    et_test_run();
    ck_assert_str_eq(et_test_text(), "Hi, you!!!\nHi, you!!!\nHi, you!!!\n");
}
END_TEST

START_TEST(options_outside_their_range_are_refused)
{
    et_test_option("times", "11");
    ck_assert_int_lt(et_test_open(), 0);
    ck_assert_str_eq(et_test_why(), "bad value of option times");
}
END_TEST

START_TEST(a_form_is_greeted_too)
{
    ck_assert_int_eq(et_test_open(), 0);
    et_test_request("POST", "/hello");
    et_test_header("Content-Type", "application/x-www-form-urlencoded");
    et_test_body("x=1&name=you+two", 16);
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_text(), "Hello, you two!\n");
    et_test_request("POST", "/hello");
    ck_assert_uint_eq(et_test_run(), 400);
    ck_assert(et_test_is_dressed());
}
END_TEST

START_TEST(json_quotes_and_counts)
{
    ck_assert_int_eq(et_test_open(), 0);
    et_test_request("GET", "/hello/%22q%22/json?stars=5");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_type(), "application/json");
    ck_assert_str_eq(et_test_text(), "{\"hello\":\"\\\"q\\\"\",\"stars\":5,"
                                     "\"greeted_by_this_worker\":1}\n");
    et_test_request("GET", "/hello/q/json?stars=6");
    ck_assert_uint_eq(et_test_run(), 400);
}
END_TEST

static void
greet_by_path(void)
{
    et_test_request("GET", "/hello/you");
}

static void
greet_in_json(void)
{
    et_test_request("GET", "/hello/you/json?stars=1");
}

START_TEST(without_memory_it_answers_500)
{
    ck_assert_int_eq(et_test_open(), 0);
    ck_assert_int_eq(et_test_out_of_memory(greet_by_path), 2);
    ck_assert_int_eq(et_test_out_of_memory(greet_in_json), 3);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("hello");
    TCase *tcase = tcase_create("hello");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, NULL, et_test_end);
    tcase_add_test(tcase, it_greets_the_name_in_the_path);
    tcase_add_test(tcase, its_options_change_the_words);
    tcase_add_test(tcase, options_outside_their_range_are_refused);
    tcase_add_test(tcase, a_form_is_greeted_too);
    tcase_add_test(tcase, json_quotes_and_counts);
    tcase_add_test(tcase, without_memory_it_answers_500);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
