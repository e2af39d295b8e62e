/* SPDX-License-Identifier: BSD-2-Clause */
/* copy.c - see copy.h. */
#include "plug/copy.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/dso.h"
#include "os/memfd.h"

#define SHORT_HASH_LEN 12

static int
add_reason(char why[COPY_WHY_LEN], const char *where, int rc)
{
    size_t n = strlen(why);

    snprintf(why + n, COPY_WHY_LEN - n, "%s%.200s: %s", n > 0 ? "; " : "",
             where, strerror(-rc));
    return rc;
}

static int
to_memfd(const struct copy_order *o, struct copy *out, char why[COPY_WHY_LEN])
{
    char label[NAME_MAX], path[DSO_PATH_LEN];
    int fd, rc;

    snprintf(label, sizeof label, "%.180s@%.*s", o->name, SHORT_HASH_LEN,
             o->hash_hex);
    fd = memfd_new(label, o->p, o->n);
    if (fd < 0)
        return add_reason(why, "memfd", fd);
    rc = memfd_may_exec(fd);
    dso_fd_path(path, fd);
    if (rc == 0 && access(path, R_OK) < 0) /* no /proc */
        rc = -errno;
    if (rc == 0 && (out->load_path = strdup(path)) == NULL)
        rc = -ENOMEM;
    if (rc < 0) {
        close(fd);
        return add_reason(why, "memfd", rc);
    }
    out->fd = fd;
    return 0;
}

static int
to_file_in(const struct copy_order *o, struct copy *out, const char *dir)
{
    char path[PATH_MAX];
    int fd, rc;

    memfd_file_sweep(dir);
    fd = memfd_file_new(dir, o->name, o->p, o->n, path);
    if (fd < 0)
        return fd;
    rc = memfd_may_exec(fd);
    if (rc == 0 && (out->load_path = strdup(path)) == NULL)
        rc = -ENOMEM;
    if (rc < 0) {
        unlink(path);
        close(fd);
        return rc;
    }
    out->is_private_file = 1;
    out->fd = fd;
    return 0;
}

/* A copy beside the original if its libraries are found through $ORIGIN. */
static int
to_file(const struct copy_order *o, struct copy *out, char why[COPY_WHY_LEN])
{
    const char *dir = o->runtime_dir;
    char folder[PATH_MAX];
    int rc;

    if (o->needs_folder) {
        size_t n = (size_t)(o->name - o->path);

        snprintf(folder, sizeof folder, "%.*s.", (int)n, o->path);
        dir = folder;
    }
    if (dir == NULL)
        return add_reason(why, "runtime_dir (not set)", -ENOENT);
    rc = to_file_in(o, out, dir);
    return rc < 0 ? add_reason(why, dir, rc) : 0;
}

/* Through the descriptor that was checked; $ORIGIN needs the real name. */
static int
in_place(const struct copy_order *o, struct copy *out)
{
    char path[DSO_PATH_LEN];

    dso_fd_path(path, *o->source_fd);
    if (o->needs_folder || access(path, R_OK) < 0)
        out->load_path = realpath(o->path, NULL);
    else
        out->load_path = strdup(path);
    if (out->load_path == NULL)
        return -errno;
    out->fd = *o->source_fd;
    *o->source_fd = -1;
    out->is_in_place = 1;
    return 0;
}

int
copy_make(const struct copy_order *o, struct copy *out, char why[COPY_WHY_LEN])
{
    int rc;

    *out = (struct copy){.fd = -1};
    why[0] = '\0';
    if (o->needs_folder)
        rc = add_reason(why, "memfd: its libraries are found through $ORIGIN",
                        -ENOTSUP);
    else if (o->staging == CONF_STAGING_FILE)
        rc = add_reason(why, "memfd: not with plugin_staging = file", -EPERM);
    else
        rc = to_memfd(o, out, why);
    if (rc < 0 && o->staging != CONF_STAGING_MEMFD) {
        rc = to_file(o, out, why);
        if (rc < 0)
            rc = in_place(o, out);
    }
    return rc;
}

void
copy_fini(struct copy *c)
{
    if (c->is_private_file)
        unlink(c->load_path);
    if (c->fd >= 0)
        close(c->fd);
    free(c->load_path);
    *c = (struct copy){.fd = -1};
}
