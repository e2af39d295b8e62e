/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* waiting.c - et.async/1 and et.task/1 as the mock server of etude_test.h has
 * them: this file is a plugin and its own test.  What the server itself does is
 * tried by e2e/later.c and e2e/task.c. */
#include "abi/etude_test.h"
#include "t/lib/unit.h"

/* ---- the plugin ----------------------------------------------------------*/

static uint32_t (*on_request)(et_req *r), (*on_response)(et_req *r);
static uint32_t (*act)(et_req *r); /* what the route or task is to do */
static int n_resumed, n_cancelled, n_jobs, n_logged, n_responses;
static int32_t why_cancelled, job_rc;
static uint32_t logged;
static et_token token;
static char trace[64]; /* a letter for each thing that happens */

static void
note(const char *what)
{
    strncat(trace, what, sizeof trace - strlen(trace) - 1);
}

static uint32_t woken(et_req *r, void *self, int32_t rc);

ET_REQUEST(request_step)
{
    return on_request ? on_request(r) : ET_NEXT;
}

ET_RESPONSE(response_step)
{
    n_responses++;
    return on_response ? on_response(r) : ET_NEXT;
}

ET_LOG(log_step)
{
    n_logged++;
    logged = r->status;
    ck_assert(!et_suspend(r, woken, NULL, 0));
    return ET_NEXT;
}

ET_GET("/hold", hold)
{
    return act(r);
}

ET_GET("/wake", wake)
{
    return et_text(r, 200, "%d", (int)et_resume(r->worker->async, token, 7));
}

ET_GET_TASK("/task", task)
{
    return act(r);
}

ET_ROUTE("POST", "/task", task_body, ET_B_BUFFER | ET_F_TASK, NULL)
{
    return act(r);
}

ET_PUT_TASK("/stream", stream)
{
    return act(r);
}

ET_NEED_IFACE(ET_IF_ASYNC, et_async, offload);
ET_NEED_IFACE(ET_IF_TASK, et_task, defer);
ET_PLUGIN("org.example.waiting", "1.0.0");

/* ---- its tests -----------------------------------------------------------*/

static void
forget(void)
{
    on_request = on_response = act = NULL;
    n_resumed = n_cancelled = n_jobs = n_logged = n_responses = 0;
    token = 0;
    trace[0] = 0;
}

static void
open_plugin(void)
{
    ck_assert_msg(et_test_open() == 0, "%s", et_test_why());
}

static uint32_t
run(const char *target, uint32_t (*what)(et_req *r))
{
    act = what;
    et_test_request("GET", target);
    return et_test_run();
}

/* ---- suspended -----------------------------------------------------------*/

static uint32_t
woken(et_req *r, void *self, int32_t rc)
{
    (void)self;
    n_resumed++;
    return et_text(r, 200, "woken with %d", (int)rc);
}

static void
given_up(et_req *r, void *self, int32_t why)
{
    (void)self;
    n_cancelled++;
    why_cancelled = why;
    ck_assert(!et_suspend(r, woken, NULL, 0)); /* there is nobody to answer */
}

static uint32_t
suspend(et_req *r)
{
    token = et_suspend(r, woken, given_up, 5000);
    return token ? ET_WAIT : et_error(r, 503, "full");
}

START_TEST(a_step_that_waits_is_resumed_by_the_test)
{
    open_plugin();
    ck_assert_uint_eq(run("/hold", suspend), ET_WAIT);
    ck_assert_uint_eq(et_test_status(), 0);
    ck_assert_int_eq(n_logged, 0);
    ck_assert_uint_eq(et_test_resume(5), 200);
    ck_assert_str_eq(et_test_text(), "woken with 5");
    ck_assert_int_eq(n_resumed + 10 * n_responses + 100 * n_logged, 111);
    ck_assert_int_eq(n_cancelled, 0);
    ck_assert_int_eq(et_resume(et_test_async(), token, 6), ET_ESTALE);
}
END_TEST

