/* SPDX-License-Identifier: BSD-2-Clause */
/* writer.c - an answer that a task writes, or the host does, through body steps
 * (http/filter.h), to a protocol that takes what it likes: what arrives is what
 * they have made of it.
 * tags: asan */
#include "http/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/blocks.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/wheel.h"
#include "http/chain_compose.h"
#include "http/filter.h"
#include "http/req.h"
#include "http/task.h"
#include "http/waits.h"
#include "io/mailbox.h"

#define UNIT_SECONDS 120
#include "t/lib/unit.h"

#define MAX (1u << 20)
#define MEMBERS 3

static uint32_t seed;

static uint32_t
any(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)seed * below) >> 32);
}

/* ---- a worker ------------------------------------------------------------*/

static struct {
    struct blocks blocks;
    struct clock clock;
    struct metrics metrics;
    struct wheel wheel;
    struct mailbox mailbox;
    struct waits waits;
    struct tasks tasks;
    struct host_worker worker;
    _Alignas(64) char slot[REQ_SLOT_BYTES];
    void *mine[CHAIN_MAX_MEMBERS];
} w;

static void
open_worker(void)
{
    log_set_level(0);
    w.clock.mono_ms = 1000;
    wheel_init(&w.wheel, w.clock.mono_ms);
    blocks_init(&w.blocks, 1 << 22);
    ck_assert_int_eq(mailbox_open(&w.mailbox), 0);
    ck_assert_int_eq(waits_init(&w.waits, 0, 64, &w.mailbox, &w.metrics), 0);
    ck_assert_int_eq(task_pool_init(&w.tasks, 8, 65536, &w.wheel), 0);
    host_worker_init(&w.worker, 0, 1);
    w.worker.clock = &w.clock;
    w.worker.metrics = &w.metrics;
    w.worker.wheel = &w.wheel;
    w.worker.waits = &w.waits;
    w.worker.tasks = &w.tasks;
}

static void
close_worker(void)
{
    ck_assert_uint_eq(w.tasks.stacks.n_out, 0);
    ck_assert_uint_eq(waits_count(&w.waits), 0);
    wheel_cancel(&w.wheel, &w.tasks.trim);
    task_pool_fini(&w.tasks);
    waits_fini(&w.waits);
    mailbox_close(&w.mailbox, NULL);
    blocks_fini(&w.blocks);
}

/* ---- a protocol ----------------------------------------------------------*/

static char arrived[4 * MAX];
static size_t n_arrived;
static int64_t ends_with; /* what it says in the end; 0: it does not */
static size_t ends_at;
static int n_flushed, takes_all;

static int64_t
sink_write(struct req *r, const char *p, size_t n)
{
    (void)r;
    if (ends_with && n_arrived >= ends_at)
        return ends_with;
    if (!takes_all && any(3) == 0)
        return -EAGAIN;
    n_flushed += n == 0;
    if (n > 0 && !takes_all)
        n = 1 + any((uint32_t)n);
    ck_assert_uint_le(n_arrived + n, sizeof arrived);
    memcpy(arrived + n_arrived, p ? p : "", n);
    n_arrived += n;
    return (int64_t)n;
}

static void
sink_wake(struct req *r)
{
    (void)r; /* the loop below goes on with it in any case */
}

static const struct sink sink = {.write = sink_write, .wake = sink_wake};

/* ---- a chain -------------------------------------------------------------*/

/* What a member makes of a piece. */
enum act { ASKS_NOT, DOUBLES, SPLITS, HOLDS, FAILS };

struct self {
    enum act act;
    char held[MAX];
    size_t n_held;
    int n_flushes, n_ends, n_pieces;
};

static struct self selves[MEMBERS]; /* the outermost first */

static uint32_t
ask(et_req *r, void *self)
{
    const struct self *s = self;

    if (s->act == ASKS_NOT)
        return ET_NEXT;
    *r->mine = self;
    return filter_ask(r) < 0 ? ET_FAIL : ET_NEXT;
}

static int32_t
emit_halves(et_req *r, const char *p, size_t n, uint32_t flags)
{
    size_t k = any((uint32_t)n + 1);
    int32_t rc = filter_emit(r, p, k, 0);

    return rc < 0 ? rc : filter_emit(r, p + k, n - k, flags);
}

