/* SPDX-License-Identifier: BSD-2-Clause */
/* verdict.h - the last word of a command that runs plugins' code to look at it.
 *
 * Of -t, routes, plugins and check nobody else says what a supervisor says of
 * a trial (probe.h): that code of a plugin has crashed, called exit() or does
 * not return.  They do so themselves, and end with SERVER_CONFIG: in words on
 * stderr or, where JSON is wanted, on stdout as they say whatever else is wrong
 *
 *     {"ok":false,"exit":78,"errors":["..."],"warnings":[]}
 *
 * _exit() nobody hears of in there: so the work is done by another process, and
 * "good" counts only if that has come to its end.  Invariant: stdout has
 * nothing before the last code of a plugin has run, so what is there is one
 * thing or the other.  Once in a process. */
#ifndef SERVE_VERDICT_H
#define SERVE_VERDICT_H

#include <stdint.h>

#include "base/check.h"
#include "base/diag.h"

/* What plugins have where no configuration says how much: its default. */
#define VERDICT_MS 5000

/* Faults of this process's plugins end it with a verdict from now on.  Returns
 * in a child, whose exit code is the caller's; there are no other threads yet.
 * [control] */
void verdict_begin(int as_json);
/* Plugins have ms (probe_timeout; 0: as long as they like) from now on until
 * verdict_clock_stop, or the process ends.  Nothing in a process without
 * verdict_begin, nor a second time. [control] */
void verdict_clock_start(int64_t ms);
void verdict_clock_stop(void);

/* Print everything that is wrong and return code. [control] */
int verdict_errors(int code, const struct diag *d, int as_json);
/* The same of one thing, of which stderr hears as of "etude: ...". [control] */
int verdict_refuse(int code, int as_json, const char *fmt, ...) PRINTF(3, 4);

#endif
