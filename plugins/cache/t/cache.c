/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* cache.c - the plugin against the mock server: what is stored, for whom, for
 * how long.  Conditions and parts: parts.c; what makes it forget: forget.c; who
 * waits for whom: collapse.c. */
#include <time.h>

#include "help.h"

/* ---- what is stored ------------------------------------------------------*/

START_TEST(a_second_request_is_answered_from_the_store)
{
    serve();
    get("/a", "MISS", "1 at /a");
    ck_assert_ptr_null(et_test_field("Age", 0));
    get("/a", "HIT", "1 at /a");
    ck_assert_str_eq(et_test_field("Age", 0), "0");
    ck_assert_str_eq(et_test_field("Cache-Control", 0), "max-age=60");
    ck_assert_str_eq(et_test_type(), "text/plain; charset=utf-8");
    et_test_wait(7001);
    get("/a", "HIT", "1 at /a");
    ck_assert_str_eq(et_test_field("Age", 0), "7");
    et_test_wait(53001);
    get("/a", "MISS", "2 at /a");
    get("/a", "HIT", "2 at /a");
}
END_TEST

START_TEST(keys_are_told_apart)
{
    static const char *const targets[] = {"/a",    "/b",   "/a?",   "/a?q",
                                          "/a?q=", "/A",   "/a/",   "/a%2Fb",
                                          "/a/b",  "/a?b", "/a%3Fb"};
    char text[64];

    serve();
    for (int i = 0; i < 11; i++) {
        snprintf(text, sizeof text, "%d at %s", i + 1, targets[i]);
        get(targets[i], "MISS", text);
    }
    for (int i = 0; i < 11; i++) {
        snprintf(text, sizeof text, "%d at %s", i + 1, targets[i]);
        get(targets[i], "HIT", text);
    }
    get_with("/a", "Host: other", "MISS", "12 at /a");
    get_with("/a", "Host: other:81", "MISS", "13 at /a");
    get_with("/a", "Host: OTHER", "HIT", "12 at /a");
    et_test_request("GET", "/a");
    et_test_scheme("https");
    ck_assert_uint_eq(et_test_run(), 200);
    is_now("MISS", "14 at /a");
}
END_TEST

/* The first requests of a test, two for each answer. */
static void
none_is_stored(const char *const *controls, int n)
{
    for (int i = 0; i < n; i++) {
        char target[16], text[32];

        control = controls[i];
        snprintf(target, sizeof target, "/%d", i);
        for (int k = 1; k < 3; k++) {
            snprintf(text, sizeof text, "%d at %s", 2 * i + k, target);
            get(target, k == 1 ? "MISS" : "BYPASS", text);
        }
    }
}

START_TEST(what_says_no_is_not_stored)
{
    static const char *const no[] = {"no-store", "private, max-age=9",
                                     "no-cache", "max-age=0, must-revalidate"};

    serve();
    none_is_stored(no, 4);
    control = NULL; /* nor what says nothing */
    get("/n", "MISS", "9 at /n");
    get("/n", "BYPASS", "10 at /n");
}
END_TEST

/* Whoever says nothing, or that it is stale at once. */
START_TEST(the_option_has_nothing_stored)
{
    static const char *const no[] = {NULL, "max-age=0", "public"};

    et_test_option("stale_while_revalidate", "60s");
    et_test_option("stale_if_error", "60s");
    serve();
    none_is_stored(no, 3);
    control = "max-age=0, stale-while-revalidate=60"; /* it says so itself */
    get("/s", "MISS", "7 at /s");
    et_test_wait(1);
    get("/s", "STALE", "7 at /s");
}
END_TEST

static uint32_t
cookie(et_req *r)
{
    (void)et_add(r, "Set-Cookie", et_s("a=b"));
    return count(r);
}

static uint32_t
vary_on_all(et_req *r)
{
    (void)et_add(r, "Vary", et_s("Accept"));
    (void)et_add(r, "Vary", et_s("X, *"));
    return count(r);
}

static uint32_t
many_fields(et_req *r)
{
    for (int i = 0; i < 70; i++)
        (void)et_add(r, "X-Field", et_s("1"));
    return count(r);
}

