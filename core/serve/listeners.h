/* SPDX-License-Identifier: BSD-2-Clause */
/* listeners.h - who accepts from which socket.
 *
 *     listeners_want -> [PREPARE] -> listeners_start, listeners_stop
 *                 \------ fails ---> listeners_revert
 *
 * sockets.h has the sockets; here the fleet is told to accept from the new ones
 * and to empty and close those no longer wanted, whose connections have one
 * more answer each.  Invariants: a listener's id is its index in s->sockets and
 * connections know its options before the first of them comes. Called by
 * start.c, reload.c and the ways to an end. */
#ifndef SERVE_LISTENERS_H
#define SERVE_LISTENERS_H

#include "base/check.h"
#include "base/diag.h"

struct conf;
struct server;

/* Open what conf wants and is not there, bound and listening but not yet
 * accepted from.  0; or -errno (the first) with every reason in d and nothing
 * changed. [control] */
MUST_USE int listeners_want(struct server *s, const struct conf *conf,
                            struct diag *d);
/* The change is not made: close what was opened. [control] */
void listeners_revert(struct server *s);
/* Accept from what is new, and tell what is wanted of the others; waits for the
 * threads. [control] */
void listeners_start(struct server *s);
/* Accept what is queued at those that are not wanted and close them; their
 * connections are told so with their next answer.  Waits for the threads.
 * [control] */
void listeners_stop(struct server *s);
/* Remove the files of Unix sockets that are still ours: nobody finds the way to
 * them any more, but who is queued is accepted. [control] */
void listeners_hide(struct server *s);
/* Let go of the sockets that are left, of which another process has copies; no
 * thread accepts from them. [control] */
void listeners_close(struct server *s);
/* Forget all of them: the process ends, and whoever accepts from them has been
 * told, or will not live to. [control] */
void listeners_forget(struct server *s);
/* Accept what is queued and close our descriptors of the sockets, from which
 * another process accepts; the entries stay.  Waits for the threads. [control]
 */
void listeners_cede(struct server *s);

#endif
