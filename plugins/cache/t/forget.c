/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* forget.c - what makes it forget: requests that change something, other
 * workers, orders. */
#include "help.h"

START_TEST(what_changes_something_makes_it_forget)
{
    serve();
    get("/a", "MISS", "1 at /a");
    get("/b", "MISS", "2 at /b");
    ck_assert_uint_eq(ask_with("POST", "/a", NULL), 200);
    ck_assert_ptr_null(et_test_field("X-Cache", 0));
    get("/b", "HIT", "2 at /b");
    get("/a", "MISS", "4 at /a");
    act = error_503;
    ck_assert_uint_eq(ask_with("DELETE", "/a", NULL), 503);
    get("/a", "HIT", "4 at /a"); /* it has not */
    act = count;
    ck_assert_uint_eq(ask_with("OPTIONS", "/a", NULL), 200);
    get("/a", "HIT", "4 at /a");
}
END_TEST

START_TEST(another_worker_says_what_has_changed)
{
    static const char text[] = "http\0example.com\0\0/a";

    serve();
    get_with("/a", "Host: example.com", "MISS", "1 at /a");
    get_with("/b", "Host: example.com", "MISS", "2 at /b");
    ck_assert_int_eq(et_publish_from(et_test_async() ? &et_test_m_.host : NULL,
                                     et_s("org.etude.cache/test"),
                                     et_sn(text, sizeof text - 1)),
                     0);
    et_test_loop();
    get_with("/b", "Host: example.com", "HIT", "2 at /b");
    get_with("/a", "Host: example.com", "MISS", "3 at /a");
}
END_TEST

START_TEST(orders_of_the_administrator)
{
    const char *text;

    serve();
    get("/a/1", "MISS", "1 at /a/1");
    get("/a/2?q", "MISS", "2 at /a/2?q");
    get("/b", "MISS", "3 at /b");
    ck_assert_ptr_null(et_test_command("purge", ""));
    ck_assert_ptr_null(et_test_command("purge", "a"));
    ck_assert_str_eq(et_test_command("purge", "/a/2"), "1 forgotten\n");
    get("/a/1", "HIT", "1 at /a/1");
    ck_assert_str_eq(et_test_command("purge", "/a/*"), "1 forgotten\n");
    get("/b", "HIT", "3 at /b");
    text = et_test_command("stats", "");
    ck_assert_msg(strstr(text, "entries 1\n") && strstr(text, "\nhits 2\n") &&
                      strstr(text, "\nmisses 3\n"),
                  "%s", text);
    ck_assert_str_eq(et_test_command("purge", "all"), "1 forgotten\n");
    get("/b", "MISS", "4 at /b");
    ck_assert_int_eq(et_test_metric("hits"), 2);
    ck_assert_int_eq(et_test_metric("misses"), 4);
    ck_assert_int_eq(et_test_metric("stored"), 4);
    ck_assert_int_eq(et_test_metric("entries"), 1);
    ck_assert_int_gt(et_test_metric("memory"), 0);
}
END_TEST

START_TEST(orders_for_one_port)
{
    serve();
    get_with("/a", "Host: h1:99", "MISS", "1 at /a");
    get_with("/a", "Host: h1", "MISS", "2 at /a");
    ck_assert_str_eq(et_test_command("purge", "h1:98/a"), "0 forgotten\n");
    ck_assert_str_eq(et_test_command("purge", "h1:99/a"), "1 forgotten\n");
    get_with("/a", "Host: h1", "HIT", "2 at /a");
    get_with("/a", "Host: h1:99", "MISS", "3 at /a");
    ck_assert_str_eq(et_test_command("purge", "h1/a"), "2 forgotten\n");
}
END_TEST

static unsigned long
bytes_stored(void)
{
    const char *text = et_test_command("stats", ""), *at;

    at = strstr(text, "bytes ");
    ck_assert_msg(at != NULL, "%s", text);
    return strtoul(at + 6, NULL, 10);
}

START_TEST(a_large_purge_holds_nobody_up)
{
    char target[16];
    size_t turns = 0;

    serve();
    for (int i = 0; i < 5000; i++) {
        snprintf(target, sizeof target, "/%d", i);
        ck_assert_uint_eq(ask_with("GET", target, NULL), 200);
    }
    ck_assert_str_eq(et_test_command("purge", "all"), "5000 forgotten\n");
    ck_assert_uint_gt(bytes_stored(), 0);
    get("/0", "MISS", "5001 at /0"); /* gone all the same */
    ck_assert_str_eq(et_test_command("purge", "all"), "1 forgotten\n");
    for (; bytes_stored() > 0; turns += et_test_loop()) {
        ck_assert_uint_lt(turns, 100);
        et_test_wait(1);
    }
    ck_assert_uint_gt(turns, 2);
    get("/0", "MISS", "5002 at /0");
}
END_TEST

UNIT_MAIN_IN(begin, et_test_end, forget, what_changes_something_makes_it_forget,
             another_worker_says_what_has_changed, orders_of_the_administrator,
             orders_for_one_port, a_large_purge_holds_nobody_up)
