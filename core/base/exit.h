/* SPDX-License-Identifier: BSD-2-Clause */
/* exit.h - how a process of ours ends: 0, 3, or what sysexits.h calls it. */
#ifndef BASE_EXIT_H
#define BASE_EXIT_H

#include <errno.h>

enum server_exit {
    SERVER_OK = 0,
    SERVER_CUT = 3, /* drain_timeout cut something off */
    SERVER_USAGE = 64,
    SERVER_UNAVAILABLE = 69, /* not running, no answer */
    SERVER_INTERNAL = 70,
    SERVER_PERMISSION = 77,
    SERVER_CONFIG = 78, /* configuration or plugin refused */
};

/* The code for a file, or a socket that is one, that could not be had: rc is
 * the -errno.  In use is as any address in use. [any] */
static inline int
exit_of_file(int rc)
{
    if (rc == -EADDRINUSE)
        return SERVER_INTERNAL;
    return rc == -EACCES ? SERVER_PERMISSION : SERVER_CONFIG;
}

#endif
