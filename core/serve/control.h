/* SPDX-License-Identifier: BSD-2-Clause */
/* control.h - one turn of the control thread: signals, logs, mailbox.
 *
 * A turn waits, notes which signals came, writes the logs, moves on connections
 * of other processes, and delivers mail: answers to orders, generations that
 * come home.  It decides nothing - whoever
 * calls it looks at what has changed in struct server - with one exception: a
 * second order to stop, while the threads are waited for and one of them may
 * never answer, ends the process.  Called by server.c for ever, by stop.c, and
 * through fleet.step by everyone who waits for the threads; so it is never
 * entered while it runs, but a reload or a stop may be under way around it. */
#ifndef SERVE_CONTROL_H
#define SERVE_CONTROL_H

#include "base/check.h"
#include "base/diag.h"

struct server;

/* Block the signals and open what turns wait for; makes turns the fleet's step.
 * 0, or -errno with the reason in d.  Before any thread is started. [control]
 */
MUST_USE int control_open(struct server *s, struct diag *d);
/* Close it; no thread is left. [control] */
void control_close(struct server *s);
/* One turn, at most timeout_ms (-1: until something happens). [control] */
void control_turn(struct server *s, int timeout_ms);
/* How many connections the workers have that are not lost. [control] */
uint64_t control_connections(const struct server *s);
/* Leave with all threads, whatever they do: remove the process's files, write
 * the logs, exit with code. [control] */
_Noreturn void control_leave(struct server *s, int code);

#endif
