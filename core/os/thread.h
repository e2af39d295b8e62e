/* SPDX-License-Identifier: BSD-2-Clause */
/* thread.h - what pthread.h lacks. */
#ifndef OS_THREAD_H
#define OS_THREAD_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

/* Run fn(arg) in a thread with a stack of that many bytes, below which nothing
 * is mapped for a while: what overflows it faults there.  0 or -errno. [any] */
MUST_USE int thread_start(pthread_t *t, size_t stack_bytes,
                          void *(*fn)(void *arg), void *arg);
/* Join t, waiting at most ms milliseconds; 0, or -ETIMEDOUT. [any] */
MUST_USE int thread_join(pthread_t t, uint32_t ms);
/* Whether the caller runs on its thread's own stack, not on a fiber's, which
 * may be small. [any] */
int thread_on_own_stack(void);

#endif
