/* SPDX-License-Identifier: BSD-2-Clause */
/* tags: asan */
/* repeating.c - requests once more, for nobody, as the mock server of
 * etude_test.h has them: this file is a plugin and its own test.  What the
 * server itself does is tried by e2e/repeat.c. */
#define ET_NEED 1
#include "abi/etude_test.h"
#include "t/lib/unit.h"

/* ---- the plugin ----------------------------------------------------------*/

static int32_t rc, rc_elsewhere;
static int n_repeats, n_logs;
static char seen[256];

ET_REQUEST(request_step)
{
    static const et_str without[] = {{"x-not", 5}};

    if (et_is_repeat(r)) {
        n_repeats++;
        snprintf(seen, sizeof seen, "%.*s %.*s %.*s %.*s %.*s%s%s",
                 ET_STR(r->target), ET_STR(r->scheme), ET_STR(r->host),
                 ET_STR(et_peer(r)), ET_STR(et_header(r, "x-a")),
                 et_header(r, "x-not").p ? " not" : "",
                 et_client_subject(r).p ? " client" : "");
    }
    rc = et_repeat(r, without, 1);
    return ET_NEXT;
}

ET_RESPONSE(response_step)
{
    rc_elsewhere = et_repeat(r, NULL, 0);
    return ET_NEXT;
}

ET_LOG(log_step)
{
    n_logs++;
    return ET_NEXT;
}

ET_PLUGIN("org.example.repeating", "1.0.0");

/* ---- its tests -----------------------------------------------------------*/

static void
begin(void)
{
    n_repeats = n_logs = 0;
    ck_assert_msg(et_test_open() == 0, "%s", et_test_why());
}

static void
ask(const char *method, int32_t expected)
{
    et_test_request(method, "/a?b");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_int_eq(rc, expected);
    ck_assert_int_eq(rc_elsewhere, ET_EPHASE);
}

START_TEST(it_runs_when_the_test_says_so)
{
    et_test_request("GET", "/a?b");
    et_test_header("X-A", "1");
    et_test_header("X-Not", "2");
    et_test_header("Host", "Example.org:8080");
    et_test_peer("192.0.2.1");
    et_test_scheme("https");
    et_test_client("CN=a", "00", "");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_int_eq(rc, 0);
    ck_assert_int_eq(n_repeats, 0);
    ck_assert_uint_eq(et_test_repeats(), 1);
    ck_assert_uint_eq(et_test_repeat(), 200);
    ck_assert_uint_eq(et_test_repeats(), 0);
    ck_assert_int_eq(rc, ET_EPHASE); /* not once more again */
    ck_assert_int_eq(n_repeats, 1);
    ck_assert_int_eq(n_logs, 2);
    ck_assert_str_eq(seen, "/a?b https example.org 192.0.2.1 1");
}
END_TEST

START_TEST(of_what_it_can_be)
{
    ask("POST", ET_EPHASE);
    ask("HEAD", ET_EPHASE);
    et_test_request("GET", "/a");
    et_test_body("x", 1);
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_int_eq(rc, ET_EPHASE);
    et_test_request("GET", "/a");
    et_test_header("Upgrade", "x");
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_int_eq(rc, ET_EPHASE);
    et_test_request("GET", "/a");
    et_test_retire();
    ck_assert_uint_eq(et_test_run(), 200);
    ck_assert_int_eq(rc, ET_ERETIRE);
    ck_assert_uint_eq(et_test_repeats(), 0);
}
END_TEST

START_TEST(it_can_be_refused)
{
    et_test_fail_repeat(ET_ELIMIT);
    ask("GET", ET_ELIMIT);
    ck_assert_uint_eq(et_test_repeats(), 0);
    et_test_fail_repeat(0);
    ask("GET", 0);
    ask("GET", 0);
    ck_assert_uint_eq(et_test_repeats(), 2);
    ck_assert_int_eq(et_test_reload(""), 0);
    ck_assert_uint_eq(et_test_repeats(), 0);
}
END_TEST

UNIT_MAIN_IN(begin, et_test_end, repeating, it_runs_when_the_test_says_so,
             of_what_it_can_be, it_can_be_refused)
