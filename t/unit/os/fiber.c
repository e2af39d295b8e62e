/* SPDX-License-Identifier: BSD-2-Clause */
/* fiber.c - what survives a switch, and all ways a fiber may end. */
/* tags: asan tsan */
/* ldflags: -Wl,--no-as-needed,-lm */
#include "os/fiber.h"

#include <fenv.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/backtrace.h"
#include "os/leap.h"
#include "os/stacks.h"
#include "t/lib/unit.h"

#define STACK_BYTES (64u << 10)

static struct stacks pool;

static void
open_pool(void)
{
    ck_assert_int_eq(stacks_init(&pool, STACK_BYTES, 10000, STACKS_MARKED), 0);
}

static void
close_pool(void)
{
    stacks_fini(&pool);
}

/* A fiber on a stack of the pool's. */
static void
make(struct fiber *f, void (*fn)(void *arg), void *arg)
{
    void *stack = stacks_take(&pool);

    UNIT_HOLDS(stack != NULL);
    fiber_make(f, stack, STACK_BYTES, fn, arg);
}

static void
give(struct fiber *f)
{
    UNIT_HOLDS(f->state == FIBER_OVER);
    stacks_give(&pool, f->stack);
}

/* ---- what survives ------------------------------------------------------ */

static int
enter(struct fiber *f)
{
    return fiber_enter(f);
}

static int
yield(struct fiber *f)
{
    fiber_yield(f);
    return 1;
}

/* Whether a call leaves the registers alone that a call has to. */
#if defined(__x86_64__)

static __attribute__((noinline)) int
keeps(int (*call)(struct fiber *f), struct fiber *f, long seed)
{
    register long rbx __asm__("rbx") = seed, r12 __asm__("r12") = seed + 1;
    register long r13 __asm__("r13") = seed + 2, r14 __asm__("r14") = seed + 3;
    register long r15 __asm__("r15") = seed + 4;

    __asm__ volatile("movq %%rsp, %%rax\n\t"
                     "subq $144, %%rsp\n\t"
                     "andq $-16, %%rsp\n\t"
                     "movq %%rax, (%%rsp)\n\t"
                     "callq *%%rdx\n\t"
                     "movq (%%rsp), %%rsp"
                     : "+r"(rbx), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15),
                       "+d"(call), "+D"(f)
                     :
                     : "rax", "rcx", "rsi", "r8", "r9", "r10", "r11", "xmm0",
                       "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
                       "xmm14", "xmm15", "memory", "cc");
    return rbx == seed && r12 == seed + 1 && r13 == seed + 2 &&
           r14 == seed + 3 && r15 == seed + 4;
}

#elif defined(__aarch64__)

#define CALL_MAY_CHANGE                                                        \
    "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12",       \
        "x13", "x14", "x15", "x16", "x17", "x18", "x30", "v0", "v1", "v2",     \
        "v3", "v4", "v5", "v6", "v7", "v16", "v17", "v18", "v19", "v20",       \
        "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30",  \
        "v31", "memory", "cc"

static __attribute__((noinline)) int
keeps_integers(int (*call)(struct fiber *f), struct fiber *f, long seed)
{
    register struct fiber *x0 __asm__("x0") = f;
    register int (*x1)(struct fiber *) __asm__("x1") = call;
    register long x19 __asm__("x19") = seed, x20 __asm__("x20") = seed + 1;
    register long x21 __asm__("x21") = seed + 2, x22 __asm__("x22") = seed + 3;
    register long x23 __asm__("x23") = seed + 4, x24 __asm__("x24") = seed + 5;
    register long x25 __asm__("x25") = seed + 6, x26 __asm__("x26") = seed + 7;
    register long x27 __asm__("x27") = seed + 8, x28 __asm__("x28") = seed + 9;

    __asm__ volatile("blr x1"
                     : "+r"(x0), "+r"(x1), "+r"(x19), "+r"(x20), "+r"(x21),
                       "+r"(x22), "+r"(x23), "+r"(x24), "+r"(x25), "+r"(x26),
                       "+r"(x27), "+r"(x28)
                     :
                     : CALL_MAY_CHANGE);
    return x19 == seed && x20 == seed + 1 && x21 == seed + 2 &&
           x22 == seed + 3 && x23 == seed + 4 && x24 == seed + 5 &&
           x25 == seed + 6 && x26 == seed + 7 && x27 == seed + 8 &&
           x28 == seed + 9;
}

