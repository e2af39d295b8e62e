/* SPDX-License-Identifier: BSD-2-Clause */
/* sandbox.h - what the process that serves may do to the machine.
 *
 *     rules: what a generation needs          folders to write to, programs
 *     the first one's -> the process is held to them, before one of its
 *                        instances is opened and before there are threads
 *     a later one's   -> are they covered?  If not, that generation needs
 *                        another process
 *
 * System calls: os/seccomp.h.  Files: os/landlock.h.  A process without a
 * supervisor, which is there to be debugged, is not held to anything.  Plugins'
 * constructors and their load run before.  Invariant: s->sandbox, once set,
 * stays, since what has been given up does not come back. */
#ifndef SERVE_SANDBOX_H
#define SERVE_SANDBOX_H

#include <stddef.h>

#include "base/check.h"
#include "base/diag.h"

struct conf;
struct gen;
struct server;
struct sandbox_rules;

/* Before an instance of g is opened: hold the process to what g needs, if it is
 * the first.  Else what g needs and the process has not is an error, and
 * s->needs. [control] */
void sandbox_judge(struct server *s, const struct gen *g, struct diag *d);

/* Say so, if the process is held to nothing. [control] */
void sandbox_log(const struct server *s);
/* Whether the process may do what g, which serves, does not need: 1, and text
 * (cap bytes) says what. [control] */
int sandbox_has_more(const struct server *s, const struct gen *g, char *text,
                     size_t cap);
/* Warn of what conf allows and what is not there. [control] */
void sandbox_warn(const struct conf *conf, struct diag *d);

/* What a generation needs, the caller's; NULL without memory. [control] */
MUST_USE struct sandbox_rules *sandbox_rules_new(const struct gen *g);
void sandbox_rules_free(struct sandbox_rules *r);
/* Whether a process that is held to running does for wanted: 1; or 0 and text
 * (cap bytes) says what else that needs, "to write to /srv/new (path of
 * uploads)". [control] */
int sandbox_covers(const struct sandbox_rules *running,
                   const struct sandbox_rules *wanted, char *text, size_t cap);

#endif
