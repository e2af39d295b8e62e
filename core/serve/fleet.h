/* SPDX-License-Identifier: BSD-2-Clause */
/* fleet.h - the threads that serve, commanded as one.
 *
 * A command goes to every worker (or the acceptor) as an order; fleet_wait
 * then runs the control thread's own loop until all have answered, so logs are
 * written and signals noted meanwhile.  All of it [control] but for what says
 * otherwise. */
#ifndef SERVE_FLEET_H
#define SERVE_FLEET_H

#include <stdint.h>

#include "base/check.h"
#include "work/acceptor.h"
#include "work/order.h"
#include "work/worker.h"

/* One order a worker, and one for the acceptor, reused for every command; and
 * one a worker for the last command, which may be given while a worker that a
 * plugin blocks still owes the answer to another. */
struct fleet {
    struct worker *workers;
    struct order *orders, *last;
    uint32_t n_workers;
    struct acceptor acceptor;
    struct order acceptor_order;
    struct mailbox *control;
    int per_worker;     /* accept = reuseport: each worker its own sockets */
    uint32_t n_waiting; /* answers not yet there, and waited for */
    uint32_t n_held;    /* by the acceptor, for want of room; of fleet_flush */
    /* One turn of the control thread's loop, at most timeout_ms. */
    void (*step)(void *arg, int timeout_ms);
    void *arg;
};

/* Make o an order of f that is out: fleet_wait waits for its answer too. */
void fleet_adopt(struct fleet *f, struct order *o);

typedef void fleet_order(struct worker *w, struct order *o);

/* Memory for n workers; 0 or -ENOMEM.  Call fleet_fini at the end. */
MUST_USE int fleet_init(struct fleet *f, uint32_t n, struct mailbox *control);
void fleet_fini(struct fleet *f);

/* How many workers are lost (plug/guard.h). [any] */
uint32_t fleet_count_lost(const struct fleet *f);
/* Give order to workers first..first+n-1 with arg; does not wait.  Whoever owes
 * the answer to one that was given up is left out; nobody may owe another.  One
 * that is lost is not asked, nor waited for any longer: its result is
 * -ESHUTDOWN. */
void fleet_command(struct fleet *f, uint32_t first, uint32_t n,
                   fleet_order *order, void *arg);
/* Have the acceptor accept what is queued on all its sockets and close them;
 * f->acceptor_order.is_out until it has.  Does not wait. */
void fleet_unlisten_all(struct fleet *f);
/* Have every worker accept and close its sockets, and end its connections: its
 * last command.  Does not wait. */
void fleet_drain(struct fleet *f);
/* Have all threads wind up within ms milliseconds (work/worker.h); does not
 * wait.  Once. [any] */
void fleet_wind_up(struct fleet *f, uint32_t ms);
/* Wait for all answers, at most timeout_ms (-1: for ever).  0, or -ETIMEDOUT:
 * then the orders are still out. */
MUST_USE int fleet_wait(struct fleet *f, int64_t timeout_ms);
/* The same, but not once *unless (which a turn of the loop may change) is not
 * 0: -EINTR. */
MUST_USE int fleet_wait_unless(struct fleet *f, int64_t timeout_ms,
                               const int *unless);
/* Wait no more for the orders that workers have: a plugin holds them. */
void fleet_give_up(struct fleet *f);
/* Whether worker i owes the answer to one that was given up. */
static inline int
fleet_is_held(const struct fleet *f, uint32_t i)
{
    return f->orders[i].is_given_up;
}
/* Command all workers and wait for ever.  0, or the first failed worker's
 * result, with *failed its order. */
int fleet_all(struct fleet *f, fleet_order *order, void *arg,
              struct order **failed);

/* Have all threads know the listeners: env is [ENV_MAX_LISTENERS]. */
void fleet_learn(struct fleet *f, struct listener_env *env);
/* Accept from a listener's sockets: fds[i] goes to worker i (per_worker), or
 * fds[0] to the acceptor; they are theirs from then on. */
void fleet_listen(struct fleet *f, uint8_t listener, const int *fds);
/* Accept what is queued, close the sockets. */
void fleet_unlisten(struct fleet *f, uint8_t listener);
/* Have every worker hand its connections over, as parcels (work/parcel.h) that
 * are delivered to the control thread by on_parcel, and what goes on here come
 * to its end: before the process dies, die_ms from now, or (0) drain_timeout is
 * over. */
void fleet_leave(struct fleet *f,
                 void (*on_parcel)(void *reader, struct mail *m),
                 uint32_t die_ms);
/* Wait until every thread has taken what was on its way to it; how many
 * connections are about to leave.  f->n_held says how many nobody has room
 * for. */
uint32_t fleet_flush(struct fleet *f);

#endif
