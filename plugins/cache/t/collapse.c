/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* collapse.c - one request asks for many: who waits for whom, and what becomes
 * of those that do. */
#include "help.h"

/* ---- one asks for many ---------------------------------------------------*/

static et_token asked; /* of the handler that waits */
static uint32_t (*then)(et_req *r);

static uint32_t
go_on(et_req *r, void *self, int32_t rc)
{
    (void)self;
    (void)rc;
    return then(r);
}

static uint32_t
slow(et_req *r)
{
    then = count;
    asked = et_suspend(r, go_on, NULL, UINT32_MAX);
    return asked ? ET_WAIT : ET_FAIL;
}

/* A request that is answered later. */
static void
ask_later(const char *target)
{
    ck_assert_uint_eq(ask_with("GET", target, NULL), ET_WAIT);
}

static void
turn(const char *outcome, const char *text)
{
    ck_assert_uint_eq(et_test_turn(), 200);
    is_now(outcome, text);
}

START_TEST(others_wait_for_who_asks)
{
    serve();
    act = slow;
    ask_later("/a");
    ask_later("/a");
    ask_later("/a");
    ask_later("/b"); /* is something else */
    ck_assert_int_eq(n_asked, 2);
    n_asked = 1;
    act = count;
    ck_assert_int_eq(et_resume(et_test_async(), asked, 0), 0);
    turn("MISS", "1 at /b");
}
END_TEST

static et_token first;

static void
three_wait(void)
{
    act = slow;
    ask_later("/a");
    first = asked;
    ask_later("/a");
    ask_later("/a");
    ck_assert_int_eq(n_asked, 1);
    act = count;
    ck_assert_int_eq(et_resume(et_test_async(), first, 0), 0);
}

START_TEST(and_are_answered_with_what_it_got)
{
    serve();
    three_wait();
    turn("MISS", "1 at /a");
    turn("HIT", "1 at /a");
    turn("HIT", "1 at /a");
    ck_assert_int_eq(n_asked, 1);
}
END_TEST

START_TEST(what_is_fresh_for_no_time_is_still_for_who_has_waited)
{
    serve();
    control = "max-age=0, stale-while-revalidate=9";
    three_wait();
    turn("MISS", "1 at /a");
    turn("HIT", "1 at /a");
    turn("HIT", "1 at /a");
}
END_TEST

START_TEST(nobody_waits_for_what_cannot_be_stored)
{
    serve();
    control = "no-store";
    three_wait();
    turn("MISS", "1 at /a");
    turn("BYPASS", "2 at /a");
    turn("BYPASS", "3 at /a");
}
END_TEST

START_TEST(if_it_fails_the_next_one_asks)
{
    serve();
    three_wait();
    then = error_503;
    ck_assert_uint_eq(et_test_turn(), 503);
    turn("MISS", "2 at /a");
    turn("HIT", "2 at /a");
}
END_TEST

START_TEST(if_its_client_goes_the_next_one_asks)
{
    serve();
    act = slow;
    ask_later("/a");
    first = asked;
    ask_later("/a");
    ask_later("/a");
    /* the second goes: nothing is left of it */
    ck_assert_uint_eq(et_test_cancel(ET_ECANCEL), 0);
    act = count;
    ck_assert_int_eq(et_resume(et_test_async(), first, 0), 0);
    et_test_fail_wait(1, ET_ECANCEL); /* of the first, as it is written */
    ck_assert_uint_eq(et_test_turn(), 200);
    ck_assert(et_test_is_cut());
    turn("MISS", "2 at /a");
    get("/a", "HIT", "2 at /a");
}
END_TEST

START_TEST(if_it_takes_too_long_another_one_asks)
{
    et_test_option("wait", "2s");
    serve();
    act = slow;
    ask_later("/a");
    ask_later("/a");
    ask_later("/a");
    ck_assert_int_eq(n_asked, 1);
    act = count;
    et_test_wait(2001);
    ck_assert_uint_eq(et_test_loop(), 1);
    turn("MISS", "2 at /a");
    turn("HIT", "2 at /a");
}
END_TEST

START_TEST(without_a_way_to_wait_it_asks_itself)
{
    serve();
    act = slow;
    ask_later("/a");
    act = count;
    et_test_fail_wait(1, ET_ELIMIT);
    get("/a", "MISS", "2 at /a");
    get("/a", "HIT", "2 at /a");
    ck_assert_int_eq(et_test_reload("wait=0"), 0);
}
END_TEST

