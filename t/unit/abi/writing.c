/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* writing.c - answers that are written piece by piece, as the mock server of
 * etude_test.h has them: this file is a plugin and its own test.  What the
 * server itself does is tried by e2e/writer.c. */
#include "abi/etude_test.h"
#include "t/lib/unit.h"

/* ---- the plugin ----------------------------------------------------------*/

static uint32_t (*act)(et_req *r); /* what the route is to do */
static uint32_t (*on_response)(et_req *r);
static int32_t rc[8]; /* of its calls */
static int n_responses, n_logged, n_sleeps;
static uint32_t logged;
static char trace[64];

static void
note(void *what)
{
    strncat(trace, (const char *)what, sizeof trace - strlen(trace) - 1);
}

ET_REQUEST_TASK(request_step)
{
    return et_header(r, "X-Early").p ? act(r) : ET_NEXT;
}

ET_RESPONSE(response_step)
{
    n_responses++;
    ck_assert_int_eq(et_sleep(r, 1), ET_EPHASE); /* it is no task */
    ck_assert_int_eq(et_begin(r, 200, "", 0), ET_EPHASE);
    return on_response ? on_response(r) : ET_NEXT;
}

ET_LOG(log_step)
{
    n_logged++;
    logged = r->status;
    ck_assert(*r->mine == NULL);
    return ET_NEXT;
}

ET_GET_TASK("/write", write_)
{
    return act(r);
}

ET_PUT_TASK("/write", echo)
{
    return act(r);
}

ET_GET("/plain", plain)
{
    return act(r);
}

ET_NEED_IFACE(ET_IF_TASK, et_task, trailer);
ET_PLUGIN("org.example.writing", "1.0.0");

/* ---- its tests -----------------------------------------------------------*/

static void
begin(void)
{
    act = on_response = NULL;
    memset(rc, 0, sizeof rc);
    n_responses = n_logged = n_sleeps = 0;
    trace[0] = 0;
    ck_assert_msg(et_test_open() == 0, "%s", et_test_why());
}

static uint32_t
ask(const char *method, const char *target, uint32_t (*what)(et_req *r))
{
    act = what;
    et_test_request(method, target);
    return et_test_run();
}

static uint32_t
run(uint32_t (*what)(et_req *r))
{
    return ask("GET", "/write", what);
}

static uint32_t
three_pieces(et_req *r)
{
    char piece[] = "abc";

    if (et_defer(r, note, (void *)(uintptr_t) "d") < 0 ||
        et_set(r, "X-Own", et_s("1")) < 0)
        return ET_FAIL;
    rc[0] = et_begin(r, 200, "text/plain", ET_ANY_LENGTH);
    if (rc[0] < 0)
        return ET_FAIL;
    rc[1] = et_write(r, piece, 3);
    memset(piece, 'x', 3); /* it is copied */
    rc[2] = et_puts(r, "");
    rc[3] = et_writef(r, "%d%s", 12, "3");
    rc[4] = et_flush(r);
    rc[5] = et_sleep(r, 10);
    rc[6] = et_puts(r, "z");
    rc[7] = et_set(r, "X-Late", et_s("1"));
    return rc[6] < 0 ? ET_FAIL : ET_DONE;
}

START_TEST(pieces_are_collected)
{
    ck_assert_uint_eq(run(three_pieces), 200);
    ck_assert_str_eq(et_test_text(), "abc123z");
    ck_assert_uint_eq(et_test_length(), 7);
    ck_assert_str_eq(et_test_type(), "text/plain");
    ck_assert_str_eq(et_test_field("X-Own", 0), "1");
    ck_assert_ptr_null(et_test_field("X-Late", 0));
    ck_assert(!et_test_is_cut());
    for (int i = 0; i < 7; i++)
        ck_assert_int_eq(rc[i], 0);
    ck_assert_int_eq(rc[7], ET_EPHASE);
    ck_assert_int_eq(n_responses * 10 + n_logged, 11);
    ck_assert_uint_eq(logged, 200);
    ck_assert_str_eq(trace, "d");
}
END_TEST

static uint32_t
many_bytes(et_req *r)
{
    if (et_begin(r, 200, "", ET_ANY_LENGTH) < 0)
        return ET_FAIL;
    for (int i = 0; i < 10000; i++)
        if (et_writef(r, "%07d\n", i) < 0)
            return ET_FAIL;
    return et_writef(r, "%01000d|%0511d|%0512d|", 1, 2, 3) < 0 ? ET_FAIL
                                                               : ET_DONE;
}

