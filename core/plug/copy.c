/* SPDX-License-Identifier: BSD-2-Clause */
/* copy.c - see copy.h. */
#include "plug/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/dso.h"
#include "os/file.h"
#include "os/memfd.h"

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
    char path[DSO_PATH_LEN];
    int fd, rc;

    if (o->no_memfd)
        return add_reason(why, "memfd", o->no_memfd);
    fd = fcntl(o->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return add_reason(why, "memfd", -errno);
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

/* The original, if it still holds the bytes that were checked. */
static int
open_original(const struct copy_order *o)
{
    int fd = open(o->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), rc;
    size_t n;
    char *p;

    if (fd < 0)
        return -errno;
    rc = file_read_fd(fd, o->n, &p, &n);
    if (rc == -EFBIG || (rc == 0 && (n != o->n || memcmp(p, o->p, n) != 0)))
        rc = -ESTALE;
    free(p);
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
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

static int
to_original(const struct copy_order *o, struct copy *out,
            char why[COPY_WHY_LEN])
{
    int fd = *o->source_fd < 0 ? open_original(o) : *o->source_fd;

    if (fd < 0)
        return add_reason(why, o->path, fd);
    *o->source_fd = fd;
    return in_place(o, out);
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
            rc = to_original(o, out, why);
    }
    return rc;
}

int
copy_is_sealed(const struct copy *c)
{
    return !c->is_private_file && !c->is_in_place;
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
