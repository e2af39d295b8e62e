/* SPDX-License-Identifier: BSD-2-Clause */
/* backtrace.h - who called whom, from within a signal handler.
 *
 * By the unwinder of the compiler's library, which takes no lock and no memory
 * where the C library tells it of loaded objects without (glibc 2.35).  It
 * reads the stack it walks: on one that is broken it may fault, and whoever
 * calls it from a handler has to be ready for that. */
#ifndef OS_BACKTRACE_H
#define OS_BACKTRACE_H

#include <stddef.h>
#include <stdint.h>

/* The frames from the one that was interrupted at pc on, innermost first: pc,
 * then addresses to return to, as far as they lie below end_sp on the stack (0:
 * all of them).  How many; 0: pc is in no code that can be unwound.
 * [signal-safe] */
size_t backtrace_take(uintptr_t pc, uintptr_t end_sp, uintptr_t *frames,
                      size_t max);
/* Where the function begins that pc is in; 0: unknown. [signal-safe] */
uintptr_t backtrace_function(uintptr_t pc);
/* Do once what the first walk would otherwise do. [control] */
void backtrace_prepare(void);

#endif
