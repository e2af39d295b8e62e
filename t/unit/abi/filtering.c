/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* filtering.c - body steps, and fields behind a request's body, as the mock
 * server of etude_test.h has them: this file is a plugin and its own test.
 * What the server itself does is tried by e2e/filter.c. */
#define ET_NEED 1
#include "abi/etude_test.h"
#include "t/lib/unit.h"

/* ---- the plugin ----------------------------------------------------------*/

static uint32_t (*act)(et_req *r);
static uint32_t (*on_response)(et_req *r);
static int32_t (*on_body)(et_req *r, const char *p, size_t n, uint32_t flags);
static int32_t rc[4];
static int n_pieces, n_logged;
static uint32_t seen_flags;
static int64_t sent_bytes;
static char trace[64];

static uint32_t
ask(et_req *r)
{
    rc[0] = et_filter(r);
    rc[1] = et_filter(r); /* is asked already */
    return rc[0] < 0 || rc[1] < 0 ? ET_FAIL : ET_NEXT;
}

static int32_t
mark(et_req *r, const char *p, size_t n, uint32_t flags)
{
    if (n_pieces == 1 && et_emit(r, "<", 1, 0) < 0)
        return ET_ECANCEL;
    if (!(flags & ET_BODY_LAST))
        return et_emit(r, p, n, flags);
    return et_emit(r, p, n, 0) < 0 ? ET_ECANCEL : et_emit(r, ">", 1, flags);
}

ET_RESPONSE(response_step)
{
    return on_response ? on_response(r) : ET_NEXT;
}

ET_BODY(body_step)
{
    n_pieces++;
    seen_flags |= flags;
    return on_body(r, p, n, flags);
}

ET_LOG(log_step)
{
    n_logged++;
    sent_bytes = r->http->number(r, ET_N_SENT_BYTES);
    return ET_NEXT;
}

ET_GET("/whole", whole)
{
    return act(r);
}

ET_GET_TASK("/write", write_)
{
    return act(r);
}

ET_POST("/collected", collected)
{
    return act(r);
}

ET_ROUTE("POST", "/plain", plain, ET_B_NONE, NULL)
{
    return act(r);
}

ET_PUT_TASK("/read", read_)
{
    return act(r);
}

ET_NEED_IFACE(ET_IF_HTTP, et_http, emit);
ET_PLUGIN("org.example.filtering", "1.0.0");

/* ---- its tests -----------------------------------------------------------*/

static void
begin(void)
{
    act = NULL;
    on_response = ask;
    on_body = mark;
    memset(rc, 0, sizeof rc);
    n_pieces = n_logged = 0;
    seen_flags = 0;
    trace[0] = 0;
    ck_assert_msg(et_test_open() == 0, "%s", et_test_why());
}

static uint32_t
run_as(const char *method, const char *target, uint32_t (*what)(et_req *r))
{
    act = what;
    n_pieces = 0;
    seen_flags = 0;
    et_test_request(method, target);
    return et_test_run();
}

static uint32_t
hello(et_req *r)
{
    return et_text(r, 200, "hello");
}

static uint32_t
nothing(et_req *r)
{
    return et_text(r, 200, "%s", "");
}

START_TEST(an_answer_that_is_decided_goes_through_it)
{
    ck_assert_uint_eq(run_as("GET", "/whole", hello), 200);
    ck_assert_str_eq(et_test_text(), "<hello>");
    ck_assert_int_eq(n_pieces, 2);
    ck_assert_uint_eq(seen_flags, ET_BODY_LAST);
    ck_assert_int_eq(sent_bytes, 7);
    ck_assert(!et_test_is_cut());
    et_test_pieces(2);
    ck_assert_uint_eq(run_as("GET", "/whole", hello), 200);
    ck_assert_str_eq(et_test_text(), "<hello>");
    ck_assert_int_eq(n_pieces, 4);
    ck_assert_uint_eq(run_as("GET", "/whole", nothing), 200);
    ck_assert_str_eq(et_test_text(), "<>");
    ck_assert_int_eq(n_pieces, 1);
    ck_assert_uint_eq(run_as("GET", "/nowhere", hello), 404);
    ck_assert_str_eq(et_test_text(), "<Not Found\n>");
    on_response = NULL;
    ck_assert_uint_eq(run_as("GET", "/whole", hello), 200);
    ck_assert_str_eq(et_test_text(), "hello");
    ck_assert_int_eq(n_pieces, 0);
    ck_assert_int_eq(n_logged, 5);
}
END_TEST

static uint32_t
large(et_req *r)
{
    static char p[40000];

    memset(p, 'x', sizeof p);
    return et_bytes(r, 200, et_s(""), et_sn(p, sizeof p));
}

