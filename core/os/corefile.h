/* SPDX-License-Identifier: BSD-2-Clause */
/* corefile.h - a core file of a process that goes on.
 *
 *     handler -> clone -> clone -> the copy: its handler returns, the
 *        |         |               instruction fails once more, and the kernel
 *        v         v               writes the core to where it is
 *     goes on    ends, at once
 *
 * Where and as what the kernel writes it is kernel.core_pattern's: a relative
 * one leads to the copy's working folder, which is the only one for this. */
#ifndef OS_COREFILE_H
#define OS_COREFILE_H

#include <stddef.h>

#include "base/check.h"

/* Why core files of this process would not be found in a folder they are sent
 * to (a phrase, in out), or NULL. [control] */
const char *corefile_trouble(char *out, size_t cap);
/* Have core files of this process, and of copies of it, hold what is mapped of
 * files, too: a plugin's code is of none that a debugger could find.  0 or
 * -errno. [control] */
MUST_USE int corefile_hold_files(void);
/* Make the folder and a copy of the process in it, of which this thread is the
 * only one: 1 in the copy, which nobody waits for, has no descriptors and is
 * to die by a signal that dumps core; 0 in the process, or -errno: -EEXIST: the
 * folder is there. [signal-safe] */
MUST_USE int corefile_fork(const char *folder);

#endif
