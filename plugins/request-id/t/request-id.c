/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* request-id.c - ids taken, made and kept. */
#include <check.h>
#include <etude_test.h>

static void
get(void)
{
    et_test_request("GET", "/");
}

static const char *
id_for(const char *sent)
{
    get();
    if (sent)
        et_test_header("X-Request-Id", sent);
    et_test_run();
    return et_test_field("X-Request-Id", 0);
}

START_TEST(an_id_is_32_hex_digits_and_never_twice)
{
    char first[33];
    int i;

    ck_assert_int_eq(et_test_open(), 0);
    snprintf(first, sizeof first, "%s", id_for(NULL));
    ck_assert_uint_eq(strspn(first, "0123456789abcdef"), 32);
    for (i = 0; i < 1000; i++) {
        const char *next = id_for(NULL);
        ck_assert_uint_eq(strlen(next), 32);
        ck_assert_str_ne(next, first);
    }
}
END_TEST

START_TEST(a_plain_id_of_the_client_is_taken)
{
    ck_assert_int_eq(et_test_open(), 0);
    ck_assert_str_eq(id_for("abc-123.x_Y:/+=@"), "abc-123.x_Y:/+=@");
}
END_TEST

START_TEST(what_could_fake_a_log_line_is_not)
{
    char long_id[140];

    memset(long_id, 'a', sizeof long_id);
    long_id[129] = 0;
    ck_assert_int_eq(et_test_open(), 0);
    ck_assert_uint_eq(strlen(id_for("a b")), 32);
    ck_assert_uint_eq(strlen(id_for("")), 32);
    ck_assert_uint_eq(strlen(id_for("\"\xff")), 32);
    ck_assert_uint_eq(strlen(id_for(long_id)), 32);
    long_id[128] = 0;
    ck_assert_str_eq(id_for(long_id), long_id);
}
END_TEST

START_TEST(take_no_ignores_the_client)
{
    et_test_option("take", "no");
    ck_assert_int_eq(et_test_open(), 0);
    ck_assert_str_ne(id_for("abc"), "abc");
}
END_TEST

static uint32_t
inner(et_req *r, void *self)
{
    const et_str id = r->http->get(r, et_s("X-Request-Id"), 0);
    (void)self;
    et_add(r, "X-Request-Id", et_s("upstream"));
    return et_text(r, 200, "%.*s", ET_STR(id));
}

START_TEST(inner_steps_see_it_and_cannot_replace_it)
{
    ck_assert_int_eq(et_test_open(), 0);
    et_test_inner(inner);
    ck_assert_str_eq(id_for("abc"), "abc");
    ck_assert_str_eq(et_test_text(), "abc");
    ck_assert_ptr_null(et_test_field("X-Request-Id", 1));
}
END_TEST

START_TEST(the_name_is_an_option)
{
    et_test_option("name", "Trace");
    ck_assert_int_eq(et_test_open(), 0);
    get();
    et_test_header("trace", "t1");
    et_test_run();
    ck_assert_str_eq(et_test_field("Trace", 0), "t1");
    et_test_end();
    et_test_option("name", "no name");
    ck_assert_int_lt(et_test_open(), 0);
    ck_assert_str_eq(et_test_why(), "\"no name\" is no header name");
}
END_TEST

START_TEST(without_memory_it_answers_500)
{
    ck_assert_int_eq(et_test_open(), 0);
    ck_assert_int_eq(et_test_out_of_memory(get), 4);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("request-id");
    TCase *tcase = tcase_create("request-id");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, NULL, et_test_end);
    tcase_add_test(tcase, an_id_is_32_hex_digits_and_never_twice);
    tcase_add_test(tcase, a_plain_id_of_the_client_is_taken);
    tcase_add_test(tcase, what_could_fake_a_log_line_is_not);
    tcase_add_test(tcase, take_no_ignores_the_client);
    tcase_add_test(tcase, inner_steps_see_it_and_cannot_replace_it);
    tcase_add_test(tcase, the_name_is_an_option);
    tcase_add_test(tcase, without_memory_it_answers_500);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
