/* SPDX-License-Identifier: BSD-2-Clause */
/* disk.c - a disk that is slow, or full; for LD_PRELOAD.
 *
 * It is pwrite that this happens to, which a server uses for little else than
 * what its plugins write to files.  While there is a file $T_DISK_GATE each
 * call waits; what would be written behind the first $T_DISK_BYTES bytes of a
 * file finds no room. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define TURN_US 2000

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
    const char *gate = getenv("T_DISK_GATE"), *room = getenv("T_DISK_BYTES");

    while (gate && access(gate, F_OK) == 0)
        usleep(TURN_US);
    if (room && at + (off_t)n > (off_t)atoll(room)) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, p, n, at);
}
