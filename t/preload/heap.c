/* SPDX-License-Identifier: BSD-2-Clause */
/* heap.c - counts the calls of the malloc family that threads make.
 *
 * For LD_PRELOAD.  $T_HEAP names a file of at least sizeof(struct heap_counts)
 * that is mapped and shared with the test.  Counted are calls from any thread
 * but the process's first one, which is the control thread of the server; the
 * callers of the first ones are kept, to be looked up in /proc/PID/maps.
 *
 * The work is done by glibc's own functions under their other names, so there
 * is nothing to look up and nothing to be careful about at start. */
#include "t/preload/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "t/preload/share.h"

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void *__libc_memalign(size_t align, size_t n);
void __libc_free(void *p);

static struct heap_counts *counts;

__attribute__((constructor)) static void
map_counts(void)
{
    counts = share_map("T_HEAP", sizeof *counts);
}

static void
count(const void *caller)
{
    static __thread int is_counted; /* 0: not known, 1: yes, -1: no */
    unsigned long n;

    if (!counts)
        return;
    if (is_counted == 0)
        is_counted = syscall(SYS_gettid) == getpid() ? -1 : 1;
    if (is_counted < 0)
        return;
    n = counts->n++;
    if (n - counts->since < HEAP_CALLERS)
        counts->caller[n - counts->since] = (unsigned long)caller;
}

#define COUNT() count(__builtin_return_address(0))

void *
malloc(size_t n)
{
    COUNT();
    return __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
    COUNT();
    return __libc_calloc(n, size);
}

void *
realloc(void *p, size_t n)
{
    COUNT();
    return __libc_realloc(p, n);
}

void *
reallocarray(void *p, size_t n, size_t size)
{
    size_t all;

    COUNT();
    if (__builtin_mul_overflow(n, size, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return __libc_realloc(p, all);
}

void *
memalign(size_t align, size_t n)
{
    COUNT();
    return __libc_memalign(align, n);
}

void *
aligned_alloc(size_t align, size_t n)
{
    COUNT();
    return __libc_memalign(align, n);
}

int
posix_memalign(void **p, size_t align, size_t n)
{
    COUNT();
    *p = __libc_memalign(align, n);
    return *p ? 0 : ENOMEM;
}

void
free(void *p)
{
    if (p)
        COUNT();
    __libc_free(p);
}
