/* SPDX-License-Identifier: BSD-2-Clause */
/* dso.h - dlopen and its family, with the error text at hand.
 *
 * Always RTLD_NOW | RTLD_LOCAL: a missing function is an error here and not
 * the end of the process at its first call, and one image's symbols never
 * bind another's.  Not thread-safe against other users of dlerror. */
#ifndef OS_DSO_H
#define OS_DSO_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

#define DSO_PATH_LEN 48
#define DSO_ERROR_LEN 512

/* "/proc/PID/fd/N" for an fd of this process: a name for the loader that no
 * other image has for as long as the fd stays open. [any] */
void dso_fd_path(char out[DSO_PATH_LEN], int fd);

/* Map path, relocate it and run its constructors.  NULL: error has the
 * loader's text (always NUL-terminated). [control] */
MUST_USE void *dso_open(const char *path, char error[DSO_ERROR_LEN]);
/* The address of a symbol of the image or of a library it needs, or NULL.
 * [control] */
void *dso_symbol(void *handle, const char *name);
/* Whether some object of the global scope (the program and the libraries it
 * is linked with) defines name: such a definition wins over the one of a later
 * image that exports the same name. [control] */
int dso_is_global(const char *name);
/* Where the image lies: [*start, *end), whole segments.  0, or -1 if the loader
 * does not say. [control] */
MUST_USE int dso_range(void *handle, uintptr_t *start, uintptr_t *end);
/* Where its code lies: [*start, *end), all executable segments; *base is what
 * the loader has added to addresses in the file.  0, or -1 if the loader does
 * not say or there is none. [control] */
MUST_USE int dso_code(void *handle, uintptr_t *base, uintptr_t *start,
                      uintptr_t *end);
/* The object that has address pc: its file's name ("" for the program), and
 * what the loader has added; NULL: none, or the C library does not tell without
 * a lock. [signal-safe] */
const char *dso_owner(uintptr_t pc, uintptr_t *base);
/* How many bytes from p on can be read, up to the end of a segment of whichever
 * object is loaded; 0: p is in none.  What is not an object's, such as the heap
 * and stacks, counts as none. [control] */
size_t dso_readable(const void *p);
/* The same of bytes that can be written; what the loader makes read-only when
 * it has relocated it cannot. [control] */
size_t dso_writable(const void *p);
/* Give the handle back; constructors' counterparts may run.  Says nothing
 * about whether the image is unmapped: ask dso_is_loaded. [control] */
void dso_close(void *handle);
/* Whether an image is mapped under this name. [control] */
int dso_is_loaded(const char *path);

#endif
