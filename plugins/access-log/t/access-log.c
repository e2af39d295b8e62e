/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* access-log.c - the three forms of a line, and lines nobody can fake. */
#include <check.h>
#include <etude_test.h>

static const char *
line_for(const char *target, const char *agent)
{
    et_test_request("GET", target);
    et_test_header("Host", "example.com");
    et_test_header("User-Agent", agent);
    et_test_run();
    return et_test_line(0);
}

START_TEST(common_is_the_default)
{
    ck_assert_int_eq(et_test_open(), 0);
    ck_assert_str_eq(line_for("/a?b=c", "x"),
                     "203.0.113.7 - - [21/Nov/2026:02:21:00 +0000] "
                     "\"GET /a?b=c HTTP/1.1\" 200 6");
}
END_TEST

START_TEST(combined_adds_referer_and_agent)
{
    et_test_option("format", "combined");
    ck_assert_int_eq(et_test_open(), 0);
    ck_assert_str_eq(line_for("/", "curl \"1\"\\"),
                     "203.0.113.7 - - [21/Nov/2026:02:21:00 +0000] "
                     "\"GET / HTTP/1.1\" 200 6 \"-\" "
                     "\"curl \\x221\\x22\\x5c\"");
}
END_TEST

START_TEST(json_is_an_object)
{
    const char *line;

    et_test_option("format", "json");
    ck_assert_int_eq(et_test_open(), 0);
    line = line_for("/", "a\"b\xff");
    ck_assert_ptr_nonnull(line);
    ck_assert_ptr_nonnull(strstr(line, "{\"time\":\"2026-11-21T02:21:00.123Z\","
                                       "\"peer\":\"203.0.113.7\","));
    ck_assert_ptr_nonnull(strstr(line, "\"host\":\"example.com\""));
    ck_assert_ptr_nonnull(strstr(line, "\"status\":200,\"bytes\":6,"
                                       "\"us\":1500,"));
    ck_assert_ptr_nonnull(strstr(line, "\"referer\":null,"
                                       "\"agent\":\"a\\\"b\xef\xbf\xbd\"}"));
}
END_TEST

START_TEST(huge_values_are_cut_and_a_line_stays_whole)
{
    static const char *const formats[] = {"common", "combined", "json"};
    static char huge[60001];
    size_t i, n;

    huge[0] = '/';
    memset(huge + 1, '\x01', sizeof huge - 2);
    for (i = 0; i < 3; i++) {
        const char *line;
        et_test_option("format", formats[i]);
        ck_assert_int_eq(et_test_open(), 0);
        et_test_request("GET", huge);
        et_test_header("Host", huge);
        et_test_header("Referer", huge);
        et_test_header("User-Agent", huge);
        et_test_run();
        line = et_test_line(0);
        ck_assert_ptr_nonnull(line);
        n = strlen(line);
        ck_assert_uint_gt(n, 3000);
        ck_assert_uint_le(n, 8000);
        ck_assert_int_eq(line[n - 1], i == 0 ? '6' : i == 1 ? '"' : '}');
        et_test_end();
    }
}
END_TEST

START_TEST(a_full_queue_costs_the_line_and_nothing_else)
{
    ck_assert_int_eq(et_test_open(), 0);
    et_test_fail_log(0, ET_ELIMIT);
    et_test_request("GET", "/");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_ptr_null(et_test_line(0));
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_refuses_the_load)
{
    et_test_option("path", "logs/access.log");
    et_test_fail_log(ET_EINVAL, 0);
    ck_assert_int_lt(et_test_open(), 0);
    ck_assert_str_eq(et_test_why(),
                     "path: /test/logs/access.log: the test says no");
}
END_TEST

START_TEST(a_server_without_log_files_refuses_the_load)
{
    et_test_hide_iface(ET_IF_LOG);
    ck_assert_int_lt(et_test_open(), 0);
    ck_assert_str_eq(et_test_why(), "needs interface et.log/1");
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("access-log");
    TCase *tcase = tcase_create("access-log");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, NULL, et_test_end);
    tcase_add_test(tcase, common_is_the_default);
    tcase_add_test(tcase, combined_adds_referer_and_agent);
    tcase_add_test(tcase, json_is_an_object);
    tcase_add_test(tcase, huge_values_are_cut_and_a_line_stays_whole);
    tcase_add_test(tcase, a_full_queue_costs_the_line_and_nothing_else);
    tcase_add_test(tcase, a_file_that_cannot_be_opened_refuses_the_load);
    tcase_add_test(tcase, a_server_without_log_files_refuses_the_load);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
