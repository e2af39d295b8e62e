/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* static.c - the plugin against the mock server: what is served, what is not,
 * conditions, ranges, codings, listings, the cache. */
#define _GNU_SOURCE
#include <errno.h>
#include <etude_test.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "plugins/static/t/folder.h"
#include "t/lib/unit.h"

static void
make_root(void)
{
    make_folder();
    mkdir(at("sub"), 0755);
    mkdir(at("empty"), 0755);
    put("index.html", "<p>home");
    put("sub/index.html", "<p>sub");
    put("a.txt", "0123456789");
    put(".hidden", "secret");
    put("sub/b.css", "b{}");
}

static void
begin(void)
{
    make_root();
    et_test_option("root", root);
}

static void
end(void)
{
    et_test_end();
    remove_folder();
}

static void
serve(void)
{
    ck_assert_msg(et_test_open() == 0, "%s", et_test_why());
}

/* ---- requests ------------------------------------------------------------*/

/* Run to the end, waiting for the pool where it waits. */
static uint32_t
finish(uint32_t status)
{
    while (status == ET_WAIT)
        status = et_test_turn();
    return status;
}

static uint32_t
ask(const char *method, const char *target, const char *name, const char *value)
{
    et_test_request(method, target);
    if (name)
        et_test_header(name, value);
    return finish(et_test_run());
}

static uint32_t
get(const char *target)
{
    return ask("GET", target, NULL, NULL);
}

static uint32_t
get_with(const char *target, const char *name, const char *value)
{
    return ask("GET", target, name, value);
}

static void
expect(const char *target, const char *text)
{
    ck_assert_uint_eq(get(target), 200);
    ck_assert_str_eq(et_test_text(), text);
}

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

/* ---- conditions ----------------------------------------------------------*/

static char etag[128];

static void
learn_etag(const char *target)
{
    ck_assert_uint_eq(get(target), 200);
    snprintf(etag, sizeof etag, "%s", et_test_field("ETag", 0));
}

/* It, between these. */
static const char *
tags(const char *before, const char *behind)
{
    static char text[512];

    snprintf(text, sizeof text, "%s%s%s", before, etag, behind);
    return text;
}

START_TEST(if_none_match)
{
    serve();
    learn_etag("/a.txt");
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", etag), 304);
    ck_assert_uint_eq(et_test_length(), 0);
    ck_assert_str_eq(et_test_field("ETag", 0), etag);
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", tags("W/", "")), 304);
    ck_assert_uint_eq(
        get_with("/a.txt", "If-None-Match", tags("\"a,b\", ,", ", \"z\"")),
        304);
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", "*"), 304);
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", "\"other\""), 200);
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", "\"open"), 200);
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", ""), 200);
    ck_assert_uint_eq(ask("HEAD", "/a.txt", "If-None-Match", etag), 304);
    /* the second of two fields counts, and more than a date does */
    et_test_request("GET", "/a.txt");
    et_test_header("If-None-Match", "\"one\"");
    et_test_header("If-None-Match", etag);
    ck_assert_uint_eq(et_test_run(), 304);
    et_test_request("GET", "/a.txt");
    et_test_header("If-None-Match", "\"one\"");
    et_test_header("If-Modified-Since", OLD_TEXT);
    ck_assert_uint_eq(et_test_run(), 200);
}
END_TEST

START_TEST(if_modified_since)
{
    serve();
    ck_assert_uint_eq(get_with("/a.txt", "If-Modified-Since", OLD_TEXT), 304);
    ck_assert_uint_eq(
        get_with("/a.txt", "If-Modified-Since", "Sun Nov  6 08:49:38 1994"),
        304);
    ck_assert_uint_eq(get_with("/a.txt", "If-Modified-Since",
                               "Sun, 06 Nov 1994 08:49:36 GMT"),
                      200);
    ck_assert_uint_eq(get_with("/a.txt", "If-Modified-Since", "yesterday"),
                      200);
}
END_TEST

START_TEST(if_match_and_if_unmodified_since)
{
    serve();
    learn_etag("/a.txt");
    ck_assert_uint_eq(get_with("/a.txt", "If-Match", etag), 200);
    ck_assert_uint_eq(get_with("/a.txt", "If-Match", "*"), 200);
    ck_assert_uint_eq(get_with("/a.txt", "If-Match", tags("W/", "")), 412);
    ck_assert_uint_eq(get_with("/a.txt", "If-Match", "\"other\""), 412);
    ck_assert_ptr_null(et_test_field("ETag", 0));
    ck_assert_uint_eq(get_with("/a.txt", "If-Unmodified-Since", OLD_TEXT), 200);
    ck_assert_uint_eq(get_with("/a.txt", "If-Unmodified-Since",
                               "Sun, 06 Nov 1994 08:49:36 GMT"),
                      412);
    ck_assert_uint_eq(get_with("/a.txt", "If-Unmodified-Since", "soon"), 200);
    /* If-Match counts, then If-None-Match */
    et_test_request("GET", "/a.txt");
    et_test_header("If-Match", etag);
    et_test_header("If-Unmodified-Since", "Sun, 06 Nov 1994 08:49:36 GMT");
    et_test_header("If-None-Match", etag);
    ck_assert_uint_eq(et_test_run(), 304);
    et_test_request("GET", "/a.txt");
    et_test_header("If-Match", "\"other\"");
    et_test_header("If-None-Match", etag);
    ck_assert_uint_eq(et_test_run(), 412);
}
END_TEST

