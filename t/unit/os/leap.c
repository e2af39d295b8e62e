/* SPDX-License-Identifier: BSD-2-Clause */
/* leap.c - calls that end, and calls that are left. */
/* tags: asan */
#include "os/leap.h"

#include "t/lib/unit.h"

static struct leap inner, outer;

static int
end(void *arg)
{
    return *(int *)arg;
}

/* From some depth, with what compilers keep in registers in use. */
static __attribute__((noinline)) int
leave(int depth, double x)
{
    volatile int room[64];

    room[depth] = depth;
    if (depth == 0)
        leap_leave(&inner);
    return depth > 1000 ? 0 : leave(depth - 1, x * 1.5) + room[depth] + (int)x;
}

static int
leave_deep(void *arg)
{
    return leave(*(int *)arg, 2.0);
}

static int
nest(void *arg)
{
    return leap_call(&inner, leave_deep, arg) == LEAP_LEFT ? 7 : 0;
}

START_TEST(a_call_returns_what_its_function_does)
{
    int n = 42;

    ck_assert_int_eq(leap_call(&inner, end, &n), 42);
    n = 0;
    ck_assert_int_eq(leap_call(&inner, end, &n), 0);
}
END_TEST

START_TEST(one_that_is_left_says_so_and_harms_nothing)
{
    int depth = 20;
    long a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
    double x = 0.5;

    for (int i = 0; i < 1000; i++) {
        ck_assert_int_eq(leap_call(&inner, leave_deep, &depth), LEAP_LEFT);
        a += b;
        b += c;
        c += d;
        d += e;
        e += f;
        f += i;
        x += 0.5;
    }
    ck_assert(x == 500.5);
    ck_assert_int_eq(f, 6 + 999 * 500);
    ck_assert_int_ne(a, 0);
}
END_TEST

START_TEST(the_inner_one_leaves_the_outer_alone)
{
    int depth = 3;

    ck_assert_int_eq(leap_call(&outer, nest, &depth), 7);
}
END_TEST

#if LEAP_KNOWN
UNIT_MAIN(leap, a_call_returns_what_its_function_does,
          one_that_is_left_says_so_and_harms_nothing,
          the_inner_one_leaves_the_outer_alone)
#else
UNIT_MAIN(leap, a_call_returns_what_its_function_does)
#endif