START_TEST(no_piece_of_one_is_larger_than_the_server_s)
{
    ck_assert_uint_eq(run_as("GET", "/whole", large), 200);
    ck_assert_uint_eq(et_test_length(), 40002);
    ck_assert_int_eq(n_pieces, 4);
}
END_TEST

/* "?len=N" says that. */
static uint32_t
two_pieces(et_req *r)
{
    int64_t length = -1;

    (void)et_to_int(et_query(r, "len"), 0, 100, &length);
    if (et_begin(r, 200, "text/plain", (uint64_t)length) < 0)
        return ET_FAIL;
    if (et_puts(r, "ab") < 0 || et_puts(r, "") < 0)
        return ET_FAIL;
    rc[2] = et_flush(r);
    if (rc[2] < 0 || et_puts(r, "c") < 0)
        return ET_FAIL;
    rc[3] = et_set_trailer(r, "X-Sum", et_s("7"));
    return ET_DONE;
}

START_TEST(an_answer_that_is_written_goes_through_it)
{
    ck_assert_uint_eq(run_as("GET", "/write", two_pieces), 200);
    ck_assert_str_eq(et_test_text(), "<abc>");
    ck_assert_int_eq(n_pieces, 4); /* ab, the flush, c, the end */
    ck_assert_uint_eq(seen_flags, ET_BODY_FLUSH | ET_BODY_LAST);
    ck_assert_int_eq(rc[2], 0);
    ck_assert_int_eq(rc[3], 0);
    ck_assert_str_eq(et_test_trailer("X-Sum"), "7");
    ck_assert(!et_test_is_cut());
    /* a length that it has said is not true any more */
    ck_assert_uint_eq(run_as("GET", "/write?len=3", two_pieces), 200);
    ck_assert_str_eq(et_test_text(), "<abc>");
    ck_assert_str_eq(et_test_trailer("X-Sum"), "7");
    ck_assert(!et_test_is_cut());
}
END_TEST

static uint32_t
no_content(et_req *r)
{
    return et_status(r, 204);
}

static uint32_t
not_modified(et_req *r)
{
    if (et_begin(r, 304, "", ET_ANY_LENGTH) < 0)
        return ET_FAIL;
    ck_assert_int_eq(et_puts(r, "x"), ET_ECANCEL);
    ck_assert_int_eq(et_flush(r), ET_ECANCEL);
    return ET_DONE;
}

START_TEST(where_there_is_no_body_it_sees_none)
{
    ck_assert_uint_eq(run_as("HEAD", "/whole", hello), 200);
    ck_assert_int_eq(n_pieces, 0);
    ck_assert_uint_eq(run_as("GET", "/whole", no_content), 204);
    ck_assert_int_eq(n_pieces, 0);
    ck_assert_uint_eq(run_as("GET", "/write", not_modified), 304);
    ck_assert_int_eq(n_pieces, 0);
    ck_assert(!et_test_is_cut());
}
END_TEST

static int32_t
fail_at_second(et_req *r, const char *p, size_t n, uint32_t flags)
{
    return n_pieces > 1 ? ET_EINVAL : et_emit(r, p, n, flags);
}

static int32_t
leave(et_req *r, const char *p, size_t n, uint32_t flags)
{
    (void)p;
    (void)n;
    (void)flags;
    et_panic(r, "no more");
}

START_TEST(one_that_fails_cuts_the_answer_off)
{
    on_body = fail_at_second;
    ck_assert_uint_eq(run_as("GET", "/whole", hello), 200);
    ck_assert_str_eq(et_test_text(), "hello");
    ck_assert(et_test_is_cut());
    ck_assert(et_test_logged(ET_L_ERROR, "cut off"));
    ck_assert_uint_eq(run_as("GET", "/write", two_pieces), 200);
    ck_assert_int_eq(rc[2], ET_EINVAL);
    ck_assert_str_eq(et_test_text(), "ab");
    ck_assert(et_test_is_cut());
    on_body = leave;
    ck_assert_uint_eq(run_as("GET", "/whole", hello), 200);
    ck_assert_uint_eq(et_test_length(), 0);
    ck_assert(et_test_is_cut());
    ck_assert_uint_eq(run_as("GET", "/write", two_pieces), 200);
    ck_assert(et_test_is_cut());
    ck_assert_int_eq(n_logged, 2); /* not of one that was left */
}
END_TEST

static void
note(void *what)
{
    strncat(trace, (const char *)what, sizeof trace - strlen(trace) - 1);
}

