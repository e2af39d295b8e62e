/* SPDX-License-Identifier: BSD-2-Clause */
/* guard.c - see guard.h. */
#include "plug/guard.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <wchar.h>

#include "base/asan.h"
#include "os/backtrace.h"
#include "os/trap.h"
#include "plug/text.h"

#if defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#else
#define IS_SANITIZED ASAN_ON
#endif

/* How many threads may call exit() until the process has ended. */
#define EXITS 16

/* Nobody sends it, and the kernel does not either. */
#define QUERY_SIGNAL SIGSTKFLT

_Thread_local struct guard guard_here;

static const struct guard_hooks *hooks;
static _Atomic int policy = GUARD_RECOVER;
static pid_t process;

static struct guard *_Atomic threads[GUARD_THREADS_MAX];
static _Atomic uint32_t n_threads;

const char *
guard_call_name(enum guard_call call)
{
    static const char *const names[] = {"",
#define X(name, text) text,
                                        GUARD_CALLS(X)
#undef X
    };

    return call < ARRAY_LEN(names) ? names[call] : "";
}

/* ---- calls ---------------------------------------------------------------*/

int
guard_run(const struct guard_who *who, int (*fn)(void *arg), void *arg)
{
    struct guard *g = &guard_here;
    struct guard_who before = g->who;
    struct leap leap = g->leap;
    uint32_t call = atomic_load_explicit(&g->call, memory_order_relaxed);
    int rc;

    g->who = *who;
    rc = guard_walk(who->call, who->subject, fn, arg);
    g->who = before;
    g->leap = leap;
    atomic_store_explicit(&g->call, call, memory_order_relaxed);
    return rc;
}

const char *
guard_why(void)
{
    return guard_here.why;
}

void
guard_leave(const char *why)
{
    struct guard *g = &guard_here;

    CHECK(LEAP_KNOWN && g->call != GUARD_NONE);
    snprintf(g->why, sizeof g->why, "%s", why);
    leap_leave(&g->leap);
}

/* ---- whose fault it is ---------------------------------------------------*/

typedef void any_fn(void);
#define LEAF(f) (any_fn *)(f)

/* Of libc: they read and write what they are given and no more, by themselves
 * or by another one of these.  Those of a locale stand in for what they are
 * called without one: that jumps there. */
static any_fn *const leaf_functions[] = {
    LEAF(memcpy),       LEAF(memmove),     LEAF(mempcpy),
    LEAF(memset),       LEAF(memcmp),      LEAF(memchr),
    LEAF(memrchr),      LEAF(rawmemchr),   LEAF(memmem),
    LEAF(memccpy),      LEAF(strlen),      LEAF(strnlen),
    LEAF(strcpy),       LEAF(strncpy),     LEAF(stpcpy),
    LEAF(stpncpy),      LEAF(strcat),      LEAF(strncat),
    LEAF(strcmp),       LEAF(strncmp),     LEAF(strcasecmp),
    LEAF(strcasecmp_l), LEAF(strncasecmp), LEAF(strncasecmp_l),
    LEAF(strchr),       LEAF(strchrnul),   LEAF(strrchr),
    LEAF(strspn),       LEAF(strcspn),     LEAF(strpbrk),
    LEAF(strstr),       LEAF(strcasestr),  LEAF(strsep),
    LEAF(strtok_r),     LEAF(wcslen),      LEAF(wmemset),
    LEAF(wmemcpy),      LEAF(wmemchr),
};

static int
is_leaf(uintptr_t pc)
{
    uintptr_t start = backtrace_function(pc);

    for (size_t i = 0; i < ARRAY_LEN(leaf_functions) && start; i++) {
        if ((uintptr_t)leaf_functions[i] == start)
            return 1;
    }
    return 0;
}

static int
is_of_plugin(const struct guard_fault *f)
{
    uintptr_t pc = f->pc;
    size_t i = 0;

    while (!text_find(pc)) {
        if (!is_leaf(pc) || ++i >= f->n_frames)
            return 0;
        pc = f->frames[i] - 1; /* an address to return to */
    }
    return 1;
}

/* ---- the handler ---------------------------------------------------------*/

void
guard_probe(int (*fn)(void *arg), void *arg)
{
    struct guard *g = &guard_here;
    struct leap before = g->probe;

    (void)leap_call(&g->probe, fn, arg);
    g->probe = before;
}

struct look {
    struct guard_fault *f;
    uintptr_t sp;
    uintptr_t *frames;
    int is_of_plugin;
};

static int
take_frames(void *arg)
{
    struct look *l = arg;
    const struct guard *g = l->f->guard;

    l->f->n_frames = backtrace_take(l->f->pc, g->call ? g->leap.sp : 0,
                                    l->frames, GUARD_FRAMES);
    return 0;
}

/* A jump to nowhere leaves on the stack where it came from. */
static int
take_caller(void *arg)
{
    struct look *l = arg;
    uintptr_t from = *(const uintptr_t *)l->sp;

    if (text_find(from)) {
        l->frames[1] = from;
        l->f->n_frames = 2;
    }
    return 0;
}

