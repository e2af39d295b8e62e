/* SPDX-License-Identifier: BSD-2-Clause */
/* refuse.c - a kernel, or a C library, that refuses what the test wants it to
 * (refuse.h), for LD_PRELOAD.
 *
 * The server's sends, and those of its ring, are calls of syscall(2), so that
 * is where they are caught.  In a ring the entry is made one that fails: a send
 * goes to a socket whose other end is closed, a poll is malformed. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <netdb.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "t/preload/refuse.h"
#include "t/preload/share.h"

#define TURN_US 2000

static struct refuse *shared;          /* NULL: nobody refuses anything */
static int dead = -1;                  /* a socket that nobody reads from */
static __thread struct io_uring *mine; /* a ring has one thread */

#define NEXT(fn) __typeof__(&fn) next = (__typeof__(&fn))dlsym(RTLD_NEXT, #fn)

static __attribute__((constructor)) void
begin(void)
{
    struct refuse *p = share_map("T_REFUSE", sizeof *shared);
    int pair[2];

    if (!p)
        return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        abort();
    dead = pair[0];
    close(pair[1]);
    shared = p;
}

/* Is this call to fail?  Then errno says why. */
static int
refuses(enum refuse_call call)
{
    if (!shared || atomic_load(&shared->of[call].bad) <= 0)
        return 0;
    if (atomic_fetch_sub(&shared->of[call].good, 1) > 0)
        return 0;
    if (atomic_fetch_sub(&shared->of[call].bad, 1) <= 0)
        return 0;
    atomic_fetch_add(&shared->of[call].n, 1);
    errno = atomic_load(&shared->of[call].error);
    return 1;
}

/* ---- rings ---------------------------------------------------------------*/

int
io_uring_queue_init_params(unsigned n, struct io_uring *ring,
                           struct io_uring_params *params)
{
    NEXT(io_uring_queue_init_params);
    int rc = next(n, ring, params);

    if (rc == 0)
        mine = ring;
    return rc;
}

static void
refuse_entry(struct io_uring_sqe *sqe)
{
    switch (sqe->opcode) {
    case IORING_OP_SEND:
    case IORING_OP_SENDMSG:
        if (refuses(REFUSE_RING_SEND))
            sqe->fd = dead;
        break;
    case IORING_OP_POLL_ADD:
        if (refuses(REFUSE_POLL))
            sqe->off = 1;
        break;
    default: break;
    }
}

static void
refuse_entries(unsigned n)
{
    const struct io_uring_sq *sq = &mine->sq;
    unsigned mask = *sq->kring_mask, at = *sq->khead;

    for (; n > 0; n--, at++)
        refuse_entry(&sq->sqes[sq->array ? sq->array[at & mask] : at & mask]);
}

/* ---- system calls --------------------------------------------------------*/

long
syscall(long n, ...)
{
    long a[6];
    va_list ap;
    NEXT(syscall);

    va_start(ap, n);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(ap, long);
    va_end(ap);
    if ((n == SYS_sendto || n == SYS_sendmsg) && refuses(REFUSE_SEND))
        return -1;
    if (n == SYS_io_uring_enter && shared && mine)
        refuse_entries((unsigned)a[1]);
    return next(n, a[0], a[1], a[2], a[3], a[4], a[5]);
}

int
epoll_ctl(int epfd, int op, int fd, struct epoll_event *event)
{
    NEXT(epoll_ctl);

    return op != EPOLL_CTL_DEL && refuses(REFUSE_POLL)
               ? -1
               : next(epfd, op, fd, event);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
    NEXT(sendmsg);

    return refuses(REFUSE_FETCH) ? -1 : next(fd, m, flags);
}

int
socket(int domain, int type, int protocol)
{
    NEXT(socket);

    return refuses(REFUSE_SOCKET) ? -1 : next(domain, type, protocol);
}

int
connect(int fd, const struct sockaddr *to, socklen_t len)
{
    NEXT(connect);

    return refuses(REFUSE_CONNECT) ? -1 : next(fd, to, len);
}

int
pipe2(int fds[2], int flags)
{
    NEXT(pipe2);

    return refuses(REFUSE_PIPE) ? -1 : next(fds, flags);
}

void *
mmap(void *p, size_t n, int protection, int flags, int fd, off_t at)
{
    NEXT(mmap);

    return flags & MAP_STACK && refuses(REFUSE_STACKS)
               ? MAP_FAILED
               : next(p, n, protection, flags, fd, at);
}

int
madvise(void *p, size_t n, int advice)
{
    NEXT(madvise);

    if (advice == 102 && shared && /* MADV_GUARD_INSTALL */
        atomic_load(&shared->of[REFUSE_GUARD].bad) > 0) {
        errno = EINVAL;
        return -1;
    }
    return next(p, n, advice);
}

int
mprotect(void *p, size_t n, int protection)
{
    NEXT(mprotect);

    return protection == PROT_NONE && refuses(REFUSE_GUARD)
               ? -1
               : next(p, n, protection);
}

/* ---- the C library -------------------------------------------------------*/

int
pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*fn)(void *),
               void *arg)
{
    NEXT(pthread_create);

    return refuses(REFUSE_THREAD) ? errno : next(t, attr, fn, arg);
}

int
getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
            struct addrinfo **list)
{
    NEXT(getaddrinfo);

    if (hints && hints->ai_flags & AI_NUMERICHOST)
        return next(host, service, hints, list); /* nobody is asked */
    if (shared && atomic_load(&shared->is_slow)) {
        atomic_fetch_add(&shared->n_waiting, 1);
        while (atomic_load(&shared->is_slow))
            usleep(TURN_US);
        atomic_fetch_sub(&shared->n_waiting, 1);
    }
    return refuses(REFUSE_RESOLVE) ? errno : next(host, service, hints, list);
}
