/* SPDX-License-Identifier: BSD-2-Clause */
/* denials.h - a server process asks whether it may make a system call.
 *
 * The kernel holds up the thread that made it until the supervisor has said so
 * (os/seccomp.h).  Rings may be made until the process serves, everything else
 * is denied, and named in the log, each call once a second at most. */
#ifndef SUPER_DENIALS_H
#define SUPER_DENIALS_H

#include <sys/types.h>

#include "base/check.h"

/* Answer what is asked by the listener fd of server process pid, which is_ready
 * or is about to start.  Does not wait.  0: nobody is left who could ask.
 * [control] */
MUST_USE int denials_answer(int fd, pid_t pid, int is_ready);

#endif
