/* SPDX-License-Identifier: BSD-2-Clause */
/* fiber.c - the switch from stack to stack, and who is told; see fiber.h.
 *
 * Both directions are one: fiber_cross leaves the registers of a call on the
 * stack it is called on, exchanges the stack pointer for the one in f->sp, and
 * takes the registers from there.  To the unwinder it looks the same on either
 * side of the exchange.  A new fiber's stack looks as if it had crossed before,
 * from fiber_entry:
 *
 *     f->sp --> struct frame, the last of it the address of fiber_entry
 *     top   --> two words of zero: who called it?  Nobody
 *
 * Files of assembly would need rules of their own in the build: it is here. */
#include "os/fiber.h"

#include <stdint.h>

#if ASAN_ON
#include <sanitizer/common_interface_defs.h>
#endif
#if FIBER_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* ---- the switch --------------------------------------------------------- */

static _Noreturn void begin(struct fiber *f);

#if FIBER_OWN_SWITCH

#define HIDDEN __attribute__((visibility("hidden")))

/* Exchange *sp and the stack pointer, and all that a call preserves. */
HIDDEN void fiber_cross(void **sp);
/* Where a new fiber comes out: calls begin(f), which it has in registers. */
HIDDEN void fiber_entry(void);

#define TOP_BYTES 16u

#if defined(__x86_64__)

struct frame {
    uint32_t mxcsr;
    uint16_t x87, unused;
    uintptr_t r15, r14, r13, r12, rbx, rbp, rip;
};

/* It ends in a jump, as returns are predicted to go where the last call came
 * from.  notrack: there is no endbr64 behind a call. */
__asm__(".pushsection .text\n"
        ".p2align 4\n"
        ".globl fiber_cross\n"
        ".hidden fiber_cross\n"
        ".type fiber_cross, @function\n"
        "fiber_cross:\n"
        "    .cfi_startproc\n"
        "    endbr64\n"
        "    pushq %rbp\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    .cfi_rel_offset rbp, 0\n"
        "    pushq %rbx\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    .cfi_rel_offset rbx, 0\n"
        "    pushq %r12\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    .cfi_rel_offset r12, 0\n"
        "    pushq %r13\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    .cfi_rel_offset r13, 0\n"
        "    pushq %r14\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    .cfi_rel_offset r14, 0\n"
        "    pushq %r15\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    .cfi_rel_offset r15, 0\n"
        "    subq $8, %rsp\n"
        "    .cfi_adjust_cfa_offset 8\n"
        "    stmxcsr 0(%rsp)\n"
        "    fnstcw 4(%rsp)\n"
        "    movq (%rdi), %rax\n"
        "    movq %rsp, (%rdi)\n"
        "    movq %rax, %rsp\n"
        "    ldmxcsr 0(%rsp)\n"
        "    fldcw 4(%rsp)\n"
        "    addq $8, %rsp\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    popq %r15\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    .cfi_restore r15\n"
        "    popq %r14\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    .cfi_restore r14\n"
        "    popq %r13\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    .cfi_restore r13\n"
        "    popq %r12\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    .cfi_restore r12\n"
        "    popq %rbx\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    .cfi_restore rbx\n"
        "    popq %rbp\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    .cfi_restore rbp\n"
        "    popq %rcx\n"
        "    .cfi_adjust_cfa_offset -8\n"
        "    .cfi_register rip, rcx\n"
        "    notrack jmpq *%rcx\n"
        "    .cfi_endproc\n"
        ".size fiber_cross, . - fiber_cross\n"
        /* nop: whoever unwinds looks one byte before where it returns to. */
        ".p2align 4\n"
        ".hidden fiber_entry\n"
        ".globl fiber_entry\n"
        ".type fiber_entry, @function\n"
        "    .cfi_startproc\n"
        "    .cfi_undefined rip\n"
        "    nop\n"
        "fiber_entry:\n"
        "    endbr64\n"
        "    movq %rbx, %rdi\n"
        "    callq *%r12\n"
        "    ud2\n"
        "    .cfi_endproc\n"
        ".size fiber_entry, . - fiber_entry\n"
        ".popsection\n");

static void
fill_frame(struct frame *frame, struct fiber *f)
{
    *frame = (struct frame){.rbx = (uintptr_t)f,
                            .r12 = (uintptr_t)begin,
                            .rip = (uintptr_t)fiber_entry};
    __asm__("stmxcsr %0" : "=m"(frame->mxcsr));
    __asm__("fnstcw %0" : "=m"(frame->x87));
}

#else /* __aarch64__ */

