/* SPDX-License-Identifier: BSD-2-Clause */
/* slowfs.h - a file system whose files take their time to be opened and read.
 *
 * FUSE, spoken by threads of the test's own process.  It holds "small" (100
 * bytes), "large" (SLOWFS_LARGE) and "huge" (SLOWFS_HUGE), byte i of each is
 * 'a' + i % 23.  What was
 * read once is in the page cache, and names and attributes are for a minute, as
 * with any other file system; each open and each read that reaches it takes as
 * long as was asked for, and who opens, reads or closes a file can be kept
 * waiting. */
#ifndef T_LIB_SLOWFS_H
#define T_LIB_SLOWFS_H

#include <pthread.h>
#include <stdatomic.h>

#define SLOWFS_LARGE 300000
#define SLOWFS_HUGE ((8u << 20) + 5000)
/* More than the reads that a file is read ahead by: others are answered. */
#define SLOWFS_THREADS 8

struct slowfs {
    char dir[64];
    int fd;
    /* May be changed meanwhile: */
    _Atomic unsigned ms;
    _Atomic int is_shut;    /* what is opened is so when it is so no more */
    _Atomic int is_held;    /* what is read comes when it is so no more */
    _Atomic int n_let;      /* though it is: so many reads */
    _Atomic int keeps_none; /* what is opened is never in the page cache */
    _Atomic int keeps_all;  /* ... or stays there: no open waits for a read */
    _Atomic int keeps;      /* what is closed is so when it is so no more */
    _Atomic int refuses;    /* an errno: nothing can be opened */
    _Atomic int n_opening, n_reading, n_closing; /* that wait for it */
    _Atomic int n_read;                          /* reads that were answered */
    pthread_t threads[SLOWFS_THREADS];
};

/* Mount one at a new folder of /tmp, s->dir, for this process and those that it
 * starts from now on: 1; 0, and why is printed: it cannot be done here (no
 * /dev/fuse, not root). */
int slowfs_mount(struct slowfs *s, unsigned ms);
/* Nobody uses it any more. */
void slowfs_unmount(struct slowfs *s);

#endif
