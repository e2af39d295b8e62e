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
#include "ctl/ctl.h"

struct child;
struct identity;
struct state;
struct super;

/* Have a server process with this bundle (-1: it reads the files), made of
 * source; if it cannot be started, a later attempt is planned, or, if none has
 * ever served, the supervisor leaves. [control] */
void servers_start(struct super *s, int bundle_fd, enum ctl_source source);
/* Have a process try this bundle of the files, as who (NULL: as who serves),
 * within ms milliseconds.  0 or -errno. [control] */
MUST_USE int servers_probe(struct super *s, int bundle_fd,
                           const struct identity *who, uint64_t ms);
/* Have another one take over; why is a phrase.  It may have to wait. [control]
 */
void servers_replace(struct super *s, int is_upgrade, const char *why);
/* Have another one take over now, and serve this, as s->reload.who.  0 or
 * -errno, which has been said. [control] */
MUST_USE int servers_replace_with(struct super *s, int bundle_fd,
                                  enum ctl_source source);
/* Have the one that serves reload this: 1; 0: not now. [control] */
MUST_USE int servers_reload(struct super *s, int bundle_fd,
                            enum ctl_source source);
/* Give this order (CHILD_REOPEN) to the one that serves, as soon as it can be
 * carried out; one more while it waits is none. [control] */
void servers_order(struct super *s, uint32_t order);
/* Say this to the one that serves, if there is one. [control] */
void servers_say(struct super *s, enum ctl_kind kind);
/* c says that it is ready: it takes over, unless everything is to stop.
 * [control] */
void servers_ready(struct super *s, struct child *c);
/* c, which leaves, has no idle connection any more. [control] */
void servers_given(struct super *s, struct child *c);
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
