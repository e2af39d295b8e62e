/* SPDX-License-Identifier: BSD-2-Clause */
/* sockfile.h - the file that a Unix socket is found by.
 *
 * It stays when its socket is gone, and another server's may stand at the same
 * path by now: it is removed only when nobody listens on it, or when it is the
 * very one that was bound.  For sock.c, which has the address; paths are
 * shorter than sun_path. */
#ifndef OS_SOCKFILE_H
#define OS_SOCKFILE_H

#include <errno.h>
#include <stdint.h>

#include "base/check.h"

/* One file, told from another at its path for as long as its socket is open. */
struct sockfile {
    uint64_t dev, ino; /* ino 0: there is none */
};

/* In use, and its owner is known to live. */
#define SOCKFILE_LIVE (-EISCONN)

/* Make way for a socket at path: a file that nobody listens on goes.  0;
 * SOCKFILE_LIVE; -EADDRINUSE: served, but perhaps by one who has ended and
 * whose io_uring the kernel has not yet undone; -EEXIST: no socket; -errno.
 * [control] */
MUST_USE int sockfile_clear(const char *path);
/* Of these, what can be seen without opening anything: that path is no socket,
 * or that its folder is not there or not ours.  0 or -errno. [control] */
MUST_USE int sockfile_check(const char *path);
/* What stands at path now. [control] */
struct sockfile sockfile_of(const char *path);
/* Remove it if it is still file. [control] */
void sockfile_remove(const char *path, struct sockfile file);

#endif
