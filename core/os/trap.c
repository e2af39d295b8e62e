/* SPDX-License-Identifier: BSD-2-Clause */
/* trap.c - see trap.h. */
#include "os/trap.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define GUARD_BYTES 4096u

static const int signals[] = {SIGSEGV, SIGBUS,  SIGILL, SIGFPE,
                              SIGABRT, SIGTRAP, SIGSYS};

int
trap_install(trap_fn *fn)
{
    struct sigaction sa = {.sa_sigaction = fn,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};

    for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
        if (sigaction(signals[i], &sa, NULL) < 0)
            return -errno;
    }
    return 0;
}

int
trap_install_query(int signo, trap_fn *fn)
{
    struct sigaction sa = {.sa_sigaction = fn,
                           .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};

    return sigaction(signo, &sa, NULL) < 0 ? -errno : 0;
}

void
trap_uninstall(void)
{
    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        signal(signals[i], SIG_DFL);
}

/* ---- stacks --------------------------------------------------------------*/

int
trap_stack_open(void **stack)
{
    char *p = mmap(NULL, GUARD_BYTES + TRAP_STACK_BYTES, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    stack_t ss = {.ss_size = TRAP_STACK_BYTES};
    int rc;

    *stack = NULL;
    if (p == MAP_FAILED)
        return -errno;
    ss.ss_sp = p + GUARD_BYTES;
    if (mprotect(p, GUARD_BYTES, PROT_NONE) < 0 || sigaltstack(&ss, NULL) < 0) {
        rc = -errno;
        munmap(p, GUARD_BYTES + TRAP_STACK_BYTES);
        return rc;
    }
    *stack = p;
    return 0;
}

void
trap_stack_close(void *stack)
{
    stack_t none = {.ss_flags = SS_DISABLE};

    if (!stack)
        return;
    sigaltstack(&none, NULL);
    munmap(stack, GUARD_BYTES + TRAP_STACK_BYTES);
}

/* ---- registers -----------------------------------------------------------*/

#if defined(__x86_64__)

#define EFLAGS_TF 0x100
#define EFLAGS_DF 0x400
#define EFLAGS_AC 0x40000

uintptr_t
trap_pc(const void *context)
{
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
}

uintptr_t
trap_sp(const void *context)
{
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
}

/* What a function may count on besides: a clear direction flag, and the modes
 * of floating point as a program begins with them. */
int
trap_leap(void *context, const struct leap *l)
{
    ucontext_t *c = context;

    c->uc_mcontext.gregs[REG_RIP] = (greg_t)l->pc;
    c->uc_mcontext.gregs[REG_RSP] = (greg_t)l->sp;
    c->uc_mcontext.gregs[REG_RBP] = (greg_t)l->fp;
    c->uc_mcontext.gregs[REG_RAX] = LEAP_LEFT;
    c->uc_mcontext.gregs[REG_EFL] &= ~(EFLAGS_TF | EFLAGS_DF | EFLAGS_AC);
    if (c->uc_mcontext.fpregs) {
        c->uc_mcontext.fpregs->mxcsr = 0x1f80;
        c->uc_mcontext.fpregs->cwd = 0x37f;
        c->uc_mcontext.fpregs->swd = 0;
        c->uc_mcontext.fpregs->ftw = 0; /* all empty */
    }
    return 1;
}

#elif defined(__aarch64__)

uintptr_t
trap_pc(const void *context)
{
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.pc;
}

uintptr_t
trap_sp(const void *context)
{
    return (uintptr_t)((const ucontext_t *)context)->uc_mcontext.sp;
}

int
trap_leap(void *context, const struct leap *l)
{
    ucontext_t *c = context;

    c->uc_mcontext.pc = l->pc;
    c->uc_mcontext.sp = l->sp;
    c->uc_mcontext.regs[29] = l->fp;
    c->uc_mcontext.regs[0] = (uint64_t)(int64_t)LEAP_LEFT;
    return 1;
}

#else

uintptr_t
trap_pc(const void *context)
{
    (void)context;
    return 0;
}

uintptr_t
trap_sp(const void *context)
{
    (void)context;
    return 0;
}

int
trap_leap(void *context, const struct leap *l)
{
    (void)context;
    (void)l;
    return 0;
}

#endif

int
trap_is_synchronous(int signo, const siginfo_t *si)
{
    return signo != SIGABRT && si->si_code > 0;
}

void
trap_die(int signo)
{
    sigset_t one;

    signal(signo, SIG_DFL);
    sigemptyset(&one);
    sigaddset(&one, signo);
    sigprocmask(SIG_UNBLOCK, &one, NULL);
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signo);
}

/* ---- words ---------------------------------------------------------------*/

const char *
trap_name(int signo)
{
    switch (signo) {
    case SIGSEGV: return "SIGSEGV";
    case SIGBUS: return "SIGBUS";
    case SIGILL: return "SIGILL";
    case SIGFPE: return "SIGFPE";
    case SIGABRT: return "SIGABRT";
    case SIGTRAP: return "SIGTRAP";
    case SIGSYS: return "SIGSYS";
    default: return "signal";
    }
}

static const struct reason {
    int signo, code;
    const char *text;
} reasons[] = {
    {SIGSEGV, SEGV_MAPERR, "nothing is mapped there"},
    {SIGSEGV, SEGV_ACCERR, "not allowed there"},
    {SIGSEGV, SI_KERNEL, "not an address"},
    {SIGBUS, BUS_ADRALN, "misaligned"},
    {SIGBUS, BUS_ADRERR, "beyond the end of the file that is mapped there"},
    {SIGBUS, BUS_OBJERR, "the disk or memory failed"},
    {SIGILL, ILL_ILLOPN, "no instruction"},
    {SIGILL, ILL_ILLOPC, "no instruction"},
    {SIGILL, ILL_PRVOPC, "an instruction of the kernel"},
    {SIGFPE, FPE_INTDIV, "division by zero"},
    {SIGFPE, FPE_INTOVF, "overflow"},
    {SIGFPE, FPE_FLTDIV, "division by zero"},
    {SIGTRAP, TRAP_BRKPT, "a breakpoint"},
};

const char *
trap_reason(int signo, int code)
{
    for (size_t i = 0; i < ARRAY_LEN(reasons); i++) {
        if (reasons[i].signo == signo && reasons[i].code == code)
            return reasons[i].text;
    }
    return "";
}
