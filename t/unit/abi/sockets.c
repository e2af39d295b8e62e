/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* sockets.c - et.ws/1 as the mock server of etude_test.h has it: this file is a
 * plugin and its own test.  What the server itself does is tried by e2e/ws.c.
 */
#include "abi/etude_test.h"
#include "t/lib/unit.h"

/* ---- the plugin ----------------------------------------------------------*/

static char trace[128]; /* a letter for each thing that happens */
static et_token token;
static uint32_t last_code;

static void
note(const char *what)
{
    strncat(trace, what, sizeof trace - strlen(trace) - 1);
}

static void
on_open(et_ws *s, void *self)
{
    (void)self;
    note("o");
    token = et_ws_token(s);
    if (s->protocol.p)
        (void)et_ws_send(s, ET_WS_BINARY, s->protocol.p, s->protocol.n);
}

static void
on_message(et_ws *s, void *self, uint32_t type, const char *p, size_t n)
{
    (void)self;
    note("m");
    if (n == 3 && memcmp(p, "bye", 3) == 0)
        ck_assert_int_eq(et_ws_close(s, 4000, "bye"), 0);
    else if (et_ws_send(s, type, p, n) == ET_ELIMIT)
        note("!");
}

static void
on_writable(et_ws *s, void *self)
{
    (void)self;
    note("w");
    (void)et_ws_text(s, "again");
}

static void
on_retiring(et_ws *s, void *self)
{
    (void)s;
    (void)self;
    note("r");
}

static void
on_close(et_ws *s, void *self, uint32_t code, et_str reason)
{
    (void)s;
    (void)self;
    (void)reason;
    note("c");
    last_code = code;
}

static const et_ws_calls calls = {ET_WS_CALLS, on_open,     on_message,
                                  on_writable, on_retiring, on_close};
static const et_ws_calls none = {ET_WS_CALLS, NULL, NULL, NULL, NULL, NULL};

ET_GET("/talk", talk)
{
    static const et_str protocols[] = {{"a", 1}, {"b", 1}};
    const et_ws_ask ask = {ET_WS_ASK, protocols, 2, NULL, 0, 0, 0, 0, 0};

    (void)self;
    return et_ws_accept(r, &calls, &ask, NULL);
}

ET_GET("/mute", mute)
{
    (void)self;
    return et_ws_accept(r, &none, NULL, NULL);
}

ET_POST("/post", post)
{
    (void)self;
    return et_ws_accept(r, &calls, NULL, NULL);
}

ET_GET("/take", take)
{
    (void)r;
    (void)self;
    return ET_TAKE;
}

static int fails;

ET_RESPONSE(response_step)
{
    note("R");
    ck_assert_uint_eq(et_ws_accept(r, &calls, NULL, NULL), ET_FAIL);
    return fails ? et_fail(r, "no") : ET_NEXT;
}

ET_LOG(log_step)
{
    (void)r;
    note("L");
    return ET_NEXT;
}

ET_PLUGIN("org.etude.test.sockets", "1.0.0");

/* ---- the test ------------------------------------------------------------*/

static uint32_t
ask(const char *path)
{
    trace[0] = '\0';
    et_test_request("GET", path);
    return et_test_run();
}

static void
forget(void)
{
    fails = 0;
    ck_assert_int_eq(et_test_open(), 0);
}

START_TEST(a_handshake_is_a_101_and_then_it_is_open)
{
    ck_assert_uint_eq(ask("/talk"), 101);
    ck_assert_str_eq(trace, "RLo");
    ck_assert_ptr_null(et_test_ws_sent(0));
    et_test_ws_text("hello");
    ck_assert_str_eq(et_test_ws_sent(0), "hello");
    ck_assert_uint_eq(et_test_ws_sent_type(0), ET_WS_TEXT);
    et_test_ws_message(ET_WS_BINARY, "\0", 1);
    ck_assert_uint_eq(et_test_ws_sent_length(1), 1);
    et_test_ws_close(1000, "");
    ck_assert_str_eq(trace, "RLommc");
    ck_assert_ptr_null(et_test_ws());
}
END_TEST

