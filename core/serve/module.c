/* SPDX-License-Identifier: BSD-2-Clause */
/* module.c - the files in the modules folder; see module.h. */
#include "serve/module.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "conf/bundle.h"
#include "conf/bundle_image.h"
#include "conf/conf.h"

const char *
module_path(struct arena *a, et_str dir, const struct conf_plugin *p)
{
    if (p->module.n && p->module.p[0] == '/')
        return p->module.p;
    return arena_printf(a, "%.*s/%.*s.so", (int)dir.n, dir.p, (int)p->module.n,
                        p->module.p);
}

#define MODULE_NAMES_MAX 512

struct module_names {
    const char *v[MODULE_NAMES_MAX];
    size_t n;
};

static void
module_names_read(struct module_names *m, const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;

    m->n = 0;
    while (d && m->n < MODULE_NAMES_MAX && (e = readdir(d)) != NULL) {
        size_t len = strlen(e->d_name);
        char *name;
        if (len <= 3 || strcmp(e->d_name + len - 3, ".so") != 0)
            continue;
        name = strndup(e->d_name, len - 3);
        if (name)
            m->v[m->n++] = name;
    }
    if (d)
        closedir(d);
}

static void
module_names_free(struct module_names *m)
{
    while (m->n > 0)
        free((char *)(uintptr_t)m->v[--m->n]);
}

int
module_is_there(const struct bundle *b, const struct conf_plugin *p,
                const char *path, const struct place *at, struct diag *d)
{
    char dir[PATH_MAX], *slash;
    const char *nearest;
    struct module_names names;

    if (b->is_closed || bundle_image_find(b, path))
        return 1; /* image_stage knows what to say */
    if (access(path, F_OK) == 0 || errno != ENOENT)
        return 1;
    snprintf(dir, sizeof dir, "%s", path);
    slash = strrchr(dir, '/');
    if (slash)
        *slash = '\0';
    module_names_read(&names, dir);
    nearest = diag_nearest(p->module.p, names.v, names.n);
    diag_error(d, at, "%s there is no %s%s%s%s", p->section, path,
               nearest ? "; did you mean \"" : "", nearest ? nearest : "",
               nearest ? "\"?" : "");
    module_names_free(&names);
    return 0;
}