START_TEST(without_an_etag_the_date_has_to_do)
{
    et_test_option("etag", "none");
    serve();
    ck_assert_uint_eq(get("/a.txt"), 200);
    ck_assert_ptr_null(et_test_field("ETag", 0));
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", "\"\""), 200);
    ck_assert_uint_eq(get_with("/a.txt", "If-Modified-Since", OLD_TEXT), 304);
}
END_TEST

START_TEST(an_etag_of_the_content_outlives_a_touch)
{
    char large[40000];

    memset(large, 'x', sizeof large);
    put_at("large", large, sizeof large, OLD);
    et_test_option("etag", "hash");
    et_test_option("revalidate", "0");
    serve();
    learn_etag("/a.txt");
    put_at("a.txt", "0123456789", 10, OLD + 9);
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", etag), 304);
    put_at("a.txt", "0123456780", 10, OLD + 9);
    ck_assert_uint_eq(get_with("/a.txt", "If-None-Match", etag), 200);
    learn_etag("/large");
    put_at("large", large, sizeof large, OLD + 9);
    ck_assert_uint_eq(get_with("/large", "If-None-Match", etag), 304);
    large[39999] = 'y';
    put_at("large", large, sizeof large, OLD + 9);
    ck_assert_uint_eq(get_with("/large", "If-None-Match", etag), 200);
}
END_TEST

/* ---- ranges --------------------------------------------------------------*/

START_TEST(a_part_is_sent)
{
    serve();
    learn_etag("/a.txt");
    ck_assert_uint_eq(get_with("/a.txt", "Range", "bytes=2-4"), 206);
    ck_assert_str_eq(et_test_text(), "234");
    ck_assert_str_eq(et_test_field("Content-Range", 0), "bytes 2-4/10");
    ck_assert_str_eq(et_test_field("ETag", 0), etag);
    ck_assert_uint_eq(get_with("/a.txt", "Range", "bytes=-1"), 206);
    ck_assert_str_eq(et_test_text(), "9");
    ck_assert_uint_eq(get_with("/a.txt", "Range", "bytes=10-"), 416);
    ck_assert_str_eq(et_test_field("Content-Range", 0), "bytes */10");
    ck_assert_uint_eq(get_with("/a.txt", "Range", "lines=1-2"), 200);
    ck_assert_str_eq(et_test_text(), "0123456789");
    ck_assert_uint_eq(ask("HEAD", "/a.txt", "Range", "bytes=2-4"), 200);
}
END_TEST

/* Of a text of 1000 digits. */
static void
parts(const char *name)
{
    const char *text, *mark;
    char expected[1024];

    ck_assert_uint_eq(get_with(name, "Range", "bytes=990-,0-4"), 206);
    ck_assert_int_eq(
        strncmp(et_test_type(), "multipart/byteranges; boundary=", 31), 0);
    ck_assert_ptr_null(et_test_field("Content-Range", 0));
    mark = et_test_type() + 31;
    text = et_test_text();
    snprintf(expected, sizeof expected,
             "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "Content-Range: bytes 990-999/1000\r\n\r\n0123456789\r\n"
             "--%s\r\nContent-Type: text/plain; charset=utf-8\r\n"
             "Content-Range: bytes 0-4/1000\r\n\r\n01234\r\n--%s--\r\n",
             mark, mark, mark);
    ck_assert_str_eq(text, expected);
}

START_TEST(several_parts_are_sent)
{
    char digits[1001];

    for (int i = 0; i < 1000; i++)
        digits[i] = (char)('0' + i % 10);
    digits[1000] = 0;
    put("digits.txt", digits);
    serve();
    parts("/digits.txt");
    et_test_end();
    et_test_option("root", root);
    et_test_option("cache_file", "0"); /* from its descriptor */
    serve();
    parts("/digits.txt");
    ck_assert_uint_eq(get_with("/digits.txt", "Range", "bytes=5-6"), 206);
    ck_assert_str_eq(et_test_text(), "56");
}
END_TEST

