/* SPDX-License-Identifier: BSD-2-Clause */
/* pair.h - two 64-bit words that change as one.
 *
 * What has to hold for both of two words is said by comparing and swapping
 * both: the one is a number and the other says whose it is.  Either may be
 * read by itself; who needs them to belong together reads them, and compares.
 * Pairs work in memory that processes share. */
#ifndef BASE_PAIR_H
#define BASE_PAIR_H

#include <stdatomic.h>
#include <stdint.h>

struct pair {
    _Alignas(16) _Atomic uint64_t a;
    _Atomic uint64_t b;
};

/* Make it (a, b) if it is (was_a, was_b); whether it was.  A full barrier.
 * [any] */
int pair_swap(struct pair *p, uint64_t was_a, uint64_t was_b, uint64_t a,
              uint64_t b);

#endif
