/* SPDX-License-Identifier: BSD-2-Clause */
/* spool.c - see spool.h.
 *
 * A file with a temporary name and its sweeper agree by flock: who writes holds
 * the lock until the file is closed, who sweeps removes what it could lock.  If
 * the sweeper comes between the making of the file and its lock, the writer
 * finds it locked, or without a name, and makes another one. */
#define _GNU_SOURCE /* O_TMPFILE, renameat2 */
#include "spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX ".upload-"
#define TEMP_LEN (sizeof PREFIX - 1 + 16)
#define MODE 0640
#define TRIES 16 /* temporary names: of 2^64, so one is enough */

struct spool {
    const struct spool_folder *folder;
    int dir, fd;
    char temp[TEMP_LEN + 1]; /* "": it has no name */
    int64_t bytes;
    EVP_MD_CTX *hash;
};

/* ---- temporary names -----------------------------------------------------*/

static int
make_name(char temp[TEMP_LEN + 1])
{
    uint64_t n;
    if (getrandom(&n, sizeof n, 0) != sizeof n)
        return errno;
    snprintf(temp, TEMP_LEN + 1, PREFIX "%016llx", (unsigned long long)n);
    return 0;
}

static int
is_temp(const char *name)
{
    const size_t prefix = sizeof PREFIX - 1;
    return strlen(name) == TEMP_LEN && strncmp(name, PREFIX, prefix) == 0 &&
           strspn(name + prefix, "0123456789abcdef") == 16;
}

/* Where the file system has no locks nobody can sweep. */
static int
is_mine(int fd)
{
    struct stat st;
    if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
        return 0;
    return fstat(fd, &st) == 0 && st.st_nlink > 0;
}

/* ---- to begin ------------------------------------------------------------*/

static int
open_named(struct spool *s)
{
    int i, rc;
    for (i = 0; i < TRIES; i++) {
        rc = make_name(s->temp);
        if (rc == 0) {
            s->fd = openat(s->dir, s->temp,
                           O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                           MODE);
            rc = s->fd < 0 ? errno : 0;
        }
        if (rc == 0 && is_mine(s->fd))
            return 0;
        if (s->fd >= 0) {
            (void)unlinkat(s->dir, s->temp, 0);
            close(s->fd);
            s->fd = -1;
        }
        s->temp[0] = 0;
        if (rc != 0 && rc != EEXIST)
            return rc;
    }
    return EAGAIN;
}

static int
open_file(struct spool *s)
{
    if (s->folder->is_named)
        return open_named(s);
    s->fd = openat(s->dir, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, MODE);
    if (s->fd >= 0)
        return 0;
    /* Not on this file system; the second is an old kernel's word for it. */
    if (errno == EOPNOTSUPP || errno == EISDIR)
        return open_named(s);
    return errno;
}

static int
begin_hash(struct spool *s)
{
    s->hash = EVP_MD_CTX_new();
    return s->hash && EVP_DigestInit_ex(s->hash, s->folder->sha256, NULL)
               ? 0
               : ENOMEM;
}

int
spool_open(struct spool **to, const struct spool_folder *f)
{
    struct spool *s = (struct spool *)calloc(1, sizeof *s);
    int rc;
    *to = NULL;
    if (!s)
        return ENOMEM;
    s->folder = f;
    s->fd = -1;
    s->dir = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = s->dir < 0 ? errno : open_file(s);
    if (rc == 0)
        rc = begin_hash(s);
    if (rc == 0)
        *to = s;
    else
        spool_close(s);
    return rc;
}

/* ---- to go on ------------------------------------------------------------*/

int
spool_write(struct spool *s, const void *p, size_t n)
{
    const char *from = (const char *)p;
    if (!EVP_DigestUpdate(s->hash, p, n))
        return EIO;
    while (n > 0) {
        const ssize_t k = pwrite(s->fd, from, n, (off_t)s->bytes);
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0)
            return k < 0 ? errno : EIO;
        from += k;
        n -= (size_t)k;
        s->bytes += k;
    }
    return 0;
}

int
spool_digest(struct spool *s, unsigned char sha256[DIGEST_BYTES])
{
    return EVP_DigestFinal_ex(s->hash, sha256, NULL) ? 0 : EIO;
}

int
spool_is_taken(const struct spool *s, const char *name)
{
    struct stat st;
    return fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int
spool_is_there(const struct spool *s, const char *name)
{
    struct stat st;
    return fstatat(s->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISREG(st.st_mode) && st.st_size == s->bytes;
}

/* ---- to keep -------------------------------------------------------------*/

/* A name for what has none.  By way of /proc: the other one, AT_EMPTY_PATH, is
 * for root. */
static int
link_unnamed(const struct spool *s, const char *name)
{
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", s->fd);
    return linkat(AT_FDCWD, path, s->dir, name, AT_SYMLINK_FOLLOW) < 0 ? errno
                                                                       : 0;
}

static int
put_new(struct spool *s, const char *name)
{
    if (!s->temp[0])
        return link_unnamed(s, name);
    if (renameat2(s->dir, s->temp, s->dir, name, RENAME_NOREPLACE) == 0) {
        s->temp[0] = 0;
        return 0;
    }
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    /* A file system without it: there the second name is the way. */
    return linkat(s->dir, s->temp, s->dir, name, 0) < 0 ? errno : 0;
}

static int
name_it(struct spool *s)
{
    char temp[TEMP_LEN + 1];
    int i, rc = EEXIST;
    (void)flock(s->fd, LOCK_EX | LOCK_NB); /* before anybody can see it */
    for (i = 0; i < TRIES && rc == EEXIST; i++) {
        rc = make_name(temp);
        if (rc == 0)
            rc = link_unnamed(s, temp);
    }
    if (rc == 0)
        memcpy(s->temp, temp, sizeof temp);
    return rc;
}

static int
put_over(struct spool *s, const char *name)
{
    int rc = s->temp[0] ? 0 : name_it(s);
    if (rc == 0 && renameat(s->dir, s->temp, s->dir, name) < 0)
        rc = errno;
    if (rc == 0)
        s->temp[0] = 0;
    return rc == EISDIR ? EEXIST : rc;
}

int
spool_keep(struct spool *s, const char *name, int replaces)
{
    const int is_synced = s->folder->is_synced;
    int rc = is_synced && fsync(s->fd) < 0 ? errno : 0;
    if (rc == 0)
        rc = replaces ? put_over(s, name) : put_new(s, name);
    /* Of EEXIST, too: what is there may be a moment old. */
    if ((rc == 0 || rc == EEXIST) && is_synced && fsync(s->dir) < 0)
        rc = errno;
    return rc;
}

void
spool_close(struct spool *s)
{
    if (!s)
        return;
    if (s->temp[0])
        (void)unlinkat(s->dir, s->temp, 0);
    if (s->fd >= 0)
        close(s->fd);
    if (s->dir >= 0)
        close(s->dir);
    EVP_MD_CTX_free(s->hash);
    free(s);
}

/* ---- what crashes have left ----------------------------------------------*/

static int
sweep_one(int dir, const char *name)
{
    const int fd =
        openat(dir, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat st;
    int is_gone = 0;
    if (fd < 0)
        return 0;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        flock(fd, LOCK_EX | LOCK_NB) == 0)
        is_gone = unlinkat(dir, name, 0) == 0;
    close(fd);
    return is_gone;
}

int
spool_sweep(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;
    int n = 0;
    if (!dir)
        return -errno;
    while ((entry = readdir(dir)) != NULL)
        if (is_temp(entry->d_name))
            n += sweep_one(dirfd(dir), entry->d_name);
    closedir(dir);
    return n;
}
