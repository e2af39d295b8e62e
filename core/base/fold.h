/* SPDX-License-Identifier: BSD-2-Clause */
/* fold.h - memory that is mostly zeros, as what of it is not.
 *
 *     0 0 7 0 0 0 9 0 ...  ->  [ a bit for each of 32 words | 7 | 9 ] [ ... */
#ifndef BASE_FOLD_H
#define BASE_FOLD_H

#include <stddef.h>

/* Bytes that are folded together. */
#define FOLD_BYTES 128u

/* All sizes are bytes, all memory is aligned to a word, and n is a multiple of
 * FOLD_BYTES. */
/* What fold_pack makes of the n at p. [any] */
size_t fold_size(const void *p, size_t n);
/* Fold the n at p: where what is written to `to` ends. [any] */
void *fold_pack(void *to, const void *p, size_t n);
/* The reverse, to p: where what has been read ends. [any] */
const void *fold_unpack(const void *from, void *p, size_t n);

#endif
