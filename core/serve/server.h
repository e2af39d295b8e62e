/* SPDX-License-Identifier: BSD-2-Clause */
/* server.h - the server process, from its start to its end.
 *
 *     start -> [ turn of the control thread -> reload? ]* -> stop
 *
 * The control thread (the process's first) reads signals, builds generations,
 * has workers and acceptor take them over, writes the logs of all threads, and
 * ends everything in order.  It serves nothing itself; each of these things has
 * a file of its own, and what they share is process.h.  Called by the command
 * line, once in a process. */
#ifndef SERVE_SERVER_H
#define SERVE_SERVER_H

#include "base/check.h"
#include "serve/command.h"

/* Serve until a signal ends it; the exit code.  What keeps it from starting is
 * printed to stderr.  Does not return but exits where threads cannot be ended.
 * [control] */
MUST_USE int server_run(const struct server_options *o);

#endif