START_TEST(of_any_length)
{
    const char *tail;

    ck_assert_uint_eq(run(many_bytes), 200);
    ck_assert_uint_eq(et_test_length(), 80000 + 1001 + 512 + 513);
    ck_assert_int_eq(memcmp(et_test_text() + 79992, "0009999\n", 8), 0);
    tail = et_test_text() + 80000;
    ck_assert_int_eq(memcmp(tail + 999, "1|0", 3), 0);
    ck_assert_int_eq(memcmp(tail + 1001 + 510, "2|0", 3), 0);
    ck_assert_str_eq(tail + 1001 + 512 + 511, "3|");
}
END_TEST

/* In a step that has seen it: the task goes on where it was. */
static uint32_t
dress(et_req *r)
{
    ck_assert_uint_eq(r->status, 200);
    ck_assert_str_eq(et_test_type(), "text/plain");
    return et_set(r, "X-Seen", r->http->get(r, et_s("X-Own"), 0)) < 0 ? ET_FAIL
                                                                      : ET_NEXT;
}

static uint32_t
deny(et_req *r)
{
    return et_text(r, 403, "no");
}

static uint32_t
drop(et_req *r)
{
    (void)r;
    return ET_DROP;
}

static uint32_t
give_in(et_req *r)
{
    return et_fail(r, "as it is told");
}

static uint32_t
panic(et_req *r)
{
    et_panic(r, "at once");
}

static uint32_t
go_on(et_req *r, void *self, int32_t result)
{
    (void)self;
    return et_set(r, "X-Waited", et_printf(r, "%d", (int)result)) < 0 ? ET_FAIL
                                                                      : ET_NEXT;
}

static void
given_up(et_req *r, void *self, int32_t why)
{
    (void)r;
    (void)self;
    ck_assert_int_eq(why, ET_ETIME);
    note((void *)(uintptr_t) "c");
}

static uint32_t
suspend(et_req *r)
{
    return et_suspend(r, go_on, given_up, 10) ? ET_WAIT : ET_FAIL;
}

static int32_t
job(void *arg)
{
    (void)arg;
    return 42;
}

static uint32_t
offload(et_req *r)
{
    return et_offload_then(r, job, NULL, go_on, NULL) < 0 ? ET_FAIL : ET_WAIT;
}

START_TEST(a_response_step_sees_it_before_it_is_written)
{
    on_response = dress;
    ck_assert_uint_eq(run(three_pieces), 200);
    ck_assert_str_eq(et_test_text(), "abc123z");
    ck_assert_str_eq(et_test_field("X-Seen", 0), "1");
    on_response = suspend;
    ck_assert_uint_eq(run(three_pieces), 200);
    ck_assert_str_eq(et_test_field("X-Waited", 0), "0");
    ck_assert_str_eq(et_test_text(), "abc123z");
    on_response = offload;
    ck_assert_uint_eq(run(three_pieces), 200);
    ck_assert_str_eq(et_test_field("X-Waited", 0), "42");
    ck_assert_str_eq(trace, "ddd");
}
END_TEST

START_TEST(a_response_step_may_answer_instead)
{
    on_response = deny;
    ck_assert_uint_eq(run(three_pieces), 403);
    ck_assert_str_eq(et_test_text(), "no");
    ck_assert_int_eq(rc[0], ET_ECANCEL);
    ck_assert_uint_eq(logged, 403);
    on_response = drop;
    ck_assert_uint_eq(run(three_pieces), 0);
    on_response = give_in;
    ck_assert_uint_eq(run(three_pieces), 500);
    on_response = suspend;
    et_test_fail_wait(2, ET_ETIME); /* the first is et_begin */
    ck_assert_uint_eq(run(three_pieces), 504);
    ck_assert_int_eq(n_responses * 10 + n_logged, 44);
    on_response = panic;
    ck_assert_uint_eq(run(three_pieces), 500);
    ck_assert(!et_test_is_cut());
    ck_assert_int_eq(rc[0], ET_ECANCEL);
    ck_assert_str_eq(trace, "dddcdd");
    on_response = NULL;
    ck_assert_uint_eq(run(three_pieces), 200);
}
END_TEST

