/* SPDX-License-Identifier: BSD-2-Clause */
/* reload.h - SIGHUP: from the files as they are now to what serves.
 *
 * The order of the steps, each of which can fail and is then undone with those
 * before it: read, make the generation (generation.h), open its sockets
 * (listeners.h), PREPARE (change.h), open its log (logs.h); then COMMIT and
 * the listeners, which cannot.  A connection never notices.  Not here: any of
 * those steps.  Invariants: after a failure everything is as it was before;
 * reloads never overlap, and signals that come meanwhile are one more.  Called
 * by server.c. */
#ifndef SERVE_RELOAD_H
#define SERVE_RELOAD_H

struct server;

/* Reload, and say in the log how it went: one line at the end, before it every
 * warning and error with its place.  Takes s->hup back first. [control] */
void reload_run(struct server *s);

#endif
