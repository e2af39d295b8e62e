/* SPDX-License-Identifier: BSD-2-Clause */
/* reload.h - from the files as they are to what serves, for the supervisor.
 *
 *   wanted -> PROBING -> PROBED -> GIVEN ------------> done: it serves, or why
 *                |          (who serves  \                   not
 *                | it fails   is asked)   \ it needs another process
 *                v                         v
 *           not served: why              REPLACING
 *
 * The files are read once, a process of its own tries what they say (serve/
 * probe.h), and the very bytes it has tried are what is served.  The first
 * start goes the same way.  One at a time; what is wanted meanwhile is one more
 * reload, which reads the files after this one. */
#ifndef SUPER_RELOAD_H
#define SUPER_RELOAD_H

#include "base/check.h"

struct child;
struct ctl_message;
struct super;

/* Begin the first start: as soon as what the files say has been tried a server
 * process is started.  If it is no good the supervisor leaves. [control] */
void reload_first(struct super *s);
/* At the end: give back what one that is not over has. [control] */
void reload_close(struct super *s);
/* SIGHUP. [control] */
void reload_want(struct super *s);
/* Go on, if it is time to. [control] */
void reload_turn(struct super *s);

/* What happens to it: PROBED of c, with fd, which is taken; c, which tried, has
 * ended with this status of wait(2) and did not say so before; DONE with
 * RELOAD, with fd (-1: none), which stays the caller's; the process that was to
 * serve it is ready (NULL) or has failed: how.  Administrators are told.
 * [control] */
void reload_probed(struct super *s, struct child *c,
                   const struct ctl_message *m, int fd);
void reload_lost(struct super *s, const struct child *c, int status);
void reload_done(struct super *s, const struct ctl_message *m, int fd);
void reload_replaced(struct super *s, const char *why_not);
/* The process that was reloading has died; it had taken it over, or not.
 * [control] */
void reload_died(struct super *s, int is_reloaded);

#endif
