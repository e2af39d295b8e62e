/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* parts.c - conditions and parts: what is answered from what is stored, and
 * what answers one request only. */
#include "help.h"

static uint32_t
tagged(et_req *r)
{
    (void)et_set(r, "ETag", et_s("\"v1\""));
    (void)et_set(r, "Last-Modified", et_s("Sun, 06 Nov 1994 08:49:37 GMT"));
    (void)et_set(r, "Content-Language", et_s("en"));
    return et_text(r, 200, "0123456789");
}

static void
status_with(const char *line, uint32_t status, const char *text)
{
    ck_assert_msg(ask_with("GET", "/t", WITH(line)) == status, "%s: %u", line,
                  et_test_status());
    is_now("HIT", text);
}

START_TEST(conditions_are_judged_by_what_is_stored)
{
    serve();
    act = tagged;
    get("/t", "MISS", "0123456789");
    status_with("If-None-Match: \"v1\"", 304, "");
    ck_assert_str_eq(et_test_field("ETag", 0), "\"v1\"");
    ck_assert_str_eq(et_test_field("Cache-Control", 0), "max-age=60");
    ck_assert_ptr_null(et_test_field("Content-Language", 0));
    status_with("If-None-Match: \"v0\", W/\"v1\"", 304, "");
    status_with("If-None-Match: *", 304, "");
    status_with("If-None-Match: \"v0\"", 200, "0123456789");
    status_with("If-None-Match: v1", 200, "0123456789");
    status_with("If-None-Match: \"v1", 200, "0123456789");
    status_with("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 304, "");
    status_with("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", 200,
                "0123456789");
    status_with("If-Modified-Since: never", 200, "0123456789");
    ck_assert_uint_eq(
        ask_with("GET", "/t",
                 WITH("If-None-Match: \"v0\"",
                      "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT")),
        200);
    ck_assert_int_eq(n_asked, 1);
}
END_TEST

START_TEST(a_part_is_cut_from_what_is_stored)
{
    serve();
    act = tagged;
    get("/t", "MISS", "0123456789");
    status_with("Range: bytes=2-4", 206, "234");
    ck_assert_str_eq(et_test_field("Content-Range", 0), "bytes 2-4/10");
    status_with("Range: bytes=7-", 206, "789");
    status_with("Range: bytes=-3", 206, "789");
    status_with("Range: bytes=-99", 206, "0123456789");
    status_with("Range: bytes=5-99999999999999999999", 200, "0123456789");
    status_with("Range: bytes=9-99999", 206, "9");
    ck_assert_uint_eq(ask_with("GET", "/t", WITH("Range: bytes=10-")), 416);
    ck_assert_str_eq(et_test_field("Content-Range", 0), "bytes */10");
    ck_assert_ptr_null(et_test_field("ETag", 0));
    ck_assert_uint_eq(ask_with("GET", "/t", WITH("Range: bytes=-0")), 416);
    status_with("Range: bytes=1-2,4-5", 200, "0123456789");
    status_with("Range: bytes=4-2", 200, "0123456789");
    status_with("Range: bytes=", 200, "0123456789");
    status_with("Range: bytes=-", 200, "0123456789");
    status_with("Range: lines=1-2", 200, "0123456789");
    ck_assert_uint_eq(
        ask_with("GET", "/t", WITH("Range: bytes=0-0", "If-Range: \"v1\"")),
        206);
    ck_assert_uint_eq(
        ask_with("GET", "/t", WITH("Range: bytes=0-0", "If-Range: \"v2\"")),
        200);
    ck_assert_uint_eq(ask_with("HEAD", "/t", WITH("Range: bytes=0-0")), 200);
    ck_assert_int_eq(n_asked, 1);
}
END_TEST

START_TEST(what_is_said_once_is_nothing_if_it_is_said_twice)
{
    static const char now[] =
        "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT";
    const char *const *const v[] = {
        WITH(now, now), WITH(now, now, now),
        WITH("Range: bytes=0-0", "Range: bytes=2-3"),
        WITH("Range: bytes=0-0", "If-Range: \"v1\"", "If-Range: \"v1\"")};

    serve();
    act = tagged;
    get("/t", "MISS", "0123456789");
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        ck_assert_msg(ask_with("GET", "/t", v[i]) == 200, "%zu", i);
        is_now("HIT", "0123456789");
    }
    /* that is a list, in however many lines it comes */
    ck_assert_uint_eq(
        ask_with("GET", "/t",
                 WITH("If-None-Match: \"v0\", \"v2\"", "If-None-Match: \"v3\"",
                      "If-None-Match: W/\"v1\"")),
        304);
    ck_assert_int_eq(n_asked, 1);
}
END_TEST

static uint32_t
part(et_req *r)
{
    if (!et_header(r, "range").p)
        return count(r);
    (void)et_set(r, "Content-Range", et_s("bytes 0-0/9"));
    return et_text(r, 206, "x");
}

START_TEST(a_part_that_a_handler_sends_is_not_stored)
{
    serve();
    act = part;
    ck_assert_uint_eq(ask_with("GET", "/p", WITH("Range: bytes=0-0")), 206);
    is_now("MISS", "x");
    get("/p", "MISS", "2 at /p");
    act = count; /* one that does not know parts */
    get_with("/q", "Range: bytes=0-0", "MISS", "3 at /q");
    get("/q", "HIT", "3 at /q");
}
END_TEST

/* It has something for everybody, and an answer to odd requests. */
static uint32_t
picky(et_req *r)
{
    if (et_header(r, "range").p)
        return et_error(r, 416, "no such part\n");
    if (et_header(r, "authorization").p)
        return et_error(r, 401, "wrong\n");
    return et_header(r, "x-large").p ? et_error(r, 431, "large\n") : count(r);
}

START_TEST(what_answers_one_request_is_for_nobody_else)
{
    static const struct {
        const char *line;
        uint32_t status;
    } odd[] = {{"Range: bytes=99999-", 416},
               {"Authorization: x", 401},
               {"X-Large: x", 431}};

    serve();
    act = picky;
    control = "public, max-age=60";
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(ask_with("GET", "/a", WITH(odd[i].line)),
                          odd[i].status);
        ck_assert_uint_eq(ask_with("GET", "/a", NULL), 200);
        ck_assert_int_eq(et_test_metric("hits"), 0);
        (void)et_test_command("purge", "all");
    }
}
END_TEST

UNIT_MAIN_IN(begin, et_test_end, parts, conditions_are_judged_by_what_is_stored,
             a_part_is_cut_from_what_is_stored,
             what_is_said_once_is_nothing_if_it_is_said_twice,
             a_part_that_a_handler_sends_is_not_stored,
             what_answers_one_request_is_for_nobody_else)