START_TEST(a_request_step_may_write_it_too)
{
    act = three_pieces;
    et_test_request("GET", "/plain");
    et_test_header("X-Early", "1");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_text(), "abc123z");
    et_test_request("GET", "/");
    ck_assert_uint_eq(et_test_call("write_"), ET_DONE); /* nothing else runs */
    ck_assert_str_eq(et_test_text(), "abc123z");
    ck_assert_int_eq(n_responses, 1);
}
END_TEST

static uint32_t
try_everything(et_req *r)
{
    rc[0] = et_begin(r, 200, "", ET_ANY_LENGTH);
    rc[1] = et_write(r, "x", 1);
    rc[2] = et_flush(r);
    rc[3] = et_set_trailer(r, "X", et_s("1"));
    return et_text(r, 200, "%d %d %d %d", (int)rc[0], (int)rc[1], (int)rc[2],
                   (int)rc[3]);
}

static uint32_t
begin_oddly(et_req *r)
{
    rc[0] = et_write(r, "x", 1);
    rc[1] = et_begin(r, 99, "", 0);
    rc[2] = et_begin(r, 200, "a\nb", 0);
    rc[3] = et_begin(r, 201, NULL, 1);
    rc[4] = et_begin(r, 200, "", 0);
    rc[5] = et_write(r, "x", 1);
    return ET_DONE;
}

START_TEST(only_a_task_writes_and_once)
{
    ck_assert_uint_eq(ask("GET", "/plain", try_everything), 200);
    ck_assert_str_eq(et_test_text(), "-3 -3 -3 -3");
    ck_assert_uint_eq(run(begin_oddly), 201);
    ck_assert_int_eq(rc[0], ET_EPHASE);
    ck_assert_int_eq(rc[1], ET_EINVAL);
    ck_assert_int_eq(rc[2], ET_EINVAL);
    ck_assert_int_eq(rc[3], 0);
    ck_assert_int_eq(rc[4], ET_EPHASE);
    ck_assert_int_eq(rc[5], 0);
    ck_assert_str_eq(et_test_type(), "");
}
END_TEST

/* "?n=N&len=L": N bytes, of L. */
static uint32_t
of_a_length(et_req *r)
{
    int64_t n = 0, len = 0;

    (void)et_to_int(et_query(r, "n"), 0, 10, &n);
    (void)et_to_int(et_query(r, "len"), 0, 10, &len);
    ck_assert_int_eq(et_begin(r, 200, "", (uint64_t)len), 0);
    while (n-- > 0)
        rc[0] = et_write(r, "x", 1);
    (void)et_set_trailer(r, "X", et_s("1"));
    return ET_DONE;
}

START_TEST(a_length_is_kept)
{
    ck_assert_uint_eq(ask("GET", "/write?n=3&len=3", of_a_length), 200);
    ck_assert_int_eq(rc[0], 0);
    ck_assert(!et_test_is_cut());
    ck_assert_ptr_null(et_test_trailer("X")); /* it is not in chunks */
    ck_assert_uint_eq(ask("GET", "/write?n=4&len=3", of_a_length), 200);
    ck_assert_int_eq(rc[0], ET_EINVAL);
    ck_assert_str_eq(et_test_text(), "xxx");
    ck_assert(!et_test_is_cut());
    ck_assert_uint_eq(ask("GET", "/write?n=2&len=3", of_a_length), 200);
    ck_assert_str_eq(et_test_text(), "xx");
    ck_assert(et_test_is_cut());
    ck_assert(et_test_logged(ET_L_ERROR, "cut off"));
    ck_assert_uint_eq(ask("HEAD", "/write?n=0&len=3", of_a_length), 200);
    ck_assert(!et_test_is_cut());
}
END_TEST

static uint32_t
for_nobody(et_req *r)
{
    int64_t status = 200;

    (void)et_to_int(et_query(r, "s"), 200, 599, &status);
    rc[0] = et_begin(r, (uint32_t)status, "", ET_ANY_LENGTH);
    rc[1] = et_puts(r, "x");
    rc[2] = et_flush(r);
    rc[3] = et_sleep(r, 1); /* but it may go on */
    return et_query(r, "s").p ? ET_DONE : ET_FAIL;
}