static int32_t
take_time(et_req *r, const char *p, size_t n, uint32_t flags)
{
    if (et_sleep(r, 10) < 0 || et_defer(r, note, (void *)(uintptr_t) "d") < 0)
        return ET_ECANCEL;
    note((void *)(uintptr_t) "p");
    ck_assert_int_eq(et_set(r, "X", et_s("1")), ET_EPHASE);
    if (flags & ET_BODY_LAST && et_set_trailer(r, "X-End", et_s("1")) < 0)
        return ET_ENOMEM;
    return et_emit(r, p, n, flags);
}

START_TEST(it_may_do_what_a_task_may)
{
    on_body = take_time;
    ck_assert_uint_eq(run_as("GET", "/whole", hello), 200);
    ck_assert_str_eq(et_test_text(), "hello");
    ck_assert_str_eq(et_test_trailer("X-End"), "1");
    ck_assert_str_eq(trace, "ppdd");
    ck_assert_uint_eq(run_as("GET", "/write", two_pieces), 200);
    ck_assert_str_eq(et_test_text(), "abc");
    ck_assert_str_eq(trace, "ppddppppdddd");
}
END_TEST

static uint32_t
too_early(et_req *r)
{
    return et_text(r, 200, "%d %d", (int)et_filter(r),
                   (int)et_emit(r, "x", 1, 0));
}

static int32_t
round_and_round(et_req *r, const char *p, size_t n, uint32_t flags)
{
    ck_assert_int_eq(et_filter(r), ET_EPHASE);
    ck_assert_int_eq(et_puts(r, "again"), ET_EINVAL);
    ck_assert_int_eq(et_flush(r), ET_EINVAL);
    ck_assert_int_eq(et_emit(r, p, n, flags), 0);
    return flags & ET_BODY_LAST && et_emit(r, p, n, 0) != ET_EINVAL ? ET_EPHASE
                                                                    : 0;
}

START_TEST(what_cannot_be_is_refused)
{
    on_response = NULL;
    ck_assert_uint_eq(run_as("GET", "/whole", too_early), 200);
    ck_assert_str_eq(et_test_text(), "-3 -3");
    on_response = ask;
    on_body = round_and_round;
    ck_assert_uint_eq(run_as("GET", "/whole", hello), 200);
    ck_assert_str_eq(et_test_text(), "hello");
    ck_assert_uint_eq(run_as("GET", "/write", two_pieces), 200);
    ck_assert_str_eq(et_test_text(), "abc");
    et_test_request("GET", "/");
    ck_assert_uint_eq(et_test_call("response_step"), ET_NEXT);
    ck_assert_int_eq(rc[0], 0);
}
END_TEST

static void
ask_for_hello(void)
{
    act = hello;
    n_pieces = 0;
    et_test_request("GET", "/whole");
}

static void
ask_for_pieces(void)
{
    act = two_pieces;
    n_pieces = 0;
    et_test_request("GET", "/write");
}

static int32_t
copy(et_req *r, const char *p, size_t n, uint32_t flags)
{
    char *q = (char *)et_alloc(r, n);

    if (!q)
        return ET_ENOMEM;
    memcpy(q, p, n);
    return et_emit(r, q, n, flags);
}

START_TEST(each_call_can_be_failed)
{
    /* "<", hello, ">" */
    ck_assert_int_eq(et_test_each_wait(ask_for_hello, ET_ECANCEL), 3);
    ck_assert_int_eq(et_test_each_wait(ask_for_hello, ET_ETIME), 3);
    ck_assert_int_eq(et_test_each_wait(ask_for_hello, ET_ERETIRE), 3);
    et_test_fail_wait(2, ET_ECANCEL);
    ck_assert_uint_eq(run_as("GET", "/whole", hello), 200);
    ck_assert(et_test_is_cut());
    ck_assert_str_eq(et_test_text(), "<");
    /* begin, "<", ab, the flush, c, ">" */
    ck_assert_int_eq(et_test_each_wait(ask_for_pieces, ET_ECANCEL), 6);
    on_body = copy;
    /* the text, filter, two pieces */
    ck_assert_int_eq(et_test_out_of_memory(ask_for_hello), 4);
    /* the query, begin, filter, four pieces, the field behind them */
    ck_assert_int_eq(et_test_out_of_memory(ask_for_pieces), 8);
}
END_TEST

/* ---- fields behind a request's body --------------------------------------*/

static uint32_t
say_trailer(et_req *r)
{
    const et_str sum = et_trailer(r, "x-sum");

    return et_text(r, 200, "%.*s %d", sum.p ? (int)sum.n : 4,
                   sum.p ? sum.p : "none",
                   r->http->trailer(r, et_s("X-Sum"), 1).p != NULL);
}