START_TEST(a_wait_of_0_is_none)
{
    et_test_option("wait", "0");
    serve();
    act = slow;
    ask_later("/a");
    act = count;
    get("/a", "MISS", "2 at /a");
}
END_TEST

/* ---- and one for nobody --------------------------------------------------*/

static void
become_stale(void)
{
    serve();
    control = "max-age=10, stale-while-revalidate=50";
    get("/a", "MISS", "1 at /a");
    et_test_wait(15001);
}

START_TEST(stale_while_somebody_asks)
{
    become_stale();
    act = slow;
    get("/a", "STALE", "1 at /a");
    ck_assert_uint_eq(et_test_repeat(), ET_WAIT);
    first = asked;
    get("/a", "STALE", "1 at /a");
    et_test_wait(2000);
    get("/a", "STALE", "1 at /a");
    ck_assert_uint_eq(et_test_repeats(), 0);
    ck_assert_int_eq(et_resume(et_test_async(), first, 0), 0);
    ck_assert_uint_eq(et_test_turn(), 200);
    get("/a", "HIT", "2 at /a");
}
END_TEST

START_TEST(but_not_for_as_long_as_it_likes)
{
    et_test_option("wait", "0");
    become_stale();
    act = slow;
    get("/a", "STALE", "1 at /a");
    ck_assert_uint_eq(et_test_repeat(), ET_WAIT);
    act = count;
    et_test_wait(4990);
    get("/a", "STALE", "1 at /a");
    ck_assert_uint_eq(et_test_repeats(), 0);
    et_test_wait(11);
    get("/a", "STALE", "1 at /a");
    ck_assert_uint_eq(et_test_repeat(), 200);
    get("/a", "HIT", "3 at /a");
}
END_TEST

START_TEST(who_is_sent_too_late_does_not_ask)
{
    become_stale();
    get("/a", "STALE", "1 at /a");
    et_test_wait(1001);
    get("/a", "STALE", "1 at /a");
    ck_assert_uint_eq(et_test_repeats(), 2);
    ck_assert_uint_eq(et_test_repeat(), 200);
    ck_assert_uint_eq(et_test_repeat(), 0);
    ck_assert_int_eq(n_asked, 2);
    get("/a", "HIT", "2 at /a");
}
END_TEST

START_TEST(if_nobody_can_be_sent_the_next_one_tries)
{
    become_stale();
    et_test_fail_repeat(ET_ELIMIT);
    get("/a", "STALE", "1 at /a");
    get("/a", "STALE", "1 at /a");
    et_test_fail_repeat(0);
    get("/a", "STALE", "1 at /a");
    ck_assert_uint_eq(et_test_repeat(), 200);
    get("/a", "HIT", "2 at /a");
}
END_TEST

START_TEST(after_an_error_there_is_a_pause)
{
    become_stale();
    get("/a", "STALE", "1 at /a");
    et_test_wait(1001);
    act = error_503;
    ck_assert_uint_eq(et_test_repeat(), 503);
    get("/a", "STALE", "1 at /a");
    ck_assert_uint_eq(et_test_repeats(), 0);
    et_test_wait(1003);
    get("/a", "STALE", "1 at /a");
    ck_assert_uint_eq(et_test_repeats(), 1);
}
END_TEST

START_TEST(what_it_brings_may_not_be_stored)
{
    become_stale();
    get("/a", "STALE", "1 at /a");
    control = "no-store";
    ck_assert_uint_eq(et_test_repeat(), 200);
    get("/a", "BYPASS", "3 at /a");
}
END_TEST

static uint32_t
conditional(et_req *r)
{
    (void)et_set(r, "ETag", et_s("\"v1\""));
    return et_header(r, "if-none-match").p ? et_status(r, 304) : count(r);
}

START_TEST(it_asks_for_all_of_it)
{
    act = conditional;
    become_stale();
    ck_assert_uint_eq(ask_with("GET", "/a", WITH("If-None-Match: \"v1\"")),
                      304);
    is_now("STALE", "");
    ck_assert_uint_eq(et_test_repeat(), 200);
    get("/a", "HIT", "2 at /a");
}
END_TEST

