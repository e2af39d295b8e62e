/* SPDX-License-Identifier: BSD-2-Clause */
/* chain.c - walking the flat arrays; see chain.h. */
#include "http/chain.h"

#include "base/clock.h"
#include "base/log.h"
#include "http/filter.h"
#include "http/host.h"
#include "http/req.h"
#include "http/route.h"
#include "http/task.h"
#include "http/upgrade.h"
#include "plug/guard.h"
#include "plug/image.h"
#include "plug/instance.h"
#include "plug/plugin.h"

void
chain_enter(struct req *r, uint8_t member)
{
    r->member = member;
    r->pub.mine = &r->mine[member];
}

/* Make slot (counted over req, resp, log) the step that is running. */
static inline void
enter(struct req *r, const struct chain *c, uint32_t slot)
{
    r->has_said = 0;
    chain_enter(r, c->member[slot]);
}

static void
complain(struct req *r, const char *what, uint32_t result)
{
    log_printf(
        LOG_ERROR, r->chain->members[r->member].name,
        "a step of route \"%s\" returned %u, which %s; answered with 500",
        r->route ? r->route->name : "", result, what);
}

/* 500 instead of whatever was decided, because of the step that just ran. */
static void
fail(struct req *r, const char *what, uint32_t result)
{
    if (!r->has_said)
        complain(r, what, result);
    req_decide_error(r, 500);
}

static const char without_reason[] = "is a failure without a reason";

/* 500, because a step had no memory: where memory is short that is true of
 * many, and the first speaks for them. */
static void
fail_memory(struct req *r, uint32_t result)
{
    struct trouble *t = &host_worker_of(r->pub.worker)->memory;

    r->has_said |= !trouble_begin(t, r->clock->mono_ms);
    fail(r, "ran out of the request's memory", result);
}

/* This one got more than it began with. */
static __attribute__((noinline, cold)) void
note_memory(const struct req *r)
{
    if (trouble_end(&host_worker_of(r->pub.worker)->memory))
        log_info("requests have memory again");
}

/* Nothing is answered, whatever was decided: the log steps see no status.  An
 * answer of which a part has gone ends there. */
static enum chain_result
drop(struct req *r)
{
    if (!r->resp.committed)
        r->pub.status = 0;
    return CHAIN_DROP;
}

/* Whether the step that runs, or has returned, has begun to wait: not only one
 * that is held meanwhile. */
static inline int
has_begun_to_wait(const struct req *r)
{
    return r->has_pause && r->pause.kind != r->pause.held;
}

/* It waits no more.  Of one that is astray the pause stays: no step waits. */
static void
end_pause(struct req *r)
{
    struct pause *p = &r->pause;

    if (p->held)
        p->kind = p->held;
    else
        r->has_pause = p->is_closed;
}

/* A step that has begun to wait (response step i, or a request step) has
 * returned rc: 1, and it waits no more; 0: the walk does, for what it was begun
 * for, or for a job of a step that has thought better of it. */
static int
leave_pause(struct req *r, uint32_t rc, uint32_t i)
{
    struct pause *p = &r->pause;

    p->slot = (uint8_t)i;
    if (rc == ET_WAIT && p->is_on) {
        p->state = PAUSE_WAITS;
        return 0;
    }
    if (p->kind->settle(r)) {
        end_pause(r);
        return 1;
    }
    p->state = PAUSE_ENDS;
    p->result = rc;
    return 0;
}

/* The step waits: for its answer's head to go, if it is about to write one. */
static enum chain_result
waits(const struct req *r)
{
    return r->pause.opens ? CHAIN_OPEN : CHAIN_WAIT;
}

/* Response step i has returned rc, or left the memory short: CHAIN_DONE to go
 * on. */
static enum chain_result
responded(struct req *r, uint32_t i, uint32_t rc, int was_spoilt)
{
    if (has_begun_to_wait(r) && !leave_pause(r, rc, i))
        return CHAIN_WAIT;
    if (rc == ET_DROP)
        return drop(r);
    if (rc == ET_FAIL && r->is_spoilt)
        fail_memory(r, rc);
    else if (rc == ET_FAIL)
        fail(r, without_reason, rc);
    else if (rc == ET_WAIT)
        fail(r, "waits for nothing", rc);
    else if (rc != ET_NEXT && rc != ET_DONE)
        fail(r, "a response step may not return", rc);
    else if (r->is_spoilt && !was_spoilt)
        fail_memory(r, rc);
    return CHAIN_DONE;
}

