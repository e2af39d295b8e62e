/* SPDX-License-Identifier: BSD-2-Clause */
/* resp.c - response fields: what may be set, by which name, how often.
 * tags: asan */
#include "http/resp.h"

#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "t/lib/unit.h"

static struct arena a;
static struct resp p;

static void
begin(void)
{
    arena_init(&a, NULL, 0, NULL, 1 << 20);
    resp_init(&p);
}

static void
end(void)
{
    resp_fini(&p);
    arena_reset(&a);
}

static int32_t
set(const char *name, const char *value, uint32_t mode)
{
    return resp_set(&p, &a, str_from_z(name), str_from_z(value), mode);
}

static void
expect(const char *name, uint32_t nth, const char *value)
{
    et_str got = resp_get(&p, str_from_z(name), nth);

    if (!value) {
        ck_assert_ptr_null(got.p);
        return;
    }
    ck_assert(str_eq(got, str_from_z(value)));
}

START_TEST(set_replaces_add_appends_delete_removes)
{
    begin();
    ck_assert_int_eq(set("X-A", "1", ET_ADD), 0);
    ck_assert_int_eq(set("x-a", "2", ET_ADD), 0);
    ck_assert_int_eq(set("X-B", "3", ET_SET), 0);
    expect("X-a", 0, "1");
    expect("X-a", 1, "2");
    expect("X-a", 2, NULL);
    ck_assert_int_eq(set("X-A", "4", ET_SET), 0);
    expect("X-A", 0, "4");
    expect("X-A", 1, NULL);
    ck_assert_int_eq(set("X-A", "", ET_DEL), 0);
    expect("X-A", 0, NULL);
    ck_assert_uint_eq(p.fields_len, strlen("X-B: 3\r\n"));
    ck_assert_int_eq(set("X-B", "", ET_DEL), 0);
    ck_assert_int_eq(set("X-C", "5", ET_ADD), 0);
    expect("X-C", 0, "5");
    end();
}
END_TEST

START_TEST(no_value_splits_the_response)
{
    static const char *const bad[] = {"a\r\nX: y", "a\nb", "a\rb", "\x01"};

    begin();
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        ck_assert_int_eq(set("X-A", bad[i], ET_SET), ET_EINVAL);
    ck_assert_int_eq(
        resp_set(&p, &a, str_from_z("X-A"), (et_str){"a\0b", 3}, ET_SET),
        ET_EINVAL);
    ck_assert_int_eq(set("X A", "b", ET_SET), ET_EINVAL);
    ck_assert_int_eq(set("X:A", "b", ET_SET), ET_EINVAL);
    ck_assert_int_eq(set("", "b", ET_SET), ET_EINVAL);
    ck_assert_int_eq(set("X-A", "b", 7), ET_EINVAL);
    ck_assert_uint_eq(p.fields_len, 0);
    end();
}
END_TEST

START_TEST(a_value_has_a_bound)
{
    static char large[65537];

    begin();
    memset(large, 'x', sizeof large);
    ck_assert_int_eq(
        resp_set(&p, &a, str_lit("X-A"), (et_str){large, sizeof large}, ET_SET),
        ET_ELIMIT);
    ck_assert_int_eq(resp_set(&p, &a, str_lit("X-A"),
                              (et_str){large, sizeof large - 1}, ET_SET),
                     0);
    end();
}
END_TEST

START_TEST(framing_is_the_hosts)
{
    static const char *const owned[] = {"Content-Length", "connection",
                                        "Transfer-Encoding", "DATE"};

    begin();
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        ck_assert_int_eq(set(owned[i], "1", ET_SET), ET_EINVAL);
    p.committed = 1;
    ck_assert_int_eq(set("X-A", "1", ET_SET), ET_EPHASE);
    end();
}
END_TEST