START_TEST(a_token_is_good_once)
{
    const et_async *async = et_test_async();

    open_plugin();
    ck_assert_int_eq(et_resume(async, 0, 1), ET_ESTALE);
    ck_assert_int_eq(et_resume(async, 4711, 1), ET_ESTALE);
    ck_assert_uint_eq(run("/hold", suspend), ET_WAIT);
    ck_assert_uint_eq(et_test_turn(), ET_WAIT); /* nothing is due */
    ck_assert_int_eq(et_resume(async, token, 8), 0);
    ck_assert_int_eq(n_resumed, 0);
    ck_assert_int_eq(et_resume(async, token, 9), ET_ESTALE);
    ck_assert_uint_eq(et_test_turn(), 200);
    ck_assert_str_eq(et_test_text(), "woken with 8");
    ck_assert_int_eq(et_resume(async, token, 9), ET_ESTALE);
    ck_assert_uint_eq(et_test_turn(), 200);
    ck_assert_int_eq(n_resumed, 1);
}
END_TEST

START_TEST(another_request_may_wake_it)
{
    et_token first;

    open_plugin();
    ck_assert_uint_eq(run("/hold", suspend), ET_WAIT);
    first = token;
    ck_assert_uint_eq(run("/hold", suspend), ET_WAIT);
    ck_assert_uint_eq(run("/wake", NULL), 200);
    ck_assert_str_eq(et_test_text(), "0");
    token = first;
    ck_assert_uint_eq(run("/wake", NULL), 200);
    ck_assert_uint_eq(run("/wake", NULL), 200);
    ck_assert_str_eq(et_test_text(), "-2"); /* ET_ESTALE */
    ck_assert_uint_eq(et_test_turn(), 200);
    ck_assert_str_eq(et_test_text(), "woken with 7");
    ck_assert_uint_eq(et_test_turn(), 200);
    ck_assert_int_eq(n_resumed, 2);
    ck_assert_int_eq(n_logged, 5);
}
END_TEST

START_TEST(what_is_given_up_is_cancelled)
{
    open_plugin();
    run("/hold", suspend);
    ck_assert_uint_eq(et_test_cancel(ET_ECANCEL), 0);
    ck_assert_int_eq(why_cancelled, ET_ECANCEL);
    ck_assert_int_eq(n_responses, 0);
    ck_assert_uint_eq(logged, 0);
    run("/hold", suspend);
    ck_assert_uint_eq(et_test_cancel(ET_ETIME), 504);
    ck_assert_int_eq(why_cancelled, ET_ETIME);
    ck_assert_int_eq(n_responses, 1);
    ck_assert_uint_eq(logged, 504);
    ck_assert_int_eq(et_resume(et_test_async(), token, 1), ET_ESTALE);
    ck_assert_int_eq(n_cancelled + 10 * n_resumed, 2);
}
END_TEST

START_TEST(who_was_told_that_it_woke_it_is_right)
{
    open_plugin();
    run("/hold", suspend);
    ck_assert_int_eq(et_resume(et_test_async(), token, 1), 0);
    ck_assert_uint_eq(et_test_cancel(ET_ECANCEL), 0);
    ck_assert_int_eq(n_resumed + 10 * n_cancelled, 1);
    ck_assert_uint_eq(logged, 200); /* nobody got it */
}
END_TEST

START_TEST(its_time_passes_when_the_test_says_so)
{
    open_plugin();
    run("/hold", suspend);
    et_test_wait(4999);
    ck_assert_uint_eq(et_test_turn(), ET_WAIT);
    et_test_wait(1);
    ck_assert_uint_eq(et_test_turn(), 504);
    run("/hold", suspend);
    et_test_wait(5000);
    ck_assert_int_eq(et_resume(et_test_async(), token, 1), 0);
    ck_assert_uint_eq(et_test_turn(), 200); /* just in time */
}
END_TEST

START_TEST(what_still_waits_is_given_up_at_the_end)
{
    open_plugin();
    run("/hold", suspend);
    run("/hold", suspend);
    ck_assert_int_eq(et_test_reload(""), 0);
    ck_assert_int_eq(n_cancelled, 2);
    run("/hold", suspend);
    run("/wake", NULL);
    run("/hold", suspend);
    et_test_end();
    ck_assert_int_eq(n_cancelled, 3);
    ck_assert_int_eq(n_resumed, 1); /* it was woken before */
}
END_TEST

static uint32_t
suspend_and_answer(et_req *r)
{
    const et_token t = et_suspend(r, woken, given_up, 0);

    token = et_suspend(r, woken, given_up, 0);
    ck_assert_int_eq(et_resume(r->worker->async, t, 1), ET_ESTALE);
    return et_text(r, 202, "at once");
}

static uint32_t
wait_for_nothing(et_req *r)
{
    (void)r;
    return ET_WAIT;
}

