/* SPDX-License-Identifier: BSD-2-Clause */
/* start.h - from nothing to a process that serves.
 *
 * The order matters: all that the configuration can be wrong in is found before
 * a socket is opened, sockets are opened before a thread runs, and nobody
 * accepts before the first generation is current and the pid file there.  Not
 * here: the steps that a reload makes too (generation.h, change.h,
 * listeners.h), and undoing - who cannot start exits as a whole.  Called by
 * server.c. */
#ifndef SERVE_START_H
#define SERVE_START_H

#include "base/check.h"

struct server;

/* Make s->options' configuration serve.  SERVER_OK with warnings in the log; or
 * the exit code, with the reasons printed to stderr, and threads may run: leave
 * by control_leave. [control] */
MUST_USE int start_serving(struct server *s);

#endif
