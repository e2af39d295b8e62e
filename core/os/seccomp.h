/* SPDX-License-Identifier: BSD-2-Clause */
/* seccomp.h - system calls that this process, and all it makes, may not do.
 *
 * A deny list: what no server and no plugin has a use for, and what takes over
 * a machine.  A call of it fails with EPERM.  Where the kernel can, it first
 * asks whoever has the listener - another process, for this one would wait for
 * itself -, who learns its name and may let it pass.
 *
 * Not seen here: what io_uring does without a call; what a call's memory says.
 * A call by another ABI of the machine (32 bit) fails with ENOSYS.  So does
 * clone3, whose flags cannot be seen: clone is tried instead, and there new
 * namespaces are denied. */
#ifndef OS_SECCOMP_H
#define OS_SECCOMP_H

#include "base/check.h"

enum seccomp_set {
    SECCOMP_NEVER = 1, /* trace, mount, load, reboot, keys, namespaces ... */
    SECCOMP_EXEC = 2,  /* execute a program */
    SECCOMP_RINGS = 4, /* make a ring: only with a listener, who lets it pass
                          as long as they are made */
};

/* Deny the calls of these sets in all threads, for good.  *listener is what
 * seccomp_unotify(2) speaks of, close-on-exec and the caller's; -1: the kernel
 * does not ask.  No new privileges must be had already (identity_renounce).  0
 * or -errno, and nothing is denied. [control] */
MUST_USE int seccomp_deny(unsigned sets, int *listener);
/* The set and the name of a call by its number; 0 and NULL: not one of ours.
 * [any] */
unsigned seccomp_set_of(int nr);
const char *seccomp_name(int nr);

#endif