static void
expect_no_body(uint32_t status)
{
    ck_assert_uint_eq(et_test_status(), status);
    ck_assert_uint_eq(et_test_length(), 0);
    ck_assert_int_eq(rc[0], 0);
    ck_assert_int_eq(rc[1], ET_ECANCEL);
    ck_assert_int_eq(rc[2], ET_ECANCEL);
    ck_assert_int_eq(rc[3], 0);
    ck_assert(!et_test_is_cut());
    ck_assert(!et_test_logged(ET_L_ERROR, ""));
}

START_TEST(some_answers_have_no_body)
{
    ask("HEAD", "/write", for_nobody);
    expect_no_body(200);
    ask("GET", "/write?s=204", for_nobody);
    expect_no_body(204);
    ask("GET", "/write?s=304", for_nobody);
    expect_no_body(304);
}
END_TEST

static uint32_t
fields_behind(et_req *r)
{
    ck_assert_int_eq(et_set_trailer(r, "X", et_s("1")), ET_EPHASE);
    ck_assert_int_eq(et_begin(r, 200, "", ET_ANY_LENGTH), 0);
    ck_assert_int_eq(et_set_trailer(r, "X-Sum", et_printf(r, "%d", 7)), 0);
    ck_assert_int_eq(et_set_trailer(r, "X-Empty", et_s(NULL)), 0);
    ck_assert_int_eq(et_set_trailer(r, "Content-Length", et_s("1")), ET_EINVAL);
    ck_assert_int_eq(et_set_trailer(r, "set-cookie", et_s("a=b")), ET_EINVAL);
    ck_assert_int_eq(et_set_trailer(r, "a b", et_s("1")), ET_EINVAL);
    ck_assert_int_eq(et_set_trailer(r, "X", et_s("1\r\nY: 2")), ET_EINVAL);
    return et_query(r, "cut").p ? ET_FAIL : ET_DONE;
}

START_TEST(fields_may_stand_behind_it)
{
    run(fields_behind);
    ck_assert_str_eq(et_test_trailer("x-sum"), "7");
    ck_assert_str_eq(et_test_trailer("X-Empty"), "");
    ck_assert_ptr_null(et_test_trailer("X"));
    ck_assert_ptr_null(et_test_field("X-Sum", 0));
    ask("GET", "/write?cut", fields_behind);
    ck_assert_ptr_null(et_test_trailer("X-Sum"));
    ask("HEAD", "/write", fields_behind);
    ck_assert_ptr_null(et_test_trailer("X-Sum"));
}
END_TEST

static uint32_t ends_with;

static uint32_t
end_oddly(et_req *r)
{
    ck_assert_int_eq(et_begin(r, 200, "", ET_ANY_LENGTH), 0);
    ck_assert_int_eq(et_puts(r, "abc"), 0);
    ck_assert_uint_eq(et_text(r, 200, "another"), ET_FAIL);
    return ends_with;
}

static uint32_t
end_in_panic(et_req *r)
{
    ck_assert_int_eq(et_begin(r, 200, "", ET_ANY_LENGTH), 0);
    ck_assert_int_eq(et_puts(r, "abc"), 0);
    et_panic(r, "no more");
}

START_TEST(what_fails_is_cut_off)
{
    static const uint32_t how[] = {ET_FAIL, ET_DROP, ET_NEXT, ET_WAIT, 77};

    for (size_t i = 0; i < sizeof how / sizeof *how; i++) {
        ends_with = how[i];
        ck_assert_uint_eq(run(end_oddly), 200);
        ck_assert(et_test_is_cut());
        ck_assert_str_eq(et_test_text(), "abc");
        ck_assert_uint_eq(logged, 200);
    }
    ck_assert_uint_eq(run(end_in_panic), 200);
    ck_assert(et_test_is_cut());
    ends_with = ET_DONE;
    ck_assert_uint_eq(run(end_oddly), 200);
    ck_assert(!et_test_is_cut());
}
END_TEST

static uint32_t
one_field(et_req *r)
{
    if (et_begin(r, 200, "", ET_ANY_LENGTH) < 0 ||
        et_set_trailer(r, "X", et_s("1")) < 0)
        return ET_FAIL;
    return ET_DONE;
}

static void
ask_for_a_field(void)
{
    act = one_field;
    et_test_request("GET", "/write");
}

static void
ask_for_three_pieces(void)
{
    act = three_pieces;
    et_test_request("GET", "/write");
}