static int32_t
hold(et_req *r, struct self *s, const char *p, size_t n, uint32_t flags)
{
    size_t k = s->n_held + n;

    memcpy(s->held + s->n_held, p, n);
    s->n_held = flags ? 0 : k;
    return flags ? filter_emit(r, s->held, k, flags) : 0;
}

static int32_t
pass(et_req *r, void *self, const char *p, size_t n, uint32_t flags)
{
    struct self *s = self;
    int32_t rc;

    ck_assert_ptr_eq(*r->mine, self); /* it is this member's turn */
    ck_assert_int_eq(s->n_ends, 0);
    s->n_pieces++;
    s->n_flushes += flags == ET_BODY_FLUSH;
    s->n_ends += flags == ET_BODY_LAST;
    switch (s->act) {
    case DOUBLES:
        rc = filter_emit(r, p, n, 0);
        return rc < 0 ? rc : filter_emit(r, p, n, flags);
    case SPLITS: return emit_halves(r, p, n, flags);
    case HOLDS: return hold(r, s, p, n, flags);
    case FAILS:
        return s->n_pieces > 3 ? ET_EINVAL : filter_emit(r, p, n, flags);
    case ASKS_NOT: break;
    }
    ck_abort_msg("it has not asked");
    return 0;
}

/* The answer, in pieces of these sizes: 0 is a flush. */
static size_t pieces[200];
static size_t n_pieces;
static char expected[4 * MAX];
static size_t n_expected;
static int32_t said; /* by the call that was refused */

static char
byte_at(size_t i)
{
    return (char)(i * 2654435761u >> 24);
}

static uint32_t
write_it(et_req *r, void *self)
{
    static char p[MAX];
    size_t at = 0;

    (void)self;
    ck_assert_ptr_null(*r->mine);
    said = writer_begin(r, 200, (et_str){"", 0}, ET_ANY_LENGTH);
    for (size_t i = 0; said == 0 && i < n_pieces; i++) {
        for (size_t k = 0; k < pieces[i]; k++)
            p[k] = byte_at(at + k);
        said = pieces[i] ? writer_write(r, p, pieces[i]) : writer_flush(r);
        memset(p, 0, pieces[i]); /* it is copied */
        at += pieces[i];
        ck_assert_ptr_null(*r->mine); /* this member again */
    }
    return said < 0 ? ET_FAIL : ET_DONE;
}

static _Alignas(16) char block[4096];
static struct chain_member members[MEMBERS + 1];

static struct req *
begin(et_step handler, uint8_t flags)
{
    struct req *r = (struct req *)w.slot;

    for (uint32_t i = 0; i < MEMBERS; i++)
        members[i] = (struct chain_member){
            .name = "x", .response = ask, .filter = pass, .self = &selves[i]};
    members[MEMBERS] = (struct chain_member){
        .name = "handler", .request = handler, .body = flags};
    ck_assert_uint_le(chain_compose_size(members, MEMBERS + 1), sizeof block);
    memset(w.slot, 0, sizeof w.slot);
    req_init(r, &w.blocks, &w.worker.pub, &w.clock);
    memset(w.mine, 0, sizeof w.mine);
    r->mine = w.mine;
    r->chain = chain_compose(block, members, MEMBERS + 1);
    r->sink = &sink;
    r->pub.method = ET_M_GET;
    n_arrived = 0;
    n_flushed = 0;
    return r;
}

/* To its end, as conn/h1.c does it. */
static enum chain_result
run(struct req *r)
{
    enum chain_result rc = chain_run(r);

    for (;;) {
        if (rc == CHAIN_DONE && r->resp.filters && !r->resp.is_written) {
            ck_assert_int_eq(filter_begin(r), 0);
            rc = CHAIN_OPEN;
        }
        if (rc == CHAIN_OPEN)
            r->resp.committed = 1;
        else if (rc == CHAIN_WAIT)
            task_room_came(r);
        else
            return rc;
        rc = chain_resume(r);
    }
}

/* ---- the model -----------------------------------------------------------*/