static uint32_t
suspend_and_go_on(et_req *r)
{
    ck_assert(et_suspend(r, woken, given_up, 0));
    return ET_NEXT;
}

START_TEST(who_does_not_return_et_wait_has_given_it_up)
{
    open_plugin();
    ck_assert_uint_eq(run("/hold", suspend_and_answer), 202);
    ck_assert_int_eq(et_resume(et_test_async(), token, 1), ET_ESTALE);
    ck_assert_uint_eq(et_test_turn(), 202);
    ck_assert_int_eq(n_resumed + n_cancelled, 0);
    ck_assert_uint_eq(run("/hold", wait_for_nothing), 500);
    ck_assert(et_test_logged(ET_L_ERROR, "no valid result"));
    on_request = suspend_and_answer;
    ck_assert_uint_eq(run("/hold", wait_for_nothing), 202);
    on_request = suspend_and_go_on; /* that is not what another waits for */
    ck_assert_uint_eq(run("/hold", wait_for_nothing), 500);
    ck_assert_uint_eq(run("/task", wait_for_nothing), 500);
}
END_TEST

static uint32_t
pass_on(et_req *r, void *self, int32_t rc)
{
    (void)self;
    if (rc == 1)
        return suspend(r); /* once more */
    return rc == 403 ? et_error(r, 403, "no") : ET_NEXT;
}

static uint32_t
suspend_and_pass(et_req *r)
{
    token = et_suspend(r, pass_on, NULL, UINT32_MAX);
    return ET_WAIT;
}

START_TEST(both_halves_of_a_middleware_may_wait)
{
    open_plugin();
    on_request = on_response = suspend_and_pass;
    ck_assert_uint_eq(run("/wake", NULL), ET_WAIT);
    et_test_wait(UINT32_MAX);
    ck_assert_uint_eq(et_test_turn(), ET_WAIT); /* for ever */
    ck_assert_uint_eq(et_test_resume(0), ET_WAIT);
    ck_assert_uint_eq(et_test_status(), 200);
    ck_assert_uint_eq(et_test_resume(0), 200);
    run("/wake", NULL);
    ck_assert_uint_eq(et_test_resume(403), ET_WAIT);
    ck_assert_uint_eq(et_test_cancel(ET_ETIME), 504);
    run("/wake", NULL);
    ck_assert_uint_eq(et_test_resume(1), ET_WAIT);
    ck_assert_uint_eq(et_test_cancel(ET_ECANCEL), 0);
    ck_assert_int_eq(n_cancelled, 1);
}
END_TEST

START_TEST(a_step_alone_may_wait)
{
    open_plugin();
    act = suspend;
    et_test_request("GET", "/");
    ck_assert_uint_eq(et_test_call("hold"), ET_WAIT);
    ck_assert_uint_eq(et_test_resume(3), ET_DONE);
    ck_assert_str_eq(et_test_text(), "woken with 3");
    et_test_request("GET", "/");
    ck_assert_uint_eq(et_test_call("hold"), ET_WAIT);
    ck_assert_uint_eq(et_test_cancel(ET_ECANCEL), ET_FAIL);
    ck_assert_int_eq(n_cancelled, 1);
}
END_TEST

static uint32_t
panic(et_req *r, void *self, int32_t rc)
{
    (void)self;
    et_panic(r, "woken with %d", (int)rc);
}

static uint32_t
suspend_and_panic(et_req *r)
{
    ck_assert(et_suspend(r, panic, NULL, 0));
    return ET_WAIT;
}

START_TEST(what_resumes_may_panic)
{
    open_plugin();
    ck_assert_uint_eq(run("/hold", suspend_and_panic), ET_WAIT);
    ck_assert_uint_eq(et_test_resume(4), 500);
    ck_assert(et_test_logged(ET_L_ERROR, "woken with 4"));
}
END_TEST

/* ---- jobs ----------------------------------------------------------------*/

struct errand {
    char *text;
};

static int32_t
job(void *arg)
{
    struct errand *e = (struct errand *)arg;

    n_jobs++;
    return e->text[0] ? job_rc : 0;
}

static uint32_t
job_over(et_req *r, void *self, int32_t rc)
{
    free(((struct errand *)*r->mine)->text);
    return woken(r, self, rc);
}

