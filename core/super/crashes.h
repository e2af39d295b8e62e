/* SPDX-License-Identifier: BSD-2-Clause */
/* crashes.h - what goes wrong in server processes, and what follows.
 *
 *     server process --record--> block of faults (ctl/faults.h) --> here:
 *         one block of the log, if the process cannot write it any more
 *         the ledger (ledger.h): too often, and that build is in quarantine
 *         another process: what has crashed once is not to be trusted
 *
 * Each process has a block of its own, which is read when it says so and when
 * it has ended.  Nothing in it is believed: whoever wrote it went wrong. */
#ifndef SUPER_CRASHES_H
#define SUPER_CRASHES_H

#include <stddef.h>

#include "base/check.h"

struct child;
struct state;
struct super;

/* Read the ledger of runtime_dir, if there is one. [control] */
void crashes_open(struct super *s);
/* c, which has not begun, is given a block, and told which builds may not run.
 * [control] */
void crashes_prepare(struct super *s, struct child *c);
/* c has said FAULT, and lives, or has ended: look at what is new. [control] */
void crashes_look(struct super *s, struct child *c, int is_alive);
/* Who is to blame for the last thing that went wrong in c, in words: 1; 0: it
 * is not known. [control] */
int crashes_blame(const struct child *c, char *out, size_t cap);

/* The text of CTL_QUARANTINE that has the next trial do without whoever is to
 * blame for the end of c, which was one: 1; 0: no build of a plugin is known.
 * [control] */
int crashes_bar(const struct child *c, char *out, size_t cap);

/* For a supervisor that takes our place: the ledger, and back, a line without
 * its first word, "ledger". [control] */
void crashes_save(const struct super *s, struct state *to);
void crashes_load(struct super *s, const char *line);

#endif