struct frame {
    uintptr_t x29, x30, x19, x20, others[8];
    uint64_t d8_to_d15[8];
    uint64_t fpcr, unused;
};

/* hint 34 is bti c.  FPCR is slow to write, and seldom another one. */
__asm__(".pushsection .text\n"
        ".p2align 4\n"
        ".globl fiber_cross\n"
        ".hidden fiber_cross\n"
        ".type fiber_cross, %function\n"
        "fiber_cross:\n"
        "    .cfi_startproc\n"
        "    hint 34\n"
        "    stp x29, x30, [sp, -176]!\n"
        "    .cfi_def_cfa_offset 176\n"
        "    .cfi_offset x29, -176\n"
        "    .cfi_offset x30, -168\n"
        "    stp x19, x20, [sp, 16]\n"
        "    .cfi_offset x19, -160\n"
        "    .cfi_offset x20, -152\n"
        "    stp x21, x22, [sp, 32]\n"
        "    .cfi_offset x21, -144\n"
        "    .cfi_offset x22, -136\n"
        "    stp x23, x24, [sp, 48]\n"
        "    .cfi_offset x23, -128\n"
        "    .cfi_offset x24, -120\n"
        "    stp x25, x26, [sp, 64]\n"
        "    .cfi_offset x25, -112\n"
        "    .cfi_offset x26, -104\n"
        "    stp x27, x28, [sp, 80]\n"
        "    .cfi_offset x27, -96\n"
        "    .cfi_offset x28, -88\n"
        "    stp d8, d9, [sp, 96]\n"
        "    stp d10, d11, [sp, 112]\n"
        "    stp d12, d13, [sp, 128]\n"
        "    stp d14, d15, [sp, 144]\n"
        "    mrs x9, fpcr\n"
        "    str x9, [sp, 160]\n"
        "    ldr x10, [x0]\n"
        "    mov x11, sp\n"
        "    str x11, [x0]\n"
        "    mov sp, x10\n"
        "    ldr x10, [sp, 160]\n"
        "    cmp x9, x10\n"
        "    b.eq 1f\n"
        "    msr fpcr, x10\n"
        "1:\n"
        "    ldp d14, d15, [sp, 144]\n"
        "    ldp d12, d13, [sp, 128]\n"
        "    ldp d10, d11, [sp, 112]\n"
        "    ldp d8, d9, [sp, 96]\n"
        "    ldp x27, x28, [sp, 80]\n"
        "    ldp x25, x26, [sp, 64]\n"
        "    ldp x23, x24, [sp, 48]\n"
        "    ldp x21, x22, [sp, 32]\n"
        "    ldp x19, x20, [sp, 16]\n"
        "    ldp x29, x30, [sp], 176\n"
        "    .cfi_def_cfa_offset 0\n"
        "    .cfi_restore x29\n"
        "    .cfi_restore x30\n"
        "    ret\n"
        "    .cfi_endproc\n"
        ".size fiber_cross, . - fiber_cross\n"
        /* nop: whoever unwinds looks one byte before where it returns to. */
        ".p2align 4\n"
        ".globl fiber_entry\n"
        ".hidden fiber_entry\n"
        ".type fiber_entry, %function\n"
        "    .cfi_startproc\n"
        "    .cfi_undefined x30\n"
        "    nop\n"
        "fiber_entry:\n"
        "    mov x0, x19\n"
        "    blr x20\n"
        "    brk 1\n"
        "    .cfi_endproc\n"
        ".size fiber_entry, . - fiber_entry\n"
        ".popsection\n");

static void
fill_frame(struct frame *frame, struct fiber *f)
{
    *frame = (struct frame){.x19 = (uintptr_t)f,
                            .x20 = (uintptr_t)begin,
                            .x30 = (uintptr_t)fiber_entry};
    __asm__("mrs %0, fpcr" : "=r"(frame->fpcr));
}

#endif

/* Both ABIs want the stack pointer at a multiple of 16 where a call is. */
static void
prepare(struct fiber *f)
{
    const uintptr_t end = ((uintptr_t)f->stack + f->bytes) & ~(uintptr_t)15;
    char *top = f->stack + (end - (uintptr_t)f->stack) - TOP_BYTES;
    struct frame *frame = (void *)(top - sizeof *frame);

    _Static_assert(sizeof *frame % 16 == 0, "as fiber_cross leaves it");
    ((uintptr_t *)(void *)top)[0] = ((uintptr_t *)(void *)top)[1] = 0;
    fill_frame(frame, f);
    f->sp = frame;
}

