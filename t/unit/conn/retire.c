/* SPDX-License-Identifier: BSD-2-Clause */
/* retire.c - which requests are told that it is time, and when.
 * tags: asan */
#include "conn/retire.h"

#include <stdlib.h>
#include <string.h>

#include "conn/conn.h"
#include "conn/env.h"
#include "http/gen.h"
#include "http/pause.h"
#include "http/req.h"
#include "t/lib/unit.h"

#define CONNS 5u
#define DRAIN_MS 20000u

static struct env env;
static struct gen_worker older, newer;
static struct req *reqs[CONNS];
static int n_told[CONNS];

static void
on_retire(struct req *r)
{
    for (uint32_t i = 0; i < CONNS; i++)
        n_told[i] += reqs[i] == r;
}

static const struct pause_kind kind = {.retire = on_retire};

/* The ith connection; its request, of g, waits. */
static struct conn *
add(uint32_t i, struct gen_worker *g, int is_written)
{
    struct conn *c = slab_take(&env.conns);
    struct req *r = reqs[i];

    ck_assert_ptr_nonnull(c);
    memset(r, 0, REQ_SLOT_BYTES);
    r->magic = REQ_MAGIC;
    r->gen = g;
    r->has_pause = 1;
    r->pause = (struct pause){.kind = &kind, .state = PAUSE_WAITS};
    r->resp.is_written = (uint8_t)is_written;
    c->req = r;
    c->phase = CONN_WAIT;
    c->io.fd = 7;
    return c;
}

static void
pass(uint64_t ms)
{
    env.clock.mono_ms += ms;
    wheel_advance(&env.wheel, env.clock.mono_ms);
}

static void
set_up(void)
{
    env.clock.mono_ms = 1000;
    env.limits.drain_ms = DRAIN_MS;
    wheel_init(&env.wheel, env.clock.mono_ms);
    host_worker_init(&env.worker, 0, 1);
    older.worker = newer.worker = &env.worker.pub;
    ck_assert_int_eq(slab_init(&env.conns, sizeof(struct conn), CONNS), 0);
    for (uint32_t i = 0; i < CONNS; i++) {
        reqs[i] = aligned_alloc(64, REQ_SLOT_BYTES);
        ck_assert_ptr_nonnull(reqs[i]);
    }
}

static void
tear_down(void)
{
    slab_fini(&env.conns);
    for (uint32_t i = 0; i < CONNS; i++)
        free(reqs[i]);
}

static void
expect_told(int a, int b, int c, int d, int e)
{
    const int want[CONNS] = {a, b, c, d, e};

    for (uint32_t i = 0; i < CONNS; i++)
        ck_assert_msg(n_told[i] == want[i], "%u was told %d times", i,
                      n_told[i]);
}

START_TEST(after_a_reload_who_writes_with_the_old_one)
{
    add(0, &older, 1);
    add(1, &older, 0); /* nobody loses an answer that is not decided */
    add(2, &newer, 1);
    add(3, &older, 1)->phase = CONN_SEND; /* all of it is written */
    add(4, &older, 1)->io.fd = -1;        /* a slot that holds none */
    retire_begin(&env, &older);
    ck_assert_int_eq(older.is_old, 1);
    pass(DRAIN_MS - 100);
    expect_told(0, 0, 0, 0, 0);
    pass(200);
    expect_told(1, 0, 0, 0, 0);
    reqs[1]->resp.is_written = 1; /* it begins to write only now */
    pass(2000);
    ck_assert_int_gt(n_told[1], 0);
    retire_end(&env, &older);
    ck_assert_uint_eq(env.wheel.n_armed, 0);
}
END_TEST

START_TEST(who_is_closed_or_does_not_wait_is_left_alone)
{
    add(0, &older, 1);
    add(1, &older, 1);
    add(2, &older, 1);
    reqs[0]->pause.is_closed = 1;
    reqs[1]->pause.state = PAUSE_OFF;
    reqs[2]->has_pause = 0;
    retire_begin(&env, &older);
    pass(DRAIN_MS + 100);
    expect_told(0, 0, 0, 0, 0);
    retire_end(&env, &older);
}
END_TEST

START_TEST(at_the_end_of_the_server_all_that_wait)
{
    add(0, &older, 1);
    add(1, &older, 0);
    add(2, &newer, 1);
    add(3, &newer, 0);
    add(4, &newer, 0)->phase = CONN_BODY;
    (void)retire_all(&env, env.limits.drain_ms);
    pass(DRAIN_MS - 600);
    expect_told(0, 0, 0, 0, 0);
    pass(200); /* and have a while for what they say */
    expect_told(1, 1, 1, 1, 0);
    pass(DRAIN_MS);
    expect_told(1, 1, 1, 1, 0);
}
END_TEST

START_TEST(of_a_short_drain_half_is_left)
{
    env.limits.drain_ms = 800;
    add(0, &newer, 0);
    (void)retire_all(&env, env.limits.drain_ms);
    pass(350);
    expect_told(0, 0, 0, 0, 0);
    pass(100);
    expect_told(1, 0, 0, 0, 0);
}
END_TEST

UNIT_MAIN_IN(set_up, tear_down, retire,
             after_a_reload_who_writes_with_the_old_one,
             who_is_closed_or_does_not_wait_is_left_alone,
             at_the_end_of_the_server_all_that_wait,
             of_a_short_drain_half_is_left)