/* A piece, on its way out of member i. */
static void
expect_piece(int i, const char *p, size_t n)
{
    for (; i >= 0; i--) {
        if (selves[i].act == DOUBLES && n > 0) {
            expect_piece(i - 1, p, n);
            expect_piece(i - 1, p, n);
            return;
        }
        if (selves[i].act == SPLITS || selves[i].act == ASKS_NOT)
            continue;
        ck_assert_int_ne(selves[i].act, HOLDS);
    }
    memcpy(expected + n_expected, p, n);
    n_expected += n;
}

static void
any_pieces(uint32_t most)
{
    n_pieces = any(ARRAY_LEN(pieces));
    for (size_t i = 0; i < n_pieces; i++)
        pieces[i] = any(5) ? 1 + any(most) : 0;
}

static size_t
total(void)
{
    size_t n = 0;

    for (size_t i = 0; i < n_pieces; i++)
        n += pieces[i];
    return n;
}

static void
expect_pieces(void)
{
    static char p[MAX];
    size_t at = 0;

    n_expected = 0;
    for (size_t i = 0; i < n_pieces; i++) {
        for (size_t k = 0; k < pieces[i]; k++)
            p[k] = byte_at(at + k);
        expect_piece(MEMBERS - 1, p, pieces[i]);
        at += pieces[i];
    }
}

static void
expect_arrived(void)
{
    ck_assert_uint_eq(n_arrived, n_expected);
    ck_assert_int_eq(memcmp(arrived, expected, n_expected), 0);
}

static void
set_acts(enum act outer, enum act middle, enum act inner)
{
    const enum act acts[MEMBERS] = {outer, middle, inner};

    for (int i = 0; i < MEMBERS; i++) {
        selves[i].act = acts[i];
        selves[i].n_held = 0;
        selves[i].n_flushes = selves[i].n_ends = selves[i].n_pieces = 0;
    }
}

static int
flushes(void)
{
    int n = 0;

    for (size_t i = 0; i < n_pieces; i++)
        n += pieces[i] == 0;
    return n;
}

/* ---- tests ---------------------------------------------------------------*/

START_TEST(what_is_written_arrives)
{
    for (seed = 1; seed < 300 * 2654435u; seed += 2654435u) {
        uint32_t was = seed;
        struct req *r = begin(write_it, ET_F_TASK);
        set_acts(ASKS_NOT, ASKS_NOT, ASKS_NOT);
        any_pieces(3000);
        expect_pieces();
        ck_assert_int_eq(run(r), CHAIN_DONE);
        ck_assert_int_eq(said, 0);
        expect_arrived();
        ck_assert_int_eq(n_flushed, flushes());
        req_fini(r);
        seed = was;
    }
}
END_TEST

START_TEST(through_body_steps_from_the_inside_out)
{
    static const enum act some[] = {ASKS_NOT, DOUBLES, SPLITS};

    for (seed = 1; seed < 300 * 2654435u; seed += 2654435u) {
        uint32_t was = seed;
        struct req *r = begin(write_it, ET_F_TASK);
        set_acts(some[any(3)], some[any(3)], some[any(3)]);
        any_pieces(300);
        expect_pieces();
        ck_assert_int_eq(run(r), CHAIN_DONE);
        ck_assert_int_eq(said, 0);
        if (selves[2].act != SPLITS && selves[1].act != SPLITS)
            expect_arrived(); /* halves that are doubled are another text */
        else
            ck_assert_uint_eq(n_arrived, n_expected);
        ck_assert_int_eq(n_flushed, flushes());
        for (int i = 0; i < MEMBERS; i++) {
            int asks = selves[i].act != ASKS_NOT;
            ck_assert_int_eq(selves[i].n_ends, asks);
            ck_assert_int_eq(selves[i].n_flushes, asks ? flushes() : 0);
        }
        req_fini(r);
        seed = was;
    }
}
END_TEST