static void
job_given_up(et_req *r, void *self, int32_t why)
{
    if (act != wait_for_nothing) /* who frees it here cannot know */
        free(((struct errand *)*r->mine)->text);
    given_up(r, self, why);
}

static uint32_t
begin_job(et_req *r)
{
    struct errand *e = (struct errand *)et_alloc(r, sizeof *e);
    int32_t rc;

    if (!e)
        return ET_FAIL;
    e->text = strdup("text");
    *r->mine = e;
    rc = et_offload_then(r, job, e, job_over, job_given_up);
    ck_assert_int_eq(rc < 0 ? ET_EPHASE
                            : et_offload_then(r, job, e, job_over, NULL),
                     ET_EPHASE);
    if (rc == 0)
        ck_assert(!et_suspend(r, woken, NULL, 0));
    if (rc == 0)
        return ET_WAIT;
    free(e->text);
    return et_error(r, 503, "%d", (int)rc);
}

START_TEST(a_job_runs_when_it_is_its_turn)
{
    open_plugin();
    job_rc = 42;
    ck_assert_uint_eq(run("/hold", begin_job), ET_WAIT);
    ck_assert_int_eq(n_jobs, 0);
    et_test_wait(1u << 31); /* it has no limit */
    ck_assert_uint_eq(et_test_turn(), 200);
    ck_assert_str_eq(et_test_text(), "woken with 42");
    ck_assert_int_eq(n_jobs, 1);
    run("/hold", begin_job);
    ck_assert_uint_eq(et_test_resume(ET_ECRASH), 200);
    ck_assert_str_eq(et_test_text(), "woken with -9");
    ck_assert_int_eq(n_jobs, 1);
}
END_TEST

START_TEST(a_job_that_runs_comes_to_its_end)
{
    open_plugin();
    run("/hold", begin_job);
    ck_assert_uint_eq(et_test_cancel(ET_ECANCEL), 0);
    ck_assert_int_eq(n_jobs, 0);
    run("/hold", begin_job);
    act = wait_for_nothing;
    et_test_begin_job();
    {
        struct errand e = *(struct errand *)et_test_m_.q.mine;
        ck_assert_uint_eq(et_test_cancel(ET_ECANCEL), 0);
        free(e.text);
    }
    ck_assert_int_eq(n_jobs, 1);
    ck_assert_int_eq(n_cancelled, 2);
}
END_TEST

static uint32_t
begin_job_and_answer(et_req *r)
{
    static char text[] = "text";
    static struct errand e = {text};

    ck_assert_int_eq(et_offload_then(r, job, &e, NULL, NULL), ET_EINVAL);
    ck_assert_int_eq(et_offload_then(r, job, &e, woken, NULL), 0);
    return et_status(r, 204);
}

START_TEST(a_job_nobody_waits_for_runs_too)
{
    open_plugin();
    ck_assert_uint_eq(run("/hold", begin_job_and_answer), 204);
    ck_assert_int_eq(n_jobs, 1);
    ck_assert_int_eq(n_resumed, 0);
}
END_TEST

static void
ask_for_a_job(void)
{
    act = begin_job;
    et_test_request("GET", "/hold");
}

static void
ask_and_pass(void)
{
    act = suspend;
    on_request = on_response = suspend_and_pass;
    et_test_request("GET", "/hold");
}

START_TEST(each_wait_of_a_step_can_be_failed)
{
    open_plugin();
    ck_assert_int_eq(et_test_each_wait(ask_for_a_job, ET_ELIMIT), 1);
    ck_assert_uint_eq(et_test_status(), 200); /* of the last run */
    ck_assert_int_eq(et_test_each_wait(ask_for_a_job, ET_ECANCEL), 1);
    ck_assert_int_eq(n_cancelled, 1);
    et_test_fail_wait(1, ET_ELIMIT);
    ck_assert_uint_eq(run("/hold", begin_job), 503);
    ck_assert_str_eq(et_test_text(), "-5");
    et_test_fail_wait(1, ET_ELIMIT);
    ck_assert_uint_eq(run("/hold", suspend), 503);
    et_test_fail_wait(1, ET_ETIME);
    ck_assert_uint_eq(run("/hold", suspend), 504);
    ck_assert_int_eq(et_test_out_of_memory(ask_for_a_job), 3);
    ck_assert_int_eq(et_test_each_wait(ask_and_pass, ET_ETIME), 3);
    ck_assert_int_eq(et_test_each_wait(ask_and_pass, ET_ECANCEL), 3);
}
END_TEST

