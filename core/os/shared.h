/* SPDX-License-Identifier: BSD-2-Clause */
/* shared.h - memory that processes share and that outlives each of them.
 *
 * A memfd: no name, gone with its last descriptor and mapping.  Its size is
 * sealed, so that nobody who has it can make a mapping of it fault; what is in
 * it is for anybody to change.  Pages are used once they are touched.
 * Functions return -errno on failure. */
#ifndef OS_SHARED_H
#define OS_SHARED_H

#include <stddef.h>

#include "base/check.h"

/* So many zeroed bytes, called name in /proc/PID/maps.  Returns the fd
 * (close-on-exec). [any] */
MUST_USE int shared_new(const char *name, size_t bytes);
/* Map all of what is behind fd; *bytes: how much.  [any] */
MUST_USE int shared_map(int fd, void **p, size_t *bytes);

#endif
