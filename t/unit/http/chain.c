/* SPDX-License-Identifier: BSD-2-Clause */
/* chain.c - the flat arrays against a model that anyone can read.
 * tags: asan */
#include "http/chain.h"
#include "http/chain_compose.h"

#include <stdio.h>
#include <string.h>

#include "base/blocks.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/slab.h"
#include "http/host.h"
#include "http/req.h"
#include "plug/guard.h"
#include "t/lib/unit.h"

enum { NO_STEP, REQUEST, RESPONSE };

/* A member's self: what its steps write to the trace and return. */
struct self {
    char name;
    uint32_t request, response;
    int answers; /* which of them does, before it returns that */
};

static char trace[1024];
static size_t n_trace;

static void
put(char kind, char name)
{
    trace[n_trace++] = kind;
    trace[n_trace++] = name;
    trace[n_trace] = '\0';
}

static int n_given_back; /* answers */

static void
give_back(void *arg)
{
    (void)arg;
    n_given_back++;
}

static void
answer(et_req *r)
{
    ck_assert_uint_eq(
        r->http->reply_ref(r, 200, (et_str){"", 0}, "x", 1, give_back, NULL),
        ET_DONE);
}

static uint32_t
on_request(et_req *r, void *self)
{
    const struct self *s = self;

    put('>', s->name);
    *r->mine = self;
    if (s->answers == REQUEST)
        answer(r);
    return s->request == ET_DONE
               ? r->http->reply(r, 200, (et_str){"", 0}, "x", 1, 0)
               : s->request;
}

/* Decides nothing, whatever it returns. */
static uint32_t
on_silence(et_req *r, void *self)
{
    (void)r;
    return ((const struct self *)self)->request;
}

static uint32_t
on_response(et_req *r, void *self)
{
    const struct self *s = self;

    put('<', s->name);
    ck_assert(*r->mine == NULL || *r->mine == self);
    if (s->answers == RESPONSE)
        answer(r);
    return s->response;
}

static uint32_t
on_log(et_req *r, void *self)
{
    (void)r;
    put('!', ((const struct self *)self)->name);
    return ET_NEXT;
}

/* ---- a request to walk with ----------------------------------------------*/

static struct {
    struct blocks blocks;
    struct clock clock;
    struct host_worker worker;
    _Alignas(64) char slot[REQ_SLOT_BYTES];
    void *mine[CHAIN_MAX_MEMBERS];
} w;

static struct req *
begin(const struct chain *c)
{
    struct req *r = (struct req *)w.slot;

    log_set_level(0);
    blocks_init(&w.blocks, 1 << 20);
    host_worker_init(&w.worker, 0, 1);
    req_init(r, &w.blocks, &w.worker.pub, &w.clock);
    memset(w.mine, 0, sizeof w.mine);
    r->mine = w.mine;
    r->chain = c;
    n_trace = 0;
    trace[0] = '\0';
    return r;
}

static void
end(struct req *r)
{
    req_fini(r);
    blocks_fini(&w.blocks);
}

static _Alignas(16) char block[65536];

static struct chain *
compose(const struct chain_member *m, uint32_t n)
{
    ck_assert_uint_le(chain_compose_size(m, n), sizeof block);
    return chain_compose(block, m, n);
}

/* ---- the model -----------------------------------------------------------*/

/* Requests forward from the first member on, until one ends it; then responses
 * backward and logs forward of those that saw it: who was entered, and who has
 * no request step and stands before the end.  Waiting for a body ends it in
 * front of a step. */
static void
model(char *out, const struct chain_member *m, uint32_t n, uint32_t first,
      int waits)
{
    uint32_t last;
    int seen;

    *out = '\0';
    for (last = first; last < n; last++) {
        const struct self *s = m[last].self;
        if (!m[last].request)
            continue;
        if (waits && m[last].body)
            break;
        out += sprintf(out, ">%c", s->name);
        if (s->request != ET_NEXT)
            break;
    }
    for (uint32_t i = n; i-- > first;) {
        seen = i < last || (i == last && !(waits && m[i].body));
        if (seen && m[i].response)
            out += sprintf(out, "<%c", ((struct self *)m[i].self)->name);
    }
    for (uint32_t i = first; i < n; i++) {
        seen = i < last || (i == last && !(waits && m[i].body));
        if (seen && m[i].log)
            out += sprintf(out, "!%c", ((struct self *)m[i].self)->name);
    }
}

/* r begins with the request step of a member, from that one on: whose. */
static uint32_t
begin_within(struct req *r, const struct chain *c, uint32_t random)
{
    r->entered = (uint8_t)(random % c->n_req);
    r->first = c->member[r->entered];
    return r->first;
}

