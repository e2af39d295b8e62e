/* SPDX-License-Identifier: BSD-2-Clause */
/* change.h - how a generation becomes current, in two steps.
 *
 *     PREPARE on every worker --all did--> COMMIT on every worker
 *              |                    \----> ABORT, in reverse
 *              \--one failed--> ABORT, in reverse, where it did not
 *
 * Until COMMIT the old generation serves and everything can be undone; COMMIT
 * cannot fail.  Not here: what a worker does (work/order.h, http/gen.h), and
 * when the change is made and what it brings besides (reload.h, start.h).
 * Invariants: one change at a time; s->gen is the one that all workers have
 * committed, except while COMMIT waits for them.  Called by start.c and
 * reload.c. */
#ifndef SERVE_CHANGE_H
#define SERVE_CHANGE_H

#include "base/check.h"
#include "base/diag.h"

struct gen;
struct server;

/* PREPARE: every worker makes its part of g; waits for all.  0, or ERR_INVALID
 * with every worker's reason in d, and no worker has a part. [control] */
MUST_USE int change_prepare(struct server *s, struct gen *g, struct diag *d);
/* ABORT what is prepared: no worker has a part of g any more, and it is the
 * caller's to dispose of.  Right after change_prepare, with no other order to
 * workers between the two. [control] */
void change_abort(struct server *s, struct gen *g);
/* COMMIT what is prepared: every worker serves with g from its next event on;
 * waits for all.  The one before goes by itself. [control] */
void change_commit(struct server *s, struct gen *g);

#endif