/* ---- tasks ---------------------------------------------------------------*/

static uint64_t
now_ms(void)
{
    return et_test_m_.now_ms;
}

static void
deferred(void *arg)
{
    note((const char *)arg);
}

static int32_t
inline_job(void *arg)
{
    et_req *r = (et_req *)arg; /* which no job should have */

    ck_assert_int_eq(et_sleep(r, 1), ET_EPHASE);
    note("j");
    return 9;
}

static uint32_t
wait_in_every_way(et_req *r)
{
    const uint64_t from = now_ms();
    et_token t;

    ck_assert_int_eq(et_defer(r, deferred, "1"), 0);
    ck_assert_int_eq(et_defer(r, deferred, "2"), 0);
    ck_assert_int_eq(et_sleep(r, 1500), 0);
    ck_assert_uint_eq(now_ms() - from, 1500);
    ck_assert_int_eq(et_wait_fd(r, 0, ET_FD_OUT, 10), ET_FD_OUT);
    ck_assert_int_eq(et_wait_fd(r, -1, ET_FD_OUT, 10), ET_EINVAL);
    ck_assert_int_eq(et_wait_fd(r, 0, 0, 10), ET_EINVAL);
    ck_assert_int_eq(et_wait_fd(r, 0, ET_FD_OUT | 8, 10), ET_EINVAL);
    ck_assert_int_eq(et_offload(r, inline_job, r), 9);
    ck_assert_int_eq(et_await(r, 1), ET_EINVAL);
    t = et_arm(r);
    ck_assert_int_eq(et_await(r, 20), ET_ETIME); /* but it goes on */
    ck_assert_uint_eq(now_ms() - from, 1520);
    ck_assert_int_eq(et_resume(r->worker->async, t, 1), ET_ESTALE);
    t = et_arm(r);
    ck_assert_int_eq(et_resume(r->worker->async, t, 33), 0);
    ck_assert_int_eq(et_resume(r->worker->async, t, 34), ET_ESTALE);
    ck_assert_int_eq(et_await(r, 20), 33);
    t = et_arm(r);
    ck_assert_int_eq(et_sleep(r, 0), 0);
    ck_assert_int_eq(et_resume(r->worker->async, t, 1), ET_ESTALE);
    ck_assert(!et_suspend(r, woken, NULL, 0));
    ck_assert_uint_eq(now_ms() - from, 1520);
    note("-");
    return et_text(r, 200, "ok");
}

START_TEST(a_task_runs_to_its_end)
{
    open_plugin();
    ck_assert_uint_eq(run("/task", wait_in_every_way), 200);
    ck_assert_str_eq(trace, "j-21");
    ck_assert_int_eq(n_logged, 1);
}
END_TEST

static uint32_t
see_the_body(et_req *r)
{
    ck_assert_int_eq(et_sleep(r, 1), 0);
    return et_bytes(r, 200, et_s(""), et_body(r));
}

static uint32_t
wait_outside_of_a_task(et_req *r)
{
    et_part part = {NULL, NULL, 0, 0};

    ck_assert_int_eq(et_sleep(r, 1), ET_EPHASE);
    ck_assert_int_eq(et_wait_fd(r, 0, ET_FD_IN, 1), ET_EPHASE);
    ck_assert_int_eq(et_offload(r, inline_job, r), ET_EPHASE);
    ck_assert(!et_arm(r));
    ck_assert_int_eq(et_await(r, 1), ET_EPHASE);
    ck_assert_int_eq(et_join(r, &part, 1), ET_EPHASE);
    ck_assert_int_eq(et_timeout(r, 1), ET_EPHASE);
    ck_assert_int_eq(et_defer(r, deferred, "1"), ET_EPHASE);
    return et_text(r, 200, "none of it");
}

START_TEST(only_a_task_may_wait_where_it_stands)
{
    open_plugin();
    ck_assert_uint_eq(run("/hold", wait_outside_of_a_task), 200);
    act = see_the_body;
    et_test_request("POST", "/task");
    et_test_body("text", 4);
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_str_eq(et_test_text(), "text");
    ck_assert_uint_eq(run("/task", wait_for_nothing), 500);
}
END_TEST

