/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* dialog.c - a task that is a WebSocket, as the mock server of etude_test.h has
 * it: this file is a plugin and its own test.  What the server itself does is
 * tried by e2e/ws_task.c. */
#include "abi/etude_test.h"
#include "t/lib/unit.h"

/* ---- the plugin ----------------------------------------------------------*/

static int32_t last_rc;
static uint32_t last_code;
static char last_reason[32];

static int32_t
hear(et_req *r, et_ws *s, uint64_t ms, et_ws_message *m)
{
    last_rc = et_ws_recv(r, s, ms, m);
    if (last_rc == 1) {
        last_code = m->code;
        snprintf(last_reason, sizeof last_reason, "%.*s", (int)m->text.n,
                 m->text.p);
    }
    return last_rc;
}

static uint32_t
echo_all(et_req *r, et_ws *s, uint64_t ms)
{
    et_ws_message m;

    while (hear(r, s, ms, &m) == 0) {
        if (et_eq(m.text, et_s("fail")))
            return et_fail(r, "as it was told");
        if (et_eq(m.text, et_s("close")))
            (void)et_ws_close(s, 4000, "bye");
        if ((last_rc = et_ws_put(r, s, m.type, m.text.p, m.text.n)) < 0)
            break;
        if (et_retiring(r))
            break;
    }
    return last_rc == 0 || last_rc == 1 || last_rc == ET_ETIME ? ET_DONE
                                                               : ET_FAIL;
}

ET_GET_TASK("/echo", echo)
{
    static const et_str protocols[] = {{"a", 1}};
    const et_ws_ask ask = {ET_WS_ASK, protocols, 1, NULL, 0, 0, 0, 0, 0};
    et_ws *s;
    const uint32_t rc = et_ws_open(r, &ask, &s);

    (void)self;
    if (!s)
        return rc;
    ck_assert_int_eq(et_begin(r, 200, "", ET_ANY_LENGTH), ET_EPHASE);
    ck_assert_int_eq(et_write(r, "x", 1), ET_EPHASE);
    if (s->protocol.p)
        (void)et_ws_put(r, s, ET_WS_BINARY, s->protocol.p, s->protocol.n);
    return echo_all(r, s, UINT64_MAX);
}

ET_GET_TASK("/short", short_)
{
    et_ws *s;
    const uint32_t rc = et_ws_open(r, NULL, &s);

    (void)self;
    return s ? echo_all(r, s, 10) : rc;
}

ET_GET("/plain", plain)
{
    et_ws *s;

    (void)self;
    return et_ws_open(r, NULL, &s);
}

ET_POST_TASK("/post", post)
{
    et_ws *s;

    (void)self;
    return et_ws_open(r, NULL, &s);
}

static int denies, n_logged;

ET_RESPONSE(on_response)
{
    return denies ? et_text(r, 403, "no") : ET_NEXT;
}

ET_LOG(on_log)
{
    (void)self;
    n_logged += r->status == 101;
    return ET_NEXT;
}

ET_PLUGIN("org.etude.test.dialog", "1.0.0");

/* ---- the test ------------------------------------------------------------*/

static uint32_t
get(const char *path)
{
    et_test_request("GET", path);
    return et_test_run();
}

START_TEST(what_came_before_it_was_open_comes_first)
{
    ck_assert_int_eq(et_test_open(), 0);
    et_test_ws_text("one");
    et_test_ws_message(ET_WS_BINARY, "\0\xff", 2);
    et_test_ws_message(ET_WS_TEXT, NULL, 0);
    et_test_ws_close(3000, "that is all");
    et_test_request("GET", "/echo");
    et_test_header("Sec-WebSocket-Protocol", "a");
    ck_assert_uint_eq(et_test_run(), 101);
    ck_assert_str_eq(et_test_ws_sent(0), "a");
    ck_assert_str_eq(et_test_ws_sent(1), "one");
    ck_assert_uint_eq(et_test_ws_sent_type(2), ET_WS_BINARY);
    ck_assert_uint_eq(et_test_ws_sent_length(2), 2);
    ck_assert_uint_eq(et_test_ws_sent_length(3), 0);
    ck_assert_ptr_null(et_test_ws_sent(4));
    ck_assert_uint_eq(last_code, 3000);
    ck_assert_str_eq(last_reason, "that is all");
    ck_assert_uint_eq(et_test_ws_closed(), 0); /* it did not have to */
    ck_assert_ptr_null(et_test_ws());
    ck_assert(!et_test_is_cut());
    ck_assert_int_eq(n_logged, 1);
    et_test_end();
}
END_TEST