static __attribute__((noinline)) int
keeps_doubles(int (*call)(struct fiber *f), struct fiber *f, double seed)
{
    register struct fiber *x0 __asm__("x0") = f;
    register int (*x1)(struct fiber *) __asm__("x1") = call;
    register double d8 __asm__("d8") = seed, d9 __asm__("d9") = seed + 1;
    register double d10 __asm__("d10") = seed + 2,
                        d11 __asm__("d11") = seed + 3;
    register double d12 __asm__("d12") = seed + 4,
                        d13 __asm__("d13") = seed + 5;
    register double d14 __asm__("d14") = seed + 6,
                        d15 __asm__("d15") = seed + 7;

    __asm__ volatile("blr x1"
                     : "+r"(x0), "+r"(x1), "+w"(d8), "+w"(d9), "+w"(d10),
                       "+w"(d11), "+w"(d12), "+w"(d13), "+w"(d14), "+w"(d15)
                     :
                     : CALL_MAY_CHANGE);
    return d8 == seed && d9 == seed + 1 && d10 == seed + 2 && d11 == seed + 3 &&
           d12 == seed + 4 && d13 == seed + 5 && d14 == seed + 6 &&
           d15 == seed + 7;
}

/* Turn about: one statement does not take that many operands. */
static int
keeps(int (*call)(struct fiber *f), struct fiber *f, long seed)
{
    return seed % 2 ? keeps_integers(call, f, seed)
                    : keeps_doubles(call, f, (double)seed);
}

#else

static int
keeps(int (*call)(struct fiber *f), struct fiber *f, long seed)
{
    return call(f) + (int)(0 * seed) == 1;
}

#endif

static void
keep_registers(void *arg)
{
    for (long i = 0; i < 100; i++)
        UNIT_HOLDS(keeps(yield, arg, i * 1000003));
}

START_TEST(registers_are_as_they_were_on_either_side)
{
    struct fiber f;

    make(&f, keep_registers, &f);
    for (long i = 0; i < 100; i++)
        ck_assert(keeps(enter, &f, -i * 999983));
    ck_assert_int_eq(fiber_enter(&f), 0);
    give(&f);
}
END_TEST

/* How the units round, each for itself: it shows in what they divide. */
static int
rounds(int how)
{
    volatile double one = 1, three = 3, third = one / three;
    volatile long double long_third = (long double)one / (long double)three;

    return fegetround() == how &&
           (third * 3 > 1 || third > 0x1.5555555555555p-2) ==
               (how == FE_UPWARD) &&
           (long_third * 3 > 1) == (how == FE_UPWARD);
}

static void
round_upward(void *arg)
{
    UNIT_HOLDS(rounds(FE_DOWNWARD));
    fesetround(FE_UPWARD);
    for (int i = 0; i < 3; i++) {
        fiber_yield(arg);
        UNIT_HOLDS(rounds(FE_UPWARD));
    }
}

START_TEST(each_side_rounds_as_it_likes)
{
    struct fiber f;

    fesetround(FE_DOWNWARD);
    make(&f, round_upward, &f);
    fesetround(FE_TOWARDZERO);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(fiber_enter(&f), 1);
        ck_assert(rounds(FE_TOWARDZERO));
    }
    ck_assert_int_eq(fiber_enter(&f), 0);
    ck_assert(rounds(FE_TOWARDZERO));
    fesetround(FE_TONEAREST);
    give(&f);
}
END_TEST

/* ---- many --------------------------------------------------------------- */

/* TSan can tell 8000 threads and fibers apart. */
#define MANY (FIBER_TSAN ? 1000 : 10000)
#define ROUNDS 10

struct counter {
    struct fiber f;
    int n;
};

static void
count(void *arg)
{
    struct counter *c = arg;
    volatile int on_stack = 0;

    while (c->n < ROUNDS) {
        UNIT_HOLDS(on_stack == c->n);
        on_stack = ++c->n;
        fiber_yield(&c->f);
    }
}

