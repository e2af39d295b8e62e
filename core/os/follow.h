/* SPDX-License-Identifier: BSD-2-Clause */
/* follow.h - opening a path whose folder may be somebody else's.
 *
 * Who may write to a folder may put a link there, and who follows it opens what
 * the link's owner could not.  So a link at the end of the path is followed
 * only if it is root's or ours: logs, the pid file and the ledger are opened
 * this way.  Not here: the folders of the path, which are its author's
 * choice. */
#ifndef OS_FOLLOW_H
#define OS_FOLLOW_H

#include "base/check.h"

/* As open(2) with these flags, O_CLOEXEC, O_NOCTTY and O_NONBLOCK - the other
 * end of a FIFO is not waited for; mode is that of a file it makes, O_CREAT.  A
 * descriptor or -errno; -ELOOP: a link of somebody else's. [any] */
MUST_USE int follow_open(const char *path, int flags, unsigned mode);

#endif
