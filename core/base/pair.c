/* SPDX-License-Identifier: BSD-2-Clause */
/* pair.c - see pair.h. */
#include "base/pair.h"

/* Every x86-64 that this kernel interface is found on has cmpxchg16b; the
 * compiler wants to be told.  No library: a lock in this process would be none
 * for the others. */
#if defined __x86_64__
#define HAS_WIDE_SWAP __attribute__((target("cx16")))
#elif defined __aarch64__
#define HAS_WIDE_SWAP
#else
#error "pair.c: no compare-and-swap of 16 bytes is known for this machine"
#endif

__extension__ typedef unsigned __int128 wide;

static wide
both(uint64_t a, uint64_t b)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (wide)b << 64 | a;
#else
    return (wide)a << 64 | b;
#endif
}

/* The thread sanitizer's own would take a lock, which is none for the others
 * either; what it cannot see here are loads and stores that it knows. */
HAS_WIDE_SWAP __attribute__((no_sanitize("thread"))) int
pair_swap(struct pair *p, uint64_t was_a, uint64_t was_b, uint64_t a,
          uint64_t b)
{
    return __sync_bool_compare_and_swap((wide *)(void *)p, both(was_a, was_b),
                                        both(a, b));
}