START_TEST(nor_is_what_is_for_one_only)
{
    serve();
    act = cookie;
    get("/c", "MISS", "1 at /c");
    get("/c", "BYPASS", "2 at /c");
    act = vary_on_all;
    get("/v", "MISS", "3 at /v");
    get("/v", "BYPASS", "4 at /v");
    act = many_fields;
    get("/m", "MISS", "5 at /m");
    get("/m", "BYPASS", "6 at /m");
    act = error_503;
    ck_assert_uint_eq(ask_with("GET", "/e", NULL), 503);
    ck_assert_uint_eq(ask_with("GET", "/e", NULL), 503);
    is_now("MISS", "busy\n");
    ck_assert_int_eq(n_asked, 8);
}
END_TEST

START_TEST(that_nothing_is_stored_is_remembered_for_a_while)
{
    et_test_option("pass", "3s");
    serve();
    control = "no-store";
    get("/a", "MISS", "1 at /a");
    get("/a", "BYPASS", "2 at /a");
    control = "max-age=60"; /* it may be otherwise now: at once */
    get("/a", "BYPASS", "3 at /a");
    get("/a", "HIT", "3 at /a");
    control = "no-store";
    get("/b", "MISS", "4 at /b");
    et_test_wait(3001);
    get("/b", "MISS", "5 at /b");
}
END_TEST

static uint32_t
gone(et_req *r)
{
    return et_error(r, 410, "gone\n");
}

START_TEST(what_says_nothing_is_stored_as_the_rules_say)
{
    et_test_option("ttl", "10s");
    et_test_option("ttl_negative", "5s");
    et_test_option("header", "");
    serve();
    control = NULL;
    ck_assert_uint_eq(ask_with("GET", "/a", NULL), 200);
    ck_assert_uint_eq(ask_with("GET", "/a", NULL), 200);
    ck_assert_ptr_null(et_test_field("X-Cache", 0));
    ck_assert_int_eq(n_asked, 1);
    et_test_wait(10001);
    ck_assert_uint_eq(ask_with("GET", "/a", NULL), 200);
    ck_assert_int_eq(n_asked, 2);
    act = gone;
    ck_assert_uint_eq(ask_with("GET", "/g", NULL), 410);
    ck_assert_uint_eq(ask_with("GET", "/g", NULL), 410);
    ck_assert_str_eq(et_test_text(), "gone\n");
    ck_assert_int_eq(n_asked, 3);
    et_test_wait(5001);
    ck_assert_uint_eq(ask_with("GET", "/g", NULL), 410);
    ck_assert_int_eq(n_asked, 4);
}
END_TEST

static uint32_t
large(et_req *r)
{
    static char p[70000];
    int64_t n = 0;

    memset(p, 'x', sizeof p);
    (void)et_to_int(et_query(r, "n"), 0, sizeof p, &n);
    return et_bytes(r, 200, et_s(""), et_sn(p, (size_t)n));
}

/* The server dresses their text by it. */
START_TEST(errors_are_told_apart_by_accept)
{
    serve();
    act = gone;
    ck_assert_uint_eq(ask_with("GET", "/g", WITH("Accept: text/html")), 410);
    ck_assert_uint_eq(ask_with("GET", "/g", NULL), 410);
    is_now("MISS", "gone\n");
    ck_assert_uint_eq(ask_with("GET", "/g", WITH("Accept: text/html")), 410);
    is_now("HIT", "gone\n");
    ck_assert_uint_eq(ask_with("GET", "/g", NULL), 410);
    is_now("HIT", "gone\n");
    ck_assert_int_eq(n_asked, 2);
}
END_TEST

START_TEST(what_is_too_large_is_not_stored)
{
    et_test_option("max_object", "50000");
    serve();
    act = large;
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(ask_with("GET", "/?n=50000", NULL), 200);
        ck_assert_uint_eq(et_test_length(), 50000);
        ck_assert_uint_eq(ask_with("GET", "/?n=50001", NULL), 200);
        ck_assert_uint_eq(et_test_length(), 50001);
    }
    ck_assert_str_eq(et_test_field("X-Cache", 0), "BYPASS");
    ck_assert_int_eq(n_asked, 3);
    ck_assert_uint_eq(ask_with("GET", "/?n=0", NULL), 200);
    ck_assert_uint_eq(ask_with("GET", "/?n=0", NULL), 200);
    is_now("HIT", "");
}
END_TEST

static uint32_t
moved(et_req *r)
{
    return et_redirect(r, 301, et_s("/there"));
}

static uint32_t
nothing(et_req *r)
{
    return et_status(r, 204);
}