START_TEST(if_range)
{
    static const struct {
        const char *value; /* NULL: the right one */
        uint32_t status;
    } v[] = {{NULL, 206},
             {"\"other\"", 200},
             {OLD_TEXT, 206},
             {"Sun, 06 Nov 1994 08:49:38 GMT", 200},
             {"nonsense", 200}};

    serve();
    learn_etag("/a.txt");
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        et_test_request("GET", "/a.txt");
        et_test_header("Range", "bytes=0-0");
        et_test_header("If-Range", v[i].value ? v[i].value : etag);
        ck_assert_msg(et_test_run() == v[i].status, "%zu", i);
    }
    et_test_request("GET", "/a.txt");
    et_test_header("Range", "bytes=0-0");
    et_test_header("If-Range", tags("W/", ""));
    ck_assert_uint_eq(et_test_run(), 200);
    /* a condition comes first */
    et_test_request("GET", "/a.txt");
    et_test_header("Range", "bytes=50-");
    et_test_header("If-None-Match", etag);
    ck_assert_uint_eq(et_test_run(), 304);
}
END_TEST

/* ---- codings -------------------------------------------------------------*/

static void
coded(const char *accept, const char *coding, const char *text)
{
    ck_assert_uint_eq(get_with("/c.css", "Accept-Encoding", accept), 200);
    ck_assert_msg(strcmp(et_test_text(), text) == 0, "%s: %s", accept,
                  et_test_text());
    ck_assert_str_eq(et_test_field("Vary", 0), "Accept-Encoding");
    ck_assert_str_eq(et_test_type(), "text/css; charset=utf-8");
    if (coding)
        ck_assert_str_eq(et_test_field("Content-Encoding", 0), coding);
    else
        ck_assert_ptr_null(et_test_field("Content-Encoding", 0));
}

START_TEST(siblings_are_sent_to_who_takes_them)
{
    put("c.css", "plain");
    put("c.css.gz", "GZIP");
    put("c.css.br", "BROTLI");
    put("c.css.zst", "ZSTD");
    et_test_option("precompressed", "yes");
    et_test_option("cache_control", "*.css max-age=5");
    serve();
    coded("gzip, deflate, br", "br", "BROTLI");
    ck_assert_str_eq(et_test_field("Cache-Control", 0), "max-age=5");
    coded("gzip", "gzip", "GZIP");
    coded("x-gzip", "gzip", "GZIP");
    coded("GZIP", "gzip", "GZIP");
    coded("zstd, gzip", "zstd", "ZSTD");
    coded("br;q=0.5, gzip;q=0.8", "gzip", "GZIP");
    coded("br;q=0, *", "zstd", "ZSTD");
    coded("*", "br", "BROTLI");
    coded("*;q=0", NULL, "plain");
    coded("identity", NULL, "plain");
    coded("br;q=0.5, identity", NULL, "plain");
    coded("gzip;q=0", NULL, "plain");
    coded("gzip;q=0.001", "gzip", "GZIP");
    coded("deflate", NULL, "plain");
    coded("", NULL, "plain");
    ck_assert_uint_eq(get("/c.css"), 200);
    ck_assert_str_eq(et_test_text(), "plain");
    ck_assert_uint_eq(get_with("/c.css.gz", "Accept-Encoding", "gzip"), 200);
    ck_assert_str_eq(et_test_type(), "application/gzip");
    ck_assert_ptr_null(et_test_field("Content-Encoding", 0));
}
END_TEST

START_TEST(a_sibling_has_validators_of_its_own)
{
    char plain[128];

    put("c.css", "plain");
    put("c.css.gz", "GZIP");
    et_test_option("precompressed", "yes");
    serve();
    learn_etag("/c.css");
    strcpy(plain, etag);
    coded("gzip", "gzip", "GZIP");
    ck_assert_str_ne(et_test_field("ETag", 0), plain);
    snprintf(etag, sizeof etag, "%s", et_test_field("ETag", 0));
    et_test_request("GET", "/c.css");
    et_test_header("Accept-Encoding", "gzip");
    et_test_header("If-None-Match", etag);
    ck_assert_uint_eq(et_test_run(), 304);
    ck_assert_str_eq(et_test_field("Vary", 0), "Accept-Encoding");
    et_test_request("GET", "/c.css");
    et_test_header("Accept-Encoding", "gzip");
    et_test_header("If-None-Match", plain);
    ck_assert_uint_eq(et_test_run(), 200);
    et_test_request("GET", "/c.css");
    et_test_header("Accept-Encoding", "gzip");
    et_test_header("Range", "bytes=1-2");
    ck_assert_uint_eq(et_test_run(), 206);
    ck_assert_str_eq(et_test_text(), "ZI");
    ck_assert_str_eq(et_test_field("Content-Encoding", 0), "gzip");
}
END_TEST

