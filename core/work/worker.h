/* SPDX-License-Identifier: BSD-2-Clause */
/* worker.h - one thread that serves: its loop, its memory, its orders.
 *
 * A worker shares nothing: its ring, slabs, buffers, timers, counters and
 * chains are its own.  Connections come through its mailbox (accept = pipe) or
 * its own sockets (accept = reuseport); orders come as mail and are answered
 * by mail to the control thread. */
#ifndef WORK_WORKER_H
#define WORK_WORKER_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/trouble.h"
#include "conn/conn_give.h"
#include "conn/env.h"
#include "io/mailbox.h"
#include "work/lag.h"
#include "work/listener.h"
#include "work/load.h"
#include "work/rebalance.h"

struct log_ring;
struct order;

/* As many as a single wait may accept: what the completion ring has room for.
 */
#define WORKER_HELD 4096

/* Chosen at start, never changed. */
struct worker_options {
    uint32_t index, n_workers;
    int pins; /* to the CPU of its index */
    const char *event;
    const _Atomic int *sheds; /* overload = shed */
    /* The acceptor waits for a slot: the worker that frees one clears this and
     * wakes it. */
    _Atomic int *waits;
    struct mailbox *acceptor;
    uint32_t slab_capacity, max_waits, max_tasks, task_stack;
    uint32_t max_subscriptions;
    uint32_t max_away; /* handshakes that the pool has of this worker */
    struct fetch_options fetch;
    uint64_t memory_bytes; /* bound of the worker's blocks */
    struct body_budget *budget;
    struct metrics *metrics; /* the worker's own figures; outlive it */
    struct census *census;
    struct worker *all;    /* [n_workers], this one too */
    struct stores *stores; /* of plugins; outlives the worker */
    struct jobs *jobs;     /* likewise */
    struct log_ring *log;
    struct mailbox *control; /* where gen->on_retired (struct mail) goes when
                                the last part of a generation is retired */
};

/* Its connections go to another process. */
struct leaver {
    struct giver giver;
    struct mailbox *to;
    void (*on_parcel)(void *reader, struct mail *m);
};

struct worker {
    struct env env;
    struct worker_options options;
    /* Connections that the acceptor has handed to it and are on their way no
     * more; not those that it has accepted itself. */
    _Atomic uint64_t n_arrived;
    struct mailbox mailbox;
    struct io_source pipe;
    struct listener listeners[ENV_MAX_LISTENERS]; /* accept = reuseport */
    uint8_t is_listening[ENV_MAX_LISTENERS];
    pthread_t thread;
    struct leaver leaver;
    struct order *drain;     /* answered when the last connection is gone */
    struct wheel_timer tick; /* keeps the last turns short */
    struct mail stop;        /* of worker_stop */
    struct mail wind_up;     /* of worker_wind_up */
    uint32_t wind_up_ms;
    /* Set once a crash has cost this thread (plug/guard.h); NULL at first. */
    const _Atomic int *_Atomic is_lost;
    uint32_t calls_seen;  /* guard_here.turn at the last turn */
    struct order *start;  /* answered when the loop can run */
    uint32_t n_listening; /* of listeners */
    struct load load;
    struct rebalance rebalance;
    struct wheel_timer retry; /* while somebody is held */
    /* Accepted by listeners of its own, or given by another worker, and there
     * was no room, or no time: a ring of n_held from held_first on. */
    struct record held[WORKER_HELD];
    uint32_t n_held, held_first;
    struct trouble full;
    uint32_t n_cut; /* connections that were closed in the middle, at its end */
    struct lag lag;
    uint64_t arrival_ns;   /* of this turn, spent on new connections */
    uint8_t is_behind;     /* some are left for the next one */
    uint8_t is_full;       /* its listeners are paused */
    uint8_t is_winding_up; /* and stay so */
    uint8_t measures;      /* its load */
    uint8_t is_done;
};

/* Start the thread.  start is answered (result 0, or < 0 and why) once the
 * loop is ready to take orders; on a lesser backend than the best, why says
 * what kept it from that.  0; or -errno, with the reason in start->why,
 * and no thread answers. [control] */
MUST_USE int worker_start(struct worker *w, const struct worker_options *o,
                          struct order *start);
/* Have the thread leave its loop, whatever its connections do. [control] */
void worker_stop(struct worker *w);
/* The process dies, in ms milliseconds at most: no connection is accepted any
 * more, every answer says `Connection: close`, and before that what waits is
 * given up (conn/retire.h) and WebSockets are closed.  Needs no memory and no
 * lock.  Once. [any] */
void worker_wind_up(struct worker *w, uint32_t ms);
/* Whether it does not go on any more: what it had is lost. [any] */
static inline int
worker_is_lost(const struct worker *w)
{
    const _Atomic int *is =
        atomic_load_explicit(&w->is_lost, memory_order_acquire);

    return is && atomic_load_explicit(is, memory_order_relaxed);
}
/* Wait for the thread to end, at most ms milliseconds, and give back what it
 * had; 0 or -ETIMEDOUT. [control] */
MUST_USE int worker_join(struct worker *w, uint32_t ms);
/* It has ended, or never began, and nobody has a token of it any more.
 * [control] */
void worker_free(struct worker *w);
/* Connections a worker has or is about to have, for the acceptor. [any] */
uint64_t worker_load(const struct worker *w, uint64_t handed);

/* Its limits have changed. [worker] */
void worker_limits_changed(struct worker *w);
/* Answer order_drain if no connection is left. [worker] */
void worker_check_drained(struct worker *w);

#endif