static int
judge(void *arg)
{
    struct look *l = arg;

    l->is_of_plugin = is_of_plugin(l->f);
    return 0;
}

static int
tell(void *arg)
{
    if (hooks)
        hooks->report(arg);
    return 0;
}

static void
report(struct guard_fault *f)
{
    guard_probe(tell, f);
    if (hooks)
        hooks->reported(f);
}

static void
look(struct look *l)
{
    l->frames[0] = l->f->pc;
    guard_probe(take_frames, l);
    if (l->f->n_frames == 0) {
        l->f->n_frames = 1;
        guard_probe(take_caller, l);
    }
    guard_probe(judge, l);
}

static enum guard_result
decide(const struct guard_fault *f, int is_synchronous, int is_plugins)
{
    uint32_t call = atomic_load_explicit(&f->guard->call, memory_order_relaxed);
    int now = atomic_load(&policy);

    if (call == GUARD_NONE || f->sender != 0 || now == GUARD_ABORT)
        return GUARD_FATAL;
    if (now == GUARD_RECOVER && LEAP_KNOWN && is_synchronous && is_plugins &&
        call != GUARD_MAP && call != GUARD_UNMAP)
        return GUARD_RECOVERED;
    return GUARD_LOST;
}

/* For ever, with whatever this thread had in hand. */
static _Noreturn void
park(struct guard *g, const struct guard_fault *f)
{
    sigset_t all;

    atomic_store(&g->is_lost, 1);
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    if (hooks)
        hooks->lost(f);
    for (;;)
        pause();
}

static void
note_why(struct guard *g, const struct guard_fault *f)
{
    const struct text *t = text_find(f->pc);
    const char *reason = trap_reason(f->signo, f->code);

    /* No lock, no memory: numbers and short strings. */
    snprintf(g->why, sizeof g->why, "crashed in its %s: %s%s%s%s at 0x%lx, %s",
             guard_call_name(g->call), trap_name(f->signo), *reason ? " (" : "",
             reason, *reason ? ")" : "", (unsigned long)f->address,
             t ? t->name : "in a function of libc");
}

static int
is_copy(const struct guard_fault *f)
{
    return hooks && hooks->recovers && hooks->recovers(f);
}

static void
on_trap(int signo, siginfo_t *si, void *context)
{
    struct guard *g = &guard_here;
    uintptr_t frames[GUARD_FRAMES];
    struct guard_fault f = {
        .guard = g,
        .signo = signo,
        .code = si->si_code,
        .pc = trap_pc(context),
        .frames = frames,
    };
    struct look l = {.f = &f, .sp = trap_sp(context), .frames = frames};
    int is_synchronous = trap_is_synchronous(signo, si);

    if (getpid() != process) { /* a child of a plugin's: it may do as it does */
        trap_uninstall();
        if (!is_synchronous)
            trap_die(signo);
        return;
    }
    if (g->probe.sp && is_synchronous && trap_leap(context, &g->probe))
        return;
    if (is_synchronous)
        f.address = (uintptr_t)si->si_addr;
    else if (si->si_pid != getpid())
        f.sender = si->si_pid;
    look(&l);
    f.result = decide(&f, is_synchronous, l.is_of_plugin);
    if (f.result == GUARD_RECOVERED)
        note_why(g, &f);
    report(&f);
    if (f.result == GUARD_RECOVERED && is_copy(&f)) {
        signal(signo, SIG_DFL); /* the instruction fails again, in its place */
        return;
    }
    if (f.result == GUARD_RECOVERED && trap_leap(context, &g->leap))
        return;
    if (f.result == GUARD_LOST)
        park(g, &f);
    if (is_synchronous)
        signal(signo, SIG_DFL); /* the instruction says it once more */
    else
        trap_die(signo);
}

/* The watchdog wants to know where this thread is. */
static void
on_query(int signo, siginfo_t *si, void *context)
{
    struct guard *g = &guard_here;
    uintptr_t frames[GUARD_FRAMES];
    int question = atomic_exchange(&g->asked, GUARD_NOTHING);
    struct guard_fault f = {
        .guard = g,
        .result = question == GUARD_GIVE_UP ? GUARD_LOST : GUARD_SLOW,
        .what = g->call == GUARD_STEPS || g->call == GUARD_LOG
                    ? "a step holds its worker for longer than step_abort"
                    : "it does not return",
        .pc = trap_pc(context),
        .frames = frames};
    struct look l = {.f = &f, .sp = trap_sp(context), .frames = frames};
    int error = errno;

    (void)signo;
    (void)si;
    if (question != GUARD_NOTHING && g->call != GUARD_NONE && !g->probe.sp) {
        look(&l);
        report(&f);
        if (question == GUARD_GIVE_UP)
            park(g, &f);
    }
    errno = error;
}

/* No signal has told it. */
static void
report_loss(struct guard_fault *f, const char *what, uintptr_t pc)
{
    uintptr_t frames[GUARD_FRAMES];
    struct look l = {.f = f, .sp = (uintptr_t)frames, .frames = frames};

    *f = (struct guard_fault){.guard = &guard_here,
                              .result = GUARD_LOST,
                              .what = what,
                              .pc = pc,
                              .frames = frames};
    look(&l);
    report(f);
    f->n_frames = 0; /* they go */
}

