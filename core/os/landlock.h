/* SPDX-License-Identifier: BSD-2-Clause */
/* landlock.h - where this thread, and all it makes, may write and execute.
 *
 * For good, and in threads that are made afterwards only.  Reading stays open,
 * and so does what is open already, what is in memory only (memfds), and
 * programs' libraries.  A refusal is EACCES, and nobody is told of it. */
#ifndef OS_LANDLOCK_H
#define OS_LANDLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

/* The kernel's version of it, from 1 on; or -errno: it has none. [any] */
int landlock_abi(void);
/* A set of rules that allows nothing yet: a descriptor, the caller's; or
 * -errno. [control] */
MUST_USE int landlock_new(void);
/* Allow to write, make and remove anything below folder; to write to the file
 * at path; to execute what is below folder.  0 or -errno. [control] */
MUST_USE int landlock_allow_folder(int rules, const char *folder);
MUST_USE int landlock_allow_file(int rules, const char *path);
MUST_USE int landlock_allow_exec(int rules, const char *folder);
/* From now on nothing else; no new privileges must be had already
 * (identity_renounce).  0 or -errno. [control] */
MUST_USE int landlock_apply(int rules);

#endif
