/* SPDX-License-Identifier: BSD-2-Clause */
/* leap.c - the register switch; see leap.h.
 *
 * The compiler is told that the call changes every register a function may
 * keep, so it saves those it needs in its own frame; what is left to save are
 * the stack pointer and the frame pointer, by which it finds that frame again.
 * The frame pointer also keeps the frame readable for whoever unwinds. */
#include "os/leap.h"

#include <stdlib.h>

#include "base/asan.h"

#if defined(__x86_64__)

int
leap_call(struct leap *l, int (*fn)(void *arg), void *arg)
{
    int rc;

    /* Used, so that there is one. */
    l->fp = (uintptr_t)__builtin_frame_address(0);
    /* 128: below the stack pointer a function may keep what it likes. */
    __asm__ volatile("movq %%rsp, 0(%%rbx)\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "movq %%rax, 16(%%rbx)\n\t"
                     "subq $128, %%rsp\n\t"
                     "andq $-16, %%rsp\n\t"
                     "callq *%%rdx\n\t"
                     "movq 0(%%rbx), %%rsp\n"
                     "1:"
                     : "=a"(rc), "+b"(l), "+d"(fn), "+D"(arg)
                     :
                     : "rcx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13",
                       "r14", "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4",
                       "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11",
                       "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc");
    return rc;
}

static _Noreturn void
go(const struct leap *l)
{
    __asm__ volatile("movq 8(%%rcx), %%rbp\n\t"
                     "movq 0(%%rcx), %%rsp\n\t"
                     "movl %0, %%eax\n\t"
                     "jmpq *16(%%rcx)"
                     :
                     : "i"(LEAP_LEFT), "c"(l)
                     : "memory");
    __builtin_unreachable();
}

#elif defined(__aarch64__)

int
leap_call(struct leap *l, int (*fn)(void *arg), void *arg)
{
    register void *x0 __asm__("x0") = arg;
    register int (*x1)(void *) __asm__("x1") = fn;
    register struct leap *x2 __asm__("x2") = l;

    l->fp = (uintptr_t)__builtin_frame_address(0);
    __asm__ volatile(
        "mov x9, sp\n\t"
        "str x9, [x2]\n\t"
        "adr x9, 1f\n\t"
        "str x9, [x2, 16]\n\t"
        "blr x1\n"
        "1:"
        : "+r"(x0), "+r"(x1), "+r"(x2)
        :
        : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13",
          "x14", "x15", "x16", "x17", "x18", "x19", "x20", "x21", "x22", "x23",
          "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3",
          "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
          "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24",
          "v25", "v26", "v27", "v28", "v29", "v30", "v31", "memory", "cc");
    return (int)(intptr_t)x0;
}

static _Noreturn void
go(const struct leap *l)
{
    __asm__ volatile("ldp x10, x29, [%1]\n\t"
                     "ldr x11, [%1, 16]\n\t"
                     "mov sp, x10\n\t"
                     "mov x0, %0\n\t"
                     "br x11"
                     :
                     : "i"(LEAP_LEFT), "r"(l)
                     : "x0", "x10", "x11", "memory");
    __builtin_unreachable();
}

#else

int
leap_call(struct leap *l, int (*fn)(void *arg), void *arg)
{
    l->sp = l->fp = l->pc = 0;
    return fn(arg);
}

static _Noreturn void
go(const struct leap *l)
{
    (void)l;
    abort();
}

#endif

void
leap_leave(const struct leap *l)
{
#if ASAN_ON
    __asan_handle_no_return();
#endif
    go(l);
}
