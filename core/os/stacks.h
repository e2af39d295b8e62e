/* SPDX-License-Identifier: BSD-2-Clause */
/* stacks.h - a bounded pool of stacks of one size, each above a guard.
 *
 *     slab:   |guard|  stack 0  |guard|  stack 1  | ...        64 of them
 *             |<---- stride --->|
 *                         <-- grows
 *
 * A slab is one mapping, made when all stacks of the last one have been used; a
 * stack gets its guard when it is first taken, and uses memory as it is
 * touched.  The guard is wider than a page, as a frame that is larger than that
 * may jump over it.  Where the kernel has guards for parts of a mapping (Linux
 * 6.13) they cost next to nothing; elsewhere each is a mapping of its own, and
 * vm.max_map_count is how many of these a process may have (two a stack).
 *
 * Given back they are LIFO: the one that is still in the cache is next.
 *
 *     free[]:  | clean | idle |      |
 *              0    n_clean n_idle n_free
 *
 * idle: nobody has taken them since the last stacks_trim; clean: they use no
 * memory, either.  Invariants: n_clean <= n_idle <= n_free;
 * n_out + n_free = n_made <= max.  One thread has it; no locks. */
#ifndef OS_STACKS_H
#define OS_STACKS_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define STACKS_GUARD_BYTES (64u << 10)

enum stacks_guard {
    STACKS_MARKED,    /* by MADV_GUARD_INSTALL; where that fails: as below */
    STACKS_PROTECTED, /* by PROT_NONE */
};

struct stacks {
    size_t bytes, stride;
    enum stacks_guard guard;
    uint32_t max;
    uint32_t n_made; /* ever taken */
    uint32_t n_out;
    uint32_t n_free, n_idle, n_clean;
    char **free;
    char **slabs;
};

/* At most max (> 0) stacks of so many bytes (> 0), rounded up to pages; stacks
 * of less than 4 GiB.  Maps nothing yet.  0 or -ENOMEM. [worker] */
MUST_USE int stacks_init(struct stacks *p, size_t bytes, uint32_t max,
                         enum stacks_guard guard);
/* Unmap all of them, also those that are out. [worker] */
void stacks_fini(struct stacks *p);
/* The lowest address of a stack of p->bytes, its contents anything; NULL: max
 * are out, or memory or mappings are short. [worker] */
MUST_USE void *stacks_take(struct stacks *p);
/* Give one back: nobody runs on it.  ASan lets nobody touch it, either, until
 * it is taken again. [worker] */
void stacks_give(struct stacks *p, void *stack);
/* Give the memory of idle stacks back to the kernel, of at most so many; the
 * next call goes on from there.  How many it were: if less than most, that was
 * all, and who is idle is counted anew from now on. [worker] */
uint32_t stacks_trim(struct stacks *p, uint32_t most);
/* Whether a stack overflowed if this address was touched: it is in a guard.
 * [signal-safe] */
int stacks_guard_of(const struct stacks *p, uintptr_t address);

#endif
