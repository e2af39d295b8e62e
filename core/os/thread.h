/* SPDX-License-Identifier: BSD-2-Clause */
/* thread.h - what pthread.h lacks. */
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include <pthread.h>
#include <stdint.h>

#include "base/check.h"

/* Join t, waiting at most ms milliseconds; 0, or -ETIMEDOUT. [any] */
MUST_USE int thread_join(pthread_t t, uint32_t ms);

#endif
