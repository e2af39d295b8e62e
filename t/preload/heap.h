/* SPDX-License-Identifier: BSD-2-Clause */
/* heap.h - what heap.so tells the test that loaded it into a server. */
#ifndef T_PRELOAD_HEAP_H
#define T_PRELOAD_HEAP_H

#include <stdatomic.h>
#include <stddef.h>

#define HEAP_CALLERS 8

struct heap_counts {
    _Atomic unsigned long n;            /* calls since the start */
    unsigned long since;                /* the test's: keep callers from here */
    unsigned long caller[HEAP_CALLERS]; /* of calls since, since + 1, ... */
};

void *memalign(size_t align, size_t n);

#endif
