/* SPDX-License-Identifier: BSD-2-Clause */
/* stacks.c - see stacks.h. */
#include "os/stacks.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/asan.h"

#ifndef MADV_GUARD_INSTALL /* Linux 6.13; older headers */
#define MADV_GUARD_INSTALL 102
#endif

#define SLAB_STACKS 64u

static uint32_t
n_slabs(const struct stacks *p)
{
    return (p->max - 1) / SLAB_STACKS + 1;
}

/* The last slab may be smaller. */
static size_t
slab_bytes(const struct stacks *p, uint32_t slab)
{
    const uint32_t left = p->max - slab * SLAB_STACKS;

    return (left < SLAB_STACKS ? left : SLAB_STACKS) * p->stride;
}

/* Emulators of other machines say yes to all advice and do nothing.  A kernel
 * does not know this one. */
static int
takes_any_advice(void)
{
    return madvise(NULL, 0, -1) == 0;
}

int
stacks_init(struct stacks *p, size_t bytes, uint32_t max,
            enum stacks_guard guard)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);

    CHECK(max > 0 && bytes > 0 && bytes < UINT32_MAX);
    CHECK(STACKS_GUARD_BYTES % page == 0);
    *p = (struct stacks){.max = max, .guard = guard};
    if (takes_any_advice())
        p->guard = STACKS_PROTECTED;
    p->bytes = (bytes + page - 1) / page * page;
    p->stride = STACKS_GUARD_BYTES + p->bytes;
    p->free = calloc(max, sizeof *p->free);
    p->slabs = calloc(n_slabs(p), sizeof *p->slabs);
    if (p->free && p->slabs)
        return 0;
    stacks_fini(p);
    return -ENOMEM;
}

void
stacks_fini(struct stacks *p)
{
    for (uint32_t i = 0; p->slabs && i < n_slabs(p) && p->slabs[i]; i++) {
        ASAN_UNPOISON(p->slabs[i], slab_bytes(p, i));
        munmap(p->slabs[i], slab_bytes(p, i));
    }
    free(p->slabs);
    free(p->free);
    p->slabs = p->free = NULL;
}

/* No huge pages: a stack that uses 4 KiB would use 2 MiB.  From Linux 6.7 on
 * MAP_STACK says so, too; a kernel that knows of none refuses, rightly. */
static char *
map_slab(size_t bytes)
{
    char *slab =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

    if (slab == MAP_FAILED)
        return NULL;
    (void)madvise(slab, bytes, MADV_NOHUGEPAGE);
    return slab;
}

/* EINVAL: the kernel does not know it, or memory is locked (mlockall), where it
 * cannot be.  So it will be for the next. */
static int
guard(struct stacks *p, char *at)
{
    if (p->guard == STACKS_MARKED) {
        if (madvise(at, STACKS_GUARD_BYTES, MADV_GUARD_INSTALL) == 0)
            return 0;
        if (errno != EINVAL)
            return -errno;
        p->guard = STACKS_PROTECTED;
    }
    return mprotect(at, STACKS_GUARD_BYTES, PROT_NONE) == 0 ? 0 : -errno;
}

/* One that was never taken.  What fails is tried again by the next. */
static char *
make(struct stacks *p)
{
    const uint32_t slab = p->n_made / SLAB_STACKS;
    char *at;

    if (p->n_made == p->max)
        return NULL;
    if (!p->slabs[slab])
        p->slabs[slab] = map_slab(slab_bytes(p, slab));
    if (!p->slabs[slab])
        return NULL;
    at = p->slabs[slab] + p->n_made % SLAB_STACKS * p->stride;
    if (guard(p, at) < 0)
        return NULL;
    p->n_made++;
    return at + STACKS_GUARD_BYTES;
}

void *
stacks_take(struct stacks *p)
{
    char *stack = p->n_free > 0 ? p->free[--p->n_free] : make(p);

    if (!stack)
        return NULL;
    if (p->n_idle > p->n_free)
        p->n_idle = p->n_free;
    if (p->n_clean > p->n_free)
        p->n_clean = p->n_free;
    p->n_out++;
    ASAN_UNPOISON(stack, p->bytes);
    return stack;
}

void
stacks_give(struct stacks *p, void *stack)
{
    CHECK(p->n_out > 0 && !ASAN_IS_POISONED(stack));
    p->n_out--;
    p->free[p->n_free++] = stack;
    ASAN_POISON(stack, p->bytes);
}

/* If the kernel refuses, a stack keeps its memory: nothing else is lost. */
uint32_t
stacks_trim(struct stacks *p, uint32_t most)
{
    uint32_t n = 0;

    for (; n < most && p->n_clean < p->n_idle; n++)
        (void)madvise(p->free[p->n_clean++], p->bytes, MADV_DONTNEED);
    if (n < most)
        p->n_idle = p->n_free;
    return n;
}

int
stacks_guard_of(const struct stacks *p, uintptr_t address)
{
    for (uint32_t i = 0; i * SLAB_STACKS < p->n_made; i++) {
        const uintptr_t at = address - (uintptr_t)p->slabs[i];

        if (at < slab_bytes(p, i))
            return at % p->stride < STACKS_GUARD_BYTES &&
                   i * SLAB_STACKS + at / p->stride < p->n_made;
    }
    return 0;
}
