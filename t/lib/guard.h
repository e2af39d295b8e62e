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

/* The first usable byte; GUARD_MAX of them. */
GUARD_FN char *
guard_area(void)
{
    static __attribute__((
        aligned(GUARD_PAGE))) char pages[GUARD_MAX + 2 * GUARD_PAGE];
    char *area = pages + GUARD_PAGE;

    if (mprotect(pages, GUARD_PAGE, PROT_NONE) != 0 ||
        mprotect(area + GUARD_MAX, GUARD_PAGE, PROT_NONE) != 0)
        abort();
    return area;
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