static uint32_t
read_and_say(et_req *r)
{
    char p[4];
    int64_t n;

    while ((n = et_read_body(r, p, sizeof p)) > 0)
        ck_assert_ptr_null(et_trailer(r, "X-Sum").p);
    return n < 0 ? ET_FAIL : say_trailer(r);
}

static uint32_t
send(const char *method, const char *target, uint32_t (*what)(et_req *r))
{
    act = what;
    et_test_request(method, target);
    et_test_body("sent", 4);
    et_test_request_trailer("X-Sum", "7");
    et_test_request_trailer("X-Sum", "8");
    return et_test_run();
}

START_TEST(fields_behind_a_body_are_there_when_it_is_read)
{
    on_response = NULL;
    ck_assert_uint_eq(send("POST", "/collected", say_trailer), 200);
    ck_assert_str_eq(et_test_text(), "7 1");
    ck_assert_uint_eq(send("POST", "/plain", say_trailer), 200);
    ck_assert_str_eq(et_test_text(), "none 0");
    ck_assert_uint_eq(send("PUT", "/read", read_and_say), 200);
    ck_assert_str_eq(et_test_text(), "7 1");
    ck_assert_uint_eq(send("PUT", "/read", say_trailer), 200);
    ck_assert_str_eq(et_test_text(), "none 0");
    act = say_trailer;
    et_test_request("POST", "/collected");
    et_test_body("sent", 4);
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_text(), "none 0");
}
END_TEST

static et_str seen;
static int64_t seen_bytes;

static uint32_t
look(et_req *r)
{
    seen = et_answer_body(r);
    seen_bytes = et_answer_bytes(r);
    return ET_NEXT;
}

static uint32_t
look_and_say(et_req *r)
{
    look(r);
    return et_text(r, 201, "%.*s!", ET_STR(seen));
}

static uint32_t
look_behind(et_req *r)
{
    return et_filter(r) < 0 ? ET_FAIL : look(r);
}

static uint32_t
in_a_piece(et_req *r)
{
    const et_piece piece = et_piece_mem(et_s("hello"));
    return et_pieces(r, 200, et_s(""), &piece, 1);
}

static uint32_t
in_pieces(et_req *r)
{
    const et_piece v[] = {et_piece_mem(et_s("hel")), et_piece_mem(et_s("lo"))};
    return et_pieces(r, 200, et_s(""), v, 2);
}

static uint32_t
of_a_length(et_req *r)
{
    return et_begin(r, 200, "", 5) < 0 || et_puts(r, "hello") < 0 ? ET_FAIL
                                                                  : ET_DONE;
}

static uint32_t
of_any_length(et_req *r)
{
    return et_begin(r, 200, "", ET_ANY_LENGTH) < 0 || et_puts(r, "hello") < 0
               ? ET_FAIL
               : ET_DONE;
}

static void
sees(const char *path, uint32_t (*what)(et_req *r), int64_t bytes, int has_span)
{
    ck_assert_uint_eq(run_as("GET", path, what), 200);
    ck_assert_str_eq(et_test_text(), "hello");
    ck_assert_int_eq(seen_bytes, bytes);
    ck_assert_int_eq(seen.p != NULL, has_span);
    ck_assert_uint_eq(seen.n, has_span ? 5 : 0);
}

START_TEST(a_response_step_sees_the_answer)
{
    on_response = look;
    sees("/whole", hello, 5, 1);
    sees("/whole", in_a_piece, 5, 1);
    sees("/whole", in_pieces, 5, 0);
    sees("/write", of_a_length, 5, 0);
    sees("/write", of_any_length, -1, 0);
    on_response = look_and_say;
    ck_assert_uint_eq(run_as("GET", "/whole", hello), 201);
    ck_assert_str_eq(et_test_text(), "hello!");
    on_response = look_behind;
    ck_assert_uint_eq(run_as("GET", "/whole", hello), 200);
    ck_assert_str_eq(et_test_text(), "<hello>");
    ck_assert_ptr_null(seen.p);
    ck_assert_int_eq(seen_bytes, -1);
    ck_assert_uint_eq(run_as("GET", "/whole", look_and_say), 201);
    ck_assert_ptr_null(seen.p); /* it is no response step */
}
END_TEST

UNIT_MAIN_IN(begin, et_test_end, filtering,
             an_answer_that_is_decided_goes_through_it,
             no_piece_of_one_is_larger_than_the_server_s,
             an_answer_that_is_written_goes_through_it,
             where_there_is_no_body_it_sees_none,
             one_that_fails_cuts_the_answer_off, it_may_do_what_a_task_may,
             what_cannot_be_is_refused, each_call_can_be_failed,
             fields_behind_a_body_are_there_when_it_is_read,
             a_response_step_sees_the_answer)