START_TEST(what_is_held_comes_with_a_flush_and_at_the_end)
{
    for (seed = 1; seed < 100 * 2654435u; seed += 2654435u) {
        uint32_t was = seed;
        struct req *r = begin(write_it, ET_F_TASK);
        set_acts(SPLITS, HOLDS, SPLITS);
        any_pieces(300);
        ck_assert_int_eq(run(r), CHAIN_DONE);
        ck_assert_uint_eq(n_arrived, total());
        for (size_t i = 0; i < n_arrived; i++)
            if (arrived[i] != byte_at(i))
                ck_abort_msg("another byte at %zu", i);
        ck_assert_int_eq(n_flushed, flushes());
        req_fini(r);
        seed = was;
    }
}
END_TEST

static char decided[60000];

static uint32_t
decide(et_req *r, void *self)
{
    (void)self;
    return r->http->reply(r, 200, (et_str){"", 0}, decided, sizeof decided, 0);
}

START_TEST(an_answer_that_is_decided_is_written_too)
{
    for (size_t i = 0; i < sizeof decided; i++)
        decided[i] = byte_at(i);
    for (seed = 1; seed < 50 * 2654435u; seed += 2654435u) {
        uint32_t was = seed;
        struct req *r = begin(decide, 0);
        set_acts(HOLDS, any(2) ? SPLITS : ASKS_NOT, ASKS_NOT);
        ck_assert_int_eq(run(r), CHAIN_DONE);
        ck_assert_uint_eq(n_arrived, sizeof decided);
        ck_assert_int_eq(memcmp(arrived, decided, n_arrived), 0);
        ck_assert_int_eq(selves[0].n_ends, 1);
        req_fini(r);
        seed = was;
    }
}
END_TEST

/* Whoever it is that says so, and wherever. */
START_TEST(below_0_goes_back_to_who_writes)
{
    static const struct {
        int64_t sink;
        int32_t task;
    } cases[] = {{-ENOTCONN, ET_ECANCEL}, {-EINVAL, ET_EINVAL}};

    for (seed = 1; seed < 100 * 2654435u; seed += 2654435u) {
        uint32_t was = seed, k = any(2);
        struct req *r = begin(write_it, ET_F_TASK);
        set_acts(DOUBLES, ASKS_NOT, SPLITS);
        any_pieces(300);
        n_pieces += n_pieces == 0;
        pieces[0] = 5;
        ends_with = cases[k].sink;
        ends_at = any((uint32_t)total());
        ck_assert_int_eq(run(r), CHAIN_DROP);
        ck_assert_int_eq(said, cases[k].task);
        ck_assert_int_eq(selves[0].n_ends + selves[2].n_ends, 0);
        ends_with = 0;
        req_fini(r);
        r = begin(write_it, ET_F_TASK);
        set_acts(ASKS_NOT, FAILS, SPLITS);
        for (n_pieces = 0; n_pieces < 5; n_pieces++)
            pieces[n_pieces] = 1;
        ck_assert_int_eq(run(r), CHAIN_DROP);
        ck_assert_int_eq(said, ET_EINVAL);
        req_fini(r);
        seed = was;
    }
}
END_TEST

/* Calls from elsewhere. */
START_TEST(only_a_response_step_asks_and_only_a_body_step_emits)
{
    struct req *r = begin(decide, 0);

    set_acts(ASKS_NOT, ASKS_NOT, ASKS_NOT);
    ck_assert_int_eq(filter_ask(&r->pub), ET_EPHASE);
    ck_assert_int_eq(filter_emit(&r->pub, "x", 1, 0), ET_EPHASE);
    ck_assert_int_eq(writer_begin(&r->pub, 200, (et_str){"", 0}, 1), ET_EPHASE);
    ck_assert_int_eq(writer_write(&r->pub, "x", 1), ET_EPHASE);
    ck_assert_int_eq(writer_flush(&r->pub), ET_EPHASE);
    ck_assert_int_eq(run(r), CHAIN_DONE);
    req_fini(r);
}
END_TEST

UNIT_MAIN_IN(open_worker, close_worker, writer, what_is_written_arrives,
             through_body_steps_from_the_inside_out,
             what_is_held_comes_with_a_flush_and_at_the_end,
             an_answer_that_is_decided_is_written_too,
             below_0_goes_back_to_who_writes,
             only_a_response_step_asks_and_only_a_body_step_emits)
