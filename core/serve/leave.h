/* SPDX-License-Identifier: BSD-2-Clause */
/* leave.h - from a process that serves to none, because another one does. */
#ifndef SERVE_LEAVE_H
#define SERVE_LEAVE_H

#include "base/check.h"

struct server;

/* Accept no more, hand every connection over at its boundary (handover.h), end
 * when there is none, at the latest after drain_timeout, or by a stop; the exit
 * code.  A process that has lost a worker ends through its watchdog instead.
 * [control] */
MUST_USE int leave_serving(struct server *s);

#endif
