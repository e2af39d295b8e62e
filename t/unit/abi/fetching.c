/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* fetching.c - et.fetch/1 as the mock server of etude_test.h has it: this file
 * is a plugin and its own test.  What the server itself does is tried by
 * e2e/fetch.c. */
#include "abi/etude_test.h"
#include "t/lib/unit.h"

#define URL "http://a.example/b?c"

static const char *method, *url;
static et_field field;
static uint32_t flags;
static uint64_t max_body;
static char said[64];

static et_fetch_ask
wish(void)
{
    et_fetch_ask ask = et_ask(method, et_s(url));

    ask.fields = &field;
    ask.n_fields = field.name.p ? 1 : 0;
    ask.flags = flags;
    ask.max_body = max_body;
    return ask;
}

static uint32_t
tell(et_req *r, int32_t rc, const et_reply *y)
{
    if (rc < 0)
        return et_error(r, 502, "%d\n", (int)rc);
    return et_text(r, y->status, "%.*s %.*s", ET_STR(et_reply_field(y, "x-a")),
                   ET_STR(y->body));
}

ET_GET_TASK("/whole", whole)
{
    et_fetch_ask ask = wish();
    et_reply *y;
    int32_t rc = et_fetch(r, &ask, &y);

    ck_assert((rc < 0) == !y);
    return tell(r, rc, y);
}

ET_GET_TASK("/pieces", pieces)
{
    et_fetch_ask ask = wish();
    char buf[64];
    size_t n = 0;
    et_reply *y;
    int64_t rc = et_fetch_open(r, &ask, &y), k;

    if (rc < 0)
        return tell(r, (int32_t)rc, NULL);
    while ((k = et_fetch_read(r, y, buf + n, 3)) > 0)
        n += (size_t)k;
    et_fetch_close(r, y);
    if (k == 0)
        ck_assert_int_lt(et_fetch_read(r, y, buf, 1), 0);
    return k < 0 ? tell(r, (int32_t)k, NULL)
                 : et_text(r, 200, "%.*s", (int)n, buf);
}

ET_GET_TASK("/stream", stream)
{
    et_fetch_ask ask = wish();
    et_reply *y;
    char c;
    int32_t rc;

    ask.body.n = 6;
    rc = et_fetch_open(r, &ask, &y);
    if (rc == 0)
        rc = et_fetch_send(r, y, "abc", 3);
    if (rc == 0 && flags & ET_FETCH_LENGTH) {
        ck_assert_int_eq(et_fetch_head(r, y), ET_EINVAL);
        ck_assert_int_eq(et_fetch_send(r, y, "abcdefg", 7), ET_EINVAL);
    }
    if (rc == 0)
        rc = et_fetch_send(r, y, "def", 3);
    if (rc == 0)
        rc = et_fetch_head(r, y);
    if (rc == 0) {
        ck_assert_int_eq(et_fetch_send(r, y, "x", 1), ET_EPHASE);
        ck_assert_int_eq((int)et_fetch_read(r, y, &c, 1), 1);
    }
    return tell(r, rc, y);
}

static uint32_t
resume(et_req *r, void *self, int32_t rc)
{
    const et_reply *y = (const et_reply *)*r->mine;

    (void)self;
    ck_assert_int_eq(rc, y->rc);
    return tell(r, rc, y);
}

ET_GET("/token", token)
{
    et_fetch_ask ask = wish();
    et_token t = et_suspend(r, resume, NULL, 0);
    et_reply *y;
    int32_t rc = et_fetch_start(r, &ask, t, &y);

    *r->mine = y;
    return rc < 0 ? tell(r, rc, NULL) : ET_WAIT;
}

ET_PLUGIN("org.example.fetching", "1.0.0");

static void
set_up(void)
{
    method = "GET";
    url = URL;
    flags = 0;
    max_body = 0;
    field = (et_field){{NULL, 0}, {NULL, 0}};
    ck_assert_int_eq(et_test_open(), 0);
    et_test_upstream(URL, 200, "hello");
    et_test_upstream_field("X-A", "b");
}

