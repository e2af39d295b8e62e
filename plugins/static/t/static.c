/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* static.c - the plugin against the mock server: what is served, what is not,
 * the cache, trouble. */
#include "plugins/static/t/serve.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "t/lib/unit.h"

/* ---- what is served ------------------------------------------------------*/

START_TEST(a_file_has_its_fields)
{
    serve();
    expect("/a.txt", "0123456789");
    ck_assert_str_eq(et_test_type(), "text/plain; charset=utf-8");
    ck_assert_str_eq(et_test_field("Last-Modified", 0), OLD_TEXT);
    ck_assert_str_eq(et_test_field("Accept-Ranges", 0), "bytes");
    ck_assert_int_eq(et_test_field("ETag", 0)[0], '"');
    ck_assert_ptr_null(et_test_field("Cache-Control", 0));
    ck_assert_ptr_null(et_test_field("Vary", 0));
    ck_assert_uint_eq(ask("HEAD", "/a.txt", NULL, NULL), 200);
    ck_assert_str_eq(et_test_field("Last-Modified", 0), OLD_TEXT);
}
END_TEST

START_TEST(no_file_is_of_tomorrow)
{
    char date[64];
    int64_t said;

    put_at("new.txt", "new", 3, (int64_t)time(NULL) + 86400);
    serve();
    expect("/new.txt", "new");
    snprintf(date, sizeof date, "%s", et_test_field("Last-Modified", 0));
    ck_assert_int_eq(et_to_date(et_s(date), &said), 0);
    ck_assert_int_le(said, (int64_t)time(NULL));
    ck_assert_uint_eq(get_with("/new.txt", "If-Modified-Since", date), 304);
    ck_assert_str_eq(et_test_field("Last-Modified", 0), date);
    ck_assert_uint_eq(get_with("/new.txt", "If-Unmodified-Since", date), 200);
}
END_TEST

START_TEST(a_folder_is_its_index)
{
    serve();
    expect("/", "<p>home");
    expect("/sub/", "<p>sub");
    ck_assert_uint_eq(get("/sub?a=b/c"), 301);
    ck_assert_str_eq(et_test_field("Location", 0), "/sub/?a=b/c");
    ck_assert_uint_eq(get("/empty/"), 404);
    ck_assert_uint_eq(get("/none/"), 404);
    ck_assert_uint_eq(get("/a.txt/"), 404);
}
END_TEST

START_TEST(where_it_redirects_to_is_this_host)
{
    mkdir(at("a b?#"), 0755);
    mkdir(at("evil.example"), 0755);
    serve();
    ck_assert_uint_eq(get("/a%20b%3f%23"), 301);
    ck_assert_str_eq(et_test_field("Location", 0), "/a%20b%3F%23/");
    ck_assert_uint_eq(get("//evil.example"), 404);
    ck_assert_uint_eq(get("///evil.example"), 404);
    ck_assert_uint_eq(get("/%5cevil.example"), 404);
}
END_TEST

START_TEST(the_tail_of_the_route_is_what_counts)
{
    serve();
    et_test_request("GET", "/files/a.txt");
    et_test_tail("a.txt");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_text(), "0123456789");
    et_test_request("GET", "/files/");
    et_test_tail("");
    ck_assert_uint_eq(finish(et_test_run()), 200);
    ck_assert_str_eq(et_test_text(), "<p>home");
    et_test_request("GET", "/files/sub");
    et_test_tail("sub");
    ck_assert_uint_eq(finish(et_test_run()), 301);
    ck_assert_str_eq(et_test_field("Location", 0), "/files/sub/");
    ck_assert_uint_eq(get("/files/a.txt"), 404);
}
END_TEST

START_TEST(the_first_index_that_is_there)
{
    put("empty/second.html", "second");
    et_test_option("index", "first.html");
    et_test_option("index", "second.html");
    serve();
    expect("/empty/", "second");
    ck_assert_uint_eq(get("/"), 404);
}
END_TEST

START_TEST(a_folder_is_no_index)
{
    mkdir(at("empty/index.html"), 0755);
    serve();
    ck_assert_uint_eq(get("/empty/"), 404);
}
END_TEST

START_TEST(something_else_is_tried)
{
    put("app.html", "app");
    put("page.html", "page");
    et_test_option("try", "$path.html");
    et_test_option("try", "/app.html");
    serve();
    expect("/page", "page");
    expect("/page/", "page");
    expect("/any/thing", "app");
    expect("/empty/", "app");
    expect("/a.txt", "0123456789");
    ck_assert_str_eq(et_test_type(), "text/plain; charset=utf-8");
    ck_assert_uint_eq(get("/../x"), 404);
    ck_assert_uint_eq(get("/.hidden"), 404);
}
END_TEST

