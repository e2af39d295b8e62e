/* SPDX-License-Identifier: BSD-2-Clause */
/* waits.h - what waits on a worker, each once, and may be woken from any
 * thread.
 *
 *     token:  | worker 10 | slot 20 | serial 34 |          0: none
 *
 *              waits_arm            waits_fire [any]
 *     FREE  ------------->  ARMED  ------------------> FIRED --mail--> on_fired
 *       ^                     |                                           |
 *       +---- waits_cancel ----+                                           |
 *       +------------------------ the next serial ------------------------+
 *
 * A slot's state, its serial in it, is one number that is changed by comparing
 * and swapping: so a wait is either woken or taken back, once, whoever is at
 * it. A token that comes late, twice or from nowhere meets another number and
 * does nothing.  Slots are never unmapped while somebody may have a token; a
 * free one keeps its number.
 *
 * A wait that is HELD is only known: it is never woken by its token.
 *
 * Waking is always queued: on_fired runs on the worker, from its loop, never
 * within waits_fire.  Not here: what is waited for (async.h, task.h). */
#ifndef HTTP_WAITS_H
#define HTTP_WAITS_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/check.h"
#include "base/slab.h"
#include "base/wheel.h"
#include "io/mailbox.h"

#define WAITS_MAX_WORKERS 1024u
#define WAITS_MAX (1u << 20)

struct waits;

struct wait {
    void *link;             /* the slab's */
    _Atomic uint64_t state; /* where a free item may be read */
    struct waits *table;
    struct mail mail;
    int32_t rc;         /* what it was woken with */
    uint8_t is_ignored; /* nobody wants to hear of it any more */
    /* It was woken: on the worker, and w is free already. */
    void (*on_fired)(struct wait *w, int32_t rc);
    struct wheel_timer timer; /* whoever arms it cancels it */
    void *owner, *arg;        /* of whoever waits */
};

struct waits {
    struct slab slab;
    _Atomic uint32_t n_made; /* slots that were ever taken */
    struct mailbox *mailbox; /* of the worker */
    struct metrics *metrics; /* its own */
    uint32_t worker;
    _Atomic uint32_t n_posting; /* threads that are at the mailbox */
    _Atomic int is_closed;
    uint64_t seed; /* where serials begin: nobody guesses a token */
};

/* At most max (up to WAITS_MAX) things wait on that worker, below
 * WAITS_MAX_WORKERS, whose mailbox and metrics these are; from now on tokens
 * find them.  0 or ERR_NOMEM. [worker] */
MUST_USE int waits_init(struct waits *t, uint32_t worker, uint32_t max,
                        struct mailbox *mailbox, struct metrics *metrics);
/* Nobody posts or wakes any more: the mailbox may be closed. [worker] */
void waits_close(struct waits *t);
/* Nothing waits or is on its way any more, and nobody has a token. [control] */
void waits_fini(struct waits *t);

/* A wait; NULL: as many as may wait already.  The timer is not armed.
 * [worker] */
MUST_USE struct wait *waits_arm(struct waits *t,
                                void (*on_fired)(struct wait *w, int32_t rc),
                                void *owner);
/* A wait that nobody wakes, but that has a token, by which it is found and
 * posted to until it is taken back; NULL as above. [worker] */
MUST_USE struct wait *waits_hold(struct waits *t, void *owner);
/* What w is known by elsewhere. [worker] */
uint64_t waits_token(const struct wait *w);
/* The wait that is known by this token, of the calling worker's, if it is
 * neither woken nor taken back; else NULL. [worker] */
struct wait *waits_find(uint64_t token);
/* Post m to the worker whose token that is, of a wait that is held: 0;
 * ET_ESTALE: it is none.  It may be taken back before m is delivered. [any] */
MUST_USE int32_t waits_post(uint64_t token, struct mail *m);
/* Wake it with rc: 0, and on_fired will run; ET_ESTALE: it is woken, taken
 * back, or never was. [any] */
MUST_USE int32_t waits_fire(uint64_t token, int32_t rc);
/* Take w back: 1, and it is free; 0: it was woken, and on_fired is on its way.
 * [worker] */
MUST_USE int waits_cancel(struct wait *w);
/* The same, and if it is on its way, then not to on_fired. [worker] */
void waits_forget(struct wait *w);
/* Whether nobody has woken it yet. [worker] */
static inline int
waits_is_armed(const struct wait *w)
{
    return (atomic_load_explicit(&w->state, memory_order_relaxed) & 3) == 1;
}
/* How many wait, or are on their way. [worker] */
static inline uint32_t
waits_count(const struct waits *t)
{
    return t->slab.n_used;
}

#endif