START_TEST(of_variants_the_one_that_is_stale)
{
    act = by_language;
    serve();
    control = "max-age=10, stale-while-revalidate=50";
    get_with("/a", "Accept-Language: de", "MISS", "1 de");
    get_with("/a", "Accept-Language: en", "MISS", "2 en");
    et_test_wait(15001);
    get_with("/a", "Accept-Language: en", "STALE", "2 en");
    get_with("/a", "Accept-Language: de", "STALE", "1 de");
    ck_assert_uint_eq(et_test_repeat(), 200);
    get_with("/a", "Accept-Language: en", "HIT", "3 en");
    get_with("/a", "Accept-Language: de", "STALE", "1 de");
    ck_assert_uint_eq(et_test_repeat(), 200);
    get_with("/a", "Accept-Language: de", "HIT", "4 de");
}
END_TEST

/* ---- what is new, and what is not ----------------------------------------*/

START_TEST(a_client_s_condition_finds_that_nothing_is_new)
{
    serve();
    act = conditional;
    get("/a", "MISS", "1 at /a");
    et_test_wait(61001);
    ck_assert_uint_eq(ask_with("GET", "/a", WITH("If-None-Match: \"v1\"")),
                      304);
    is_now("MISS", "");
    et_test_wait(2);
    get("/a", "HIT", "1 at /a");
    ck_assert_str_eq(et_test_field("Age", 0), "0");
    et_test_wait(61001);
    control = "max-age=99"; /* it is said in another way */
    ck_assert_uint_eq(ask_with("GET", "/a", WITH("If-None-Match: \"v1\"")),
                      304);
    get("/a", "MISS", "4 at /a");
}
END_TEST

START_TEST(what_was_changed_meanwhile_is_not_stored)
{
    serve();
    act = slow;
    ask_later("/a");
    first = asked;
    act = count;
    ck_assert_uint_eq(ask_with("POST", "/a", NULL), 200);
    ck_assert_int_eq(et_resume(et_test_async(), first, 0), 0);
    turn("MISS", "2 at /a");
    get("/a", "MISS", "3 at /a");
    act = slow;
    ask_later("/b");
    first = asked;
    ck_assert_str_eq(et_test_command("purge", "all"), "1 forgotten\n");
    ck_assert_int_eq(et_resume(et_test_async(), first, 0), 0);
    turn("MISS", "4 at /b");
    act = count;
    get("/b", "MISS", "5 at /b");
}
END_TEST

START_TEST(variants_are_asked_for_side_by_side)
{
    serve();
    act = by_language;
    get_with("/a", "Accept-Language: de", "MISS", "1 de");
    act = slow;
    ck_assert_uint_eq(ask_with("GET", "/a", WITH("Accept-Language: en")),
                      ET_WAIT);
    ck_assert_uint_eq(ask_with("GET", "/a", WITH("Accept-Language: fr")),
                      ET_WAIT);
    ck_assert_int_eq(n_asked, 3); /* neither waits for the other */
    ck_assert_uint_eq(ask_with("GET", "/a", WITH("Accept-Language: fr")),
                      ET_WAIT);
    ck_assert_int_eq(n_asked, 3);
    get_with("/a", "Accept-Language: de", "HIT", "1 de");
}
END_TEST

UNIT_MAIN_IN(begin, et_test_end, collapse, others_wait_for_who_asks,
             and_are_answered_with_what_it_got,
             what_is_fresh_for_no_time_is_still_for_who_has_waited,
             nobody_waits_for_what_cannot_be_stored,
             if_it_fails_the_next_one_asks,
             if_its_client_goes_the_next_one_asks,
             if_it_takes_too_long_another_one_asks,
             without_a_way_to_wait_it_asks_itself, a_wait_of_0_is_none,
             stale_while_somebody_asks, but_not_for_as_long_as_it_likes,
             who_is_sent_too_late_does_not_ask,
             if_nobody_can_be_sent_the_next_one_tries,
             after_an_error_there_is_a_pause, what_it_brings_may_not_be_stored,
             it_asks_for_all_of_it, of_variants_the_one_that_is_stale,
             a_client_s_condition_finds_that_nothing_is_new,
             what_was_changed_meanwhile_is_not_stored,
             variants_are_asked_for_side_by_side)
