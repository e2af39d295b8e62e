/* SPDX-License-Identifier: BSD-2-Clause */
/* landlock.c - see landlock.h. */
#define _GNU_SOURCE /* O_PATH */
#include "os/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined __has_include && __has_include(<linux/landlock.h>)
#include <linux/landlock.h>

/* Of kernels newer than the headers may be. */
#ifndef LANDLOCK_ACCESS_FS_REFER
#define LANDLOCK_ACCESS_FS_REFER (1ull << 13) /* version 2 */
#endif
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ull << 14) /* version 3 */
#endif

#define CHANGE_FILE                                                            \
    (LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define CHANGE_FOLDER                                                          \
    (LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |          \
     LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR |              \
     LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK |              \
     LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |            \
     LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)

int
landlock_abi(void)
{
    long n = syscall(SYS_landlock_create_ruleset, NULL, 0,
                     LANDLOCK_CREATE_RULESET_VERSION);

    return n < 0 ? -errno : (int)n;
}

/* What of these the kernel knows. */
static uint64_t
known(uint64_t access)
{
    int abi = landlock_abi();

    if (abi < 2)
        access &= ~LANDLOCK_ACCESS_FS_REFER;
    if (abi < 3)
        access &= ~LANDLOCK_ACCESS_FS_TRUNCATE;
    return access;
}

int
landlock_new(void)
{
    /* The first field: all that the first version has. */
    uint64_t handled =
        known(CHANGE_FILE | CHANGE_FOLDER | LANDLOCK_ACCESS_FS_EXECUTE);
    long fd;

    if (landlock_abi() < 0)
        return landlock_abi();
    fd = syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
    return fd < 0 ? -errno : (int)fd;
}

static int
allow(int rules, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr a = {.allowed_access = known(access)};
    int rc = 0;

    a.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (a.parent_fd < 0)
        return -errno;
    if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &a,
                0) < 0)
        rc = -errno;
    close(a.parent_fd);
    return rc;
}

int
landlock_allow_folder(int rules, const char *folder)
{
    return allow(rules, folder, CHANGE_FILE | CHANGE_FOLDER);
}

int
landlock_allow_file(int rules, const char *path)
{
    return allow(rules, path, CHANGE_FILE);
}

int
landlock_allow_exec(int rules, const char *folder)
{
    return allow(rules, folder, LANDLOCK_ACCESS_FS_EXECUTE);
}

int
landlock_apply(int rules)
{
    return syscall(SYS_landlock_restrict_self, rules, 0) < 0 ? -errno : 0;
}

#else /* headers of a kernel before 5.13 */

int
landlock_abi(void)
{
    return -ENOSYS;
}

int
landlock_new(void)
{
    return -ENOSYS;
}

int
landlock_allow_folder(int rules, const char *folder)
{
    (void)rules;
    (void)folder;
    return -ENOSYS;
}

int
landlock_allow_file(int rules, const char *path)
{
    return landlock_allow_folder(rules, path);
}

int
landlock_allow_exec(int rules, const char *folder)
{
    return landlock_allow_folder(rules, folder);
}

int
landlock_apply(int rules)
{
    (void)rules;
    return -ENOSYS;
}

#endif
