/* SPDX-License-Identifier: BSD-2-Clause */
/* user.h - who owns what, by name or by number. */
#ifndef OS_USER_H
#define OS_USER_H

#include <sys/types.h>

#include "base/check.h"

/* "user" or "user:group", each a name or a number that need not have one.
 * Without a group it is the user's, or, if the user is a number without a name,
 * (gid_t)-1: none.  0; or -ENOENT: no such user, -ESRCH: no such group.
 * [control] */
MUST_USE int user_parse(const char *text, uid_t *user, gid_t *group);

#endif
