/* SPDX-License-Identifier: BSD-2-Clause */
/* trap.h - the signals by which a program is told that it went wrong.
 *
 * SEGV, BUS, ILL, FPE, TRAP and SYS come from the instruction that failed, ABRT
 * from abort().  One handler takes them all, on a stack of its own where the
 * thread has one (trap_stack_open): a thread whose stack is used up could not
 * be told otherwise.  The handler may be entered again while it runs: by its
 * own faults.  What it looks up here is safe within it. */
#ifndef OS_TRAP_H
#define OS_TRAP_H

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "os/leap.h"

#define TRAP_STACK_BYTES (128u << 10)

typedef void trap_fn(int signo, siginfo_t *si, void *context);

/* Have fn called for all of them; 0 or -errno.  Threads' masks are theirs.
 * [control] */
MUST_USE int trap_install(trap_fn *fn);
/* The same for one signal that is sent to threads to ask them something; calls
 * it interrupts go on where the kernel can have them do so. [control] */
MUST_USE int trap_install_query(int signo, trap_fn *fn);
/* Let go of the signals: whatever they did before they were installed is not
 * brought back, but their default. [control] */
void trap_uninstall(void);

/* A stack for the handler when it runs on the calling thread, and its end, when
 * the thread ends; 0 or -errno. [any] */
MUST_USE int trap_stack_open(void **stack);
void trap_stack_close(void *stack);

/* Of the context that a handler was given: where it was, and on which stack.
 * [signal-safe] */
uintptr_t trap_pc(const void *context);
uintptr_t trap_sp(const void *context);
/* Have the handler's return lead to where l says, with LEAP_LEFT; false if this
 * machine cannot. [signal-safe] */
MUST_USE int trap_leap(void *context, const struct leap *l);
/* Whether the kernel raised it for the very instruction. [signal-safe] */
int trap_is_synchronous(int signo, const siginfo_t *si);
/* Give signo its default action and send it to this process; returns only if it
 * is one that cannot kill. [signal-safe] */
void trap_die(int signo);

/* "SIGSEGV"; "signal 63" is "signal". [signal-safe] */
const char *trap_name(int signo);
/* What si_code says of it in words ("nothing is mapped there"), or "".
 * [signal-safe] */
const char *trap_reason(int signo, int code);

#endif