/* The response steps from slot i on, of members that take part. */
static enum chain_result
run_response_from(struct req *r, uint32_t i)
{
    const struct chain *c = r->chain;

    r->phase = CHAIN_IN_RESPONSE;
    for (; i < c->n_resp && c->member[c->n_req + i] >= r->first; i++) {
        int was_spoilt = r->is_spoilt;
        uint32_t rc;
        enter(r, c, c->n_req + i);
        rc = c->resp[i].fn(&r->pub, c->resp[i].self);
        if (UNLIKELY(rc != ET_NEXT || r->is_spoilt != was_spoilt ||
                     r->has_pause)) {
            enum chain_result end = responded(r, i, rc, was_spoilt);
            if (end != CHAIN_DONE)
                return end;
        }
    }
    if (UNLIKELY(r->is_spoilt)) /* whatever was decided since */
        req_decide_error(r, 500);
    return UNLIKELY(r->resp.status == 101) ? CHAIN_TAKE : CHAIN_DONE;
}

static enum chain_result
run_response(struct req *r)
{
    const struct chain *c = r->chain;

    return run_response_from(r, (r->waiting ? c->wait : c->entry)[r->entered]);
}

/* The step that has written the answer has returned rc. */
static enum chain_result
written(struct req *r, uint32_t rc)
{
    if ((rc == ET_DONE && !r->is_spoilt) || (rc == ET_FAIL && r->resp.is_bare))
        return CHAIN_DONE;
    if (rc != ET_DROP && !r->has_said)
        log_printf(LOG_ERROR, r->chain->members[r->member].name,
                   "a step of route \"%s\" returned %u after it had begun its "
                   "answer, which is cut off",
                   r->route ? r->route->name : "", rc);
    return drop(r);
}

/* The connection becomes a stream, if no response step decides otherwise. */
static __attribute__((noinline)) enum chain_result
take(struct req *r)
{
    resp_clear(&r->resp);
    r->resp.status = 101;
    r->pub.status = 101;
    return run_response(r);
}

/* A request step ended the walk with rc. */
static enum chain_result
ended(struct req *r, uint32_t rc)
{
    if (rc == ET_DROP)
        return drop(r);
    if (LIKELY(rc == ET_DONE && r->resp.status != 0 && !r->is_spoilt)) {
        if (UNLIKELY(r->arena.more != NULL))
            note_memory(r);
        return run_response(r);
    }
    if (rc == ET_TAKE && upgrade_is_on(r) && !r->is_spoilt)
        return take(r);
    if (rc == ET_WAIT)
        fail(r, "waits for nothing", rc);
    else if (rc == ET_TAKE && !r->is_spoilt)
        fail(r, "takes what it has not accepted", rc);
    else if (rc > ET_TAKE)
        fail(r, "is no step result", rc);
    else if (r->is_spoilt)
        fail_memory(r, rc);
    else
        fail(r, rc == ET_DONE ? "decided no response" : without_reason, rc);
    return run_response(r);
}

/* The walk, under guard. */
static int
walk(void *arg)
{
    struct req *r = arg;
    const struct chain *c = r->chain;

    r->phase = CHAIN_IN_REQUEST;
    while (r->entered < c->n_req) {
        uint32_t i = r->entered, rc;
        if (c->body[i] && !r->body.p) {
            r->waiting = 1;
            return CHAIN_BODY;
        }
        r->waiting = 0;
        enter(r, c, i);
        r->entered = (uint8_t)(i + 1);
        rc = c->req[i].fn(&r->pub, c->req[i].self);
        if (UNLIKELY(r->has_pause) && !leave_pause(r, rc, 0))
            return waits(r);
        if (rc != ET_NEXT)
            return ended(r, rc);
    }
    /* The handler declined: nobody answers, so there is nothing here. */
    if (r->resp.status == 0)
        req_decide_error(r, 404);
    return run_response(r);
}

static int
finish(void *arg)
{
    return run_response(arg);
}

/* ---- after a wait --------------------------------------------------------*/

static void *
self_of_paused(const struct req *r)
{
    const struct chain *c = r->chain;

    return r->phase == CHAIN_IN_RESPONSE ? c->resp[r->pause.slot].self
                                         : c->req[r->entered - 1].self;
}

/* The step, which was not to write its answer, has returned rc. */
static enum chain_result
refused(struct req *r, uint32_t rc)
{
    if (r->has_pause && !leave_pause(r, rc, 0))
        return CHAIN_WAIT;
    return (enum chain_result)r->pause.result;
}

/* The step that waited goes on, or is over at last, and the walk behind it. */
static int
resume(void *arg)
{
    struct req *r = arg;
    struct pause *p = &r->pause;
    enum pause_state was = p->state;
    int was_spoilt = r->is_spoilt;
    enum chain_result end;
    uint32_t rc;

    p->state = PAUSE_OFF;
    rc = was == PAUSE_ENDS ? p->result : p->kind->resume(r, self_of_paused(r));
    if (UNLIKELY(r->has_pause && p->is_refused))
        return (int)refused(r, rc);
    if (r->phase == CHAIN_IN_REQUEST) {
        if (r->has_pause && !leave_pause(r, rc, 0))
            return waits(r);
        if (r->resp.committed)
            return written(r, rc);
        return rc == ET_NEXT ? walk(r) : (int)ended(r, rc);
    }
    end = responded(r, p->slot, rc, was_spoilt);
    return end == CHAIN_DONE ? run_response_from(r, p->slot + 1u) : end;
}

