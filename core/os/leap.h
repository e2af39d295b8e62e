/* SPDX-License-Identifier: BSD-2-Clause */
/* leap.h - a call that can be left from anywhere below it.
 *
 *     leap_call(&l, fn, arg) --> fn --> ... code that goes wrong
 *          ^                                 |
 *          +------ leap_leave, or a signal handler that makes the kernel
 *                  return to l.pc with l.sp and l.fp (trap_leap)
 *
 * Our own register switch: libc's longjmp refuses to go from one stack to
 * another when it is fortified, and saves what is not needed.  Frames that are
 * left are forgotten: nothing of theirs runs.  A machine that has no switch
 * here (LEAP_KNOWN 0) makes a plain call, which cannot be left. */
#ifndef OS_LEAP_H
#define OS_LEAP_H

#include <stdint.h>

#include "base/check.h"

#if defined(__x86_64__) || defined(__aarch64__)
#define LEAP_KNOWN 1
#else
#define LEAP_KNOWN 0
#endif

/* What leap_call returns if the call was left. */
#define LEAP_LEFT (-1)

/* Where to go on.  Valid from leap_call until it returns; sp is 0 before. */
struct leap {
    uintptr_t sp, fp, pc;
};

/* Call fn(arg): what it returns (not LEAP_LEFT), or LEAP_LEFT. [any] */
int leap_call(struct leap *l, int (*fn)(void *arg), void *arg);
/* Have the leap_call of l, which this thread is below, return LEAP_LEFT.
 * [any] */
_Noreturn void leap_leave(const struct leap *l);

#endif
