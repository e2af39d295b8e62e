/* SPDX-License-Identifier: BSD-2-Clause */
/* check.h - assertions that stay on in release builds.
 *
 * CHECK is for what cannot happen unless the program is wrong: a broken
 * invariant, a magic that does not match.  Never for a system call, never for
 * input, never for memory. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stddef.h>

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* Write "file:line: check failed: text" to stderr and abort. [any] */
_Noreturn void check_failed(const char *file, int line, const char *text);

#define CHECK(x) (LIKELY(x) ? (void)0 : check_failed(__FILE__, __LINE__, #x))

/* The object that embeds member, given a pointer to the member. */
#define CONTAINER_OF(ptr, type, member)                                        \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF(a, b) __attribute__((format(printf, a, b)))

#endif
