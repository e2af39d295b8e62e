/* SPDX-License-Identifier: BSD-2-Clause */
/* identity.h - another user, for good.
 *
 *     resolve (as root, files may be read)  ->  fork  ->  become  ->  exec
 *
 * What is resolved before the fork is all that become needs, which makes system
 * calls only.  Invariant: once identity_become has returned 0 to a process that
 * was root and is to be somebody else, it cannot be root again. */
#ifndef OS_IDENTITY_H
#define OS_IDENTITY_H

#include <stddef.h>
#include <sys/types.h>

#include "base/check.h"

struct identity {
    int is_set; /* 0: stay who we are */
    uid_t uid;
    gid_t gid;
    gid_t *groups; /* malloc'ed: supplementary ones, gid among them */
    size_t n_groups;
};

/* The user and group with these names or numbers; "" as user: none, "" as
 * group: the user's.  A uid without an entry in the user database has the one
 * group that is named, or, if it is our own, ours.  0; or -ENOENT no such user,
 * -ESRCH no such group, -ENODATA no group is named or known, -ENOMEM.  Give it
 * back with identity_fini. [control] */
MUST_USE int identity_resolve(const char *user, const char *group,
                              struct identity *out);
void identity_fini(struct identity *i);
/* Whether i is who we are already. [control] */
int identity_is_ours(const struct identity *i);
/* Whether identity_become would be let: 0 or -EPERM. [control] */
MUST_USE int identity_may_become(const struct identity *i);
/* Be i with all user and group ids, and make sure of it; who is i already and
 * not root keeps its groups.  The kernel's parent-death signal is lost by it,
 * as well as every capability of root.  0 or -errno, and what was changed stays
 * changed: a process that fails here has to end.  Between fork and exec.
 * [control] */
MUST_USE int identity_become(const struct identity *i);
/* Neither this process nor what it executes gains rights by a file's mode or
 * attributes, and those that a service manager lent to be inherited (ambient
 * capabilities) end here.  0 or -errno.  [control] */
MUST_USE int identity_renounce(void);

#endif
