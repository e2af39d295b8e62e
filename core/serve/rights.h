/* SPDX-License-Identifier: BSD-2-Clause */
/* rights.h - what plugins may do: no more than [server] user.
 *
 * A server process of a supervisor has become that user before it was executed,
 * and all of this is nothing to it.  A process that nobody supervises runs
 * plugins too: to find all errors, to show routes and plugins, to judge a file,
 * to be debugged.  But for the last they become that user before they load any;
 * to serve it cannot, since nobody would be left to open what only root can. */
#ifndef SERVE_RIGHTS_H
#define SERVE_RIGHTS_H

#include "base/check.h"
#include "base/diag.h"

struct conf;
struct server;
struct server_options;

/* Report in d that conf's user or group does not exist, or cannot be served as
 * without a supervisor. [control] */
void rights_check(const struct server *s, const struct conf *conf,
                  struct diag *d);
/* Be who plugins are to run as, for good: there is nothing to open any more.
 * 0, or -errno: no code of a plugin may run here; the reason is in d.  Who may
 * not change stays, which is no error: it has fewer rights. [control] */
MUST_USE int rights_drop(const struct server_options *o,
                         const struct conf *conf, struct diag *d);
/* Warn in the log if plugins run as root. [control] */
void rights_log(void);

#endif
