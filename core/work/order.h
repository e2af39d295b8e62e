/* SPDX-License-Identifier: BSD-2-Clause */
/* order.h - what the control thread wants of the threads that serve.
 *
 * An order travels as mail to a worker (or the acceptor), is carried out there
 * between two events, and travels back the same way as its own answer.  While
 * it is out it belongs to the thread that has it. */
#ifndef WORK_ORDER_H
#define WORK_ORDER_H

#include <stdint.h>

#include "base/check.h"
#include "conn/env.h"
#include "io/mailbox.h"

struct gen;
struct worker;

/* Something the control thread wants of a worker.  It is answered by posting
 * mail to reply_to; then it is the control thread's again. */
struct order {
    struct mail mail;
    void (*run)(struct worker *w, struct order *o); /* on the worker */
    struct mailbox *reply_to;
    void (*on_reply)(struct order *o); /* on the control thread */
    void *arg;
    void (*on_parcel)(void *reader, struct mail *m); /* of order_leave */
    void *fleet;     /* the sender's own, for on_reply */
    int fd;          /* of order_listen */
    uint32_t die_ms; /* of order_leave: it dies by then; 0: it ends */
    uint8_t listener;
    uint8_t is_out;      /* given and not yet answered; the sender's */
    uint8_t is_given_up; /* and not waited for any more; likewise */
    int result;
    char why[512];
};

/* Hand an order to a worker; o->run is what it does there. [control] */
void order_give(struct worker *w, struct order *o);
/* Answer it. [whoever has it] */
void order_reply(struct order *o, int result);
/* Write to o->why that what (a noun) failed with rc, a -errno, and which limit
 * to raise if it is one; returns rc. [whoever has it] */
int order_explain(struct order *o, const char *what, int rc);

/* Orders; arg is what each says. */
/* PREPARE: arg is a struct gen; makes this worker's part, a step a turn. */
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
/* From now on every connection goes, at its boundary, to o->arg, a struct
 * mailbox: as a parcel (parcel.h) that is delivered by o->on_parcel. */
void order_leave(struct worker *w, struct order *o);
/* Nothing, and what was on its way to the worker before has been taken: the
 * result is how many connections are about to leave. */
void order_look(struct worker *w, struct order *o);
/* Stop accepting, close idle connections after the grace; answered when all
 * are gone. */
void order_drain(struct worker *w, struct order *o);

#endif