static void
expect(const char *path, uint32_t status, const char *text)
{
    uint32_t got;

    et_test_request("GET", path);
    got = et_test_run();
    if (got == ET_WAIT)
        got = et_test_turn();
    ck_assert_uint_eq(got, status);
    ck_assert_str_eq(et_test_text(), text);
}

static void
expect_rc(int32_t rc)
{
    snprintf(said, sizeof said, "%d\n", (int)rc);
    expect("/whole", 502, said);
    expect("/token", 502, said);
}

START_TEST(who_was_named_answers)
{
    set_up();
    field = (et_field){{"N", 1}, {"v", 1}};
    expect("/whole", 200, "b hello");
    ck_assert_str_eq(et_test_asked(), "GET " URL "\nN: v\n\n");
    expect("/token", 200, "b hello");
    et_test_pieces(2);
    expect("/pieces", 200, "hello");
    et_test_upstream(URL, 404, ""); /* from now on */
    expect("/whole", 404, " ");
    et_test_end();
    ck_assert_str_eq(et_test_asked(), "");
}
END_TEST

START_TEST(nobody_else_does)
{
    set_up();
    url = "http://other/";
    expect_rc(ET_ECONN);
    et_test_upstream_fails("http://other/", ET_ETIME);
    expect_rc(ET_ETIME);
    url = URL;
    max_body = 4;
    expect_rc(ET_ELIMIT);
    et_test_end();
}
END_TEST

START_TEST(what_the_server_would_refuse_is)
{
    static const char *const urls[] = {
        "", "/a", "http://", "http://a b/", "http://a/#b", "ftp://a.example/"};
    static const et_field fields[] = {{{"a b", 3}, {"c", 1}},
                                      {{"a", 1}, {"b\r\nc: d", 7}},
                                      {{"Expect", 6}, {"c", 1}},
                                      {{"Connection", 10}, {"c", 1}}};

    set_up();
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        url = urls[i];
        expect_rc(ET_EINVAL);
    }
    url = "https://a.example/";
    expect_rc(ET_ENOTSUP);
    url = URL;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        field = fields[i];
        expect_rc(ET_EINVAL);
    }
    field = (et_field){{NULL, 0}, {NULL, 0}};
    method = "CONNECT";
    expect_rc(ET_EINVAL);
    method = "GET";
    flags = ET_FETCH_STREAM;
    expect_rc(ET_EINVAL);
    et_test_end();
}
END_TEST

START_TEST(a_body_is_sent)
{
    set_up();
    method = "POST";
    flags = ET_FETCH_STREAM;
    expect("/stream", 200, "b ");
    ck_assert_str_eq(et_test_asked(), "POST " URL "\n\nabcdef");
    flags |= ET_FETCH_LENGTH;
    expect("/stream", 200, "b ");
    et_test_end();
}
END_TEST

static void
build_whole(void)
{
    et_test_request("GET", "/whole");
}

static void
build_pieces(void)
{
    et_test_request("GET", "/pieces");
}

START_TEST(each_call_may_come_to_nothing)
{
    set_up();
    ck_assert_int_eq(et_test_each_wait(build_whole, ET_ECANCEL), 1);
    ck_assert_int_gt(et_test_each_wait(build_pieces, ET_ETIME), 2);
    ck_assert_int_gt(et_test_each_wait(build_pieces, ET_ELIMIT), 2);
    ck_assert_int_gt(et_test_out_of_memory(build_whole), 2);
    ck_assert_int_gt(et_test_out_of_memory(build_pieces), 1);
    et_test_end();
}
END_TEST

UNIT_MAIN(fetching, who_was_named_answers, nobody_else_does,
          what_the_server_would_refuse_is, a_body_is_sent,
          each_call_may_come_to_nothing)