START_TEST(random_chains_walk_as_the_model_says)
{
    static struct self selves[26];
    struct chain_member m[26];
    char expected[1024];
    uint32_t seed = 1;

    for (int round = 0; round < 100000; round++) {
        uint32_t n, i, first = 0;
        struct req *r;
        int waits = 0;
        seed = seed * 1664525u + 1013904223u;
        n = 1 + (seed >> 16) % 12;
        for (i = 0; i < n; i++) {
            uint32_t bits;
            seed = seed * 1664525u + 1013904223u;
            bits = seed >> 16;
            selves[i] =
                (struct self){(char)('a' + i), ET_NEXT, ET_NEXT, NO_STEP};
            if (bits % 8 == 0 || i == n - 1)
                selves[i].request = ET_DONE;
            m[i] = (struct chain_member){
                .name = "x",
                .request = bits & 8 || i == n - 1 ? on_request : NULL,
                .response = bits & 16 ? on_response : NULL,
                .log = bits & 32 ? on_log : NULL,
                .self = &selves[i],
            };
            m[i].body = m[i].request && (bits >> 6) % 4 == 0;
        }
        r = begin(compose(m, n));
        if (round % 4 == 0)
            first = begin_within(r, r->chain, seed >> 20);
        switch (chain_run(r)) {
        case CHAIN_DONE: break;
        case CHAIN_BODY:
            waits = 1;
            if (seed & 1) { /* it never comes */
                req_decide_error(r, 413);
                ck_assert_int_eq(chain_finish(r), CHAIN_DONE);
            } else {
                waits = 0;
                r->body = (et_str){"", 0};
                ck_assert_int_eq(chain_run(r), CHAIN_DONE);
            }
            break;
        case CHAIN_WAIT:
        case CHAIN_OPEN:
        case CHAIN_TAKE:
        case CHAIN_DROP: ck_abort();
        }
        chain_log(r);
        model(expected, m, n, first, waits);
        ck_assert_str_eq(trace, expected);
        end(r);
    }
}
END_TEST

static struct self one = {'a', ET_NEXT, ET_NEXT, NO_STEP};
static struct self two = {'b', ET_DONE, ET_NEXT, NO_STEP};

/* Walk `a` (with a response step) in front of handler `b`. */
static uint16_t
status_of(uint32_t request, uint32_t response, enum chain_result *result)
{
    struct chain_member m[] = {
        {.name = "a",
         .request = on_request,
         .response = on_response,
         .self = &one},
        {.name = "b", .request = on_request, .self = &two},
    };
    struct req *r = begin(compose(m, 2));
    uint16_t status;

    one.request = request;
    one.response = response;
    *result = chain_run(r);
    status = *result == CHAIN_DROP ? (uint16_t)r->pub.status : r->resp.status;
    end(r);
    return status;
}

START_TEST(fail_is_500_and_its_own_response_step_runs)
{
    enum chain_result result;

    ck_assert_uint_eq(status_of(ET_FAIL, ET_NEXT, &result), 500);
    ck_assert_str_eq(trace, ">a<a");
    ck_assert_int_eq(result, CHAIN_DONE);
}
END_TEST

START_TEST(an_unknown_result_is_500)
{
    enum chain_result result;

    ck_assert_uint_eq(status_of(99, ET_NEXT, &result), 500);
    ck_assert_uint_eq(status_of(ET_WAIT, ET_NEXT, &result), 500);
    ck_assert_uint_eq(status_of(ET_TAKE, ET_NEXT, &result), 500);
    ck_assert_uint_eq(status_of(ET_NEXT, 99, &result), 500);
}
END_TEST

static const uint32_t no_results[] = {ET_WAIT,     ET_FAIL, ET_TAKE,
                                      ET_TAKE + 1, 99,      UINT32_MAX};

/* Nothing is sent while steps run: what one has answered before it returned
 * nonsense is taken back, and given back. */
START_TEST(an_answer_does_not_make_up_for_an_unknown_result)
{
    enum chain_result result;

    for (size_t i = 0; i < sizeof no_results / sizeof no_results[0]; i++) {
        n_given_back = 0;
        one.answers = REQUEST;
        ck_assert_uint_eq(status_of(no_results[i], ET_NEXT, &result), 500);
        ck_assert_int_eq(result, CHAIN_DONE);
        ck_assert_str_eq(trace, ">a<a");
        ck_assert_int_eq(n_given_back, 1);
        one.answers = RESPONSE;
        ck_assert_uint_eq(status_of(ET_NEXT, no_results[i], &result), 500);
        ck_assert_int_eq(result, CHAIN_DONE);
        ck_assert_str_eq(trace, ">a>b<a");
        ck_assert_int_eq(n_given_back, 2);
    }
}
END_TEST

START_TEST(fail_of_a_response_step_replaces_the_answer)
{
    enum chain_result result;

    ck_assert_uint_eq(status_of(ET_NEXT, ET_FAIL, &result), 500);
    ck_assert_str_eq(trace, ">a>b<a");
}
END_TEST

START_TEST(drop_ends_it_without_an_answer)
{
    enum chain_result result;

    ck_assert_uint_eq(status_of(ET_DROP, ET_NEXT, &result), 0);
    ck_assert_int_eq(result, CHAIN_DROP);
    ck_assert_str_eq(trace, ">a");
    ck_assert_uint_eq(status_of(ET_NEXT, ET_DROP, &result), 0);
    ck_assert_int_eq(result, CHAIN_DROP);
}
END_TEST

