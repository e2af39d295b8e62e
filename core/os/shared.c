/* SPDX-License-Identifier: BSD-2-Clause */
/* shared.c - see shared.h. */
#include "os/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3; older headers */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

#define SEALS (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* Kernels that do not know MFD_NOEXEC_SEAL are asked without. */
static int
new_file(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd < 0 ? -errno : fd;
}

int
shared_new(const char *name, size_t bytes)
{
    int fd = new_file(name), rc;

    if (fd < 0)
        return fd;
    if (ftruncate(fd, (off_t)bytes) == 0 && fcntl(fd, F_ADD_SEALS, SEALS) == 0)
        return fd;
    rc = -errno;
    close(fd);
    return rc;
}

/* What is not sealed could shrink under our feet. */
static int
is_fixed(int fd)
{
    const int wanted = F_SEAL_SHRINK | F_SEAL_GROW;
    const int seals = fcntl(fd, F_GET_SEALS);

    return seals >= 0 && (seals & wanted) == wanted;
}

int
shared_map(int fd, void **p, size_t *bytes)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return -errno;
    if (!is_fixed(fd) || st.st_size <= 0)
        return -EINVAL;
    *bytes = (size_t)st.st_size;
    *p = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE,
              fd, 0);
    return *p == MAP_FAILED ? -errno : 0;
}
