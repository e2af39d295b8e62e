/* SPDX-License-Identifier: BSD-2-Clause */
/* repeat.c - see repeat.h. */
#include "conn/repeat.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/str.h"
#include "conn/env.h"
#include "conn/walk.h"
#include "http/filter.h"
#include "http/task.h"
#include "proto/status.h"

/* How long one lasts at most where wait_timeout says nothing. */
#define LAST_MS 60000u

/* What one writer may write before others get their turn. */
#define BURST (1u << 20)

static struct repeat *
repeat_of(struct exchange *x)
{
    return CONTAINER_OF(x, struct repeat, x);
}

static struct env *
env_of(const struct req *r)
{
    return CONTAINER_OF(req_worker(r), struct env, worker);
}

/* Whatever it is at, it is over. */
static void
end(struct repeat *t)
{
    struct env *env = env_of(t->x.req);

    wheel_cancel(&env->wheel, &t->due);
    wheel_cancel(&env->wheel, &t->room);
    env->repeats.n--;
    exchange_abandon(&t->x, env);
}

/* ---- as a carrier --------------------------------------------------------*/

static int
sink_peer(struct req *r, struct addr *out)
{
    const struct repeat *t = repeat_of(r->sink_ctx);

    if (!t->has_peer)
        return -ENOTCONN;
    *out = t->peer;
    return 0;
}

static int64_t
sink_read(struct req *r, char *p, size_t n)
{
    (void)r;
    (void)p;
    (void)n;
    return 0;
}

static void
on_room(struct wheel_timer *timer, uint64_t now_ms)
{
    struct repeat *t = CONTAINER_OF(timer, struct repeat, room);

    (void)now_ms;
    task_room_came(t->x.req);
}

static int64_t
sink_write(struct req *r, const char *p, size_t n)
{
    struct repeat *t = repeat_of(r->sink_ctx);
    struct resp *resp = &r->resp;

    (void)p;
    if (n > resp->left && resp->left != RESP_ANY_LENGTH)
        return -EINVAL;
    if (resp->burst >= BURST) {
        resp->burst = 0;
        wheel_arm(&env_of(r)->wheel, &t->room, 0);
        return -EAGAIN;
    }
    if (n > BURST)
        n = BURST;
    if (resp->left != RESP_ANY_LENGTH)
        resp->left -= n;
    resp->burst += (uint32_t)n;
    resp->sent_bytes += n;
    return (int64_t)n;
}

/* It is out of the walk: what is left is settle's. */
static void
carry_send(struct exchange *x)
{
    x->req->pub.status = x->req->resp.status;
    x->req->resp.committed = 1;
    x->phase = CONN_SEND;
}

static int
carry_begin(struct exchange *x)
{
    struct resp *resp = &x->req->resp;

    x->req->pub.status = resp->status;
    resp->committed = 1;
    resp->burst = 0;
    resp->is_bare =
        !resp->filters || !status_has_body(resp->status) || resp->status == 205;
    return 0;
}

static void
carry_end(struct exchange *x, int is_whole)
{
    (void)is_whole;
    x->req->resp.is_written = 0;
    x->phase = CONN_SEND;
}

static void
carry_drop(struct exchange *x)
{
    x->phase = CONN_SEND;
}

static void
carry_continue(struct exchange *x)
{
    (void)x;
}

static int
carry_has_bytes(const struct exchange *x)
{
    (void)x;
    return 0;
}

/* It has walked: it waits, or is over. */
static void
settle(struct exchange *x)
{
    if (x->phase == CONN_SEND)
        end(repeat_of(x));
}

static const struct carrier repeat_carrier = {
    .sink = {.peer = sink_peer,
             .read = sink_read,
             .write = sink_write,
             .wake = walk_wake},
    .send = carry_send,
    .begin = carry_begin,
    .end = carry_end,
    .drop = carry_drop,
    .say_continue = carry_continue,
    .take = carry_drop,
    .has_bytes = carry_has_bytes,
    .resume = settle,
};

