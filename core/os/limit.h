/* SPDX-License-Identifier: BSD-2-Clause */
/* limit.h - what the system lets this process have, and who decides that. */
#ifndef OS_LIMIT_H
#define OS_LIMIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define LIMIT_TEXT_LEN 200 /* enough for limit_explain */

/* The soft limit of open files (RLIMIT_NOFILE), with what is held back of it;
 * UINT64_MAX: none. [any] */
uint64_t limit_nofile(void);
/* Make it n, and the hard limit too if that is below.  *now is the limit
 * afterwards: the hard one if that stands in the way.  0 or -errno.
 * [control] */
MUST_USE int limit_nofile_set(uint64_t n, uint64_t *now);
/* Raise it to the hard limit.  *now is the limit afterwards, raised or not.
 * 0 or -errno. [control] */
MUST_USE int limit_nofile_raise(uint64_t *now);
/* Hold n of what the limit is back, in the place of those that were, so that no
 * thread gets them until they are not (0); what is open stays so.  0 or -errno,
 * and then it is as it was; of no limit nothing is held back. [control] */
MUST_USE int limit_nofile_hold(uint32_t n);
/* Why a system call failed with rc, a -errno, in out, which is returned: the
 * error's text and, if a limit was reached, which one and how to raise it.
 * -EAGAIN is meant as that of a thread that could not be made. [any] */
const char *limit_explain(int rc, char *out, size_t cap);

#endif
