/* SPDX-License-Identifier: BSD-2-Clause */
/* asan.h - what the pools tell AddressSanitizer; nothing in other builds.
 *
 * The pools of base cut their own memory, so the sanitizer sees one large
 * mapping.  They say which bytes nobody may touch, and leave red zones between
 * neighbours. */
#ifndef BASE_ASAN_H
#define BASE_ASAN_H

#if defined(__SANITIZE_ADDRESS__)
#define ASAN_ON 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN_ON 1
#endif
#endif
#ifndef ASAN_ON
#define ASAN_ON 0
#endif

#if ASAN_ON
#include <sanitizer/asan_interface.h>
#define ASAN_POISON(p, n) __asan_poison_memory_region((p), (n))
#define ASAN_UNPOISON(p, n) __asan_unpoison_memory_region((p), (n))
#define ASAN_IS_POISONED(p) __asan_address_is_poisoned(p)
#else
#define ASAN_POISON(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON(p, n) ((void)(p), (void)(n))
#define ASAN_IS_POISONED(p) ((void)(p), 0)
#endif

/* Bytes left unused, and poisoned, after each piece of len bytes. */
#define ASAN_RED_ZONE(len) (ASAN_ON ? (len) : 0)

#endif
