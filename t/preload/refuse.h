/* SPDX-License-Identifier: BSD-2-Clause */
/* refuse.h - what a test and preload/refuse.c share: a file of this, mapped by
 * both, whose name is in $T_REFUSE.  Zeros: all goes as it would. */
#ifndef T_PRELOAD_REFUSE_H
#define T_PRELOAD_REFUSE_H

#include <stdatomic.h>

enum refuse_call {
    REFUSE_SEND,      /* sendto and sendmsg of a connection */
    REFUSE_RING_SEND, /* the same, of a ring; always EPIPE */
    REFUSE_POLL,      /* epoll_ctl; of a ring, POLL_ADD, always EINVAL */
    REFUSE_FETCH,     /* sendmsg, of who asks another server */
    REFUSE_SOCKET,
    REFUSE_CONNECT,
    REFUSE_RESOLVE, /* getaddrinfo: error is an EAI_* */
    REFUSE_STACKS,  /* mmap of stacks */
    REFUSE_GUARD,   /* mprotect, and before that madvise with EINVAL */
    REFUSE_THREAD,  /* pthread_create */
    REFUSE_PIPE,    /* pipe2 */
    REFUSE_CALLS
};

struct refuse {
    struct {
        _Atomic int good;  /* so many calls are left alone */
        _Atomic int bad;   /* and so many fail after that */
        _Atomic int error; /* with this */
        _Atomic int n;     /* that have failed */
    } of[REFUSE_CALLS];
    _Atomic int is_slow;   /* getaddrinfo waits while it is 1 */
    _Atomic int n_waiting; /* in it */
};

#endif