START_TEST(hidden_files_are_not_served_unless_they_are)
{
    mkdir(at(".well-known"), 0755);
    put(".well-known/it", "known");
    serve();
    ck_assert_uint_eq(get("/.hidden"), 404);
    expect("/.well-known/it", "known");
    ck_assert_int_eq(et_test_reload("root=x"), ET_EINVAL);
    et_test_end();
    et_test_option("root", root);
    et_test_option("hidden", "yes");
    serve();
    expect("/.hidden", "secret");
}
END_TEST

static void
make_links(void)
{
    ck_assert_int_eq(symlink("a.txt", at("in")), 0);
    ck_assert_int_eq(symlink("/etc/passwd", at("out")), 0);
    ck_assert_int_eq(symlink("../../etc", at("up")), 0);
    ck_assert_int_eq(symlink("self", at("self")), 0);
    ck_assert_int_eq(symlink("/proc/self/cwd", at("magic")), 0);
}

START_TEST(links_that_stay_beneath_are_followed)
{
    make_links();
    serve();
    expect("/in", "0123456789");
    ck_assert_uint_eq(get("/out"), 404);
    ck_assert_uint_eq(get("/up/passwd"), 404);
    ck_assert_uint_eq(get("/self"), 404);
    ck_assert_uint_eq(get("/magic/"), 404);
}
END_TEST

START_TEST(links_are_followed_not_at_all)
{
    make_links();
    et_test_option("symlinks", "none");
    serve();
    ck_assert_uint_eq(get("/in"), 404);
    ck_assert_uint_eq(get("/out"), 404);
    expect("/a.txt", "0123456789");
}
END_TEST

START_TEST(links_are_followed_anywhere)
{
    make_links();
    et_test_option("symlinks", "any");
    serve();
    expect("/in", "0123456789");
    ck_assert_uint_eq(get("/out"), 200);
    ck_assert_uint_eq(get("/self"), 404);
}
END_TEST

START_TEST(what_is_no_file_is_not_served)
{
    ck_assert_int_eq(mkfifo(at("pipe"), 0644), 0);
    serve();
    ck_assert_uint_eq(get("/pipe"), 403);
}
END_TEST

START_TEST(only_reading_is_possible)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE", "PATCH",
                                          "PROPFIND"};

    serve();
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        ck_assert_uint_eq(ask(methods[i], "/a.txt", NULL, NULL), 405);
        ck_assert_str_eq(et_test_field("Allow", 0), "GET, HEAD, OPTIONS");
    }
    ck_assert_uint_eq(ask("OPTIONS", "/a.txt", NULL, NULL), 204);
    ck_assert_str_eq(et_test_field("Allow", 0), "GET, HEAD, OPTIONS");
}
END_TEST

START_TEST(paths_that_lead_elsewhere_are_refused)
{
    static const char *const bad[] = {"/../etc/passwd",
                                      "/sub/../../etc/passwd",
                                      "/%2e%2e/etc/passwd",
                                      "/..%2fetc/passwd",
                                      "/..%5cetc/passwd",
                                      "/%c0%ae%c0%ae/etc/passwd",
                                      "//etc/passwd",
                                      "/sub//b.css",
                                      "/./a.txt",
                                      "/a.txt%00.html",
                                      "/a.txt%0a",
                                      "/sub/%2e/b.css",
                                      "/%ff",
                                      "/%252fetc/passwd"};

    serve();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(get(bad[i]) == 404, "%s", bad[i]);
}
END_TEST

START_TEST(rules_say_how_long_it_is_good)
{
    et_test_option("cache_control", "*.css public, max-age=60");
    et_test_option("cache_control", "/a.* no-cache");
    et_test_option("expires", "*.css 1h");
    et_test_option("expires", "index.html 2d");
    serve();
    expect("/sub/b.css", "b{}");
    ck_assert_str_eq(et_test_field("Cache-Control", 0), "public, max-age=60");
    ck_assert_ptr_null(et_test_field("Cache-Control", 1));
    ck_assert_uint_eq(strlen(et_test_field("Expires", 0)), 29);
    expect("/a.txt", "0123456789");
    ck_assert_str_eq(et_test_field("Cache-Control", 0), "no-cache");
    ck_assert_ptr_null(et_test_field("Expires", 0));
    expect("/sub/", "<p>sub");
    ck_assert_str_eq(et_test_field("Cache-Control", 0), "max-age=172800");
    ck_assert_uint_eq(strlen(et_test_field("Expires", 0)), 29);
}
END_TEST

