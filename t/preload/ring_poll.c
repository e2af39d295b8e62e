/* SPDX-License-Identifier: BSD-2-Clause */
/* ring_poll.c - for LD_PRELOAD under valgrind: waiting on a ring becomes
 * polling.
 *
 * valgrind runs one thread at a time and does not know that io_uring_enter may
 * sleep: a worker that waits would stop all other threads.  Here an entry that
 * waits becomes entries that do not, with a sleep valgrind knows about between
 * them, until a completion is there.  The instructions of this file are no part
 * of the server; t/bench/instr leaves them out. */
#include <dlfcn.h>
#include <errno.h>
#include <liburing.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#define TURN_NS 200000

static __thread struct io_uring *mine; /* a ring has one thread */

static long
enter_kernel(long n, const long *a)
{
    register long r10 __asm__("r10") = a[3];
    register long r8 __asm__("r8") = a[4];
    register long r9 __asm__("r9") = a[5];
    long rc;

    __asm__ volatile("syscall"
                     : "=a"(rc)
                     : "a"(n), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10),
                       "r"(r8), "r"(r9)
                     : "rcx", "r11", "memory");
    return rc;
}

/* io_uring_enter that waits, with the arguments a. */
static long
enter_and_wait(long *a)
{
    const struct io_uring_getevents_arg *arg = (const void *)a[4];
    const struct timespec *most = (const void *)(uintptr_t)arg->ts;
    const struct timespec turn = {0, TURN_NS};
    long left = most ? most->tv_sec * 1000000000 + most->tv_nsec : LONG_MAX;
    long rc;

    a[2] = 0;
    rc = enter_kernel(SYS_io_uring_enter, a);
    a[1] = 0;
    while (rc >= 0 && io_uring_cq_ready(mine) == 0) {
        if (left <= 0)
            return -ETIME;
        left -= TURN_NS;
        nanosleep(&turn, NULL);
        rc = enter_kernel(SYS_io_uring_enter, a);
    }
    return rc;
}

int
io_uring_queue_init_params(unsigned n, struct io_uring *ring,
                           struct io_uring_params *params)
{
    int (*next)(unsigned, struct io_uring *, struct io_uring_params *);
    int rc;

    *(void **)&next = dlsym(RTLD_NEXT, "io_uring_queue_init_params");
    if (!(next))
        abort();
    rc = next(n, ring, params);
    if (rc == 0)
        mine = ring;
    return rc;
}

long
syscall(long n, ...)
{
    long a[6], rc;
    va_list list;

    va_start(list, n);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(list, long);
    va_end(list);
    rc = n == SYS_io_uring_enter && a[2] > 0 && mine ? enter_and_wait(a)
                                                     : enter_kernel(n, a);
    if (rc >= 0 || rc < -4095)
        return rc;
    errno = (int)-rc;
    return -1;
}
