/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* channel.c - et.channel/1 as the mock server of etude_test.h has it: this file
 * is a plugin and its own test.  What the server itself does is tried by
 * e2e/channel.c. */
#include "abi/etude_test.h"
#include "t/lib/unit.h"

/* ---- the plugin ----------------------------------------------------------*/

static et_sub *kept;

static void
publish_at_end(void *arg)
{
    (void)et_publish((et_req *)arg, et_s("bye"), et_s("bye"));
}

/* Three messages, or why not, and how many were lost. */
ET_GET_TASK("/news", news)
{
    et_sub *s = et_subscribe(r, et_s("news"), 2, ET_CH_DROP_OLDEST);
    et_str m, text = et_s("");
    int32_t rc = 0;

    (void)self;
    (void)et_defer(r, publish_at_end, r);
    for (int i = 0; i < 3 && (rc = et_next(s, 1000, &m)) == 0; i++)
        text = et_printf(r, "%.*s%.*s ", ET_STR(text), ET_STR(m));
    return et_text(r, 200, "%.*s%d %d", ET_STR(text), (int)rc,
                   (int)et_dropped(s));
}

ET_GET_TASK("/strict", strict)
{
    et_sub *s = et_subscribe(r, et_s("news"), 1, ET_CH_DROP_SELF);
    et_str m;
    int32_t rc;

    (void)self;
    (void)et_publish(r, et_s("news"), et_s("1"));
    (void)et_publish(r, et_s("news"), et_s("2"));
    (void)et_publish(r, et_s("news"), et_s("3"));
    rc = et_next(s, UINT64_MAX, &m);
    return et_text(r, 200, "%d %d", (int)rc, (int)et_dropped(s));
}

static int32_t
part(et_req *r, void *arg)
{
    (void)arg;
    kept = et_subscribe(r, et_s("news"), 0, 0);
    return kept != NULL;
}

ET_GET_TASK("/part", parts)
{
    et_part v = {part, NULL, 0, 0};

    (void)self;
    (void)et_join(r, &v, 1);
    return et_text(r, 200, "%d", (int)v.rc);
}

ET_GET("/plain", plain)
{
    (void)self;
    return et_text(r, 200, "%d %d", et_subscribe(r, et_s("news"), 1, 0) != NULL,
                   (int)et_publish(r, et_s("news"), et_s("plain")));
}

ET_PLUGIN("org.example.channel", "1.0.0");

/* ---- its tests -----------------------------------------------------------*/

static void
run(const char *path, const char *text)
{
    et_test_request("GET", path);
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_text(), text);
}

static void
forget(void)
{
    ck_assert_int_eq(et_test_open(), 0);
}

static void
say_three(void)
{
    et_test_publish("news", "a");
    et_test_publish("news", "b");
    et_test_publish("other", "x");
    et_test_publish("news", "c");
    et_test_meanwhile(NULL);
}

static void
say_one(void)
{
    et_test_publish("news", "a");
    et_test_meanwhile(NULL);
}

START_TEST(a_task_is_told_meanwhile)
{
    et_test_publish("news", "too early");
    run("/news", "-8 0"); /* ET_ETIME */
    et_test_meanwhile(say_one);
    run("/news", "a -8 0");
    et_test_meanwhile(say_three); /* one more than its queue takes */
    run("/news", "b c -8 1");
    et_test_publish("news", "too late");
    ck_assert_str_eq(et_test_published("news", 0), "too early");
    ck_assert_str_eq(et_test_published("news", 5), "too late");
    ck_assert_ptr_null(et_test_published("news", 6));
    ck_assert_str_eq(et_test_published("bye", 2), "bye");
}
END_TEST

START_TEST(who_is_too_slow_may_be_told_nothing_more)
{
    run("/strict", "-5 2");
}
END_TEST

START_TEST(it_ends_with_what_has_subscribed)
{
    run("/part", "1");
    et_test_publish("news", "nobody");
    ck_assert_ptr_null(((struct et_test_sub_ *)kept)->first);
}
END_TEST

START_TEST(others_only_publish)
{
    run("/plain", "0 0");
    ck_assert_str_eq(et_test_published("news", 0), "plain");
}
END_TEST

START_TEST(it_may_fail)
{
    et_test_fail_channel(ET_ELIMIT);
    run("/plain", "0 -5");
    run("/news", "-5 0");
    et_test_fail_channel(0);
    et_test_hide_iface(ET_IF_CHANNEL);
    run("/plain", "0 -6"); /* ET_ENOTSUP */
    run("/news", "-5 0");
    et_test_hide_iface(NULL);
    et_test_fail_wait(1, ET_ECANCEL);
    et_test_request("GET", "/news");
    ck_assert_uint_eq(et_test_run(), 0);
}
END_TEST

UNIT_MAIN_IN(forget, et_test_end, channel, a_task_is_told_meanwhile,
             who_is_too_slow_may_be_told_nothing_more,
             it_ends_with_what_has_subscribed, others_only_publish, it_may_fail)
