/* SPDX-License-Identifier: BSD-2-Clause */
/* deny.h - a kernel, or a container, that does not let us. */
#ifndef T_LIB_DENY_H
#define T_LIB_DENY_H

/* From here on the system call nr fails with err, in this process and in those
 * it starts.  0, or -1 where seccomp cannot be had. */
int deny_call(unsigned nr, unsigned err);

#endif