static inline void
cross(struct fiber *f)
{
    fiber_cross(&f->sp);
}

#else

/* makecontext hands on ints. */
static void
entry(unsigned high, unsigned low)
{
    begin((struct fiber *)((uintptr_t)high << 16 << 16 | low));
}

static void
prepare(struct fiber *f)
{
    const uintptr_t p = (uintptr_t)f;

    CHECK(getcontext(&f->self) == 0);
    f->self.uc_stack.ss_sp = f->stack;
    f->self.uc_stack.ss_size = f->bytes;
    f->self.uc_link = NULL;
    makecontext(&f->self, (void (*)(void))entry, 2, (unsigned)(p >> 16 >> 16),
                (unsigned)p);
}

/* The state is what it is to be. */
static void
cross(struct fiber *f)
{
    if (f->state == FIBER_RUNS)
        CHECK(swapcontext(&f->outer, &f->self) == 0);
    else
        CHECK(swapcontext(&f->self, &f->outer) == 0);
}

#endif

/* ---- what sanitizers are told -------------------------------------------
 *
 * Inline, all of it: what TSan switches are its records of who called whom, and
 * a function that returned after that would return in the wrong ones. */

#define TOLD static inline __attribute__((always_inline)) void

TOLD
tell_made(struct fiber *f)
{
#if ASAN_ON
    f->self_fake = NULL;
#endif
#if FIBER_TSAN
    f->self_tsan = __tsan_create_fiber(0);
#endif
    (void)f;
}

TOLD
tell_entering(struct fiber *f)
{
#if ASAN_ON
    __sanitizer_start_switch_fiber(&f->outer_fake, f->stack, f->bytes);
#endif
#if FIBER_TSAN
    f->outer_tsan = __tsan_get_current_fiber();
    __tsan_switch_to_fiber(f->self_tsan, 0);
#endif
    (void)f;
}

TOLD
tell_entered(struct fiber *f)
{
#if ASAN_ON
    __sanitizer_finish_switch_fiber(f->self_fake, &f->outer_stack,
                                    &f->outer_bytes);
#endif
    (void)f;
}

/* For good if it is over: then its fake stack goes. */
TOLD
tell_leaving(struct fiber *f)
{
#if ASAN_ON
    __sanitizer_start_switch_fiber(f->state == FIBER_OVER ? NULL
                                                          : &f->self_fake,
                                   f->outer_stack, f->outer_bytes);
#endif
#if FIBER_TSAN
    __tsan_switch_to_fiber(f->outer_tsan, 0);
#endif
    (void)f;
}

TOLD
tell_left(struct fiber *f)
{
#if ASAN_ON
    __sanitizer_finish_switch_fiber(f->outer_fake, NULL, NULL);
#endif
#if FIBER_TSAN
    if (f->state == FIBER_OVER)
        __tsan_destroy_fiber(f->self_tsan);
#endif
    (void)f;
}

/* ---- fibers ------------------------------------------------------------- */

static _Noreturn void
begin(struct fiber *f)
{
    tell_entered(f);
    f->fn(f->arg);
    f->state = FIBER_OVER;
    tell_leaving(f);
    cross(f);
    __builtin_unreachable();
}

void
fiber_make(struct fiber *f, void *stack, size_t bytes, void (*fn)(void *arg),
           void *arg)
{
    CHECK(bytes >= FIBER_STACK_MIN);
    f->state = FIBER_WAITS;
    f->fn = fn;
    f->arg = arg;
    f->stack = stack;
    f->bytes = bytes;
    prepare(f);
    tell_made(f);
}

int
fiber_enter(struct fiber *f)
{
    CHECK(f->state == FIBER_WAITS);
    f->state = FIBER_RUNS;
    tell_entering(f);
    cross(f);
    tell_left(f);
    return f->state != FIBER_OVER;
}

void
fiber_yield(struct fiber *f)
{
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);

    CHECK(f->state == FIBER_RUNS && here - (uintptr_t)f->stack < f->bytes);
    f->state = FIBER_WAITS;
    tell_leaving(f);
    cross(f);
    tell_entered(f);
}

/* Sanitizers are told of a last visit to a fiber that waits. */
void
fiber_abandon(struct fiber *f)
{
    CHECK(f->state != FIBER_OVER);
    if (f->state == FIBER_WAITS) {
        tell_entering(f);
        tell_entered(f);
    }
    f->state = FIBER_OVER;
    tell_leaving(f);
    tell_left(f);
    ASAN_UNPOISON(f->stack, f->bytes);
}
