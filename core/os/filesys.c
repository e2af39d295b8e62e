/* SPDX-License-Identifier: BSD-2-Clause */
/* filesys.c - see filesys.h. */
#include "os/filesys.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/check.h"

uint64_t
filesys_look(int fd, int *has_name)
{
    struct statx x;

    *has_name = 0;
    if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_NLINK, &x) < 0)
        return 0;
    *has_name = x.stx_nlink > 0;
    return (uint64_t)x.stx_dev_major << 32 | x.stx_dev_minor;
}

uint64_t
filesys_of(int fd)
{
    int has_name;

    return filesys_look(fd, &has_name);
}

int
filesys_is_local(int fd)
{
    static const uint32_t local[] = {
        EXT4_SUPER_MAGIC,  XFS_SUPER_MAGIC,       BTRFS_SUPER_MAGIC,
        F2FS_SUPER_MAGIC,  OVERLAYFS_SUPER_MAGIC, TMPFS_MAGIC,
        RAMFS_MAGIC,       SQUASHFS_MAGIC,        EROFS_SUPER_MAGIC_V1,
        MSDOS_SUPER_MAGIC, EXFAT_SUPER_MAGIC,     ISOFS_SUPER_MAGIC,
        UDF_SUPER_MAGIC,
    };
    struct statfs s;

    if (fstatfs(fd, &s) < 0)
        return 0;
    for (unsigned i = 0; i < ARRAY_LEN(local); i++) {
        if ((uint32_t)s.f_type == local[i])
            return 1;
    }
    return 0;
}
