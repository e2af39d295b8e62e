/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* siblings.c - compressed siblings of files: which is sent, and to whom. */
#include "plugins/static/t/serve.h"
#include "t/lib/unit.h"

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
    char etag[128], plain[128];

    put("c.css", "plain");
    put("c.css.gz", "GZIP");
    et_test_option("precompressed", "yes");
    serve();
    learn_etag("/c.css", plain);
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

UNIT_MAIN_IN(begin_site, end_site, siblings,
             siblings_are_sent_to_who_takes_them,
             a_sibling_has_validators_of_its_own,
             a_sibling_that_is_older_is_not_sent,
             a_sibling_is_as_old_as_can_be_said,
             without_the_option_nobody_looks, a_sibling_that_comes_is_seen)