/* ---- its life ------------------------------------------------------------*/

static void
on_late(struct wheel_timer *timer, uint64_t now_ms)
{
    (void)now_ms;
    end(CONTAINER_OF(timer, struct repeat, due));
}

static void
on_turn(struct wheel_timer *timer, uint64_t now_ms)
{
    struct repeat *t = CONTAINER_OF(timer, struct repeat, due);
    struct req *r = t->x.req;
    uint32_t ms = dispatch_wait_ms(r);

    t->due.fn = on_late;
    wheel_arm(&env_of(r)->wheel, &t->due, now_ms + (ms > 0 ? ms : LAST_MS));
    t->x.phase = CONN_HEAD;
    walk_go_on(&t->x, chain_run(r), 0);
    settle(&t->x);
}

static int
is_among(et_str name, const et_str *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (str_eq_nocase(name, names[i]))
            return 1;
    }
    return 0;
}

/* r's head is that of `of`, but for fields of those names. */
static void
copy_head(struct req *r, const struct req *of, const et_str *without, size_t n)
{
    r->head = of->head;
    r->head.fields = r->fields;
    r->head.n_fields = 0;
    for (uint32_t i = 0; i < of->n_fields; i++) {
        const struct http1_field *f = &of->fields[i];
        if (!is_among(http1_name(f, of->base), without, n))
            r->fields[r->head.n_fields++] = *f;
    }
}

/* r, which is fresh, becomes what `of` is at the step that it is in.  0 or
 * below 0. */
static int
become(struct req *r, const struct req *of, struct env *env)
{
    int rc;

    metrics_add(env->metrics, METRIC_requests_repeated, 1);
    metrics_add(env->metrics, METRIC_requests_active, 1);
    r->gen = of->gen;
    r->gen->n_active++;
    r->is_repeat = 1;
    r->first = of->member;
    rc = req_adopt_head(r, of->base);
    if (rc == 0)
        rc = dispatch(r);
    if (rc == 0 && r->route != of->route)
        rc = ERR_TARGET;
    if (rc < 0)
        return rc;
    r->pub.scheme = of->pub.scheme; /* its session may have said so */
    r->entered = (uint8_t)(of->entered - 1);
    return 0;
}

static struct repeat *
find_free(struct repeats *all)
{
    for (size_t i = 0; all->n < REPEATS_MAX && i < REPEATS_MAX; i++) {
        if (!all->v[i].x.req)
            return &all->v[i];
    }
    return NULL;
}

/* Whatever the priority of its route, it is the first to be shed. */
static int
is_busy(const struct env *env)
{
    return metrics_get(env->metrics, METRIC_requests_active) >
           env->shed_beyond[ROUTE_LOW];
}

int32_t
repeat_ask(struct req *of, const et_str *without, size_t n)
{
    struct env *env = env_of(of);
    struct repeat *t;

    if (env->repeats.is_closed)
        return ET_ERETIRE;
    if (is_busy(env) || of->n_fields > env->limits.head.max_fields)
        return ET_ELIMIT;
    t = find_free(&env->repeats);
    if (!t || exchange_begin(&t->x, env, &repeat_carrier.sink) < 0)
        return ET_ELIMIT;
    env->repeats.n++;
    t->has_peer = of->sink->peer(of, &t->peer) == 0;
    copy_head(t->x.req, of, without, n);
    if (become(t->x.req, of, env) < 0) {
        end(t);
        return ET_ELIMIT;
    }
    t->due.fn = on_turn;
    t->room.fn = on_room;
    wheel_arm(&env->wheel, &t->due, 0);
    return 0;
}

void
repeat_end_all(struct env *env, const struct gen_worker *g)
{
    env->repeats.is_closed |= !g;
    for (size_t i = 0; i < REPEATS_MAX; i++) {
        struct repeat *t = &env->repeats.v[i];
        if (t->x.req && (!g || t->x.req->gen == g))
            end(t);
    }
}
