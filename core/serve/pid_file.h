/* SPDX-License-Identifier: BSD-2-Clause */
/* pid_file.h - [server] pid_file: under which number the server runs.
 *
 * Written when the first generation is current, removed when the process ends
 * in order; not a lock.  A supervised process has its supervisor do it, whose
 * the number is.  Invariant: s->has_pid_file if and only if there is one that
 * this process has written.  Not here: the file itself (os/pidfile.h).  Called
 * by start.c, by the ways to an end, and by preflight.c. */
#ifndef SERVE_PID_FILE_H
#define SERVE_PID_FILE_H

#include "base/check.h"
#include "base/diag.h"

struct conf;
struct server;

/* Report in d what would keep it from being written. [control] */
void pid_file_check(const struct conf *conf, struct diag *d);
/* Write what [server] pid_file of s->gen names, if anything; 0, or -errno with
 * the reason in d. [control] */
MUST_USE int pid_file_write(struct server *s, struct diag *d);
/* Remove it, if we have one and it still has our number. [control] */
void pid_file_remove(struct server *s);

#endif
