/* SPDX-License-Identifier: BSD-2-Clause */
/* user.c - who owns what, by name or by number; see user.h. */
#include "os/user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_LEN 128

/* A number that is an id; UINT32_MAX means "none" to the kernel. */
static int
parse_id(const char *text, uint32_t *out)
{
    unsigned long long id;
    char *end;

    if (text[0] < '0' || text[0] > '9')
        return -1;
    errno = 0;
    id = strtoull(text, &end, 10);
    if (errno != 0 || *end != '\0' || id >= UINT32_MAX)
        return -1;
    *out = (uint32_t)id;
    return 0;
}

static int
parse_user(const char *text, uid_t *user, gid_t *group)
{
    const struct passwd *pw = getpwnam(text);
    uint32_t id;

    *group = (gid_t)-1;
    if (!pw) {
        if (parse_id(text, &id) < 0)
            return -ENOENT;
        *user = id;
        pw = getpwuid(id);
    }
    if (pw) {
        *user = pw->pw_uid;
        *group = pw->pw_gid;
    }
    return 0;
}

static int
parse_group(const char *text, gid_t *group)
{
    const struct group *gr = getgrnam(text);
    uint32_t id;

    if (!gr && parse_id(text, &id) < 0)
        return -ESRCH;
    *group = gr ? gr->gr_gid : id;
    return 0;
}

int
user_parse(const char *text, uid_t *user, gid_t *group)
{
    char name[NAME_LEN], *colon;
    int rc;

    if (strlen(text) >= sizeof name)
        return -ENOENT;
    strcpy(name, text);
    colon = strchr(name, ':');
    if (colon)
        *colon++ = '\0';
    rc = parse_user(name, user, group);
    return rc == 0 && colon ? parse_group(colon, group) : rc;
}
