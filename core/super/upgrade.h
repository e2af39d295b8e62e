/* SPDX-License-Identifier: BSD-2-Clause */
/* upgrade.h - the supervisor of another program, in the same process.
 *
 * A server process of the new program is ready before this one gives up
 * anything: until then an upgrade is a replacement like any other, and if it
 * fails nothing has happened.  Then the supervisor writes down what it knows
 * (state.h) and executes the same file itself, so that its number, which a
 * service manager knows, and its children stay. */
#ifndef SUPER_UPGRADE_H
#define SUPER_UPGRADE_H

#include "base/check.h"

struct child;
struct super;

/* Become the program of c, which is ready.  Returns only if it fails, and has
 * said so. [control] */
void upgrade_execute(struct super *s, struct child *c);
/* s, which knows nothing yet, is in the place of one that wrote state_fd.  0 or
 * -errno. [control] */
MUST_USE int upgrade_resume(struct super *s, int state_fd);

#endif
