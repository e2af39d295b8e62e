/* SPDX-License-Identifier: BSD-2-Clause */
/* summary.h - what a reload changes, in the words of one log line.
 *
 *     plugins hello 1.0.0 -> 1.1.0; routes 1 added, 2 changed; settings slash
 *     changed; listeners 1 added; 3 instances kept, 1 new
 *
 * Two generations are compared while both are there: before COMMIT, since the
 * old one may be gone right after it.  A plugin is named with its versions, and
 * with its builds where those are equal, as long as there is room; routes are
 * the same by name, methods and pattern, and changed if what serves them is;
 * settings are the live keys of [server].  Not here: when it is logged.  Called
 * by reload.c. */
#ifndef SERVE_SUMMARY_H
#define SERVE_SUMMARY_H

#include "base/check.h"

struct gen;
struct sockets_changes;

#define SUMMARY_MAX 1400 /* a log record takes more */

/* Write to out how next differs from before and what listens from what did; at
 * most SUMMARY_MAX bytes with the NUL, cut if need be.  Not in_place: next is
 * to be served by another process, which keeps no instance.  0 or ERR_NOMEM
 * (and out is empty). [control] */
MUST_USE int summary_write(char out[SUMMARY_MAX], const struct gen *before,
                           const struct gen *next,
                           const struct sockets_changes *listeners,
                           int in_place);

#endif