static int turn;

static void
meanwhile(void)
{
    switch (turn++) {
    case 0: et_test_ws_text("first"); break;
    case 1:
        et_test_ws_full(1);
        et_test_ws_text("second");
        break;
    case 2: /* put waits */ et_test_ws_full(0); break;
    case 3: et_test_ws_close(1001, ""); break;
    default: ck_abort();
    }
}

START_TEST(more_comes_while_it_waits)
{
    ck_assert_int_eq(et_test_open(), 0);
    et_test_meanwhile(meanwhile);
    ck_assert_uint_eq(get("/echo"), 101);
    ck_assert_str_eq(et_test_ws_sent(0), "first");
    ck_assert_str_eq(et_test_ws_sent(1), "second");
    ck_assert_uint_eq(last_code, 1001);
    et_test_end();
}
END_TEST

START_TEST(the_step_s_end_is_its_end)
{
    ck_assert_int_eq(et_test_open(), 0);
    ck_assert_uint_eq(get("/short"), 101);
    ck_assert_int_eq(last_rc, ET_ETIME);
    ck_assert_uint_eq(et_test_ws_closed(), 1000);
    et_test_ws_text("fail");
    ck_assert_uint_eq(get("/short"), 101);
    ck_assert_uint_eq(et_test_ws_closed(), 1011);
    ck_assert(et_test_is_cut());
    et_test_ws_text("close");
    et_test_ws_text("nobody hears that");
    ck_assert_uint_eq(get("/short"), 101);
    ck_assert_int_eq(last_rc, ET_ECANCEL); /* of its put */
    ck_assert_uint_eq(et_test_ws_closed(), 4000);
    ck_assert_str_eq(et_test_ws_reason(), "bye");
    et_test_end();
}
END_TEST

static void
retire(void)
{
    et_test_ws_retire();
    et_test_ws_text("x");
}

START_TEST(who_is_retired_is_told_to_come_again)
{
    ck_assert_int_eq(et_test_open(), 0);
    et_test_meanwhile(retire);
    ck_assert_uint_eq(get("/echo"), 101);
    ck_assert_uint_eq(et_test_ws_closed(), 1012);
    et_test_end();
}
END_TEST

static void
leave(void)
{
    et_test_ws_close(1006, "");
}

START_TEST(a_client_that_goes_cancels_it)
{
    ck_assert_int_eq(et_test_open(), 0);
    et_test_meanwhile(leave);
    (void)get("/echo");
    ck_assert_int_eq(last_rc, ET_ECANCEL);
    et_test_meanwhile(NULL);
    (void)get("/echo"); /* nothing comes any more */
    ck_assert_int_eq(last_rc, ET_ECANCEL);
    ck_assert_uint_eq(et_test_ws_closed(), 0);
    et_test_end();
}
END_TEST

START_TEST(it_may_be_refused)
{
    ck_assert_int_eq(et_test_open(), 0);
    ck_assert_uint_eq(get("/plain"), 500);
    et_test_request("POST", "/post");
    ck_assert_uint_eq(et_test_run(), 405);
    denies = 1;
    ck_assert_uint_eq(get("/echo"), 403);
    ck_assert_str_eq(et_test_text(), "no");
    ck_assert_ptr_null(et_test_ws());
    denies = 0;
    et_test_end();
}
END_TEST

static void
build(void)
{
    et_test_request("GET", "/echo");
    et_test_ws_text("one");
    et_test_ws_close(1000, "");
}

START_TEST(whatever_fails)
{
    ck_assert_int_eq(et_test_open(), 0);
    ck_assert_int_gt(et_test_out_of_memory(build), 0);
    ck_assert_int_ge(et_test_each_wait(build, ET_ECANCEL), 4);
    ck_assert_int_ge(et_test_each_wait(build, ET_ERETIRE), 4);
    ck_assert_int_ge(et_test_each_wait(build, ET_ETIME), 4);
    et_test_end();
}
END_TEST

UNIT_MAIN(dialog, what_came_before_it_was_open_comes_first,
          more_comes_while_it_waits, the_step_s_end_is_its_end,
          who_is_retired_is_told_to_come_again, a_client_that_goes_cancels_it,
          it_may_be_refused, whatever_fails)