struct ending {
    struct req *r;
    int32_t why;
};

static int
give_up(void *arg)
{
    const struct ending *e = arg;

    e->r->pause.kind->give_up(e->r, self_of_paused(e->r), e->why);
    return 0;
}

/* Its time is over: 504 instead of what it may have decided. */
static int
respond_late(void *arg)
{
    struct req *r = arg;

    if (r->phase == CHAIN_IN_RESPONSE)
        return run_response_from(r, r->pause.slot + 1u);
    return run_response(r);
}

/* ---- crashes -------------------------------------------------------------*/

/* Something of the step that ran was left in the middle.  A crash is told of
 * elsewhere (guard.h); a panic of the plugin's own says nothing against its
 * image. */
static void
note_left(struct req *r)
{
    const struct instance *i = r->chain->members[r->member].instance;

    if (i && !r->has_panicked)
        atomic_store(&i->plugin->image->has_crashed, 1);
    r->has_panicked = 0;
}

static void
note_crash(struct req *r)
{
    note_left(r);
    r->crashed = (uint8_t)(r->member + 1);
}

/* The response steps of those outside of the one that crashed: its own and
 * those inside of it have run, or will not. */
static int
respond_outside(void *arg)
{
    struct req *r = arg;
    const struct chain *c = r->chain;
    uint32_t i = 0;

    if (r->resp.committed) /* they have seen it, and it is cut off */
        return CHAIN_DROP;
    while (i < c->n_resp && c->member[c->n_req + i] + 1 >= r->crashed)
        i++;
    return run_response_from(r, i);
}

/* What the step that crashed has begun goes with it; 0: but for a job. */
static int
leave_crashed(struct req *r)
{
    if (!has_begun_to_wait(r) || leave_pause(r, ET_FAIL, r->pause.slot))
        return 1;
    r->pause.has_crashed = 1;
    return 0;
}

static enum chain_result
after_crash(struct req *r)
{
    int rc;

    do {
        if (r->has_pause && r->pause.kind->crashed(r)) {
            note_left(r);
            r->pause.state = PAUSE_WAITS;
            rc = guard_walk(GUARD_STEPS, r, resume, r);
            continue;
        }
        note_crash(r);
        r->waiting = 0;
        if (!r->resp.committed)
            req_decide_error(r, 500);
        if (!leave_crashed(r))
            return CHAIN_WAIT;
        if (r->has_pause && r->pause.is_refused)
            return (enum chain_result)r->pause.result;
        rc = guard_walk(GUARD_STEPS, r, respond_outside, r);
    } while (rc == LEAP_LEFT);
    return (enum chain_result)rc;
}

/* ---- answers that are written --------------------------------------------*/

/* The response steps have answered otherwise: the step that was to write it is
 * given up. */
static enum chain_result
close_again(struct req *r, enum chain_result result)
{
    struct pause *p = &r->pause;

    r->phase = CHAIN_IN_REQUEST;
    r->resp.is_written = 0;
    r->resp.committed = 1; /* it cannot change that */
    p->is_refused = 1;
    p->result = (uint32_t)result;
    chain_give_up(r, ET_ECANCEL);
    return refused(r, p->kind->settle(r) ? ET_DONE : ET_WAIT);
}

/* The step that is held waits again, and nothing on top of it. */
static void
let_go(struct pause *p)
{
    p->kind = p->held;
    p->held = NULL;
    p->opens = p->is_late = p->has_crashed = 0;
    p->is_on = 1;
    p->state = PAUSE_WAITS;
}

/* The response steps have seen an answer of which nothing is written yet. */
static __attribute__((noinline, cold)) enum chain_result
opened(struct req *r, enum chain_result result)
{
    let_go(&r->pause);
    if (result != CHAIN_TAKE && (result != CHAIN_DONE || !r->resp.is_written))
        return close_again(r, result);
    r->phase = CHAIN_IN_REQUEST;
    enter(r, r->chain, r->entered - 1u);
    task_opened(r);
    return result == CHAIN_TAKE ? CHAIN_TAKE : CHAIN_OPEN;
}

/* They are to see it, and may wait: the step that is to write it is held. */
static __attribute__((noinline, cold)) enum chain_result
open(struct req *r)
{
    enum chain_result result;
    int rc;

    r->pause.held = r->pause.kind;
    rc = guard_walk(GUARD_STEPS, r, finish, r);
    result = rc == LEAP_LEFT ? after_crash(r) : (enum chain_result)rc;
    return result == CHAIN_WAIT ? CHAIN_WAIT : opened(r, result);
}

