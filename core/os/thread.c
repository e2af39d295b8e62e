/* SPDX-License-Identifier: BSD-2-Clause */
/* thread.c - what pthread.h lacks; see thread.h. */
#include "os/thread.h"

#include <errno.h>
#include <time.h>

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
