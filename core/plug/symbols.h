/* SPDX-License-Identifier: BSD-2-Clause */
/* symbols.h - the names of an image's functions, for who reads a crash.
 *
 *     [ struct symbols | n x { at, size, name } by rising at | names ]
 *
 * A copy that nobody can write to, made of the file's symbol table before any
 * code of it runs: a signal handler looks names up in it whatever state memory
 * is in.  Addresses are those in the file (from 0 on).  As in elf.h, nothing
 * the file says is followed before it is checked. */
#ifndef PLUG_SYMBOLS_H
#define PLUG_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

#include "base/check.h"

struct symbols;

/* Of the n bytes of an ELF file: its functions by .symtab, or by .dynsym if it
 * is stripped; NULL: it names none, or there is no memory. [control] */
MUST_USE struct symbols *symbols_new(const void *p, size_t n);
void symbols_free(struct symbols *s);
/* The function that has address at, or NULL; *off is how far into it that is.
 * s may be NULL. [signal-safe] */
const char *symbols_find(const struct symbols *s, uint64_t at, uint64_t *off);

#endif