int
chain_refuse(struct req *r)
{
    if (!r->has_pause || !r->pause.held)
        return 1;
    let_go(&r->pause);
    return close_again(r, CHAIN_DROP) != CHAIN_WAIT;
}

/* What a guarded walk has returned. */
static inline enum chain_result
left(struct req *r, int rc)
{
    if (LIKELY((unsigned)rc < CHAIN_OPEN))
        return (enum chain_result)rc;
    if (rc == LEAP_LEFT)
        rc = (int)after_crash(r);
    return rc == CHAIN_OPEN ? open(r) : (enum chain_result)rc;
}

enum chain_result
chain_run(struct req *r)
{
    return left(r, guard_walk(GUARD_STEPS, r, walk, r));
}

enum chain_result
chain_finish(struct req *r)
{
    return left(r, guard_walk(GUARD_STEPS, r, finish, r));
}

void
chain_give_up(struct req *r, int32_t why)
{
    struct pause *p = &r->pause;
    struct ending e = {r, why};
    uint8_t was_closed = p->is_closed;

    p->is_closed = 1; /* who is given up does not wait again */
    while (guard_walk(GUARD_STEPS, r, give_up, &e) == LEAP_LEFT) {
        if (!p->kind->crashed(r)) {
            note_crash(r);
            break;
        }
        note_left(r);
    }
    p->is_closed = was_closed;
}

static enum chain_result
end_late(struct req *r)
{
    int rc;

    chain_give_up(r, r->pause.why);
    end_pause(r);
    req_decide_error(r, r->pause.why == ET_ETIME ? 504 : 503);
    rc = guard_walk(GUARD_STEPS, r, r->crashed ? respond_outside : respond_late,
                    r);
    return left(r, rc);
}

/* It had crashed, and its job is over. */
static enum chain_result
end_crashed(struct req *r)
{
    r->pause.state = PAUSE_OFF;
    end_pause(r);
    return left(r, guard_walk(GUARD_STEPS, r, respond_outside, r));
}

enum chain_result
chain_resume(struct req *r)
{
    struct pause *p = &r->pause;
    enum chain_result result;

    if (p->is_late)
        result = end_late(r);
    else if (p->state == PAUSE_ENDS && p->has_crashed)
        result = end_crashed(r);
    else
        result = left(r, guard_walk(GUARD_STEPS, r, resume, r));
    if (UNLIKELY(r->has_pause && p->held) && result != CHAIN_WAIT &&
        !p->is_closed)
        return opened(r, result);
    return result;
}

int
chain_is_at(const struct req *r)
{
    const struct guard *g = &guard_here;

    return g->call == GUARD_STEPS && g->who.subject == r &&
           r->phase != CHAIN_IN_LOG;
}

/* ---- log steps -----------------------------------------------------------*/

struct log_walk {
    struct req *r;
    uint32_t next; /* one that crashes is behind us already */
};

static int
log_steps(void *arg)
{
    struct log_walk *w = arg;
    struct req *r = w->r;
    const struct chain *c = r->chain;
    uint32_t base = (uint32_t)c->n_req + c->n_resp;

    r->phase = CHAIN_IN_LOG;
    while (w->next < c->n_log) {
        uint32_t i = w->next++, before = 0;
        uint8_t member = c->member[base + i];
        while (before < c->n_req && c->member[before] < member)
            before++;
        if (!chain_has_seen(before, c->members[member].request != NULL,
                            r->entered, r->waiting) ||
            member + 1 == r->crashed || member < r->first)
            continue;
        enter(r, c, base + i);
        c->log[i].fn(&r->pub, c->log[i].self);
    }
    return 0;
}

void
chain_log(struct req *r)
{
    struct log_walk w = {r, 0};

    while (w.next < r->chain->n_log &&
           guard_walk(GUARD_LOG, r, log_steps, &w) == LEAP_LEFT)
        note_crash(r);
}

/* ---- who runs ------------------------------------------------------------*/

const struct chain_member *
chain_running(const struct req *r, const char **step)
{
    static const char *const names[] = {
        [CHAIN_IN_REQUEST] = "request step",
        [CHAIN_IN_RESPONSE] = "response step",
        [CHAIN_IN_LOG] = "log step",
    };
    const struct chain *c = r->chain;

    *step = r->phase < ARRAY_LEN(names) ? names[r->phase] : "";
    if (r->resp.filters && r->resp.passing &&
        r->resp.passing->member == r->member)
        *step = "body step";
    else if (r->phase == CHAIN_IN_REQUEST && r->member + 1 == c->n_members)
        *step = "handler";
    return &c->members[r->member];
}
