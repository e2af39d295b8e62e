/* SPDX-License-Identifier: BSD-2-Clause */
/* acceptor.h - the thread that accepts and hands connections to workers.
 *
 * Every turn of its loop takes all connections that are ready, deals them out
 * as `balance` says, and writes them to each worker's pipe in one piece.  A
 * worker without room (slots, or pipe) is passed over; when all are full, or
 * there are max_connections in all, accepting
 * stops and the kernel's queue holds, or (overload = shed) clients are told so
 * (conn/reject.h).
 * With accept = reuseport the thread has no listeners and sleeps. */
#ifndef WORK_ACCEPTOR_H
#define WORK_ACCEPTOR_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/trouble.h"
#include "base/wheel.h"
#include "conn/env.h"
#include "io/mailbox.h"
#include "work/balance.h"
#include "work/listener.h"
#include "work/worker.h"

struct census;
struct log_ring;
struct parcel;

#define ACCEPTOR_ALL 0xff

struct acceptor_options {
    const char *event;
    struct worker *workers;
    uint32_t n_workers;
    uint32_t slab_capacity; /* of each worker */
    enum balance balance;
    struct census *census;
    struct log_ring *log;
};

/* A batch of accepts may bring a whole queue before a pause takes effect. */
#define ACCEPTOR_HELD 4096

/* What is on its way to one worker. */
struct acceptor_batch {
    struct record v[MAILBOX_BATCH];
    uint32_t n;
    uint32_t is_stuck; /* the pipe was full a moment ago */
    struct trouble stuck;
    uint64_t handed; /* since start, v included */
};

struct acceptor {
    struct acceptor_options options;
    struct io *io;
    struct io_source pipe;
    struct wheel wheel;
    struct clock clock;
    struct wheel_timer retry; /* while all workers are full */
    struct mailbox mailbox;
    struct listener listeners[ENV_MAX_LISTENERS];
    struct rejects rejects;
    uint8_t is_listening[ENV_MAX_LISTENERS];
    struct acceptor_batch *batches;    /* [n_workers] */
    uint32_t next;                     /* worker to try first */
    struct record held[ACCEPTOR_HELD]; /* accepted, and no worker had room */
    uint32_t n_held;
    uint32_t n_cut; /* connections nobody took, closed at the end */
    struct trouble full;
    struct order *start;
    struct mail stop, wind_up;
    pthread_t thread;
    _Atomic int sheds; /* overload = shed */
    _Atomic int waits; /* all workers are full: a worker is to wake us */
    uint8_t is_full, is_done;
    uint8_t is_winding_up; /* accepts no more */
};

/* Answered when all that it had and somebody has room for is on its way: with
 * how many wait for room. [control] */
void acceptor_flush(struct acceptor *a, struct order *o);
/* Deal p out to a worker, like a connection of a listener; p is the acceptor's
 * from now on. [any] */
void acceptor_take(struct acceptor *a, struct parcel *p);
/* Start the thread; start is answered when it can take orders.  0 or -errno,
 * as worker_start. [control] */
MUST_USE int acceptor_start(struct acceptor *a,
                            const struct acceptor_options *o,
                            struct order *start);
/* When all workers are full: reject connections, or leave them in the kernel's
 * queue. [control] */
void acceptor_set_sheds(struct acceptor *a, int sheds);
/* Have the thread leave its loop. [control] */
void acceptor_stop(struct acceptor *a);
/* As worker_wind_up. [any] */
void acceptor_wind_up(struct acceptor *a);
/* As worker_join. [control] */
MUST_USE int acceptor_join(struct acceptor *a, uint32_t ms);

/* Orders of the control thread to the acceptor: o->run is not used, these post
 * by themselves and are answered like a worker's. [control] */
/* Know the listeners, before they are accepted from: o->arg is
 * listener_env[ENV_MAX_LISTENERS]. */
void acceptor_learn(struct acceptor *a, struct order *o);
/* Accept from o->fd as listener o->listener. */
void acceptor_listen(struct acceptor *a, struct order *o);
/* Accept what is queued on listener o->listener (ACCEPTOR_ALL: on every one),
 * close it, answer. */
void acceptor_unlisten(struct acceptor *a, struct order *o);

#endif