static uint32_t
wait_thrice(et_req *r)
{
    int32_t rc[3];

    ck_assert_int_eq(et_defer(r, deferred, "d"), 0);
    rc[0] = et_sleep(r, 1000);
    rc[1] = et_wait_fd(r, 0, ET_FD_IN, UINT64_MAX);
    rc[2] = et_offload(r, inline_job, r);
    return et_text(r, 200, "%d %d %d", (int)rc[0], (int)rc[1], (int)rc[2]);
}

static void
ask_to_wait_thrice(void)
{
    act = wait_thrice;
    et_test_request("GET", "/task");
}

START_TEST(a_task_is_given_up_at_any_call)
{
    open_plugin();
    et_test_fail_wait(1, ET_ETIME);
    ck_assert_uint_eq(run("/task", wait_thrice), 200);
    ck_assert_str_eq(et_test_text(), "-8 -8 -8");
    et_test_fail_wait(2, ET_ETIME);
    run("/task", wait_thrice);
    ck_assert_str_eq(et_test_text(), "0 -8 -8");
    et_test_fail_wait(2, ET_ELIMIT);
    run("/task", wait_thrice);
    ck_assert_str_eq(et_test_text(), "0 -5 9");
    et_test_fail_wait(3, ET_ECANCEL);
    ck_assert_uint_eq(run("/task", wait_thrice), 0);
    ck_assert_uint_eq(logged, 0);
    ck_assert_uint_eq(run("/task", wait_thrice), 200);
    ck_assert_str_eq(trace, "ddjddjd");
    ck_assert_int_eq(et_test_each_wait(ask_to_wait_thrice, ET_ECANCEL), 3);
}
END_TEST

static uint32_t
wait_too_long(et_req *r)
{
    int32_t first, second, third;

    ck_assert_int_eq(et_timeout(r, 100), 0);
    first = et_sleep(r, 100);
    (void)et_timeout(r, 100);
    second = et_sleep(r, 101);
    ck_assert(!et_arm(r));
    (void)et_timeout(r, 0);
    third = et_sleep(r, 500);
    return et_text(r, 200, "%d %d %d", (int)first, (int)second, (int)third);
}

START_TEST(a_task_has_the_time_it_gives_itself)
{
    const uint64_t from = 1;

    open_plugin();
    ck_assert_uint_eq(run("/task", wait_too_long), 200);
    ck_assert_str_eq(et_test_text(), "0 -8 0");
    ck_assert_uint_eq(now_ms() - from, 700);
}
END_TEST

static uint32_t
read_all(et_req *r)
{
    char block[4];
    int64_t n, sum = 0;
    int reads = 0;

    for (; (n = et_read_body(r, block, sizeof block)) > 0; reads++)
        sum += n;
    return et_text(r, 200, "%d %d %d", reads, (int)sum, (int)n);
}

/* Ask for it with that body; what the mock says of it. */
static const char *
put(const char *body, size_t piece, uint32_t fails, int32_t rc)
{
    act = read_all;
    et_test_request("PUT", "/stream");
    et_test_body(body, strlen(body));
    et_test_pieces(piece);
    et_test_fail_wait(fails, rc);
    ck_assert_uint_eq(et_test_run(), 200);
    et_test_fail_wait(0, 0);
    return et_test_text();
}

START_TEST(a_task_reads_the_body_in_pieces)
{
    open_plugin();
    ck_assert_str_eq(put("abcdefghi", 0, 0, 0), "3 9 0");
    ck_assert_str_eq(put("abcdefghi", 3, 0, 0), "3 9 0");
    ck_assert_str_eq(put("", 0, 0, 0), "0 0 0");
    ck_assert_str_eq(put("abcdefghi", 0, 2, ET_ELIMIT), "1 4 -5");
}
END_TEST

static uint32_t
wait_for_others(et_req *r)
{
    int32_t rc[4];

    token = 0;
    rc[0] = et_wait_fd(r, 0, ET_FD_IN, 50);
    token = et_arm(r);
    rc[1] = et_await(r, 50);
    rc[2] = et_sleep(r, 5);
    token = et_arm(r);
    rc[3] = et_await(r, UINT64_MAX);
    return et_text(r, 200, "%d %d %d %d", (int)rc[0], (int)rc[1], (int)rc[2],
                   (int)rc[3]);
}

static void
resume_it(void)
{
    if (token)
        et_test_resume(12);
    token = 0;
}

