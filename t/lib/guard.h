/* SPDX-License-Identifier: BSD-2-Clause */
/* guard.h - bytes between two pages nobody may touch.
 *
 * A test copies its input here and hands it to what it tests: the read of one
 * byte too many, at either side, is a SIGSEGV and not luck.  Everything static;
 * one area per program, used again by each call; it is the program's own data,
 * as tables of a plugin are. */
#ifndef T_LIB_GUARD_H
#define T_LIB_GUARD_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define GUARD_PAGE 65536u /* a multiple of the page size of any machine */
#define GUARD_MAX (16u * GUARD_PAGE)
#define GUARD_FN __attribute__((unused)) static

static __attribute__((
    unused, aligned(GUARD_PAGE))) char guard_pages[GUARD_MAX + 2 * GUARD_PAGE];

GUARD_FN void
guard_set(int protection)
{
    char *end = guard_pages + GUARD_PAGE + GUARD_MAX;

    if (mprotect(guard_pages, GUARD_PAGE, protection) != 0 ||
        mprotect(end, GUARD_PAGE, protection) != 0)
        abort();
}

/* LeakSanitizer looks into all of a program's data at its end. */
GUARD_FN void
guard_lift(void)
{
    guard_set(PROT_READ | PROT_WRITE);
}

/* The first usable byte; GUARD_MAX of them. */
GUARD_FN char *
guard_area(void)
{
    static int is_set;

    if (!is_set) {
        guard_set(PROT_NONE);
        atexit(guard_lift);
    }
    is_set = 1;
    return guard_pages + GUARD_PAGE;
}

/* A copy of n bytes that ends where the guard begins. */
GUARD_FN char *
guard_end(const void *p, size_t n)
{
    if (n > GUARD_MAX)
        abort();
    return memcpy(guard_area() + GUARD_MAX - n, p, n);
}

/* A copy of n bytes that begins where the guard ends. */
GUARD_FN char *
guard_begin(const void *p, size_t n)
{
    if (n > GUARD_MAX)
        abort();
    return memcpy(guard_area(), p, n);
}

#endif
