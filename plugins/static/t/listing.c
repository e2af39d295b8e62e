/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* listing.c - what a folder is said to hold. */
#include "plugins/static/t/serve.h"
#include "t/lib/unit.h"

START_TEST(a_folder_is_listed)
{
    put("empty/<i>&\"'.txt", "12345");
    put("empty/b", "");
    put("empty/A", "");
    put("empty/.c", "");
    put("empty/\xff", "");
    mkdir(at("empty/z"), 0755);
    ck_assert_int_eq(symlink("/etc/passwd", at("empty/out")), 0);
    ck_assert_int_eq(symlink("b", at("empty/in")), 0);
    et_test_option("list", "yes");
    serve();
    ck_assert_uint_eq(get_with("/empty/", "Accept", "application/json"), 200);
    ck_assert_str_eq(et_test_type(), "application/json");
    ck_assert_str_eq(et_test_field("Vary", 0), "Accept");
    ck_assert_ptr_nonnull(strstr(et_test_text(),
                                 "{\"path\":\"/empty/\",\"truncated\":false,"
                                 "\"entries\":[\n{\"name\":\"z\",\"type\":"
                                 "\"folder\",\"modified\":"));
    ck_assert_ptr_nonnull(
        strstr(et_test_text(), "{\"name\":\"<i>&\\\"'.txt\",\"type\":\"file\","
                               "\"size\":5,\"modified\":"
                               "\"1994-11-06T08:49:37Z\"},\n{\"name\":\"A\","));
    ck_assert_ptr_nonnull(strstr(et_test_text(), "\"in\""));
    ck_assert_ptr_null(strstr(et_test_text(), "\"out\""));
    ck_assert_ptr_null(strstr(et_test_text(), ".c"));
    ck_assert_ptr_null(strstr(et_test_text(), "\xff"));
    ck_assert_uint_eq(get("/empty/"), 200);
    ck_assert_str_eq(et_test_type(), "text/html; charset=utf-8");
    ck_assert_ptr_nonnull(et_test_field("Content-Security-Policy", 0));
    ck_assert_ptr_nonnull(strstr(
        et_test_text(), "<a href=\"./%3Ci%3E%26%22%27.txt\">"
                        "&lt;i&gt;&amp;&quot;&#39;.txt</a><span>5 B</span>"
                        "<time>1994-11-06 08:49</time>"));
    ck_assert_ptr_nonnull(strstr(et_test_text(), "<a href=\"../\">"));
    ck_assert_uint_eq(get("/none/"), 404);
    expect("/", "<p>home");
}
END_TEST

START_TEST(a_listing_is_what_is_liked_better)
{
    static const struct {
        const char *accept;
        int is_json;
    } of[] = {
        {"application/json", 1},
        {"application/json, text/plain, */*", 1},
        {"application/*", 1},
        {"application/json;q=0.5, text/html;q=0.4", 1},
        {"*/*", 0},
        {"application/json;q=0.1, */*", 0},
        {"text/html, application/json", 0},
        {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", 0},
        {"application/json;q=0, */*", 0},
        {"image/png", 0},
    };

    put("empty/a", "");
    et_test_option("list", "yes");
    serve();
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        ck_assert_uint_eq(get_with("/empty/", "Accept", of[i].accept), 200);
        ck_assert_msg((strcmp(et_test_type(), "application/json") == 0) ==
                          of[i].is_json,
                      "%s: %s", of[i].accept, et_test_type());
    }
}
END_TEST

START_TEST(a_listing_is_bounded)
{
    put("empty/a", "");
    put("empty/b", "");
    put("empty/c", "");
    et_test_option("list", "yes");
    et_test_option("list_max", "2");
    serve();
    ck_assert_uint_eq(get("/empty/"), 200);
    ck_assert_ptr_nonnull(strstr(et_test_text(), "more than these 2."));
    ck_assert_uint_eq(
        get_with("/empty/", "Accept", "text/html;q=0.1, application/json"),
        200);
    ck_assert_ptr_nonnull(strstr(et_test_text(), "\"truncated\":true"));
}
END_TEST

/* Whatever the order in which the file system has them. */
START_TEST(a_bounded_listing_shows_the_first_names)
{
    const char *y, *z;
    char name[32];

    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "empty/n%02d", i * 37 % 100);
        put(name, "");
        if (i == 50)
            mkdir(at("empty/z"), 0755);
        if (i == 70)
            mkdir(at("empty/y"), 0755);
    }
    et_test_option("list", "yes");
    et_test_option("list_max", "5");
    serve();
    ck_assert_uint_eq(get_with("/empty/", "Accept", "application/json"), 200);
    ck_assert_ptr_nonnull(y = strstr(et_test_text(), "\"name\":\"y\""));
    ck_assert_ptr_nonnull(z = strstr(y, "\"name\":\"z\""));
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "\"name\":\"n%02d\"", i);
        ck_assert_ptr_nonnull(z = strstr(z, name));
    }
    ck_assert_ptr_null(strstr(z + 1, "\"name\"")); /* the last */
    ck_assert_ptr_nonnull(strstr(et_test_text(), "\"truncated\":true"));
}
END_TEST

START_TEST(a_listing_of_as_many_as_it_shows_is_whole)
{
    put("empty/a", "");
    put("empty/b", "");
    put("empty/.hidden", "");
    et_test_option("list", "yes");
    et_test_option("list_max", "2");
    serve();
    ck_assert_uint_eq(get_with("/empty/", "Accept", "application/json"), 200);
    ck_assert_ptr_nonnull(strstr(et_test_text(), "\"truncated\":false"));
}
END_TEST

UNIT_MAIN_IN(begin_site, end_site, listing, a_folder_is_listed,
             a_listing_is_what_is_liked_better, a_listing_is_bounded,
             a_bounded_listing_shows_the_first_names,
             a_listing_of_as_many_as_it_shows_is_whole)
