/* SPDX-License-Identifier: BSD-2-Clause */
/* guard.h - calls into plugins, and what becomes of them when they go wrong.
 *
 *     guard_walk, guard_run -> the plugin's code --ends--> 0
 *                                   |
 *               a fault in its own code, or in a string function it called
 *                                   +--recovered--> LEAP_LEFT
 *               any other fault     +--> the thread waits for ever ("lost"),
 *                                        and the process is to end
 *
 * Each thread has one guard: the breadcrumb (which callback of whom runs, since
 * which turn) and where to leave to.  Whoever wants to know what a thread is at
 * reads the breadcrumb: the signal handler of that thread, and the watchdog.
 *
 * A fault is recovered when the kernel raised it for an instruction, this
 * thread is in a guarded call, and that instruction is in the text of a
 * plugin's image - or in one of libc's string functions (a list) that take no
 * lock and no memory, called by such text or by one another.  The frames in
 * between are forgotten: locks the plugin held stay held, what it allocated
 * stays so.  Everything else in a guarded call may have left the heap or the
 * loader in the middle of something: nobody must go on there.  A fault outside
 * of any guarded call ends the process at once.
 *
 * Not here: the report (serve/blame.h), and what follows of it. */
#ifndef PLUG_GUARD_H
#define PLUG_GUARD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/check.h"
#include "os/leap.h"

#define GUARD_FRAMES 32
#define GUARD_THREADS_MAX 4096u
#define GUARD_WHY_LEN 200

struct image;

/* clang-format off */
#define GUARD_CALLS(X)                                                         \
    X(STEPS,    "steps")         /* of a request: subject is that */           \
    X(LOG,      "log steps")                                                   \
    X(RELEASE,  "release of a body")                                           \
    X(MAP,      "constructors")  /* never recovered: the loader's locks */     \
    X(UNMAP,    "destructors")   /* nor these */                               \
    X(LOAD,     "load")                                                        \
    X(UNLOAD,   "unload")                                                      \
    X(CHECK,    "check of its options")                                        \
    X(OPEN,     "open")                                                        \
    X(CLOSE,    "close")                                                       \
    X(INIT,     "worker init")                                                 \
    X(EXIT,     "worker exit")                                                 \
    X(SAVE,     "save of its state")                                           \
    X(TAKE,     "load of its state")                                           \
    X(COMMAND,  "command")                                                     \
    X(JOB,      "job")           /* on a thread of the pool */                 \
    X(TIMER,    "timer")                                                       \
    X(WATCH,    "wait for a descriptor")                                       \
    X(POST,     "post")                                                        \
    X(MESSAGE,  "message of a channel")                              \
    X(STREAM,   "WebSocket callback")
/* clang-format on */

enum guard_call {
    GUARD_NONE, /* in none: the thread is in code of ours */
#define X(name, text) GUARD_##name,
    GUARD_CALLS(X)
#undef X
};

/* Whose callback it is.  All of it outlives the call. */
struct guard_who {
    enum guard_call call;
    const struct image *image;
    const char *name;    /* of the instance, or the image's path */
    const void *subject; /* GUARD_STEPS, GUARD_LOG: the request; stays, for
                            guard_lose, until guard_clear */
};

enum guard_result {
    GUARD_RECOVERED, /* the call is left */
    GUARD_LOST,      /* the thread goes on no more, the process is to end */
    GUARD_FATAL,     /* the process ends at once */
    GUARD_SLOW,      /* no fault: it holds its thread for long */
};

enum guard_policy { GUARD_RECOVER, GUARD_RESTART, GUARD_ABORT };

/* How long a call has taken, as the watchdog has measured it. */
struct guard_times {
    uint64_t wall_us, cpu_us;
    uint64_t waited_us; /* for a CPU */
};

/* What a thread is at. */
struct guard {
    struct leap leap;      /* where to leave to */
    _Atomic uint32_t call; /* enum guard_call */
    _Atomic uint32_t turn; /* another one with each call */
    struct guard_who who;  /* of the call; image, name: not of GUARD_STEPS */
    struct leap probe;     /* in the handler: where its own faults lead */
    /* the thread */
    char name[16];
    pid_t tid;
    pthread_t thread;
    void *stack; /* of the handler */
    _Atomic int is_lost;
    /* what guard_ask is to find out */
    _Atomic int asked; /* enum guard_question */
    struct guard_times times;
    /* the last fault that was recovered here */
    char why[GUARD_WHY_LEN];
};