START_TEST(little_memory_is_enough_said)
{
    et_test_option("memory", "256k");
    serve();
    act = large;
    for (int i = 0; i < 2; i++)
        ck_assert_uint_eq(ask_with("GET", "/?n=65536", NULL), 200);
    ck_assert_str_eq(et_test_field("X-Cache", 0), "HIT");
    for (int i = 0; i < 2; i++)
        ck_assert_uint_eq(ask_with("GET", "/?n=65537", NULL), 200);
    ck_assert_str_eq(et_test_field("X-Cache", 0), "BYPASS");
}
END_TEST

START_TEST(answers_of_other_kinds_are_stored)
{
    serve();
    act = moved;
    ck_assert_uint_eq(ask_with("GET", "/m", NULL), 301);
    ck_assert_uint_eq(ask_with("GET", "/m", NULL), 301);
    ck_assert_str_eq(et_test_field("Location", 0), "/there");
    act = nothing;
    ck_assert_uint_eq(ask_with("GET", "/n", NULL), 204);
    ck_assert_uint_eq(ask_with("GET", "/n", NULL), 204);
    is_now("HIT", "");
    ck_assert_int_eq(n_asked, 2);
}
END_TEST

/* An Age that it has come with counts; Expires does. */
static uint32_t
aged(et_req *r)
{
    char date[64];
    const time_t t = time(NULL) + 100;

    (void)et_set(r, "Age", et_s("20"));
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&t));
    (void)et_set(r, "Expires", et_s(date));
    return count(r);
}

START_TEST(age_and_expires_count)
{
    serve();
    act = aged;
    get("/a", "MISS", "1 at /a");
    et_test_wait(39001);
    get("/a", "HIT", "1 at /a");
    ck_assert_str_eq(et_test_field("Age", 0), "59");
    ck_assert_ptr_null(et_test_field("Age", 1));
    et_test_wait(1001);
    get("/a", "MISS", "2 at /a");
    control = NULL;
    get("/b", "MISS", "3 at /b");
    et_test_wait(70001);
    get("/b", "HIT", "3 at /b");
    et_test_wait(11001);
    get("/b", "MISS", "4 at /b");
}
END_TEST

/* Each in two lines: what is said by one of them only is not known. */
static uint32_t
says_twice(et_req *r)
{
    const et_str far = et_s("Fri, 31 Dec 9999 23:59:59 GMT");
    const int is_zero_first = et_query(r, "zero").p != NULL;

    (void)et_add(r, "Expires", is_zero_first ? et_s("0") : far);
    (void)et_add(r, "Expires", is_zero_first ? far : et_s("0"));
    return count(r);
}

static uint32_t
quotes_badly(et_req *r)
{
    (void)et_add(r, "Cache-Control", et_s("x=\"a, no-store, max-age=60"));
    (void)et_add(r, "Cache-Control", et_s("max-age=60"));
    return count(r);
}

START_TEST(what_is_not_clear_is_not_stored)
{
    serve();
    control = NULL;
    act = says_twice;
    get("/a", "MISS", "1 at /a");
    get("/a", "BYPASS", "2 at /a");
    get("/a?zero", "MISS", "3 at /a?zero");
    get("/a?zero", "BYPASS", "4 at /a?zero");
    act = quotes_badly;
    get("/q", "MISS", "5 at /q");
    get("/q", "BYPASS", "6 at /q");
}
END_TEST

/* ---- for whom ------------------------------------------------------------*/

START_TEST(head_is_answered_from_get)
{
    serve();
    ck_assert_uint_eq(ask_with("HEAD", "/a", NULL), 200);
    ck_assert_str_eq(et_test_field("X-Cache", 0), "MISS");
    get("/a", "MISS", "2 at /a"); /* a HEAD stores nothing */
    ck_assert_uint_eq(ask_with("HEAD", "/a", NULL), 200);
    ck_assert_str_eq(et_test_field("X-Cache", 0), "HIT");
    ck_assert_int_eq(n_asked, 2);
}
END_TEST

