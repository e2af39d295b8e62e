/* SPDX-License-Identifier: BSD-2-Clause */
/* thread.c - what pthread.h lacks; see thread.h. */
#include "os/thread.h"

#include <errno.h>
#include <time.h>

/* More than a page: a frame that is larger than that may jump over it. */
#define GUARD_BYTES (64u << 10)

int
thread_start(pthread_t *t, size_t stack_bytes, void *(*fn)(void *arg),
             void *arg)
{
    pthread_attr_t a;
    int rc = pthread_attr_init(&a);

    if (rc != 0)
        return -rc;
    rc = pthread_attr_setguardsize(&a, GUARD_BYTES);
    if (rc == 0)
        rc = pthread_attr_setstacksize(&a, stack_bytes + GUARD_BYTES);
    if (rc == 0)
        rc = pthread_create(t, &a, fn, arg);
    pthread_attr_destroy(&a);
    return -rc;
}

int
thread_join(pthread_t t, uint32_t ms)
{
    struct timespec end;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += ms / 1000;
    end.tv_nsec += (long)(ms % 1000) * 1000000;
    if (end.tv_nsec >= 1000000000) {
        end.tv_nsec -= 1000000000;
        end.tv_sec++;
    }
    return pthread_timedjoin_np(t, NULL, &end) == ETIMEDOUT ? -ETIMEDOUT : 0;
}

/* Of this thread; hi 0: not asked yet. */
static _Thread_local struct {
    uintptr_t lo, hi;
} own_stack;

static void
ask_for_stack(void)
{
    pthread_attr_t a;
    void *lo = NULL;
    size_t n = 0;

    own_stack.hi = UINTPTR_MAX; /* if it cannot be told, all of it is */
    if (pthread_getattr_np(pthread_self(), &a) != 0)
        return;
    if (pthread_attr_getstack(&a, &lo, &n) == 0) {
        own_stack.lo = (uintptr_t)lo;
        own_stack.hi = (uintptr_t)lo + n;
    }
    pthread_attr_destroy(&a);
}

int
thread_on_own_stack(void)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    if (own_stack.hi == 0)
        ask_for_stack();
    return here >= own_stack.lo && here < own_stack.hi;
}
