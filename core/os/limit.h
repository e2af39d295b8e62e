/* SPDX-License-Identifier: BSD-2-Clause */
/* limit.h - how many descriptors this process may have. */
#ifndef OS_LIMIT_H
#define OS_LIMIT_H

#include <stdint.h>

#include "base/check.h"

/* The soft limit of open files (RLIMIT_NOFILE); UINT64_MAX: none. [any] */
uint64_t limit_nofile(void);
/* Raise it to the hard limit.  *now is the limit afterwards, raised or not.
 * 0 or -errno. [control] */
MUST_USE int limit_nofile_raise(uint64_t *now);

#endif
