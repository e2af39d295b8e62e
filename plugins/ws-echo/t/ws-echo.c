/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* ws-echo.c - what comes back is what was sent, once there is room. */
#include <check.h>
#include <etude_test.h>

static void
open_one(void)
{
    et_test_request("GET", "/ws");
    et_test_header("Sec-WebSocket-Protocol", "x, b, a");
    ck_assert_uint_eq(et_test_run(), 101);
}

START_TEST(messages_come_back)
{
    ck_assert_int_eq(et_test_open(), 0);
    open_one();
    ck_assert_ptr_null(et_test_ws()->protocol.p);
    et_test_ws_text("h\xc3\xa9");
    et_test_ws_message(ET_WS_BINARY, "\0\xff", 2);
    et_test_ws_text("");
    ck_assert_str_eq(et_test_ws_sent(0), "h\xc3\xa9");
    ck_assert_uint_eq(et_test_ws_sent_type(0), ET_WS_TEXT);
    ck_assert_uint_eq(et_test_ws_sent_type(1), ET_WS_BINARY);
    ck_assert_uint_eq(et_test_ws_sent_length(1), 2);
    ck_assert_uint_eq(et_test_ws_sent_length(2), 0);
    ck_assert_ptr_null(et_test_ws_sent(3));
    et_test_ws_close(1000, "");
}
END_TEST

START_TEST(one_waits_for_a_slow_client)
{
    ck_assert_int_eq(et_test_open(), 0);
    open_one();
    et_test_ws_full(1);
    et_test_ws_text("kept");
    ck_assert_ptr_null(et_test_ws_sent(0));
    et_test_ws_full(0);
    ck_assert_str_eq(et_test_ws_sent(0), "kept");
    et_test_ws_text("next");
    ck_assert_str_eq(et_test_ws_sent(1), "next");
    et_test_ws_full(1);
    et_test_ws_text("lost with it");
    et_test_ws_close(1006, "");
}
END_TEST

START_TEST(a_subprotocol_may_be_spoken)
{
    et_test_option("protocol", "a");
    et_test_option("protocol", "b");
    ck_assert_int_eq(et_test_open(), 0);
    open_one();
    ck_assert(et_eq(et_test_ws()->protocol, et_s("b")));
}
END_TEST

START_TEST(post_is_refused)
{
    ck_assert_int_eq(et_test_open(), 0);
    et_test_request("POST", "/ws");
    ck_assert_uint_eq(et_test_run(), 405);
}
END_TEST

START_TEST(a_server_without_websockets_is_too_old)
{
    et_test_hide_iface(ET_IF_WS);
    ck_assert_int_lt(et_test_open(), 0);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("ws-echo");
    TCase *tcase = tcase_create("ws-echo");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_checked_fixture(tcase, NULL, et_test_end);
    tcase_add_test(tcase, messages_come_back);
    tcase_add_test(tcase, one_waits_for_a_slow_client);
    tcase_add_test(tcase, a_subprotocol_may_be_spoken);
    tcase_add_test(tcase, post_is_refused);
    tcase_add_test(tcase, a_server_without_websockets_is_too_old);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