/* The status where the only step decides nothing and returns that. */
static uint16_t
status_of_silence(uint32_t result)
{
    struct self silent = {'s', result, ET_NEXT, NO_STEP};
    struct chain_member m = {
        .name = "s", .request = on_silence, .self = &silent};
    struct req *r = begin(compose(&m, 1));
    uint16_t status;

    ck_assert_int_eq(chain_run(r), CHAIN_DONE);
    status = r->resp.status;
    end(r);
    return status;
}

START_TEST(done_without_a_response_is_500_and_a_declined_request_404)
{
    ck_assert_uint_eq(status_of_silence(ET_DONE), 500);
    ck_assert_uint_eq(status_of_silence(ET_NEXT), 404);
}
END_TEST

/* ---- steps that are left in the middle ------------------------------------*/

static uint32_t
crash_request(et_req *r, void *self)
{
    (void)on_request(r, self);
    guard_leave("a crash");
}

static uint32_t
crash_response(et_req *r, void *self)
{
    (void)on_response(r, self);
    guard_leave("a crash");
}

static uint32_t
crash_log(et_req *r, void *self)
{
    (void)on_log(r, self);
    guard_leave("a crash");
}

static struct self abc[] = {{'a', ET_NEXT, ET_NEXT, NO_STEP},
                            {'b', ET_NEXT, ET_NEXT, NO_STEP},
                            {'c', ET_DONE, ET_NEXT, NO_STEP}};

/* a, b and the handler c with all their steps, but what `left` puts in. */
static uint16_t
walk_left(struct chain_member *left, uint32_t i)
{
    struct chain_member m[3];
    struct req *r;
    uint16_t status;

    for (int k = 0; k < 3; k++)
        m[k] = (struct chain_member){.name = "x",
                                     .request = on_request,
                                     .response = on_response,
                                     .log = on_log,
                                     .self = &abc[k]};
    if (left->request)
        m[i].request = left->request;
    if (left->response)
        m[i].response = left->response;
    if (left->log)
        m[i].log = left->log;
    r = begin(compose(m, 3));
    ck_assert_int_eq(chain_run(r), CHAIN_DONE);
    chain_log(r);
    status = r->resp.status;
    end(r);
    return status;
}

START_TEST(a_request_step_that_crashes_is_500_and_out)
{
    struct chain_member left = {.request = crash_request};

    ck_assert_uint_eq(walk_left(&left, 0), 500);
    ck_assert_str_eq(trace, ">a");
    ck_assert_uint_eq(walk_left(&left, 1), 500);
    ck_assert_str_eq(trace, ">a>b<a!a");
    ck_assert_uint_eq(walk_left(&left, 2), 500);
    ck_assert_str_eq(trace, ">a>b>c<b<a!a!b");
}
END_TEST

START_TEST(a_response_step_that_crashes_is_500_and_those_outside_run)
{
    struct chain_member left = {.response = crash_response};

    ck_assert_uint_eq(walk_left(&left, 2), 500);
    ck_assert_str_eq(trace, ">a>b>c<c<b<a!a!b");
    ck_assert_uint_eq(walk_left(&left, 1), 500);
    ck_assert_str_eq(trace, ">a>b>c<c<b<a!a!c");
    ck_assert_uint_eq(walk_left(&left, 0), 500);
    ck_assert_str_eq(trace, ">a>b>c<c<b<a!b!c");
}
END_TEST

START_TEST(a_log_step_that_crashes_keeps_no_other_from_running)
{
    struct chain_member left = {.log = crash_log};

    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(walk_left(&left, i), 200);
        ck_assert_str_eq(trace, ">a>b>c<c<b<a!a!b!c");
    }
}
END_TEST

START_TEST(who_runs_is_known)
{
    struct chain_member m[] = {
        {.name = "one", .request = on_request, .self = &abc[0]},
        {.name = "two", .request = on_request, .self = &abc[2]},
    };
    struct req *r = begin(compose(m, 2));
    const char *step;

    ck_assert_int_eq(chain_run(r), CHAIN_DONE);
    r->phase = CHAIN_IN_REQUEST;
    r->member = 0;
    ck_assert_str_eq(chain_running(r, &step)->name, "one");
    ck_assert_str_eq(step, "request step");
    r->member = 1;
    ck_assert_str_eq(chain_running(r, &step)->name, "two");
    ck_assert_str_eq(step, "handler");
    r->phase = CHAIN_IN_LOG;
    (void)chain_running(r, &step);
    ck_assert_str_eq(step, "log step");
    end(r);
}
END_TEST

UNIT_MAIN(chain, random_chains_walk_as_the_model_says,
          fail_is_500_and_its_own_response_step_runs, an_unknown_result_is_500,
          an_answer_does_not_make_up_for_an_unknown_result,
          fail_of_a_response_step_replaces_the_answer,
          drop_ends_it_without_an_answer,
          done_without_a_response_is_500_and_a_declined_request_404,
          a_request_step_that_crashes_is_500_and_out,
          a_response_step_that_crashes_is_500_and_those_outside_run,
          a_log_step_that_crashes_keeps_no_other_from_running,
          who_runs_is_known)