START_TEST(a_sibling_that_is_older_is_not_sent)
{
    put("c.css", "plain");
    put_at("c.css.gz", "GZIP", 4, OLD - 1);
    et_test_option("precompressed", "yes");
    serve();
    ck_assert_uint_eq(get_with("/c.css", "Accept-Encoding", "gzip"), 200);
    ck_assert_str_eq(et_test_text(), "plain");
    ck_assert_ptr_null(et_test_field("Vary", 0));
}
END_TEST

/* Within a second, too; but who copies a time may not copy all of it. */
START_TEST(a_sibling_is_as_old_as_can_be_said)
{
    static const struct {
        long file, sibling;
        const char *text;
    } of[] = {
        {900000000, 100000000, "plain"}, {123456789, 123455000, "plain"},
        {123456789, 123456788, "GZIP"},  {123456789, 123456789, "GZIP"},
        {123456789, 123456000, "GZIP"},  {123456789, 0, "GZIP"},
        {100000000, 900000000, "GZIP"},
    };

    put("c.css", "plain");
    put("c.css.gz", "GZIP");
    et_test_option("precompressed", "yes");
    et_test_option("revalidate", "0");
    serve();
    for (size_t i = 0; i < sizeof of / sizeof of[0]; i++) {
        touch_at("c.css", OLD, of[i].file);
        touch_at("c.css.gz", OLD, of[i].sibling);
        ck_assert_uint_eq(get_with("/c.css", "Accept-Encoding", "gzip"), 200);
        ck_assert_str_eq(et_test_text(), of[i].text);
    }
}
END_TEST

START_TEST(without_the_option_nobody_looks)
{
    put("c.css", "plain");
    put("c.css.gz", "GZIP");
    serve();
    ck_assert_uint_eq(get_with("/c.css", "Accept-Encoding", "gzip"), 200);
    ck_assert_str_eq(et_test_text(), "plain");
    ck_assert_ptr_null(et_test_field("Vary", 0));
}
END_TEST

/* ---- listings ------------------------------------------------------------*/

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

START_TEST(a_sibling_that_comes_is_seen)
{
    et_test_option("revalidate", "0");
    et_test_option("precompressed", "yes");
    serve();
    ck_assert_uint_eq(get_with("/a.txt", "Accept-Encoding", "br"), 200);
    ck_assert_str_eq(et_test_text(), "0123456789");
    put("a.txt.br", "BR");
    ck_assert_uint_eq(get_with("/a.txt", "Accept-Encoding", "br"), 200);
    ck_assert_str_eq(et_test_text(), "BR");
    unlink(at("a.txt.br"));
    ck_assert_uint_eq(get_with("/a.txt", "Accept-Encoding", "br"), 200);
    ck_assert_str_eq(et_test_text(), "0123456789");
}
END_TEST

static int
open_files(void)
{
    int n = 0;

    for (int fd = 0; fd < 1024; fd++)
        n += fcntl(fd, F_GETFD) >= 0;
    return n;
}

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
    begin, end, static, a_file_has_its_fields, no_file_is_of_tomorrow,
    a_folder_is_its_index, where_it_redirects_to_is_this_host,
    the_tail_of_the_route_is_what_counts, the_first_index_that_is_there,
    a_folder_is_no_index, something_else_is_tried,
    hidden_files_are_not_served_unless_they_are,
    links_that_stay_beneath_are_followed, links_are_followed_not_at_all,
    links_are_followed_anywhere, what_is_no_file_is_not_served,
    only_reading_is_possible, paths_that_lead_elsewhere_are_refused,
    rules_say_how_long_it_is_good, types_can_be_added,
    options_that_make_no_sense_are_errors,
    options_at_the_edge_of_sense_are_taken, if_none_match, if_modified_since,
    if_match_and_if_unmodified_since, without_an_etag_the_date_has_to_do,
    an_etag_of_the_content_outlives_a_touch, a_part_is_sent,
    several_parts_are_sent, if_range, siblings_are_sent_to_who_takes_them,
    a_sibling_has_validators_of_its_own, a_sibling_that_is_older_is_not_sent,
    a_sibling_is_as_old_as_can_be_said, without_the_option_nobody_looks,
    a_folder_is_listed, a_listing_is_what_is_liked_better, a_listing_is_bounded,
    a_bounded_listing_shows_the_first_names,
    a_listing_of_as_many_as_it_shows_is_whole, what_is_open_is_found_again,
    a_change_is_seen_when_it_is_looked_for, a_sibling_that_comes_is_seen,
    it_keeps_no_more_than_it_may, without_a_cache_it_serves_as_well,
    without_memory_it_is_a_500, a_file_that_may_not_be_read_is_a_403,
    what_has_to_wait_says_so)