START_TEST(ten_thousand_take_turns)
{
    static struct counter all[MANY];

    for (int i = 0; i < MANY; i++)
        make(&all[i].f, count, &all[i]);
    for (int round = 1; round <= ROUNDS; round++) {
        for (int i = 0; i < MANY; i++)
            UNIT_HOLDS(fiber_enter(&all[i].f) == 1 && all[i].n == round);
    }
    for (int i = 0; i < MANY; i++) {
        UNIT_HOLDS(fiber_enter(&all[i].f) == 0);
        give(&all[i].f);
    }
}
END_TEST

static void *
of_a_thread(void *arg)
{
    struct stacks own;

    UNIT_HOLDS(stacks_init(&own, STACK_BYTES, 8, STACKS_MARKED) == 0);
    for (int i = 0; i < 100; i++) {
        struct counter c[8] = {0};

        for (int k = 0; k < 8; k++)
            fiber_make(&c[k].f, stacks_take(&own), STACK_BYTES, count, &c[k]);
        for (int k = 0; k < 8 * ROUNDS; k++)
            UNIT_HOLDS(fiber_enter(&c[k % 8].f) == 1);
        for (int k = 0; k < 8; k++) {
            UNIT_HOLDS(fiber_enter(&c[k].f) == 0);
            stacks_give(&own, c[k].f.stack);
        }
    }
    stacks_fini(&own);
    return arg;
}

START_TEST(threads_have_fibers_of_their_own)
{
    pthread_t threads[4];

    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, of_a_thread, NULL),
                         0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}
END_TEST

/* ---- one in the other --------------------------------------------------- */

struct nest {
    struct fiber f;
    struct nest *inner;
    int depth, log;
};

static void
nested(void *arg)
{
    struct nest *n = arg;

    for (int i = 0; i < 3; i++) {
        if (n->inner)
            UNIT_HOLDS(fiber_enter(&n->inner->f) == 1);
        n->log++;
        fiber_yield(&n->f);
    }
    if (n->inner)
        UNIT_HOLDS(fiber_enter(&n->inner->f) == 0);
}

START_TEST(fibers_enter_fibers)
{
    struct nest n[5] = {0};

    for (int i = 0; i < 5; i++) {
        n[i].inner = i < 4 ? &n[i + 1] : NULL;
        make(&n[i].f, nested, &n[i]);
    }
    for (int i = 1; i <= 3; i++) {
        ck_assert_int_eq(fiber_enter(&n[0].f), 1);
        for (int k = 0; k < 5; k++)
            ck_assert_int_eq(n[k].log, i);
    }
    ck_assert_int_eq(fiber_enter(&n[0].f), 0);
    for (int i = 0; i < 5; i++)
        give(&n[i].f);
}
END_TEST

/* ---- ends before the end ------------------------------------------------ */

/* Leaves frames behind that sanitizers have marks in. */
static __attribute__((noinline)) int
deep(struct fiber *f, int depth, void (*at_the_end)(struct fiber *f))
{
    volatile char room[100];

    room[depth] = (char)depth;
    if (depth == 0)
        at_the_end(f);
    return depth == 0 ? 0 : deep(f, depth - 1, at_the_end) + room[depth];
}

static void
yield_deep(void *arg)
{
    deep(arg, 20, fiber_yield);
}

/* Touches all of the stack that it can. */
static void
fill(void *arg)
{
    volatile char room[STACK_BYTES / 2];

    for (size_t i = 0; i < sizeof room; i++)
        room[i] = (char)i;
    deep(arg, 20, fiber_yield);
}

START_TEST(a_stack_is_used_again_whose_fiber_is_abandoned)
{
    for (int i = 0; i < 500; i++) {
        struct fiber f;

        make(&f, i % 2 ? fill : yield_deep, &f);
        if (i % 5 > 0) /* or never entered */
            ck_assert_int_eq(fiber_enter(&f), 1);
        if (i % 5 == 4)
            ck_assert_int_eq(fiber_enter(&f), 0);
        else
            fiber_abandon(&f);
        give(&f);
    }
    ck_assert_uint_eq(pool.n_made, 1);
}
END_TEST

#if LEAP_KNOWN
static struct leap leap;

static void
leave(struct fiber *f)
{
    (void)f;
    leap_leave(&leap);
}

static void
leave_deep(void *arg)
{
    fiber_yield(arg);
    deep(arg, 20, leave);
}

static int
enter_it(void *arg)
{
    return fiber_enter(arg);
}