START_TEST(types_can_be_added)
{
    put("types", "text/x-thing thing\n");
    put("a.thing", "t");
    put("b.other", "o");
    put("c.none", "n");
    et_test_option("types", at("types"));
    et_test_option("type", "image/x-other other");
    et_test_option("default_type", "text/plain");
    et_test_option("charset", "iso-8859-1");
    serve();
    expect("/a.thing", "t");
    ck_assert_str_eq(et_test_type(), "text/x-thing; charset=iso-8859-1");
    expect("/b.other", "o");
    ck_assert_str_eq(et_test_type(), "image/x-other");
    expect("/c.none", "n");
    ck_assert_str_eq(et_test_type(), "text/plain; charset=iso-8859-1");
}
END_TEST

static void
refused(const char *key, const char *value, const char *why)
{
    et_test_end();
    if (strcmp(key, "root") != 0)
        et_test_option("root", root);
    et_test_option(key, value);
    ck_assert_msg(et_test_open() < 0, "%s = %s", key, value);
    ck_assert_msg(strstr(et_test_why(), why) != NULL, "%s", et_test_why());
}

START_TEST(options_that_make_no_sense_are_errors)
{
    put("types", "text/html html\nnonsense\n");
    refused("root", "", "root: is empty");
    refused("root", at("none"), "none: No such file");
    refused("root", at("a.txt"), "a.txt: Not a directory");
    refused("types", at("nowhere"), "nowhere: No such file");
    refused("types", at("types"), "types:2: not a type");
    refused("type", "html", "type[0]: \"html\" is not a type");
    refused("index", "a/b", "index[0]: \"a/b\" is not a name");
    refused("index", "..", "index[0]");
    refused("try", "app.html", "try[0]: \"app.html\"");
    refused("try", "/../x", "try[0]");
    refused("try", "$path", "try[0]");
    refused("cache_control", "*.css", "cache_control[0]: \"*.css\"");
    refused("expires", "*.css soon", "a pattern and a time");
    refused("expires", "*.css -1", "a pattern and a time");
    refused("expires", "*.css 99999999d", "a pattern and a time");
    refused("expires", "*.css 30", "a time with its unit");
    refused("expires", "*.css s", "a pattern and a time");
    refused("default_type", "foo", "default_type: \"foo\" is not a media type");
    refused("default_type", "text/", "is not a media type");
    refused("default_type", "a b/c", "is not a media type");
    refused("charset", "a b", "charset: \"a b\" is not a charset's name");
    refused("symlinks", "some", "symlinks");
}
END_TEST

START_TEST(options_at_the_edge_of_sense_are_taken)
{
    put("c.none", "n");
    et_test_option("expires", "*.none 0");
    et_test_option("default_type", "application/x-none; v=1");
    et_test_option("charset", "");
    serve();
    expect("/c.none", "n");
    ck_assert_str_eq(et_test_type(), "application/x-none; v=1");
    ck_assert_str_eq(et_test_field("Cache-Control", 0), "max-age=0");
    et_test_end();
    et_test_option("root", root);
    et_test_option("default_type", "");
    serve();
    expect("/c.none", "n");
    ck_assert_str_eq(et_test_type(), "");
}
END_TEST

/* ---- the cache -----------------------------------------------------------*/

START_TEST(what_is_open_is_found_again)
{
    serve();
    expect("/a.txt", "0123456789");
    expect("/a.txt", "0123456789");
    expect("/a.txt", "0123456789");
    ck_assert_int_eq(et_test_metric("misses"), 1);
    ck_assert_int_eq(et_test_metric("hits"), 2);
}
END_TEST

START_TEST(a_change_is_seen_when_it_is_looked_for)
{
    char old[512];

    et_test_option("revalidate", "0");
    serve();
    expect("/a.txt", "0123456789");
    put("a.txt", "changed");
    expect("/a.txt", "changed");
    snprintf(old, sizeof old, "%s", at("sub/b.css"));
    ck_assert_int_eq(rename(old, at("a.txt")), 0);
    expect("/a.txt", "b{}");
    unlink(at("a.txt"));
    ck_assert_uint_eq(get("/a.txt"), 404);
    mkdir(at("a.txt"), 0755);
    ck_assert_uint_eq(get("/a.txt"), 301);
}
END_TEST