static void
use_its_token(void)
{
    if (token)
        ck_assert_int_eq(et_resume(et_test_async(), token, 13), 0);
    token = 0;
}

static void
go_away(void)
{
    if (token)
        et_test_cancel(ET_ECANCEL);
}

START_TEST(what_others_do_meanwhile_is_the_tests)
{
    open_plugin();
    ck_assert_uint_eq(run("/task", wait_for_others), 0); /* for ever */
    et_test_ready(ET_FD_OUT | 0x10);
    et_test_meanwhile(resume_it);
    ck_assert_uint_eq(run("/task", wait_for_others), 200);
    ck_assert_str_eq(et_test_text(), "16 12 0 12");
    et_test_ready(0);
    et_test_meanwhile(use_its_token);
    ck_assert_uint_eq(run("/task", wait_for_others), 200);
    ck_assert_str_eq(et_test_text(), "-8 13 0 13");
    et_test_meanwhile(go_away);
    ck_assert_uint_eq(run("/task", wait_for_others), 0);
}
END_TEST

/* ---- parts ---------------------------------------------------------------*/

static int32_t
part(et_req *r, void *arg)
{
    ck_assert_int_eq(et_defer(r, deferred, arg), 0);
    if (et_sleep(r, 10) < 0)
        return ET_ECANCEL;
    if (strcmp((const char *)arg, "p") == 0)
        et_panic(r, "a part");
    note("-");
    return 3;
}

static uint32_t
join(et_req *r)
{
    et_part parts[3] = {
        {part, "a", 0, 0}, {part, "p", 0, 0}, {part, "b", 0, 0}};
    int32_t rc;

    ck_assert_int_eq(et_join(r, NULL, 0), 0);
    ck_assert_int_eq(et_defer(r, deferred, "d"), 0);
    rc = et_join(r, parts, 3);
    note("=");
    return et_text(r, 200, "%d: %d %d %d", (int)rc, (int)parts[0].rc,
                   (int)parts[1].rc, (int)parts[2].rc);
}

static uint32_t
join_late(et_req *r)
{
    ck_assert_int_eq(et_timeout(r, 15), 0);
    return join(r);
}

static uint32_t
panic_in_a_task(et_req *r)
{
    char on_the_stack[] = "s";

    ck_assert_int_eq(et_defer(r, deferred, on_the_stack), 0);
    et_panic(r, "a task");
}

START_TEST(parts_run_and_are_left_for_themselves)
{
    open_plugin();
    ck_assert_uint_eq(run("/task", join), 200);
    ck_assert_str_eq(et_test_text(), "0: 3 -9 3");
    ck_assert_str_eq(trace, "-ap-b=d");
    ck_assert(et_test_logged(ET_L_ERROR, "a part"));
    et_test_fail_wait(3, ET_ETIME); /* in the first part */
    run("/task", join);
    ck_assert_str_eq(et_test_text(), "-8: -7 -7 -7");
    et_test_fail_wait(2, ET_ELIMIT);
    run("/task", join);
    ck_assert_str_eq(et_test_text(), "0: -5 -5 -5");
    run("/task", join_late);
    ck_assert_str_eq(et_test_text(), "0: 3 -7 -7");
    trace[0] = 0;
    ck_assert_uint_eq(run("/task", panic_in_a_task), 500);
    ck_assert_str_eq(trace, "s");
}
END_TEST

UNIT_MAIN_IN(forget, et_test_end, waiting,
             a_step_that_waits_is_resumed_by_the_test, a_token_is_good_once,
             another_request_may_wake_it, what_is_given_up_is_cancelled,
             who_was_told_that_it_woke_it_is_right,
             its_time_passes_when_the_test_says_so,
             what_still_waits_is_given_up_at_the_end,
             who_does_not_return_et_wait_has_given_it_up,
             both_halves_of_a_middleware_may_wait, a_step_alone_may_wait,
             what_resumes_may_panic, a_job_runs_when_it_is_its_turn,
             a_job_that_runs_comes_to_its_end, a_job_nobody_waits_for_runs_too,
             each_wait_of_a_step_can_be_failed, a_task_runs_to_its_end,
             only_a_task_may_wait_where_it_stands,
             a_task_is_given_up_at_any_call,
             a_task_has_the_time_it_gives_itself,
             a_task_reads_the_body_in_pieces,
             what_others_do_meanwhile_is_the_tests,
             parts_run_and_are_left_for_themselves)
