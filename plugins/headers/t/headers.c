/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* headers.c - response headers removed, set and added, in that order. */
#include <check.h>
#include <etude_test.h>

static uint32_t
inner(et_req *r, void *self)
{
    (void)self;
    et_set(r, "X-Powered-By", et_s("steam"));
    et_add(r, "X-Tag", et_s("inner"));
    et_set(r, "X-Old", et_s("old"));
    return et_text(r, 200, "ok");
}

static void
get(void)
{
    et_test_request("GET", "/");
    et_test_inner(inner);
}

START_TEST(fields_are_removed_then_set_then_added)
{
    et_test_option("remove", "x-powered-by");
    et_test_option("remove", "X-Again");
    et_test_option("set", "X-Old: new");
    et_test_option("set", "X-Again: there");
    et_test_option("add", "X-Tag: outer");
    et_test_option("add", "X-Tag: last");
    ck_assert_int_eq(et_test_open(), 0);
    get();
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_ptr_null(et_test_field("X-Powered-By", 0));
    ck_assert_str_eq(et_test_field("X-Old", 0), "new");
    ck_assert_ptr_null(et_test_field("X-Old", 1));
    ck_assert_str_eq(et_test_field("X-Again", 0), "there");
    ck_assert_str_eq(et_test_field("X-Tag", 0), "inner");
    ck_assert_str_eq(et_test_field("X-Tag", 1), "outer");
    ck_assert_str_eq(et_test_field("X-Tag", 2), "last");
}
END_TEST

START_TEST(the_media_type_can_be_set)
{
    et_test_option("set", "content-type: text/x");
    ck_assert_int_eq(et_test_open(), 0);
    get();
    et_test_run();
    ck_assert_str_eq(et_test_type(), "text/x");
}
END_TEST

START_TEST(without_options_nothing_changes)
{
    ck_assert_int_eq(et_test_open(), 0);
    get();
    et_test_run();
    ck_assert_str_eq(et_test_field("X-Old", 0), "old");
}
END_TEST

START_TEST(what_the_server_would_refuse_is_an_error_of_the_ini)
{
    et_test_option("add", "Connection: close");
    ck_assert_int_lt(et_test_open(), 0);
    ck_assert_str_eq(et_test_why(), "add[0]: Connection belongs to the server");
    et_test_end();
    et_test_option("remove", "X Y");
    ck_assert_int_lt(et_test_open(), 0);
    ck_assert_str_eq(et_test_why(), "remove[0]: \"X Y\" is no header name");
    et_test_end();
    et_test_option("remove", "date");
    ck_assert_int_lt(et_test_open(), 0);
}
END_TEST

START_TEST(a_field_that_cannot_be_set_is_a_500)
{
    et_test_option("set", "X-Frame-Options: DENY");
    ck_assert_int_eq(et_test_open(), 0);
    et_test_request("GET", "/");
    et_test_fail_set(ET_ELIMIT);
    ck_assert_uint_eq(et_test_run(), 500);
    ck_assert(et_test_logged(ET_L_ERROR, "X-Frame-Options was refused"));
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("headers");
    TCase *tcase = tcase_create("headers");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, NULL, et_test_end);
    tcase_add_test(tcase, fields_are_removed_then_set_then_added);
    tcase_add_test(tcase, the_media_type_can_be_set);
    tcase_add_test(tcase, without_options_nothing_changes);
    tcase_add_test(tcase, what_the_server_would_refuse_is_an_error_of_the_ini);
    tcase_add_test(tcase, a_field_that_cannot_be_set_is_a_500);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
