/* SPDX-License-Identifier: BSD-2-Clause */
/* fiber.h - a call on a stack of its own, which may stop and go on later.
 *
 *     who enters               the fiber's stack
 *     fiber_enter(f) --------> fn(arg)
 *          1 <---------------- fiber_yield(f)
 *     fiber_enter(f) --------> ... returns
 *          0 <---------------- fn returns
 *
 * Our own register switch, on machines that have none here ucontext's: what a
 * call has to preserve is preserved on either side, rounding and exceptions of
 * floating point included (x87 and SSE control words, FPCR).  Nothing else is:
 * errno, the signal mask and thread-local variables are the thread's, and a
 * fiber never changes its thread.
 *
 * Who enters may be a fiber itself; whom it has entered yields to it.  A
 * backtrace from a fiber ends at its entry.  Exceptions of C++ end there, too:
 * nobody up there catches them.  The stacks are os/stacks.h's or anybody's; the
 * shadow stacks of CET must not be enabled.
 *
 *     WAITS --enter--> RUNS --yield--> WAITS
 *                        +--fn returns--> OVER
 *     WAITS, RUNS --abandon--> OVER */
#ifndef OS_FIBER_H
#define OS_FIBER_H

#include <stddef.h>

#include "base/asan.h"
#include "base/check.h"

/* Defined from outside: ucontext's switch, whatever the machine. */
#ifdef FIBER_UCONTEXT
#define FIBER_OWN_SWITCH 0
#elif defined(__x86_64__) || defined(__aarch64__)
#define FIBER_OWN_SWITCH 1
#else
#define FIBER_OWN_SWITCH 0
#endif

#if !FIBER_OWN_SWITCH
#include <ucontext.h>
#endif

#if defined(__SANITIZE_THREAD__)
#define FIBER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FIBER_TSAN 1
#endif
#endif
#ifndef FIBER_TSAN
#define FIBER_TSAN 0
#endif

/* What a stack has to hold before fn has used any of it. */
#define FIBER_STACK_MIN 1024u

enum fiber_state {
    FIBER_WAITS, /* made, or it has yielded */
    FIBER_RUNS,  /* entered: it, or a fiber that it has entered */
    FIBER_OVER,  /* never to be entered again: its stack is free */
};

/* In the caller's memory, which stays where it is until the fiber is over. */
struct fiber {
    enum fiber_state state;
    void (*fn)(void *arg);
    void *arg;
    char *stack; /* its lowest address */
    size_t bytes;
#if FIBER_OWN_SWITCH
    void *sp; /* of the side that does not run: its registers lie there */
#else
    ucontext_t self, outer;
#endif
#if ASAN_ON
    void *self_fake, *outer_fake; /* the sanitizer's second stacks */
    const void *outer_stack;
    size_t outer_bytes;
#endif
#if FIBER_TSAN
    void *self_tsan, *outer_tsan;
#endif
};

/* Have fn(arg) begin on the bytes from stack on at the first fiber_enter; no
 * code runs yet.  f and the stack are kept until it is over.  It begins with
 * the caller's control words of floating point. [worker] */
void fiber_make(struct fiber *f, void *stack, size_t bytes,
                void (*fn)(void *arg), void *arg);
/* Run f, which waits, on the thread that made it.  1: it has yielded; 0: fn has
 * returned, and f is over. [worker] */
MUST_USE int fiber_enter(struct fiber *f);
/* Go back to who has entered f, on whose stack this is called; returns when f
 * is entered again. [worker] */
void fiber_yield(struct fiber *f);
/* f is over though fn has not returned: its frames are forgotten, nothing of
 * theirs runs.  Either it waits; or it runs and was left for the stack of who
 * entered it, by os/leap.h: then this is the first that is done there.
 * [worker] */
void fiber_abandon(struct fiber *f);

#endif