START_TEST(who_shows_credentials_gets_what_is_public)
{
    serve();
    get_with("/a", "Authorization: x", "MISS", "1 at /a");
    get_with("/a", "Authorization: x", "MISS", "2 at /a");
    get("/a", "MISS", "3 at /a");
    get_with("/a", "Authorization: x", "MISS", "4 at /a");
    get("/a", "HIT", "3 at /a");
    control = "public, max-age=60";
    get_with("/b", "Authorization: x", "MISS", "5 at /b");
    get_with("/b", "Authorization: y", "HIT", "5 at /b");
    get("/b", "HIT", "5 at /b");
    control = "max-age=60";
    et_test_request("GET", "/c");
    et_test_client("CN=a", "00", "");
    ck_assert_uint_eq(et_test_run(), 200);
    get("/c", "MISS", "7 at /c");
}
END_TEST

START_TEST(cookies_pass_by_unless_they_are_ignored)
{
    serve();
    get("/a", "MISS", "1 at /a");
    get_with("/a", "Cookie: a=b", "BYPASS", "2 at /a");
    get("/a", "HIT", "1 at /a");
    ck_assert_int_eq(et_test_reload("cookies=ignore"), 0);
    get_with("/a", "Cookie: a=b", "MISS", "3 at /a");
    get_with("/a", "Cookie: c=d", "HIT", "3 at /a");
}
END_TEST

START_TEST(what_clients_ask_of_caches)
{
    serve();
    get("/a", "MISS", "1 at /a");
    get_with("/a", "Cache-Control: no-cache", "HIT", "1 at /a");
    get_with("/a", "Pragma: no-cache", "HIT", "1 at /a");
    get_with("/a", "Cache-Control: no-store", "BYPASS", "2 at /a");
    get_with("/a", "Cache-Control: only-if-cached", "HIT", "1 at /a");
    ck_assert_uint_eq(
        ask_with("GET", "/b", WITH("Cache-Control: only-if-cached")), 504);
    ck_assert_int_eq(n_asked, 2);
    get_with("/a", "If-Match: \"x\"", "BYPASS", "3 at /a");
    get_with("/a", "Upgrade: websocket", "BYPASS", "4 at /a");
    get("/a", "HIT", "1 at /a");
    et_test_request("GET", "/a"); /* who knows what its body asks for? */
    et_test_body("x", 1);
    ck_assert_uint_eq(et_test_run(), 200);
    is_now("BYPASS", "5 at /a");
    get("/a", "HIT", "1 at /a");
    n_asked = 4;
    ck_assert_int_eq(et_test_reload("client=honour"), 0);
    get("/a", "MISS", "5 at /a");
    et_test_wait(2);
    get_with("/a", "Cache-Control: no-cache", "MISS", "6 at /a");
    et_test_wait(2);
    get_with("/a", "Pragma: no-cache", "MISS", "7 at /a");
    et_test_wait(5001);
    get_with("/a", "Cache-Control: max-age=5", "HIT", "7 at /a");
    get_with("/a", "Cache-Control: max-age=4", "MISS", "8 at /a");
    control = "max-age=10, stale-while-revalidate=20";
    get("/c", "MISS", "9 at /c");
    et_test_wait(15001);
    get_with("/c", "Cache-Control: max-age=9", "MISS", "10 at /c");
}
END_TEST

START_TEST(what_varies_is_told_apart)
{
    serve();
    act = by_language;
    get_with("/a", "Accept-Language: de", "MISS", "1 de");
    get_with("/a", "Accept-Language: en", "MISS", "2 en");
    get("/a", "MISS", "3 ");
    get_with("/a", "Accept-Language: de", "HIT", "1 de");
    get_with("/a", "Accept-Language: en", "HIT", "2 en");
    get_with("/a", "Accept-Language:  en ", "HIT", "2 en");
    get("/a", "HIT", "3 ");
    get_with("/a", "Accept-Language: ", "MISS", "4 "); /* empty is not absent */
}
END_TEST

static uint32_t
by_coding(et_req *r)
{
    (void)et_set(r, "Vary", et_s("accept-ENCODING"));
    return count(r);
}

