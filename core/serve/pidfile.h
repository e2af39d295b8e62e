/* SPDX-License-Identifier: BSD-2-Clause */
/* pidfile.h - the file that says under which number the server runs.
 *
 * Written when the first generation is current, removed when the process ends
 * in order; not a lock.  A supervised process has its supervisor do it, whose
 * the number is.  Invariant: s->has_pid_file if and only if there is one
 * that is ours.  Called by start.c and by the ways to an end. */
#ifndef SERVE_PIDFILE_H
#define SERVE_PIDFILE_H

#include "base/check.h"
#include "base/diag.h"

struct conf;
struct server;

/* Report in d that [server] pid_file cannot be written, for rc, a -errno.
 * [control] */
void pidfile_complain(const struct conf *conf, int rc, struct diag *d);
/* Write what [server] pid_file of s->gen names, if anything; 0, or -errno with
 * the reason in d. [control] */
MUST_USE int pidfile_write(struct server *s, struct diag *d);
/* Remove it, if we have one. [control] */
void pidfile_remove(struct server *s);

#endif
