/* SPDX-License-Identifier: BSD-2-Clause */
/* hash.h - a fast keyed 64-bit hash for hash tables.
 *
 * Products of 64 x 64 bits folded to 64, sixteen bytes a step.  The multiplier
 * is made from the seed, so that without knowing it nobody can write keys that
 * collide; it is no cryptographic hash, and its values mean nothing outside
 * this process. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* The hash of n bytes; all 64 bits are good. [any] */
uint64_t hash_bytes(const void *p, size_t n, uint64_t seed);
/* A seed nobody can guess, from the kernel's random numbers.  A table takes
 * one when it is made. [any] */
uint64_t hash_seed_new(void);

#endif
