/* SPDX-License-Identifier: BSD-2-Clause */
/* fiber.c - what a switch of os/fiber.h takes, and what a fiber that waits
 * costs.
 *
 *     fiber [STACK_KIB [FIBERS]]
 *
 * Prints nanoseconds of a pair of fiber_enter and fiber_yield: of one fiber
 * again and again, the best of 20 rounds, and of FIBERS in turn, each of them
 * out of the cache by then; the same of making, entering and ending one; and
 * the bytes by which resident memory and page tables have grown per fiber that
 * waits. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "os/fiber.h"
#include "os/stacks.h"

#define ROUNDS 20
#define PAIRS 1000000

/* A line of /proc/self/status, in bytes. */
static double
status(const char *name)
{
    FILE *in = fopen("/proc/self/status", "re");
    char line[256];
    double kib = -1;

    CHECK(in != NULL);
    while (kib < 0 && fgets(line, sizeof line, in))
        if (strncmp(line, name, strlen(name)) == 0)
            kib = strtod(line + strlen(name), NULL);
    fclose(in);
    return kib * 1024;
}

static void
yield_for_ever(void *arg)
{
    for (;;)
        fiber_yield(arg);
}

static void
do_nothing(void *arg)
{
    (void)arg;
}

/* Nanoseconds of each of PAIRS, if that is less than any so far. */
static void
keep_least(double *least, uint64_t began)
{
    const double each = (double)(clock_mono_ns() - began) / PAIRS;

    *least = each < *least ? each : *least;
}

static void
one(struct stacks *pool)
{
    struct fiber f;
    void *stack = stacks_take(pool);
    double pair = 1e9, whole = 1e9;

    CHECK(stack != NULL);
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t began;
        fiber_make(&f, stack, pool->bytes, yield_for_ever, &f);
        began = clock_mono_ns();
        for (int i = 0; i < PAIRS; i++)
            CHECK(fiber_enter(&f) == 1);
        keep_least(&pair, began);
        fiber_abandon(&f);
        began = clock_mono_ns();
        for (int i = 0; i < PAIRS; i++) {
            fiber_make(&f, stack, pool->bytes, do_nothing, NULL);
            CHECK(fiber_enter(&f) == 0);
        }
        keep_least(&whole, began);
    }
    stacks_give(pool, stack);
    printf("enter and yield, one fiber: %.1f ns\n", pair);
    printf("make, enter and end: %.1f ns\n", whole);
}

static void
many(struct stacks *pool, uint32_t n)
{
    struct fiber *all = calloc(n, sizeof *all);
    double resident, tables;
    uint64_t began;

    CHECK(all != NULL);
    memset(all, 0xff, n * sizeof *all);
    resident = status("VmRSS:");
    tables = status("VmPTE:");
    began = clock_mono_ns();
    for (uint32_t i = 0; i < n; i++) {
        void *stack = stacks_take(pool);
        CHECK(stack != NULL);
        fiber_make(&all[i], stack, pool->bytes, yield_for_ever, &all[i]);
        CHECK(fiber_enter(&all[i]) == 1);
    }
    printf("first enter, stack taken and touched: %.0f ns\n",
           (double)(clock_mono_ns() - began) / n);
    printf("each of %u that wait: %.0f bytes resident, %.0f of page tables, "
           "%zu in its struct\n",
           n, (status("VmRSS:") - resident) / n,
           (status("VmPTE:") - tables) / n, sizeof *all);
    began = clock_mono_ns();
    for (int round = 0; round < 10; round++)
        for (uint32_t i = 0; i < n; i++)
            CHECK(fiber_enter(&all[i]) == 1);
    printf("enter and yield, %u in turn: %.1f ns\n", n,
           (double)(clock_mono_ns() - began) / 10 / n);
    for (uint32_t i = 0; i < n; i++) {
        fiber_abandon(&all[i]);
        stacks_give(pool, all[i].stack);
    }
    free(all);
}

int
main(int argc, char **argv)
{
    const size_t bytes = (argc > 1 ? strtoul(argv[1], NULL, 10) : 64) << 10;
    const uint32_t n = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 100000;
    struct stacks pool;
    uint64_t began;

    if (bytes == 0 || n == 0 ||
        stacks_init(&pool, bytes, n, STACKS_MARKED) < 0) {
        fprintf(stderr, "usage: %s [STACK_KIB [FIBERS]]\n", argv[0]);
        return 2;
    }
    one(&pool);
    many(&pool, n);
    (void)stacks_trim(&pool, n);
    began = clock_mono_ns();
    (void)stacks_trim(&pool, n);
    printf("trim: %.0f ns a stack\n", (double)(clock_mono_ns() - began) / n);
    stacks_fini(&pool);
    return 0;
}
