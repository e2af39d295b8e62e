/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* limit-body.c - large bodies refused by their length, unread. */
#include <check.h>
#include <etude_test.h>

static uint32_t
post(const char *field, const char *value)
{
    et_test_request("POST", "/");
    if (field)
        et_test_header(field, value);
    return et_test_run();
}

/* In chunks, or over HTTP/2, where nothing but the body says that there is one.
 */
static uint32_t
post_bytes(void)
{
    et_test_request("POST", "/");
    et_test_header("Transfer-Encoding", "chunked");
    et_test_body("abc", 3);
    return et_test_run();
}

START_TEST(up_to_the_limit_passes)
{
    et_test_option("max", "1k");
    ck_assert_int_eq(et_test_open(), 0);
    ck_assert_uint_eq(post("Content-Length", "1024"), 200);
    ck_assert_uint_eq(post("Content-Length", "0"), 200);
    ck_assert_uint_eq(post(NULL, NULL), 200);
}
END_TEST

START_TEST(one_more_is_413_and_never_read)
{
    et_test_option("max", "1k");
    ck_assert_int_eq(et_test_open(), 0);
    ck_assert_uint_eq(post("content-length", "1025"), 413);
    ck_assert_str_eq(et_test_text(), "at most 1024 bytes are taken here\n");
    ck_assert(et_test_is_dressed());
    ck_assert(!et_test_body_was_read());
    ck_assert_uint_eq(post("content-length", "99999999999999999999"), 413);
}
END_TEST

START_TEST(a_body_without_length_is_411_unless_allowed)
{
    ck_assert_int_eq(et_test_open(), 0);
    ck_assert_uint_eq(post_bytes(), 411);
    et_test_end();
    et_test_option("chunked", "allow");
    ck_assert_int_eq(et_test_open(), 0);
    ck_assert_uint_eq(post_bytes(), 200);
}
END_TEST

START_TEST(the_default_is_64k)
{
    ck_assert_int_eq(et_test_open(), 0);
    ck_assert_uint_eq(post("Content-Length", "65536"), 200);
    ck_assert_uint_eq(post("Content-Length", "65537"), 413);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("limit-body");
    TCase *tcase = tcase_create("limit-body");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, NULL, et_test_end);
    tcase_add_test(tcase, up_to_the_limit_passes);
    tcase_add_test(tcase, one_more_is_413_and_never_read);
    tcase_add_test(tcase, a_body_without_length_is_411_unless_allowed);
    tcase_add_test(tcase, the_default_is_64k);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