START_TEST(codings_that_mean_the_same_are_the_same)
{
    static const char *const same[] = {
        "Accept-Encoding: br, gzip;q=0.8", "Accept-Encoding: gzip;q=0.5,br",
        "Accept-Encoding: BR;q=1.0 , , gzip;q=0.999"};

    serve();
    act = by_coding;
    get_with("/a", "Accept-Encoding: gzip;q=0.1, br", "MISS", "1 at /a");
    for (int i = 0; i < 3; i++)
        get_with("/a", same[i], "HIT", "1 at /a");
    get_with("/a", "Accept-Encoding: br;q=0.1, gzip", "MISS", "2 at /a");
    get_with("/a", "Accept-Encoding: gzip, br;q=0", "MISS", "3 at /a");
    get_with("/a", "Accept-Encoding: exotic, br", "MISS", "4 at /a");
    get_with("/a", "Accept-Encoding: br, exotic", "MISS", "5 at /a");
    get("/a", "MISS", "6 at /a");
    get("/a", "HIT", "6 at /a");
    get_with("/a", "Accept-Encoding: br;x=1;q=0", "MISS", "7 at /a");
    get_with("/a", "Accept-Encoding: br", "MISS", "8 at /a");
    get_with("/a", "Accept-Encoding: br;q=2", "MISS", "9 at /a");
    get_with("/a", "Accept-Encoding: br;q=0.5", "HIT", "8 at /a");
}
END_TEST

START_TEST(what_varies_too_much_is_not_stored)
{
    char value[2000];

    et_test_option("variants", "2");
    serve();
    act = by_language;
    get_with("/a", "Accept-Language: 1", "MISS", "1 1");
    get_with("/a", "Accept-Language: 2", "MISS", "2 2");
    get_with("/a", "Accept-Language: 3", "MISS", "3 3");
    get_with("/a", "Accept-Language: 3", "HIT", "3 3");
    get_with("/a", "Accept-Language: 1", "MISS", "4 1");
    memset(value, 'x', sizeof value);
    value[sizeof value - 1] = 0;
    memcpy(value, "Accept-Language: ", 17);
    for (int i = 0; i < 2; i++)
        ck_assert_uint_eq(ask_with("GET", "/a", WITH(value)), 200);
    ck_assert_int_eq(n_asked, 6);
    get_with("/a", "Accept-Language: 3", "HIT", "3 3");
}
END_TEST

/* ---- stale ---------------------------------------------------------------*/

START_TEST(what_is_stale_is_served_while_it_is_asked_for)
{
    serve();
    control = "max-age=10, stale-while-revalidate=20";
    get("/a", "MISS", "1 at /a");
    et_test_wait(15001);
    /* one that cannot store what it gets does not ask */
    ck_assert_uint_eq(ask_with("HEAD", "/a", NULL), 200);
    ck_assert_str_eq(et_test_field("X-Cache", 0), "STALE");
    get_with("/a", "Cache-Control: only-if-cached", "STALE", "1 at /a");
    ck_assert_str_eq(et_test_field("Age", 0), "15");
    ck_assert_uint_eq(et_test_repeats(), 0);
    /* one that can has somebody ask, and does not wait for him */
    get("/a", "STALE", "1 at /a");
    get("/a", "STALE", "1 at /a");
    ck_assert_uint_eq(et_test_repeats(), 1);
    ck_assert_uint_eq(et_test_repeat(), 200);
    get("/a", "HIT", "2 at /a");
    ck_assert_int_eq(et_test_metric("refreshes"), 1);
    ck_assert_int_eq(et_test_metric("misses"), 1);
    ck_assert_int_eq(et_test_metric("stale"), 4);
    et_test_wait(31001);
    ck_assert_uint_eq(
        ask_with("GET", "/a", WITH("Cache-Control: only-if-cached")), 504);
    get("/a", "MISS", "3 at /a");
}
END_TEST

static uint32_t
fails(et_req *r)
{
    (void)et_set(r, "X-Trouble", et_s("yes"));
    return et_fail(r, "no");
}

START_TEST(what_is_stale_is_better_than_an_error)
{
    serve();
    control = "max-age=10, stale-if-error=20";
    get("/a", "MISS", "1 at /a");
    et_test_wait(15001);
    act = fails;
    get("/a", "STALE", "1 at /a");
    ck_assert_str_eq(et_test_field("Age", 0), "15");
    ck_assert_ptr_null(et_test_field("X-Trouble", 0));
    ck_assert_str_eq(et_test_field("Cache-Control", 0), control);
    ck_assert_ptr_null(et_test_field("Cache-Control", 1));
    get("/a", "STALE", "1 at /a"); /* without asking again at once */
    ck_assert_int_eq(n_asked, 2);
    et_test_wait(2001);
    get("/a", "STALE", "1 at /a");
    ck_assert_int_eq(n_asked, 3);
    et_test_wait(13001);
    ck_assert_uint_eq(ask_with("GET", "/a", NULL), 500);
    et_test_wait(2001);
    act = count;
    get("/a", "MISS", "5 at /a");
}
END_TEST

