/* SPDX-License-Identifier: BSD-2-Clause */
/* memfd.c - see memfd.h. */
#include "os/memfd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/file.h"

#ifndef MFD_EXEC /* Linux 6.3; older headers */
#define MFD_EXEC 0x0010U
#endif

#define PRIVATE_PREFIX ".etude-"
#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL)

/* MFD_EXEC says outright what the copy is for; kernels that do not know it
 * (EINVAL) or forbid it (EACCES) are asked without. */
int
memfd_open(const char *name)
{
    const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    char label[200];
    int fd;

    snprintf(label, sizeof label, "%s", name);
    fd = memfd_create(label, flags | MFD_EXEC);
    if (fd < 0 && (errno == EINVAL || errno == EACCES))
        fd = memfd_create(label, flags);
    return fd < 0 ? -errno : fd;
}

int
memfd_finish(int fd, int rc)
{
    if (rc == 0 && fcntl(fd, F_ADD_SEALS, SEALS) < 0)
        rc = -errno;
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
}

int
memfd_new(const char *name, const void *p, size_t n)
{
    int fd = memfd_open(name);

    return fd < 0 ? fd : memfd_finish(fd, file_write_fd(fd, p, n));
}

int
memfd_may_exec(int fd)
{
    void *p = mmap(NULL, 1, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);

    if (p == MAP_FAILED)
        return -errno;
    munmap(p, 1);
    return 0;
}

/* Open path again for reading and lock it.  -ESTALE if a sweep got between. */
static int
reopen_locked(const char *path)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW), rc = 0;

    if (fd < 0)
        return -errno;
    if (flock(fd, LOCK_SH | LOCK_NB) < 0 || fstat(fd, &st) < 0)
        rc = -errno;
    else if (st.st_nlink == 0)
        rc = -ESTALE;
    if (rc == 0)
        return fd;
    close(fd);
    return rc;
}

/* Fill the new file behind fd and take its write permissions away. */
static int
fill(int fd, const void *p, size_t n)
{
    int rc = file_write_fd(fd, p, n);

    if (rc == 0 && fchmod(fd, 0500) < 0)
        rc = -errno;
    return rc;
}

int
memfd_file_new(const char *dir, const char *name, const void *p, size_t n,
               char path[PATH_MAX])
{
    int len =
        snprintf(path, PATH_MAX, "%s/" PRIVATE_PREFIX "XXXXXX-%s", dir, name);
    int fd, rc;

    if (len < 0 || len >= PATH_MAX)
        return -ENAMETOOLONG;
    fd = mkostemps(path, (int)strlen(name) + 1, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    rc = fill(fd, p, n);
    close(fd);
    if (rc == 0)
        rc = reopen_locked(path);
    if (rc < 0)
        unlink(path);
    return rc;
}

/* Whether no process holds the private file: nobody has it locked. */
static int
is_left_behind(int dir_fd, const char *name)
{
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int is_free;

    if (fd < 0)
        return 0;
    is_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
    close(fd);
    return is_free;
}

int
memfd_file_sweep(const char *dir)
{
    DIR *folder = opendir(dir);
    struct dirent *e;
    int n = 0;

    if (folder == NULL)
        return -errno;
    while ((e = readdir(folder)) != NULL) {
        int is_private =
            strncmp(e->d_name, PRIVATE_PREFIX, sizeof PRIVATE_PREFIX - 1) == 0;

        if (is_private && is_left_behind(dirfd(folder), e->d_name) &&
            unlinkat(dirfd(folder), e->d_name, 0) == 0)
            n++;
    }
    closedir(folder);
    return n;
}
