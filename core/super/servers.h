/* SPDX-License-Identifier: BSD-2-Clause */
/* servers.h - which server process does what, from start to end.
 *
 *                      dies: the next one is started after 0, 0.1, 1, 5 s
 *                    +--------+
 *                    v        |
 *     start ----> SERVING ----+
 *                    ^  \
 *              READY |   \ another one is ready
 *                    |    v
 *     replace --> COMING  LEAVING --> its connections have gone over: it ends
 *
 * A process is replaced without a connection closed: it serves until its
 * successor does, and then hands its connections over to it.  While one comes
 * nothing is reloaded; while two leave nobody comes. */
#ifndef SUPER_SERVERS_H
#define SUPER_SERVERS_H

#include <stdint.h>

#include "base/check.h"

struct child;
struct state;
struct super;

/* Have a server process; if it cannot be started, a later attempt is planned,
 * or, if none has ever served, the supervisor leaves. [control] */
void servers_start(struct super *s);
/* Have another one take over; why is a phrase.  It may have to wait. [control]
 */
void servers_replace(struct super *s, int is_upgrade, const char *why);
/* Give this order (CHILD_RELOAD, ...) to the one that serves, as soon as it can
 * be carried out; one more while it waits is none. [control] */
void servers_order(struct super *s, uint32_t order);
/* c serves: it is ready. [control] */
void servers_ready(struct super *s, struct child *c);
/* One signal to stop, to all of them. [control] */
void servers_stop(struct super *s);
/* SIGCHLD: of all that have ended, as process 1 of a container others too.
 * [control] */
void servers_reap(struct super *s);
/* What time has come for, and what had to wait for another thing. [control] */
void servers_turn(struct super *s, uint64_t now_ns);
/* When the next of it is: monotonic, 0: never. [control] */
uint64_t servers_due(const struct super *s);
/* The supervisor leaves with this exit code, after this turn. [control] */
void servers_leave(struct super *s, int code);

/* For a supervisor that takes our place: all of it, and back.  servers_load
 * takes one line of what servers_save has written, without its first word,
 * "child". [control] */
void servers_save(const struct super *s, struct state *to);
void servers_load(struct super *s, const char *line);
/* We have taken its place. [control] */
void servers_resume(struct super *s);

#endif
