/* SPDX-License-Identifier: BSD-2-Clause */
/* outage.h - [plugin X] required = no: what becomes of one that is of no use.
 *
 *     load, check of options, open, a worker's init in the trial
 *        | fails, in a diag of its own
 *        v
 *     required = yes: that diag is the building's
 *     required = no:  a note in the bundle (conf/bundle_outage.h), a warning,
 *                     and the section is out: its routes, and all that use it,
 *                     answer 503 (uses.c, routes.c) as for a build in
 *                     quarantine - never are they served without it
 *
 * A section that is found to be of no use when routes have been made of it
 * already has the generation built once more, without it (build.c).  Invariant:
 * a section that is out has no instance. */
#ifndef SERVE_OUTAGE_H
#define SERVE_OUTAGE_H

#include "base/check.h"
#include "base/diag.h"

struct builder;
struct conf;
struct section;

/* Note in conf's bundle that the plugin of that section is left out, since why.
 * 1; 0: it is required, unknown or out already, or there is no memory: then it
 * is an error like any. [control] */
MUST_USE int outage_note(const struct conf *conf, const char *section,
                         const char *why, int is_loadable);
/* s is to be out if its bundle says so: set s->out, warn, and tell whether its
 * module may still be loaded. [control] */
int outage_apply(struct builder *b, struct section *s);
/* What is wrong with s is in found, which is given up.  Its errors, if there
 * are any and s is not required, are why it is out from now on: 1.  Else 0, and
 * b->diag says all of it. [control] */
int outage_bear(struct builder *b, struct section *s, struct diag *found,
                int is_loadable);

#endif
