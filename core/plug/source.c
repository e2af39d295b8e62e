/* SPDX-License-Identifier: BSD-2-Clause */
/* source.c - see source.h. */
#include "plug/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"
#include "os/dso.h"
#include "plug/why.h"

#define TRIES 4
#define PAUSE_NS 100000000L

/* O_NONBLOCK: a FIFO must not hold the reload up. */
static int
open_file(const char *path, et_err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd >= 0)
        return fd;
    if (errno == ELOOP)
        return why_set(e, "is a loop of symbolic links");
    if (errno == EACCES)
        return why_set(e, "may not be read by this server (uid %u)",
                       (unsigned)geteuid());
    return why_set(e, "cannot be opened: %s", strerror(errno));
}

static const char *
type_name(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR: return "a folder";
    case S_IFIFO: return "a FIFO";
    case S_IFSOCK: return "a socket";
    case S_IFCHR:
    case S_IFBLK: return "a device";
    default: return "no regular file";
    }
}

static int
check_owner(const char *what, const struct stat *st, et_err *e)
{
    if (st->st_uid == 0 || st->st_uid == geteuid())
        return 0;
    return why_set(e,
                   "%sbelongs to uid %u, neither root nor the server's user "
                   "(uid %u): chown it, or set module_owner = any",
                   what, (unsigned)st->st_uid, (unsigned)geteuid());
}

static int
check_mode(const char *what, const struct stat *st, et_err *e)
{
    int is_own_group = st->st_gid == 0 || st->st_gid == getegid();
    const char *who = NULL;

    if (st->st_mode & S_IWOTH)
        who = "everybody";
    else if ((st->st_mode & S_IWGRP) && !is_own_group)
        who = "a group";
    if (who == NULL || (S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX)))
        return 0;
    return why_set(e,
                   "%sis writable by %s (mode %04o): chmod go-w it, or set "
                   "module_owner = any",
                   what, who, (unsigned)st->st_mode & 07777);
}

/* The folder that path names its file in. */
static int
check_folder(const char *path, et_err *e)
{
    char folder[PATH_MAX], what[PATH_MAX + 16];
    const char *slash = strrchr(path, '/');
    struct stat st;
    int rc;

    snprintf(folder, sizeof folder, "%.*s",
             slash == NULL ? 1 : (int)(slash - path) + (slash == path),
             slash == NULL ? "." : path);
    if (stat(folder, &st) < 0)
        return why_set(e, "cannot be trusted: its folder %s: %s", folder,
                       strerror(errno));
    snprintf(what, sizeof what, "its folder %s ", folder);
    rc = check_owner(what, &st, e);
    return rc < 0 ? rc : check_mode(what, &st, e);
}

/* Both folders: where the name stands and where the file does.  Without /proc
 * there is only the first. */
static int
check_folders(const char *path, int fd, et_err *e)
{
    char link[DSO_PATH_LEN], target[PATH_MAX];
    ssize_t n;
    int rc = check_folder(path, e);

    if (rc < 0)
        return rc;
    dso_fd_path(link, fd);
    n = readlink(link, target, sizeof target - 1);
    if (n <= 0)
        return 0;
    target[n] = '\0';
    return check_folder(target, e);
}

static int
check_file(const char *path, int fd, enum conf_owner owner, et_err *e)
{
    struct stat st;
    int rc;

    if (fstat(fd, &st) < 0)
        return why_set(e, "cannot be examined: %s", strerror(errno));
    if (!S_ISREG(st.st_mode))
        return why_set(e, "is %s, not a regular file", type_name(st.st_mode));
    if (owner == CONF_OWNER_ANY)
        return 0;
    rc = check_owner("", &st, e);
    if (rc == 0)
        rc = check_mode("", &st, e);
    return rc < 0 ? rc : check_folders(path, fd, e);
}

static int
read_failed(int rc, et_err *e)
{
    if (rc == -EFBIG)
        return why_set(e, "is larger than %zu MiB", SOURCE_MAX_BYTES >> 20);
    why_set(e, "cannot be read: %s", strerror(-rc));
    return rc == -ENOMEM ? ERR_NOMEM : ERR_INVALID;
}

/* 1: read; 0: it changed meanwhile; < 0: refused. */
static int
try_read(const char *path, enum conf_owner owner, struct source *s, et_err *e)
{
    struct file_id after;
    int rc;

    s->fd = open_file(path, e);
    if (s->fd < 0)
        return s->fd;
    rc = check_file(path, s->fd, owner, e);
    if (rc < 0)
        return rc;
    rc = file_id_fd(s->fd, &s->id);
    if (rc == 0 && s->id.size > SOURCE_MAX_BYTES)
        rc = -EFBIG;
    if (rc == 0)
        rc = file_read_fd(s->fd, SOURCE_MAX_BYTES, &s->p, &s->n);
    if (rc == 0)
        rc = file_id_fd(s->fd, &after);
    if (rc < 0)
        return read_failed(rc, e);
    return file_id_equal(&s->id, &after) && s->n == s->id.size;
}

int
source_read(const char *path, enum conf_owner owner, struct source *out,
            et_err *e)
{
    for (int i = 0; i < TRIES; i++) {
        int rc;

        *out = (struct source){.fd = -1};
        if (i > 0)
            nanosleep(&(struct timespec){0, PAUSE_NS}, NULL);
        rc = try_read(path, owner, out, e);
        if (rc > 0)
            return 0;
        source_fini(out);
        if (rc < 0)
            return rc;
    }
    return why_set(e, "is still being written: it changed each time it was "
                      "read. Put it there by rename, then reload");
}

void
source_fini(struct source *s)
{
    free(s->p);
    s->p = NULL;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}
