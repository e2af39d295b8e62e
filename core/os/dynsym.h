/* SPDX-License-Identifier: BSD-2-Clause */
/* dynsym.h - the exported function that an address of a loaded object is in.
 *
 * As dladdr(3), but safe in a signal handler: it takes no lock, and reads the
 * tables that the loader has mapped.  Of functions an object does not export it
 * knows nothing: the nearest one in front of the address is the answer only if
 * it says that it reaches so far. */
#ifndef OS_DYNSYM_H
#define OS_DYNSYM_H

#include <stdint.h>

/* The name of the function at pc, and how far into it that is; NULL: unknown.
 * [signal-safe] */
const char *dynsym_find(uintptr_t pc, uint64_t *off);

#endif