START_TEST(each_call_can_be_failed)
{
    /* begin, 3 writes, flush, sleep; what is empty waits for nothing */
    ck_assert_int_eq(et_test_each_wait(ask_for_three_pieces, ET_ECANCEL), 6);
    ck_assert_int_eq(et_test_each_wait(ask_for_three_pieces, ET_ETIME), 6);
    ck_assert_int_eq(et_test_each_wait(ask_for_three_pieces, ET_ELIMIT), 6);
    ck_assert_int_eq(et_test_each_wait(ask_for_three_pieces, ET_ERETIRE), 6);
    et_test_fail_wait(1, ET_ELIMIT); /* it has not begun */
    ck_assert_uint_eq(run(three_pieces), 500);
    et_test_fail_wait(1, ET_ECANCEL);
    ck_assert_uint_eq(run(three_pieces), 0);
    et_test_fail_wait(2, ET_ECANCEL);
    ck_assert_uint_eq(run(three_pieces), 200);
    ck_assert_int_eq(rc[6], ET_ECANCEL);
    ck_assert(et_test_is_cut());
    et_test_fail_wait(5, ET_ERETIRE);
    ck_assert_uint_eq(run(three_pieces), 200);
    ck_assert_int_eq(rc[5], ET_ERETIRE);
    ck_assert_int_eq(rc[6], 0);
    ck_assert_str_eq(et_test_text(), "abc123z");
    ck_assert(!et_test_is_cut());
    ck_assert_int_eq(et_test_out_of_memory(ask_for_three_pieces), 3);
    ck_assert_int_eq(et_test_out_of_memory(ask_for_a_field), 2);
}
END_TEST

static int32_t
write_part(et_req *r, void *arg)
{
    return et_puts(r, (const char *)arg);
}

static uint32_t
in_parts(et_req *r)
{
    et_part v[2] = {{write_part, (void *)(uintptr_t) "a", 0, 0},
                    {write_part, (void *)(uintptr_t) "b", 0, 0}};

    return et_begin(r, 200, "", 2) < 0 || et_join(r, v, 2) < 0 || v[0].rc < 0
               ? ET_FAIL
               : ET_DONE;
}

static uint32_t
copy(et_req *r)
{
    char p[3];
    int64_t n;

    ck_assert_int_eq(et_begin(r, 200, "", ET_ANY_LENGTH), 0);
    while ((n = et_read_body(r, p, sizeof p)) > 0)
        ck_assert_int_eq(et_write(r, p, (size_t)n), 0);
    return ET_DONE;
}

START_TEST(with_all_else_that_a_task_does)
{
    ck_assert_uint_eq(run(in_parts), 200);
    ck_assert_str_eq(et_test_text(), "ab");
    ck_assert(!et_test_is_cut());
    act = copy;
    et_test_request("PUT", "/write");
    et_test_body("what is sent", 12);
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_text(), "what is sent");
}
END_TEST

/* ---- what goes on for long -----------------------------------------------*/

static uint32_t
until_retired(et_req *r)
{
    ck_assert_int_eq(et_begin(r, 200, "", ET_ANY_LENGTH), 0);
    while (rc[0] == 0 && !et_retiring(r)) {
        ck_assert_int_eq(et_puts(r, "."), 0);
        rc[0] = et_sleep(r, 1000);
    }
    rc[1] = et_writef(r, "bye %d %d", (int)rc[0], et_retiring(r));
    return ET_DONE;
}

static void
retire_after_three(void)
{
    if (++n_sleeps == 3) {
        ck_assert_str_eq(et_test_text(), "...");
        et_test_retire();
    }
}

static void
drained_after_two(void)
{
    if (++n_sleeps == 2)
        et_test_cancel(ET_ERETIRE);
}

static void
gone_after_two(void)
{
    if (++n_sleeps == 2)
        et_test_cancel(ET_ECANCEL);
}

START_TEST(what_goes_on_for_long_is_retired)
{
    et_test_meanwhile(retire_after_three);
    ck_assert_uint_eq(run(until_retired), 200);
    ck_assert_str_eq(et_test_text(), "...bye 0 1");
    et_test_meanwhile(drained_after_two);
    n_sleeps = 0;
    ck_assert_uint_eq(run(until_retired), 200);
    ck_assert_str_eq(et_test_text(), "..bye -10 1");
    ck_assert(!et_test_is_cut());
    et_test_meanwhile(gone_after_two);
    n_sleeps = rc[0] = 0;
    ck_assert_uint_eq(run(until_retired), 200);
    ck_assert_str_eq(et_test_text(), "..");
    ck_assert_int_eq(rc[1], ET_ECANCEL);
    ck_assert(et_test_is_cut());
    et_test_meanwhile(NULL);
    act = until_retired;
    rc[0] = 0;
    et_test_request("GET", "/write");
    et_test_retire();
    et_test_run();
    ck_assert_str_eq(et_test_text(), "bye 0 1");
}
END_TEST

