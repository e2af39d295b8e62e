/* SPDX-License-Identifier: BSD-2-Clause */
/* file.c - see file.h.  A file may grow or shrink while it is read: the size
 * that stat reports is only where the buffer starts, end of file is what read
 * says. */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "abi/etude_abi.h"

#define FIRST_BYTES 4096u
#define NULL_DEVICE makedev(1, 3) /* /dev/null, by whatever name */

static int64_t
stamp_ns(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

static void
id_of(const struct stat *st, struct file_id *out)
{
    out->dev = (uint64_t)st->st_dev;
    out->ino = (uint64_t)st->st_ino;
    out->size = (uint64_t)st->st_size;
    out->mtime_ns = stamp_ns(&st->st_mtim);
    out->ctime_ns = stamp_ns(&st->st_ctim);
}

int
file_id_fd(int fd, struct file_id *out)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    id_of(&st, out);
    return 0;
}

int
file_id_path(const char *path, struct file_id *out)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return -errno;
    id_of(&st, out);
    return 0;
}

int
file_id_equal(const struct file_id *a, const struct file_id *b)
{
    return a->dev == b->dev && a->ino == b->ino && a->size == b->size &&
           a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

/* Bytes to begin with: the size stat reports and one more, so that the read
 * that fills the buffer is followed by one that sees the end. */
static size_t
first_cap(int fd, size_t max)
{
    struct stat st;
    size_t cap = FIRST_BYTES;

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
        cap = (size_t)st.st_size + 1;
    return cap < max + 1 ? cap : max + 1;
}

/* Double the buffer, at most to max + 1 bytes and the NUL's place. */
static int
grow(char **p, size_t *cap, size_t max)
{
    size_t want = *cap > max / 2 ? max + 1 : *cap * 2;
    char *q = realloc(*p, want + 1);

    if (q == NULL)
        return -ENOMEM;
    *p = q;
    *cap = want;
    return 0;
}

/* Read to the end of file or to the first byte beyond max. */
static int
read_to_end(int fd, size_t max, char **p, size_t *cap, size_t *len)
{
    for (;;) {
        ssize_t got;

        if (*len > max)
            return -EFBIG;
        if (*len == *cap && grow(p, cap, max) < 0)
            return -ENOMEM;
        got = read(fd, *p + *len, *cap - *len);
        if (got == 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return -errno;
        *len += got > 0 ? (size_t)got : 0;
    }
}

int
file_read_fd(int fd, size_t max, char **p, size_t *n)
{
    size_t cap, len = 0;
    char *buf;
    int rc;

    CHECK(max < SIZE_MAX - 1);
    *p = NULL;
    *n = 0;
    cap = first_cap(fd, max);
    buf = malloc(cap + 1);
    if (buf == NULL)
        return -ENOMEM;
    rc = read_to_end(fd, max, &buf, &cap, &len);
    if (rc < 0) {
        free(buf);
        return rc;
    }
    buf[len] = '\0';
    *p = buf;
    *n = len;
    return 0;
}

/* Whether reading it ends.  Folders are left to read(), which has a word for
 * them. */
static int
check_kind(int fd)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
        return 0;
    return S_ISCHR(st.st_mode) && st.st_rdev == NULL_DEVICE ? 0 : -ESPIPE;
}

/* O_NONBLOCK: to open a FIFO would be to wait for who writes. */
int
file_read(const char *path, size_t max, char **p, size_t *n)
{
    int fd, rc;

    *p = NULL;
    *n = 0;
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return errno == ENXIO ? -ESPIPE : -errno; /* a socket, mostly */
    rc = check_kind(fd);
    if (rc == 0)
        rc = file_read_fd(fd, max, p, n);
    close(fd);
    return rc;
}

const char *
file_explain(int rc)
{
    if (rc == -ESPIPE)
        return "it is a FIFO, a socket or a device, not a file";
    return strerror(-rc);
}

int
file_read_at(int fd, uint64_t offset, void *p, size_t n)
{
    char *at = p;

    while (n > 0) {
        ssize_t got = pread(fd, at, n, (off_t)offset);

        if (got == 0)
            return -ENODATA;
        if (got < 0 && errno != EINTR)
            return -errno;
        if (got > 0) {
            at += got;
            offset += (uint64_t)got;
            n -= (size_t)got;
        }
    }
    return 0;
}

int
file_write_fd(int fd, const void *p, size_t n)
{
    const char *at = p;

    while (n > 0) {
        ssize_t put = write(fd, at, n);

        if (put < 0 && errno != EINTR)
            return -errno;
        if (put > 0) {
            at += put;
            n -= (size_t)put;
        }
    }
    return 0;
}

/* Fill the temporary file and let it take the place of path. */
static int
finish(int fd, const char *tmp, const char *path, et_str bytes, unsigned mode)
{
    int rc = file_write_fd(fd, bytes.p, bytes.n);

    if (rc == 0 && fchmod(fd, (mode_t)mode) < 0)
        rc = -errno;
    if (rc == 0 && rename(tmp, path) < 0)
        rc = -errno;
    return rc;
}

int
file_replace(const char *path, const void *p, size_t n, unsigned mode)
{
    char tmp[PATH_MAX];
    int fd, rc;

    if (snprintf(tmp, sizeof tmp, "%s.XXXXXX", path) >= (int)sizeof tmp)
        return -ENAMETOOLONG;
    fd = mkostemp(tmp, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    rc = finish(fd, tmp, path, (et_str){p, n}, mode);
    if (rc < 0)
        unlink(tmp);
    close(fd);
    return rc;
}

int
file_check_folder(const char *path)
{
    char folder[PATH_MAX];
    char *slash;

    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
        return -ENAMETOOLONG;
    slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    return access(slash ? folder : ".", W_OK | X_OK) < 0 ? -errno : 0;
}

int
file_check_write(const char *path)
{
    struct stat st;

    if (stat(path, &st) < 0)
        return errno == ENOENT ? file_check_folder(path) : -errno;
    if (S_ISDIR(st.st_mode))
        return -EISDIR;
    return access(path, W_OK) < 0 ? -errno : 0;
}

int
file_open_standard(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}
