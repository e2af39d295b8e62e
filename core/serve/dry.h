/* SPDX-License-Identifier: BSD-2-Clause */
/* dry.h - looking at a configuration without serving it.
 *
 * A generation is built as for serving - plugins are loaded, instances opened -
 * but no thread is started save the clock of verdict.h, no socket and no file
 * of the server is opened, and no worker will ever see it.  Not here: what is
 * looked at outside the configuration (preflight.h), how routes and plugins are
 * shown (describe.h,
 * explain.h, inventory.h) and what is said when that fails (verdict.h).
 * Called by the command line, once in a process. */
#ifndef SERVE_DRY_H
#define SERVE_DRY_H

#include "base/check.h"
#include "serve/command.h"

/* Check the configuration with everything it names, print what is wrong to
 * stderr; the exit code. [control] */
MUST_USE int dry_test(const struct server_options *o);
/* Print the routes of the configuration to stdout, or what one path meets; the
 * exit code. [control] */
MUST_USE int dry_routes(const struct server_options *o);
/* Print the plugins of the configuration to stdout, those that nothing uses
 * too; the exit code. [control] */
MUST_USE int dry_plugins(const struct server_options *o);

#endif
