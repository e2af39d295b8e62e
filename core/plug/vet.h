/* SPDX-License-Identifier: BSD-2-Clause */
/* vet.h - whether a file is a plugin that this server can use.
 *
 * Judges what elf.h found, before any code of the file runs: no note, another
 * ABI, a newer minor needed.  Refusals say what the file has, what the server
 * has and what to do. */
#ifndef PLUG_VET_H
#define PLUG_VET_H

#include <stddef.h>

#include "abi/etude_abi.h"
#include "base/check.h"
#include "base/diag.h"
#include "plug/elf.h"

/* The ET_P_* of this server: of the note, and of the descriptor behind it. */
#define VET_KNOWN_FLAGS (ET_P_UNMAP_OK | ET_P_ALWAYS_NEW | ET_P_EXEC)

/* Read the n bytes into *out and judge them.  0, or ERR_INVALID and e says why
 * (see why.h). [control] */
MUST_USE int vet_check(const void *p, size_t n, struct elf_info *out,
                       et_err *e);

/* Warn of what is allowed and will hurt: state shared between builds, static
 * TLS, functions and objects that another library's take the place of.  The
 * bytes of info must still be there. [control] */
void vet_warn(const struct elf_info *info, const char *path,
              const struct place *at, struct diag *d);

#endif