/* ---- server-sent events --------------------------------------------------*/

static uint32_t
events(et_req *r)
{
    const et_event first = {et_s("tick"), et_s("1"), et_s("a\nb\r\nc\r\rd\n"),
                            1500};
    const et_event empty = {et_s(NULL), et_s(""), et_s(""), 0};
    const et_event none = {et_s("x"), et_s(NULL), et_s(NULL), 0};
    const et_event bad[] = {{et_s("a\nb"), et_s(NULL), et_s("x"), 0},
                            {et_s(NULL), et_s("a\rb"), et_s("x"), 0},
                            {et_s(NULL), et_sn("a\0b", 3), et_s("x"), 0}};

    ck_assert_int_eq(et_sse_begin(r), 0);
    ck_assert_int_eq(et_sse_send(r, &first), 0);
    ck_assert_int_eq(et_sse_send(r, &empty), 0);
    ck_assert_int_eq(et_sse_send(r, &none), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(et_sse_send(r, &bad[i]), ET_EINVAL);
    ck_assert_int_eq(et_sse_ping(r), 0);
    ck_assert_int_eq(et_writef(r, "last %.*s", ET_STR(et_sse_last_id(r))), 0);
    return ET_DONE;
}

START_TEST(events_are_lines)
{
    act = events;
    et_test_request("GET", "/write");
    et_test_header("Last-Event-ID", "41");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_text(),
                     "retry: 1500\nevent: tick\nid: 1\ndata: a\ndata: b\n"
                     "data: c\ndata: \ndata: d\ndata: \n\n"
                     "id: \ndata: \n\nevent: x\n\n:\n\nlast 41");
    ck_assert_str_eq(et_test_type(), "text/event-stream");
    ck_assert_str_eq(et_test_field("Cache-Control", 0), "no-store");
    ck_assert_str_eq(et_test_field("X-Accel-Buffering", 0), "no");
}
END_TEST

static uint32_t
sleep_long(et_req *r)
{
    const uint64_t from_ms = et_test_m_.now_ms;

    if (et_sse_begin(r) < 0)
        return ET_FAIL;
    rc[0] = et_sse_sleep(r, 2 * ET_SSE_KEEP_MS + 7);
    rc[1] = (int32_t)(et_test_m_.now_ms - from_ms);
    rc[2] = et_sse_sleep(r, ET_SSE_KEEP_MS);
    return rc[0] < 0 ? ET_FAIL : ET_DONE;
}

static void
ask_to_sleep_long(void)
{
    act = sleep_long;
    et_test_request("GET", "/write");
}

START_TEST(who_sleeps_says_that_it_is_there)
{
    ck_assert_uint_eq(run(sleep_long), 200);
    ck_assert_str_eq(et_test_text(), ":\n\n:\n\n");
    ck_assert_int_eq(rc[0], 0);
    ck_assert_int_eq(rc[1], 2 * ET_SSE_KEEP_MS + 7);
    ck_assert_int_eq(rc[2], 0);
    et_test_fail_wait(3, ET_ECANCEL); /* the first ping */
    ck_assert_uint_eq(run(sleep_long), 200);
    ck_assert_int_eq(rc[0], ET_ECANCEL);
    ck_assert_int_eq(et_test_each_wait(ask_to_sleep_long, ET_ERETIRE), 9);
}
END_TEST

UNIT_MAIN_IN(begin, et_test_end, writing, pieces_are_collected, of_any_length,
             a_response_step_sees_it_before_it_is_written,
             a_response_step_may_answer_instead,
             a_request_step_may_write_it_too, only_a_task_writes_and_once,
             a_length_is_kept, some_answers_have_no_body,
             fields_may_stand_behind_it, what_fails_is_cut_off,
             each_call_can_be_failed, with_all_else_that_a_task_does,
             what_goes_on_for_long_is_retired, events_are_lines,
             who_sleeps_says_that_it_is_there)
