/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* echo.c - what comes back is what was sent. */
#include <check.h>
#include <etude_test.h>

static void
post_four_bytes(void)
{
    et_test_request("POST", "/any?thing");
    et_test_header("Host", "example.com");
    et_test_header("Content-Type", "a/b");
    et_test_body("x\0y\n", 4);
}

START_TEST(the_body_comes_back_with_its_type)
{
    ck_assert_int_eq(et_test_open(), 0);
    post_four_bytes();
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_type(), "a/b");
    ck_assert_uint_eq(et_test_length(), 4);
    ck_assert_mem_eq(et_test_text(), "x\0y\n", 4);
}
END_TEST

START_TEST(no_body_is_an_empty_answer)
{
    ck_assert_int_eq(et_test_open(), 0);
    et_test_request("DELETE", "/");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_type(), "application/octet-stream");
    ck_assert_uint_eq(et_test_length(), 0);
}
END_TEST

START_TEST(the_body_is_sent_without_an_allocation)
{
    ck_assert_int_eq(et_test_open(), 0);
    post_four_bytes();
    et_test_run();
    ck_assert_uint_eq(et_test_allocations(), 0);
}
END_TEST

START_TEST(show_request_answers_the_head)
{
    et_test_option("show", "request");
    ck_assert_int_eq(et_test_open(), 0);
    post_four_bytes();
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_text(), "POST /any?thing HTTP/1.1\n"
                                     "Host: example.com\n"
                                     "Content-Type: a/b\n"
                                     "Content-Length: 4\n");
    ck_assert_int_eq(et_test_out_of_memory(post_four_bytes), 1);
}
END_TEST

START_TEST(another_word_for_show_is_refused)
{
    et_test_option("show", "all");
    ck_assert_int_lt(et_test_open(), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("echo");
    TCase *tcase = tcase_create("echo");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, NULL, et_test_end);
    tcase_add_test(tcase, the_body_comes_back_with_its_type);
    tcase_add_test(tcase, no_body_is_an_empty_answer);
    tcase_add_test(tcase, the_body_is_sent_without_an_allocation);
    tcase_add_test(tcase, show_request_answers_the_head);
    tcase_add_test(tcase, another_word_for_show_is_refused);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
