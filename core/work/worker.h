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
#include <stdint.h>

#include "conn/env.h"
#include "work/listener.h"
#include "work/mailbox.h"

struct gen;
struct log_ring;
struct worker;

/* Something the control thread wants of a worker.  It is answered by posting
 * mail to reply_to; then it is the control thread's again. */
struct order {
    struct mail mail;
    void (*run)(struct worker *w, struct order *o); /* on the worker */
    struct mailbox *reply_to;
    void (*on_reply)(struct order *o); /* on the control thread */
    void *arg;
    void *fleet; /* the sender's own, for on_reply */
    int fd;      /* of order_listen */
    uint8_t listener;
    int result;
    char why[512];
};

/* Chosen at start, never changed. */
struct worker_options {
    uint32_t index, n_workers;
    int pins; /* to the CPU of its index */
    const char *event;
    uint32_t slab_capacity, buffer_bytes;
    uint64_t memory_bytes; /* bound of the worker's blocks */
    struct body_budget *budget;
    struct log_ring *log;
    struct mailbox *control; /* where gen->on_retired (struct mail) goes when
                                the last part of a generation is retired */
};

struct worker {
    struct env env;
    struct worker_options options;
    struct metrics metrics;
    struct mailbox mailbox;
    struct io_source pipe;
    struct listener listeners[ENV_MAX_LISTENERS]; /* accept = reuseport */
    pthread_t thread;
    struct order *drain;  /* answered when the last connection is gone */
    struct mail stop;     /* of worker_stop */
    struct order *start;  /* answered when the loop can run */
    uint32_t n_listening; /* of listeners */
    uint8_t is_done;
};

/* Start the thread.  start is answered (result 0, or < 0 and why) once the
 * loop is ready to take orders.  0 or -errno. [control] */
MUST_USE int worker_start(struct worker *w, const struct worker_options *o,
                          struct order *start);
/* Have the thread leave its loop, whatever its connections do. [control] */
void worker_stop(struct worker *w);
/* Wait for the thread to end, at most ms milliseconds, and give back what it
 * had; 0 or -ETIMEDOUT. [control] */
MUST_USE int worker_join(struct worker *w, uint32_t ms);
/* Hand an order over. [control] */
void worker_order(struct worker *w, struct order *o);
/* Connections a worker has or is about to have, for the acceptor. [any] */
uint64_t worker_load(const struct worker *w, uint64_t handed);

/* Orders; arg is what each says. */
/* PREPARE: arg is a struct gen; makes this worker's part. */
void order_prepare(struct worker *w, struct order *o);
/* ABORT: undo PREPARE of arg. */
void order_abort(struct worker *w, struct order *o);
/* What COMMIT brings: the generation and the values that go with it. */
struct commit {
    struct gen *gen;
    struct limits limits;
    char server[HTTP1_OUT_SERVER_MAX]; /* value of Server; "": none */
};
/* COMMIT: arg is a struct commit; from now on its generation serves. */
void order_commit(struct worker *w, struct order *o);
/* Listener ids known to connections: arg is listener_env[ENV_MAX_LISTENERS]. */
void order_listeners(struct worker *w, struct order *o);
/* Accept from o->fd as listener o->listener (reuseport); or stop and answer
 * when that socket is closed. */
void order_listen(struct worker *w, struct order *o);
void order_unlisten(struct worker *w, struct order *o);
/* From now on every answer says Connection: close. */
void order_stopping(struct worker *w, struct order *o);
/* Close idle connections after the grace; answered when all are gone. */
void order_drain(struct worker *w, struct order *o);

#endif
