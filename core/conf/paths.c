/* SPDX-License-Identifier: BSD-2-Clause */
/* paths.c - see paths.h. */
#include "conf/paths.h"

#include <stdio.h>
#include <unistd.h>

#include "conf/conf.h"

#define USUAL_DIR "/run/etude"
#define ADMIN_NAME "etude.sock"

const char *
paths_runtime_dir(const struct conf *c)
{
    static const char usual[] = USUAL_DIR;

    if (c->server.runtime_dir.n)
        return c->server.runtime_dir.p;
    return access(usual, W_OK | X_OK) == 0 ? usual : NULL;
}

int
paths_admin(const struct conf *c, int knocks, char *out, size_t cap)
{
    const char *dir = paths_runtime_dir(c);

    if (c->server.admin.n) {
        snprintf(out, cap, "%s", c->server.admin.p);
        return 1;
    }
    if (conf_place(c, &c->server.admin).file) /* it says off */
        return 0;
    if (!dir && knocks)
        dir = USUAL_DIR;
    if (dir)
        snprintf(out, cap, "%s/%s", dir, ADMIN_NAME);
    return dir != NULL;
}

int
paths_map(const char *dir, long pid, char *out, size_t cap)
{
    return snprintf(out, cap, "%s/%ld.plugins", dir, pid) < (int)cap;
}
