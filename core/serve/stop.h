/* SPDX-License-Identifier: BSD-2-Clause */
/* stop.h - from a process that serves to none, in order.
 *
 *     Connection: close | accept what is queued | drain | end threads, free
 *       shutdown_delay                       drain_timeout
 *
 * Nobody is waited for without bounds: a plugin may block its worker.  A second
 * signal cuts each of the waits short.  Not here: what a worker does with its
 * connections meanwhile (work/order.h).  Called by server.c, once. */
#ifndef SERVE_STOP_H
#define SERVE_STOP_H

#include "base/check.h"

struct server;

/* End what start_serving began; the exit code: SERVER_OK, or SERVER_CUT if
 * connections were cut off.  Does not return if a thread does not end: then the
 * process ends here, with SERVER_CUT. [control] */
MUST_USE int stop_serving(struct server *s);
/* The same, without draining first. [control] */
MUST_USE int stop_end(struct server *s);

#endif
