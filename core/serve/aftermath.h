/* SPDX-License-Identifier: BSD-2-Clause */
/* aftermath.h - what the control thread does about faults that are over.
 *
 * Every record of one that the process outlives is written to the log, a block
 * of lines, and counted; the supervisor is told which it was: after a recovery
 * the process is tainted, and another one takes its place as soon as that can
 * be.  Not here: a process that is to end (watchdog.h) - its control thread may
 * be what is lost. */
#ifndef SERVE_AFTERMATH_H
#define SERVE_AFTERMATH_H

struct server;

/* Look at the records that have come since the last time. [control] */
void aftermath_look(struct server *s);

#endif
