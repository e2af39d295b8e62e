/* SPDX-License-Identifier: BSD-2-Clause */
/* pass.h - bytes to another process, and a descriptor with them.
 *
 * One message is one datagram of a socket pair that keeps their order and their
 * bounds (SOCK_SEQPACKET).  Nothing waits. */
#ifndef CTL_PASS_H
#define CTL_PASS_H

#include <stddef.h>

#include "base/check.h"

/* Send n bytes, and fd unless that is -1; it stays the caller's.  0 or -errno
 * (-EAGAIN: the other side does not read, -ETOOMANYREFS: nor do others, -EPIPE:
 * it is gone). [any] */
MUST_USE int pass_send(int end, const void *p, size_t n, int fd);
/* Take a message of n bytes, and what came with it: *fd, close-on-exec, -1:
 * nothing, -EMFILE: we had no descriptor for it.  1; 0: there is none now; or
 * -errno: -EPIPE the other side is gone, -EPROTO it was another number of
 * bytes. [any] */
MUST_USE int pass_recv(int end, void *p, size_t n, int *fd);

#endif
