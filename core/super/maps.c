/* SPDX-License-Identifier: BSD-2-Clause */
/* maps.c - see maps.h. */
#include "super/maps.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/paths.h"

void
maps_remove(const struct conf *conf, pid_t pid)
{
    const char *dir = conf ? paths_runtime_dir(conf) : NULL;
    char path[PATH_MAX];

    if (dir && paths_map(dir, pid, path, sizeof path))
        (void)!unlink(path);
}

/* The process whose map has that name, if it does not run; else 0. */
static pid_t
left_by(const char *name)
{
    char *end;
    long pid = strtol(name, &end, 10);

    if (pid <= 0 || pid > INT_MAX || strcmp(end, ".plugins") != 0)
        return 0;
    return kill((pid_t)pid, 0) < 0 && errno == ESRCH ? (pid_t)pid : 0;
}

void
maps_sweep(const struct conf *conf)
{
    const char *path = paths_runtime_dir(conf);
    DIR *dir = path ? opendir(path) : NULL;
    const struct dirent *e;

    while (dir && (e = readdir(dir))) {
        pid_t pid = left_by(e->d_name);
        if (pid > 0)
            maps_remove(conf, pid);
    }
    if (dir)
        closedir(dir);
}