/* ---- trouble -------------------------------------------------------------*/

static void
ask_for_a(void)
{
    et_test_request("GET", "/a");
}

START_TEST(each_allocation_can_fail)
{
    serve();
    control = NULL;
    ck_assert_int_gt(et_test_out_of_memory(ask_for_a), 3);
    control = "max-age=60";
    ck_assert_int_gt(et_test_out_of_memory(ask_for_a), 3);
    n_asked = 0;
    get("/b", "MISS", "1 at /b");
    get("/b", "HIT", "1 at /b");
    ck_assert_int_eq(et_test_metric("entries"), 2); /* /a, at last, and /b */
}
END_TEST

START_TEST(odd_options_are_refused)
{
    et_test_option("memory", "100k");
    et_test_option("max_object", "50k");
    ck_assert_int_lt(et_test_open(), 0);
    ck_assert_str_eq(et_test_why(), "max_object: at most a quarter of memory");
    et_test_end();
    et_test_option("header", "a b");
    ck_assert_int_lt(et_test_open(), 0);
    ck_assert_str_eq(et_test_why(), "header: no name of a field");
}
END_TEST

static void
header_is_refused(const char *name, const char *why)
{
    char text[100];

    et_test_option("header", name);
    ck_assert_msg(et_test_open() < 0, "%s", name);
    snprintf(text, sizeof text, "header: %s %s", name, why);
    ck_assert_str_eq(et_test_why(), text);
    et_test_end();
}

START_TEST(a_header_that_says_something_else_is_refused)
{
    static const char *const servers[] = {"Connection", "content-length",
                                          "Transfer-Encoding", "Date"};
    static const char *const others[] = {"Set-Cookie", "Vary", "AGE",
                                         "Cache-Control", "Content-Type"};

    for (int i = 0; i < 4; i++)
        header_is_refused(servers[i], "belongs to the server");
    for (int i = 0; i < 5; i++)
        header_is_refused(others[i], "says something else");
    et_test_option("header", "Cache-Status");
    serve();
    ck_assert_uint_eq(ask_with("GET", "/a", NULL), 200);
    ck_assert_str_eq(et_test_field("Cache-Status", 0), "MISS");
}
END_TEST

START_TEST(a_flood_of_keys_stays_within_its_memory)
{
    char target[5000];

    et_test_option("memory", "64k");
    et_test_option("max_object", "1k");
    serve();
    for (int i = 0; i < 3000; i++) {
        snprintf(target, sizeof target, "/%0*d", 1 + i % 900, i);
        ck_assert_uint_eq(ask_with("GET", target, NULL), 200);
    }
    ck_assert_int_le(et_test_metric("memory"), 65536);
    ck_assert_int_gt(et_test_metric("evictions"), 2000);
    ck_assert_int_gt(et_test_metric("entries"), 20);
    /* too long to be a key */
    memset(target, 'a', sizeof target - 1);
    target[0] = '/';
    target[sizeof target - 1] = 0;
    ck_assert_uint_eq(ask_with("GET", target, NULL), 200);
    ck_assert_str_eq(et_test_field("X-Cache", 0), "BYPASS");
}
END_TEST

UNIT_MAIN_IN(
    begin, et_test_end, cache, a_second_request_is_answered_from_the_store,
    keys_are_told_apart, what_says_no_is_not_stored,
    the_option_has_nothing_stored, nor_is_what_is_for_one_only,
    that_nothing_is_stored_is_remembered_for_a_while,
    what_says_nothing_is_stored_as_the_rules_say,
    errors_are_told_apart_by_accept, what_is_too_large_is_not_stored,
    answers_of_other_kinds_are_stored, age_and_expires_count,
    what_is_not_clear_is_not_stored, head_is_answered_from_get,
    who_shows_credentials_gets_what_is_public,
    cookies_pass_by_unless_they_are_ignored, what_clients_ask_of_caches,
    what_varies_is_told_apart, codings_that_mean_the_same_are_the_same,
    what_varies_too_much_is_not_stored,
    what_is_stale_is_served_while_it_is_asked_for,
    what_is_stale_is_better_than_an_error, each_allocation_can_fail,
    odd_options_are_refused, a_header_that_says_something_else_is_refused,
    a_flood_of_keys_stays_within_its_memory, little_memory_is_enough_said)
