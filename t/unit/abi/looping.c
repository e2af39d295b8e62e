/* SPDX-License-Identifier: BSD-2-Clause */
/* looping.c - the loop of a state, as the mock server of etude_test.h has it:
 * this file is a plugin and its own test.  What the server itself does is tried
 * by e2e/ticker.c.
 * tags: asan */
#include "abi/etude_test.h"
#include "t/lib/unit.h"

/* ---- the plugin ----------------------------------------------------------*/

struct state {
    et_loop *loop;
    et_token watch;
};

static struct state *state_here;
static char trace[64];

static void
note(const char *what)
{
    strcat(trace, what);
}

static void
tick(et_loop *l, void *arg)
{
    note("t");
    ck_assert_uint_ne(et_loop_timer(l, 100, tick, arg), 0);
}

static void
name(et_loop *l, void *arg)
{
    (void)l;
    note((const char *)arg);
}

static void
again(et_loop *l, void *arg)
{
    note("a");
    ck_assert_int_eq(et_loop_post(l->async, l->token, name, arg), 0);
}

static void
on_ready(et_loop *l, int32_t fd, uint32_t events, void *arg)
{
    struct state *s = (struct state *)arg;

    ck_assert_int_eq(fd, 7);
    note(events == ET_FD_IN ? "r" : "e");
    s->watch = et_loop_watch(l, fd, ET_FD_IN, on_ready, s);
}

static int32_t
init(et_worker *w, const void *from, void *state, et_err *e)
{
    struct state *s = (struct state *)state;

    (void)from;
    (void)e;
    state_here = s;
    s->loop = et_loop_open(w);
    return s->loop && !et_loop_open(w) ? 0 : ET_ENOMEM;
}

ET_STATE(struct state, init, NULL);

ET_GET("/post", post)
{
    const struct state *s = (const struct state *)self;

    return et_text(r, 200, "%d",
                   (int)et_loop_post(s->loop->async, s->loop->token, name,
                                     (void *)(uintptr_t) "p"));
}

ET_PLUGIN("org.etude.test.looping", "1.0.0");

/* ---- what the mock says --------------------------------------------------*/

static et_loop *
open_(void)
{
    trace[0] = '\0';
    ck_assert_int_eq(et_test_open(), 0);
    return state_here->loop;
}

static void
turns(size_t n, const char *what)
{
    trace[0] = '\0';
    ck_assert_uint_eq(et_test_loop(), n);
    ck_assert_str_eq(trace, what);
}

START_TEST(timers_in_the_order_of_their_time)
{
    et_loop *l = open_();
    et_token late;

    late = et_loop_timer(l, 20, name, (void *)(uintptr_t) "l");
    ck_assert_uint_ne(late, 0);
    ck_assert_uint_ne(et_loop_timer(l, 20, name, (void *)(uintptr_t) "m"), 0);
    ck_assert_uint_ne(et_loop_timer(l, 10, name, (void *)(uintptr_t) "s"), 0);
    ck_assert_uint_eq(et_loop_timer(l, 10, NULL, NULL), 0);
    turns(0, "");
    et_test_wait(19);
    turns(1, "s");
    et_test_wait(1);
    turns(2, "lm");
    turns(0, "");
    ck_assert_int_eq(et_loop_cancel(l, late), ET_ESTALE);
    et_test_end();
}
END_TEST

START_TEST(one_that_goes_on)
{
    et_loop *l = open_();

    ck_assert_uint_ne(et_loop_timer(l, 0, tick, NULL), 0);
    turns(1, "t");
    turns(0, "");
    for (int i = 0; i < 3; i++) {
        et_test_wait(100);
        turns(1, "t");
    }
    et_test_end();
}
END_TEST

START_TEST(what_is_cancelled_is_not_called)
{
    et_loop *l = open_();
    et_token t = et_loop_timer(l, 0, name, (void *)(uintptr_t) "x");

    ck_assert_int_eq(et_loop_cancel(l, t), 0);
    ck_assert_int_eq(et_loop_cancel(l, t), ET_ESTALE);
    ck_assert_int_eq(et_loop_cancel(l, 0), ET_ESTALE);
    turns(0, "");
    et_test_end();
}
END_TEST

START_TEST(watches)
{
    struct state *s;
    et_loop *l = open_();

    s = state_here;
    et_test_ready(0);
    s->watch = et_loop_watch(l, 7, ET_FD_IN, on_ready, s);
    ck_assert_uint_eq(et_loop_watch(l, -1, ET_FD_IN, on_ready, s), 0);
    ck_assert_uint_eq(et_loop_watch(l, 7, 0, on_ready, s), 0);
    ck_assert_uint_eq(et_loop_watch(l, 7, 8, on_ready, s), 0);
    turns(0, "");
    et_test_ready(ET_FD_OUT);
    turns(0, "");
    et_test_ready(ET_FD_IN);
    turns(1, "r");
    et_test_ready(8);
    turns(1, "e");
    ck_assert_int_eq(et_loop_cancel(l, s->watch), 0);
    turns(0, "");
    et_test_end();
}
END_TEST

START_TEST(posts)
{
    et_loop *l = open_();
    const et_async *async = l->async;
    et_token token = l->token;

    et_test_request("GET", "/post");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_text(), "0");
    ck_assert_int_eq(et_loop_post(async, token, again, (void *)(uintptr_t) "q"),
                     0);
    turns(2, "pa");
    turns(1, "q");
    ck_assert_int_eq(et_loop_post(async, token, NULL, NULL), ET_EINVAL);
    ck_assert_int_eq(et_loop_post(async, token + 1, name, NULL), ET_ESTALE);
    ck_assert_int_eq(et_loop_post(async, token, name, NULL), 0);
    ck_assert_int_eq(et_test_reload(""), 0);
    ck_assert_int_eq(et_loop_post(async, token, name, NULL), ET_ESTALE);
    turns(0, "");
    et_test_end();
}
END_TEST

UNIT_RUN((struct unit){.name = "looping"}, timers_in_the_order_of_their_time,
         one_that_goes_on, what_is_cancelled_is_not_called, watches, posts)
