/* SPDX-License-Identifier: BSD-2-Clause */
/* identity.c - another user, for good; see identity.h. */
#define _GNU_SOURCE /* setresuid, setresgid, getgrouplist */
#include "os/identity.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "os/user.h"

#define TEXT_LEN 256
#define GROUPS_MAX 65536 /* NGROUPS_MAX of the kernel */

/* ---- who that is ---------------------------------------------------------*/

/* The groups of a user that has an entry; of one that has none, gid alone. */
static int
find_groups(struct identity *i)
{
    const struct passwd *pw = getpwuid(i->uid);
    int n = 1, rc = -1;

    for (int cap = 32; rc < 0 && cap <= GROUPS_MAX; cap *= 2) {
        gid_t *groups = realloc(i->groups, (size_t)cap * sizeof *groups);

        if (!groups)
            return -ENOMEM;
        i->groups = groups;
        groups[0] = i->gid;
        n = cap;
        rc = pw ? getgrouplist(pw->pw_name, i->gid, groups, &n) : 0;
    }
    if (rc < 0)
        return -ENOMEM;
    i->n_groups = pw ? (size_t)n : 1;
    return 0;
}

static int
parse(const char *user, const char *group, struct identity *out)
{
    char text[TEXT_LEN];
    int n =
        snprintf(text, sizeof text, "%s%s%s", user, *group ? ":" : "", group);

    if (n >= (int)sizeof text || strchr(user, ':'))
        return -ENOENT;
    return user_parse(text, &out->uid, &out->gid);
}

int
identity_resolve(const char *user, const char *group, struct identity *out)
{
    int rc;

    *out = (struct identity){0};
    if (!*user)
        return 0;
    rc = parse(user, group, out);
    if (rc < 0)
        return rc;
    if (out->gid == (gid_t)-1 && out->uid == geteuid())
        out->gid = getegid();
    if (out->gid == (gid_t)-1)
        return -ENODATA;
    rc = find_groups(out);
    if (rc < 0)
        identity_fini(out);
    out->is_set = rc == 0;
    return rc;
}

void
identity_fini(struct identity *i)
{
    free(i->groups);
    *i = (struct identity){0};
}

/* ---- to be it ------------------------------------------------------------*/

int
identity_is_ours(const struct identity *i)
{
    return !i->is_set || (i->uid == geteuid() && i->gid == getegid());
}

int
identity_may_become(const struct identity *i)
{
    return identity_is_ours(i) || geteuid() == 0 ? 0 : -EPERM;
}

static int
is_whole(const struct identity *i)
{
    uid_t u[3];
    gid_t g[3];

    if (getresuid(&u[0], &u[1], &u[2]) < 0 ||
        getresgid(&g[0], &g[1], &g[2]) < 0)
        return 0;
    for (int k = 0; k < 3; k++) {
        if (u[k] != i->uid || g[k] != i->gid)
            return 0;
    }
    return 1;
}

/* Groups first, then the group, then the user: each takes the right to do what
 * comes before it. */
int
identity_become(const struct identity *i)
{
    if (!i->is_set)
        return 0;
    if (geteuid() != 0)
        return identity_may_become(i);
    if (setgroups(i->n_groups, i->groups) < 0 ||
        setresgid(i->gid, i->gid, i->gid) < 0 ||
        setresuid(i->uid, i->uid, i->uid) < 0)
        return -errno;
    if (!is_whole(i))
        return -EPERM;
    if (i->uid != 0 && setresuid((uid_t)-1, 0, (uid_t)-1) == 0)
        return -EPERM; /* a way back */
    return 0;
}

int
identity_renounce(void)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    /* A kernel that does not know them has none. */
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 &&
        errno != EINVAL)
        return -errno;
    return 0;
}
