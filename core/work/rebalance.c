/* SPDX-License-Identifier: BSD-2-Clause */
/* rebalance.c - giving connections to a worker that is less busy; see
 * rebalance.h. */
#include "work/rebalance.h"

#include "base/log.h"
#include "conn/conn.h"
#include "work/worker.h"

#define BUSY 700u       /* thousandths: below it nobody is helped */
#define GAP 300u        /* the other is less busy by this */
#define MOVED_REST_S 5u /* a moved connection stays so long */
#define REST_WINDOWS 2u

/* ---- to whom --------------------------------------------------------------*/

static int
has_room(const struct worker *w)
{
    return metrics_get(w->options.metrics, METRIC_connections_active) <
           w->options.slab_capacity / 4 * 3;
}

/* The least busy other worker, if it is less busy than w by GAP. */
static struct worker *
find_other(const struct worker *w, uint64_t now_ns, uint32_t *share)
{
    uint32_t n = w->options.n_workers, most = w->load.share - GAP;
    struct worker *to = NULL;

    for (uint32_t k = 1; k < n; k++) {
        struct worker *o = &w->options.all[(w->options.index + k) % n];
        uint32_t s = load_seen(&o->load, now_ns);
        if (s > most || !has_room(o) || (to && s >= *share))
            continue;
        to = o;
        *share = s;
    }
    return to;
}

uint32_t
rebalance_amount(uint32_t n_busy, uint32_t share, uint32_t their_share)
{
    uint64_t n = 0;

    if (n_busy > 1 && share > their_share)
        n = (uint64_t)n_busy * (share - their_share) / (4 * (uint64_t)share);
    if (n_busy > 1 && n == 0)
        n = 1;
    return n < REBALANCE_PARCELS ? (uint32_t)n : REBALANCE_PARCELS;
}

/* ---- which ----------------------------------------------------------------*/

static int
has_rested(const struct conn *c)
{
    uint16_t now_s = (uint16_t)(c->env->clock.mono_ms / 1000);

    return c->moved_s == 0 || (uint16_t)(now_s - c->moved_s) >= MOVED_REST_S;
}

static int
wants(struct giver *g, struct conn *c)
{
    struct rebalance *r = CONTAINER_OF(g, struct rebalance, giver);

    if (c->n_requests == 0)
        return 0;
    if (r->state == REBALANCE_COUNTING) {
        r->n_busy += c->seen_window != r->window;
        c->seen_window = r->window;
        return 0;
    }
    if (r->n_left == 0 || !has_rested(c))
        return 0;
    r->n_left--;
    return 1;
}

/* Without a free parcel or room in the pipe it stays: its slot is free. */
static void
on_given(struct giver *g, struct env *env, int fd, const struct handed *h)
{
    struct rebalance *r = CONTAINER_OF(g, struct rebalance, giver);
    struct parcel *p = parcel_pooled(r->parcels, REBALANCE_PARCELS, fd, h);
    struct record record;

    if (p) {
        record = parcel_record(p);
        if (mailbox_send(&r->to->mailbox, &record, 1) == 0)
            return;
        parcel_free(p);
    }
    CHECK(conn_take(env, fd, h) == 0);
    metrics_add(env->metrics, METRIC_connections_moved, 1);
}

/* ---- when -----------------------------------------------------------------*/

static void
enter(struct worker *w, enum rebalance_state state)
{
    struct rebalance *r = &w->rebalance;
    int gives = state == REBALANCE_COUNTING || state == REBALANCE_GIVING;

    r->state = state;
    r->giver.wants = wants;
    r->giver.on_given = on_given;
    if (gives || w->env.giver == &r->giver)
        conn_give_some(&w->env, gives ? &r->giver : NULL);
}

static void
begin_counting(struct worker *w)
{
    struct rebalance *r = &w->rebalance;

    r->n_busy = 0;
    if (++r->window == 0) /* a new connection's */
        r->window = 1;
    enter(w, REBALANCE_COUNTING);
}

static void
begin_giving(struct worker *w, struct worker *to, uint32_t share)
{
    struct rebalance *r = &w->rebalance;

    r->to = to;
    r->n_left = rebalance_amount(r->n_busy, w->load.share, share);
    log_debug("worker %u is busy to %u/1000, worker %u to %u: %u of %u busy "
              "connections are to move",
              w->options.index, w->load.share, to->options.index, share,
              r->n_left, r->n_busy);
    enter(w, REBALANCE_GIVING);
}

static void
begin_rest(struct worker *w)
{
    w->rebalance.n_rest = REST_WINDOWS;
    enter(w, REBALANCE_RESTING);
}

void
rebalance_window(struct worker *w, uint64_t now_ns)
{
    struct rebalance *r = &w->rebalance;
    struct env *env = &w->env;
    uint32_t share = 0;
    struct worker *to = NULL;

    if (!env->limits.rebalances || env->is_stopping ||
        (env->giver && env->giver != &r->giver)) {
        rebalance_stop(w);
        return;
    }
    if (w->load.share >= BUSY)
        to = find_other(w, now_ns, &share);
    switch (r->state) {
    case REBALANCE_CALM:
        if (to)
            begin_counting(w);
        break;
    case REBALANCE_COUNTING:
        if (to && r->n_busy > 1)
            begin_giving(w, to, share);
        else
            enter(w, REBALANCE_CALM);
        break;
    case REBALANCE_GIVING: begin_rest(w); break;
    case REBALANCE_RESTING:
        if (--r->n_rest == 0)
            enter(w, REBALANCE_CALM);
        break;
    }
}

void
rebalance_stop(struct worker *w)
{
    if (w->rebalance.state != REBALANCE_CALM)
        enter(w, REBALANCE_CALM);
}