void
guard_lose(const char *what)
{
    struct guard_fault f;

    report_loss(&f, what, (uintptr_t)__builtin_return_address(0));
    park(&guard_here, &f);
}

void
guard_give_up(const char *what)
{
    struct guard_fault f;

    report_loss(&f, what, (uintptr_t)__builtin_return_address(0));
    if (hooks)
        hooks->lost(&f);
}

/* exit() in a plugin's callback would take the service with it, and in the
 * middle of everything. */
static void
on_exit_called(void)
{
    if (guard_here.call != GUARD_NONE && getpid() == process)
        guard_lose("exit() was called");
}

/* ---- another thread ------------------------------------------------------*/

#define STACK_WORDS 512u

/* What may be an address to return to, in the plugins' code. */
static int
scan_stack(void *arg)
{
    struct look *l = arg;
    const uintptr_t *p = (const uintptr_t *)l->sp;

    for (size_t i = 0; i < STACK_WORDS && l->f->n_frames < 8; i++) {
        if (p + i >= (const uintptr_t *)l->f->guard->leap.sp)
            break;
        if (text_find(p[i]))
            l->frames[l->f->n_frames++] = p[i];
    }
    return 0;
}

void
guard_tell(struct guard *g, uint32_t turn, uintptr_t pc, uintptr_t sp)
{
    uintptr_t frames[GUARD_FRAMES] = {pc};
    struct guard_fault f = {.guard = g,
                            .result = GUARD_SLOW,
                            .pc = pc,
                            .frames = frames,
                            .n_frames = 1};
    struct look l = {.f = &f, .sp = sp, .frames = frames};

    if (IS_SANITIZED) /* it looks at what the other one writes */
        return;
    guard_probe(scan_stack, &l);
    if (atomic_load(&g->turn) == turn && atomic_load(&g->call) != GUARD_NONE)
        report(&f);
}

/* ---- threads -------------------------------------------------------------*/

int
guard_install(const struct guard_hooks *h)
{
    int rc;

    hooks = h;
    process = getpid();
    if (IS_SANITIZED)
        return 0;
    backtrace_prepare();
    rc = trap_install(on_trap);
    if (rc == 0)
        rc = trap_install_query(QUERY_SIGNAL, on_query);
    /* Each call of exit() uses one up, and who made it waits in there. */
    for (int i = 0; rc == 0 && i < EXITS; i++) {
        if (atexit(on_exit_called) || at_quick_exit(on_exit_called))
            rc = -ENOMEM;
    }
    return rc;
}

void
guard_set_policy(enum guard_policy now)
{
    atomic_store(&policy, now);
}

/* A thread that is attached ends by itself nowhere: a plugin has ended it, by
 * pthread_exit or pthread_cancel.  Its stack is unwound by now. */
static void
on_thread_end(void *guard)
{
    (void)guard;
    guard_lose("a plugin has ended this thread (pthread_exit)");
}

static pthread_key_t attached; /* non-NULL: on_thread_end is to be called */
static int attached_rc;

static void
make_key(void)
{
    attached_rc = -pthread_key_create(&attached, on_thread_end);
}

static int
watch_end(struct guard *g)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, make_key);
    return attached_rc < 0 ? attached_rc : -pthread_setspecific(attached, g);
}

static int
enlist(struct guard *g)
{
    for (uint32_t i = 0; i < GUARD_THREADS_MAX; i++) {
        struct guard *none = NULL;
        if (!atomic_compare_exchange_strong(&threads[i], &none, g))
            continue;
        if (i >= atomic_load(&n_threads))
            atomic_store(&n_threads, i + 1);
        return 0;
    }
    return -EAGAIN;
}

int
guard_attach(const char *name)
{
    struct guard *g = &guard_here;
    int rc = 0;

    snprintf(g->name, sizeof g->name, "%s", name);
    g->tid = (pid_t)syscall(SYS_gettid);
    g->thread = pthread_self();
    if (!IS_SANITIZED)
        rc = trap_stack_open(&g->stack);
    if (rc == 0)
        rc = watch_end(g);
    return rc < 0 ? rc : enlist(g);
}

void
guard_detach(void)
{
    struct guard *g = &guard_here;

    for (uint32_t i = 0; i < GUARD_THREADS_MAX; i++) {
        struct guard *mine = g;
        if (atomic_compare_exchange_strong(&threads[i], &mine, NULL))
            break;
    }
    (void)pthread_setspecific(attached, NULL);
    trap_stack_close(g->stack);
    g->stack = NULL;
}

struct guard *
guard_nth(uint32_t i)
{
    return i < GUARD_THREADS_MAX ? atomic_load(&threads[i]) : NULL;
}

uint32_t
guard_count(void)
{
    return atomic_load(&n_threads);
}

void
guard_ask(struct guard *g, enum guard_question question)
{
    if (IS_SANITIZED)
        return;
    atomic_store(&g->asked, question);
    (void)syscall(SYS_tgkill, process, g->tid, QUERY_SIGNAL);
}
