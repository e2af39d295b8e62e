/* SPDX-License-Identifier: BSD-2-Clause */
/* origin.c - pages of which origins may upload.
 * tags: asan */
#include <etude_test.h>

#include "t/lib/unit.h"

static char folder[] = "/tmp/upload-test-XXXXXX";

static void
make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void
remove_folder(void)
{
    char command[sizeof folder + 16];

    et_test_end();
    snprintf(command, sizeof command, "rm -r %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static void
begin(void)
{
    et_test_option("folder", folder);
    ck_assert_msg(et_test_open() == 0, "%s", et_test_why());
}

static uint32_t
send_from(const char *host, const char *origin, const char *site)
{
    et_test_request("POST", "/upload");
    et_test_header("Host", host);
    if (origin)
        et_test_header("Origin", origin);
    if (site)
        et_test_header("Sec-Fetch-Site", site);
    et_test_body("hello", 5);
    return et_test_run();
}

/* A page of another site, or port, has the browser send what it likes. */
static const struct {
    const char *host, *origin, *site;
    int may; /* 2: if the option says so */
} pages[] = {
    {"a.b", NULL, NULL, 1},
    {"a.b", NULL, "none", 1},
    {"a.b", NULL, "same-site", 0},
    {"a.b", NULL, "cross-site", 0},
    {"a.b", "http://a.b", NULL, 1},
    {"A.B", "HTTPS://a.b", "same-origin", 1},
    {"a.b:80", "http://a.b", NULL, 1},
    {"a.b:443", "https://a.b", NULL, 1},
    {"a.b:81", "http://a.b:81", NULL, 1},
    {"inner", "https://a.b", "same-origin", 1}, /* behind a proxy */
    {"inner", "https://a.b", NULL, 0},
    {"a.b", "http://a.b:81", "same-site", 0},
    {"a.b:81", "http://a.b:82", NULL, 0},
    {"a.b:80", "https://a.b", NULL, 0},
    {"a.b", "http://evil", NULL, 0},
    {"a.b", "http://evil", "cross-site", 0},
    {"a.b", "http://a.b.evil", NULL, 0},
    {"a.b", "http://a.b@evil", NULL, 0},
    {"a.b", "http://a.b/x", NULL, 0},
    {"a.b", "http://", NULL, 0},
    {"a.b", "a.b", NULL, 0},
    {"a.b", "null", NULL, 0},
    {"a.b", "", NULL, 0},
    {"a.b", "https://app.example", NULL, 2},
    {"a.b", "https://APP.example", "cross-site", 2},
    {"a.b", "http://app.example", NULL, 0},
    {"a.b", "https://app.example:444", NULL, 0},
};

static void
come_if(int least)
{
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        const uint32_t status =
            send_from(pages[i].host, pages[i].origin, pages[i].site);
        const int may = pages[i].may > 0 && pages[i].may <= least;
        ck_assert_msg((status != 403) == may, "%zu", i);
    }
}

START_TEST(a_page_of_another_origin_may_not_upload)
{
    begin();
    come_if(1);
}
END_TEST

START_TEST(unless_the_option_names_it)
{
    et_test_option("origin", "https://other.example");
    et_test_option("origin", "https://app.example");
    begin();
    come_if(2);
}
END_TEST

START_TEST(or_any)
{
    et_test_option("origin", "*");
    begin();
    ck_assert_uint_eq(send_from("a.b", "null", "cross-site"), 201);
}
END_TEST

START_TEST(two_origins_are_none)
{
    begin();
    et_test_request("POST", "/upload");
    et_test_header("Host", "a.b");
    et_test_header("Origin", "http://a.b");
    et_test_header("Origin", "http://evil");
    et_test_body("hello", 5);
    ck_assert_uint_eq(et_test_run(), 403);
    ck_assert(!et_test_body_was_read());
}
END_TEST

UNIT_MAIN_IN(make_folder, remove_folder, origin,
             a_page_of_another_origin_may_not_upload,
             unless_the_option_names_it, or_any, two_origins_are_none)