START_TEST(it_keeps_no_more_than_it_may)
{
    int before;
    char name[32];

    et_test_option("cache_entries", "10");
    et_test_option("cache_files", "3");
    et_test_option("cache_file", "5");
    serve();
    before = open_files();
    for (int i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "f%d", i % 50);
        put(name, i % 2 ? "small" : "larger than that");
        snprintf(name, sizeof name, "/f%d", i % 50);
        expect(name, i % 2 ? "small" : "larger than that");
        ck_assert_int_le(open_files() - before, 4);
    }
    et_test_end();
    ck_assert_int_lt(open_files(), before); /* the root */
}
END_TEST

START_TEST(without_a_cache_it_serves_as_well)
{
    et_test_option("cache_entries", "0");
    et_test_option("cache_file", "5");
    serve();
    expect("/a.txt", "0123456789");
    expect("/a.txt", "0123456789");
    expect("/sub/b.css", "b{}");
    ck_assert_int_eq(et_test_metric("hits"), 0);
}
END_TEST

/* ---- trouble -------------------------------------------------------------*/

static void
get_parts(void)
{
    et_test_request("GET", "/a.txt");
    et_test_header("Range", "bytes=2-4");
}

static void
get_whole(void)
{
    et_test_request("GET", "/sub/");
}

static void
get_folder(void)
{
    et_test_request("GET", "/sub");
}

START_TEST(without_memory_it_is_a_500)
{
    et_test_option("expires", "* 1h");
    serve();
    get_whole();
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_int_gt(et_test_out_of_memory(get_whole), 2);
    ck_assert_int_gt(et_test_out_of_memory(get_parts), 2);
    ck_assert_int_gt(et_test_out_of_memory(get_folder), 1);
}
END_TEST

START_TEST(a_file_that_may_not_be_read_is_a_403)
{
    const int is_root = geteuid() == 0;

    ck_assert_int_eq(chmod(root, 0755), 0);
    ck_assert_int_eq(chmod(at("a.txt"), 0), 0);
    serve();
    if (is_root)
        ck_assert_int_eq(seteuid(65534), 0);
    ck_assert_uint_eq(get("/a.txt"), 403);
    expect("/sub/", "<p>sub");
    if (is_root)
        ck_assert_int_eq(seteuid(0), 0);
}
END_TEST

/* Large contents are hashed by the pool: what if there is no room there? */
START_TEST(what_has_to_wait_says_so)
{
    char large[40000];

    memset(large, 'x', sizeof large);
    put_at("large", large, sizeof large, OLD);
    et_test_option("etag", "hash");
    serve();
    et_test_fail_wait(1, ET_ELIMIT);
    ck_assert_uint_eq(get("/large"), 503);
    ck_assert_str_eq(et_test_field("Retry-After", 0), "1");
    et_test_fail_wait(0, 0);
    et_test_request("GET", "/large");
    ck_assert_uint_eq(et_test_run(), ET_WAIT);
    ck_assert_uint_eq(et_test_resume(ET_ECRASH), 500);
    /* the client goes: nothing is left of it */
    et_test_request("GET", "/large");
    ck_assert_uint_eq(et_test_run(), ET_WAIT);
    et_test_begin_job();
    et_test_cancel(ET_ECANCEL);
    ck_assert_uint_eq(get("/large"), 200);
    ck_assert_uint_eq(et_test_length(), sizeof large);
}
END_TEST

UNIT_MAIN_IN(
    begin_site, end_site, static, a_file_has_its_fields, no_file_is_of_tomorrow,
    a_folder_is_its_index, where_it_redirects_to_is_this_host,
    the_tail_of_the_route_is_what_counts, the_first_index_that_is_there,
    a_folder_is_no_index, something_else_is_tried,
    hidden_files_are_not_served_unless_they_are,
    links_that_stay_beneath_are_followed, links_are_followed_not_at_all,
    links_are_followed_anywhere, what_is_no_file_is_not_served,
    only_reading_is_possible, paths_that_lead_elsewhere_are_refused,
    rules_say_how_long_it_is_good, types_can_be_added,
    options_that_make_no_sense_are_errors,
    options_at_the_edge_of_sense_are_taken, what_is_open_is_found_again,
    a_change_is_seen_when_it_is_looked_for, it_keeps_no_more_than_it_may,
    without_a_cache_it_serves_as_well, without_memory_it_is_a_500,
    a_file_that_may_not_be_read_is_a_403, what_has_to_wait_says_so)
