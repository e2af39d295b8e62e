/* SPDX-License-Identifier: BSD-2-Clause */
/* manners.h - what a plugin's callback has changed and should have left alone.
 *
 * A signal mask, a working folder, a locale are not a plugin's: they are the
 * thread's, or everybody's.  Those of os/ambient.h are compared around the
 * constructors, load, check, open and worker init, put back, and told with who
 * it was.  Of a worker init only what is its thread's, since other workers run
 * theirs at the same time; all of it where there is but one (a trial), and by
 * who commands them around all of them. */
#ifndef PLUG_MANNERS_H
#define PLUG_MANNERS_H

#include "base/check.h"

struct ambient;
struct guard_who;

typedef void manners_fn(void *arg, const char *text);

/* guard_run, and look.  [any] */
MUST_USE int manners_run(const struct guard_who *who, int (*fn)(void *arg),
                         void *arg);
/* Worker inits of the calling thread are the only ones until fn is NULL again,
 * and what they change is told fn instead of the log. [control] */
void manners_tell(manners_fn *fn, void *arg);
/* Put back what is the process's and has changed since a was taken, while
 * whoever this says ran. [control] */
void manners_restore(const struct ambient *a, const char *who);

#endif