START_TEST(what_is_none_is_answered)
{
    et_test_request("POST", "/post");
    ck_assert_uint_eq(et_test_run(), 405);
    ck_assert_uint_eq(ask("/take"), 500);
    fails = 1;
    ck_assert_uint_eq(ask("/talk"), 500);
    ck_assert_str_eq(trace, "RL");
}
END_TEST

START_TEST(a_protocol_is_agreed_on)
{
    et_test_request("GET", "/talk");
    et_test_header("Sec-WebSocket-Protocol", "x, b, a");
    ck_assert_uint_eq(et_test_run(), 101);
    ck_assert_str_eq(et_test_ws_sent(0), "b");
}
END_TEST

START_TEST(a_slow_client_is_told_of)
{
    ck_assert_uint_eq(ask("/talk"), 101);
    et_test_ws_full(1);
    et_test_ws_text("one");
    et_test_ws_text("two"); /* does not come */
    ck_assert_str_eq(trace, "RLom!");
    et_test_ws_full(0);
    ck_assert_str_eq(trace, "RLom!w");
    ck_assert_str_eq(et_test_ws_sent(0), "again");
    ck_assert_int_eq(et_ws_send(et_test_ws(), ET_WS_TEXT, "\xff", 1),
                     ET_EINVAL);
    ck_assert_int_eq(et_ws_send(et_test_ws(), 3, "", 0), ET_EINVAL);
}
END_TEST

START_TEST(each_side_may_close)
{
    ck_assert_uint_eq(ask("/talk"), 101);
    ck_assert_int_eq(et_ws_close(et_test_ws(), 1005, NULL), ET_EINVAL);
    ck_assert_int_eq(et_ws_close(et_test_ws(), 1006, NULL), ET_EINVAL);
    et_test_ws_text("bye");
    ck_assert_uint_eq(et_test_ws_closed(), 4000);
    ck_assert_str_eq(et_test_ws_reason(), "bye");
    ck_assert_int_eq(et_ws_text(et_test_ws(), "x"), ET_ECANCEL);
    ck_assert_int_eq(et_ws_close(et_test_ws(), 1000, NULL), ET_ECANCEL);
    et_test_ws_retire(); /* too late to be told */
    et_test_ws_close(1006, "");
    ck_assert_uint_eq(last_code, 1006);
    ck_assert_str_eq(trace, "RLomc");
}
END_TEST

static void
on_post(et_ws *s, void *arg)
{
    (void)et_ws_text(s, "%s", (const char *)arg);
}

START_TEST(it_is_posted_to_while_it_lives)
{
    static char text[] = "posted";

    ck_assert_uint_eq(ask("/talk"), 101);
    ck_assert_int_eq(et_ws_post(et_test_ws()->ws, token, on_post, text), 0);
    ck_assert_int_eq(et_ws_post(et_test_ws()->ws, 4711, on_post, text),
                     ET_ESTALE);
    ck_assert_ptr_null(et_test_ws_sent(0));
    et_test_ws_turn();
    ck_assert_str_eq(et_test_ws_sent(0), "posted");
    et_test_ws_close(1001, "");
    ck_assert_int_eq(
        et_ws_post(et_test_mock_()->worker.ws, token, on_post, text),
        ET_ESTALE);
}
END_TEST

START_TEST(several_are_several)
{
    ck_assert_uint_eq(ask("/talk"), 101);
    ck_assert_uint_eq(ask("/mute"), 101);
    et_test_ws_text("nobody hears that");
    et_test_ws_retire();
    et_test_ws_pick(0);
    et_test_ws_text("one");
    ck_assert_str_eq(et_test_ws_sent(0), "one");
    et_test_ws_retire();
    et_test_ws_retire();
    trace[0] = '\0';
    ck_assert_int_eq(et_test_reload(""), 0); /* which closes both */
    ck_assert_str_eq(trace, "c");
    ck_assert_uint_eq(last_code, 1012);
}
END_TEST

UNIT_MAIN_IN(forget, et_test_end, sockets,
             a_handshake_is_a_101_and_then_it_is_open, what_is_none_is_answered,
             a_protocol_is_agreed_on, a_slow_client_is_told_of,
             each_side_may_close, it_is_posted_to_while_it_lives,
             several_are_several)