START_TEST(a_fiber_that_is_left_by_a_leap_can_be_abandoned)
{
    for (int i = 0; i < 100; i++) {
        struct fiber f;

        make(&f, leave_deep, &f);
        ck_assert_int_eq(fiber_enter(&f), 1);
        ck_assert_int_eq(leap_call(&leap, enter_it, &f), LEAP_LEFT);
        fiber_abandon(&f);
        give(&f);
        make(&f, fill, &f);
        ck_assert_int_eq(fiber_enter(&f), 1);
        ck_assert_int_eq(fiber_enter(&f), 0);
        give(&f);
    }
    ck_assert_uint_eq(pool.n_made, 1);
}
END_TEST
#endif

/* ---- the end of the stack, at either side ------------------------------- */

static void
on_fault(int signo, siginfo_t *info, void *context)
{
    (void)signo;
    (void)context;
    _exit(stacks_guard_of(&pool, (uintptr_t)info->si_addr) ? 42 : 1);
}

/* Deeper than any stack here. */
static __attribute__((noinline)) int
dive(volatile int *from)
{
    volatile int here = *from + 1;

    return here == 100000000 ? 0 : dive(&here) + here;
}

static void
dive_in(void *arg)
{
    volatile int zero = 0;

    (void)arg;
    dive(&zero);
}

static _Noreturn void
overflow(enum stacks_guard guard)
{
    static char handler_stack[256 << 10];
    stack_t alt = {.ss_sp = handler_stack, .ss_size = sizeof handler_stack};
    struct sigaction act = {.sa_sigaction = on_fault,
                            .sa_flags = SA_SIGINFO | SA_ONSTACK};
    struct fiber f[3];

    if (stacks_init(&pool, STACK_BYTES, 3, guard) < 0)
        _exit(2);
    sigaltstack(&alt, NULL);
    sigaction(SIGSEGV, &act, NULL);
    for (int i = 0; i < 3; i++)
        make(&f[i], dive_in, NULL);
    _exit(fiber_enter(&f[1]));
}

START_TEST(one_that_overflows_faults_in_its_guard)
{
    for (int way = STACKS_MARKED; way <= STACKS_PROTECTED; way++) {
        pid_t pid = fork();
        int status;

        if (pid == 0)
            overflow((enum stacks_guard)way);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFEXITED(status));
        ck_assert_int_eq(WEXITSTATUS(status), 42);
    }
}
END_TEST

struct trace {
    uintptr_t frames[64];
    size_t n;
};

static __attribute__((noinline)) void
take_trace(struct trace *t)
{
    t->n = backtrace_take((uintptr_t)__builtin_return_address(0), 0, t->frames,
                          64);
}

static void
trace(void *arg)
{
    take_trace(arg);
    __asm__ volatile("" ::: "memory"); /* it is no tail call */
}

START_TEST(a_backtrace_ends_where_the_fiber_begins)
{
    struct trace t = {0};
    struct fiber f;

    make(&f, trace, &t);
    ck_assert_int_eq(fiber_enter(&f), 0);
    ck_assert_uint_ge(t.n, 2);
    ck_assert_uint_le(t.n, 4);
    ck_assert_uint_eq(backtrace_function(t.frames[0]), (uintptr_t)trace);
    give(&f);
}
END_TEST

#if LEAP_KNOWN
UNIT_MAIN_IN(open_pool, close_pool, fiber,
             registers_are_as_they_were_on_either_side,
             each_side_rounds_as_it_likes, ten_thousand_take_turns,
             threads_have_fibers_of_their_own, fibers_enter_fibers,
             a_stack_is_used_again_whose_fiber_is_abandoned,
             a_fiber_that_is_left_by_a_leap_can_be_abandoned,
             one_that_overflows_faults_in_its_guard,
             a_backtrace_ends_where_the_fiber_begins)
#else
UNIT_MAIN_IN(open_pool, close_pool, fiber,
             registers_are_as_they_were_on_either_side,
             each_side_rounds_as_it_likes, ten_thousand_take_turns,
             threads_have_fibers_of_their_own, fibers_enter_fibers,
             a_stack_is_used_again_whose_fiber_is_abandoned,
             one_that_overflows_faults_in_its_guard,
             a_backtrace_ends_where_the_fiber_begins)
#endif
