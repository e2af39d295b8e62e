/* SPDX-License-Identifier: BSD-2-Clause */
/* heap.h - the memory of OpenSSL: malloc's, kept in lists of the thread that
 * gave it back, so that a connection costs no call of malloc in the long run.
 *
 *     thread -> [ size class ] -> free block -> free block ...
 *
 * A block is malloc's own, without a header of ours: one that was made by
 * malloc itself may be given to us, and one of ours to free.  A list takes what
 * its thread gives back, wherever it is from; what a thread's lists hold is
 * bounded (HEAP_THREAD_BYTES), the rest goes back to malloc, and all of it when
 * the thread ends.  Larger blocks than HEAP_MAX_BYTES are never kept.
 *
 * Under AddressSanitizer nothing is kept: it is to see each block's end.  */
#ifndef TLS_HEAP_H
#define TLS_HEAP_H

#include <stddef.h>

#include "base/check.h"

#define HEAP_MAX_BYTES 32768u
#define HEAP_THREAD_BYTES (8u << 20)

/* From now on OpenSSL's memory is from here, in the whole process; once, before
 * it has any.  [any] */
void heap_install(void);
/* At least n bytes, not zeroed; NULL: no memory. [any] */
MUST_USE void *heap_take(size_t n);
/* The same bytes, at least n of them, maybe elsewhere; p stays if it fails.
 * [any] */
MUST_USE void *heap_retake(void *p, size_t n);
/* Give p back; NULL is fine. [any] */
void heap_give(void *p);
/* Bytes in the lists of the calling thread. [any] */
size_t heap_kept(void);

#endif
