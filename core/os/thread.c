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