START_TEST(the_type_is_one_whoever_sets_it)
{
    begin();
    resp_reply_mem(&p, 200, str_from_z("text/plain"), "x", 1);
    expect("Content-Type", 0, "text/plain");
    ck_assert_int_eq(set("Content-Type", "text/html", ET_ADD), 0);
    expect("Content-Type", 0, "text/html");
    ck_assert_uint_eq(p.fields_len, 0);
    ck_assert_int_eq(set("content-type", "", ET_DEL), 0);
    expect("Content-Type", 0, NULL);
    end();
}
END_TEST

static int32_t
trailer(const char *name, const char *value)
{
    return resp_trailer(&p, &a, str_from_z(name), str_from_z(value));
}

START_TEST(fields_behind_the_body_are_of_what_is_written)
{
    static const char *const early[] = {"Content-Type",   "set-cookie", "Vary",
                                        "Content-Length", "Trailer",    "Host"};

    begin();
    ck_assert_int_eq(trailer("X-A", "1"), ET_EPHASE);
    resp_reply_mem(&p, 200, (et_str){NULL, 0}, "x", 1);
    ck_assert_int_eq(trailer("X-A", "1"), ET_EPHASE);
    resp_write(&p, 200, (et_str){NULL, 0}, RESP_ANY_LENGTH);
    p.committed = 1; /* they come later than all others */
    ck_assert_int_eq(set("X-B", "1", ET_SET), ET_EPHASE);
    ck_assert_int_eq(trailer("X-A", "1"), 0);
    ck_assert_int_eq(trailer("X-A", ""), 0);
    for (size_t i = 0; i < ARRAY_LEN(early); i++)
        ck_assert_int_eq(trailer(early[i], "1"), ET_EINVAL);
    ck_assert_int_eq(trailer("X A", "1"), ET_EINVAL);
    ck_assert_int_eq(trailer("X-A", "1\r\nY: 2"), ET_EINVAL);
    expect("X-A", 0, NULL);
    ck_assert_uint_eq(p.fields_len, 0);
    ck_assert(str_eq(p.trailers->value, str_from_z("1")));
    ck_assert(str_eq(p.trailers->next->value, str_from_z("")));
    ck_assert_ptr_null(p.trailers->next->next);
    resp_write(&p, 200, (et_str){NULL, 0}, 1); /* another answer */
    ck_assert_ptr_null(p.trailers);
    end();
}
END_TEST

START_TEST(fields_behind_it_have_bounds)
{
    static char value[70000];

    begin();
    resp_write(&p, 200, (et_str){NULL, 0}, RESP_ANY_LENGTH);
    memset(value, 'x', sizeof value - 1);
    ck_assert_int_eq(trailer("X-A", value), ET_ELIMIT);
    arena_reset(&a);
    arena_init(&a, NULL, 0, NULL, 0);
    ck_assert_int_eq(trailer("X-A", "1"), ET_ENOMEM);
    ck_assert_ptr_null(p.trailers);
    end();
}
END_TEST

START_TEST(all_fields_may_be_dropped)
{
    begin();
    ck_assert_int_eq(set("X-A", "1", ET_SET), 0);
    ck_assert_int_eq(set("Server", "mine", ET_SET), 0);
    resp_reply_mem(&p, 200, str_from_z("a/b"), "x", 1);
    resp_drop_fields(&p);
    expect("X-A", 0, NULL);
    ck_assert_int_eq(p.has_server, 0);
    ck_assert_uint_eq(p.fields_len, 0);
    ck_assert_ptr_null(p.filters);
    ck_assert_uint_eq(p.status, 200); /* what is decided stays */
    expect("Content-Type", 0, "a/b");
    ck_assert_int_eq(set("X-B", "2", ET_ADD), 0);
    expect("X-B", 0, "2");
    end();
}
END_TEST

UNIT_MAIN(resp, set_replaces_add_appends_delete_removes,
          no_value_splits_the_response, a_value_has_a_bound,
          framing_is_the_hosts, the_type_is_one_whoever_sets_it,
          fields_behind_the_body_are_of_what_is_written,
          fields_behind_it_have_bounds, all_fields_may_be_dropped)
