/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* watching.c - body steps that only look, and the fields of an answer one by
 * one, as the mock server of etude_test.h has them: this file is a plugin and
 * its own test.  What the server itself does is tried by e2e/look.c. */
#define ET_NEED 1
#include "abi/etude_test.h"
#include "t/lib/unit.h"

/* ---- the plugin ----------------------------------------------------------*/

static int32_t (*on_body)(et_req *r, const char *p, size_t n, uint32_t flags);
static int filters_too;
static char seen[128], names[128];
static int32_t rc[2];

ET_RESPONSE(response_step)
{
    et_field f;
    size_t n = 0;

    names[0] = 0;
    for (uint32_t i = 0; et_answer_field(r, i, &f); i++)
        n += (size_t)snprintf(names + n, sizeof names - n, "%.*s=%.*s;",
                              ET_STR(f.name), ET_STR(f.value));
    seen[0] = 0;
    rc[0] = et_watch(r);
    rc[1] = filters_too ? et_filter(r) : et_watch(r);
    return rc[0] < 0 || rc[1] < 0 ? ET_FAIL : ET_NEXT;
}

ET_BODY(body_step)
{
    strncat(seen, p, n);
    strcat(seen, flags & ET_BODY_LAST ? "." : "|");
    return on_body ? on_body(r, p, n, flags) : 0;
}

ET_GET("/whole", whole)
{
    return et_text(r, 200, "hello");
}

/* "?len=N" says that. */
ET_GET_TASK("/write", write_)
{
    int64_t length = -1;

    (void)et_to_int(et_query(r, "len"), 0, 100, &length);
    if (et_begin(r, 200, "text/plain", (uint64_t)length) < 0)
        return ET_FAIL;
    return et_puts(r, "ab") < 0 || et_puts(r, "c") < 0 ? ET_FAIL : ET_DONE;
}

ET_GET("/fields", fields)
{
    static const et_field more[] = {{{"B", 1}, {"2", 1}}, {{"C", 1}, {"", 0}}};

    if (et_set(r, "A", et_s("1")) < 0 || et_add_static(r, more, 2) < 0 ||
        et_add(r, "B", et_s("3")) < 0 || et_del(r, "A") < 0)
        return ET_FAIL;
    return et_text(r, 200, "fields");
}

ET_PLUGIN("org.example.watching", "1.0.0");

/* ---- its tests -----------------------------------------------------------*/

static void
begin(void)
{
    on_body = NULL;
    filters_too = 0;
    ck_assert_msg(et_test_open() == 0, "%s", et_test_why());
}

static void
get(const char *target, const char *text, const char *what_it_saw)
{
    et_test_request("GET", target);
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_text(), text);
    ck_assert_str_eq(seen, what_it_saw);
}

START_TEST(what_it_has_seen_goes_on_by_itself)
{
    get("/whole", "hello", "hello|.");
    ck_assert(!et_test_is_cut());
    et_test_pieces(2);
    get("/whole", "hello", "he|ll|o|.");
    et_test_pieces(0);
    get("/write", "abc", "ab|c|.");
    ck_assert(!et_test_is_cut());
}
END_TEST

START_TEST(the_length_is_still_what_was_said)
{
    get("/write?len=3", "abc", "ab|c|.");
    ck_assert(!et_test_is_cut());
    get("/write?len=4", "abc", "ab|c|.");
    ck_assert(et_test_is_cut());
    get("/write?len=2", "ab", "ab|c|");
    ck_assert(et_test_is_cut());
}
END_TEST

static int32_t
fail_late(et_req *r, const char *p, size_t n, uint32_t flags)
{
    (void)r;
    (void)p;
    (void)flags;
    return n == 1 ? ET_EINVAL : 0;
}

START_TEST(one_that_fails_cuts_the_answer_off)
{
    on_body = fail_late;
    get("/write?len=3", "ab", "ab|c|");
    ck_assert(et_test_is_cut());
}
END_TEST

static int32_t
emit_refused(et_req *r, const char *p, size_t n, uint32_t flags)
{
    ck_assert_int_eq(et_emit(r, p, n, flags), ET_EPHASE);
    return 0;
}

START_TEST(it_cannot_pass_on)
{
    on_body = emit_refused;
    get("/whole", "hello", "hello|.");
}
END_TEST

static int32_t
emit_twice(et_req *r, const char *p, size_t n, uint32_t flags)
{
    return et_emit(r, p, n, 0) < 0 ? ET_ECANCEL : et_emit(r, p, n, flags);
}

START_TEST(who_asks_for_both_filters)
{
    filters_too = 1;
    on_body = emit_twice;
    get("/write?len=3", "ababcc", "ab|c|.");
    ck_assert(!et_test_is_cut());
    get("/whole", "hellohello", "hello|.");
}
END_TEST

START_TEST(the_fields_are_there_in_their_order)
{
    get("/fields", "fields", "fields|.");
    ck_assert_str_eq(names, "B=2;C=;B=3;");
    get("/whole", "hello", "hello|.");
    ck_assert_str_eq(names, "");
}
END_TEST

static void
ask(void)
{
    et_test_request("GET", "/whole");
}

START_TEST(each_call_can_be_failed)
{
    ck_assert_int_eq(et_test_each_wait(ask, ET_ECANCEL), 1);
    ck_assert_int_eq(et_test_out_of_memory(ask), 2); /* the text, watch */
    et_test_request("HEAD", "/whole");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(seen, "");
}
END_TEST

UNIT_MAIN_IN(begin, et_test_end, watching, what_it_has_seen_goes_on_by_itself,
             the_length_is_still_what_was_said,
             one_that_fails_cuts_the_answer_off, it_cannot_pass_on,
             who_asks_for_both_filters, the_fields_are_there_in_their_order,
             each_call_can_be_failed)
