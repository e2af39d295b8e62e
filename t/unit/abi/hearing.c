/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* hearing.c - channels of WebSockets and of a state, as the mock server of
 * etude_test.h has them: this file is a plugin and its own test.  What the
 * server itself does is tried by e2e/ws_channel.c. */
#include "abi/etude_test.h"
#include "t/lib/unit.h"

/* ---- the plugin ----------------------------------------------------------*/

struct state {
    et_loop *loop;
    et_token token;
    char heard[64];
};

static struct state *state_here;

static void
on_news(et_loop *l, void *arg, et_str channel, et_str message)
{
    struct state *s = (struct state *)arg;

    snprintf(s->heard + strlen(s->heard), sizeof s->heard - strlen(s->heard),
             "%.*s=%.*s ", ET_STR(channel), ET_STR(message));
    if (et_eq(message, et_s("enough")))
        (void)et_loop_cancel(l, s->token);
    if (et_eq(message, et_s("again")))
        (void)et_publish(l, et_s("news"), et_s("once more"));
}

static int32_t
init(et_worker *w, const void *from, void *state, et_err *e)
{
    struct state *s = (struct state *)state;

    (void)from;
    (void)e;
    state_here = s;
    s->loop = et_loop_open(w);
    if (et_loop_open(w)) /* there is one */
        return ET_EINVAL;
    s->token = et_listen(s->loop, et_s("news"), on_news, s);
    return s->token ? 0 : ET_ENOMEM;
}

ET_STATE(struct state, init, NULL);

static void
on_message(et_ws *s, void *self, uint32_t type, const char *p, size_t n)
{
    const et_str text = et_sn(p, n);
    const et_channel_api *api =
        et_iface(s, ET_IF_CHANNEL, et_channel_api, subscribe_ws);

    (void)self;
    (void)type;
    if (et_eq(text, et_s("hear")))
        (void)et_ws_text(s, "%d",
                         (int)et_ws_subscribe(s, et_s("news"), ET_WS_TEXT));
    else if (et_eq(text, et_s("strict")))
        (void)et_ws_text(s, "%d",
                         (int)api->subscribe_ws(s, et_s("news"), ET_WS_BINARY,
                                                1, ET_CH_DROP_SELF));
    else if (et_eq(text, et_s("deaf")))
        et_ws_unsubscribe(s, et_s("news"));
    else
        (void)et_ws_text(s, "%d", (int)et_publish(s, et_s("news"), text));
}

static const et_ws_calls calls = {ET_WS_CALLS, NULL, on_message,
                                  NULL,        NULL, NULL};

ET_GET("/ws", ws)
{
    (void)self;
    return et_ws_accept(r, &calls, NULL, NULL);
}

ET_PLUGIN("org.etude.test.hearing", "1.0.0");

/* ---- the test ------------------------------------------------------------*/

static void
open_one(void)
{
    if (!et_test_m_.is_open)
        ck_assert_int_eq(et_test_open(), 0);
    et_test_request("GET", "/ws");
    ck_assert_uint_eq(et_test_run(), 101);
}

START_TEST(a_stream_is_sent_what_is_published)
{
    open_one();
    open_one();
    et_test_publish("news", "nobody");
    et_test_ws_text("hear");
    et_test_ws_text("hear"); /* told once all the same */
    et_test_publish("other", "no");
    et_test_publish("news", "a");
    et_test_publish("news", "\xff");
    et_test_ws_text("b"); /* its own: behind the answer */
    et_test_ws_text("deaf");
    et_test_publish("news", "c");
    for (size_t i = 0; i < 5; i++) {
        static const char *const all[] = {"0", "0", "a", "0", "b"};
        ck_assert_str_eq(et_test_ws_sent(i), all[i]);
    }
    ck_assert_ptr_null(et_test_ws_sent(5));
    ck_assert_str_eq(state_here->heard,
                     "news=nobody news=a news=\xff news=b news=c ");
    et_test_ws_pick(0);
    ck_assert_ptr_null(et_test_ws_sent(0));
}
END_TEST

START_TEST(one_that_is_slow_loses_the_oldest)
{
    open_one();
    et_test_ws_text("hear");
    et_test_ws_full(1);
    for (int i = 0; i < 70; i++) {
        char text[16];
        snprintf(text, sizeof text, "%d", i);
        et_test_publish("news", text);
    }
    ck_assert_ptr_null(et_test_ws_sent(1));
    et_test_ws_full(0);
    ck_assert_str_eq(et_test_ws_sent(1), "6");
    ck_assert_str_eq(et_test_ws_sent(64), "69");
    ck_assert_ptr_null(et_test_ws_sent(65));
}
END_TEST

START_TEST(or_is_closed)
{
    open_one();
    et_test_ws_text("strict");
    et_test_publish("news", "\xff");
    ck_assert_uint_eq(et_test_ws_sent_type(1), ET_WS_BINARY);
    et_test_ws_full(1);
    et_test_publish("news", "1");
    ck_assert_uint_eq(et_test_ws_closed(), 0);
    et_test_publish("news", "2");
    ck_assert_uint_eq(et_test_ws_closed(), 1008);
    et_test_publish("news", "3");
    et_test_ws_close(1008, "");
    et_test_publish("news", "4");
}
END_TEST

START_TEST(a_state_may_stop_listening)
{
    ck_assert_int_eq(et_test_open(), 0);
    et_test_publish("news", "again");
    et_test_publish("news", "enough");
    et_test_publish("news", "too much");
    ck_assert_str_eq(state_here->heard,
                     "news=again news=once more news=enough ");
    ck_assert_int_eq(
        et_test_m_.async.cancel(state_here->loop, state_here->token),
        ET_ESTALE);
}
END_TEST

START_TEST(there_may_be_trouble)
{
    open_one();
    et_test_fail_channel(ET_ELIMIT);
    et_test_ws_text("hear");
    ck_assert_str_eq(et_test_ws_sent(0), "-5");
    et_test_end();
    et_test_fail_channel(ET_ELIMIT);
    ck_assert_int_eq(et_test_open(), ET_ENOMEM);
    et_test_fail_channel(0);
    et_test_hide_iface(ET_IF_CHANNEL);
    ck_assert_int_eq(et_test_open(), ET_ENOMEM);
}
END_TEST

UNIT_MAIN_IN(NULL, et_test_end, hearing, a_stream_is_sent_what_is_published,
             one_that_is_slow_loses_the_oldest, or_is_closed,
             a_state_may_stop_listening, there_may_be_trouble)
