/* SPDX-License-Identifier: BSD-2-Clause */
/* probe.h - a configuration tried by a process that serves nothing.
 *
 * Before a supervisor has a configuration served, for the first time or by a
 * reload, a process of its own goes all the way there, under the same rights:
 * the plugins are loaded and opened, one worker's init is run, and all of it is
 * undone.  What goes wrong in it - an error, a crash, an exit, a callback that
 * does not return - has gone wrong here, and nowhere else.  What has gone well
 * is what is served then: the same texts and the same bytes of the plugins. */
#ifndef SERVE_PROBE_H
#define SERVE_PROBE_H

#include "base/check.h"
#include "serve/command.h"

/* Try what the supervisor hands over, and tell it how it went; the exit code.
 * [control] */
MUST_USE int probe_run(const struct server_options *o);

#endif
