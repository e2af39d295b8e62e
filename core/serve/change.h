/* SPDX-License-Identifier: BSD-2-Clause */
/* change.h - how a generation becomes current, in two steps.
 *
 *     PREPARE on every worker --all did--> COMMIT on every worker
 *              |                    \----> ABORT, in reverse
 *              \--one failed--> ABORT, in reverse, where it did not
 *
 * Until COMMIT the old generation serves and everything can be undone; COMMIT
 * cannot fail.  PREPARE and COMMIT are carried out by all workers at once,
 * ABORT by one after the other, from the last on, each undoing its inits in
 * reverse; the worker that failed has undone its own by then.  Not here: what a
 * worker does (work/order.h, http/gen.h), and when the change is made and what
 * it brings besides (reload.h, start.h).  A worker that is not ready in time,
 * nor a moment later, is in a plugin's code: what it has of the generation is
 * left to it until it comes back, and the change is not made.  Invariants: one
 * change at a time; s->gen is the one that all workers have committed, except
 * while COMMIT waits for them.  Called by start.c and reload.c. */
#ifndef SERVE_CHANGE_H
#define SERVE_CHANGE_H

#include <stdint.h>

#include "base/check.h"
#include "base/diag.h"

struct gen;
struct instance;
struct server;

/* PREPARE: every worker makes its part of g; waits for all, but no longer than
 * g's prepare_timeout, and not once the server is to stop.  0; ERR_INVALID with
 * every reason in d: no worker has a part of g; or ERR_TIMEOUT, with the
 * reasons too: a worker that a plugin blocks has not let go of g, which is
 * s->left now. [control] */
MUST_USE int change_prepare(struct server *s, struct gen *g, struct diag *d);
/* ABORT what is prepared: no worker has a part of g any more, and it is the
 * caller's to dispose of.  Right after change_prepare, with no other order to
 * workers between the two. [control] */
void change_abort(struct server *s, struct gen *g);
/* Let go of s->left, if there is one, on all workers at once, and dispose of
 * it, before another change is made or the threads end.  0, or ERR_TIMEOUT: a
 * plugin still blocks a worker. [control] */
MUST_USE int change_let_go(struct server *s);
/* A worker that a step of a plugin keeps from being ready for g, after
 * change_prepare has answered ERR_TIMEOUT, or -1: none is, or a worker init of
 * g's own is what takes so long. [control] */
int change_blocked(const struct server *s, const struct gen *g);
/* The instance that took a worker longest to make ready, with how long that
 * was; NULL: none took any time.  After change_prepare. [control] */
const struct instance *change_slowest(const struct gen *g, uint64_t *ns);
/* COMMIT what is prepared: every worker serves with g from its next event on;
 * waits for all.  The one before goes by itself. [control] */
void change_commit(struct server *s, struct gen *g);

/* Report in d that a worker has not become ready for g, at the place of the
 * instance it has failed at. [control] */
void change_report(const struct gen *g, uint32_t worker, const char *why,
                   struct diag *d);

#endif