/* What a handler has found; valid while it runs. */
struct guard_fault {
    const struct guard *guard; /* of the thread; call GUARD_NONE: in none */
    enum guard_result result;
    int signo, code; /* signo 0: no signal, but what `what` says */
    const char *what;
    pid_t sender; /* 0: the kernel */
    uintptr_t address, pc;
    const uintptr_t *frames; /* innermost first */
    size_t n_frames;
};

/* What is done about it, all of it [signal-safe]. */
struct guard_hooks {
    /* Write it down, in parts (guard_probe); cut short if it faults itself. */
    void (*report)(const struct guard_fault *f);
    /* After that: tell who is to know. */
    void (*reported)(const struct guard_fault *f);
    /* After the report of GUARD_LOST: have others end the process.  Returns, or
     * ends it itself. */
    void (*lost)(const struct guard_fault *f);
    /* NULL, or called before GUARD_RECOVERED goes on: true if this is a copy
     * of the process that is to die of the fault. */
    int (*recovers)(const struct guard_fault *f);
};

extern _Thread_local struct guard guard_here;

/* Take the signals, and exit() too, from now on; hooks is kept.  Does nothing
 * in a build with sanitizers, which report themselves.  0 or -errno.
 * [control] */
MUST_USE int guard_install(const struct guard_hooks *hooks);
/* What becomes of faults from now on; GUARD_RECOVER at first. [any] */
void guard_set_policy(enum guard_policy policy);
/* The calling thread, called name (15 bytes of it), runs plugins' code until
 * guard_detach: it is given a stack for the handler, and is lost if it ends
 * before that.  0 or -errno. [any] */
MUST_USE int guard_attach(const char *name);
void guard_detach(void);
/* The i-th thread that is attached, or NULL: more may follow up to guard_count.
 * Its memory is the thread's: only while that is known to live. [any] */
struct guard *guard_nth(uint32_t i);
uint32_t guard_count(void);

/* Have fn(arg) call into who's code.  0; or LEAP_LEFT: it was left at a fault,
 * and guard_why says which.  May be nested. [any] */
MUST_USE int guard_run(const struct guard_who *who, int (*fn)(void *arg),
                       void *arg);
/* "crashed in its open: SIGSEGV (nothing is mapped there) at 0x0 in ...": of
 * the last call on this thread that was left. [any] */
const char *guard_why(void);
/* "worker init" of GUARD_INIT; "" of GUARD_NONE. [signal-safe] */
const char *guard_call_name(enum guard_call call);

/* guard_run for the path of requests: never within another call. [worker] */
static inline int
guard_walk(enum guard_call call, const void *subject, int (*fn)(void *arg),
           void *arg)
{
    struct guard *g = &guard_here;
    int rc;

    g->who.subject = subject;
    atomic_store_explicit(
        &g->turn, atomic_load_explicit(&g->turn, memory_order_relaxed) + 1,
        memory_order_relaxed);
    atomic_store_explicit(&g->call, call, memory_order_relaxed);
    rc = leap_call(&g->leap, fn, arg);
    atomic_store_explicit(&g->call, GUARD_NONE, memory_order_relaxed);
    return rc;
}

/* The call this thread is in is left as after a fault, but nothing is reported;
 * why is what guard_why says.  Within a call only. [any] */
_Noreturn void guard_leave(const char *why);

/* For hooks: fn(arg) reads what may be broken, and a fault in it ends it alone.
 * [signal-safe] */
void guard_probe(int (*fn)(void *arg), void *arg);

/* This thread cannot go on, for that reason (63 bytes of it): it is lost.  Who
 * ran last on it is suspected. [any] */
_Noreturn void guard_lose(const char *what);
/* The process cannot go on, for that reason: as if a thread were lost, but this
 * one goes on. [any] */
void guard_give_up(const char *what);
/* Who ran so far is not suspected: it is too long ago, or what they belonged to
 * goes. [worker] */
static inline void
guard_clear(void)
{
    guard_here.who.subject = NULL;
}

/* Have the thread of g report where it is (GUARD_SLOW), or be lost, if it is in
 * a call still; g->times is the caller's to set.  It is interrupted: a call of
 * the system that it waits in may end early. [any] */
enum guard_question { GUARD_NOTHING, GUARD_WHERE, GUARD_GIVE_UP };
void guard_ask(struct guard *g, enum guard_question question);
/* Report GUARD_SLOW of the thread of g from another one, which does not
 * interrupt it: it waits with its stack at sp.  Nothing is reported if it is
 * not in the call of this turn any more. [any] */
void guard_tell(struct guard *g, uint32_t turn, uintptr_t pc, uintptr_t sp);

#endif
