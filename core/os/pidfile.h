/* SPDX-License-Identifier: BSD-2-Clause */
/* pidfile.h - a file that holds the number of this process.
 *
 * Only a regular file is written that holds a number already, or nothing: a
 * path mistyped costs nobody a file or a device.  A link to it is followed only
 * if it is root's or ours (os/follow.h).  Only one that still holds our number
 * is removed.  Functions return 0 or -errno (-EEXIST: it is something
 * else), and then why (cap bytes) says it in words. */
#ifndef OS_PIDFILE_H
#define OS_PIDFILE_H

#include <stddef.h>

#include "base/check.h"

/* Write it; the file is made or emptied. [any] */
MUST_USE int pidfile_put(const char *path, char *why, size_t cap);
/* Whether pidfile_put could do it; nothing is changed. [any] */
MUST_USE int pidfile_check(const char *path, char *why, size_t cap);
/* Remove it, if it is still ours. [any] */
void pidfile_drop(const char *path);

#endif
